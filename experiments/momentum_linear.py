"""Momentum on a linear loss, where its stability is known exactly: the bound on heavy ball is attained."""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, HeavyBall
from riskkit.experiment import Exact, Experiment, Grid, Paired, Reaches, Size, doubling
from riskkit.problems import LinearOnBall
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import hardt2016, heavy_ball, moments, zhang2022

ETA, DIM = 0.01, 4


def with_momentum(at: At) -> Floats:
    return moments.mean_distance_on_sphere(DIM) * heavy_ball.linear_distance(
        ETA, at.algorithm.momentum, at.n, at.rounds
    )


def plain(at: At) -> Floats:
    return zhang2022.distance(at, curvature=0.0, pull=1.0, apart=moments.mean_distance_on_sphere(DIM))


EXPERIMENT = Experiment(
    title="Momentum: a linear loss",
    question="Is the bound on heavy ball's stability attained, and what is it over that of SGD?",
    problem=LinearOnBall(dim=DIM, radius=500.0),
    algorithms={
        "heavy ball": lambda p: HeavyBall(p.T, Constant(ETA), p.momentum),
        "SGD": lambda p: SGD(p.T, Constant(ETA)),
    },
    bounds=(heavy_ball.STABILITY, heavy_ball.GENERALIZATION, hardt2016.CONVEX_STABILITY),
    readings=(
        Exact("stability", "last", with_momentum, ("heavy ball",)),
        Exact("stability", "last", plain, ("SGD",)),
        Reaches("zhang2022.convex.lower", zhang2022.TITLE, "SGD", "stability", "last", zhang2022.convex_lower, plain),
        Paired("heavy ball", ("SGD",), of=(("stability", "last"),)),
    ),
    sizes={
        "laptop": Size(Grid("T", n=20, momentum=(0.5, 0.9), T=doubling(16, 1024)), replicates=512),
        "paper": Size(Grid("T", n=20, momentum=(0.25, 0.5, 0.9), T=doubling(16, 4096)), replicates=8192),
    },
)
