"""Optimization error of Lookahead over matched and contraction-matched SGD, measured and exact, along T and k."""

from __future__ import annotations

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "theorem2_edge"
CONTROLS = ("matched SGD", "contraction-matched SGD")


def draw(stored: plot.Stored) -> plot.Page | None:
    """A row for each control. Left: the ratio along T, one line an alpha. Right: against k at the largest kT."""
    found = [
        {**c, "kT": c["k"] * c["T"]}
        for c in stored.comparisons
        if c["against"] in CONTROLS and (c["quantity"], c["output"]) == ("optimization", "last")
    ]
    if not found:
        return None
    page = plot.Page(
        f"Optimization error of Lookahead (last iterate) over that of two SGDs on {stored.problem} with a constant "
        "step, against T and against k",
        height=4.2,
        rows=2,
        columns=2,
        share="row",
        widths=(1.2, 1.0),
    )
    period, longest = max(c["k"] for c in found), max(c["kT"] for c in found)
    alphas = {c["alpha"] for c in found}
    page.bar, least = len(alphas) > plot.MOST_LABELS, min(alphas)
    for control in CONTROLS:
        against = [c for c in found if c["against"] == control]
        first = control == CONTROLS[0]
        ylabel = f"optimization error,\nLookahead /\n{control}"
        along_T = page.panel(xlabel="T", ylabel=ylabel, title=plot.symbols({"k": period}) if first else "")
        for alpha in sorted({c["alpha"] for c in against}):
            draw_line(along_T, stored, [c for c in against if (c["k"], c["alpha"]) == (period, alpha)], "T")
        along_k = page.panel(xlabel="k", title=plot.symbols({"kT": longest}) if first else "")
        draw_line(along_k, stored, [c for c in against if (c["kT"], c["alpha"]) == (longest, least)], "k")
        for panel in (along_T, along_k):
            panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
    for verdict in stored.verdicts:
        if verdict["bound"].startswith("exact"):
            page.quote(verdict)
    page.note(
        f"Ratios of means over {stored.replicates} replicates on common random numbers, with 95% intervals. Colours: "
        "alpha. Under 1, Lookahead's error is the smaller one. Matched SGD has the step alpha eta; contraction-matched "
        "SGD has Lookahead's mean error after every round."
    )
    return page


def draw_line(panel: plot.Panel, stored: plot.Stored, line: list[dict[str, object]], axis: str) -> None:
    """Measured ratios as markers, the ratio of the closed forms as a line."""
    line = sorted(line, key=lambda c: float(str(c[axis])))
    if not line:
        return
    alpha = float(str(line[0]["alpha"]))
    colour = plot.alpha_colour(alpha)
    x = [float(str(c[axis])) for c in line]
    about = {"quantity": "optimization", "output": "last", "algorithm": "Lookahead", "alpha": alpha}
    panel.points(
        "exact", x, [exact(stored, c) for c in line], x_name=axis, about=about, style={"color": colour, "lw": 1.0}
    )
    panel.ratios(line, axis, about=about, style={"color": colour, "marker": "o", "ms": 3.2, "ls": "none", "zorder": 5})
    panel.page.key("measured, 95% interval", Line2D([], [], color=plot.INK, marker="o", ms=3.2, lw=0))
    panel.page.key("closed form", Line2D([], [], color=plot.INK, lw=1.0))
    if axis == "T" and not panel.page.bar:
        panel.page.key(f"$\\alpha = {alpha:g}$", Line2D([], [], color=colour, lw=3))
    panel.ticks_at(x)


def exact(stored: plot.Stored, cell: dict[str, object]) -> float:
    """The ratio of the table's closed forms at the cell; NaN where one is not known."""
    where = {name: float(str(cell[name])) for name in ("n", "k", "T")}
    ours = stored.rows(
        quantity="optimization", output="last", algorithm="Lookahead", alpha=float(str(cell["alpha"])), **where
    )
    theirs = stored.rows(
        quantity="optimization",
        output="last",
        algorithm=str(cell["against"]),
        alpha=float(str(cell["alpha"])),
        **where,
    )
    return float(ours["exact"].iloc[0] / theirs["exact"].iloc[0]) if len(ours) and len(theirs) else float("nan")
