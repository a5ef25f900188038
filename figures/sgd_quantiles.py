"""Quantiles of the generalization error over the replicates, with the bound that holds with high probability."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "sgd_passes"


def draw(stored: plot.Stored) -> plot.Page | None:
    """One panel a share: the quantile against J, by how examples are drawn."""
    shares = sorted({q["share"] for q in stored.quantiles}, reverse=True)
    if not shares:
        return None
    size = min(q["n"] for q in stored.quantiles)
    page = plot.Page(
        f"Quantiles of the generalization error (last iterate) on {stored.problem} over {stored.replicates} replicates "
        f"against the number of steps J, n = {size:g}",
        height=2.6,
        columns=len(shares),
        share="row",
    )
    looks = dict(zip(stored.record["algorithms"], plot.PALETTE, strict=False))
    for share in shares:
        panel = page.panel(
            xlabel="J",
            ylabel="quantile of $F - F_S$" if share == shares[0] else "",
            yscale="log",
            title=f"exceeded with probability {share:g}",
        )
        for algorithm, (colour, marker) in looks.items():
            at = sorted(
                (q for q in stored.quantiles if q["algorithm"] == algorithm and q["share"] == share and q["n"] == size),
                key=lambda q: q["J"],
            )
            numbers = {
                name: np.array([np.nan if q[name] is None else q[name] for q in at], dtype=np.float64)
                for name in ("value", "low", "high", "bound")
            }
            if not at:
                continue
            about = {"quantity": "generalization", "output": "last", "algorithm": algorithm, "share": share}
            panel.points(
                "quantile",
                [q["J"] for q in at],
                numbers["value"],
                x_name="J",
                about=about,
                style={"color": colour, "marker": marker, "ms": 3.2, "lw": 0.8},
                low=numbers["low"],
                high=numbers["high"],
            )
            page.key(algorithm, Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0.8))
            if np.isfinite(numbers["bound"]).any():
                panel.points(
                    "bound",
                    [q["J"] for q in at],
                    numbers["bound"],
                    x_name="J",
                    about=about,
                    style={"color": colour, "ls": "none", "marker": "_", "ms": 7},
                )
                page.key("bound, after whole passes", Line2D([], [], color=plot.INK, ls="none", marker="_", ms=7))
    page.note("95% intervals from order statistics, which hold for any distribution of the replicates.")
    return page
