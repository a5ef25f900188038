"""The printed step sizes, and what it is to be one of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from riskkit.algorithms.staged import SLRLA, Algorithm, Stage
from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats
from riskkit.theory.hypotheses import Hypothesis


def first_step(constants: Constants) -> InverseTime:
    """Theorems 1 and 2: (lam+L)/(lam L (j+2))."""
    return InverseTime(constants.lam * constants.L / (constants.lam + constants.L), 2.0)


def horizon_step(D: float, G: float, alpha: float) -> SqrtHorizon:
    """Theorem 3: sqrt(D^2/(alpha kT G^2)). D must be known before S is drawn."""
    return SqrtHorizon(D / (math.sqrt(alpha) * G))


def decay_step(constants: Constants) -> InverseTime:
    """Theorem 4, optimization: 1/(mu (j+1))."""
    return InverseTime(constants.mu, 1.0)


def divided_step(constants: Constants, alpha: float) -> InverseTime:
    """Theorem 4, generalization: 1/(alpha mu (j+1))."""
    return InverseTime(alpha * constants.mu, 1.0)


def stages(
    constants: Constants, eps0: float, S: int, alpha: float, k: int, beta: float | None = None, r: float = 1.0
) -> Algorithm:
    """The S stages of Theorem 5, and with mu for lam of Theorem 6; as short as allowed. ``beta``: default m/6.

    ``eps0`` must be at least E[F_S(theta_0) - F_S*] and fixed before S is drawn.
    """
    modulus = constants.lam or constants.mu
    made = []
    for s in range(S):
        eta = r * eps0 / 2**s / (3 * constants.G**2)
        rounds = math.ceil(6 / (modulus * r * alpha * eta) / k * (1 - 1e-12))
        made.append(Stage(rounds, k, alpha, Constant(eta), modulus / 6 if beta is None else beta, "average"))
    return SLRLA(made)


def sizes(at: At) -> Floats:
    """eta_j over the longest run, (J,)."""
    (stage,) = at.algorithm.stages
    T = int(at.rounds.max())
    return np.asarray(stage.step.sizes(T, stage.k), dtype=np.float64)


def own_step(title: str, formula: str, *made: Callable[[Constants, float], InverseTime]) -> Hypothesis:
    """The printed step, of which there may be two."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage, wanted = algorithm.stages[0], [make(problem.constants, algorithm.stages[0].alpha) for make in made]
        step = stage.step
        for one in wanted:
            if isinstance(step, InverseTime) and math.isclose(step.lam, one.lam) and step.offset == one.offset:
                return None
        shown = " or ".join(one.described() for one in wanted)
        return f"{title} is stated for the step {formula}, here {shown}; got {step!r}."

    return ask
