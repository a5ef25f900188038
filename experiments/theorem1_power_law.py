"""The best alpha over n and kT on least squares with a power-law spectrum, n < d and n > d, under Theorem 1."""

from __future__ import annotations

from riskkit.algorithms.staged import SqrtHorizon
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import PowerLawLeastSquares
from riskkit.theory.zhou2021 import convex

ALPHAS = (0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)

EXPERIMENT = Experiment(
    name="theorem1_power_law",
    question="How does the best alpha move with n and kT when the data have many scales?",
    problem=PowerLawLeastSquares(dim=16, capacity=1.0, source=1.0, noise=0.5, signal=1.0, radius=4.0),
    bounds=(convex.EXCESS_AVERAGE,),
    step=SqrtHorizon(1.0),
    laptop=Size((Sweep("alpha", n=(20, 80), k=(8,), alpha=ALPHAS, kT=(512, 2048, 8192)),), replicates=256),
    paper=Size(
        (Sweep("alpha", n=(20, 40, 80, 160, 320), k=(8,), alpha=ALPHAS, kT=(512, 2048, 8192, 32768)),), replicates=4096
    ),
    controls=("matched SGD",),
)
