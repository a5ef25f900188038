"""Theorem 1's generalization bound on the linear loss, where its size is known exactly as long as no step is projected.

eta kT = sqrt(kT) <= 64 stays inside the ball of radius 100, so E[F - F_S] is alpha eta kT/n for the last iterate and
(eta/(2n)) (alpha k (T-1) + k - 1) for the average: half the bounds, with the bounds' own dependence on everything.
The optimization bounds are far above the trivial value here; ``theorem1_attained_optimization`` has the other regime.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskkit.algorithms.staged import SqrtHorizon, Step
from riskkit.experiment.grid import Experiment, Point, Size, Sweep
from riskkit.problem import Problem
from riskkit.problems import LinearOnBall
from riskkit.theory import exact_moments
from riskkit.theory.bound import Floats
from riskkit.theory.hypotheses import first_size
from riskkit.theory.zhou2021 import convex


def last(problem: Problem, step: Step, points: Sequence[Point]) -> Floats:
    n, T, k, alpha = np.array(points).T
    eta = [first_size(step, point.T, point.k) for point in points]
    return exact_moments.linear_generalization_last(eta, n, T, k, alpha, problem.radius or np.inf)


def average(problem: Problem, step: Step, points: Sequence[Point]) -> Floats:
    n, T, k, alpha = np.array(points).T
    eta = [first_size(step, point.T, point.k) for point in points]
    return exact_moments.linear_generalization_average(eta, n, T, k, alpha, problem.radius or np.inf)


def sweeps(n: int) -> tuple[Sweep, ...]:
    alphas = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
    return (
        Sweep("T", n=(n,), k=(4,), alpha=(0.25, 0.5, 1.0), T=(4, 8, 16, 32, 64, 128, 256)),
        Sweep("k", n=(n,), k=(2, 4, 8, 16, 32, 64), alpha=(0.5,), T=(16,)),
        Sweep("k", n=(n,), k=(4, 8, 16, 32, 64), alpha=(0.5,), kT=(1024,)),
        Sweep("n", n=(25, 50, 100, 200, 400), k=(4,), alpha=(0.5,), T=(64,)),
        Sweep("alpha", n=(n,), k=(4,), alpha=alphas, T=(256,)),
    )


EXPERIMENT = Experiment(
    name="theorem1_attained",
    question="Does Theorem 1's generalization bound have the right dependence on T, k, n and alpha?",
    problem=LinearOnBall(dim=16, radius=100.0),
    bounds=(convex.GENERALIZATION_LAST, convex.GENERALIZATION_AVERAGE),
    step=SqrtHorizon(1.0),
    laptop=Size(sweeps(100), replicates=1024),
    paper=Size(sweeps(100), replicates=16384),
    exact={("generalization", "last"): last, ("generalization", "average"): average},
)
