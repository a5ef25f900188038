"""The best alpha of Theorem 1 on mean estimation, where the excess risk of the average is known without noise.

With steps 1/sqrt(kT) the optimization error of the average falls with alpha like D^2/(2 alpha^2 kT) once theta_0 is
forgotten, alpha sqrt(kT) being large, and its generalization error has all but 1/(alpha sqrt(kT)) of the minimizer's,
of order 1/n. So the best alpha is of order n/sqrt(kT) here. The lines have it inside the grid of alpha.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from riskkit.algorithms import SqrtHorizon
from riskkit.experiment import Best, Experiment, Grid, Size
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex

ALPHAS = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1.0)

GRID = Grid("alpha", n=(20, 28, 40), k=50, alpha=ALPHAS, kT=(12800, 25600, 51200))

EXPERIMENT = Experiment(
    title="Slide 1 (Theorem 3): best alpha, exactly",
    question="Is the best alpha of order sqrt(n/(kT)) where the losses are quadratics?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms=lookahead(SqrtHorizon(1.0)),
    readings=(Best("alpha", convex.EXCESS_AVERAGE, scale=convex.BEST_ALPHA),),
    sizes={"laptop": Size(GRID, replicates=64), "paper": Size(GRID, replicates=64)},
)
