"""What people are told: progress, sessions on narrow terminals, names that are no text, folders that cannot be."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import rich.console

from riskkit.cli import main as cli
from riskkit.execution import progress
from riskkit.execution.telling import printable, tell
from riskkit.store import atomic
from riskkit.store.provenance import Diary, now


def test_after_the_last_block_progress_says_once_what_follows(monkeypatch, capsys):
    """Predicted seconds that are added and taken away leave a rounding error: no time that is left."""
    monkeypatch.setattr(progress, "PLAIN", -1.0)
    monkeypatch.setattr(progress.sys, "stderr", sys.stderr)
    cell = SimpleNamespace(address="run")
    request = SimpleNamespace(experiment="own", plan=lambda: SimpleNamespace(cells=[cell]))
    tasks = [SimpleNamespace(request=request, seconds=s, runs=("run",), replicates=8) for s in (0.1, 0.2, 0.7, 0.3)]
    ticker = progress.Ticker({"own": SimpleNamespace(began=0.0, write=lambda **news: None)})
    ticker.expect(request, tasks)
    for task in tasks:
        ticker.tick()
        ticker.done(task, SimpleNamespace(seconds=0.1, host="here"))
    assert ticker.line() == "cells 1/1, replicates 32/32"
    for _ in range(3):
        ticker.tick()
    said = capsys.readouterr().err.splitlines()
    assert [line.startswith("cells 0/1") for line in said[:-1]] == [True] * 4
    assert said[-1] == "all blocks are computed; verdicts, tables and figures follow"


HOSTILE = "a\x1b[31mb\nc\x07d\u202e"


def test_a_terminals_commands_in_a_name_are_escaped(capsys):
    assert printable(HOSTILE) == "a\\x1b[31mb\\nc\\x07d\\u202e"
    tell(f"figure {HOSTILE}")
    assert capsys.readouterr().err == f"figure {printable(HOSTILE)}\n"


def a_diary(folder: Path, **news: object) -> None:
    about = {"command": ["python", "-m", "riskkit.sweep", folder.name], "workers": "2 processes", "host": "elsewhere"}
    Diary(folder, about).write(cells=1200, cells_done=34, replicates=76800, replicates_done=64, seconds=12.0, **news)


@pytest.mark.parametrize("width", [30, 60, 200])
def test_status_breaks_lines_between_words_only(width, tmp_path, capsys, monkeypatch):
    name = "theorem2_exponents"
    a_diary(tmp_path / name, state="interrupted")
    real = rich.console.Console
    monkeypatch.setattr(rich.console, "Console", lambda **told: real(**{**told, "width": width}))
    assert cli.main(["status", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert max(map(len, said.splitlines())) <= width
    words = {word.strip(",:") for word in said.replace("│", " ").split()}
    assert {name, "34/1,200", "64/76,800", "riskkit.sweep"} <= words
    assert ("┃" in said) == (width == 200)


def test_names_in_a_status_are_escaped(tmp_path, capsys):
    a_diary(tmp_path / "own\x1b[31m", state="finished")
    assert cli.main(["status", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "own\\x1b[31m" in said
    assert "\x1b[31m" not in said


def test_a_clock_that_ran_ahead_is_no_trouble(tmp_path, capsys, monkeypatch):
    """A page of tomorrow, by another machine's clock, say."""
    tomorrow = f"{int(now()[:4]) + 1}{now()[4:]}"
    monkeypatch.setattr("riskkit.store.provenance.now", lambda: tomorrow)
    a_diary(tmp_path / "own", state="finished")
    assert cli.main(["status", str(tmp_path)]) == 0
    assert "took 12 s, 0 s ago" in capsys.readouterr().out


def test_where_no_folder_can_be_made_that_is_said(tmp_path, monkeypatch):
    """As in /proc: the folder above is there, and refuses with "no such file"."""

    def refuse(self, *_, **__):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(atomic.StoreError, match=r"x: no folder can be made there; use --out elsewhere\.$"):
        atomic.make_folder(tmp_path / "x")


def test_a_file_that_may_not_grow_is_told_with_its_limit(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(atomic.StoreError, match=r"may not grow so large \(File too large\); raise the limit \(ulimit"):
        atomic.write(tmp_path / "shard", b"1")
    assert list(tmp_path.iterdir()) == []
