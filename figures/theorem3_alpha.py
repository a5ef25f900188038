"""Theorem 3's generalization and stability on warped mean estimation, and where the bound says nothing."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem3_alpha"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: generalization, stability. What the bound must stay under to say anything is the trivial value."""
    page = plot.errors(stored, judged=[("generalization", "last"), ("stability", "last")], height=4.0)
    if page is not None:
        page.note("A bound above the trivial value says nothing.")
        page.note("Stability is the mean distance between runs on S and on S with one example replaced.")
    return page
