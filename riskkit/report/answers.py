"""What a results folder says, in words: an answer to each question, the methods compared, what contradicts a source.

The counts keep three things apart, by the ``group`` of each verdict: statements of the source itself, bounds re-derived
here with every constant explicit, and riskkit's checks of itself. The last screen of a sweep, the table ``answers`` and
the top of the report are made of these.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from riskkit.identity import short
from riskkit.report.statements import AGAINST, UNDECIDED
from riskkit.report.tables.content import QUANTITY, Results
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
        most = "" if self.ratio is None else f" (ratio {briefly(self.ratio)})"
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
    passed, failed = checked(groups[CHECK])
    checks = f"{passed} of {len(groups[CHECK])} pass" if groups[CHECK] else ""
    checks += f", {failed} fail" if failed else ""
    return Answer(
        name=result.name,
        question=result.question,
        source=counted(groups[SOURCE]),
        rederived=counted(groups[REDERIVED]),
        ratio=max(ratios, default=None),
        checks=checks,
        compared="; ".join(pair.line for pair in pairs([result])[:1]),
    )


def checked(verdicts: Sequence[Verdict]) -> tuple[int, int]:
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


def between(ratios: Sequence[float], near: float = 0.99, of: float | None = None) -> str:
    """``0.554 to 1.3``: the least and the most, with four decimals where all lie between ``near`` and 1/``near``.

    An end that differs from 1 by 1e-8 or more is not rounded to 1. ``of``: one of the ratios alone, in those digits.
    """
    least, most = min(ratios), max(ratios)
    close = near <= least and most <= 1 / near

    def end(ratio: float) -> str:
        text = f"{ratio:.4f}" if close else short(ratio)
        if near < math.inf and float(text) == 1 and ratio != 1:
            digits = -math.floor(math.log10(abs(ratio - 1)))
            text = f"{ratio:.{digits}f}" if digits <= 8 else text
        return text

    return end(of) if of is not None else f"{end(least)} to {end(most)}"


class Pair(NamedTuple):
    """Two methods on common random numbers: the ratios of their means over all settings.

    Attributes:
        sign: "/" for ratios, "-" for differences.
        values: the ratios (the differences, where a minimum is known as an interval only), one or more.
        settings: those compared, also where there is no ratio.
    """

    algorithm: str
    against: str
    quantity: str
    sign: str
    values: tuple[float, ...]
    settings: int
    smaller: int
    larger: int

    @property
    def range(self) -> str:
        """Of the ratios; close to 1 with four decimals."""
        return between(self.values, self._near)

    @property
    def typical(self) -> str:
        """The median of the ratios, in the digits of the range."""
        middle = statistics.median(self.values)
        return between([*self.values, middle], self._near, of=middle)

    @property
    def undecided(self) -> int:
        """Settings without a significant difference."""
        return self.settings - self.smaller - self.larger

    @property
    def _near(self) -> float:
        return 0.99 if self.sign == "/" else math.inf

    @property
    def line(self) -> str:
        said = f"{self.range}, smaller in {self.smaller} and larger in {self.larger} of {self.settings}"
        return f"{self.algorithm} {self.sign} {self.against}, {self.quantity}: {said}"


def merged(pairs: Sequence[Pair]) -> Pair:
    """Several pairs as one, under the names of the first."""
    return pairs[0]._replace(
        values=tuple(value for pair in pairs for value in pair.values),
        **{name: sum(getattr(pair, name) for pair in pairs) for name in ("settings", "smaller", "larger")},
    )


def pairs(results: Sequence[Results], only: str = "") -> list[Pair]:
    """The methods compared: by one quantity only, or by their excess risks, and where there are none by what there is
    first."""
    found: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        for comparison in result.comparisons:
            key = (str(comparison["algorithm"]), str(comparison["against"]))
            found.setdefault(key, {}).setdefault(str(comparison["quantity"]), []).append(comparison)
    made = []
    for (algorithm, against), by_quantity in found.items():
        quantity = only or ("excess" if "excess" in by_quantity else next(iter(by_quantity)))
        some = by_quantity.get(quantity, [])
        sign = "-" if any(one["ratio"] is None for one in some) else "/"
        given = [one["difference"] if sign == "-" else one["ratio"] for one in some]
        values = tuple(float(value) for value in given if value is not None)
        outcomes = Counter(str(one["outcome"]) for one in some)
        if values:
            named = QUANTITY.get(quantity, quantity)
            made.append(
                Pair(
                    *(algorithm, against, named, sign, values, len(some)),
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


def contradictions(results: Sequence[Results]) -> dict[str, list[Against]]:
    """By group: the verdicts that speak against a statement of the source, a bound, or riskkit itself."""
    found: dict[str, list[Against]] = {SOURCE: [], REDERIVED: [], CHECK: []}
    for result in results:
        for verdict in result.verdicts:
            if verdict["outcome"] in AGAINST:
                found[group(verdict)].append(Against(result.name, verdict))
    return found


def briefly(value: float) -> str:
    """Two or three digits."""
    return short(value, 2 if value < 0.995 else 3)
