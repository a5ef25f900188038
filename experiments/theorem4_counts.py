"""Theorem 4, strongly convex: gradients to reach eps, over eps and lam, for SGD, Lookahead, SLRLA and its controls.

The problems have L = 1 and lam from 1 downwards. SLRLA follows its explicit schedule, with beta = lam/8, the largest
that the proof allows; the controls have the same stages with beta = 0, and with alpha = 1 as well. The last control has
no stages: SGD's average with weights j + j0, whose proved count has the order that is claimed for SLRLA.
"""

from __future__ import annotations

from riskkit.algorithms.staged import (
    SGD,
    Algorithm,
    InverseTime,
    Lookahead,
    Optimiser,
    StagewiseLookahead,
    StagewiseSGD,
)
from riskkit.algorithms.weighted_average import WeightedSGD
from riskkit.experiment.race import Race, RaceSize
from riskkit.problem import Problem
from riskkit.problems import AnisotropicMean
from riskkit.theory.zhou2021.slrla import affordable_schedule, diameter

K = 5


def entries(problem: Problem, gradients: int) -> list[Algorithm | Optimiser]:
    lam, L = problem.constants.lam, problem.constants.L
    step = InverseTime(lam, max(2.0, L / lam))
    rounds = gradients // K
    staged = affordable_schedule(problem.constants, diameter(problem), 1.0, gradients, 0.5, K, beta=lam / 8)
    return [
        SGD(K * rounds, step, k=K),
        *(Lookahead(rounds, K, alpha, step) for alpha in (0.4, 0.5, 0.75)),
        staged,
        StagewiseLookahead(staged.stages),
        StagewiseSGD(staged.stages),
        WeightedSGD(gradients, InverseTime(lam / 2, 2 * L / lam)),
    ]


def problems(*lams: float) -> tuple[AnisotropicMean, ...]:
    return tuple(AnisotropicMean((1.0, lam)) for lam in lams)


EXPERIMENT = Race(
    name="theorem4_counts",
    question="How many gradients reach eps, in eps and in lam, and is SLRLA's count smaller than Lookahead's?",
    problems=problems(1.0, 0.5, 0.25, 0.125),
    entries=entries,
    targets=tuple(2.0**-q for q in range(2, 10)),
    duels=tuple(
        ("SLRLA", other) for other in ("stagewise Lookahead", "stagewise SGD", "Lookahead", "SGD", "weighted SGD")
    ),
    laptop=RaceSize(n=(50,), gradients=2**15, replicates=128),
    paper=RaceSize(n=(50, 200), gradients=2**18, replicates=2048),
)
