"""Theorem 3's generalization bound, its vacuity, and the best alpha of a nonconvex PL problem."""

from __future__ import annotations

from riskkit.algorithms.staged import InverseTime
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import WarpedMean
from riskkit.theory.zhou2021 import polyak_lojasiewicz

ALPHAS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


def sweeps(*sizes: int) -> tuple[Sweep, ...]:
    return (
        Sweep("alpha", n=sizes, k=(5,), alpha=ALPHAS, T=(4, 32, 256)),
        Sweep("T", n=(100,), k=(5,), alpha=(0.5, 1.0), T=(2, 4, 8, 16, 32, 64, 128, 256)),
        Sweep("n", n=(25, 50, 100, 200, 400), k=(5,), alpha=(0.5,), T=(16,)),
    )


EXPERIMENT = Experiment(
    name="theorem3_alpha",
    question="Does Theorem 3 bound generalization on a PL problem, and which alpha is best there?",
    problem=WarpedMean(dim=2, spread=1.0, initial=2.0),
    bounds=(
        polyak_lojasiewicz.GENERALIZATION,
        polyak_lojasiewicz.STABILITY,
        polyak_lojasiewicz.OPTIMIZATION,
        polyak_lojasiewicz.EXCESS,
    ),
    step=InverseTime(lam=1.0, offset=20),
    laptop=Size(sweeps(10, 100), replicates=512),
    paper=Size(sweeps(10, 25, 100, 400), replicates=8192),
    controls=("matched SGD",),
)
