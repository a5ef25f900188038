"""Every verdict that is stored, on one page: levels as measured / bound, rates as the slope of measured / claim."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from riskkit import plot

EXPERIMENT = None
MARGIN = 0.05
"""Half the width of the band in which rates are declared equal."""
SHADE = "#ececec"
LABELS = 1.35
"""Inches for the rows' names."""


class Mark(NamedTuple):
    """How an outcome looks; what asserts something is filled."""

    name: str
    marker: str
    colour: str
    filled: bool = True

    @property
    def style(self) -> dict[str, Any]:
        face = self.colour if self.filled else "white"
        return {"ls": "none", "marker": self.marker, "ms": 3.6, "color": self.colour, "mfc": face, "mew": 0.8}


GOOD = Mark("holds, attained, agrees", "o", "#0072b2")
BAD = Mark("violated, refuted, disagrees", "X", "#d55e00")
MARKS = {
    **dict.fromkeys(("HOLDS", "ATTAINED", "AGREES"), GOOD),
    **dict.fromkeys(("VIOLATED", "REFUTED", "DISAGREES"), BAD),
    "SLACK": Mark("slack", "s", "#009e73"),
    "PRE-ASYMPTOTIC": Mark("pre-asymptotic", "D", "#777777", filled=False),
    "INCONCLUSIVE": Mark("inconclusive", "o", "#777777", filled=False),
}


class Row(NamedTuple):
    """One bound (or one comparison with a closed form) of one experiment; a heading if it has no verdicts."""

    experiment: str
    name: str
    verdicts: list[dict[str, Any]]


def draw(everything: list[plot.Stored]) -> plot.Page:
    """A row for each bound of each experiment: its level on the left, its rates on the right, all outcomes in words."""
    rows: list[Row] = []
    for stored in everything:
        rows.append(Row(stored.name, stored.name, []))
        for bound in dict.fromkeys(verdict["bound"] for verdict in stored.verdicts):
            verdicts = [verdict for verdict in stored.verdicts if verdict["bound"] == bound]
            name = f"{verdicts[0]['quantity']}, {verdicts[0]['output']}"
            rows.append(Row(stored.name, f"{name} (exact)" if bound.startswith("exact") else name, verdicts))
    page = plot.Page(
        "Every verdict: measured / bound at its largest (left), slope of measured / claim along each line (right)",
        height=0.75 + min(0.21, 8.2 / len(rows)) * len(rows),
        columns=2,
        widths=(0.8, 1.0),
        share="row",
    )
    levels = page.panel(xlabel="measured / bound", xscale="log", yscale="linear")
    rates = page.panel(xlabel="slope of measured / claim", xscale="symlog", yscale="linear")
    rates.axes.set_xscale("symlog", linthresh=2 * MARGIN, linscale=1.0)
    for place, row in enumerate(rows):
        draw_row(levels, rates, place, row)
    frame(levels, rates, rows)
    drawn = {record["status"] for record in page.records}
    for mark in dict.fromkeys(mark for outcome, mark in MARKS.items() if outcome in drawn):
        page.key(mark.name, Line2D([], [], **mark.style))
    total = Counter(verdict["outcome"] for row in rows for verdict in row.verdicts)
    page.note(f"{total.total()} verdicts: {', '.join(f'{count} {outcome}' for outcome, count in total.most_common())}.")
    page.note("Shaded: above the bound (left), within the declared margin of 0.05 (right). Bars are 90% intervals.")
    page.note(
        "In words: how many lines along T, k, n and alpha came out how. Rows named exact compare with a "
        "closed form: measured / exact in the cell that is farthest off, and the difference of the exponents."
    )
    return page


def levelled(verdict: dict[str, Any]) -> bool:
    """True of a verdict on a level (or an identity) that found a ratio."""
    return verdict["kind"] in ("level", "identity") and verdict["ratio"] is not None


def draw_row(levels: plot.Panel, rates: plot.Panel, place: int, row: Row) -> None:
    """Marks of one row: one level, any number of rates, spread over the row's height."""
    level = [verdict for verdict in row.verdicts if verdict["kind"] in ("level", "identity")]
    others = [verdict for verdict in row.verdicts if verdict not in level]
    sloped = [verdict for verdict in others if verdict["difference"] is not None]
    for verdict in level:
        if levelled(verdict):
            mark(levels, row, verdict, "ratio", float(place))
        else:
            levels.inside(place, verdict["outcome"].lower())
    for rank, verdict in enumerate(sloped):
        mark(rates, row, verdict, "difference", place + 0.6 * ((rank + 0.5) / len(sloped) - 0.5))
    counts = Counter(verdict["outcome"].lower() for verdict in others)
    rates.beside(place, ", ".join(f"{outcome} {count}" for outcome, count in counts.most_common()))


def mark(panel: plot.Panel, row: Row, verdict: dict[str, Any], value: str, height: float) -> None:
    low, high = (verdict[f"{value}_{end}"] if value == "difference" else None for end in ("low", "high"))
    about = {"quantity": verdict["quantity"], "output": verdict["output"], "status": verdict["outcome"]}
    about |= {"experiment": row.experiment, "bound": verdict["bound"], "axis": verdict["axis"], **verdict["where"]}
    style = {**MARKS[verdict["outcome"]].style, "zorder": 5}
    panel.points(
        verdict["kind"], verdict[value], height, x_name=value, low=low, high=high, along="x", about=about, style=style
    )


def frame(levels: plot.Panel, rates: plot.Panel, rows: list[Row]) -> None:
    """Row names, rules between experiments, the bound and the margin."""
    axes = levels.axes
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(rows)))))
    axes.set_yticklabels([row.name for row in rows], fontsize=plot.SMALL)
    axes.tick_params(axis="y", pad=LABELS * 72)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set(fontweight="normal" if row.verdicts else "bold", horizontalalignment="left")
    for panel in (levels, rates):
        panel.axes.tick_params(axis="y", length=0)
        panel.axes.spines["left"].set_visible(False)
        for place, row in enumerate(rows):
            if any(panel is rates or levelled(verdict) for verdict in row.verdicts):
                panel.axes.axhline(place, color=SHADE, lw=0.5, zorder=0)
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.3, max(2.0, high * 1.3))
    axes.axvspan(1, axes.get_xlim()[1], color=SHADE, zorder=0, lw=0)
    axes.axvline(1, color=plot.INK, lw=0.6, zorder=1)
    rates.axes.axvspan(-MARGIN, MARGIN, color=SHADE, zorder=0, lw=0)
    rates.axes.axvline(0, color=plot.INK, lw=0.6, zorder=1)
    rates.axes.xaxis.set_major_locator(FixedLocator([-1, -0.1, 0, 0.1, 1]))
    rates.axes.xaxis.set_minor_locator(NullLocator())
    rates.axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\N{MINUS SIGN}")))
