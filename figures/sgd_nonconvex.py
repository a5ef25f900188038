"""Stability and generalization error of SGD on a concave loss, against Hardt et al.'s nonconvex bounds."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "sgd_nonconvex"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: stability with its closed form, generalization error."""
    judged = [("stability", "last"), ("generalization", "last")]
    page = plot.errors(stored, judged=judged, drawn=("exact", "published", "proved"), height=3.8)
    if page is not None:
        page.note("Stability is the mean distance between runs on S and on S with one example replaced.")
    return page
