"""The U of the excess risk in alpha on logistic regression, beside SGD with the step alpha eta (matched SGD)."""

from __future__ import annotations

from riskkit.algorithms.staged import SqrtHorizon
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import Logistic
from riskkit.theory.zhou2021 import convex

ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0)


EXPERIMENT = Experiment(
    name="theorem1_alpha",
    question="Which alpha has the smallest excess risk, and is Lookahead better there than SGD with step alpha eta?",
    problem=Logistic(dim=16, radius=10.0, signal=3.0),
    bounds=(convex.EXCESS_AVERAGE, convex.OPTIMIZATION_AVERAGE, convex.GENERALIZATION_LAST),
    step=SqrtHorizon(12.0),
    laptop=Size((Sweep("alpha", n=(50, 200), k=(8,), alpha=ALPHAS, kT=(256, 1024, 4096)),), replicates=256),
    paper=Size((Sweep("alpha", n=(50, 100, 200, 400), k=(8,), alpha=ALPHAS, kT=(256, 1024, 4096, 16384)),), 4096),
)
