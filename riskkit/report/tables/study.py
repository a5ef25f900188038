"""What a study makes beside its experiments, shown where an experiment of that study is among the results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from riskkit.experiment import study
from riskkit.report.tables.content import Results
from riskkit.report.tables.table import Table


class Topic(NamedTuple):
    """A section of the report about what several experiments say: a heading, the answer in a sentence or two,
    paragraphs, and tables."""

    name: str
    title: str
    answer: str
    paragraphs: tuple[str, ...]
    tables: tuple[Table, ...]


class Headline(NamedTuple):
    """A question of the study and its answer in words, for the last screen of a sweep and the top of the report.

    Attributes:
        question: ends with a question mark.
        answer: sentences, with denominators.
        lines: what the answer rests on.
        terms: what the answer's terms mean.
    """

    question: str
    answer: str
    lines: tuple[str, ...] = ()
    terms: str = ""


def study_tables(shown: Iterable[str]) -> list[Table]:
    """``tables()`` of the study's ``experiments`` package, each with a title; none where it has no such function."""
    made = _made_by("tables", shown)
    return [] if made is None else list(made())


def study_topics(results: Sequence[Results]) -> list[Topic]:
    """``topics(results)`` of the study's ``experiments`` package; none where it has no such function."""
    made = _made_by("topics", (result.name for result in results))
    return [] if made is None else list(made(results))


def study_headlines(results: Sequence[Results]) -> list[Headline]:
    """``headlines(results)`` of the study's ``experiments`` package; none where it has no such function."""
    made = _made_by("headlines", (result.name for result in results))
    return [] if made is None else list(made(results))


def _made_by(name: str, shown: Iterable[str]) -> Any:
    home = study.folder()
    if not (home / "experiments" / "__init__.py").is_file() or set(shown).isdisjoint(study.names(home)):
        return None
    return getattr(study.module("experiments"), name, None)
