"""What a results folder says, in words: an answer to each question, the methods compared, what contradicts a source.

The counts keep three things apart, by the ``group`` of each verdict: statements of the source itself, bounds re-derived
here with every constant explicit, and riskkit's checks of itself. The last screen of a sweep, the table ``answers`` and
the top of the report are made of these.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.identity import short
from riskkit.report.statements import AGAINST, UNDECIDED, standings, tally
from riskkit.report.tables.content import Results
from riskkit.report.tables.references import sources
from riskkit.report.tables.study import study_headline
from riskkit.report.tables.table import Column, Table

SOURCE, REDERIVED, CHECK = "source", "rederived", "self-check"
WORDS = {
    "HOLDS": "hold",
    "TIGHT": "tight",
    "AGREES": "agree",
    "VIOLATED": "violated",
    "REFUTED": "refuted",
    "DISAGREES": "contradicted",
    "LOOSE": "loose",
    "NOT DECAYING": "not decaying",
    "VACUOUS": "vacuous",
}
"""Of statements of a source and of bounds, in the order in which they are counted."""

Verdict = dict[str, Any]


class Answer(NamedTuple):
    """What the measurements say of one experiment's question; "" where it has nothing of the kind.

    Attributes:
        source: statements of the source.
        rederived: bounds with every constant explicit.
        ratio: the largest measured / bound of those.
        checks: of riskkit itself.
        compared: the method of the question beside others.
    """

    name: str
    question: str
    source: str
    rederived: str
    ratio: float | None
    checks: str
    compared: str

    @property
    def line(self) -> str:
        """In one line; self-checks only where there is nothing else."""
        most = "" if self.ratio is None else f" (ratio {_short(self.ratio)})"
        parts = [
            self.compared if not self.source else "",
            f"source: {self.source}" if self.source else "",
            f"bounds: {self.rederived}{most}" if self.rederived else "",
            f"checks: {self.checks}" if self.checks and not (self.source or self.rederived) else "",
        ]
        return "; ".join(part for part in parts if part)


def answer(result: Results) -> Answer:
    """The answer that verdict.json holds."""
    groups = {name: [v for v in result.verdicts if group(v) == name] for name in (SOURCE, REDERIVED, CHECK)}
    ratios = [v["ratio"] for v in groups[REDERIVED] if v["kind"] == "level" and v["ratio"] is not None]
    passed, failed = _checked(groups[CHECK])
    checks = f"{passed} of {len(groups[CHECK])} pass" if groups[CHECK] else ""
    checks += f", {failed} fail" if failed else ""
    return Answer(
        name=result.name,
        question=result.question,
        source=counted(groups[SOURCE]),
        rederived=counted(groups[REDERIVED]),
        ratio=max(ratios, default=None),
        checks=checks,
        compared="; ".join(pair.brief for pair in pairs([result])[:1]),
    )


def _checked(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """How many self-checks pass and fail; the others are undecided."""
    passed = sum(v["outcome"] in ("AGREES", "DETECTED") for v in verdicts)
    return passed, sum(v["outcome"] in AGAINST for v in verdicts)


def group(verdict: Verdict) -> str:
    """Whose statement a verdict tests."""
    return str(verdict.get("group", CHECK if verdict["form"] in ("exact", "comparison") else SOURCE))


def counted(verdicts: Sequence[Verdict]) -> str:
    """``14 of 20 tight, 6 undecided``; statements that do not cover the problem do not count."""
    found = Counter(str(v["outcome"]) for v in verdicts)
    uncovered = found.pop("NOT COVERED", 0)
    total = found.total()
    if not total:
        return f"{uncovered} not covered" if uncovered else ""
    told = [(word, found[outcome]) for outcome, word in WORDS.items() if found[outcome]]
    if undecided := sum(found[outcome] for outcome in UNDECIDED):
        told.append(("undecided", undecided))
    (word, first), *others = told
    return ", ".join([f"{first} of {total} {word}", *(f"{count} {word}" for word, count in others)])


class Pair(NamedTuple):
    """Two methods on common random numbers: the ratios of their means over all settings.

    Attributes:
        least, most: of the ratios (of the differences, where a minimum is known as an interval only).
        sign: "/" for ratios, "-" for differences.
    """

    algorithm: str
    against: str
    quantity: str
    sign: str
    least: float
    most: float
    settings: int
    smaller: int
    larger: int

    @property
    def range(self) -> str:
        """Of the ratios; close to 1 with four decimals."""
        near = 0.99 if self.sign == "/" else math.inf
        close = near <= self.least and self.most <= 1 / near
        least, most = (f"{end:.4f}" if close else short(end) for end in (self.least, self.most))
        return f"{least} to {most}"

    @property
    def line(self) -> str:
        return f"{self.algorithm} {self.sign} {self.against}, {self.quantity}: {self._said}"

    @property
    def brief(self) -> str:
        """Without the quantity."""
        return f"{self.algorithm} {self.sign} {self.against}: {self._said}"

    @property
    def _said(self) -> str:
        return f"{self.range}, smaller in {self.smaller} and larger in {self.larger} of {self.settings}"


def merged(pairs: Sequence[Pair]) -> Pair:
    """Several pairs as one, under the names of the first."""
    return pairs[0]._replace(
        least=min(pair.least for pair in pairs),
        most=max(pair.most for pair in pairs),
        **{name: sum(getattr(pair, name) for pair in pairs) for name in ("settings", "smaller", "larger")},
    )


def pairs(results: Sequence[Results]) -> list[Pair]:
    """The methods compared: by their excess risks, or by their optimization errors where nothing else is."""
    found: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        for comparison in result.comparisons:
            key = (str(comparison["algorithm"]), str(comparison["against"]))
            found.setdefault(key, {}).setdefault(str(comparison["quantity"]), []).append(comparison)
    made = []
    for (algorithm, against), by_quantity in found.items():
        quantity = "excess" if "excess" in by_quantity else next(iter(by_quantity))
        some = by_quantity[quantity]
        sign = "-" if any(one["ratio"] is None for one in some) else "/"
        values = [one["difference"] if sign == "-" else one["ratio"] for one in some]
        values = [float(value) for value in values if value is not None]
        outcomes = Counter(str(one["outcome"]) for one in some)
        if values:
            named = {"excess": "excess risk", "optimization": "optimization error"}.get(quantity, quantity)
            made.append(
                Pair(
                    *(algorithm, against, named, sign, min(values), max(values), len(some)),
                    *(outcomes["smaller"], outcomes["larger"]),
                )
            )
    return made


def table(results: Sequence[Results]) -> Table:
    """A row for each experiment: its question and what the measurements say."""
    rows = [
        (a.question, a.source or None, a.rederived or None, a.ratio, a.checks or None) for a in map(answer, results)
    ]
    columns = (
        Column("question", "prose"),
        Column("statements of the source", "prose"),
        Column("re-derived bounds", "prose"),
        Column("measured / bound", "significant"),
        Column("self-checks"),
    )
    caption = "Every experiment: its question, and how what it tests came out; measured / bound at its largest."
    return Table("answers", caption, columns, tuple(rows))


class Against(NamedTuple):
    """A verdict that speaks against what it tests."""

    experiment: str
    verdict: Verdict

    @property
    def line(self) -> str:
        finding = textwrap.shorten(str(self.verdict["finding"]), 120, placeholder=" ...")
        return f"{self.experiment}: {self.verdict['subject']}: {finding}"


def contradictions(results: Sequence[Results]) -> dict[str, list[Against]]:
    """By group: the verdicts that speak against a statement of the source, a bound, or riskkit itself."""
    found: dict[str, list[Against]] = {SOURCE: [], REDERIVED: [], CHECK: []}
    for result in results:
        for verdict in result.verdicts:
            if verdict["outcome"] in AGAINST:
                found[group(verdict)].append(Against(result.name, verdict))
    return found


MOST_AGAINST = 5
"""Experiments that the last screen names for what contradicts a source."""


def screen(results: Sequence[Results], folder: Path, width: int) -> str:
    """The last screen of a sweep: the study's main answer, a line for each question, what contradicts a source, and
    where the rest lies."""
    width = max(20, min(width, 120))
    lines: list[str] = []

    def write(text: str, indent: int = 0, hang: int = 2) -> None:
        deeper = " " * min(indent + hang, width // 4)
        lines.extend(
            textwrap.wrap(
                text,
                width,
                initial_indent=" " * min(indent, width // 4),
                subsequent_indent=deeper,
                break_on_hyphens=False,
            )
        )

    said, *support = study_headline(results) or [""]
    if said:
        write(said, hang=0)
        for line in support:
            write(line, 2)
        lines.append("")
    lines += _questions(results, width, bool(said))
    if not said and (found := pairs(results)):
        lines.append("")
        write(
            "Methods compared on common random numbers, over all settings. A ratio below 1: the first method has the "
            "smaller risk. Settings not counted show no significant difference."
        )
        for pair in found:
            write(pair.line, 2)
    lines.append("")
    if statements := tally(standings({result.name: result.verdicts for result in results})):
        write(statements)
    against = contradictions(results)
    for name, nothing, something in (
        (SOURCE, "No statement of a source is contradicted.", "What contradicts a source:"),
        (REDERIVED, "", "What violates a re-derived bound (a fault of riskkit, or a hypothesis that fails):"),
        (CHECK, "", "Self-checks of riskkit that fail:"),
    ):
        if against[name]:
            write(something)
            told = _condensed(against[name], results)
            for line in told[:MOST_AGAINST]:
                write(textwrap.shorten(line, width - 2, placeholder=" ...") if width >= 80 else line, 2)
            if len(told) > MOST_AGAINST:
                write(f"and in {len(told) - MOST_AGAINST} more experiments: the report begins with all of them", 2)
        elif nothing:
            write(nothing)
    checked = [verdict for result in results for verdict in result.verdicts if group(verdict) == CHECK]
    if checked:
        passed, failed = _checked(checked)
        rest = len(checked) - passed - failed
        write(f"Self-checks of riskkit: {passed} of {len(checked)} pass, {failed} fail, {rest} are undecided.")
    page = folder / "report.html"
    if page.is_file():
        write(f"Report: {page}. To open it in a browser: {page.resolve().as_uri()}")
    return "\n".join(lines) + "\n"


NARROW = 100
"""Columns below which a question and its answer do not share a line."""


def _questions(results: Sequence[Results], width: int, compared: bool) -> list[str]:
    """A line for each question: a title, statements of the source, bounds with the largest measured / bound. Methods
    compared are told only where nothing else is, if ``compared`` says that they stand elsewhere."""
    rows = []
    for result, one in zip(results, map(answer, results), strict=True):
        title = result.title or textwrap.shorten(result.question, 38, placeholder=" ...")
        most = "" if one.ratio is None or not one.rederived else f" ({_short(one.ratio)})"
        other = one.compared or (f"self-checks: {one.checks}" if one.checks else "nothing was judged")
        rows.append((title, one.source or ("" if one.rederived and compared else other), f"{one.rederived}{most}"))
    known = [source["text"].partition(":")[0] for source in sources(result.record for result in results).values()]
    heads = (
        f"{known[0]}:" if known and len(known[0]) < 38 else "",
        "statements of the source",
        "re-derived bounds (measured / bound)",
    )
    if width < NARROW:
        return [
            line
            for title, *told in rows
            for text, deep in (
                (title, 0),
                *((f"{head}: {part}", 2) for head, part in zip(heads[1:], told, strict=True) if part),
            )
            for line in textwrap.wrap(
                text, width, initial_indent=" " * deep, subsequent_indent=" " * min(deep + 2, width // 4)
            )
        ]
    first = max(len(title) for title, *_ in rows) + 2
    second = min(max(len(row[1]) for row in (heads, *(row for row in rows if row[2]))), (width - first) // 2 + 4) + 2
    made = []
    for title, *told in (heads, *rows):
        room = second - 2 if told[1] else width - first
        parts = [textwrap.wrap(told[0], room) or [""], textwrap.wrap(told[1], width - first - second) or [""]]
        for place, (left, right) in enumerate(itertools.zip_longest(*parts, fillvalue="")):
            made.append(f"{title if place == 0 else '':<{first}}{left:<{second}}{right}".rstrip())
    return made


def _condensed(against: Sequence[Against], results: Sequence[Results]) -> list[str]:
    """A line for each experiment that has verdicts against something: the word, what it is about, and the number of the
    others."""
    titles = {result.name: result.title or result.name for result in results}
    made = []
    for name in dict.fromkeys(one.experiment for one in against):
        own = [one.verdict for one in against if one.experiment == name]
        worst = max(own, key=lambda verdict: verdict["ratio"] or 0.0)
        if worst["kind"] == "level":
            said = f"measured / bound up to {_short(worst['ratio'])}" if worst["ratio"] else "over a bound of 0"
        else:
            claimed = "" if worst["claim_slope"] is None else f", {_short(worst['claim_slope'])} claimed"
            known = worst["slope"] is not None
            said = f"exponent {_short(worst['slope'])} in {worst['axis']}{claimed}" if known else str(worst["finding"])
        count = f"{len(own)} " if len(own) > 1 else ""
        made.append(f"{titles[name]}: {count}{worst['outcome']}, {said}: {worst['subject']}")
    return made


def _short(value: float) -> str:
    """Two or three digits."""
    return short(value, 2 if value < 0.995 else 3)
