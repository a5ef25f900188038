"""The pages are filled by one command from what is stored, by another from what is stored at paper size."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from riskkit.experiment import study

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from carried import MARK, UntrueError, marks  # noqa: E402

NAME = "theorem4_tuned; comparisons; quantity=excess; min ratio .4f in 0.9999..1.001"
OTHER = "theorem1_tuned; comparisons; quantity=excess; min ratio .4f in 0.99..1"
TEXT = f"<!-- filled -->\nold\n<!-- end -->\n\nIt is <!-- {NAME} -->1<!-- --> and <!-- {OTHER} -->2<!-- -->.\n"


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """The module, a page of its own, and a small folder of one experiment at paper size."""
    module = importlib.import_module("refresh_paper")
    monkeypatch.setattr(module, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(module, "STORED", tmp_path / "carried.json")
    module.PAGE.write_text(TEXT)
    folder = tmp_path / "results" / "theorem4_tuned"
    folder.mkdir(parents=True)
    stored(folder, 1.0002)
    return module, tmp_path / "results"


def stored(folder, ratio, size="paper", replicates=16):
    (folder / "run.json").write_text(json.dumps({"request": {"size": size}, "replicates": replicates}))
    (folder / "verdict.json").write_text(json.dumps({"comparisons": [{"quantity": "excess", "ratio": ratio}]}))


def test_the_page_says_what_it_was_filled_from(paper):
    module, results = paper
    module.main(results)
    said = module.PAGE.read_text()
    assert "It is <!-- " + NAME + " -->1.0002<!-- --> and <!-- " + OTHER + " -->not run<!-- -->." in said
    every = module.standard()
    assert f"Filled from 1 of the {len(every)} standard experiments at this size: `theorem4_tuned`." in said
    assert f"fewer replicates than this size asks for: `theorem4_tuned` (16 of {every['theorem4_tuned'][1]})" in said
    assert "old" not in said
    assert json.loads(module.STORED.read_text()) == {NAME: "1.0002", OTHER: "not run"}


@pytest.mark.parametrize("ratio", [0.9, 1.2])
def test_a_number_beyond_its_range_leaves_the_page_as_it_was(ratio, paper):
    module, results = paper
    stored(results / "theorem4_tuned", ratio)
    with pytest.raises(UntrueError, match=r"the sentence needs 0.9999 to 1.001; found"):
        module.main(results)
    assert module.PAGE.read_text() == TEXT
    assert not module.STORED.exists()


def test_what_is_not_of_paper_size_fills_nothing(paper, tmp_path):
    module, results = paper
    stored(results / "theorem4_tuned", 1.0, size="laptop")
    with pytest.raises(ValueError, match="is of the size 'laptop'"):
        module.main(results)
    with pytest.raises(ValueError, match="has no experiment"):
        module.main(tmp_path / "nowhere")
    (results / "theorem4_tuned").rename(results / "table3")
    stored(results / "table3", 1.0)
    with pytest.raises(UntrueError, match="has none of the experiments"):
        module.main(results)
    assert module.PAGE.read_text() == TEXT


def test_the_page_at_paper_size_is_as_it_was_filled():
    """Each of its numbers is that of docs/carried_paper.json, of an experiment that has a paper size."""
    page = (ROOT / "docs" / "paper_size.md").read_text()
    known = json.loads((ROOT / "docs" / "carried_paper.json").read_text())
    every = importlib.import_module("refresh_paper").standard()
    assert {re.sub(r"\s+", " ", name): text for name, text in marks(page)} == known
    assert len(known) >= 10
    assert any(text != "not run" for text in known.values())
    for name, text in known.items():
        experiment = name.split(";")[0]
        assert experiment in every
        assert (text == "not run") == (f"`{experiment}`" not in page), name
    assert set(re.findall(r"`(\w+)`", page)) <= set(study.names())


@pytest.mark.slow
def test_a_fresh_default_sweep_fills_the_pages(tmp_path):
    """Every number lies in its range, every sentence that is quoted is there, and a second time nothing changes."""
    for name in ("README.md", "docs"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    results = tmp_path / "results"
    for words in ([], ["table3_tuned"]):
        subprocess.run([sys.executable, "-m", "riskkit.sweep", *words, "--out", results], cwd=ROOT, check=True)
    pages = [tmp_path / "README.md", *sorted((tmp_path / "docs").glob("*.md"))]

    def filled():
        subprocess.run([sys.executable, tmp_path / "docs" / "refresh.py", results], cwd=tmp_path, check=True)
        return {page.name: page.read_text() for page in pages}

    before = {page.name: page.read_text() for page in pages}
    after = filled()
    for name, text in after.items():
        assert MARK.sub(r"<!-- \1 -->", text).count("<!--") == MARK.sub(r"<!-- \1 -->", before[name]).count("<!--")
        assert [one for one, _ in marks(text)] == [one for one, _ in marks(before[name])]
    assert filled() == after
