"""Theorem 2 on ridge regression, a realistic problem that it covers: how far below the bounds are the measurements?

The grids are where explicit / claim of the excess risk is flat at the end, which tells a transient from a rate: its two
parts fall at different speeds, and differ in their constants; at alpha = 1/4 that would take T = 2^16. Along n the
claim's share that does not fall with n, of order 1/(kT), is small up to the largest n. Theta is a ball that no step
leaves, so that the expectations given S are exact where they are asked for (``--engine moments``).
"""

from __future__ import annotations

from collections.abc import Callable

from experiments._lookahead import Make, inverse_time, lookahead
from riskkit.algorithms import Algorithm
from riskkit.experiment import Experiment, Grid, Point, Size, doubling
from riskkit.problems import Ridge
from riskkit.theory.zhou2021 import strongly_convex

CONTROLS = ("SGD", "matched SGD")
ALONG_N = 0.9
"""alpha along n."""


def beside(make: Make) -> Callable[[Point], Algorithm | None]:
    """A control, along T alone: along n, where alpha is nearly 1, it would run as long as Lookahead for the same."""
    return lambda p: None if p.alpha == ALONG_N else make(p)


def grids(longest: int, largest: int, along_n: int) -> tuple[Grid, ...]:
    """Along T up to ``longest``, at alpha = 0.5 to twice that; along n up to ``largest`` at T = ``along_n``."""
    return (
        Grid("T", n=16, k=5, alpha=0.5, T=doubling(32, 2 * longest)),
        Grid("T", n=25, k=5, alpha=1.0, T=doubling(32, longest)),
        Grid("n", n=doubling(50, largest), k=5, alpha=ALONG_N, T=along_n),
    )


EXPERIMENT = Experiment(
    title="Slide 2 (Theorems 1, 2): ridge regression",
    question=(
        "How do the errors of Lookahead on ridge regression compare with Theorem 2 (paper: Theorems 1 and 2),"
        " claimed and explicit?"
    ),
    problem=Ridge(dim=4, lam=0.5, signal=2.0, radius=1.9),
    algorithms={
        name: make if name == "Lookahead" else beside(make) for name, make in lookahead(inverse_time, *CONTROLS).items()
    },
    controls=CONTROLS,
    bounds=(strongly_convex.OPTIMIZATION, strongly_convex.GENERALIZATION, strongly_convex.EXCESS),
    sizes={
        "laptop": Size(grids(2**11, 400, 2**12), replicates=1024),
        "paper": Size(grids(2**12, 800, 2**13), replicates=8192),
    },
)
