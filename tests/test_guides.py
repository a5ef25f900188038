"""Every block of code on every page runs, and prints what the page says."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


class Block(NamedTuple):
    """A fenced block: its language, the file that it is, and its text."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r'^```(\w+)(?: title="([^"\n]+)")?\n(.*?)^```$', page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(*one) for one in found]


@pytest.fixture
def module(monkeypatch):
    """Runs source as a module of its own; returns its names."""

    def run(source: Any, name: str, into: dict[str, Any] | None = None) -> dict[str, Any]:
        made = types.ModuleType("page")
        space = made.__dict__ if into is None else into
        monkeypatch.setitem(sys.modules, space["__name__"], made if into is None else sys.modules["page"])
        exec(compile(source, name, "exec"), space)
        return space

    return run


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_block_says_what_it_is():
    known = {"python", "shell", "text", "latex", "bibtex"}
    for page in PAGES:
        fences = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)
        for number, fence in enumerate(fences):
            assert (fence.split(" ")[0] in known) if number % 2 == 0 else not fence, f"{named(page)}: {fence}"


def test_the_notebook_of_the_guide_is_short():
    """Under 25 lines, with all that a sweep leaves: what ``result.save`` wrote is looked at below."""
    (source,) = (block.text for block in blocks(ROOT / "docs" / "guides" / "hardt.md") if "result.save" in block.text)
    assert len([line for line in source.splitlines() if line.strip()]) < 25


ELSEWHERE = {"README.md", "optimisers.md"}
"""Pages whose program test_docs and test_check_optimisers run."""
RUN = [
    page
    for page in PAGES
    if page.name not in ELSEWHERE and any(block.language == "python" and not block.title for block in blocks(page))
]


@pytest.mark.parametrize("page", RUN, ids=named)
def test_the_blocks_run_from_top_to_bottom_and_print_what_follows(page, tmp_path, monkeypatch, module):
    monkeypatch.chdir(tmp_path)
    space, said = module("", named(page)), ""
    for block in blocks(page):
        if block.language == "python" and not block.title:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                module(block.text, named(page), space)
            said = printed.getvalue()
        elif block.language == "text":
            assert block.text == said
    if (tmp_path / "results").exists():
        complete(tmp_path / "results", "hardt")


def study(page: Path, folder: Path) -> tuple[str, list[list[str]]]:
    """Writes the files of a guide; its experiment, and what it types, which are commands of ``riskkit``."""
    files = [block for block in blocks(page) if block.title]
    for block in files:
        (folder / block.title).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.title).write_text(block.text)
    assert sum(len(block.text.splitlines()) for block in files) < 60
    typed = [line for block in blocks(page) if block.language == "shell" for line in block.text.splitlines()]
    assert all(line.startswith("riskkit ") for line in typed)
    (experiment,) = (Path(block.title).stem for block in files if block.title.startswith("experiments/"))
    return experiment, [shlex.split(line)[1:] for line in typed]


def test_a_guide_with_files_is_run_from_the_wheel():
    """``tests/test_study.py`` has the wheel."""
    assert [page.name for page in PAGES if any(block.title for block in blocks(page))] == ["hardt.md"]


def complete(results: Path, experiment: str) -> None:
    """What a sweep promises of an experiment about Theorem 3.8."""
    verdicts = json.loads((results / experiment / "verdict.json").read_text())["verdicts"]
    (level,) = (one for one in verdicts if one["kind"] == "level")
    assert level["outcome"] == "HOLDS"
    assert "of SGD (last iterate)" in level["sentence"]
    assert "against Theorem 3.8 of Hardt et al.: HOLDS" in level["sentence"]
    assert "T" in {one["axis"] for one in verdicts if one["kind"] == "rate"}
    assert list((results / experiment / "figures").glob("*.pdf"))
    assert (results / experiment / "table.csv").is_file()
    assert "Theorem 3.8" in (results / "report.html").read_text()
    entries = (results / "tables" / "references.bib").read_text()
    assert re.findall(r"^@\w+\{(\w+),", entries, re.MULTILINE) == ["hardt2016train", "riskkit"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_notebooks_run_and_show_something(path, tmp_path, monkeypatch, module):
    """The cells in order, as a kernel would: the value of a last expression is shown."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(path.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    space, shown = module("", path.name), []
    for cell in notebook["cells"]:
        assert {"id", "metadata", "source"} <= set(cell)
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "stored without outputs"
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        module(tree, path.name, space)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), path.name, "eval"), space)
            for show in ("_repr_html_", "_repr_png_"):
                if hasattr(value, show):
                    shown.append(getattr(value, show)())
    assert any(isinstance(one, bytes) for one in shown)
    assert any(isinstance(one, str) for one in shown)


def test_a_new_study_runs_and_passes_its_own_tests(tmp_path):
    from riskkit.cli.main import main

    assert main(["new", str(tmp_path / "my_study")]) == 0
    home = tmp_path / "my_study"
    code = (
        "import pytest, sys; from riskkit.cli.main import main\n"
        "assert pytest.main(['-q', '-p', 'no:cacheprovider', '-W', 'error']) == 0\n"
        "sys.exit(main(['sweep', '--replicates', '512']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    complete(home / "results", "stability")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my study", "must end in a name of letters"),
        ("1st", "must end in a name of letters"),
        ("nowhere/my_study", "must be a folder, and is none"),
        ("taken", "exists and is not an empty folder"),
        ("file", "exists and is not an empty folder"),
    ],
)
def test_a_new_study_replaces_nothing(name, said, tmp_path, monkeypatch, capsys):
    from riskkit.cli.main import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "paper.tex").touch()
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(["new", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert sorted(tmp_path.rglob("*")) == before
