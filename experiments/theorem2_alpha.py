"""The best alpha under Theorem 2, and equation 7 as a prediction of when it is not 1, on ridge regression."""

from __future__ import annotations

from experiments._lookahead import inverse_time, lookahead
from riskkit.experiment import Best, Experiment, Grid, Size
from riskkit.problems import Ridge
from riskkit.theory.zhou2021 import strongly_convex

ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)

EXPERIMENT = Experiment(
    title="Slide 2 (Theorems 1, 2): equation 7",
    question="When is the best alpha of a strongly convex problem not 1, and does equation 7 say so?",
    problem=Ridge(dim=8, lam=0.1, noise=0.5, signal=2.0, radius=2.0),
    algorithms=lookahead(inverse_time, "matched SGD"),
    controls=("matched SGD",),
    bounds=(strongly_convex.EXCESS,),
    readings=(Best("alpha", strongly_convex.EXCESS, condition=strongly_convex.EQUATION_7),),
    sizes={
        "laptop": Size(Grid("alpha", n=(100, 200, 400), k=5, alpha=ALPHAS, T=(64, 256, 1024)), replicates=512),
        "paper": Size(Grid("alpha", n=(100, 200, 400, 800), k=(5, 20), alpha=ALPHAS, T=(64, 256, 1024, 4096)), 4096),
    },
)
