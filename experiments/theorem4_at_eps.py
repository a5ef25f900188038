"""Theorem 4's second table, exactly: generalization error, and gradients, where the optimization error reaches eps.

Quadratics with the curvatures (1, lam), on which the moments of both outputs are known after every round. Lookahead
(last iterate, Theorem 2's steps) and SLRLA (average, its explicit schedule with beta = lam/8) stop after the first
round whose expected optimization error is at most eps. The replicates check the closed forms; the statements are judged
on the closed forms alone.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from riskkit.algorithms import SLRLA, Algorithm, InverseTime, Lookahead, Output, traits
from riskkit.experiment import Exact, Experiment, Follows, Grid, Size, Smaller
from riskkit.problems import AnisotropicMean
from riskkit.theory import exact_moments
from riskkit.theory.bound import At, Floats
from riskkit.theory.zhou2021 import slrla

K, LEAST = 5, 0.4
"""Inner steps; and the least alpha at which Lookahead reaches eps in a run of reasonable length."""


def moments(problem: AnisotropicMean, algorithm: Algorithm, output: Output) -> list[exact_moments.Moments]:
    """Of an output after each round, along each axis."""
    return [getattr(exact_moments.round_moments(algorithm, h), output) for h in problem.curvatures]


def optimization(problem: AnisotropicMean, algorithm: Algorithm, n: int, output: Output) -> Floats:
    """E[F_S(theta) - F_S*] after each round: sum_i h_i (m^2 (start_i^2 + 1/(dn)) + u (1 - 1/n)/d)/2."""
    d, along = problem.dim, moments(problem, algorithm, output)
    parts = [
        h * (own.m2 * (start**2 + 1 / (d * n)) + own.u * (1 - 1 / n) / d) / 2
        for h, start, own in zip(problem.curvatures, problem.start, along, strict=True)
    ]
    return np.sum(parts, axis=0)


def generalization(problem: AnisotropicMean, algorithm: Algorithm, n: int, output: Output) -> Floats:
    """E[F - F_S] after each round: sum_i h_i (1 - m_i)/(dn)."""
    d, along = problem.dim, moments(problem, algorithm, output)
    return np.sum([h * (1 - own.m) / (d * n) for h, own in zip(problem.curvatures, along, strict=True)], axis=0)


@functools.cache
def lookahead(problem: AnisotropicMean, n: int, alpha: float, eps: float) -> Algorithm | None:
    """Lookahead up to the first round whose last iterate has an error of at most eps; None for an alpha too small."""
    lam, L = problem.constants.lam, problem.constants.L
    rounds = 64
    while alpha >= LEAST:
        made = Lookahead(rounds, K, alpha, InverseTime(lam, max(2.0, L / lam)))
        reached = np.flatnonzero(optimization(problem, made, n, "last") <= eps)
        if reached.size:
            return dataclasses.replace(made, stages=(dataclasses.replace(made.stages[0], T=int(reached[0]) + 1),))
        rounds *= 4
    return None


@functools.cache
def staged(problem: AnisotropicMean, n: int, alpha: float, eps: float) -> Algorithm:
    """SLRLA on its schedule for eps, cut after the first round whose average has an error of at most eps."""
    c = problem.constants
    plan = slrla.slrla_schedule(c, slrla.diameter(problem), 1.0, eps, alpha, K, beta=c.lam / 8).stages
    for q, stage in enumerate(plan):
        error = optimization(problem, SLRLA(plan[: q + 1]), n, "average")[-stage.T :]
        reached = np.flatnonzero(error <= eps)
        if reached.size:
            return SLRLA((*plan[:q], dataclasses.replace(stage, T=int(reached[0]) + 1)))
    raise ValueError(f"SLRLA's schedule must end below eps, as is proved; it did not for eps = {eps:g}.")


def kept(at: At, of: object) -> Floats:
    """A function of problem, algorithm, n and output at the checkpoints; what an algorithm passes on is its output."""
    return of(at.problem, at.algorithm, at.n, at.algorithm.passed_on)[at.rounds - 1]  # type: ignore[operator]


FIXED: dict[str, float] = {"n": 50, "lam": 0.125, "alpha": 0.5, "eps": 2.0**-9}
GRIDS = tuple(
    Grid(axis, **{**FIXED, axis: values})
    for axis, values in (
        ("alpha", (0.1, 0.2, 0.4, 0.5, 0.75, 1.0)),
        ("n", (25, 50, 100, 200, 400)),
        ("lam", (1.0, 0.5, 0.25, 0.125)),
        ("eps", tuple(2.0**-q for q in range(4, 10))),
    )
)
AT_EPS = "where the optimization error is eps, SLRLA on its explicit schedule"
OUTPUTS: dict[str, Output] = {"Lookahead": "last", "SLRLA": "average"}


EXPERIMENT = Experiment(
    title="Slide 4 (Theorems 5, 6): errors at eps",
    question="Where the optimization error is eps, is SLRLA's generalization error smaller than Lookahead's?",
    problem=lambda p: AnisotropicMean((1.0, p.lam)),
    algorithms={
        "Lookahead": lambda p: lookahead(p.problem, p.n, p.alpha, p.eps),
        "SLRLA": lambda p: staged(p.problem, p.n, p.alpha, p.eps),
    },
    readings=(
        *(
            Exact("optimization", output, lambda at: kept(at, optimization), (name,))
            for name, output in OUTPUTS.items()
        ),
        Smaller(
            "theorem4.smaller generalization",
            "Theorem 4",
            "SLRLA",
            "Lookahead",
            "generalization",
            lambda at: kept(at, generalization),
            AT_EPS,
        ),
        Smaller(
            "theorem4.fewer gradients",
            "Theorem 4",
            "SLRLA",
            "Lookahead",
            "gradients",
            lambda at: traits.gradients(at.algorithm, at.rounds).astype(float),
            AT_EPS,
        ),
        *(
            Follows(claim, name, lambda at: kept(at, generalization), AT_EPS)
            for claim, name in (
                (slrla.AT_EPS_LOOKAHEAD, "Lookahead"),
                (slrla.AT_EPS_LOOKAHEAD_PL, "Lookahead"),
                (slrla.AT_EPS_SLRLA, "SLRLA"),
            )
        ),
    ),
    sizes={"laptop": Size(GRIDS, replicates=4096), "paper": Size(GRIDS, replicates=32768)},
)
