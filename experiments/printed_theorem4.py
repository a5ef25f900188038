"""Generalization by the paper's Theorem 4 (slide 3) as printed, on mean estimation: l_max = G = 2, theta_0 = 0.

At k = 1 the printed step 1/(alpha mu (j+1)) makes Lookahead SGD with the step 1/(j+1): theta_T is the mean of T draws,
whose generalization error is 1/n for every alpha and T, while the printed bound falls with alpha. Gradients are taken
at slow weights alone, in the unit ball. With k > 1 that step leaves the ball, where neither G nor l_max is known; with
the step 1/(mu (j+1)) nothing does, for any k. L/lam > 1 is ridge regression, whose ball is kept by projection: there
both steps are covered for every k. At L/lam = 1 a smaller radius is mean estimation on that ball, kept by projection
too: G and l_max are smaller, the error is nearly the same, and the bound fails on the step 1/(mu (j+1)) by more.
"""

from __future__ import annotations

from riskkit.algorithms import Lookahead
from riskkit.experiment import Experiment, Grid, Point, Size
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation, MeanOnBall, Ridge
from riskkit.theory.zhou2021 import published

ALPHAS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0)
LITERAL, OTHER = "Lookahead, step 1/(alpha mu (j+1))", "Lookahead, step 1/(mu (j+1))"


def problem(point: Point) -> Problem:
    """L = 1 + lam on ridge, so that lam = 1/(L/lam - 1)."""
    ratio = point.condition
    if ratio == 1:
        return MeanEstimation(dim=4, distance=0.0) if point.radius == 1 else MeanOnBall(dim=4, radius=point.radius)
    return Ridge(dim=4, lam=1 / (ratio - 1), signal=0.0, noise=1.0, radius=point.radius)


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid(n=20, radius=1, condition=1, k=(1, 5, 20, 50), alpha=ALPHAS, T=(1, 10, 100)),
        Grid(n=(5, 100), radius=1, condition=1, k=1, alpha=(0.01, 0.1), T=(1, 10)),
        Grid(n=20, radius=1, condition=1, k=1, alpha=0.001, T=(100, longest)),
        Grid(n=20, radius=1, condition=(2, 10), k=(1, 5, 20, 50), alpha=(0.01, 0.1, 1.0), T=(1, 10)),
        Grid(n=20, radius=1, condition=(2, 10), k=(5, 20), alpha=0.01, T=100),
        Grid(n=20, radius=1, condition=(2, 10), k=1, alpha=0.01, T=400),
        Grid(n=20, radius=0.1, condition=1, k=(1, 5), alpha=0.001, T=(100, 1000)),
    )


EXPERIMENT = Experiment(
    title="Theorem 4 (slide 3) as printed",
    question=(
        "Does the generalization bound of the paper's Theorem 4 (slide 3) hold as printed, on either of its steps?"
    ),
    problem=problem,
    algorithms={
        LITERAL: lambda p: (
            Lookahead(p.T, p.k, p.alpha, published.divided_step(p.problem.constants, p.alpha))
            if p.radius == 1 and (p.k == 1 or p.condition > 1)
            else None
        ),
        OTHER: lambda p: Lookahead(p.T, p.k, p.alpha, published.decay_step(p.problem.constants)),
    },
    bounds=(published.GENERALIZATION_4,),
    sizes={"laptop": Size(grids(30000), replicates=512), "paper": Size(grids(10**6), replicates=8192)},
)
