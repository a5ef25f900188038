"""Stability of heavy ball on a linear loss, where its bound is attained."""

from __future__ import annotations

from figures._momentum import page
from riskkit.report import plot

EXPERIMENT = "momentum_linear"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Columns: momentum."""
    return page(
        stored,
        "momentum",
        (("stability", "last"),),
        f"Replace-one stability of heavy ball and SGD (last iterate) on {stored.problem} along T, with the bound",
        "",
        height=2.6,
    )
