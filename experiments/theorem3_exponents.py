"""Theorem 3 on warped mean estimation: the exponent of the optimization error against alpha and k.

Examples near 0 keep the curvature at the minimiser near mu = 1, where the bound is tested sharply. The explicit
recursion falls like T^-min(2 alpha, 1); the claim does not fall at all for alpha <= 1/2.
"""

from __future__ import annotations

from riskkit.algorithms.staged import InverseTime
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import WarpedMean
from riskkit.theory.zhou2021 import polyak_lojasiewicz


def sweeps(longest: int) -> tuple[Sweep, ...]:
    rounds = tuple(2**e for e in range(longest - 4, longest + 1))
    return (Sweep("T", n=(50,), k=(1, 5, 20), alpha=(0.2, 0.3, 0.4, 0.5, 0.75, 1.0), T=rounds),)


EXPERIMENT = Experiment(
    name="theorem3_exponents",
    question="How fast does the optimization error fall under a PL inequality, for which alpha and k?",
    problem=WarpedMean(dim=2, spread=0.5, initial=0.25),
    bounds=(polyak_lojasiewicz.OPTIMIZATION,),
    step=InverseTime(lam=1.0, offset=20),
    laptop=Size(sweeps(10), replicates=256),
    paper=Size(sweeps(14), replicates=2048),
    limits={"optimization": lambda alpha: -min(2 * alpha, 1.0)},
    controls=(),
)
