"""Theorem 2 on ridge regression, which it covers: both errors against T and n, far below the explicit bounds."""

from __future__ import annotations

from riskkit import plot

EXPERIMENT = "theorem2_ridge"


def draw(stored: plot.Stored) -> plot.Page:
    """Rows: optimization, generalization. Columns: along T, along n."""
    page = plot.Page(
        f"Optimization error (top) and generalization error (bottom) of Lookahead's last iterate on {stored.problem}, "
        "against T and n",
        height=4.0,
        rows=2,
        columns=2,
        share="grid",
    )
    for quantity in ("optimization", "generalization"):
        for axis in ("T", "n"):
            panel = page.panel(xlabel=axis, ylabel=quantity)
            lines = stored.lines(axis, quantity, "last")
            for line in lines:
                panel.curve(line, "trivial")
                panel.curve(line, "explicit")
                panel.measured(line)
            panel.slopes(lines)
        for verdict in stored.judged(quantity, "last", "level"):
            page.quote(verdict)
    page.note(f"Means over {stored.replicates} replicates with 95% intervals.")
    page.note("A bound above the trivial value says nothing; a slope is fitted where it lies below.")
    return page
