"""docs/undecided.md: what two sweeps leave undecided, counted; and which designs were changed after a look."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import designs  # noqa: E402
import undecided  # noqa: E402

from riskkit.experiment import study  # noqa: E402


def verdict(outcome: str, alpha: float, *, axis: str = "T", n: int = 50, bound: str = "b") -> dict[str, object]:
    return {
        "kind": "rate",
        "bound": bound,
        "algorithm": "Lookahead",
        "form": "claim",
        "output": "last",
        "quantity": "stability",
        "axis": axis,
        "group": "source",
        "outcome": outcome,
        "where": {"n": n, "k": 50, "alpha": alpha},
        "sentence": f"one: {outcome}",
        "replicates_needed": None,
    }


def write(results: Path, experiment: str, verdicts: list[dict[str, object]]) -> None:
    (results / experiment).mkdir(parents=True)
    record = {"experiment": experiment, "verdicts": verdicts}
    (results / experiment / "verdict.json").write_text(json.dumps(record))


def test_a_statement_left_out_is_undecided_unless_another_experiment_asks_it(tmp_path):
    before, after = tmp_path / "before", tmp_path / "after"
    old, new = "theorem2_edge", undecided.REPLACED["theorem2_edge"]
    write(before, old, [verdict("NOT COVERED", alpha, axis="") for alpha in (0.1, 0.1, 0.5, 1.0)])
    write(after, old, [])
    # One at alpha = .1 for two, one at .5 of another n and axis, none at 1; another bound replaces nothing.
    asked = [verdict("LOOSE", 0.1, n=9), verdict("INCONCLUSIVE", 0.5, n=9), verdict("TIGHT", 1.0, bound="other")]
    write(after, new, asked)
    rows = {row.experiment: row for row in undecided.rows(before, after)}
    assert rows[old] == (old, (4, 4), (0, 0), 4, 2)
    assert rows[new] == (new, (0, 0), (1, 3), 0, 0)
    last = next(line for line in undecided.page(list(rows.values())).splitlines() if line.startswith("| all"))
    assert last.startswith("| all | 4 / 4 (100%) | 3 / 5 (60%) | 2 |")


def test_a_question_that_is_asked_no_more_is_left_out(tmp_path, capsys):
    before, after = tmp_path / "before", tmp_path / "after"
    check = verdict("TIGHT", 0.5, bound="z") | {"group": "self-check"}
    write(before, "a", [verdict("TIGHT", 0.5, bound="x"), verdict("PRE-ASYMPTOTIC", 0.5, bound="y"), check])
    write(after, "a", [verdict("LOOSE", 0.5, bound="y"), verdict("TIGHT", 0.5, bound="y")])
    rows = undecided.rows(before, after)
    assert rows == [("a", (1, 2), (0, 2), 1, 0)]
    assert "| all | 1 / 2 (50%) | 1 / 3 (33%) | 1 |" in undecided.page(rows)
    for words in (["nowhere"], ["nowhere", "nowhere"]):
        with pytest.raises(SystemExit) as left:
            undecided.main(words)
        assert left.value.code == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_paper_size_stands_beside_the_default(tmp_path, monkeypatch, capsys):
    default, paper = tmp_path / "default", tmp_path / "paper"
    for name in ("a", "b"):
        write(default, name, [verdict("TIGHT", 0.5), verdict("VACUOUS", 1.0)])
    write(paper, "a", [verdict("LOOSE", alpha) for alpha in (0.5, 1.0, 0.1)])
    monkeypatch.setattr(undecided, "PAGE", tmp_path / "page.md")
    (paper / "a" / "run.json").write_text(json.dumps({"request": {"size": "laptop"}, "replicates": 8}))
    assert undecided.main([str(default), str(default), str(paper)]) == 2
    assert "is of the size 'laptop'" in capsys.readouterr().err
    assert not undecided.PAGE.exists()
    (paper / "a" / "run.json").write_text(json.dumps({"request": {"size": "paper"}, "replicates": 8}))
    assert undecided.main([str(default), str(default), str(paper)]) == 0
    text = undecided.PAGE.read_text()
    assert "| `a` | 1 / 2 | 0 / 3 |\n| `b` | 1 / 2 | not run |\n| all | 2 / 4 (50.0%) | 0 / 3 (0.0%) |" in text
    assert text.endswith("## What would decide each that is left at paper size\n\nNone.\n")


def test_designs_that_were_changed_are_those_of_the_study():
    named = {*designs.CHANGES, *designs.PAPER, *designs.TRIED, *undecided.REPLACED, *undecided.REPLACED.values()}
    assert named <= set(study.names())
    assert all(designs.CHANGES.values())
