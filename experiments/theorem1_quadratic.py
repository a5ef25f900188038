"""Theorem 1's claims on mean estimation, where every expectation is known: no noise, and horizons beyond the transient.

The steps are 2/sqrt(kT), for which the slides claim their rates; ``theorem2_edge`` has Lookahead with the same k and
alpha at a constant step, for which they claim none. A run forgets theta_0 and a replaced example after 1/(alpha eta
lam) gradients, which is 1/(2 alpha sqrt(kT)) of it: at most a twentieth from T = 256 on, and what is left of it moves a
slope by less than the margin. n is so large that the stability bound says something up to the longest run.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex

N = 1000


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=N, k=50, alpha=(0.1, 0.25, 0.5), T=doubling(256, longest)),
        Grid("k", n=N, k=(1, 5, 10, 20, 50), alpha=0.1, kT=25600),
    )


EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): a quadratic, exactly",
    question="Do errors of Lookahead fall as Theorem 1 (paper: Theorem 3) claims where the losses are quadratics?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms=lookahead(SqrtHorizon(2.0)),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.STABILITY_LAST),
    sizes={"laptop": Size(grids(2**11), replicates=64), "paper": Size(grids(2**14), replicates=64)},
)
