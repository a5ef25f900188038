"""Averaged SGD from a tenth of a pass to a hundred: excess risk with its bounds, and the two parts of it."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "sgd_passes"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Left: excess risk. Middle: optimization error. Right: generalization error. Each against J, the gradients."""
    rows = stored.rows(output="average")
    size = rows["n"].min()
    rows = rows[rows["n"] == size]
    if rows.empty:
        return None
    page = plot.Page(
        f"Excess risk of averaged SGD and its two parts on {stored.problem} against the number of gradients J, "
        f"n = {size:g}, examples drawn with replacement or reshuffled every pass",
        height=2.6,
        columns=3,
    )
    for quantity in ("excess", "optimization", "generalization"):
        panel = page.panel(xlabel="J", ylabel=quantity)
        for algorithm, (colour, marker) in zip(
            stored.record["algorithms"], (plot.PALETTE[1], plot.PALETTE[2]), strict=True
        ):
            line = rows[(rows["quantity"] == quantity) & (rows["algorithm"] == algorithm)].sort_values("J")
            if line.empty:
                continue
            panel.measured(plot.Line(line, "J", {}, {}, algorithm), colour=colour, marker=marker, key=algorithm)
    page.note(
        "The step size is the one that Hardt, Recht and Singer derive for J gradients on n examples: every J is a "
        "run of its own. One pass is J = n."
    )
    return page
