"""The programs beside the package, in docs/ and benchmarks/: each says what it is for, and refuses what it is not."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [
    path
    for folder in ("docs", "benchmarks")
    for path in sorted((ROOT / folder).glob("*.py"))
    if '__name__ == "__main__"' in path.read_text()
]
PROGRAMS = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in SCRIPTS]
ANYTHING = {"again"}
"""Their words are the sweep's, which looks at them."""
PEERS = {"dask_workers": "distributed"}
"""What a program cannot even begin without."""


@pytest.fixture
def ended(monkeypatch, capsys):
    """Runs a program in this process, for the time that loading takes; its exit status, and what it wrote."""

    def run(path: Path, *words: str) -> tuple[int, str, str]:
        if path.stem in PEERS:
            pytest.importorskip(PEERS[path.stem])
        monkeypatch.syspath_prepend(str(path.parent))
        monkeypatch.setattr(sys, "argv", [str(path), *words])
        monkeypatch.setattr(sys, "path", [*sys.path])
        with pytest.raises(SystemExit) as error:
            runpy.run_path(str(path), run_name="__main__")
        return error.value.code or 0, *capsys.readouterr()

    return run


def test_there_are_programs():
    assert len(SCRIPTS) > 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", PROGRAMS)
def test_help_is_one_screen_that_says_what_the_program_is_for(path, ended):
    status, said, wrong = ended(path, "--help")
    assert (status, wrong) == (0, "")
    lines = said.splitlines()
    assert lines[0].startswith("usage: ")
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    assert any(len(line) > 30 for line in lines[2:])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", [one for one in PROGRAMS if one.values[0].stem not in ANYTHING])
def test_what_it_does_not_know_is_one_line_and_status_2(path, ended, tmp_path):
    for words in (["--no-such-flag"], [str(tmp_path / "nowhere"), "x", "y", "z"]):
        status, said, wrong = ended(path, *words)
        assert (status, said) == (2, "")
        assert wrong.count("\n") == 1
        assert "Traceback" not in wrong
