"""Theorem 3 on a nonconvex PL problem, where its bounds say something: small z, and n large beside kT.

With spread 1 and theta_0 = 2 the generalization bound exceeds the range of the loss from about kT = n on. theta_0 lies
about as far from the minimiser of F as the minimiser of fifty examples does: there an alpha below 1 is best, which
keeps some of theta_0 for less noise; farther away none is. Along n, T is large enough for the optimization error to
stay below a tenth of the generalization error, and n large enough for the bounds to say something.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import InverseTime
from riskkit.experiment import Best, Experiment, Grid, Size, doubling
from riskkit.problems import WarpedMean
from riskkit.theory.zhou2021 import polyak_lojasiewicz as pl

ALPHAS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


def grids(*sizes: int) -> tuple[Grid, ...]:
    return (
        Grid("alpha", n=sizes, k=5, alpha=ALPHAS, T=(4, 64)),
        Grid("T", n=1000, k=5, alpha=(0.5, 1.0), T=(*doubling(2, 256), 323, 406, 512)),
        Grid("n", n=doubling(200, 1600), k=5, alpha=0.5, T=2048),
    )


EXPERIMENT = Experiment(
    title="Slide 3 (Theorem 4): generalization, alpha",
    question="Does Theorem 3 (paper: Theorem 4) bound generalization on a PL problem, and which alpha is best there?",
    problem=WarpedMean(dim=2, spread=0.2, initial=0.02),
    algorithms=lookahead(InverseTime(lam=1.0, offset=20), "matched SGD"),
    controls=("matched SGD",),
    bounds=(pl.GENERALIZATION, pl.STABILITY, pl.OPTIMIZATION, pl.EXCESS),
    readings=(Best("alpha", pl.EXCESS, condition=pl.AN_ALPHA_BELOW_1),),
    sizes={"laptop": Size(grids(200, 1000), replicates=512), "paper": Size(grids(200, 1000, 2000), replicates=8192)},
)
