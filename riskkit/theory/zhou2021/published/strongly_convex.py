r"""Theorems 1 and 2 and Corollary 1 as printed: strongly convex losses. (The slides' Theorem 2.)

Setting: the package's, with its letters; what a theorem asks for stands with its bounds.
Step size: ``first_step``.
Published:
    Theorem 1, F_S lam-strongly convex, eta_j = (lam+L)/(lam L (j+2)), last iterate:
        a < 1/2   (3L/2) ((k+2)/q)^(2a) D^2 + 16 L G^2/(lam^2 (1-2a) q^(2a))
        a = 1/2   (3L/2) ((k+2)/q) D^2      + 16 L G^2 log(kT+2)/(lam^2 q)
        a > 1/2   4L ((k+2)/q)^(2a) D^2     + 90 L G^2/(lam^2 (2a-1)(kT+2))
        and 2/L times that for the squared distance to theta*_S.
    Theorem 2, every l(.; z) lam-strongly convex, the same step:
        generalization, last      (16 G^2/(n lam)) ((kT+1)^a - 1)/q^a
    Corollary 1: the sum of the two, with 16 G in place of 16 G^2.
Proved, ``strongly_convex`` being the slides' module:
    Theorem 1: r_T of ``strongly_convex``, with h = lam L/(lam+L) for lam there (strong convexity holds with any
        smaller constant).
    Theorem 2: for every L/lam, min over j_b of  M j_b/n + G delta_T(j_b), where delta = 0 for the first j_b gradients,
        then delta <- max(1 - eta_j lam, eta_j L - 1) delta + 2 eta_j G/n for a fast step, and a round mixes by alpha.
        Proof. An example that is met in the first j_b steps (probability at most j_b/n) changes the loss by at most M.
        Else the runs agree until then. l - (lam/2)||.||^2 is convex and (L-lam)-smooth, so that a step of *any* length
        on a common example expands by at most max(|1 - eta lam|, |1 - eta L|); the replaced one, met with probability
        1/n, adds at most 2 eta G. The outer step mixes, and l is G-Lipschitz. For eta_0 <= 2/(lam+L) and j_b = 0 this
        is ``strongly_convex.GENERALIZATION``. Or, where that is smaller, G times
            delta_t = (1 - a + a p_t) delta_{t-1} + a w_t,
        p_t and w_t as above (from one step to the next) for a round with all eta_j <= 2/L, else with K_j = max(0, 1 -
        2 lam eta_j) and products over the later j of the round
            p_t = sqrt(prod K_j),  w_t = min(1, tk/n) sqrt(sum 4 eta_j^2 G^2 prod K) + sum (2 eta_j G/n) prod sqrt(K).
        Proof. ||v+ - v'+||^2 = d^2 - 2 eta <g - g', v - v'> + eta^2 ||g - g'||^2 <= K d^2 + 4 eta^2 G^2 on a common
        example, for every eta, by strong convexity and ||g||, ||g'|| <= G; nothing is added while d = 0, that is until
        the replaced example is met. sqrt(K x^2 + c) <= sqrt(K) x + sqrt(c), and increments of x pass with factors
        sqrt(K): the replaced example's 2 eta G (probability 1/n) and the round's start. A round thus ends at most at
        p_t delta_{t-1}, plus the root of the sum if the example was met by then (probability at most tk/n), plus the
        last sum. The loss of one example varies by at most G diam <= 2 G^2/lam, since 2 G >= lam diam (gradients are
        strongly monotone); that stands for M where it is smaller. Then both bounds can be compared with the printed
        one, and where one of them lies below it the printed bound is true.
Source: Zhou et al., NeurIPS 2021, supplement, p. 4-8.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.steps import InverseTime
from riskkit.problem import Constants
from riskkit.theory.bound import At, Floats, Inequality
from riskkit.theory.hypotheses import Hypothesis, finite, one_stage, strongly_convex_examples
from riskkit.theory.hypotheses import strongly_convex as is_strongly_convex
from riskkit.theory.recursion import fold, scan
from riskkit.theory.zhou2021 import strongly_convex
from riskkit.theory.zhou2021.published.setting import (
    BurnIn,
    Excess,
    Optimization,
    Stability,
    burn_in,
    claim_of,
    proved_of,
    reached,
    run_of,
    supplement,
    titled,
)
from riskkit.theory.zhou2021.published.steps import first_step, own_step, sizes
from riskkit.theory.zhou2021.setting import setting_of


class BurntExcess(NamedTuple):
    initial: Floats
    noise: Floats
    boundary: Floats
    burn_in: Floats
    stability: Floats


def _distance1(at: At) -> Optimization:
    return _distance(at, at.constants.lam)


def _distance(at: At, lam: float) -> Optimization:
    T, k, a, _, c = run_of(at)
    q, ratio = (T + 1) * k + 2, (c.G / lam) ** 2
    start = (k + 2) / q
    if a < 0.5:
        return Optimization(3 * start ** (2 * a) * at.D2, 32 * ratio / (q ** (2 * a) * (1 - 2 * a)))
    if a == 0.5:
        return Optimization(3 * start * at.D2, 32 * ratio * np.log(k * T + 2) / q)
    return Optimization(8 * start ** (2 * a) * at.D2, 180 * ratio / ((2 * a - 1) * (k * T + 2)))


def _optimization1(at: At) -> Optimization:
    return _optimization(at, at.constants.lam)


def _optimization(at: At, lam: float) -> Optimization:
    """Nothing where theta*_S lies on the boundary of Theta: smoothness at a stationary minimizer is used."""
    half = at.constants.L / 2 if at.g2 <= 1e-12 * at.constants.G**2 else math.nan
    initial, noise = _distance(at, lam)
    return Optimization(half * initial, half * noise)


def _stability2(at: At) -> Stability:
    """16 G (the distance of two runs)."""
    T, k, a, n, c = run_of(at)
    grown = np.expm1(a * np.log1p(k * T)) / ((T + 1) * k + 2) ** a
    return Stability(16 * c.G / (n * c.lam_example) * grown)


def _generalization2(at: At) -> Stability:
    return Stability(at.constants.G * _stability2(at).stability)


def _excess1(at: At) -> Excess:
    return Excess(*_optimization(at, at.constants.lam_example), *_stability2(at))


def _contraction2(at: At) -> tuple[Floats, Floats]:
    eta, c = sizes(at), at.constants
    return np.maximum(1 - eta * c.lam_example, eta * c.L - 1), 2 * c.G / at.n * eta


def _proved_generalization2(at: At) -> BurnIn:
    """The smaller of the two proved bounds at each checkpoint."""
    c = at.constants
    burnt = burn_in(at, *_contraction2(at), run_of(at).alpha, min(c.M, 2 * c.G**2 / c.lam_example))
    monotone = c.G * _monotone2(at)
    fewer = burnt.burn_in + burnt.stability <= monotone
    return BurnIn(np.where(fewer, burnt.burn_in, 0.0), np.where(fewer, burnt.stability, monotone))


def _monotone2(at: At) -> Floats:
    """E||theta_T(S) - theta_T(S^i)|| at the checkpoints by rounds that may have long steps."""
    _, k, a, n, c = run_of(at)
    last = at.rounds - 1
    if a == 1:  # SGD, for which rounds of one step mix least
        k, last = 1, k * at.rounds - 1
    eta = sizes(at).reshape(-1, k)
    kept, step = np.maximum(0, 1 - 2 * c.lam_example * eta), 2 * c.G * eta
    squared, spread = fold(kept, step**2)
    met = np.minimum(1, k * np.arange(1, len(eta) + 1) / n)
    long_p, long_w = np.sqrt(squared), met * np.sqrt(spread) + fold(np.sqrt(kept), step / n)[1]
    with np.errstate(over="ignore"):
        p, w = fold(np.maximum(1 - eta * c.lam_example, eta * c.L - 1), step / n)
    short = (eta * c.L <= 2).all(axis=1)
    p, w = np.where(short, p, long_p), np.where(short, w, long_w)
    return scan(1 - a + a * p, a * w)[1][last]


def _proved_stability2(at: At) -> Stability:
    """Without a burn-in, which bounds losses and no distance."""
    _, k, a, _, _ = run_of(at)
    factor, gain = (part.reshape(-1, k) for part in _contraction2(at))
    with np.errstate(over="ignore", invalid="ignore"):
        p, w = fold(factor, gain)
        delta, reached = 0.0, np.empty(len(p))
        for t in range(len(p)):
            delta = min((1 - a + a * p[t]) * delta + a * w[t], 1e300)
            reached[t] = delta
    return Stability(np.nan_to_num(reached, nan=math.inf, posinf=math.inf)[at.rounds - 1])


def _proved_excess1(at: At) -> BurntExcess:
    initial, noise, boundary = strongly_convex.OPTIMIZATION.explicit(setting_of(at))
    return BurntExcess(initial, noise, boundary, *_proved_generalization2(at))


_T1, _S1 = titled("theorem1")

_T2, _S2 = titled("theorem2")

_C1, _SC = titled("corollary1")

_FORMULA1 = "(lam+L)/(lam L (j+2))"


def _of_losses(constants: Constants, _: float) -> InverseTime:
    """The step of a theorem in which lam is the strong convexity of every l(.; z)."""
    return first_step(dataclasses.replace(constants, lam=constants.lam_example))


def _each(title: str) -> tuple[Hypothesis, ...]:
    return (
        one_stage(title),
        is_strongly_convex(title),
        strongly_convex_examples(title),
        finite(title, "G", "L"),
        own_step(title, _FORMULA1, _of_losses),
        reached(title),
    )


_RUN1 = (
    _S1,
    one_stage(_T1),
    is_strongly_convex(_T1),
    finite(_T1, "G", "L"),
    own_step(_T1, _FORMULA1, lambda constants, _: first_step(constants)),
    reached(_T1),
)

_RUN2 = (_S2, *_each(_T2))

_RUNC = (_SC, *_each(_C1))

_START = r"\left(\frac{k+2}{q}\right)"

_OPTIMIZATION1 = (
    rf"\frac{{3L}}{{2}}{_START}^{{2\alpha}}D^2 + \frac{{16LG^2}}{{\lambda^2(1-2\alpha)q^{{2\alpha}}}}"
    rf"\;(\alpha<\frac{{1}}{{2}})"
)

_SMALLER = r",\;\frac{\lambda L}{\lambda+L}\;\mathrm{for}\;\lambda\;\mathrm{in}\;r_T"

_BURN_IN2 = r"\min_{0\leq j_b\leq kT}\left(\frac{Mj_b}{n} + G\,\delta_T(j_b)\right)"

_STABILITY2 = r"\frac{((kT+1)^\alpha-1)}{q^\alpha}"

DISTANCE_1 = Inequality(
    name="paper.theorem1.distance.last",
    title=_T1,
    quantity="distance",
    output="last",
    source=supplement("p. 4-6"),
    hypotheses=_RUN1,
    published=_distance1,
    proved=proved_of(strongly_convex.DISTANCE),
    statement=strongly_convex.DISTANCE.statement + _SMALLER,
    published_statement=r"\frac{2}{L}\left(" + _OPTIMIZATION1 + r"\right)",
)

OPTIMIZATION_1 = Inequality(
    name="paper.theorem1.optimization.last",
    title=_T1,
    quantity="optimization",
    output="last",
    source=supplement("p. 4-6"),
    hypotheses=_RUN1,
    claim=claim_of(strongly_convex.OPTIMIZATION),
    published=_optimization1,
    proved=proved_of(strongly_convex.OPTIMIZATION),
    statement=strongly_convex.OPTIMIZATION.statement + _SMALLER,
    published_statement=_OPTIMIZATION1,
    claim_statement=strongly_convex.OPTIMIZATION.claim_statement,
)

STABILITY_2 = Inequality(
    name="paper.theorem2.stability.last",
    title=_T2,
    quantity="stability",
    output="last",
    source=supplement("p. 7-8"),
    hypotheses=_RUN2,
    published=_stability2,
    proved=_proved_stability2,
    statement=r"\delta_T(0)",
    published_statement=r"\frac{16G}{n\lambda}" + _STABILITY2,
)

GENERALIZATION_2 = Inequality(
    name="paper.theorem2.generalization.last",
    title=_T2,
    quantity="generalization",
    output="last",
    source=supplement("p. 7-8"),
    hypotheses=_RUN2,
    claim=claim_of(strongly_convex.GENERALIZATION),
    published=_generalization2,
    proved=_proved_generalization2,
    statement=_BURN_IN2,
    published_statement=r"\frac{16G^2}{n\lambda}" + _STABILITY2,
    claim_statement=strongly_convex.GENERALIZATION.claim_statement,
)

EXCESS_1 = Inequality(
    name="paper.corollary1.excess.last",
    title=_C1,
    quantity="excess",
    output="last",
    source=supplement("p. 8"),
    hypotheses=_RUNC,
    claim=claim_of(strongly_convex.EXCESS),
    published=_excess1,
    proved=_proved_excess1,
    statement=f"{strongly_convex.OPTIMIZATION.statement} + {_BURN_IN2}" + _SMALLER,
    published_statement=_OPTIMIZATION1 + r" + \frac{16G}{n\lambda}" + _STABILITY2,
    claim_statement=strongly_convex.EXCESS.claim_statement,
)
