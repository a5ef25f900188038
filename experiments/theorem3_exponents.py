"""Theorem 3 on warped mean estimation: the exponent of the optimization error against alpha and k.

Examples near 0 keep the curvature at the minimiser near mu = 1, where the bound is tested sharply. The explicit
recursion falls like T^-min(2 alpha, 1); the claim does not fall at all for alpha <= 1/2.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import InverseTime
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import WarpedMean
from riskkit.theory.zhou2021 import polyak_lojasiewicz as pl


def grid(longest: int) -> Grid:
    return Grid("T", n=50, k=(1, 5, 20), alpha=(0.2, 0.3, 0.4, 0.5, 0.75, 1.0), T=doubling(longest // 16, longest))


EXPERIMENT = Experiment(
    title="Slide 3 (Theorem 4): rates under PL",
    question="How fast does the optimization error fall under a PL inequality, for which alpha and k?",
    problem=WarpedMean(dim=2, spread=0.5, initial=0.25),
    algorithms=lookahead(InverseTime(lam=1.0, offset=20)),
    bounds=(pl.OPTIMIZATION,),
    limits={"optimization": lambda where: -min(2 * where["alpha"], 1.0)},
    sizes={"laptop": Size(grid(2**10), replicates=256), "paper": Size(grid(2**14), replicates=2048)},
)
