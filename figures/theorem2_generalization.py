"""Theorem 2's generalization error where it is known: against T and n, with the closed form."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem2_exponents"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Columns: along T, along n. The trivial value is left out."""
    return plot.errors(stored, judged=[("generalization", "last")], drawn=("exact", "proved"), height=2.4)
