"""Sentences of the pages are carried by named numbers, and fail when one of them changes."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from carried import UntrueError, carried, filled, marks  # noqa: E402

NAME = "edge; comparisons; against=matched SGD; alpha=0.1; max ratio .2f in 0.5..0.6"
PAGE = f"It is <!-- {NAME} -->?<!-- --> times that of matched SGD."


@pytest.fixture
def results(tmp_path):
    rows = [
        {"against": "matched SGD", "alpha": 0.1, "ratio": 0.5512, "outcome": "smaller"},
        {"against": "matched SGD", "alpha": 0.1, "ratio": 0.5411, "outcome": "smaller"},
        {"against": "matched SGD", "alpha": 0.5, "ratio": 0.9, "outcome": "undecided"},
    ]
    verdicts = [{"bound": "b", "outcome": "HOLDS", "ratio": 0.4, "where": {"k": 5}}]
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "verdict.json").write_text(json.dumps({"comparisons": rows, "verdicts": verdicts}))
    cells = "k,mean,published,status\n1,0.3,0.1,ok\n5,0.3,,ok\n"
    (tmp_path / "edge" / "table.csv").write_text(cells)
    return tmp_path


def change(results: Path, field: str, value: object) -> None:
    path = results / "edge" / "verdict.json"
    stored = json.loads(path.read_text())
    stored["comparisons"][0][field] = value
    path.write_text(json.dumps(stored))


def test_the_number_is_filled_in_as_the_mark_says(results):
    page = filled(PAGE, lambda name: carried(results, name))
    assert page == PAGE.replace("?", "0.55")
    assert marks(page) == [(NAME, "0.55")]
    assert carried(results, "edge; verdicts; bound=b; k=5; outcome is HOLDS").text == "HOLDS"
    assert carried(results, "edge; comparisons; outcome=smaller; count in 2..2").text == "2"
    assert carried(results, "edge; cells; status=ok; max mean/published .1f in 2..4").text == "3.0"
    assert carried(results, "edge; cells; k=5; mean in 0..1").text == "0.3"


@pytest.mark.parametrize(
    "name",
    [
        "edge; comparisons; against=matched SGD; alpha=0.1; ratio in 0..1",
        "edge; comparisons; against=nobody; max ratio in 0..1",
        "edge; comparisons; against=matched SGD; outcome is smaller",
        "edge; comparisons; the largest ratio",
        "elsewhere; comparisons; ratio in 0..1",
        "edge; best; count in 0..1",
    ],
    ids=["several", "none", "mixed words", "no grammar", "no experiment", "no such kind"],
)
def test_what_is_not_one_answer_is_refused(results, name):
    with pytest.raises(UntrueError):
        carried(results, name)


@pytest.mark.parametrize(("field", "value"), [("ratio", 0.62), ("alpha", 0.2)])
def test_a_number_outside_its_range_fails(results, field, value):
    change(results, field, value)
    if field == "ratio":
        with pytest.raises(UntrueError, match=r"the sentence needs 0.5 to 0.6; found 0.62"):
            carried(results, NAME)
    else:
        assert carried(results, NAME).text == "0.54"


def test_a_changed_outcome_fails(results):
    name = "edge; comparisons; against=matched SGD; alpha=0.1; outcome is smaller"
    assert carried(results, name).text == "smaller"
    change(results, "outcome", "undecided")
    with pytest.raises(UntrueError, match="expected smaller; found smaller, undecided"):
        carried(results, name)


STORED = json.loads((ROOT / "docs" / "carried.json").read_text())
PAGES = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("findings", "field", "printed"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_say_what_was_stored(page):
    """docs/carried.json is what ``python docs/refresh.py`` found; nobody types a number."""
    found = marks(page.read_text())
    assert found
    for name, text in found:
        assert STORED[re.sub(r"\s+", " ", name)] == text, name


def test_every_finding_is_carried():
    for finding in re.split(r"^### ", PAGES[1].read_text(), flags=re.M)[1:]:
        assert marks(finding) or "riskkit explain" in finding, finding[:60]


def named(name: str) -> tuple[list[dict], str, float, float]:
    """One row that a mark finds, without the number that it asks for; that number's key; and its range."""
    *conditions, asked = [part.strip() for part in re.sub(r"\s+", " ", name).split(";")][2:]
    row = {}
    for condition in conditions:
        key, value = condition.split("=", 1)
        row[key] = float(value) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", value) else value
    if word := re.fullmatch(r"(\w+) (?:is|says) (\S.*)", asked):
        return [row], word[1], math.nan, math.nan
    number = re.fullmatch(r"(?:(?:min|max) )?(\S+)(?: \.\S+)? in (\S+?)\.\.(\S+)", asked)
    return [row], number[1], float(number[2]), float(number[3])


EVERY = sorted({re.sub(r"\s+", " ", name) for page in PAGES for name, _ in marks(page.read_text())})


@pytest.mark.parametrize("name", EVERY)
def test_every_number_of_the_pages_fails_when_it_is_falsified(name, monkeypatch):
    """What is stored gives the page's text; a value beyond its range, another word, or nothing stored does not."""
    (row,), key, low, high = named(name)
    module = sys.modules["carried"]

    def found(value: object, count: int = 1) -> str:
        over, _, under = key.partition("/")
        rows = [{**row, **({} if key == "count" else {over: value}), **({under: 1.0} if under else {})}] * count
        monkeypatch.setattr(module, "stored", lambda *_: rows)
        return carried(Path(), name).text

    if math.isnan(low):
        assert found(STORED[name]) == STORED[name]
        assert " says " not in name or found(f"it is said: {STORED[name]}, at last") == STORED[name]
        false: list[tuple[object, int]] = [
            ("VIOLATED" if STORED[name] != "VIOLATED" else "HOLDS", 1),
            (STORED[name], 0),
        ]
    elif key == "count":
        assert found(None, int(STORED[name])) == STORED[name]
        false = [(None, int(high) + 1)] + ([(None, int(low) - 1)] if low > 0 else [])
    else:
        # What is shown is rounded, so that a value within the range may be shown at its edge.
        assert found(min(max(float(STORED[name]), low), high)) == STORED[name]
        false = [(math.nextafter(high, math.inf), 1), (math.nextafter(low, -math.inf), 1), (low, 0)]
        if not re.search(r"; (min|max) \S+( \S+)? in ", name):
            false.append((low, 2))
    for value, count in false:
        with pytest.raises(UntrueError):
            found(value, count)
