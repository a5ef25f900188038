"""One command: three ways to call it, and exit statuses that tell bad input, a stop and a fault of riskkit apart."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint, version
from pathlib import Path

import pytest

from riskkit import conformance
from riskkit.cli import common
from riskkit.cli import main as cli
from riskkit.execution import loop, tasks
from riskkit.store.atomic import StoreError

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["sweep", "theorem2_exponents", "--replicates", "8", "--T", "8", "--alpha", "1", "--n", "10", "--jobs", "1"]


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False, timeout=60)


def test_three_ways_to_call_it_say_the_same():
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["riskkit"]
    assert EntryPoint("riskkit", script, "console_scripts").load() is cli.run
    one, other = ran("riskkit.sweep", "--list"), ran("riskkit", "sweep", "--list")
    assert one.stdout == other.stdout != ""
    assert (one.returncode, other.returncode) == (0, 0)
    one, other = ran("riskkit.sweep", "--replicates", "0"), ran("riskkit", "sweep", "--replicates", "0")
    assert one.stderr == other.stderr == "riskkit sweep: --replicates must be a whole number >= 1; got 0.\n"
    assert (one.returncode, other.returncode) == (2, 2)
    assert ran("riskkit", "--version").stdout == f"riskkit {version('riskkit')}\n"


@pytest.mark.parametrize("command", ["", *cli.COMMANDS])
def test_help_says_what_a_command_is_for(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main([*command.split(), "--help"])
    assert exit_.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    for name, text in cli.COMMANDS.items():
        if command in ("", name):
            assert text in said
    assert ("--traceback" in said) == bool(command)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (common.BadInputError("no such grid."), 2, "riskkit x: no such grid."),
        (common.StoppedError("the disk is full."), 1, "riskkit x: the disk is full."),
        (KeyboardInterrupt(), 130, "riskkit x: interrupted"),
        (KeyboardInterrupt("what is finished is kept."), 130, "riskkit x: interrupted; what is finished is kept."),
        (
            ValueError("two\nlines."),
            1,
            "riskkit x: ValueError: two\\nlines; this is a fault of riskkit; --traceback shows where.",
        ),
        (AssertionError(), 1, "riskkit x: AssertionError; this is a fault of riskkit; --traceback shows where."),
        (StoreError("later."), 1, "riskkit x: StoreError: later; this is a fault of riskkit; --traceback shows where."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_went_wrong_is_one_line_and_a_status(error, status, line, capsys):
    def run() -> int:
        raise error

    assert common.carry_out("riskkit x", run) == status
    captured = capsys.readouterr()
    assert captured.err == f"{line}\n"
    assert captured.out == ""


def test_what_is_raised_while_computing_is_no_bad_input(tmp_path, monkeypatch, capsys):
    """A ValueError of the plan is bad input, one of the sweep's loop is not."""

    def broken(*_, **__):
        raise ValueError("a fault")

    monkeypatch.setattr(loop.Schedule, "run", broken)
    assert cli.main([*SMALL, "--out", str(tmp_path)]) == 1
    wanted = "riskkit sweep: ValueError: a fault; this is a fault of riskkit; --traceback shows where.\n"
    assert capsys.readouterr().err.endswith(wanted)
    assert cli.main([*SMALL, "--out", str(tmp_path), "--traceback"]) == 1
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert "in broken" in told
    assert told.endswith(wanted)
    monkeypatch.setattr(tasks, "_plan", broken)
    assert cli.main([*SMALL, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "riskkit sweep: a fault\n"


def test_a_reader_that_went_away_is_no_fault():
    command = f"{sys.executable} -m riskkit sweep --list | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")


class Told:
    """A report that says which problem was asked about."""

    def __init__(self, problem, faults=()):
        self.problem, self.faults = problem, faults

    def __str__(self):
        return f"asked about {self.problem.name}"


@pytest.mark.parametrize("name", ["Logistic", "logistic", "problems.Logistic", "problems:Logistic"])
def test_a_problem_has_several_names(name, capsys, monkeypatch):
    monkeypatch.setattr(conformance, "check", Told)
    assert cli.main(["check", name]) == 0
    assert capsys.readouterr().out == "asked about logistic\n"
    monkeypatch.setattr(conformance, "check", lambda problem: Told(problem, ("L is wrong",)))
    assert cli.main(["check", name]) == 1
