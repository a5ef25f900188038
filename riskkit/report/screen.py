"""The last screen of a sweep: the study's questions with their answers, what contradicts a source, where the rest lies.

A study without questions of its own (``headlines``), and a sweep of a few experiments, have a line for each experiment.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from pathlib import Path

from riskkit.execution.telling import printable
from riskkit.report import answers
from riskkit.report.answers import CHECK, REDERIVED, SOURCE, Against, briefly
from riskkit.report.statements import Standing, bears, standings, tally
from riskkit.report.tables.content import Results
from riskkit.report.tables.study import study_headlines

WIDEST = 120
NARROW = 100
"""Columns below which a title and what is said of it do not share a line."""
WIDE_TITLE = 44
"""A longer one has lines of its own."""
MOST_LINES = 12
"""Experiments that have a line each beside questions of the study; of more, the table ``answers`` has the lines."""
MOST_AGAINST = 8
"""Lines about what contradicts a source."""
MEANT = {
    "tight": "the measured exponent is the claimed one",
    "loose": "the measurement falls faster than claimed, or grows more slowly",
    "hold": "measured below the bound in every setting",
    "agree": "equal to the claim within a margin",
    "violated": "measured above the bound",
    "refuted": "the measured exponent exceeds the claimed one",
    "contradicted": "differs from the claim",
    "not decaying": "the claimed bound does not fall",
    "vacuous": "the bound exceeds what holds without it",
    "undecided": "more replicates or longer runs are needed",
}
"""Words of ``answers.counted``."""


class _Lines:
    """Text wrapped to a width, between 20 and WIDEST."""

    def __init__(self, width: int) -> None:
        self.width = max(20, min(width, WIDEST))
        self.lines: list[str] = []

    def write(self, text: str, indent: int = 0, hang: int = 2) -> None:
        most = self.width // 4
        self.lines += textwrap.wrap(
            text,
            self.width,
            initial_indent=" " * min(indent, most),
            subsequent_indent=" " * min(indent + hang, most),
            break_on_hyphens=False,
        )

    def gap(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")


def screen(results: Sequence[Results], folder: Path, width: int) -> str:
    """All of it, in at most 40 lines of 120 columns for the standard experiments; ``folder``: where they lie."""
    out = _Lines(width)
    asked = study_headlines(results)
    for headline in asked:
        out.write(f"{headline.question} {headline.answer}", hang=2)
        for line in headline.lines:
            out.write(line, 4)
    out.gap()
    if not asked or len(results) <= MOST_LINES:
        _experiments(results, out)
    if not asked and (found := answers.pairs(results)):
        out.gap()
        out.write(
            "Methods compared on common random numbers, over all settings. A ratio below 1: the first method has the "
            "smaller risk. Settings not counted show no significant difference."
        )
        for pair in found:
            out.write(pair.line, 2)
    out.gap()
    _contradictions(results, out)
    checked = [verdict for result in results for verdict in result.verdicts if answers.group(verdict) == CHECK]
    if checked:
        passed, failed = answers.checked(checked)
        out.write(
            f"Checks of riskkit itself against known values: {passed} of {len(checked)} pass, {failed} fail, "
            f"{len(checked) - passed - failed} are undecided at this number of replicates."
        )
    if terms := " ".join(headline.terms for headline in asked if headline.terms):
        out.write(f"Terms. {terms}")
    if asked and len(results) > MOST_LINES:
        out.write(f"{len(results)} experiments; a line for each: {printable(folder / 'tables' / 'answers.md')}")
    page = folder / "report.html"
    if page.is_file():
        out.write(f"Report: {printable(page)}. To open it in a browser: {page.resolve().as_uri()}")
    return "\n".join(out.lines) + "\n"


def _experiments(results: Sequence[Results], out: _Lines) -> None:
    """A title, claims and bounds of the source, explicit bounds with their largest ratio; then what the words mean."""
    rows, words = [], []
    for result, one in zip(results, map(answers.answer, results), strict=True):
        title = result.title or result.question
        most = "" if one.ratio is None or not one.rederived else f" ({briefly(one.ratio)})"
        other = one.compared or (f"checks: {one.checks}" if one.checks else "nothing was judged")
        rows.append((title, one.source or ("" if one.rederived else other), f"{one.rederived}{most}"))
        words += [word for word in MEANT if word in f"{one.source}, {one.rederived}"]
    heads = ("", "claims and bounds of the source", "explicit bounds (largest measured / bound)")
    if out.width < NARROW or max(len(title) for title, *_ in rows) > WIDE_TITLE:
        for title, *told in rows:
            out.write(title)
            for head, part in zip(heads[1:], told, strict=True):
                if part:
                    out.write(f"{head}: {part}", 2)
    else:
        first = max(len(title) for title, *_ in rows) + 2
        paired = [row for row in (heads, *rows) if row[2]]
        second = min(max(len(row[1]) for row in paired), (out.width - first) // 2 + 4) + 2
        for title, *told in (heads, *rows):
            room = second - 2 if told[1] else out.width - first
            columns = [
                textwrap.wrap(told[0], room if told[1] else out.width - first) or [""],
                textwrap.wrap(told[1], out.width - first - second) or [""],
            ]
            for place, (left, right) in enumerate(itertools.zip_longest(*columns, fillvalue="")):
                out.lines.append(f"{title if place == 0 else '':<{first}}{left:<{second}}{right}".rstrip())
    if words:
        out.write("; ".join(f"{word}: {MEANT[word]}" for word in MEANT if word in words) + ".")


def _contradictions(results: Sequence[Results], out: _Lines) -> None:
    """The tally of the study's statements, and what speaks against a source, a bound, or riskkit itself."""
    found = standings({result.name: result.verdicts for result in results})
    if said := tally(found):
        out.write(said)
    against = answers.contradictions(results)
    told = _statements(found, against[SOURCE])
    rest = [one for one in against[SOURCE] if not any(_bears(standing, one) for standing in found)]
    told += _condensed(rest, results)
    if told:
        out.write(
            f"Contradicted{' in a source' if rest else ''}; times: the measurement over what is printed or claimed:"
        )
        for line in told[:MOST_AGAINST]:
            out.write(line, 2)
        if (more := len(told) - MOST_AGAINST) > 0:
            out.write(f"and {more} more, with which the report begins", 2)
    else:
        out.write("No statement of a source is contradicted.")
    for name, something in (
        (REDERIVED, "What violates an explicit bound (a fault of riskkit, or a hypothesis that fails):"),
        (CHECK, "Checks of riskkit itself that fail:"),
    ):
        if against[name]:
            out.write(something)
            for line in _condensed(against[name], results)[:MOST_AGAINST]:
                out.write(line, 2)


def _bears(standing: Standing, one: Against) -> bool:
    return bears(standing.statement, one.experiment, one.verdict)


def _statements(found: Sequence[Standing], against: Sequence[Against]) -> list[str]:
    """A line for each contradicted statement: what it is about, where it stands, by how much it fails."""
    made = []
    for standing in found:
        own = [one.verdict for one in against if _bears(standing, one)]
        if own:
            said = _failing(own)
            made.append(f"{standing.statement.name} ({standing.statement.place}): {said}")
    return made


def _condensed(against: Sequence[Against], results: Sequence[Results]) -> list[str]:
    """A line for each experiment with verdicts against something: how many, the word, what it is about."""
    titles = {result.name: result.title or result.name for result in results}
    made = []
    for name in dict.fromkeys(one.experiment for one in against):
        own = [one.verdict for one in against if one.experiment == name]
        worst = _worst(own)
        count = f"{len(own)} " if len(own) > 1 else ""
        made.append(f"{titles[name]}: {count}{worst['outcome']}, {_failing(own)}: {worst['subject']}")
    return made


def _worst(verdicts: Sequence[answers.Verdict]) -> answers.Verdict:
    return max(verdicts, key=lambda verdict: verdict["ratio"] or 0.0)


def _failing(verdicts: Sequence[answers.Verdict]) -> str:
    """By how much the worst of them fails."""
    worst = _worst(verdicts)
    if worst["kind"] == "level":
        return f"up to {briefly(worst['ratio'])} times" if worst["ratio"] else "over a bound of 0"
    if worst["slope"] is None:
        return str(worst["finding"])
    claimed = "" if worst["claim_slope"] is None else f", {briefly(worst['claim_slope'])} claimed"
    return f"exponent {briefly(worst['slope'])} in {worst['axis']}{claimed}"
