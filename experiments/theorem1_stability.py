"""Theorem 1 on a smooth Lipschitz loss: generalization and stability along T, n and alpha; neither is an identity."""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import PseudoHuberRegression
from riskkit.theory.zhou2021 import convex


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=64, k=4, alpha=(0.5, 1.0), T=doubling(256, longest)),
        Grid("n", n=doubling(64, 1024), k=4, alpha=0.5, T=64),
        Grid("alpha", n=64, k=4, alpha=(0.1, 0.2, 0.4, 0.7, 1.0), T=64),
    )


EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): stability",
    question=(
        "How do generalization error and stability of Lookahead on a smooth Lipschitz loss follow Theorem 1 "
        "(paper: Theorem 3)?"
    ),
    problem=PseudoHuberRegression(dim=4, delta=0.5, noise=0.5, signal=1.0, radius=2.0),
    algorithms=lookahead(SqrtHorizon(2.0), "matched SGD"),
    controls=("matched SGD",),
    bounds=(
        convex.STABILITY_LAST,
        convex.STABILITY_AVERAGE,
        convex.GENERALIZATION_LAST,
        convex.GENERALIZATION_AVERAGE,
    ),
    sizes={"laptop": Size(grids(2**12), replicates=2048), "paper": Size(grids(2**13), replicates=16384)},
)
