"""Theorem 1's generalization bound where the error is known in closed form: along T, k, n and alpha, both outputs.

The explicit bound is twice the closed form, so that the bound at an alpha lies on the error at twice that alpha.
"""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem1_attained"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: last iterate, average. Columns: the axes. The trivial value, M = 200, is left out: it is far above."""
    page = plot.errors(stored, drawn=("exact", "proved"), height=3.8)
    if page is not None:
        page.note("The bound is twice the closed form, so the bound at alpha equals the error at 2 alpha.")
    return page
