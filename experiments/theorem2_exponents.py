"""Theorem 2 on mean estimation, which attains it: the exponent of the optimization error against alpha.

Every second moment is known exactly (``riskkit.theory.exact_moments``), so that measured exponents are compared with
the exact ones on the same grid; -min(2 alpha, 1) is the asymptote, and a finite grid lies off it by a stated distance.
"""

from __future__ import annotations

from experiments._lookahead import lookahead
from experiments._mean_moments import generalization, optimization
from riskkit.algorithms import InverseTime
from riskkit.experiment import Exact, Experiment, Grid, Size, doubling
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import strongly_convex


def grids(longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=50, k=5, alpha=(0.1, 0.25, 0.4, 0.5, 0.75, 1.0), T=doubling(64, longest)),
        Grid("n", n=doubling(25, 200), k=5, alpha=0.5, T=64),
    )


EXPERIMENT = Experiment(
    title="Slide 2 (Theorems 1, 2): attained rates",
    question=(
        "Does the optimization error fall as T^-min(2 alpha, 1) when the problem attains Theorem 2 (paper: Theorem 1)?"
    ),
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms=lookahead(InverseTime(lam=1.0, offset=2), "SGD", "matched SGD"),
    controls=("SGD", "matched SGD"),
    bounds=(strongly_convex.OPTIMIZATION, strongly_convex.GENERALIZATION, strongly_convex.STABILITY),
    readings=(
        Exact("optimization", "last", optimization, ratio_to="matched SGD"),
        Exact("generalization", "last", generalization, ratio_to="matched SGD"),
    ),
    limits={"optimization": lambda where: -min(2 * where["alpha"], 1.0)},
    sizes={"laptop": Size(grids(2**15), replicates=64), "paper": Size(grids(2**17), replicates=64)},
)
