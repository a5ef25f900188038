"""SLRLA on ill-conditioned problems: beta swept, as published and as in the authors' code, beside beta = 0.

The stages halve the step from 1/L and double in length; they follow no bound's schedule. As coded, the gradient of the
penalty is twice as long and the anchor moves every 20 gradients.
"""

from __future__ import annotations

from riskkit.algorithms.staged import (
    SGD,
    SLRLA,
    Algorithm,
    Constant,
    InverseTime,
    SLRLAAsCoded,
    Stage,
    StagewiseLookahead,
)
from riskkit.experiment.race import Race, RaceSize
from riskkit.problem import Problem
from riskkit.problems import AnisotropicMean

K, ALPHA = 5, 0.5


def stages(gradients: int, beta: float) -> list[Stage]:
    """Five stages of lengths 1, 2, 4, 8, 16 parts of the budget, with steps 1, 1/2, .., 1/16."""
    part = gradients // (31 * K)
    return [Stage(part * 2**q, K, ALPHA, Constant(2.0**-q), beta) for q in range(5)]


def entries(problem: Problem, gradients: int) -> list[Algorithm]:
    lam = problem.constants.lam
    betas = (0.01, 0.03, 0.1, 0.3, 0.9)
    return [
        StagewiseLookahead(stages(gradients, 0.0)),
        *(SLRLA(stages(gradients, beta)) for beta in betas),
        *(SLRLAAsCoded(stages(gradients, beta / 2), anchor_every=20) for beta in betas),
        SGD(K * (gradients // K), InverseTime(lam, max(2.0, 1 / lam)), k=K),
    ]


EXPERIMENT = Race(
    name="theorem4_regularizer",
    question="Does the local regularizer help where the problem is ill-conditioned, as published or as coded?",
    problems=tuple(AnisotropicMean((1.0, lam)) for lam in (0.25, 0.0625, 0.015625)),
    entries=entries,
    duels=(("SLRLA", "stagewise Lookahead"), ("SLRLA as coded", "stagewise Lookahead"), ("SLRLA", "SGD")),
    compared=(("optimization", "last"), ("excess", "last")),
    per_octave=2,
    laptop=RaceSize(n=(50,), gradients=2**13, replicates=128),
    paper=RaceSize(n=(50,), gradients=2**16, replicates=4096),
)
