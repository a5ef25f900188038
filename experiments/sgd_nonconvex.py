"""Stability without convexity: a concave loss, on which the distance of coupled runs is known exactly."""

from __future__ import annotations

import numpy as np

from riskkit.algorithms import SGD, InverseTime
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import ConcaveOnBall
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import hardt2016, moments, zhang2022

DIM, RADIUS, CURVATURE = 4, 10.0, 1.0


def exact(at: At) -> Floats:
    """nan where a step might leave the ball."""
    found = zhang2022.distance(at, -CURVATURE, 1.0, moments.mean_distance_on_sphere(DIM))
    reached = zhang2022.distance(at, -CURVATURE, at.n, 1.0)
    return np.where(reached <= RADIUS, found, np.nan)


EXPERIMENT = Experiment(
    title="SGD: stability without convexity",
    question="How does the stability of SGD with steps c/(j + 1) grow on a nonconvex loss?",
    problem=ConcaveOnBall(dim=DIM, curvature=CURVATURE, radius=RADIUS),
    algorithms={"SGD": lambda p: SGD(p.T, InverseTime(1 / p.c, 1))},
    bounds=(hardt2016.NONCONVEX_STABILITY, hardt2016.NONCONVEX_GENERALIZATION),
    readings=(Exact("stability", "last", exact),),
    sizes={
        "laptop": Size(Grid("T", n=20, c=(0.25, 0.5), T=doubling(4, 64)), replicates=8192),
        "paper": Size(Grid("T", n=20, c=(0.25, 0.5), T=doubling(4, 64)), replicates=32768),
    },
)
