"""Every verdict that is stored, on one page: levels as measured / bound, rates as the slope of measured / claim."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from riskkit.report import plot, statements

EXPERIMENT = None
MARGIN = 0.05
"""Half the width of the band in which rates are declared equal."""
SHADE = "#ececec"
NAMES = 2.2
"""Inches for the names of experiments and rows."""
NAMES_ALONE = 1.75
"""Inches for the names of experiments where each has one row."""
LEAST = 1e-4
"""The smallest measured / bound that is shown in its place."""
MOST = 64
"""Rows that a page has room for; with more, each experiment has one row."""
SHARES = {"optimization": 0, "generalization": 1, "excess": 2, "stability": 3, "gradients": 4, "distance": 5}
"""The quantities of the rows, in their order; what compares with a closed form has a row of its own."""
EXACT = "closed form"
SHORT = {"pre-asymptotic": "pre-asym.", "inconclusive": "inconcl.", "too few points": "too few"}


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


GOOD = Mark("holds, tight, agrees, detected", "o", "#0072b2")
BAD = Mark("violated, refuted, disagrees, missed", "X", "#d55e00")
MARKS = {
    **dict.fromkeys(("HOLDS", "TIGHT", "AGREES", "DETECTED"), GOOD),
    **dict.fromkeys(("VIOLATED", "REFUTED", "DISAGREES", "MISSED"), BAD),
    "LOOSE": Mark("loose", "s", "#009e73"),
    "TOO FEW POINTS": Mark("too few points", "d", "#777777", filled=False),
    "NOT DECAYING": Mark("not decaying", "v", "#d55e00", filled=False),
    "PRE-ASYMPTOTIC": Mark("pre-asymptotic", "D", "#777777", filled=False),
    "INCONCLUSIVE": Mark("inconclusive", "o", "#777777", filled=False),
}


Marks = dict[tuple[plot.Panel, str, Mark], list[tuple[float, float, dict[str, Any]]]]
"""Panel, number and look -> the marks: x, height, and what the record says."""


class Row(NamedTuple):
    """The verdicts of one experiment on one quantity (or on what is known in closed form); ``head``: its first row."""

    experiment: str
    name: str
    verdicts: list[dict[str, Any]]
    head: bool


def rows_of(stored: plot.Stored, split: bool) -> list[Row]:
    """A row for each quantity; or one row for all of them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for verdict in stored.verdicts:
        exact = verdict["form"] == "exact"
        groups.setdefault((EXACT if exact else verdict["quantity"]) if split else "", []).append(verdict)
    names = sorted(groups, key=lambda name: SHARES.get(name, len(SHARES)))
    return [Row(stored.name, name, groups[name], place == 0) for place, name in enumerate(names)]


def draw(everything: list[plot.Stored]) -> plot.Page:
    """A row for each quantity of each experiment: levels on the left, rates on the right, all outcomes in words."""
    rows = [row for stored in everything for row in rows_of(stored, split=True)]
    if len(rows) > MOST:
        rows = [row for stored in everything for row in rows_of(stored, split=False)]
    page = plot.Page(
        "Every verdict: measured / bound at its largest (left), slope of measured / claim along each line (right)",
        height=0.8 + min(0.19, 7.9 / len(rows)) * len(rows),
        columns=2,
        widths=(1.15, 0.95),
        share="row",
    )
    levels = page.panel(xlabel="measured / bound", xscale="log", yscale="linear")
    rates = page.panel(xlabel="slope of\nmeasured / claim", xscale="symlog", yscale="linear")
    rates.axes.set_xscale("symlog", linthresh=2 * MARGIN, linscale=1.0)
    marks: Marks = {}
    for place, row in enumerate(rows):
        draw_row(levels, rates, place, row, marks)
    for (panel, value, mark), shown in marks.items():
        panel.points(
            "verdict",
            [x for x, _, _ in shown],
            [height for _, height, _ in shown],
            x_name=value,
            low=[about["low"] for _, _, about in shown],
            high=[about["high"] for _, _, about in shown],
            along="x",
            about=[about for _, _, about in shown],
            style={**mark.style, "zorder": 5},
        )
    frame(levels, rates, rows)
    drawn = {record["status"] for record in page.records}
    for mark in dict.fromkeys(mark for outcome, mark in MARKS.items() if outcome in drawn):
        page.key(mark.name, Line2D([], [], **mark.style))
    total = Counter(verdict["outcome"] for row in rows for verdict in row.verdicts)
    page.note(f"{total.total()} verdicts: {', '.join(f'{count} {outcome}' for outcome, count in total.most_common())}.")
    if said := statements.tally(statements.standings({stored.name: stored.verdicts for stored in everything})):
        page.note(said)
    page.note("Shaded: above the bound (left), within the declared margin of 0.05 (right). Bars are 90% intervals.")
    page.note(
        "In words, of the two most common outcomes: how many levels (left, without a number) and how many lines along "
        "T, k, n, alpha, eps and the problem's constant (right) came out so; an arrow: levels below the axis. "
        "Closed form: measured / exact in the cell "
        "that is farthest off, the difference of the exponents, and identities between two measurements."
    )
    return page


def levelled(verdict: dict[str, Any]) -> bool:
    """True of a verdict on a level (or an identity) that found a ratio."""
    return verdict["kind"] in ("level", "identity") and verdict["ratio"] is not None


def draw_row(levels: plot.Panel, rates: plot.Panel, place: int, row: Row, marks: Marks) -> None:
    """Words of one row, and its marks, levels and rates spread over the row's height, which are drawn all at once."""
    level = [verdict for verdict in row.verdicts if not verdict["axis"]]
    others = [verdict for verdict in row.verdicts if verdict["axis"]]
    shown = [verdict for verdict in level if levelled(verdict)]
    sloped = [verdict for verdict in others if verdict["difference"] is not None]
    for panel, verdicts, value in ((levels, shown, "ratio"), (rates, sloped, "difference")):
        for rank, verdict in enumerate(verdicts):
            height = place + 0.6 * ((rank + 0.5) / len(verdicts) - 0.5)
            shape = MARKS[verdict["outcome"]]
            marks.setdefault((panel, value, shape), []).append((verdict[value], height, told(row, verdict, value)))
    low = sum(verdict["ratio"] < LEAST for verdict in shown)
    if low:
        levels.inside(place, rf"$\leftarrow$ {low}")
    elif level and not shown:
        levels.inside(place, counted(level))
    rates.beside(place, counted(others))


def counted(verdicts: list[dict[str, Any]]) -> str:
    """``"3 tight, 1 pre-asym."``; of more than two outcomes the two that are most common, and how many others."""
    counts = Counter(verdict["outcome"].lower() for verdict in verdicts).most_common()
    shown, others = (counts, 0) if len(counts) <= 2 else (counts[:2], sum(count for _, count in counts[2:]))
    said = [f"{count} {SHORT.get(outcome, outcome)}" for outcome, count in shown]
    return ", ".join([*said, f"{others} other" + "s" * (others > 1)] if others else said)


def told(row: Row, verdict: dict[str, Any], value: str) -> dict[str, Any]:
    """What the record says of a mark."""
    low, high = (verdict[f"{value}_{end}"] if value == "difference" else None for end in ("low", "high"))
    about = {"kind": verdict["kind"], "low": low, "high": high, "status": verdict["outcome"]}
    about |= {"quantity": verdict["quantity"], "output": verdict["output"]}
    return about | {
        "experiment": row.experiment,
        "bound": verdict["bound"],
        "axis": verdict["axis"],
        **verdict["where"],
    }


def frame(levels: plot.Panel, rates: plot.Panel, rows: list[Row]) -> None:
    """Names, rules between experiments, the bound and the margin."""
    axes = levels.axes
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(rows)))))
    axes.set_yticklabels([row.name for row in rows], fontsize=plot.SMALL)
    axes.tick_params(axis="y", pad=3)
    for place, row in enumerate(rows):
        if row.head:
            levels.outside(place, row.experiment, NAMES if any(row.name for row in rows) else NAMES_ALONE)
    for panel in (levels, rates):
        panel.axes.tick_params(axis="y", length=0)
        panel.axes.spines["left"].set_visible(False)
        for place, row in enumerate(rows):
            if row.head and place:
                panel.axes.axhline(place - 0.5, color=plot.FAINT, lw=0.4, zorder=0)
            panel.axes.axhline(place, color=SHADE, lw=0.5, zorder=0)
    low, high = axes.get_xlim()
    axes.set_xlim(max(low / 1.3, LEAST / 1.3), max(2.0, high * 1.3))
    axes.xaxis.set_major_locator(LogLocator(numticks=4))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvspan(1, axes.get_xlim()[1], color=SHADE, zorder=0, lw=0)
    axes.axvline(1, color=plot.INK, lw=0.6, zorder=1)
    rates.axes.axvspan(-MARGIN, MARGIN, color=SHADE, zorder=0, lw=0)
    rates.axes.axvline(0, color=plot.INK, lw=0.6, zorder=1)
    rates.axes.xaxis.set_major_locator(FixedLocator([-1, 0, 1]))
    rates.axes.xaxis.set_minor_locator(NullLocator())
    rates.axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}".replace("-", "\N{MINUS SIGN}")))
