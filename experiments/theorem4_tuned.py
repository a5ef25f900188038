"""SLRLA against stagewise Lookahead (beta = 0), the first step and alpha of both tuned, for one beta after the other.

Stages as in ``theorem4_regularizer``: five, of lengths 1, 2, 4, 8, 16, with steps eta, eta/2, .., eta/16, eta <= 1/L.
The excess risk is known exactly at every setting, and each algorithm runs at the one where it is least.
"""

from __future__ import annotations

import functools

from experiments._tuning import at_the_end, exact_excess, least
from riskkit.algorithms import SLRLA, Algorithm, Constant, Stage, StagewiseLookahead
from riskkit.experiment import Exact, Experiment, Grid, Own, Paired, Size
from riskkit.problems import AnisotropicMean

K, BETAS = 5, (0.01, 0.03, 0.1, 0.3)
ETA, ALPHA = (0.02, 1.0), (0.05, 1.0)


@functools.cache
def tuned(problem: AnisotropicMean, n: int, gradients: int, beta: float) -> Algorithm:
    part = gradients // (31 * K)

    def made(eta: float, alpha: float) -> Algorithm:
        stages = [Stage(part * 2**q, K, alpha, Constant(eta / 2**q), beta) for q in range(5)]
        return SLRLA(stages) if beta else StagewiseLookahead(stages)

    return made(*least(lambda eta, alpha: exact_excess(problem, made(eta, alpha), n), ETA, ALPHA))


EXPERIMENT = Experiment(
    title="Slide 4 (Theorems 5, 6): regularizer, tuned",
    question="With the first step and alpha of both tuned, does SLRLA's regularizer lower the excess risk?",
    problem=lambda p: AnisotropicMean((1.0, p.lam)),
    algorithms={
        "stagewise Lookahead": lambda p: tuned(p.problem, p.n, p.gradients, 0.0),
        "SLRLA": Own(lambda p: tuned(p.problem, p.n, p.gradients, p.beta), beta=BETAS),
    },
    readings=(
        Exact("excess", "last", at_the_end),
        Paired("SLRLA", ("stagewise Lookahead",), of=(("excess", "last"),)),
    ),
    sizes={
        "laptop": Size(Grid(n=50, lam=(0.25, 0.0625, 0.015625), gradients=(2**9, 2**12)), replicates=64),
        "paper": Size(Grid(n=(50, 200), lam=(0.25, 0.0625, 0.015625), gradients=(2**9, 2**12)), replicates=64),
    },
)
