"""Theorem 4's gradient counts under strong convexity: measured, and as claimed, against eps and against lam.

Beside them the generalization error at the first checkpoint under eps.
"""

from __future__ import annotations

from figures import _counts
from riskkit.report import plot

EXPERIMENT = "theorem4_counts"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Lookahead with the alpha of the staged plans."""
    return _counts.draw(stored, "lam", 0.5)
