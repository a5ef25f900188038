"""Stability and generalization error of SGD on a concave loss along T, against Hardt et al.'s nonconvex bounds."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "sgd_nonconvex"
KINDS: tuple[plot.Kind, ...] = ("exact", "published", "proved")


def draw(stored: plot.Stored) -> plot.Page | None:
    """A column for each ball and c. Rows: stability with its closed form and bound; generalization error with both
    bounds."""
    lines = sorted(set(zip(stored.table["algorithm"], stored.table["radius"], stored.table["c"], strict=True)))
    if not lines:
        return None
    page = plot.Page(
        f"Stability and generalization error of SGD (last iterate) with steps c/(j + 1) on {stored.problem}",
        height=3.8,
        rows=2,
        columns=len(lines),
        share="row",
    )
    for quantity in ("stability", "generalization"):
        for name, radius, c in lines:
            title = f"radius {radius:g}, $c = {c:g}$" if quantity == "stability" else ""
            first = (name, radius, c) == lines[0]
            panel = page.panel(xlabel="T", ylabel=quantity if first else "", title=title)
            line = stored.line("T", quantity, "last", {"radius": radius, "c": c}, algorithm=name)
            for kind in KINDS:
                panel.curve(line, kind, colour=plot.INK)
            panel.measured(line, colour=plot.PALETTE[0][0], joined=quantity == "generalization")
    page.note("Stability is the mean distance between runs on S and on S with one example replaced.")
    return page
