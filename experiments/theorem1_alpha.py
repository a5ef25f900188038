"""The U of the excess risk in alpha on logistic regression, beside SGD with the step alpha eta (matched SGD)."""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Best, Experiment, Grid, Size
from riskkit.problems import Logistic
from riskkit.theory.zhou2021 import convex

ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0)

EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): best alpha, logistic",
    question="Which alpha has the smallest excess risk, and is Lookahead better there than SGD with step alpha eta?",
    problem=Logistic(dim=16, radius=10.0, signal=3.0),
    algorithms=lookahead(SqrtHorizon(12.0), "SGD", "matched SGD"),
    controls=("SGD", "matched SGD"),
    bounds=(convex.EXCESS_AVERAGE, convex.OPTIMIZATION_AVERAGE, convex.GENERALIZATION_LAST),
    readings=(Best("alpha", convex.EXCESS_AVERAGE, scale=convex.BEST_ALPHA, condition=convex.AN_ALPHA_BELOW_1),),
    sizes={
        "laptop": Size(Grid("alpha", n=(50, 200), k=8, alpha=ALPHAS, kT=(256, 1024, 4096)), replicates=512),
        "paper": Size(
            [
                Grid("alpha", n=50, k=8, alpha=ALPHAS, kT=(256, 1024, 4096)),
                Grid("alpha", n=(100, 200, 400), k=8, alpha=ALPHAS, kT=(256, 1024, 4096, 16384)),
            ],
            replicates=4096,
        ),
    },
)
