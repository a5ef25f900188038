"""Slides and paper number the theorems differently; a reader of either finds both numbers wherever one stands."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from riskkit.cli import main as cli
from riskkit.experiment import study
from riskkit.sweep import main as sweep
from riskkit.theory.zhou2021 import BOUNDS, published
from riskkit.theory.zhou2021.setting import NUMBERS

ROOT = Path(__file__).resolve().parent.parent
OTHERS = r"Theorem 3\.\d+|Theorem[s]? \d+(?:\.\d+)? (?:of|in) (?!the paper|the slides)\w+"
"""Theorems of other papers."""
GROUP = r"((?:\d(?:, | and | or | to |-))*\d)"
NAMED = re.compile(rf"\b[Tt]heorems? {GROUP}\b")
BESIDE = re.compile(
    rf"[Tt]heorems? {GROUP}(?:'s)?(?: of the paper)?,? (?:and Corollary 1 )?\((?:paper|slide)[^)]*\)"
    r"|(?:[Ss]lides?|paper):? \d?(?:, \d)*\s?\(?[Tt]heorems? [^()]*\)?"
    rf"|{NUMBERS}",
    re.IGNORECASE,
)


def numbers(text: str) -> set[int]:
    """``1 to 3`` and ``1, 2 and 3`` are 1, 2 and 3."""
    found = {int(digit) for digit in re.findall(r"\d", text)}
    return set(range(min(found), max(found) + 1)) if re.search(r" to |\d-\d", text) else found


def alone(text: str) -> set[int]:
    """The theorems that a text names without their other number anywhere in it."""
    text = re.sub(OTHERS, "", re.sub(r"<!--.*?-->", "", " ".join(text.split())))
    named = set().union(*(numbers(found[1]) for found in NAMED.finditer(text)), set())
    beside = set().union(*(numbers(found[0]) for found in BESIDE.finditer(text)), set())
    return named - beside


def test_what_counts_as_both_numbers():
    for text in (
        "Theorem 1 (paper: Theorem 3) holds",
        "Theorem 3 of the paper (slide 1) and then Theorem 3 again",
        "Slide 2 (Theorems 1, 2): rates",
        "Theorems 1 and 2 (paper: Theorems 1 to 3)",
        "Theorem 3.8 of Hardt et al.",
    ):
        assert alone(text) == set(), text
    assert alone("Theorem 1 holds") == {1}
    assert alone("Theorems 1 to 3 hold, as does Theorem 4 (slide 3)") == {1, 2}
    assert alone("<!-- theorem1 -->Theorem 2's rate") == {2}


def test_experiments_name_theorems_by_both_numbers(capsys):
    assert sweep(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(study.names())
    for line in lines:
        name, _, said = line.partition(" ")
        assert alone(said) == set(), line
        if found := re.match(r"(theorem|printed_theorem)(\d)", name):
            slide = found[2] if found[1] == "theorem" else {"2": "2", "3": "1", "4": "3", "5": "4"}[found[2]]
            assert re.search(rf"[Ss]lide {slide}\b", said), line
            assert "Theorem" in said, line


def test_titles_and_refusals_name_them_by_both_numbers():
    from riskkit import SGD, Constant
    from riskkit.problems import ConcaveOnBall, Logistic, WarpedMean

    for bound in (*BOUNDS.values(), *published.BOUNDS.values()):
        assert alone(bound.title) == set(), bound.name
        for problem in (Logistic(), WarpedMean(), ConcaveOnBall()):
            assert alone(bound.excludes(problem, SGD(4, Constant(1e-3))) or "") == set(), bound.name


@pytest.mark.parametrize("name", ["theorem1", "theorem2", "theorem3", "theorem4", "paper.theorem3", "audits", "proofs"])
def test_explain_names_them_by_both_numbers(name, capsys):
    short = ["--T", "2", "--k", "1", "--alpha", "0.5", "--replicates", "4", "--results", "/nonexistent"]
    assert cli.main(["explain", name, *([] if name in ("audits", "proofs") else short)]) == 0
    assert alone(capsys.readouterr().out.replace("│", " ")) == set()


def test_tables_and_figures_name_them_by_both_numbers():
    for table in importlib.import_module("experiments").tables():
        text = " ".join([table.caption, *(str(cell) for row in table.rows for cell in row)])
        assert alone(text) == set() or table.name == "table3_audit", table.name
    for path in sorted((ROOT / "figures").glob("*.py")):
        source = re.sub(r'""".*?"""', "", path.read_text(), flags=re.S)
        assert alone(re.sub(r'"\s*\n\s*f?"', "", source)) == set(), path.name


def parts(page: Path) -> list[str]:
    """The page by its headings; code is left out, but not what is quoted."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    return re.split(r"^(?=#{1,3} )", text, flags=re.M)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_them_by_both_numbers_in_every_part(page):
    for part in parts(page):
        assert alone(part) == set(), part[:80]
