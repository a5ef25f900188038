"""What the report, its tables and the last screen say changes with the verdict or the number that it rests on.

Each is falsified once: a verdict of every kind of every experiment has another outcome, a comparison another winner or
another ratio. And a stored sentence has the outcome and the numbers of the fields beside it: none changes alone.
"""

from __future__ import annotations

import re

import pytest

from riskkit.identity import short
from riskkit.report import answers, statements
from riskkit.report.screen import screen
from riskkit.report.tables import content
from riskkit.report.tables.study import study_headlines

OPPOSITE = dict.fromkeys((*statements.FOR, *statements.SILENT, *statements.UNDECIDED), "VIOLATED")
OPPOSITE |= dict.fromkeys(statements.AGAINST, "HOLDS")


@pytest.fixture(scope="module")
def read(results):
    found, failures = content.everything(results)
    assert failures == []
    return found


def told(results, folder):
    """Everything that is said of the experiments together."""
    stored = {result.name: result.verdicts for result in results}
    rows = (*answers.table(results).rows, *statements.table(statements.standings(stored)).rows)
    return screen(results, folder, 120), rows


def changed(results, place, **fields):
    """The results with other lists in one experiment."""
    return [*results[:place], results[place]._replace(**fields), *results[place + 1 :]]


def test_every_kind_of_verdict_is_told(read, results):
    """Another outcome changes the answer to its experiment's question, and a statement's count if it is a source's."""
    before = {result.name: answers.answer(result) for result in read}
    stood = statements.table(statements.standings({result.name: result.verdicts for result in read})).rows
    tried = 0
    for place, result in enumerate(read):
        kinds = {}
        for number, one in enumerate(result.verdicts):
            kinds.setdefault((one["bound"], one["form"], one["kind"], one["outcome"]), number)
        for number in kinds.values():
            one = result.verdicts[number]
            other = {**one, "outcome": OPPOSITE[one["outcome"]]}
            verdicts = [*result.verdicts[:number], other, *result.verdicts[number + 1 :]]
            assert answers.answer(result._replace(verdicts=verdicts)) != before[result.name], one["subject"]
            if any(statements.bears(stated, result.name, one) for stated in statements.study_statements()):
                now = changed(read, place, verdicts=verdicts)
                rows = statements.table(statements.standings({r.name: r.verdicts for r in now})).rows
                assert rows != stood, one["subject"]
            tried += 1
    assert tried > 100


def test_what_speaks_against_a_source_is_on_the_last_screen(read, results):
    """One verdict of the source of each experiment, turned against it."""
    before, _ = told(read, results)
    tried = 0
    for place, result in enumerate(read):
        number = next((n for n, v in enumerate(result.verdicts) if answers.group(v) == answers.SOURCE), None)
        if number is None:
            continue
        one = {**result.verdicts[number], "outcome": "VIOLATED", "kind": "level", "ratio": 7.25e5}
        now = changed(read, place, verdicts=[*result.verdicts[:number], one, *result.verdicts[number + 1 :]])
        after, _ = told(now, results)
        assert after != before, result.name
        assert "up to 725000" in after or "more, with which the report begins" in after, result.name
        tried += 1
    assert tried > 5


def numbers(headline):
    return re.findall(r"\d[\d.]*", " ".join([headline.answer, *headline.lines]))


def test_every_headline_changes_with_what_it_rests_on(read):
    """Of each question of the study: other outcomes, and other ratios, give another answer."""
    before = {headline.question: headline for headline in study_headlines(read)}
    assert len(before) >= 3
    turned = {"smaller": "larger", "larger": "smaller", "undecided": "smaller"}
    moved = [
        result._replace(
            comparisons=[
                {
                    **one,
                    "outcome": turned.get(one["outcome"], one["outcome"]),
                    "ratio": one["ratio"] and 3 * one["ratio"],
                }
                for one in result.comparisons
            ],
            verdicts=[
                {
                    **one,
                    "outcome": OPPOSITE[one["outcome"]],
                    "ratio": one["ratio"] and 3 * one["ratio"],
                    "finding": f"the opposite: {one['finding']}",
                }
                for one in result.verdicts
            ],
        )
        for result in read
    ]
    after = {headline.question: headline for headline in study_headlines(moved)}
    assert after.keys() == before.keys()
    for question, headline in before.items():
        assert numbers(after[question]) != numbers(headline) or after[question].answer != headline.answer, question
        assert after[question] != headline, question


def test_every_comparison_is_counted(read):
    """A comparison that goes the other way changes the counts of its pair, its largest ratio the range."""
    for result in read:
        for pair in answers.pairs([result]):
            own = [
                number
                for number, one in enumerate(result.comparisons)
                if (one["algorithm"], one["against"]) == (pair.algorithm, pair.against)
                and content.QUANTITY.get(one["quantity"], one["quantity"]) == pair.quantity
            ]
            for field, value in (("outcome", "smaller"), ("outcome", "larger"), ("ratio", 99.0)):
                number = next((n for n in own if result.comparisons[n][field] not in (value, None)), None)
                if number is None:
                    continue
                one = {**result.comparisons[number], field: value}
                now = [*result.comparisons[:number], one, *result.comparisons[number + 1 :]]
                assert answers.pairs([result._replace(comparisons=now)]) != answers.pairs([result]), pair.line


def inconsistent(verdict):
    """The fields of a stored verdict that its sentence does not have."""
    said, missing = verdict["sentence"], []
    word = re.search(rf": ({'|'.join(OPPOSITE)})\b", said)
    if word is None or word[1] != verdict["outcome"]:
        missing.append("outcome")
    if not said.startswith(verdict["subject"]):
        missing.append("subject")
    if verdict["finding"] not in said:
        missing.append("finding")
    numbers = set(re.findall(r"-?\d[\d.]*(?:e[-+]?\d+)?", said.replace(",", "")))
    if verdict["kind"] == "level" and verdict["outcome"] in ("HOLDS", "VIOLATED") and verdict["ratio"] is not None:
        if short(verdict["ratio"]) not in numbers and f"{verdict['ratio']:.4g}" not in numbers:
            missing.append("ratio")
        if verdict["outcome"] == "VIOLATED" and str(verdict["exceeded"]) not in numbers:
            missing.append("exceeded")
    decided = verdict["outcome"] in (*statements.FOR, *statements.AGAINST)
    if (
        decided
        and verdict["slope"] is not None
        and not any(f"{verdict['slope']:.{d}f}" in numbers for d in (1, 2, 3, 4))
    ):
        missing.append("slope")
    return missing


def test_a_stored_sentence_has_the_fields_beside_it(read):
    for result in read:
        for one in result.verdicts:
            assert inconsistent(one) == [], (result.name, one["sentence"])


@pytest.mark.parametrize(
    ("field", "value"), [("outcome", "TIGHT"), ("ratio", 3.21987), ("slope", -7.777), ("finding", "otherwise")]
)
def test_a_field_that_is_changed_alone_is_found(field, value, read):
    found = [one for result in read for one in result.verdicts if one[field] not in (None, value)]
    if field in ("ratio", "slope"):
        kinds = ("level",) if field == "ratio" else ("rate", "exponent", "limit", "minimiser", "count")
        found = [
            one for one in found if one["kind"] in kinds and one["outcome"] in (*statements.FOR, *statements.AGAINST)
        ]
    assert found
    for one in found:
        assert field in inconsistent({**one, field: value})
