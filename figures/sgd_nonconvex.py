"""Stability and generalization error of SGD on a concave loss along T, against Hardt et al.'s nonconvex bounds."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "sgd_nonconvex"
KINDS: tuple[plot.Kind, ...] = ("exact", "published", "proved")


def draw(stored: plot.Stored) -> plot.Page | None:
    """A column for each c. Rows: stability with its closed form and bound; generalization error with both bounds."""
    sizes = sorted(set(stored.table["c"]))
    if not sizes:
        return None
    page = plot.Page(
        f"Stability and generalization error of SGD (last iterate) with steps c/(j + 1) on {stored.problem}",
        height=3.8,
        rows=2,
        columns=len(sizes),
        share="row",
    )
    for quantity in ("stability", "generalization"):
        for c in sizes:
            title = f"$c = {c:g}$" if quantity == "stability" else ""
            panel = page.panel(xlabel="T", ylabel=quantity if c == sizes[0] else "", title=title)
            line = stored.line("T", quantity, "last", {"c": c}, algorithm="SGD")
            for kind in KINDS:
                panel.curve(line, kind, colour=plot.INK)
            panel.measured(line, colour=plot.PALETTE[0][0], joined=quantity == "generalization")
    page.note("Stability is the mean distance between runs on S and on S with one example replaced.")
    return page
