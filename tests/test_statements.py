"""The source's statements: a fixed list, the verdicts that bear on each, and what they say of it."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from riskkit.experiment import Best, Follows, GradientsTo, Smaller, study
from riskkit.report import statements
from riskkit.theory.statement import Bearing, Statement
from riskkit.theory.zhou2021.statements import STATEMENTS

NAMES = [name for name in study.names() if "laptop" in study.experiment(name).sizes]


def planned(name):
    """(bound, form, algorithm) of every verdict of the source that an experiment may give."""
    asked = study.experiment(name)
    sloped = any(grid.along for grid in asked.size("laptop").grids)
    for bound in asked.bounds:
        if not bound.name.startswith(("theorem", "paper.", "weighted")):
            continue  # of another source
        for form in bound.forms:
            if form == "published" or (form == "claim" and sloped):
                yield from ((bound.name, form, algorithm) for algorithm in asked.judged)
    for reading in asked.readings:
        if isinstance(reading, Best):
            theorem = reading.bound.name.partition(".")[0]
            named = [f"best {reading.coordinate}"] if reading.scale else []
            named += [reading.condition.name] if reading.condition else []
            yield from ((f"{theorem}.{one}", "claim", algorithm) for one in named for algorithm in asked.judged)
        elif isinstance(reading, GradientsTo):
            # A count of an algorithm for which nothing is claimed is of the form "proved".
            claimed = [count.name for count in reading.counts if count.name.startswith("theorem")]
            judged = [algorithm for algorithm in asked.judged if algorithm != "weighted SGD"]
            yield from ((count, "claim", algorithm) for count in set(claimed) for algorithm in judged)
        elif isinstance(reading, Smaller):
            yield reading.name, "claim", reading.algorithm
        elif isinstance(reading, Follows):
            yield reading.bound.name, "claim", reading.algorithm


PLANNED = [(name, *about) for name in NAMES for about in planned(name)]


def test_every_verdict_of_the_source_bears_on_one_statement():
    assert len(PLANNED) > 60
    for about in PLANNED:
        assert sum(s.met_by(*about) for s in STATEMENTS) == 1, about


def test_every_statement_has_a_verdict_and_a_name_of_its_own():
    for one in STATEMENTS:
        assert any(one.met_by(*about) for about in PLANNED), one.name
        for bearing in one.bearings:
            assert any(bearing.met_by(*about) for about in PLANNED), bearing
    assert len({one.name for one in STATEMENTS}) == len(STATEMENTS)
    assert all(one.place and one.says for one in STATEMENTS)


def test_what_is_stored_is_what_was_planned(drawn):
    results, _ = drawn
    for path in results.glob("*/verdict.json"):
        for verdict in json.loads(path.read_text())["verdicts"]:
            met = [s.name for s in STATEMENTS if statements.bears(s, path.parent.name, verdict)]
            assert len(met) == (verdict["group"] == "source"), (path.parent.name, verdict["bound"])


SOME = Statement("a", "says", "slide 1", (Bearing("t.*", "claim"), Bearing("printed", "published", algorithm="SGD")))


def verdict(outcome, bound="t.x", form="claim", algorithm="SGD", needed=None):
    about = {"bound": bound, "form": form, "algorithm": algorithm}
    return {"outcome": outcome, **about, "replicates_needed": needed}


@pytest.mark.parametrize(
    ("outcomes", "word", "counted", "missing"),
    [
        (["TIGHT", "LOOSE", "INCONCLUSIVE"], "holds", "2 of 3 for, 1 undecided", "about 7,000 replicates"),
        (["TIGHT", "VIOLATED"], "contradicted", "1 of 2 against, 1 for", ""),
        (["VACUOUS", "NOT DECAYING", "PRE-ASYMPTOTIC"], "silent", "2 of 3 silent, 1 undecided", "longer runs"),
        (["TOO FEW POINTS"], "undecided", "1 of 1 undecided", "more points with an informative bound"),
        ([], "not tested", "", ""),
    ],
)
def test_the_word_of_a_statement(outcomes, word, counted, missing):
    found = [verdict(outcome, needed=7012.0 if outcome == "INCONCLUSIVE" else None) for outcome in outcomes]
    others = [verdict("REFUTED", form="proved"), verdict("VIOLATED", "printed", "published", "Lookahead")]
    (one,) = statements.standings({"x": [*found, *others]}, [SOME])
    assert (one.word, one.counted, one.missing) == (word, counted, missing)


def test_the_tally_has_a_denominator():
    other = SOME._replace(name="b", bearings=(Bearing("u", "claim"),))
    found = statements.standings({"x": [verdict("HOLDS")]}, [SOME, other])
    assert statements.tally(found).startswith("Of the paper's 2 statements, 1 were tested: 1 borne out")
    assert statements.tally(statements.standings({}, [SOME])) == ""
    assert Counter(one.word for one in found) == {"holds": 1, "not tested": 1}
    rows = statements.table(found).rows
    assert [row[2] for row in rows] == ["holds", "not tested"]
