"""The paper's Theorem 2 (slide 2) as printed, over condition numbers L/lam from 1 to 1000.

L/lam = 1 is mean estimation; above it, ridge regression on a ball, in which the first steps are longer than the proof's
own lemma allows, more so the larger L/lam. theta_0 is the population minimizer, where F - F_S has no variance left.
"""

from __future__ import annotations

from riskkit.algorithms import Lookahead
from riskkit.experiment import Experiment, Grid, Point, Size
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation, Ridge
from riskkit.theory.zhou2021 import published


def problem(point: Point) -> Problem:
    """L = 1 + lam on ridge, so that lam = 1/(L/lam - 1)."""
    ratio = point.condition
    if ratio == 1:
        return MeanEstimation(dim=4, distance=0.0)
    return Ridge(dim=4, lam=1 / (ratio - 1), signal=0.0, noise=1.0, radius=1.0)


GRIDS = (
    Grid(n=20, condition=(1, 2, 10, 100, 1000), k=(1, 5, 20, 50), alpha=(0.01, 0.1, 0.5, 1.0), T=(1, 4, 32)),
    Grid(n=(5, 1000), condition=(1, 10, 100, 1000), k=5, alpha=(0.01, 0.5), T=(1, 32)),
)

EXPERIMENT = Experiment(
    title="Theorem 2 (slide 2) as printed",
    question="Does the paper's Theorem 2 (slide 2) hold as printed, for L/lam from 1 to 1000?",
    problem=problem,
    algorithms={"Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, published.first_step(p.problem.constants))},
    bounds=(published.GENERALIZATION_2,),
    sizes={"laptop": Size(GRIDS, replicates=256), "paper": Size(GRIDS, replicates=8192)},
)
