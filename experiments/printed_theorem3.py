"""The paper's Theorem 3 (slide 1) as printed, on the linear loss over a ball.

While no step is projected, the average's generalization error is (eta/(2n)) (alpha k (T-1) + k - 1) exactly: above the
printed alpha eta k T/n where alpha k (T+1) < k - 1, and half the re-derived bound. Where the printed one fails, nothing
is projected, since eta (alpha k (T-1) + k) <= 2 eta k <= 2 there. The second algorithm takes the paper's own step,
sqrt(D^2/(alpha kT G^2)), with D = 5 for every S.
"""

from __future__ import annotations

from riskkit.algorithms import Constant, Lookahead
from riskkit.experiment import Experiment, Grid, Size
from riskkit.problems import LinearOnBall
from riskkit.theory.zhou2021 import published

ETA = 0.02
ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
OWN_ALPHAS = (0.02, 0.1, 0.5, 1.0)
FIXED, OWN = "Lookahead", "Lookahead, the paper's step"


GRIDS = (
    Grid(n=20, k=(1, 5, 20, 50), alpha=ALPHAS, T=(1, 2, 4, 9, 20)),  # at k = T = 1 the average is theta_0
    Grid(n=(5, 20, 100), k=(5, 20), alpha=0.1, T=(1, 4)),
)

EXPERIMENT = Experiment(
    title="Theorem 3 (slide 1) as printed",
    question=(
        "Does the paper's Theorem 3 (slide 1) hold as printed, and where does its bound on the averaged iterate fail?"
    ),
    problem=LinearOnBall(dim=4, radius=5.0),
    algorithms={
        FIXED: lambda p: Lookahead(p.T, p.k, p.alpha, Constant(ETA)),
        OWN: lambda p: (
            Lookahead(p.T, p.k, p.alpha, published.horizon_step(5.0, 1.0, p.alpha)) if p.alpha in OWN_ALPHAS else None
        ),
    },
    bounds=(
        published.GENERALIZATION_3,
        published.GENERALIZATION_LAST_3,
        published.OPTIMIZATION_3,
        published.EXCESS_3,
    ),
    sizes={"laptop": Size(GRIDS, replicates=1024), "paper": Size(GRIDS, replicates=32768)},
)
