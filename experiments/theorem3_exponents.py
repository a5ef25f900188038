"""Theorem 3 on warped mean estimation: the exponent of the optimization error against alpha and k.

Examples near 0 keep the curvature at the minimiser near mu = 1, where the bound is tested sharply. The explicit
recursion falls like T^-min(2 alpha, 1); the claim does not fall at all for alpha <= 1/2.

What is left of theta_0 falls like T^-(2 alpha), the noise like 1/T, and their share decides how soon the exponent is
that of the limit: theta_0 is far from the minimiser where alpha <= 1/2, for it is to dominate there, and near it where
the noise is to.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import InverseTime
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import WarpedMean
from riskkit.theory.zhou2021 import polyak_lojasiewicz as pl


def grids(gradients: int) -> tuple[Grid, ...]:
    """Horizons up to the same number of gradients, nearly, for every k."""
    alpha = (0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
    longest = {1: gradients, 5: 3 * gradients // 16, 20: 3 * gradients // 64}
    return tuple(Grid("T", n=50, k=k, alpha=alpha, T=doubling(T // 16, T)) for k, T in longest.items())


EXPERIMENT = Experiment(
    title="Slide 3 (Theorem 4): rates under PL",
    question="How fast does the optimization error fall under a PL inequality, for which alpha and k?",
    problem=lambda p: WarpedMean(dim=2, spread=0.5, initial=0.25 if p.alpha <= 0.5 else 0.02),
    algorithms=lookahead(InverseTime(lam=1.0, offset=20)),
    bounds=(pl.OPTIMIZATION,),
    limits={"optimization": lambda where: -min(2 * where["alpha"], 1.0)},
    sizes={"laptop": Size(grids(2**14), replicates=256), "paper": Size(grids(2**18), replicates=2048)},
)
