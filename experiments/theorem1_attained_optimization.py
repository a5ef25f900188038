"""Theorem 1's optimization bound on the linear loss, in the window where the averaged iterate comes close to it.

With n = 16 the slope ||zbar|| is near 1/4, so that the walk to the sphere, D/(alpha eta ||zbar||) steps, is short
beside kT and the bound's first term D^2/(2 alpha eta kT) is what is left.
"""

from __future__ import annotations

from riskkit.algorithms.staged import SqrtHorizon
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import LinearOnBall
from riskkit.theory.zhou2021 import convex


def sweeps(longest: int) -> tuple[Sweep, ...]:
    rounds = tuple(2**e for e in range(6, longest + 1))
    return (
        Sweep("T", n=(16,), k=(4,), alpha=(0.5, 1.0), T=rounds),
        Sweep("k", n=(16,), k=(1, 4, 16, 64), alpha=(1.0,), kT=(4096,)),
        Sweep("alpha", n=(16,), k=(4,), alpha=(0.2, 0.3, 0.5, 0.7, 1.0), T=(1024,)),
    )


EXPERIMENT = Experiment(
    name="theorem1_attained_optimization",
    question="How close does the averaged iterate of Lookahead come to Theorem 1's optimization bound?",
    problem=LinearOnBall(dim=4, radius=5.0),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.OPTIMIZATION_LAST, convex.EXCESS_AVERAGE),
    step=SqrtHorizon(1.0),
    laptop=Size(sweeps(11), replicates=512),
    paper=Size(sweeps(14), replicates=8192),
)
