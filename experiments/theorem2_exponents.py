"""Theorem 2 on mean estimation, which attains it: the exponent of the optimization error against alpha.

Every second moment is known exactly (``riskkit.theory.exact_moments``), so that measured exponents are compared with
the oracle's on the same grid; -min(2 alpha, 1) is only the asymptote, and a finite grid lies off it by a stated
distance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskkit.algorithms.staged import InverseTime, Step
from riskkit.experiment.grid import Experiment, Point, Size, Sweep
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation
from riskkit.theory import exact_moments
from riskkit.theory.bound import Floats
from riskkit.theory.zhou2021 import strongly_convex


def expected(problem: Problem, step: Step, points: Sequence[Point]) -> tuple[Floats, Floats]:
    """E ||theta_T - zbar||^2 and E [F - F_S](theta_T): E V_S = 1 - 1/n, E D_S^2 = ||theta_0||^2 + 1/n."""
    distance, generalization = np.empty(len(points)), np.empty(len(points))
    lam, start = problem.constants.lam, float(np.square(problem.start).sum())
    groups: dict[tuple[int, float], list[int]] = {}
    for i, point in enumerate(points):
        groups.setdefault((point.k, point.alpha), []).append(i)
    for (k, alpha), places in groups.items():
        T, n = np.array([points[i].T for i in places]), np.array([points[i].n for i in places])
        moments = exact_moments.step_moments(step, lam, k, alpha, T)
        distance[places] = moments.m2 * (start + 1 / n) + moments.u * (1 - 1 / n)
        generalization[places] = exact_moments.mean_estimation_generalization(moments.m, lam, 1.0, n)
    return distance, generalization


def optimization(problem: Problem, step: Step, points: Sequence[Point]) -> Floats:
    return problem.constants.lam / 2 * expected(problem, step, points)[0]


def generalization(problem: Problem, step: Step, points: Sequence[Point]) -> Floats:
    return expected(problem, step, points)[1]


def sweeps(longest: int) -> tuple[Sweep, ...]:
    rounds = tuple(2**e for e in range(3, longest + 1))
    return (
        Sweep("T", n=(50,), k=(5,), alpha=(0.1, 0.25, 0.4, 0.5, 0.75, 1.0), T=rounds),
        Sweep("n", n=(25, 50, 100, 200), k=(5,), alpha=(0.5,), T=(64,)),
    )


EXPERIMENT = Experiment(
    name="theorem2_exponents",
    question="Does the optimization error fall as T^-min(2 alpha, 1) when the problem attains Theorem 2?",
    problem=MeanEstimation(dim=4, lam=1.0),
    bounds=(strongly_convex.OPTIMIZATION, strongly_convex.GENERALIZATION, strongly_convex.STABILITY),
    step=InverseTime(lam=1.0, offset=2),
    laptop=Size(sweeps(10), replicates=1024),
    paper=Size(sweeps(14), replicates=8192),
    exact={("optimization", "last"): optimization, ("generalization", "last"): generalization},
    limits={"optimization": lambda alpha: -min(2 * alpha, 1.0)},
)
