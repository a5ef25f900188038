"""Lookahead's noise floor with a constant step against those of two SGDs, each matched to it in one respect.

*Matched SGD* has the step alpha eta: where k eta lam is large its floor is the higher one, and it forgets its start
faster. *Contraction-matched SGD* has Lookahead's mean error after every round, and the lower floor of the two
(``riskkit.theory.contraction``). On mean estimation all second moments are known at every T, so that the ratios are
held against the exact ones; over matched SGD's it is in the limit (1+p)(2-alpha h)/((2-h)(2-alpha(1-p))), with
h = eta lam, p = (1-h)^k.
"""

from __future__ import annotations

from experiments._lookahead import contraction_matched_sgd, lookahead
from experiments._mean_moments import optimization
from riskkit.algorithms import Constant
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=50, k=50, alpha=(0.1, 0.25, 0.5), T=doubling(1, longest)),
        Grid("k", n=50, k=(1, 5, 10, 20, 50), alpha=0.1, kT=50 * longest),
    )


ETA = 0.1

EXPERIMENT = Experiment(
    title="Slide 2 (Theorems 1, 2): stationary error",
    question="Is Lookahead's floor below matched SGD's and above contraction-matched SGD's, by the exact factors?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms={
        **lookahead(Constant(ETA), "matched SGD"),
        "contraction-matched SGD": contraction_matched_sgd(ETA),
    },
    controls=("matched SGD", "contraction-matched SGD"),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.STABILITY_LAST),
    readings=tuple(
        Exact("optimization", "last", optimization, ratio_to=control)
        for control in ("matched SGD", "contraction-matched SGD")
    ),
    sizes={"laptop": Size(grids(2**6), replicates=64), "paper": Size(grids(2**8), replicates=64)},
)
