"""Theorems 1 and 2 on real data: each data set a finite population, its population risk an exact sum.

Five pairs of data and loss, numbered: convex losses on a ball, which Theorem 1 covers, and losses with a ridge, which
Theorem 2 covers. All features lie in the unit ball. S is n draws from the rows, so that it has seen a share of them
(``seen`` in the table), and the generalization error is that on the population, not on rows outside of it.
"""

from __future__ import annotations

from experiments._lookahead import inverse_time
from experiments._pairs import pair
from riskkit.algorithms import SGD, Algorithm, Lookahead, SqrtHorizon
from riskkit.algorithms.steps import Step
from riskkit.experiment import Experiment, Grid, Point, Size, doubling
from riskkit.problem import Problem, Regime
from riskkit.theory.zhou2021 import convex, strongly_convex


def step(problem: Problem) -> Step:
    """1/sqrt(kT) where the loss is convex only, else 1/(lam (j + j0)) with eta_0 <= 1/L."""
    if problem.regime is Regime.CONVEX:
        return SqrtHorizon(1.0)
    return inverse_time(problem)


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
