"""The verdicts of an experiment as text for a terminal."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from riskkit.algorithms.traits import passed_on
from riskkit.identity import label, short
from riskkit.judges.outcome import Outcome, Verdict, counted
from riskkit.stats.first_passage import PassageStatus
from riskkit.verdicts.counts import Count, Line
from riskkit.verdicts.finding import Comparison, Finding
from riskkit.verdicts.findings import Found

Colour = Literal["plain", "ansi"]
Frames = Literal["unicode", "ascii"]


class Terminal(NamedTuple):
    """Where verdicts are read."""

    width: int
    colour: Colour
    frames: Frames = "unicode"

    @staticmethod
    def here() -> Terminal:
        """Standard output, or a page of 120 columns."""
        frames: Frames = "unicode" if "utf" in (sys.stdout.encoding or "").lower() else "ascii"
        return Terminal(Console().width, "ansi", frames) if sys.stdout.isatty() else Terminal(120, "plain", frames)


WIDE = 110
"""Columns that a table of verdicts needs; on a narrower terminal each verdict has lines of its own."""


class Row(NamedTuple):
    """The verdicts of one bound that came out the same way."""

    bound: str
    where: str
    outcome: str
    numbers: str


def verdict_text(name: str, question: str, found: Found, at: Terminal) -> str:
    """The verdicts, the counts and the comparisons of an experiment, for a terminal of any width."""
    console = Console(
        file=io.StringIO(), width=at.width, force_terminal=at.colour == "ansi", highlight=False, markup=False
    )
    rows = _rows(found.findings)
    if at.width >= WIDE:
        frame = box.HEAVY_HEAD if at.frames == "unicode" else box.ASCII
        shown = Table(title=f"{name}\n{question}", title_justify="left", title_style="bold", box=frame)
        for heading in Row._fields:
            shown.add_column("verdict" if heading == "outcome" else heading, no_wrap=heading == "outcome")
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
        if found.counts:
            console.print(_counted(found.counts, frame))
    else:
        console.print(f"{name}\n{question}", style="bold")
        for row in rows:
            console.print(f"{row.outcome}: {row.bound}")
            console.print(Padding(f"{row.where}: {row.numbers}", (0, 0, 0, min(4, at.width // 10))))
        if found.counts:
            console.print("gradients to reach eps (claimed; proved)")
            for line in _count_lines(found.counts):
                console.print(line)
    for line in (*compared_lines(found.comparisons), *found.uncompared):
        console.print(line)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def _rows(findings: Sequence[Finding]) -> list[Row]:
    """Lines of one bound that end the same way without a number of their own share a row."""
    places: dict[tuple[str, str, str, str], list[str]] = {}
    for finding in findings:
        numbers = _numbers(finding.verdict) or finding.verdict.finding
        key = (finding.bound, finding.algorithm, str(finding.verdict.outcome), numbers)
        places.setdefault(key, []).append(_place(finding))
    several = len({finding.algorithm for finding in findings if finding.algorithm}) > 1
    return [
        Row(
            f"{bound} of {algorithm}" if several and algorithm else bound,
            where[0] if len(where) == 1 else f"{len(where)} times, {where[0].split(':')[0]}",
            outcome,
            numbers,
        )
        for (bound, algorithm, outcome, numbers), where in places.items()
    ]


def compared_lines(comparisons: Sequence[Comparison]) -> list[str]:
    """One line for each opponent and quantity."""
    groups: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for comparison in comparisons:
        key = (comparison.algorithm, f"{comparison.against}{comparison.note}", comparison.quantity, comparison.output)
        groups.setdefault(key, []).append(comparison)
    lines = []
    for (algorithm, against, quantity, output), group in groups.items():
        inexact = any(math.isnan(comparison.ratio) for comparison in group)
        values = [comparison.difference if inexact else comparison.ratio for comparison in group]
        outcomes = [comparison.outcome for comparison in group]
        sign = "-" if inexact else "/"
        lines.append(
            f"{algorithm} {sign} {against}, {quantity} ({output}): {short(min(values))} to {short(max(values))} in "
            f"{counted(len(group), 'cell')}; smaller in {outcomes.count('smaller')}, larger in "
            f"{outcomes.count('larger')} after Holm"
        )
    return lines


class Reached(NamedTuple):
    """Gradients to reach a few of the targets: a row for each entry and problem, with the output it passes on."""

    targets: list[float]
    varied: list[str]
    rows: dict[Line, dict[float, str]]


def _reached(counts: Sequence[Count]) -> Reached:
    """All of them, with intervals, claims and proved counts, are in verdict.json."""
    targets = sorted({count.eps for count in counts}, reverse=True)
    chosen = list(dict.fromkeys(targets[i] for i in (len(targets) // 3, 2 * len(targets) // 3, len(targets) - 1)))
    rows: dict[Line, dict[float, str]] = {}
    for count in counts:
        if count.eps in chosen and count.output == passed_on(count.line.head.algorithm):
            reached = short(count.passage.at)
            if count.passage.status is not PassageStatus.REACHED:
                reached = {
                    PassageStatus.AT_ONCE: "1",
                    PassageStatus.NOT_REACHED: f"> {count.line.gradients[-1]}",
                    PassageStatus.LOST: "no value",
                }.get(count.passage.status, "?")
            said = "; ".join("-" if math.isnan(x) else short(x, 2) for x in (count.claim, count.proved))
            rows.setdefault(count.line, {})[count.eps] = f"{reached} ({said})"
    varied = [
        name
        for name in dict.fromkeys(name for line in rows for name in line.where)
        if len({line.where.get(name) for line in rows}) > 1
    ]
    return Reached(chosen, varied, rows)


def _counted(counts: Sequence[Count], frame: box.Box) -> Table:
    targets, varied, rows = _reached(counts)
    shown = Table(title="gradients to reach eps (claimed; proved)", title_justify="left", box=frame)
    for heading in ("algorithm", *varied, *(f"eps = {short(eps)}" for eps in targets)):
        shown.add_column(heading)
    for line, cells in rows.items():
        places = (label(line.where[name]) if name in line.where else "" for name in varied)
        shown.add_row(line.head.name, *places, *(cells.get(eps, "") for eps in targets))
    return shown


def _count_lines(counts: Sequence[Count]) -> list[str]:
    """The same without a table."""
    targets, varied, rows = _reached(counts)
    lines = []
    for line, cells in rows.items():
        held = [f"{name} = {label(line.where[name])}" for name in varied if name in line.where]
        told = [f"eps = {short(eps)} after {cells[eps]}" for eps in targets if eps in cells]
        lines.append(f"{', '.join([line.head.name, *held])}: {', '.join(told)}")
    return lines


def _place(finding: Finding) -> str:
    every = "all cells, published" if finding.form == "published" else "all cells"
    axis = every if finding.axis is None else f"along {finding.axis}:"
    return f"{axis} {', '.join(f'{name}={label(value)}' for name, value in finding.where.items())}".strip()


def _numbers(verdict: Verdict) -> str:
    """What the verdict rests on, in a few words ("" if no number); the sentence in verdict.json says all of it."""
    if verdict.kind in ("rate", "exponent", "limit") and math.isfinite(verdict.slope):
        text = f"slope {verdict.slope:+.3f}"
        if math.isfinite(verdict.slope_low):
            text += f" [{verdict.slope_low:+.3f}, {verdict.slope_high:+.3f}]"
        if verdict.kind != "limit":
            text += f", {'oracle' if verdict.kind == 'exponent' else 'claim'} {verdict.claim_slope:+.3f}"
        if math.isfinite(verdict.asymptote):
            text += f", limit {verdict.asymptote:+g}"
        return text
    if verdict.kind in ("count", "minimiser") and math.isfinite(verdict.slope):
        text = f"exponent {verdict.slope:.3f} [{verdict.slope_low:.3f}, {verdict.slope_high:.3f}]"
        return text if math.isnan(verdict.claim_slope) else f"{text}, claim {verdict.claim_slope:.3f}"
    if verdict.kind == "level" and math.isfinite(verdict.ratio):
        most = "up to" if verdict.outcome is Outcome.VIOLATED else "at most"
        return f"measured / bound {most} {short(verdict.ratio)} in {counted(verdict.points, 'cell')}"
    if verdict.kind == "identity" and math.isfinite(verdict.ratio):
        place = "the one cell tested" if verdict.points == 1 else f"the farthest of {verdict.points} cells"
        return f"measured / exact {short(verdict.ratio, 4)} in {place}"
    return ""
