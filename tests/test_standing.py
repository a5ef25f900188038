"""A second run makes nothing again; a change makes again exactly what depends on it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from small_study import forget, swept, within, write

from riskkit.experiment import sources
from riskkit.store import made
from riskkit.store.made import Made


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A small study, swept once, and a copy of it to go back to."""
    place = tmp_path_factory.mktemp("standing")
    write(place / "study")
    with within(place / "study"):
        assert swept() == 0
    shutil.copytree(place / "study", place / "copy")
    return place


@pytest.fixture
def home(once):
    """The study as it was after its sweep, and the working directory."""
    shutil.rmtree(once / "study")
    shutil.copytree(once / "copy", once / "study")
    with within(once / "study"):
        yield once / "study"


def times():
    """When every file of the results was written, but the diaries and the records of what was made."""
    return {
        path.relative_to("results").as_posix(): path.stat().st_mtime_ns
        for path in Path("results").rglob("*")
        if path.is_file() and path.name != made.NAME and "/sessions/" not in path.as_posix()
    }


def remade(before):
    """The files that were written since, without what they are named by: their folder and first word."""
    return {name for name, moment in times().items() if before.get(name) != moment}


def test_nothing_changed_nothing_is_made(home, monkeypatch, capsys):
    from riskkit.execution import loop
    from riskkit.report.figures import drawing

    assert swept() == 0
    before, first = times(), capsys.readouterr().out
    for module, name in ((loop, "answer"), (drawing, "draw_figures")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("something is made again"))
    assert swept() == 0
    assert remade(before) == set()
    again = capsys.readouterr().out
    assert "0 blocks computed, 2 taken from the store" in again
    assert "Is the first measured?" in again
    assert again.splitlines()[:-1] == first.splitlines()[:-1]


def files(names, *parts):
    return {name for name in names if name.startswith(parts)}


def test_a_changed_figure_draws_itself_alone(home):
    before = times()
    path = home / "figures" / "curve.py"
    path.write_text(path.read_text().replace("height=1.5", "height=1.6"))
    assert swept() == 0
    found = remade(before)
    assert files(found, "first/figures/curve.")
    # What shows the figure follows: the report; no table, no verdict, no other figure.
    assert found <= {
        *files(found, "first/figures/curve."),
        "report.html",
        *files(found, "first/tables/"),
        *files(found, "first/section"),
        *files(found, "tables/"),
    }
    assert "report.html" in found
    assert not files(found, "second/")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/_bounds.py", "OPTIMIZATION_AVERAGE", "GENERALIZATION_AVERAGE"),
        ("problems/own.py", "    pass", "    name = 'own'"),
        ("experiments/first.py", "replicates=16", "replicates=24"),
    ],
    ids=["a bound", "a problem", "an experiment"],
)
def test_what_an_experiment_uses_makes_it_again_and_no_other(home, file, old, new):
    before = times()
    path = home / file
    path.write_text(path.read_text().replace(old, new))
    forget()
    assert swept() == 0
    found = remade(before)
    assert {"first/table.parquet", "first/verdict.json", "first/figures/curve.pdf", "report.html"} <= found
    assert not files(found, "second/table", "second/verdict", "second/figures", "second/tables")


def test_a_changed_seed_has_a_place_of_its_own_and_leaves_the_first(home):
    before = times()
    assert swept("first", "--seed", "7") == 0
    assert {name.partition("/")[0] for name in remade(before)} == {"seed-7"}
    seeded = times()
    assert swept("first", "--seed", "7") == 0
    assert remade(seeded) == set()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("first/table.csv", "damaged"),
        ("first/verdict.json", "deleted"),
        ("first/figures/curve.svg", "damaged"),
        ("second/tables/levels.md", "deleted"),
        ("report.html", "damaged"),
    ],
)
def test_an_output_that_is_gone_or_damaged_is_made_again(home, name, how):
    path = Path("results", name)
    whole = path.read_bytes()
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    before = times()
    assert swept() == 0
    assert name in remade(before)
    if name != "report.html":  # which names the sessions
        assert path.read_bytes() == whole
    shards = {name for name in times() if "/shards/" in name}
    assert not shards & remade(before)


def test_a_shard_that_is_damaged_makes_its_experiment_again(home, capsys):
    (shard,) = Path("results", "second", "shards").glob("*.parquet")
    payload = bytearray(shard.read_bytes())
    payload[len(payload) // 3] ^= 1
    shard.write_bytes(payload)
    before = times()
    assert swept() == 0
    assert "is damaged" in capsys.readouterr().err
    found = remade(before)
    assert {"second/table.parquet", "second/verdict.json"} <= found
    assert not files(found, "first/table", "first/verdict", "first/figures")


def test_fresh_makes_everything_again(home):
    before = times()
    assert swept("--fresh") == 0
    kept = {name for name in times() if not name.startswith("aside/")} - {"first/README.txt"}
    assert kept <= remade(before) | {"first/README.txt"}


def test_an_experiment_too_slow_for_the_whole_sweep_is_run_when_it_is_named(home, capsys):
    """Also where the whole sweep, which leaves it out, was run before."""
    slow = Path("experiments/second.py")
    slow.write_text(slow.read_text().replace('"laptop"', '"paper"'))
    shutil.rmtree("results/second")
    assert swept() == 0
    assert not Path("results/second").exists()
    capsys.readouterr()
    assert swept("second", "--out", "results") == 0
    assert re.search(r"^[1-9]\d* blocks? computed", capsys.readouterr().out, re.MULTILINE)
    assert Path("results/second/table.csv").exists()


def test_a_record_that_is_damaged_knows_of_nothing(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("a")
    Made(tmp_path).note({"a": ("x", [file])})
    assert Made(tmp_path).stands("a", "x")
    assert not Made(tmp_path).stands("a", "y")
    assert not Made(tmp_path).stands("b", "x")
    for text in (
        "",
        "[]",
        '{"outputs": 1}',
        '{"outputs": {"a": 1}}',
        '{"outputs": {"a": {"from": "x", "files": [1]}}}',
    ):
        (tmp_path / made.NAME).write_text(text)
        assert not Made(tmp_path).stands("a", "x")


def test_a_file_changed_within_its_clocks_tick_is_read_again(tmp_path):
    """What has just been written may change without a change of size and times; so it is not trusted by them."""
    file = tmp_path / "a.txt"
    file.write_text("a")
    Made(tmp_path).note({"a": ("x", [file])})
    known = json.loads((tmp_path / made.NAME).read_text())["outputs"]["a"]["files"]["a.txt"]
    assert len(known) == 1
    file.write_text("b")
    assert not Made(tmp_path).stands("a", "x")


def test_a_data_file_that_a_module_names_is_a_source(home):
    (home / "experiments" / "first.py").write_text((home / "experiments" / "first.py").read_text() + 'DATA = "x.bin"\n')
    (home / "x.bin").write_bytes(b"1")
    before = sources.source("experiments.first", home), sources.source("experiments.second", home)
    (home / "x.bin").write_bytes(b"2")
    after = sources.source("experiments.first", home), sources.source("experiments.second", home)
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_instrument_and_the_libraries_are_sources(monkeypatch):
    before = sources.instrument.__wrapped__()
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    monkeypatch.setattr(sources, "installed", lambda name: "another")
    assert sources.instrument.__wrapped__() != before
