"""Differences of methods on networks: the excess risk with its two parts, and the error rate, with paired intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from riskkit.report import plot

PARTS = (
    ("optimization", "optimization error", "#0072b2", "o"),
    ("generalization", "generalization error", "#d55e00", "s"),
    ("excess", "their sum, the excess risk", plot.INK, "D"),
)
OFFSET = 0.22


def named(comparison: dict[str, Any], *, baseline: str) -> str:
    """The first method of a comparison, with its beta and the second one where these are not what the page says."""
    beta = f", beta = {comparison['beta']:g}" if comparison.get("beta") else ""
    against = str(comparison["against"]).partition(" (")[0]
    return f"{comparison['algorithm']}{beta}" + ("" if against == baseline else f" - {against}")


def rows(found: Sequence[dict[str, Any]], *, baseline: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Label -> quantity -> comparison, in the order of the comparisons."""
    made: dict[str, dict[str, dict[str, Any]]] = {}
    for one in found:
        made.setdefault(named(one, baseline=baseline), {})[one["quantity"]] = one
    return made


def parts(panel: plot.Panel, lines: dict[str, dict[str, dict[str, Any]]], where: dict[str, float]) -> None:
    """A row for each pair of methods, three marks in it."""
    panel.axes.axvline(0, color=plot.FAINT, lw=0.6, zorder=1)
    for place, (label, line) in enumerate(lines.items()):
        for step, (quantity, key, colour, marker) in enumerate(PARTS):
            if quantity in line:
                _mark(panel, line[quantity], label, place + (step - 1) * OFFSET, colour, marker, where)
                panel.page.key(key, Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0))
    ticks(panel, list(lines))


def errors(panel: plot.Panel, lines: dict[str, dict[str, dict[str, Any]]], where: dict[str, float]) -> None:
    """The same rows: the error rate in points."""
    panel.axes.axvline(0, color=plot.FAINT, lw=0.6, zorder=1)
    for place, (label, line) in enumerate(lines.items()):
        if "error" in line:
            _mark(panel, line["error"], label, place, plot.INK, "o", where, 100.0)
    ticks(panel, list(lines))


def ticks(panel: plot.Panel, labels: Sequence[str]) -> None:
    panel.axes.set_ylim(len(labels) - 0.5, -0.5)
    panel.axes.yaxis.set_major_locator(FixedLocator(list(range(len(labels)))))
    panel.axes.set_yticklabels(labels, fontsize=plot.SMALL)
    panel.axes.tick_params(axis="y", length=0)


def _mark(
    panel: plot.Panel,
    one: dict[str, Any],
    label: str,
    place: float,
    colour: str,
    marker: str,
    where: dict[str, float],
    unit: float = 1.0,
) -> None:
    open_ended = "ends its grid" in str(one["against"])
    style = {"color": colour, "marker": marker, "ms": 3.2, "ls": "none", "zorder": 5}
    style |= {"mfc": "white"} if open_ended else {}
    low, high = ([unit * one[end]] if one[end] is not None else None for end in ("low", "high"))
    about = {"algorithm": label, "quantity": one["quantity"], "output": one["output"], **where}
    value = [unit * one["difference"]]
    panel.points(
        "difference", value, [place], x_name="difference", low=low, high=high, along="x", about=about, style=style
    )
    if open_ended:
        panel.page.note("Hollow: a best value ends its grid, and the comparison decides nothing.")
