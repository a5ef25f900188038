"""Averaged SGD from a tenth of a pass to a hundred, and three other ways to draw: excess risk, and over SGD's."""

from __future__ import annotations

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "sgd_passes"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Left: excess risk. Middle: optimization error. Right: excess risk over that of SGD. Each against J steps."""
    rows = stored.rows(output="average")
    size = rows["n"].min()
    rows = rows[rows["n"] == size]
    if rows.empty:
        return None
    page = plot.Page(
        f"Excess risk of averaged SGD and its optimization error on {stored.problem} against the number of steps J, "
        f"n = {size:g}, by how examples are drawn",
        height=2.6,
        columns=3,
    )
    looks = dict(zip(stored.record["algorithms"], plot.PALETTE, strict=False))
    for quantity in ("excess", "optimization"):
        panel = page.panel(xlabel="J", ylabel=quantity)
        for algorithm, (colour, marker) in looks.items():
            line = rows[(rows["quantity"] == quantity) & (rows["algorithm"] == algorithm)].sort_values("J")
            if line.empty:
                continue
            panel.measured(plot.Line(line, "J", {}, {}, algorithm), colour=colour, marker=marker, key=algorithm)
    right = page.panel(xlabel="J", ylabel="excess risk / that of SGD", yscale="linear")
    for algorithm, (colour, marker) in looks.items():
        at = sorted(
            (
                c
                for c in stored.comparisons
                if (c["quantity"], c["output"], c["against"]) == ("excess", "average", "SGD")
                and c["algorithm"] == algorithm
                and c["n"] == size
            ),
            key=lambda c: c["J"],
        )
        if not at:
            continue
        right.ratios(
            at,
            "J",
            about={"quantity": "excess", "output": "average", "algorithm": algorithm},
            style={"color": colour, "marker": marker, "ms": 3.2, "lw": 0.8},
        )
        page.key(algorithm, Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0.8))
    right.ticks_at(sorted(set(rows["J"].astype(float))))
    right.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
    page.note(
        "The step size is the one that Hardt, Recht and Singer derive for J gradients on n examples: every J is a "
        "run of its own. One pass is J = n. A step of full batches takes n gradients."
    )
    return page
