"""Stability and generalization on a smooth Lipschitz loss, against Theorem 1's recursion: along T, n and alpha."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem1_stability"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: stability, generalization. The trivial value, M, is left out: it is far above."""
    judged = [("stability", "last"), ("generalization", "last")]
    page = plot.errors(stored, judged=judged, drawn=("proved",), height=3.8)
    if page is not None:
        page.note("Stability is the mean distance between runs on S and on S with one example replaced.")
    return page
