"""The best alpha over n and kT on least squares with a power-law spectrum, n < d and n > d, under Theorem 1."""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Best, Experiment, Grid, Size
from riskkit.problems import PowerLawLeastSquares
from riskkit.theory.zhou2021 import convex

ALPHAS = (0.035, 0.05, 0.07, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)
"""Four of them are so small that the bound says something at the smallest n and the longest run."""

EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): best alpha, many scales",
    question="How does the best alpha move with n and kT when the data have many scales?",
    problem=PowerLawLeastSquares(dim=16, capacity=1.0, source=1.0, noise=0.5, signal=1.0, radius=4.0),
    algorithms=lookahead(SqrtHorizon(1.0), "matched SGD"),
    controls=("matched SGD",),
    bounds=(convex.EXCESS_AVERAGE,),
    readings=(Best("alpha", convex.EXCESS_AVERAGE, scale=convex.BEST_ALPHA),),
    sizes={
        "laptop": Size(Grid("alpha", n=(80, 240), k=8, alpha=ALPHAS, kT=(512, 2048, 8192)), replicates=256),
        "paper": Size(
            [
                Grid("alpha", n=80, k=8, alpha=ALPHAS, kT=(512, 2048, 8192)),
                Grid("alpha", n=(160, 320), k=8, alpha=ALPHAS, kT=(512, 2048, 8192, 32768)),
            ],
            replicates=4096,
        ),
    },
)
