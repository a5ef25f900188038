"""Momentum and stability: heavy ball beside SGD with the same step, and with the step eta/(1 - momentum) that moves as
far; on mean estimation the expected distance is known exactly."""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, HeavyBall
from riskkit.experiment import Exact, Experiment, Grid, Paired, Reaches, Size, doubling
from riskkit.problems import MeanEstimation
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import hardt2016, heavy_ball, moments, zhang2022

ETA, DIM = 0.01, 4


def with_momentum(at: At) -> Floats:
    distance = heavy_ball.quadratic_distance(ETA, at.algorithm.momentum, at.n, at.rounds)
    return moments.mean_distance_on_sphere(DIM) * distance


def sgd(at: At) -> Floats:
    return zhang2022.distance(at, curvature=1.0, pull=1.0, apart=moments.mean_distance_on_sphere(DIM))


EXPERIMENT = Experiment(
    title="Momentum: stability",
    question="Does momentum make SGD less stable, pass after pass?",
    problem=MeanEstimation(dim=DIM, lam=1.0),
    algorithms={
        "heavy ball": lambda p: HeavyBall(p.T, Constant(ETA), p.momentum),
        "SGD": lambda p: SGD(p.T, Constant(ETA)),
        "SGD, longer step": lambda p: SGD(p.T, Constant(ETA / (1 - p.momentum))),
    },
    bounds=(heavy_ball.STABILITY, heavy_ball.STRONGLY_CONVEX_STABILITY, hardt2016.STRONGLY_CONVEX_STABILITY),
    readings=(
        Exact("stability", "last", with_momentum, ("heavy ball",)),
        Exact("stability", "last", sgd, ("SGD",)),
        Reaches(
            "zhang2022.strongly convex.lower",
            zhang2022.STRONGLY_CONVEX_TITLE,
            "SGD",
            "stability",
            "last",
            zhang2022.strongly_convex_lower,
            sgd,
            form="proved",
        ),
        Paired(
            "heavy ball",
            ("SGD", "SGD, longer step"),
            of=(("stability", "last"), ("excess", "last"), ("optimization", "last")),
        ),
    ),
    sizes={
        "laptop": Size(Grid("T", n=500, momentum=(0.5, 0.8), T=doubling(8, 4096)), replicates=512),
        "paper": Size(Grid("T", n=1000, momentum=(0.25, 0.5, 0.8), T=doubling(8, 8192)), replicates=8192),
    },
)
