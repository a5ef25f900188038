"""Lookahead's own edge: with a constant step and k eta lam >> 1 its noise floor lies below matched SGD's.

On mean estimation both second moments are known at every T, so that the ratio is held against the exact one; in the
limit it is (1+p)(2-alpha h)/((2-h)(2-alpha(1-p))) with h = eta lam, p = (1-h)^k.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from experiments.theorem2_exponents import optimization
from riskkit.algorithms import Constant
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=50, k=50, alpha=(0.1, 0.25, 0.5), T=doubling(1, longest)),
        Grid("k", n=50, k=(1, 5, 10, 20, 50), alpha=0.1, kT=50 * longest),
    )


EXPERIMENT = Experiment(
    question="Where k eta lam is large, is Lookahead's noise floor below matched SGD's by the exact factor?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms=lookahead(Constant(0.1), "matched SGD"),
    controls=("matched SGD",),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.STABILITY_LAST),
    readings=(Exact("optimization", "last", optimization, ratio_to="matched SGD"),),
    sizes={"laptop": Size(grids(2**6), replicates=1024), "paper": Size(grids(2**8), replicates=16384)},
)
