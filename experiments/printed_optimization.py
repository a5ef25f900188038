"""The optimization bounds of the paper's Theorems 1 and 4 (slides 2 and 3) and Corollary 1 as printed.

Mean estimation has L = lam = mu = 1, so that both steps, (lam+L)/(lam L (j+2)) and 1/(mu (j+1)), stay in the unit ball.
"""

from __future__ import annotations

from riskkit.algorithms import Lookahead
from riskkit.experiment import Experiment, Grid, Size
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import published

ALPHAS = (0.01, 0.1, 0.25, 0.5, 0.75, 1.0)
GRIDS = (
    Grid(n=20, k=(1, 5, 20, 50), alpha=ALPHAS, T=(1, 4, 32)),
    Grid(n=20, k=5, alpha=(0.25, 0.5, 0.75, 1.0), T=(256, 2048)),
    Grid(n=(5, 100), k=5, alpha=(0.1, 1.0), T=32),
)

EXPERIMENT = Experiment(
    title="Theorems 1, 4 (slides 2, 3) as printed",
    question=(
        "Do the optimization bounds of the paper's Theorems 1 and 4 (slides 2 and 3) hold as printed, and how"
        " loose are they?"
    ),
    problem=MeanEstimation(dim=4),
    algorithms={
        "Lookahead, Theorem 1's step": lambda p: Lookahead(
            p.T, p.k, p.alpha, published.first_step(p.problem.constants)
        ),
        "Lookahead, Theorem 4's step": lambda p: Lookahead(
            p.T, p.k, p.alpha, published.decay_step(p.problem.constants)
        ),
    },
    bounds=(published.OPTIMIZATION_1, published.OPTIMIZATION_4, published.DISTANCE_1, published.EXCESS_1),
    sizes={"laptop": Size(GRIDS, replicates=64), "paper": Size(GRIDS, replicates=64)},
)
