"""Map of the best alpha over (n, kT) on logistic regression: measured, and against Theorem 1."""

from __future__ import annotations

from figures import _alpha
from riskkit.report import plot

EXPERIMENT = "theorem1_alpha"


def draw(stored: plot.Stored) -> plot.Page | None:
    """The averaged iterate."""
    return _alpha.chart(stored, "average")
