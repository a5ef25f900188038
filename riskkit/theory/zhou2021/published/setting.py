"""What the printed theorems share: their numbers, what a bound reads, the terms that it has, and the burn-in."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import Algorithm
from riskkit.algorithms.steps import first_size
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats, Source, Terms
from riskkit.theory.hypotheses import Hypothesis, staged, within_reach
from riskkit.theory.zhou2021.setting import PAPER, StagedInequality, setting_of

TITLES = {
    "theorem1": "Theorem 1 of the paper (slide 2)",
    "theorem2": "Theorem 2 of the paper (slide 2)",
    "corollary1": "Corollary 1 of the paper (slide 2)",
    "theorem3": "Theorem 3 of the paper (slide 1)",
    "theorem4": "Theorem 4 of the paper (slide 3)",
    "theorem5": "Theorem 5 of the paper (slide 4)",
    "theorem6": "Theorem 6 of the paper (slide 4)",
}
"""The paper's numbers with the slides' beside them."""


def _staged(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        return staged(title, problem, algorithm)

    return ask


def titled(name: str) -> tuple[str, Hypothesis]:
    return TITLES[name], _staged(TITLES[name])


def supplement(pages: str) -> Source:
    return PAPER._replace(place=f"supplement, {pages}")


def reached(title: str) -> Hypothesis:
    """As ``within_reach``; at k = 1 gradients are taken at slow weights alone, which move with steps alpha eta."""
    usual = within_reach(title)

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage = algorithm.stages[0]
        if stage.k > 1:
            return usual(problem, algorithm)
        eta, most = stage.alpha * first_size(stage.step, stage.T, stage.k), getattr(problem, "largest_step", math.inf)
        if eta <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return f"{title} needs alpha eta <= {most:.4g} on {problem.name}, for which its constants hold; got {eta:.4g}."

    return ask


class Run(NamedTuple):
    """One stage of lookahead at its checkpoints: T (K,), the rest numbers."""

    T: Floats
    k: int
    alpha: float
    n: int
    constants: Constants


def run_of(at: At) -> Run:
    (stage,) = at.algorithm.stages
    return Run(at.rounds.astype(np.float64), stage.k, stage.alpha, at.n, at.constants)


def proved_of(bound: StagedInequality) -> Callable[[At], Terms]:
    """The proved form of a slide's bound, as a function of ``At``."""

    def evaluated(at: At) -> Terms:
        return bound.explicit(setting_of(at))

    return evaluated


def claim_of(bound: StagedInequality) -> Callable[[At], Terms]:
    def evaluated(at: At) -> Terms:
        return bound.claim(setting_of(at))

    return evaluated


class Optimization(NamedTuple):
    """What is left of the start, and the noise."""

    initial: Floats
    noise: Floats


class Stability(NamedTuple):
    stability: Floats


class BurnIn(NamedTuple):
    """M j_b/n and G delta_T(j_b) at the best burn-in."""

    burn_in: Floats
    stability: Floats


class Excess(NamedTuple):
    initial: Floats
    noise: Floats
    stability: Floats


def kept_near(at: At, factor: Floats, gain: Floats, alpha: float, most: float) -> Floats:
    """E||theta_T - theta'_T|| at the checkpoints by delta <- min(most, factor_j delta + gain_j) for a fast step, where
    no two iterates are further apart than ``most``. factor and gain: (J,), J the gradients of the longest run.

    A round of such steps is x -> min(c, a x + b) again.
    """
    k = run_of(at).k
    factors, gains = factor.reshape(-1, k), gain.reshape(-1, k)
    a, b, c = np.ones(len(factors)), np.zeros(len(factors)), np.full(len(factors), most)
    with np.errstate(over="ignore", invalid="ignore"):
        for tau in range(k):
            a, b = factors[:, tau] * a, factors[:, tau] * b + gains[:, tau]
            c = np.minimum(most, factors[:, tau] * c + gains[:, tau])
    delta, reached = 0.0, []
    for ahead, added, nearest in zip(a.tolist(), b.tolist(), c.tolist(), strict=True):
        grown = ahead * delta + added if delta else added
        grown = math.inf if math.isnan(grown) else min(grown, sys.float_info.max)
        delta = (1 - alpha) * delta + alpha * min(nearest, grown)
        reached.append(delta)
    return np.array(reached)[at.rounds - 1]


def burn_in(at: At, factor: Floats, gain: Floats, alpha: float, most: float) -> BurnIn:
    """min over j_b of most j_b/n + G delta_T(j_b) at the checkpoints, with delta <- factor_j delta + gain_j for a fast
    step after the first j_b. factor and gain: (J,), J the gradients of the longest run.

    The recursion is linear and starts at 0, so that delta_T(j_b) is the sum over j >= j_b of what gain_j has grown to.
    ``most``: by how much an example's loss can vary; where it is infinite j_b = 0.
    """
    _, k, _, n, c = run_of(at)
    price = most / n
    burnt, stable = np.empty(at.rounds.shape), np.empty(at.rounds.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        factors, gains = factor.reshape(-1, k), gain.reshape(-1, k)
        later = np.ones_like(factors)
        for tau in range(k - 2, -1, -1):
            later[:, tau] = later[:, tau + 1] * factors[:, tau + 1]
        grown, mixed = alpha * gains * later, 1 - alpha + alpha * later[:, 0] * factors[:, 0]
        for place, T in enumerate(at.rounds.tolist()):
            after = np.append(np.cumprod(mixed[1:T][::-1])[::-1], 1.0)
            delta = np.cumsum((grown[:T] * after[:, None]).ravel()[::-1])[::-1]
            delta = np.nan_to_num(np.append(delta, 0.0), nan=math.inf, posinf=math.inf)
            if not math.isfinite(price):
                burnt[place], stable[place] = 0.0, c.G * delta[0]
                continue
            best = int((c.G * delta + price * np.arange(delta.size)).argmin())
            burnt[place], stable[place] = price * best, c.G * delta[best]
    return BurnIn(burnt, stable)
