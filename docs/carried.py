"""Numbers that carry the sentences of the pages: each is named, filled in from stored results, and held to a range.

A page says

    smaller by <!-- theorem2_tuned; comparisons; lam=0.1; alpha=0.1; max ratio .3g in 0.8..0.95 -->0.876<!-- -->

and means: of the comparisons in theorem2_tuned's verdict.json with these values, the largest ``ratio``, written as
``.3g``, which must lie in the range for the sentence around it to be true. The parts, between semicolons:

1. the experiment; 2. ``verdicts``, ``comparisons``, ``best``, ``counts`` or ``quantiles`` of its verdict.json, or
   ``cells``, the rows of its table.csv; 3. any number of ``key=value``;
4. ``[min|max] key [format] in low..high``, where the key may be a ratio, ``mean/published``; or ``count in low..high``,
   how many there are; or ``key is word``, where all that are found must have the word; or ``key says words``, where all
   must have these words in their text.

Without ``min`` or ``max`` exactly one must be found. ``study; statements; word=holds; count in 10..20`` counts the
statements of the source by what the verdicts of all experiments say of them (``riskkit.report.statements``), ``study;
runs; min replicates in 2..99`` reads every run.json.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.report.statements import standings

KINDS = "verdicts|comparisons|best|counts|quantiles|cells|statements|runs"
MARK = re.compile(rf"<!-- (\w+; (?:{KINDS});[^>]*?) -->(.*?)<!-- -->", re.S)


class UntrueError(ValueError):
    """A sentence's number is not there, not the only one, or outside the range that the sentence needs."""


class Carried(NamedTuple):
    """A number or word, and how it is written."""

    value: float | str
    text: str


def carried(results: Path, name: str) -> Carried:
    """What the mark names. Raises UntrueError with the mark, what was found and what the sentence needs."""
    experiment, kind, *rest = (part.strip() for part in re.sub(r"\s+", " ", name).split(";"))
    *conditions, asked = rest
    try:
        rows = [{**row, **row.get("where", {})} for row in stored(results, experiment, kind)]
    except (FileNotFoundError, KeyError):
        raise UntrueError(f"{name}: {results / experiment} has no {kind}; sweep it again.") from None
    for condition in conditions:
        key, value = condition.split("=", 1)
        rows = [row for row in rows if _equal(row.get(key), value)]
    word = re.fullmatch(r"(\w+) is (\S.*)", asked)
    if word:
        found = {str(row[word[1]]) for row in rows}
        if found != {word[2]}:
            raise UntrueError(f"{name}: expected {word[2]}; found {', '.join(sorted(found)) or 'nothing'}.")
        return Carried(word[2], word[2])
    text = re.fullmatch(r"(\w+) says (\S.*)", asked)
    if text:
        if not rows or not all(text[2] in str(row[text[1]]) for row in rows):
            raise UntrueError(
                f"{name}: expected the words in {len(rows) or 'some'} text; found {[row[text[1]] for row in rows]}."
            )
        return Carried(text[2], text[2])
    number = re.fullmatch(r"(?:(min|max) )?(\w+(?:/\w+)?)(?: (\.\d[fgeE%]))? in (\S+)\.\.(\S+)", asked)
    if not number:
        raise UntrueError(
            f"{name}: expected '[min|max] key [format] in low..high', 'key is word' or 'key says words'; got '{asked}'."
        )
    least, key, form, low, high = number.groups()
    if key == "count":
        value: float = len(rows)
    else:
        values = [value for row in rows if (value := _number(row, key)) is not None]
        if not values or (not least and len(values) != 1):
            raise UntrueError(f"{name}: expected {'some' if least else 'one'}; found {len(values)}.")
        value = {"min": min, "max": max, None: min}[least](values)
    if not float(low) <= value <= float(high):
        raise UntrueError(f"{name}: the sentence needs {low} to {high}; found {value:g}.")
    return Carried(value, format(value, form or ".3g"))


def stored(results: Path, experiment: str, kind: str) -> list[dict[str, Any]]:
    """What an experiment has of a kind, or the statements of all."""
    if kind == "statements":
        return _statements(results)
    if kind == "runs":
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*/run.json"))]
        return [{"replicates": run["replicates"], **place} for run in runs for place in _places(run)]
    if kind != "cells":
        return _verdicts(results / experiment)[kind]
    with (results / experiment / "table.csv").open(newline="", encoding="utf-8") as file:
        return [{name: _read(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _places(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Sample size and dimension of each cell that a sweep asked for, of the problem of the experiment."""
    sizes = {cell["n"] for cells in run["runs"].values() for cell in cells}
    return [{"n": n, "dim": run["constants"].get("dim")} for n in sorted(sizes)]


def _read(value: str) -> float | str | None:
    try:
        return float(value)
    except ValueError:
        return value or None


def _number(row: dict[str, Any], key: str) -> float | None:
    """The row's value, or that of ``over/under``; None where one is missing."""
    over, _, under = key.partition("/")
    if row.get(over) is None or (under and row.get(under) is None):
        return None
    return float(row[over]) / float(row[under]) if under else float(row[over])


def _verdicts(folder: Path) -> dict[str, list[dict[str, Any]]]:
    record: dict[str, list[dict[str, Any]]] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    return record


def _statements(results: Path) -> list[dict[str, Any]]:
    every = {path.parent.name: _verdicts(path.parent)["verdicts"] for path in sorted(results.glob("*/verdict.json"))}
    return [{"name": one.statement.name, "word": one.word} for one in standings(every)]


def _equal(stored: Any, wanted: str) -> bool:
    if isinstance(stored, int | float) and not isinstance(stored, bool):
        return math.isclose(float(stored), float(wanted), rel_tol=1e-9)
    return str(stored) == wanted


def filled(text: str, find: Callable[[str], Carried]) -> str:
    """The page with the text of every mark as ``find`` gives it."""
    return MARK.sub(lambda m: f"<!-- {m[1]} -->{find(m[1]).text}<!-- -->", text)


def marks(text: str) -> list[tuple[str, str]]:
    """(name, text) of every mark of a page."""
    return MARK.findall(text)
