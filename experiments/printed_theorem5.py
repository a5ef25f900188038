"""The paper's Theorems 5 and 6 (slide 4) as printed, on mean estimation with the paper's own schedule.

beta = lam/6, eta_s = eps_s/(3 G^2), eta_s k T_s >= 6/(lam alpha), eps_0 = 2 >= F_S(theta_0) - F_S* for every S. The
last stage ends near the empirical minimizer, whose generalization error is 1/n. The printed bounds fall to 0 with
alpha. mu = lam and sigma = 0, so that Theorem 6 covers the same runs, in both of its cases. The radius 1 is mean
estimation, which never leaves the unit ball; a smaller one mean estimation on that ball, kept by projection, where G is
smaller and the error the same. There eps_0 = 3 radius, above F_S(theta_0) - F_S* <= radius.
"""

from __future__ import annotations

from riskkit.experiment import Experiment, Grid, Point, Size
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation, MeanOnBall
from riskkit.theory.zhou2021 import published, slrla


def problem(point: Point) -> Problem:
    return MeanEstimation(dim=4) if point.radius == 1 else MeanOnBall(dim=4, radius=point.radius)


def eps0(point: Point) -> float:
    return 2.0 if point.radius == 1 else 3 * point.radius


GRIDS = (
    Grid(n=20, radius=1, k=5, alpha=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0), S=5),
    Grid(n=20, radius=1, k=(1, 20, 50), alpha=(0.05, 0.5), S=3),
    Grid(n=(5, 100), radius=1, k=5, alpha=(0.05, 0.5), S=3),
    Grid(n=1000, radius=0.1, k=1, alpha=(0.02, 0.05, 0.5), S=3),
)

EXPERIMENT = Experiment(
    title="Theorems 5, 6 (slide 4) as printed",
    question="Do the paper's Theorems 5 and 6 (slide 4) on SLRLA hold as printed, on its own schedule?",
    problem=problem,
    algorithms={"SLRLA": lambda p: published.stages(p.problem.constants, eps0(p), int(p.S), p.alpha, p.k)},
    bounds=(
        published.GENERALIZATION_5,
        published.OPTIMIZATION_5,
        published.GENERALIZATION_6,
        published.GENERALIZATION_6_II,
        published.OPTIMIZATION_6,
        slrla.STABILITY_AVERAGE,
    ),
    sizes={"laptop": Size(GRIDS, replicates=512), "paper": Size(GRIDS, replicates=8192)},
)
