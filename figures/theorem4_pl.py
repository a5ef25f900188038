"""Theorem 4's gradient counts under a PL inequality: measured, and as claimed, against eps."""

from __future__ import annotations

from figures import _counts
from riskkit.report import plot

EXPERIMENT = "theorem4_pl"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Lookahead with the larger of the two alphas; the staged plans have 1/2."""
    return _counts.draw(stored, "", 0.75)
