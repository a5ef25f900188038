"""Theorems 1 and 2 on real data: each data set a finite population, its population risk an exact sum.

Five pairs of data and loss, numbered: convex losses on a ball, which Theorem 1 covers, and losses with a ridge, which
Theorem 2 covers. All features lie in the unit ball. S is n draws from the rows, so that it has seen a share of them
(``seen`` in the table), and the generalization error is that on the population, not on rows outside of it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from riskkit.algorithms import SGD, Algorithm, InverseTime, Lookahead, SqrtHorizon
from riskkit.algorithms.steps import Step
from riskkit.data import auto_mpg, breast_cancer, digits
from riskkit.experiment import Experiment, Grid, Point, Size, doubling
from riskkit.problem import Problem, Regime
from riskkit.problems import FinitePopulation
from riskkit.theory.zhou2021 import convex, strongly_convex


def _cancer(ridge: float, noise: float) -> FinitePopulation:
    rows = breast_cancer().standardized().with_intercept().in_unit_ball()
    return FinitePopulation(rows.with_noise(noise), "logistic", ridge, radius=5.0)


def _cars(ridge: float) -> FinitePopulation:
    rows = auto_mpg().standardized().with_intercept().in_unit_ball()
    return FinitePopulation(rows.targets_within(1.0), "squared", ridge, radius=2.0)


def _digits() -> FinitePopulation:
    rows = digits(4).only(3, 5, 8).with_intercept().in_unit_ball()
    return FinitePopulation(rows, "softmax", ridge=0.1, radius=None)


PAIRS: dict[int, Callable[[], FinitePopulation]] = {
    1: functools.partial(_cancer, 0.0, 0.1),
    2: functools.partial(_cars, 0.0),
    3: functools.partial(_cancer, 0.1, 0.0),
    4: functools.partial(_cars, 0.1),
    5: _digits,
}
"""Data and loss: 1 and 2 convex, 3 to 5 strongly convex."""


@functools.cache
def pair(number: int) -> FinitePopulation:
    return PAIRS[number]()


def step(problem: Problem) -> Step:
    """1/sqrt(kT) where the loss is convex only, else 1/(lam (j + j0)) with eta_0 <= 1/L."""
    c = problem.constants
    if problem.regime is Regime.CONVEX:
        return SqrtHorizon(1.0)
    return InverseTime(c.lam, max(2.0, math.ceil(c.L / c.lam)))


def lookahead(p: Point) -> Algorithm:
    return Lookahead(p.T, p.k, p.alpha, step(p.problem))


EXPERIMENT = Experiment(
    title="Real data: slides 1, 2 (Theorems 1 to 3)",
    question="Do the bounds of Theorems 1 and 2 (paper: Theorems 1 to 3) hold on real data, and how loose are they?",
    problem=lambda p: pair(int(p.pair)),
    algorithms={"Lookahead": lookahead, "SGD": lambda p: SGD(p.kT, step(p.problem))},
    controls=("SGD",),
    bounds=(
        convex.OPTIMIZATION_AVERAGE,
        convex.GENERALIZATION_LAST,
        strongly_convex.OPTIMIZATION,
        strongly_convex.GENERALIZATION,
    ),
    sizes={
        "laptop": Size(Grid(pair=(1, 2, 3, 4, 5), n=50, k=5, alpha=0.5, T=doubling(8, 128)), replicates=256),
        "paper": Size(
            Grid(pair=(1, 2, 3, 4, 5), n=(50, 200), k=5, alpha=(0.25, 0.5), T=doubling(8, 2048)), replicates=4096
        ),
    },
)
