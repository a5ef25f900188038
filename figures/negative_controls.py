"""Planted faults beside the real algorithms: measured over exact, which is 1 for what is what it pretends to be."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from riskkit.report import plot

EXPERIMENT = "negative_controls"
MOST = 1e4
"""The largest measured / exact that is shown in its place."""
LOOKS = {"AGREES": ("agrees", "#0072b2"), "DETECTED": ("detected", "#d55e00"), "MISSED": ("missed", "#000000")}


def draw(stored: plot.Stored) -> plot.Page | None:
    """A row for each method: every checkpoint at which its expectation is known."""
    known = [v for v in stored.verdicts if v["bound"].startswith(("exact ", "planted "))]
    if not known:
        return None
    page = plot.Page(
        f"Measured optimization error divided by the exact value for the named method on {stored.problem}",
        height=0.9 + 0.24 * len(known),
    )
    panel = page.panel(xlabel="measured / exact", yscale="linear")
    panel.axes.axvline(1, color=plot.INK, lw=0.6, zorder=1)
    roles = [v["algorithm"] for v in known]
    least = 1.0
    for place, (role, verdict) in enumerate(zip(roles, known, strict=True)):
        rows = stored.rows(quantity=verdict["quantity"], output=verdict["output"], algorithm=role)
        rows = rows[np.isfinite(rows["exact"]) & (rows["exact"] > 0)].sort_values("gradients")
        name, colour = LOOKS.get(verdict["outcome"], (verdict["outcome"].lower(), plot.FAINT))
        ratios = {end: (rows[end] / rows["exact"]).to_numpy() for end in ("mean", "low", "high")}
        height = place + np.linspace(-0.3, 0.3, len(rows)) if len(rows) > 1 else np.full(len(rows), float(place))
        style = {"color": colour, "marker": "o", "ms": 2.6, "ls": "none", "zorder": 5}
        about = {
            "algorithm": role,
            "quantity": verdict["quantity"],
            "output": verdict["output"],
            "status": verdict["outcome"],
        }
        drawn = np.isfinite(ratios["mean"]) & (ratios["mean"] > 0)
        least = min([least, *ratios["mean"][drawn]])
        panel.points(
            "measured / exact",
            ratios["mean"][drawn],
            height[drawn],
            x_name="ratio",
            low=np.maximum(ratios["low"], ratios["mean"] * 1e-3)[drawn],
            high=ratios["high"][drawn],
            along="x",
            about=about,
            style=style,
        )
        if (most := max(ratios["mean"][drawn], default=0.0)) > MOST:
            (end,) = plot.written([float(f"{most:.0e}")])
            panel.text(0.99, 1 - (place + 0.5) / len(roles), f"to {end}", ha="right")
        if not drawn.any():
            panel.inside(place, f"{name}; nothing is drawn")
        page.key(name, Line2D([], [], **style))
        page.quote(verdict)
    panel.axes.set_ylim(len(roles) - 0.5, -0.5)
    panel.axes.set_xlim(least / 3, min(panel.axes.get_xlim()[1], MOST))
    panel.axes.yaxis.set_major_locator(FixedLocator(list(range(len(roles)))))
    panel.axes.set_yticklabels(roles, fontsize=plot.SMALL)
    panel.axes.tick_params(axis="y", length=0)
    page.note("A ratio of 1 means agreement; the negative controls must differ from 1.")
    page.note("A mark for each checkpoint, early ones above, with its 95% interval.")
    return page
