"""The excess risk of Lookahead over SGD's with the step sizes of both tuned, by family of step sizes, against alpha."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D

from figures._tuned import known
from riskkit.report import plot

EXPERIMENT = "theorem2_tuned"


def draw(stored: plot.Stored) -> plot.Page | None:
    """A panel for each problem and budget; a colour for each family; full markers at the largest n."""
    found = [c for c in stored.comparisons if c["algorithm"].startswith("Lookahead, ")]
    if not found:
        return None
    settings = sorted({(c["lam"], c["gradients"]) for c in found}, key=lambda pair: (-pair[0], pair[1]))
    sizes = sorted({c["n"] for c in found})
    page = plot.Page(
        "Excess risk of Lookahead (last iterate) over that of SGD at equal gradients, the step sizes of both tuned, on "
        f"{stored.problem} with the curvatures (1, lam), against alpha",
        height=2.3,
        columns=len(settings),
    )
    for lam, gradients in settings:
        first = (lam, gradients) == settings[0]
        ylabel = "excess risk,\nLookahead / SGD" if first else ""
        title = f"$\\lambda = {lam:g}$, $kT = {gradients:g}$"
        far = max(c["ratio"] for c in found if (c["lam"], c["gradients"]) == (lam, gradients)) > 2
        panel = page.panel(xlabel="alpha", ylabel=ylabel, title=title, yscale="log" if far else "linear")
        panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
        for name in dict.fromkeys(c["algorithm"] for c in found):
            for n in sizes:
                line = [
                    c for c in found if (c["algorithm"], c["lam"], c["gradients"], c["n"]) == (name, lam, gradients, n)
                ]
                draw_line(panel, stored, line, full=n == sizes[-1])
    page.key("measured, 95% interval", Line2D([], [], color=plot.INK, marker="o", ms=3.2, lw=0))
    page.key("closed form", Line2D([], [], color=plot.INK, lw=1.0))
    hollow = f" Full markers: n = {sizes[-1]:g}; hollow: n = {', '.join(f'{n:g}' for n in sizes[:-1])}." * (
        len(sizes) > 1
    )
    page.note(
        f"Ratios of means over {stored.replicates} replicates on common random numbers.{hollow} Under 1, Lookahead's "
        "excess risk is the smaller one. Every step size is the best of its family by exact moments, with eta at most "
        "1/L; alpha is as drawn. Each panel has its own y axis."
    )
    return page


def draw_line(panel: plot.Panel, stored: plot.Stored, line: list[dict[str, Any]], *, full: bool) -> None:
    """Measured ratios as markers, the ratio of the closed forms as a line."""
    line = sorted(line, key=lambda c: c["alpha"])
    if not line:
        return
    names = list(dict.fromkeys(c["algorithm"] for c in stored.comparisons))
    name = str(line[0]["algorithm"])
    colour, marker = plot.PALETTE[names.index(name)]
    about = {key: line[0][key] for key in ("algorithm", "quantity", "output", "n", "lam", "gradients")}
    x = [c["alpha"] for c in line]
    exact = [known(stored, c, c["algorithm"], alpha=c["alpha"]) / known(stored, c, c["against"]) for c in line]
    panel.points("exact", x, exact, x_name="alpha", about=about, style={"color": colour, "lw": 1.0 if full else 0.6})
    style = {
        "color": colour,
        "marker": marker,
        "ms": 3.4,
        "mfc": colour if full else "white",
        "ls": "none",
        "zorder": 5,
    }
    low, high = [c["low"] for c in line], [c["high"] for c in line]
    panel.points("ratio", x, [c["ratio"] for c in line], x_name="alpha", low=low, high=high, about=about, style=style)
    panel.page.key(name.removeprefix("Lookahead, "), Line2D([], [], color=colour, marker=marker, ms=3.4, lw=1.0))
    panel.ticks_at(x)
