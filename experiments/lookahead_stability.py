"""Stability on average of Lookahead with batches, in l1 and l2, over several replaced examples: what a batch buys it,
and what is left against SGD with the step alpha eta.

Near the minimizer the loss has the curvature lam + 1/d = .35, so that a run forgets an example after 1/(alpha eta .35),
some 14 gradients; the claims sum over all of them. The grid of batches is at kT = 160, where that shows.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, Lookahead
from riskkit.experiment import Experiment, Grid, Paired, Size, doubling
from riskkit.experiment.readings import Of
from riskkit.measure.own import PATH_RISK, PATH_ROOT_RISK, SQUARED_STABILITY
from riskkit.problems import Ridge
from riskkit.theory.field import li2025

ETA = 0.4

COMPARED: Of = (("stability", "last"), ("squared_stability", "last"), ("excess", "average"))

EXPERIMENT = Experiment(
    title="Lookahead: stability on average",
    question="What does a batch buy the stability of Lookahead, is it more stable than matched SGD?",
    problem=Ridge(dim=4, lam=0.1, noise=0.5, radius=2.0),
    algorithms={
        "Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, Constant(ETA), batch=p.b),
        "matched SGD": lambda p: SGD(p.kT, Constant(p.alpha * ETA), k=p.k, batch=p.b),
    },
    bounds=(li2025.L1, li2025.L2, li2025.GENERALIZATION, li2025.EXCESS),
    readings=(Paired("Lookahead", ("matched SGD",), of=COMPARED),),
    quantities=(SQUARED_STABILITY, PATH_RISK, PATH_ROOT_RISK),
    neighbours=4,
    sizes={
        "laptop": Size(
            [
                Grid("b", n=40, k=5, alpha=0.5, T=32, b=(1, 2, 4, 8)),
                Grid("T", n=40, k=5, alpha=0.5, b=1, T=doubling(2, 32)),
            ],
            replicates=256,
        ),
        "paper": Size(
            [
                Grid("b", n=40, k=5, alpha=(0.5, 1.0), T=(32, 64), b=(1, 2, 4, 8, 16, 32)),
                Grid("b", n=40, k=5, alpha=0.25, T=128, b=(1, 2, 4, 8, 16)),
                Grid("T", n=40, k=5, alpha=(0.25, 0.5, 1.0), b=1, T=(*doubling(2, 64), 80, 96, 112, 128)),
            ],
            replicates=4096,
        ),
    },
)
