"""Lookahead against SGD when the step size of each is tuned, at equal kT: what is left of an advantage.

The best step is about c/(kT), so that the grid is one of eta kT.
"""

from __future__ import annotations

from riskkit.algorithms.staged import SGD, Algorithm, Constant, Lookahead
from riskkit.experiment.race import Race, RaceSize
from riskkit.problem import Problem
from riskkit.problems import Logistic

K = 8
WAYS = tuple(2.56 * 2**e for e in range(11))
"""eta kT."""


def entries(problem: Problem, gradients: int) -> list[Algorithm]:
    rounds = gradients // K
    sizes = [Constant(way / gradients) for way in WAYS]
    return [
        *(Lookahead(rounds, K, alpha, step) for alpha in (0.25, 0.5) for step in sizes),
        *(SGD(K * rounds, step, k=K) for step in sizes),
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
