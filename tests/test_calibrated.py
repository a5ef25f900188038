"""Every word that a judge may say by chance has rows in docs/statistics.md, each with its requirement, and meets it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import written
from benchmarks.calibration_words import PROCEDURES
from riskkit.judges.outcome import Outcome, undecided
from riskkit.stats.jackknife import SEEN
from riskkit.verdicts.finding import Comparison

ROOT = Path(__file__).resolve().parent.parent
CERTAIN = {"INCONCLUSIVE", "VACUOUS", "NOT_DECAYING", "TOO_FEW_POINTS", "NOT_COVERED"}
"""Said without a test: by the bound, the grid and the number of replicates alone, or of nothing."""
EXACT = ("known", "exact_values")
"""Modules that speak of exact expectations, and of what the engine flags."""


def said() -> set[tuple[str, str]]:
    """(function, word) of every ``concluded(Outcome.WORD, ...)`` in the rooms of the judges."""
    found = set()
    for path in [*(ROOT / "riskkit/judges").glob("*.py"), *(ROOT / "riskkit/verdicts").glob("*.py")]:
        functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
        calls = ((f.name, c) for f in functions for c in ast.walk(f) if isinstance(c, ast.Call) and c.args)
        for name, call in calls:
            if getattr(call.func, "attr", "") == "concluded" and path.stem not in EXACT:
                words = (w.attr for w in ast.walk(call.args[0]) if isinstance(w, ast.Attribute))
                found |= {(name, word) for word in words if word in Outcome.__members__ and word not in CERTAIN}
    return found


def test_every_word_of_every_judge_has_its_rows():
    assert {pair for pair in PROCEDURES if pair[0] != "comparison"} == said()
    one = Comparison("A", "B", "", {}, "excess", "last", 0.5, np.nan, 0.4, 0.6, 0.01, 0.01)
    words = {one.outcome, one._replace(ratio=2.0).outcome}
    assert {word for judge, word in PROCEDURES if judge == "comparison"} == words


ROWS = [
    re.split(r"(?<!\\)\|", line)[1:-1]
    for line in (ROOT / "docs/statistics.md").read_text().splitlines()
    if re.search(r"\| (at most|[\d.]+ to) [\d.]+(, refused)? \|$", line)
]


def test_the_rows_stand_in_the_docs():
    shown = {cells[0].strip() for cells in ROWS}
    wanted = {name for names in PROCEDURES.values() for name in names}
    assert {name for name in wanted if not any(row == name or row.startswith(f"{name},") for row in shown)} == set()


def test_no_row_of_the_docs_is_refused():
    assert len(ROWS) > 180
    assert [cells for cells in ROWS if "refused" in cells[-1]] == []


@pytest.mark.parametrize("word", ["TIGHT", "LOOSE", "AGREES", "DISAGREES", "MISSED", "DETECTED"])
def test_few_replicates_assert_nothing(word):
    """119 show an event of probability 1/40 with probability .95; fewer may have missed what carries the mean."""
    for kind in ("rate", "exponent", "limit", "identity", "count", "minimiser"):
        few, enough = (undecided(kind, "s", R).concluded(Outcome(word), "f", 0.001) for R in (SEEN - 1, SEEN))
        assert (few.outcome, enough.outcome) == ("INCONCLUSIVE", word)
        assert few.replicates_needed == SEEN
    assert undecided("rate", "s", 8).concluded(Outcome(word), "exact").outcome == word


def test_the_table_is_the_last_thing_on_its_page_and_written_as_a_whole():
    page = (ROOT / "docs/statistics.md").read_text()
    rows = page[page.index("| procedure | setting |") :]
    assert all(line.startswith("|") for line in rows.splitlines())
    assert written(page, rows.rstrip("\n")) == page
    assert written(page, "| a |").endswith("| a |\n")
    assert "| procedure |" not in written(page, "| a |")
