"""Stability of heavy ball where curvature comes and goes: short steps, and steps that make it explode."""

from __future__ import annotations

from figures._momentum import page
from riskkit.report import plot

EXPERIMENT = "momentum_sparse"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Columns: step sizes."""
    return page(
        stored,
        "eta",
        (("stability", "last"),),
        f"Replace-one stability of heavy ball (last iterate) and SGD on {stored.problem} along T, by step size eta",
        "The explicit bound stands where it is proved. Each panel has an axis of its own.",
        height=2.6,
        share="none",
    )
