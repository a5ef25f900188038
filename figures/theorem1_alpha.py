"""The U of the excess risk in alpha with its two parts, Lookahead beside matched SGD, and the best alpha predicted."""

from __future__ import annotations

from figures import _alpha
from riskkit.report import plot

EXPERIMENT = "theorem1_alpha"


def draw(stored: plot.Stored) -> plot.Page | None:
    """The averaged iterate throughout."""
    return _alpha.u(stored, "average")
