"""Theorem 2 on ridge regression, which it covers: both errors against T and n, far below the explicit bounds."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem2_ridge"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: optimization, generalization. Columns: along T, along n."""
    page = plot.errors(stored, judged=[("optimization", "last"), ("generalization", "last")], height=4.0)
    if page is not None:
        page.note("A bound above the trivial value says nothing; a slope is fitted where it lies below.")
    return page
