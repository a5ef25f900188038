"""Lookahead against SGD when the step size of each is tuned, at equal kT: what is left of an advantage."""

from __future__ import annotations

from problems import Logistic
from riskkit.algorithm import SGD, Algorithm, Constant, Lookahead
from riskkit.problem import Problem
from riskkit.race import Race, RaceSize

K = 8
SIZES = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56)


def entries(problem: Problem, gradients: int) -> list[Algorithm]:
    rounds = gradients // K
    return [
        *(Lookahead(rounds, K, alpha, Constant(eta)) for alpha in (0.25, 0.5) for eta in SIZES),
        *(SGD(K * rounds, Constant(eta), k=K) for eta in SIZES),
    ]


EXPERIMENT = Race(
    name="theorem1_tuned",
    question="Is Lookahead better than SGD at equal kT when the step sizes of both are tuned?",
    problems=(Logistic(dim=16, radius=10.0, signal=3.0),),
    entries=entries,
    tuned=("Lookahead", "SGD"),
    compared=(("excess", "last"), ("excess", "average")),
    per_octave=1,
    laptop=RaceSize(n=(50, 200), gradients=2048, replicates=256),
    paper=RaceSize(n=(50, 100, 200, 400), gradients=16384, replicates=8192),
)
