"""SLRLA on ill-conditioned problems: beta swept, as published and as in the authors' code, beside beta = 0.

The stages halve the step from 1/L and double in length; they follow no bound's schedule. As coded, the gradient of the
penalty is twice as long and the anchor moves every 20 gradients.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, SLRLA, Constant, InverseTime, SLRLAAsCoded, Stage, StagewiseLookahead
from riskkit.experiment import Experiment, Grid, Own, Paired, Size, per_octave
from riskkit.problems import AnisotropicMean
from riskkit.theory.zhou2021 import slrla

K, ALPHA, BETAS = 5, 0.5, (0.01, 0.03, 0.1, 0.3, 0.9)


def stages(gradients: int, beta: float) -> list[Stage]:
    """Five stages of lengths 1, 2, 4, 8, 16 parts of the budget, with steps 1, 1/2, .., 1/16."""
    part = gradients // (31 * K)
    return [Stage(part * 2**q, K, ALPHA, Constant(2.0**-q), beta) for q in range(5)]


EXPERIMENT = Experiment(
    title="Slide 4 (Theorems 5, 6): regularizer",
    question="Does the local regularizer help where the problem is ill-conditioned, as published or as coded?",
    problem=lambda p: AnisotropicMean((1.0, p.lam)),
    algorithms={
        "stagewise Lookahead": lambda p: StagewiseLookahead(stages(p.gradients, 0.0)),
        "SLRLA": Own(lambda p: SLRLA(stages(p.gradients, p.beta)), beta=BETAS),
        "SLRLA as coded": Own(lambda p: SLRLAAsCoded(stages(p.gradients, p.beta / 2), anchor_every=20), beta=BETAS),
        "SGD": lambda p: SGD(p.gradients // K * K, InverseTime(p.lam, max(2.0, 1 / p.lam)), k=K),
    },
    read=per_octave(2),
    bounds=(slrla.GENERALIZATION_LAST, slrla.STABILITY_LAST),
    readings=(
        Paired("SLRLA", ("stagewise Lookahead", "SGD"), of=(("optimization", "last"), ("excess", "last"))),
        Paired("SLRLA as coded", ("stagewise Lookahead",), of=(("optimization", "last"), ("excess", "last"))),
    ),
    sizes={
        "laptop": Size(Grid(n=50, lam=(0.25, 0.0625, 0.015625), gradients=2**13), replicates=128),
        "paper": Size(Grid(n=50, lam=(0.25, 0.0625, 0.015625), gradients=2**16), replicates=4096),
    },
)
