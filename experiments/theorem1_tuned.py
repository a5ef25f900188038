"""Lookahead against SGD when the step size of each is tuned, at equal kT: what is left of an advantage.

The best step is about c/(kT), so that the grid is one of eta kT.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, Lookahead
from riskkit.experiment import Experiment, Grid, Own, Size, Tuned, per_octave
from riskkit.problems import Logistic
from riskkit.theory.zhou2021 import slrla

K = 8
WAYS = tuple(2.56 * 2**e for e in range(11))
"""eta kT."""

EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): both steps tuned",
    question="Is Lookahead better than SGD at equal kT when the step sizes of both are tuned?",
    problem=Logistic(dim=16, radius=10.0, signal=3.0),
    algorithms={
        "Lookahead": Own(
            lambda p: Lookahead(p.gradients // K, K, p.alpha, Constant(p.way / p.gradients)),
            alpha=(0.25, 0.5),
            way=WAYS,
        ),
        "SGD": Own(lambda p: SGD(p.gradients // K * K, Constant(p.way / p.gradients), k=K), way=WAYS),
    },
    read=per_octave(1),
    bounds=(slrla.GENERALIZATION_LAST, slrla.STABILITY_LAST),
    readings=(
        Tuned(
            "Lookahead",
            ("SGD",),
            over=("way",),
            of=(("excess", "last"), ("excess", "average")),
            beside=("generalization", "population_excess"),
        ),
    ),
    sizes={
        "laptop": Size(Grid(n=(50, 200), gradients=2048), replicates=256),
        "paper": Size(Grid(n=(50, 100, 200, 400), gradients=16384), replicates=8192),
    },
)
