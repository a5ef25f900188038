"""Lookahead's own edge: with a constant step and k eta lam >> 1 its noise floor lies below matched SGD's.

On mean estimation both second moments are known at every T, so that the ratio is held against the exact one; in the
limit it is (1+p)(2-alpha h)/((2-h)(2-alpha(1-p))) with h = eta lam, p = (1-h)^k.
"""

from __future__ import annotations

from experiments.theorem2_exponents import optimization
from riskkit.algorithms.staged import Constant
from riskkit.experiment.grid import Experiment, Size, Sweep
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex


def sweeps(longest: int) -> tuple[Sweep, ...]:
    rounds = tuple(2**e for e in range(longest + 1))
    return (
        Sweep("T", n=(50,), k=(50,), alpha=(0.1, 0.25, 0.5), T=rounds),
        Sweep("k", n=(50,), k=(1, 5, 10, 20, 50), alpha=(0.1,), kT=(50 * 2**longest,)),
    )


EXPERIMENT = Experiment(
    name="theorem2_edge",
    question="Where k eta lam is large, is Lookahead's noise floor below matched SGD's by the exact factor?",
    problem=MeanEstimation(dim=4, lam=1.0),
    bounds=(convex.OPTIMIZATION_AVERAGE, convex.STABILITY_LAST),
    step=Constant(0.1),
    laptop=Size(sweeps(6), replicates=1024),
    paper=Size(sweeps(8), replicates=16384),
    exact={("optimization", "last"): optimization},
    controls=("matched SGD",),
)
