"""Theorem 1 on a smooth Lipschitz loss: generalization and stability along T, n and alpha; neither is an identity.

The steps are c/sqrt(kT). Near the minimiser the loss has the curvature h = E h''(noise)/d = .09, so that a run forgets
an example after 1/(alpha eta h) steps. Along T, c is so large that all runs are many times as long (alpha c h sqrt(kT)
from 23 on): the transient, of relative size 1/that, moves a slope by less than .05. The bounds, of order
alpha c sqrt(kT)/n, then say something for large n only. Along n, where a measurement is as noisy as the replaced
example is rarely met, c is small and T large.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Lookahead, SqrtHorizon
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import PseudoHuberRegression
from riskkit.theory.zhou2021 import convex


def half_octaves(start: int, stop: int) -> tuple[int, ...]:
    """start, sqrt(2) start, 2 start, .. up to stop, rounded."""
    return tuple(round(start * 2 ** (q / 2)) for q in range(2 * (stop // start).bit_length() - 1))


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=512, k=4, alpha=(0.5, 1.0), c=8.0, T=half_octaves(1024, longest)),
        Grid("n", n=doubling(64, 1024), k=4, alpha=0.5, c=0.25, T=1024),
        Grid("alpha", n=64, k=4, alpha=(0.1, 0.2, 0.4, 0.7, 1.0), c=2.0, T=64),
    )


EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): stability",
    question=(
        "How do generalization error and stability of Lookahead on a smooth Lipschitz loss follow Theorem 1 "
        "(paper: Theorem 3)?"
    ),
    problem=PseudoHuberRegression(dim=4, delta=0.5, noise=0.5, signal=1.0, radius=2.0),
    algorithms={
        "Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, SqrtHorizon(p.c)),
        "matched SGD": lambda p: SGD(p.kT, SqrtHorizon(p.alpha * p.c)),
    },
    controls=("matched SGD",),
    bounds=(
        convex.STABILITY_LAST,
        convex.STABILITY_AVERAGE,
        convex.GENERALIZATION_LAST,
        convex.GENERALIZATION_AVERAGE,
    ),
    sizes={"laptop": Size(grids(2**12), replicates=2048), "paper": Size(grids(2**13), replicates=16384)},
)
