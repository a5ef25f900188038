"""Theorem 1's optimization bound on the linear loss, in the window where the averaged iterate comes close to it.

With n = 16 the slope ||zbar|| is near 1/4 (nearer the larger the dimension), so that the walk to the sphere,
D/(alpha eta ||zbar||) steps, is short beside kT and the bound's first term D^2/(2 alpha eta kT) is what is left. The
share of the second one, alpha eta/2, grows like alpha^2: along alpha it stays small up to .7. The excess risk's claim
is its generalization part from alpha = .7 on, within the margin.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import LinearOnBall
from riskkit.theory.zhou2021 import convex


def grids(*rounds: float) -> tuple[Grid, ...]:
    return (
        Grid("T", n=16, k=4, alpha=(0.7, 1.0), T=rounds),
        Grid("k", n=16, k=(1, 4, 16, 64), alpha=1.0, kT=4096),
        Grid("alpha", n=16, k=4, alpha=(0.1, 0.2, 0.3, 0.5, 0.7), T=1024),
    )


EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): the averaged iterate",
    question=(
        "How close does the averaged iterate of Lookahead come to the optimization bound of Theorem 1 (paper:"
        " Theorem 3)?"
    ),
    problem=LinearOnBall(dim=16, radius=3.5),
    algorithms=lookahead(SqrtHorizon(1.0), "SGD", "matched SGD"),
    controls=("SGD", "matched SGD"),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.OPTIMIZATION_LAST, convex.EXCESS_AVERAGE),
    sizes={
        "laptop": Size(grids(*doubling(2**8, 2**13)), replicates=512),
        "paper": Size(grids(512, 724, 1024, 1448, *doubling(2**11, 2**15)), replicates=8192),
    },
)
