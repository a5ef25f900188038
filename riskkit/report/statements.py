"""What the verdicts say of a source's statements, one by one: the words of the overview, the report and the tables.

A statement is contradicted if one of the verdicts that bear on it speaks against it, and holds, where it was tested, if
none does and one bears it out. It is silent if those verdicts find that it says nothing (VACUOUS, NOT DECAYING, NOT
COVERED), and undecided if none of them decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from riskkit.experiment import study
from riskkit.report.tables.table import Column, Table
from riskkit.theory.statement import Statement

FOR = ("HOLDS", "TIGHT", "LOOSE", "AGREES", "DETECTED")
AGAINST = ("VIOLATED", "REFUTED", "DISAGREES", "MISSED")
"""Outcomes that speak against what is tested."""
SILENT = ("VACUOUS", "NOT DECAYING", "NOT COVERED")
UNDECIDED = ("INCONCLUSIVE", "PRE-ASYMPTOTIC", "TOO FEW POINTS")

Word = Literal["contradicted", "holds", "silent", "undecided", "not tested"]
WORDS: dict[Word, tuple[str, tuple[str, ...]]] = {
    "contradicted": ("against", AGAINST),
    "holds": ("for", FOR),
    "silent": ("silent", SILENT),
    "undecided": ("undecided", UNDECIDED),
}
"""In the order in which one of them is a statement's: what its verdicts are counted as, and their outcomes."""


class Standing(NamedTuple):
    """A statement and the verdicts that bear on it.

    Attributes:
        outcomes: how often each outcome.
        experiments: that have such verdicts.
        replicates: about how many would decide the verdicts that are undecided for want of them; 0: none is known.
    """

    statement: Statement
    outcomes: Counter[str]
    experiments: tuple[str, ...]
    replicates: float

    @property
    def word(self) -> Word:
        found = (word for word, (_, outcomes) in WORDS.items() if any(self.outcomes[one] for one in outcomes))
        return next(found, "not tested")

    def count(self, word: Word) -> int:
        """The verdicts that would give the statement this word."""
        return sum(self.outcomes[outcome] for outcome in WORDS[word][1])

    @property
    def counted(self) -> str:
        """``3 of 20 against, 12 for, 5 undecided``, what gives the statement its word first."""
        if self.word == "not tested":
            return ""
        order = [self.word, *(word for word in WORDS if word != self.word)]
        told = [(self.count(word), WORDS[word][0]) for word in order if self.count(word)]
        (first, what), *others = told
        return ", ".join([f"{first} of {self.outcomes.total()} {what}", *(f"{n} {what}" for n, what in others)])

    @property
    def missing(self) -> str:
        """What would decide the verdicts that are undecided."""
        found = [
            ("PRE-ASYMPTOTIC", "longer runs"),
            ("TOO FEW POINTS", "more points with an informative bound"),
        ]
        told = [what for outcome, what in found if self.outcomes[outcome]]
        if self.outcomes["INCONCLUSIVE"]:
            many = f"about {float(f'{self.replicates:.1g}'):,.0f} replicates" if self.replicates else "more replicates"
            told.insert(0, many)
        return ", ".join(told)


def study_statements() -> tuple[Statement, ...]:
    """``statements()`` of the study's ``experiments`` package; none where it has no such function."""
    if not (study.folder() / "experiments" / "__init__.py").is_file():
        return ()
    made = getattr(study.module("experiments"), "statements", None)
    return () if made is None else tuple(made())


def bears(statement: Statement, experiment: str, verdict: dict[str, Any]) -> bool:
    return statement.met_by(experiment, verdict["bound"], verdict["form"], verdict["algorithm"])


def standings(
    stored: Mapping[str, Sequence[dict[str, Any]]], statements: Iterable[Statement] | None = None
) -> list[Standing]:
    """Of every statement (of the study's own where none are given); ``stored``: experiment -> its verdicts."""
    found: list[Standing] = []
    for statement in study_statements() if statements is None else statements:
        verdicts = [(name, v) for name, own in stored.items() for v in own if bears(statement, name, v)]
        needed = [v.get("replicates_needed") or 0.0 for _, v in verdicts if v["outcome"] == "INCONCLUSIVE"]
        found.append(
            Standing(
                statement,
                Counter(str(v["outcome"]) for _, v in verdicts),
                tuple(dict.fromkeys(name for name, _ in verdicts)),
                max(needed, default=0.0),
            )
        )
    return found


def tally(found: Sequence[Standing]) -> str:
    """``Of 24 statements of the source, 20 tested: 6 are contradicted, ...``; empty where none was tested."""
    words: Counter[Word] = Counter(one.word for one in found if one.word != "not tested")
    if not words:
        return ""
    verbs: dict[Word, str] = {
        "contradicted": "contradicted by a test",
        "holds": "borne out by one or more and contradicted by none",
        "silent": "without content where they were tested",
        "undecided": "undecided",
    }
    told = [f"{words[word]} {verbs[word]}" for word in WORDS if words[word]]
    some = "" if words.total() == len(found) else f" {words.total()} were tested:"
    return f"Of the paper's {len(found)} statements{',' if some else ':'}{some} {', '.join(told)}."


def table(found: Sequence[Standing]) -> Table:
    """A row for each statement."""
    rows = [
        (
            *(f"{one.statement.name} ({one.statement.place})", one.statement.says, one.word),
            *(told or None for told in (one.counted, one.missing, ", ".join(one.experiments))),
        )
        for one in found
    ]
    columns = (
        Column("statement", "prose"),
        Column("says", "prose"),
        Column("so far"),
        Column("verdicts", "prose"),
        Column("what would decide the rest", "prose"),
        Column("experiments", "code"),
    )
    caption = (
        "The statements of the source, and the verdicts that bear on each. Contradicted: one verdict speaks against "
        "it; holds: none does, and one bears it out; silent: it says nothing where it was tested."
    )
    return Table("statements", caption, columns, tuple(rows), title="What do the measurements say of the source?")
