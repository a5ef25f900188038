"""The excess risk of SLRLA over that of its stages at beta = 0, first step and alpha of both tuned, against beta."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D

from figures._tuned import known
from riskkit.report import plot

EXPERIMENT = "theorem4_tuned"


def draw(stored: plot.Stored) -> plot.Page | None:
    """A panel for each problem, from well- to ill-conditioned; a colour for each budget; dashed at smaller n."""
    found = [c for c in stored.comparisons if c["algorithm"] == "SLRLA"]
    if not found:
        return None
    moduli = sorted({c["lam"] for c in found}, reverse=True)
    budgets, sizes = sorted({c["gradients"] for c in found}), sorted({c["n"] for c in found})
    page = plot.Page(
        "Excess risk of SLRLA (last iterate) over that of the same stages without a regularizer, first step and alpha "
        f"of both tuned, on {stored.problem} with the curvatures (1, lam), against beta",
        height=2.3,
        columns=len(moduli),
        share="row",
    )
    for lam in moduli:
        panel = page.panel(
            xlabel="beta",
            ylabel="excess risk,\nover that at $\\beta = 0$",
            title=plot.symbols({"lam": lam}),
            yscale="linear",
        )
        panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
        for gradients in budgets:
            for n in sizes:
                line = [c for c in found if (c["lam"], c["gradients"], c["n"]) == (lam, gradients, n)]
                draw_line(panel, stored, line, plot.PALETTE[budgets.index(gradients)], full=n == sizes[-1])
    page.key("measured, 95% interval", Line2D([], [], color=plot.INK, marker="o", ms=3.2, lw=0))
    page.key("closed form", Line2D([], [], color=plot.INK, lw=1.0))
    hollow = f" Full markers: n = {sizes[-1]:g}; hollow: n = {', '.join(f'{n:g}' for n in sizes[:-1])}." * (
        len(sizes) > 1
    )
    page.note(
        f"Ratios of means over {stored.replicates} replicates on common random numbers.{hollow} Colours: the gradients "
        "of the run. First step (at most 1/L) and alpha are the best by exact moments at every beta."
    )
    return page


def draw_line(
    panel: plot.Panel, stored: plot.Stored, line: list[dict[str, Any]], look: tuple[str, str], *, full: bool
) -> None:
    """Measured ratios as markers, the ratio of the closed forms as a line."""
    line = sorted(line, key=lambda c: c["beta"])
    if not line:
        return
    colour, marker = look
    about = {key: line[0][key] for key in ("algorithm", "quantity", "output", "n", "lam", "gradients")}
    x = [c["beta"] for c in line]
    exact = [known(stored, c, "SLRLA", beta=c["beta"]) / known(stored, c, c["against"]) for c in line]
    panel.points("exact", x, exact, x_name="beta", about=about, style={"color": colour, "lw": 1.0 if full else 0.6})
    style = {
        "color": colour,
        "marker": marker,
        "ms": 3.4,
        "mfc": colour if full else "white",
        "ls": "none",
        "zorder": 5,
    }
    low, high = [c["low"] for c in line], [c["high"] for c in line]
    panel.points("ratio", x, [c["ratio"] for c in line], x_name="beta", low=low, high=high, about=about, style=style)
    panel.page.key(f"$kT = {line[0]['gradients']:g}$", Line2D([], [], color=colour, marker=marker, ms=3.4, lw=1.0))
    panel.ticks_at(x)
