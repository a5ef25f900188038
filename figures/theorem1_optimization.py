"""Theorem 1's optimization bound where the averaged iterate comes close to it: along T, k and alpha."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem1_attained_optimization"


def draw(stored: plot.Stored) -> plot.Page:
    """One panel an axis; what the bound must stay under to say anything is the trivial value."""
    page = plot.Page(
        f"Optimization error of Lookahead's averaged iterate on {stored.problem} against kT, against k at fixed kT, "
        "and against alpha",
        height=2.3,
        columns=3,
        share="row",
        widths=(1.25, 1.0, 1.0),
    )
    for axis in ("T", "k", "alpha"):
        lines = [line.against("kT") if axis == "T" else line for line in stored.lines(axis, "optimization", "average")]
        panel = page.panel(xlabel="kT" if axis == "T" else axis, ylabel="optimization")
        for line in lines:
            panel.curve(line, "trivial")
            panel.curve(line, "proved")
            panel.measured(line)
        panel.slopes(lines)
    for verdict in stored.judged("optimization", "average", "level"):
        page.quote(verdict)
    page.note("The trivial value is the error at theta_0.")
    return page
