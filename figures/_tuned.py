"""Excess risk of one tuned algorithm over another's: lines of measured and exact ratios, and the words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.lines import Line2D

from riskkit.report import plot


def draw_ratios(
    panel: plot.Panel,
    stored: plot.Stored,
    line: list[dict[str, Any]],
    axis: str,
    look: tuple[str, str],
    key: str,
    *,
    full: bool,
) -> None:
    """Comparisons along the axis: measured ratios as markers, the ratio of the closed forms as a line."""
    line = sorted(line, key=lambda c: float(c[axis]))
    if not line:
        return
    colour, marker = look
    about = {name: line[0][name] for name in ("algorithm", "quantity", "output", "n", "lam", "gradients")}
    x = [c[axis] for c in line]
    exact = [known(stored, c, c["algorithm"], **{axis: c[axis]}) / known(stored, c, c["against"]) for c in line]
    panel.points("exact", x, exact, x_name=axis, about=about, style={"color": colour, "lw": 1.0 if full else 0.6})
    face = colour if full else "white"
    style = {"color": colour, "marker": marker, "ms": 3.4, "mfc": face, "ls": "none", "zorder": 5}
    low, high = [c["low"] for c in line], [c["high"] for c in line]
    panel.points("ratio", x, [c["ratio"] for c in line], x_name=axis, low=low, high=high, about=about, style=style)
    panel.page.key(key, Line2D([], [], color=colour, marker=marker, ms=3.4, lw=1.0))
    panel.ticks_at(x)


def explain(page: plot.Page, stored: plot.Stored, sizes: Sequence[float]) -> None:
    """The keys of measured and exact ratios, and the caption's first sentences."""
    page.key("measured, 95% interval", Line2D([], [], color=plot.INK, marker="o", ms=3.2, lw=0))
    page.key("closed form", Line2D([], [], color=plot.INK, lw=1.0))
    page.note(f"Ratios of means over {stored.replicates} replicates on common random numbers.")
    if len(sizes) > 1:
        page.note(f"Full markers: n = {sizes[-1]:g}; hollow: n = {', '.join(f'{n:g}' for n in sizes[:-1])}.")


def known(stored: plot.Stored, cell: dict[str, Any], algorithm: str, **where: float) -> float:
    """The table's closed form of the algorithm's excess risk at the cell; NaN where it has none."""
    where |= {name: float(cell[name]) for name in ("n", "lam", "gradients")}
    rows = stored.rows(quantity="excess", output="last", algorithm=algorithm, **where)
    return float(rows["exact"].iloc[0]) if len(rows) else float("nan")
