"""Stability without convexity: a concave loss, on which the distance of coupled runs is known exactly."""

from __future__ import annotations

import numpy as np

from riskkit.algorithms import SGD, InverseTime
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import ConcaveOnBall
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import hardt2016, moments
from riskkit.theory.field.setting import linear, read

DIM, RADIUS = 4, 10.0


def growth(at: At) -> Floats:
    """sum_j eta_j prod_{i>j} (1 + curvature eta_i) / n; nan where a step might leave the ball."""
    sizes = at.step_sizes
    reached = linear(1 + at.problem.curvature * sizes, sizes)  # type: ignore[attr-defined]
    return np.where(read(reached, at) <= RADIUS, read(reached, at) / at.n, np.nan)


EXPERIMENT = Experiment(
    title="SGD: stability without convexity",
    question="How does the stability of SGD with steps c/(j + 1) grow on a nonconvex loss?",
    problem=ConcaveOnBall(dim=DIM, curvature=1.0, radius=RADIUS),
    algorithms={"SGD": lambda p: SGD(p.T, InverseTime(1 / p.c, 1))},
    bounds=(hardt2016.NONCONVEX_STABILITY, hardt2016.NONCONVEX_GENERALIZATION),
    readings=(Exact("stability", "last", lambda at: moments.mean_distance_on_sphere(DIM) * growth(at)),),
    sizes={
        "laptop": Size(Grid("T", n=20, c=(0.25, 0.5), T=doubling(4, 64)), replicates=8192),
        "paper": Size(Grid("T", n=20, c=(0.25, 0.5), T=doubling(4, 64)), replicates=32768),
    },
)
