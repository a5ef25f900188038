"""Theorem 1 on a smooth Lipschitz loss: generalization and stability along T, n and alpha; neither is an identity."""

from __future__ import annotations

from riskkit.algorithms.staged import SqrtHorizon
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import PseudoHuberRegression
from riskkit.theory.zhou2021 import convex


def sweeps(longest: int) -> tuple[Sweep, ...]:
    rounds = tuple(2**e for e in range(2, longest + 1))
    return (
        Sweep("T", n=(64,), k=(4,), alpha=(0.25, 1.0), T=rounds),
        Sweep("n", n=(16, 32, 64, 128, 256), k=(4,), alpha=(0.5,), T=(64,)),
        Sweep("alpha", n=(64,), k=(4,), alpha=(0.1, 0.2, 0.4, 0.7, 1.0), T=(64,)),
    )


EXPERIMENT = Experiment(
    name="theorem1_stability",
    question="How do generalization error and stability of Lookahead on a smooth Lipschitz loss follow Theorem 1?",
    problem=PseudoHuberRegression(dim=4, delta=0.5, noise=0.5, signal=1.0, radius=2.0),
    bounds=(
        convex.STABILITY_LAST,
        convex.STABILITY_AVERAGE,
        convex.GENERALIZATION_LAST,
        convex.GENERALIZATION_AVERAGE,
    ),
    step=SqrtHorizon(2.0),
    laptop=Size(sweeps(8), replicates=512),
    paper=Size(sweeps(11), replicates=16384),
    controls=("matched SGD",),
)
