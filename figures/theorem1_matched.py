"""Lookahead against matched SGD (step alpha eta) on the same random numbers: the paired ratio of their excess risks."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "theorem1_alpha"
MARKERS = ("o", "s", "^", "D", "v")


def draw(stored: plot.Stored) -> plot.Page | None:
    """Columns: n. One line for each kT; a filled marker differs from 1 after Holm's adjustment over all comparisons."""
    found = [
        {**c, "kT": c["k"] * c["T"]}
        for c in stored.comparisons
        if (c["against"], c["quantity"], c["output"]) == ("matched SGD", "excess", "average")
    ]
    if not found:
        return None
    sizes, products = plot.few((c["n"] for c in found), 4), plot.few((c["kT"] for c in found), plot.MOST_LABELS)
    page = plot.Page(
        f"Excess risk of Lookahead over that of matched SGD, averaged iterates on {stored.problem}, against alpha",
        height=2.2,
        columns=len(sizes),
        share="row",
    )
    page.omitted("n", (c["n"] for c in found), sizes)
    page.omitted("kT", (c["kT"] for c in found), products)
    for n in sizes:
        panel = page.panel(
            xlabel="alpha",
            ylabel="excess risk,\nLookahead / matched SGD",
            title=plot.symbols({"n": n}),
            yscale="linear",
        )
        panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
        for place, kT in enumerate(products):
            colour = to_hex(mpl.colormaps["viridis"](0.75 * place / max(1, len(products) - 1)))
            line = sorted((c for c in found if (c["n"], c["kT"]) == (n, kT)), key=lambda c: c["alpha"])
            draw_line(panel, line, colour, MARKERS[place % len(MARKERS)])
    clear = sum(c["outcome"] != "undecided" for c in found)
    page.note(
        f"Ratios of means over {stored.replicates} replicates on common random numbers, with 95% intervals, each for "
        "its own cell. Filled: differs from 1 after Holm over all comparisons of the experiment "
        f"({clear} of {len(found)} here)."
    )
    return page


def draw_line(panel: plot.Panel, line: list[dict[str, Any]], colour: str, marker: str) -> None:
    alphas, ratios = [c["alpha"] for c in line], [c["ratio"] for c in line]
    panel.axes.plot(alphas, ratios, color=colour, lw=0.7, zorder=3)
    for c in line:
        face = "white" if c["outcome"] == "undecided" else colour
        style = {"marker": marker, "ms": 3.4, "mew": 0.7, "color": colour, "mfc": face, "ls": "none", "zorder": 5}
        about = {name: c[name] for name in ("n", "T", "k", "alpha", "quantity", "output", "outcome")}
        panel.points(
            "ratio", c["alpha"], c["ratio"], x_name="alpha", low=c["low"], high=c["high"], about=about, style=style
        )
        panel.page.key(f"$kT = {c['kT']:g}$", Line2D([], [], color=colour, marker=marker, ms=3.4, lw=0.7))
    panel.ticks_at(alphas)
