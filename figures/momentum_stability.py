"""Stability and excess risk of heavy ball, of SGD with its step, and of SGD with the step eta/(1 - momentum)."""

from __future__ import annotations

from figures._momentum import page
from riskkit.report import plot

EXPERIMENT = "momentum_stability"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: stability, excess risk. Columns: momentum."""
    return page(
        stored,
        "momentum",
        (("stability", "last"), ("excess", "last")),
        f"Replace-one stability and excess risk of heavy ball and SGD (last iterate) on {stored.problem} along T",
        "",
        height=3.9,
    )
