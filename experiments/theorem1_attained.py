"""Theorem 1's generalization bound on the linear loss, where its size is known exactly as long as no step is projected.

eta kT = sqrt(kT) <= 64 stays inside the ball of radius 100, so E[F - F_S] is alpha eta kT/n for the last iterate and
(eta/(2n)) (alpha k (T-1) + k - 1) for the average: half the bounds, with the bounds' own dependence on everything.
The optimization bounds are far above the trivial value here; ``theorem1_attained_optimization`` has the other regime.
"""

from __future__ import annotations

import numpy as np

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.algorithms.steps import first_size
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import LinearOnBall
from riskkit.theory import exact_moments
from riskkit.theory.bound import At, Floats
from riskkit.theory.zhou2021 import convex


def last(at: At) -> Floats:
    (stage,) = at.algorithm.stages
    eta, radius = [first_size(stage.step, int(T), stage.k) for T in at.rounds], at.problem.radius or np.inf
    return exact_moments.linear_generalization_last(eta, at.n, at.rounds, stage.k, stage.alpha, radius)


def average(at: At) -> Floats:
    (stage,) = at.algorithm.stages
    eta, radius = [first_size(stage.step, int(T), stage.k) for T in at.rounds], at.problem.radius or np.inf
    return exact_moments.linear_generalization_average(eta, at.n, at.rounds, stage.k, stage.alpha, radius)


GRIDS = (
    Grid("T", n=100, k=4, alpha=(0.25, 0.5, 1.0), T=doubling(4, 256)),
    Grid("k", n=100, k=doubling(2, 64), alpha=0.5, T=16),
    Grid("k", n=100, k=doubling(4, 64), alpha=0.5, kT=1024),
    Grid("n", n=doubling(25, 400), k=4, alpha=0.5, T=64),
    Grid("alpha", n=100, k=4, alpha=(0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0), T=256),
)

EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): rates, linear loss",
    question=(
        "Does the generalization bound of Theorem 1 (paper: Theorem 3) have the right dependence on T, k, n and alpha?"
    ),
    problem=LinearOnBall(dim=16, radius=100.0),
    algorithms=lookahead(SqrtHorizon(1.0), "SGD", "matched SGD"),
    controls=("SGD", "matched SGD"),
    bounds=(convex.GENERALIZATION_LAST, convex.GENERALIZATION_AVERAGE),
    readings=(
        Exact("generalization", "last", last, ratio_to="matched SGD"),
        Exact("generalization", "average", average, ratio_to="matched SGD"),
    ),
    sizes={"laptop": Size(GRIDS, replicates=256), "paper": Size(GRIDS, replicates=16384)},
)
