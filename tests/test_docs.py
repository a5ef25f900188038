"""The documents: what they show runs, prints what they say, and leads somewhere."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from riskkit import problems
from riskkit.cli.main import COMMANDS
from riskkit.experiment import study
from riskkit.report.tables import references
from riskkit.theory.zhou2021.setting import PAPER

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


@pytest.fixture(scope="module")
def refresh():
    spec = importlib.util.spec_from_file_location("refresh", ROOT / "docs" / "refresh.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_quickstart_prints_what_the_readme_says(refresh):
    source, printed = refresh.quickstart()
    lines = [line for line in source.splitlines() if line.strip() and "import" not in line]
    assert len(lines) <= 10
    assert f"```python\n{source}```\n\n```text\n{printed}```" in (ROOT / "README.md").read_text()


def anchors(page):
    """As the host of the pages makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_into_a_page_meet_a_heading(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert anchor in anchors((page.parent / target) if target else page), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_there_and_so_are_their_experiments(page):
    text = page.read_text()
    commands = re.findall(r"(python -m riskkit\.\w+)((?: [a-z]\w*)*)", text)
    for module, _ in commands:
        assert module == "python -m riskkit.sweep"
    typed = re.findall(r"(?:^    |`)(?:python -m )?riskkit (\w+)((?: [a-z]\w*)*)", text, re.MULTILINE)
    for command, _ in typed:
        assert command in COMMANDS
    for command, words in commands + typed:
        if command in ("python -m riskkit.sweep", "sweep", "figures", "tables"):
            study.select(words.split())


SOURCES = sorted(
    path
    for folder in ("riskkit", "problems", "experiments", "figures", "docs")
    for suffix in ("py", "pyi", "jinja", "md")
    for path in (ROOT / folder).rglob(f"*.{suffix}")
)


def test_modules_that_are_named_exist():
    """``riskkit.x.y`` in backquotes, and the commands in docstrings and messages."""
    for path in [*PAGES, *SOURCES]:
        text = path.read_text()
        for command in re.findall(r"python -m riskkit\.(\w+)", text):
            assert command == "sweep", f"{path}: {command}"
        for name in re.findall(r"(?<!`)(?:``|`)(riskkit(?:\.\w+)+)(?:``|`)(?!`)", text):
            assert _exists(name), f"{path}: {name}"


def _exists(name: str) -> bool:
    """Whether it is a module, or something of one."""
    found, parts = importlib.import_module("riskkit"), name.split(".")
    for end, part in enumerate(parts[1:], 2):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
    return True


def test_every_problem_has_a_row_of_its_constants_and_one_of_its_purpose():
    page = (ROOT / "docs" / "problems.md").read_text()
    rows = set(re.findall(r"^\| (\w+)\(.*\| conforms, [\d.]+ s \|$", page, flags=re.M))
    assert rows == set(problems.__all__)
    purposes = page[: page.index("## Their constants")]
    assert all(f"`{name}`" in purposes for name in problems.__all__)


def test_every_finding_has_a_figure_and_a_command():
    text = (ROOT / "docs" / "findings.md").read_text()
    findings = re.split(r"^### ", text, flags=re.M)[1:]
    assert len(findings) >= 5
    for finding in findings:
        assert re.search(r"!\[.+\]\(figures/\w+\.png\)|`riskkit explain audits`", finding), finding[:60]
        assert re.search(r"^    (python -m riskkit\.sweep|riskkit \w+) ", finding, re.MULTILINE), finding[:60]


def test_the_citation_is_the_one_of_the_tables():
    citation, entries = (ROOT / "CITATION.cff").read_text(), PAPER.bibtex + references.toolkit_entry()
    assert PAPER.bibtex.split("{Towards", 1)[1].split("},")[0].replace("{", "").replace("}", "") in citation
    for line in (f"version: {references.version('riskkit')}", "title: Towards Understanding Why Lookahead"):
        assert line in citation
    for name in re.findall(r"family-names: (\w+)", citation):
        assert name in entries
