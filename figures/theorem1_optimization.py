"""Theorem 1's optimization bound where the averaged iterate comes close to it: along T, k and alpha."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem1_attained_optimization"
TITLES = {"T": "against kT", "k": "against k at fixed kT", "alpha": "against alpha"}


def draw(stored: plot.Stored) -> plot.Page | None:
    """One panel an axis; what the bound must stay under to say anything is the trivial value."""
    along = {axis: stored.lines(axis, "optimization", "average") for axis in TITLES}
    along = {axis: lines for axis, lines in along.items() if lines}
    if not along:
        return None
    page = plot.Page(
        f"Optimization error of Lookahead's averaged iterate on {stored.problem} {', '.join(TITLES[a] for a in along)}",
        height=2.3,
        columns=len(along),
        share="row",
        widths=[1.25 if axis == "T" else 1.0 for axis in along],
    )
    for axis, found in along.items():
        lines = [line.against("kT") if axis == "T" else line for line in found]
        panel = page.panel(xlabel="kT" if axis == "T" else axis, ylabel="optimization")
        for line in lines:
            panel.curve(line, "trivial")
            panel.curve(line, "proved")
            panel.measured(line)
        panel.slopes(lines)
    for verdict in stored.judged("optimization", "average", "level"):
        page.quote(verdict)
    page.note("The trivial value is the range of the loss, which is true of every run.")
    return page
