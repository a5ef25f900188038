"""Stability without convexity: a concave loss, on which the distance of coupled runs is known exactly, and its ball.

Inside of the ball the distance grows like T^c (L = 1), faster than the T^(c/(c+1)) that is claimed: no loss of finite
range lets that go on. On the sphere, which every run reaches, the generalization error is at most radius E||zbar|| and
grows like log T. The claim is judged there, in a small ball that runs reach after some 20 steps; the exact distance in
a large one that none reaches.
"""

from __future__ import annotations

import numpy as np

from riskkit.algorithms import SGD, Algorithm, InverseTime
from riskkit.experiment import Exact, Experiment, Grid, Point, Size, doubling
from riskkit.problems import ConcaveOnBall
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import hardt2016, moments, zhang2022

DIM, CURVATURE = 4, 1.0
SMALL, LARGE = 2.0, 10.0


def exact(at: At) -> Floats:
    """nan where a step might leave the ball."""
    found = zhang2022.distance(at, -CURVATURE, 1.0, moments.mean_distance_on_sphere(DIM))
    reached = zhang2022.distance(at, -CURVATURE, at.n, 1.0)
    return np.where(reached <= (at.problem.radius or np.inf), found, np.nan)


def sgd(p: Point) -> Algorithm:
    return SGD(p.T, InverseTime(1 / p.c, 1))


def grids(n: int, longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=n, radius=SMALL, c=(0.5, 1.0), T=doubling(32, longest)),
        Grid("T", n=20, radius=LARGE, c=(0.25, 0.5), T=doubling(4, 64)),
    )


EXPERIMENT = Experiment(
    title="SGD: stability without convexity",
    question="How does the stability of SGD with steps c/(j + 1) grow on a nonconvex loss?",
    problem=lambda p: ConcaveOnBall(dim=DIM, curvature=CURVATURE, radius=p.radius),
    algorithms={
        "SGD": lambda p: sgd(p) if p.radius == SMALL else None,
        "SGD, inside": lambda p: sgd(p) if p.radius == LARGE else None,
    },
    controls=("SGD, inside",),
    bounds=(hardt2016.NONCONVEX_STABILITY, hardt2016.NONCONVEX_GENERALIZATION),
    readings=(Exact("stability", "last", exact, ("SGD, inside",)),),
    sizes={"laptop": Size(grids(100, 512), replicates=4096), "paper": Size(grids(200, 1024), replicates=32768)},
)
