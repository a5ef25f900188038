"""Presentation decides over nothing: whatever becomes of a stream, a figure, a table or the ambient configuration, what
was asked for is computed, stored and written, and the exit status says what happened."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import matplotlib as mpl
import numba
import pytest
from conftest import EXPERIMENTS
from hypothesis import given
from hypothesis import strategies as st
from quick_sweep import show_nothing

from riskkit import conformance
from riskkit.cli import main as cli
from riskkit.cli import sweep
from riskkit.engines import formulas
from riskkit.execution import conclusion, loop, tasks
from riskkit.execution.telling import OutputError, watched
from riskkit.execution.terminal import Terminal, verdict_text
from riskkit.experiment import study
from riskkit.identity import label, short
from riskkit.report import answers, html, presenting
from riskkit.report.figures import drawing
from riskkit.report.figures.style import written
from riskkit.report.screen import MOST_LINES, WIDE_TITLE, screen
from riskkit.report.tables import content, references, writing
from riskkit.report.tables.study import study_headlines
from riskkit.report.tables.table import number as in_cell
from riskkit.stats import bands
from riskkit.store.atomic import write_json, write_text
from riskkit.store.made import Made
from riskkit.store.shards import Store
from riskkit.sweep import main
from riskkit.verdicts.findings import find

ROOT = Path(__file__).resolve().parent.parent
NAME = "theorem2_exponents"
SMALL = [NAME, "--n", "50", "--T", "8", "16", "--alpha", "0.5", "--replicates", "32", "--jobs", "1"]
HOSTILE = {
    "axes.facecolor": "red",
    "axes.grid": True,
    "axes.prop_cycle": mpl.cycler(color=["lime"]),
    "axes.unicode_minus": False,
    "figure.figsize": (1, 1),
    "figure.facecolor": "yellow",
    "font.family": "monospace",
    "lines.linewidth": 9,
    "path.sketch": (2.0, 50.0, 10.0),
    "path.simplify": False,
    "patch.edgecolor": "red",
    "pdf.compression": 0,
    "savefig.bbox": "tight",
    "savefig.dpi": 30,
    "svg.fonttype": "none",
    "text.color": "lime",
    "xtick.top": True,
}
"""A matplotlibrc that nobody's paper would survive."""


def files(out: Path) -> set[str]:
    """What lies in a results folder but the sweep's diaries, whose names hold the moment."""
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    return {name for name in found if "/sessions/" not in name}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The small sweep that nothing has disturbed."""
    out = tmp_path_factory.mktemp("whole")
    assert main([*SMALL, "--out", str(out)]) == 0
    return out


@pytest.fixture
def again(whole, tmp_path):
    """Its measurements alone, in a folder of their own: the sweep has only to conclude and to present."""
    shutil.copytree(whole / NAME / "shards", tmp_path / NAME / "shards")
    return tmp_path


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs ``riskkit COMMAND`` in a shell; what the status of riskkit was is the last line of standard output."""
    words = command.replace("riskkit", f"{sys.executable} -m riskkit", 1)
    script = f"set -o pipefail; ({words}); echo status $? >&3"
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        ["bash", "-c", f"exec 3>&1; {script}"],
        capture_output=True,
        cwd=ROOT,
        env=known,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=600,  # of a loaded machine too
    )


def status(done: subprocess.CompletedProcess[str]) -> int:
    return int(done.stdout.split("status ")[1])


# Standard output and error.


@pytest.mark.parametrize(
    ("streams", "environment", "wanted"),
    [
        ("2>&1 | head -1", {"PYTHONIOENCODING": "cp1252"}, None),
        (">&- 2>&-", {"MPLBACKEND": "module://not_installed", "TERM": "dumb", "COLUMNS": "20"}, 0),
        pytest.param("> log.txt", {"PYTHONIOENCODING": "ascii"}, 0, marks=pytest.mark.slow),
        pytest.param("> /dev/full 2> /dev/full", {"MPLBACKEND": "qtagg"}, 1, marks=pytest.mark.slow),
    ],
    ids=["a pipe that closes", "closed streams", "an encoding without Greek", "full devices"],
)
def test_whatever_becomes_of_the_streams_everything_is_written(streams, environment, wanted, whole, again):
    command = " ".join(["sweep", *SMALL, "--out", str(again)])
    done = shell(f"cd {again}; riskkit {command} {streams}", **environment)
    assert "Traceback" not in done.stderr
    assert files(again) - {"log.txt"} == files(whole)
    assert wanted is None or status(done) == wanted
    for name in ("table.parquet", "figures/theorem2_exponents.pdf", "tables/levels.tex"):
        assert (again / NAME / name).read_bytes() == (whole / NAME / name).read_bytes()


@pytest.mark.parametrize(
    ("command", "wanted", "line"),
    [
        ("riskkit sweep --list > /dev/full", 1, "riskkit sweep: standard output: No space left on device.\n"),
        ("riskkit sweep --list >&-", 0, ""),
        ("riskkit sweep --jobs x 2> /dev/full", 2, ""),
        ("riskkit sweep --jobs x 2>&-", 2, ""),
        ("riskkit --help > /dev/full", 1, "riskkit: standard output: No space left on device.\n"),
        ("riskkit --version > /dev/full", 1, "riskkit: standard output: No space left on device.\n"),
    ],
)
@pytest.mark.parametrize("buffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_stream_that_cannot_be_written_is_one_line(command, wanted, line, buffered):
    done = shell(command, PYTHONUNBUFFERED=buffered)
    assert done.stderr == line
    assert status(done) == wanted


class Ready(str):
    """A report of conformance."""

    faults = ()


class Broken:
    """A stream that raises what it is given."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        pass

    def isatty(self):
        return False


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["status"], True),
        (["compare"], True),
        (["report"], True),
        (["tables", NAME, "--results"], True),
        (["figures", NAME, "--jobs", "1", "--results"], True),
        (["explain", "theorem2.optimization", "--replicates", "2"], False),
        (["check", "MeanEstimation"], False),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("error", [BrokenPipeError(), OSError(errno.EIO, "Input/output error")], ids=["gone", "broken"])
def test_every_command_says_that_its_output_was_lost(words, told, error, whole, tmp_path, monkeypatch, capsys):
    shutil.copytree(whole, tmp_path / "results")
    place = [str(tmp_path / "results" / (NAME if words == ["compare"] else ""))] if told else []
    with monkeypatch.context() as patch:
        patch.setattr(conformance, "check", lambda problem: Ready(problem.name))
        patch.setattr(sys, "stdout", Broken(error))
        assert cli.main([*words, *place]) == 1
    wanted = "" if isinstance(error, BrokenPipeError) else f"riskkit {words[0]}: standard output: Input/output error.\n"
    assert capsys.readouterr().err == wanted


def test_a_broken_pipe_elsewhere_is_told(monkeypatch, capsys):
    """To a worker, say: only standard output's own pipe may close without a word."""

    def broken(_):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(sweep, "run", broken)
    assert cli.main(["sweep"]) == 1
    assert "BrokenPipeError" in capsys.readouterr().err


def test_the_watch_over_standard_output_ends():
    before = sys.stdout
    with pytest.raises(OutputError), watched(), watched():
        raise OutputError(OSError("x"))
    assert sys.stdout is before


# A fault of presentation.


def broken(*_, **__):
    raise ZeroDivisionError("a fault")


def sweep_again(again: Path, capsys) -> tuple[int, list[str], str]:
    code = main([*SMALL, "--out", str(again)])
    captured = capsys.readouterr()
    return code, [line for line in captured.err.splitlines() if line.startswith("riskkit")], captured.out


def test_a_figure_that_raises_costs_itself_alone(whole, again, monkeypatch, capsys):
    module = study.module("figures.theorem2_exponents")
    monkeypatch.setattr(module, "draw", broken)
    code, lines, out = sweep_again(again, capsys)
    assert code == 1
    assert len(lines) == 1
    assert "figure theorem2_exponents could not be drawn: ZeroDivisionError: a fault (test_outputs.py, line" in lines[0]
    lost = {f"{NAME}/figures/theorem2_exponents.{suffix}" for suffix in ("pdf", "svg", "csv", "txt")}
    assert files(again) == files(whole) - lost
    assert f"Report: {again}/report.html" in out


def test_a_figure_can_be_named(whole, tmp_path, capsys):
    """One of all experiments has no other name; one of an experiment that is not stored, or of none, is told."""
    out = tmp_path / "results"
    shutil.copytree(whole, out, ignore=shutil.ignore_patterns("figures"))
    assert cli.main(["figures", "overview", "--results", str(out)]) == 0
    assert {path.parent.parent for path in out.rglob("figures/*")} == {out}
    assert "overview.pdf" in capsys.readouterr().out
    for word, told in (("theorem1_opt", "holds nothing of theorem1_opt"), ("overviews", "did you mean overview")):
        assert cli.main(["figures", word, "--results", str(out)]) == 2
        assert told in capsys.readouterr().err
    assert cli.main(["report", str(out / NAME)]) == 2
    assert "is the folder of one experiment; name the one above it" in capsys.readouterr().err


@pytest.mark.parametrize("draw", [broken, lambda stored: None], ids=["raises", "shows nothing"])
def test_an_older_figure_does_not_pass_for_one_that_is_not_drawn(draw, whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "results")
    monkeypatch.setattr(study.module("figures.theorem2_exponents"), "draw", draw)
    drawn = drawing.draw_figures(tmp_path / "results", [NAME])
    assert len(drawn.failures) == (draw is broken)
    assert not list((tmp_path / "results" / NAME / "figures").glob("theorem2_exponents.*"))
    assert list((tmp_path / "results" / NAME / "figures").iterdir())


def test_an_older_figure_does_not_outlive_its_module(whole, tmp_path, monkeypatch):
    """A module that cannot be imported, and one that is gone."""
    out = tmp_path / "results"
    shutil.copytree(whole, out)
    module, drawn = study.module, "figures.theorem2_exponents"

    def unimportable(name, *rest):
        if name == drawn:
            raise study.StudyError(f"{name} cannot be imported: odd.")
        return module(name, *rest)

    monkeypatch.setattr(study, "module", unimportable)
    assert len(drawing.draw_figures(out, [NAME]).failures) == 1
    assert not list((out / NAME / "figures").glob("theorem2_exponents.*"))
    monkeypatch.setattr(study, "module", module)
    path = out / NAME / "figures" / "gone.pdf"
    path.write_bytes(b"of a module that was removed")
    Made(out / NAME).note({"figure gone": ("an address", [path])})
    other = out / NAME / "figures" / "by_hand.pdf"
    other.write_bytes(b"nobody's")
    assert presenting.present_all(out, [NAME], {}, 1)[1] == []
    assert not path.exists()
    assert not Made(out / NAME).notes("figure gone")
    assert other.exists()


@pytest.mark.parametrize(
    ("place", "attribute", "gone", "stays"),
    [
        (writing, "_write", "tables/", "report.html"),
        (html, "render", "report.html", "tables/"),
        (drawing, "figure_names", "figures/", "tables/"),
    ],
    ids=["tables", "report", "figures"],
)
def test_what_was_made_of_older_results_does_not_outlive_them(
    place, attribute, gone, stays, whole, tmp_path, monkeypatch
):
    out = tmp_path / "results"
    shutil.copytree(whole, out)
    record = out / NAME / "run.json"
    changed = json.loads(record.read_text())
    record.write_text(json.dumps({**changed, "question": "Another one?"}))
    monkeypatch.setattr(place, attribute, broken)
    assert len(presenting.present_all(out, [NAME], {}, 1)[1]) == 1
    left = files(out)
    assert not any(gone in name for name in left)
    assert any(stays in name for name in left)


@pytest.mark.parametrize(
    ("place", "attribute", "words", "lost"),
    [
        (writing, "_write", "the tables could not be written: ZeroDivisionError: a fault", "tables/"),
        (html, "render", "the report could not be written: ZeroDivisionError: a fault", "report.html"),
        (drawing, "figure_names", "the figures could not be written: ZeroDivisionError: a fault", "figures/"),
    ],
    ids=["tables", "report", "figures"],
)
def test_what_raises_costs_nothing_else(place, attribute, words, lost, whole, tmp_path, monkeypatch):
    for part in ("verdict.json", "run.json", "table.parquet", "shards"):
        copy = shutil.copytree if part == "shards" else shutil.copy
        (tmp_path / NAME).mkdir(exist_ok=True)
        copy(whole / NAME / part, tmp_path / NAME / part)
    monkeypatch.setattr(place, attribute, broken)
    made, missing = presenting.present_all(tmp_path, [NAME], {}, 1)
    assert missing == [words]
    gone = ("README.txt", "table.csv", *(["section.tex"] if lost == "tables/" else []))  # a section pastes tables
    kept = {name for name in files(whole) if lost not in name and not name.endswith(gone)}
    assert files(tmp_path) == kept
    assert len(made) == {"tables/": 4, "report.html": 6, "figures/": 4}[lost]


def test_verdicts_that_cannot_be_shown_are_stored(whole, again, monkeypatch, capsys):
    monkeypatch.setattr(conclusion, "verdict_text", broken)
    show_nothing(monkeypatch)
    code, lines, _ = sweep_again(again, capsys)
    assert (code, lines) == (0, [])
    for name in ("verdict.json", "run.json", "table.parquet"):
        assert (again / NAME / name).is_file()


def test_a_neighbour_that_is_damaged_costs_one_line(whole, again, capsys):
    """Of another version, say, or half copied."""
    (again / "theorem9_other").mkdir()
    (again / "theorem9_other" / "verdict.json").write_text('{"question": "?"}')
    shutil.copy(whole / NAME / "table.parquet", again / "theorem9_other")
    code, lines, _ = sweep_again(again, capsys)
    assert code == 1
    assert len(lines) == 2
    assert all("theorem9_other" in line for line in lines)
    assert files(again) >= files(whole)
    assert "Left out: " in (again / "report.html").read_text()


def test_a_figure_whose_place_is_taken_costs_itself_alone(whole, again, capsys):
    place = again / NAME / "figures" / "theorem2_exponents.pdf"
    place.mkdir(parents=True)
    code, lines, _ = sweep_again(again, capsys)
    assert code == 1
    assert len(lines) == 1, lines
    assert "could not be drawn" in lines[0]
    assert (again / "report.html").is_file()
    assert (again / NAME / "tables" / "levels.tex").is_file()


def test_an_internal_error_while_computing_is_status_1_in_its_own_words(tmp_path, monkeypatch, capsys):
    """Though it is of a type that stands for bad input before anything is computed."""
    from riskkit.experiment.study import StudyError
    from riskkit.store.atomic import StoreError

    for error, words in (
        (ValueError("odd"), "ValueError: odd; this is a fault of riskkit"),
        (StudyError("odd"), "StudyError: odd; this is a fault of riskkit"),
        (KeyError("odd"), "KeyError: 'odd'; this is a fault of riskkit"),
        (StoreError("odd."), "odd. To go on: "),
    ):

        def raised(*_, _error=error, **__):
            raise _error

        monkeypatch.setattr(loop, "conclude_stored", raised)
        assert main([*SMALL, "--out", str(tmp_path)]) == 1
        assert words in capsys.readouterr().err


# Ambient configuration.


def test_a_users_matplotlibrc_changes_no_byte(whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "results")
    for path in (tmp_path / "results").rglob("figures/*"):
        path.unlink()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    with mpl.rc_context(HOSTILE):
        drawn = drawing.draw_figures(tmp_path / "results", [NAME])
    assert drawn.failures == []
    assert len(drawn.paths) == 12
    for path in drawn.paths:
        assert path.read_bytes() == (whole / path.relative_to(tmp_path / "results")).read_bytes()


def test_what_a_matplotlibrc_says_is_restored(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "results")
    with mpl.rc_context({"axes.facecolor": "red"}):
        drawing.draw_figures(tmp_path / "results", [NAME])
        assert mpl.rcParams["axes.facecolor"] == "red"


def test_results_that_lack_a_part_are_named(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "results")
    verdict = tmp_path / "results" / NAME / "verdict.json"
    verdict.write_text(json.dumps({**json.loads(verdict.read_text()), "verdicts": None}))
    found, failures = content.everything(tmp_path / "results")
    assert found == []
    assert len(failures) == 1


@pytest.mark.parametrize(("part", "field"), [("verdicts", "subject"), ("comparisons", "outcome")])
def test_results_of_another_version_are_named(part, field, whole, tmp_path):
    """They cost neither the report nor the tables of others."""
    shutil.copytree(whole, tmp_path / "results")
    shutil.copytree(whole / NAME, tmp_path / "results" / "theorem2_older")
    verdict = tmp_path / "results" / "theorem2_older" / "verdict.json"
    known = json.loads(verdict.read_text())
    assert known[part]
    del known[part][-1][field]
    verdict.write_text(json.dumps(known))
    found, (line,) = content.everything(tmp_path / "results")
    assert [result.name for result in found] == [NAME]
    assert f"an entry without {field}, as of another version" in line
    assert f"riskkit compare {verdict.parent}" in line


# Late failures: what can be known before computing is told before computing, in one line.


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda out: (out / "report.html").mkdir(), "report.html is a folder"),
        (lambda out: (out / NAME / "run.json").mkdir(parents=True), "run.json is a folder"),
        (lambda out: (out / "tables").touch(), "a file and a folder are in each other's place"),
        (lambda out: (out / "figures").touch(), "a file and a folder are in each other's place"),
        (lambda out: (out / NAME).touch(), "must be a folder; it is a file"),
    ],
    ids=["report", "record", "tables", "figures", "experiment"],
)
def test_a_place_that_cannot_be_written_is_found_before_computing(prepare, words, tmp_path, monkeypatch, capsys):
    prepare(tmp_path)
    monkeypatch.setattr(loop, "answer", broken)
    assert main([*SMALL, "--out", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda home: home / "link", "is a link that leads nowhere"),
        (lambda home: home / "link" / "results", "is a link that leads nowhere"),
        (lambda home: home / ("x" * 300), "the path is too long"),
        (
            lambda home: home.joinpath(*["x" * 195] * 19, "y" * (4030 - 19 * 196 - len(str(home)))),
            "the path is too long",
        ),
    ],
    ids=["a link", "below a link", "a name", "a file's path"],
)
def test_a_folder_that_cannot_be_made_is_found_before_computing(place, words, tmp_path, monkeypatch, capsys):
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    monkeypatch.setattr(loop, "answer", broken)
    assert main([*SMALL, "--out", str(place(tmp_path))]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1


def test_a_home_folder_is_found_where_no_shell_has(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(whole, tmp_path / "results")
    assert cli.main(["status", "~/results"]) == 0
    assert cli.main(["tables", "--results", "~/results"]) == 0
    assert f"table {tmp_path}/results" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["sweep", "--out", ""], ["report", ""], ["tables", "--results", ""], ["new", ""]])
def test_a_variable_that_is_not_set_is_no_folder(words, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(words)
    assert exit_.value.code == 2
    assert "must name a file or folder; got ''" in capsys.readouterr().err


def test_bytes_that_are_no_text_may_be_in_a_path(tmp_path):
    """They are escaped in what is written, and read back from JSON as they were."""
    folder = tmp_path / os.fsdecode(b"\xff")
    write_json(folder / "a.json", {"path": str(folder)})
    assert json.loads((folder / "a.json").read_text()) == {"path": str(folder)}
    write_text(folder / "a.html", str(folder))
    assert "\\udcff" in (folder / "a.html").read_text()


def test_a_device_is_not_replaced_by_a_file(whole, tmp_path, capsys):
    """Whoever may write beside it, root in a container say, would lose it."""
    os.mkfifo(tmp_path / "pipe")
    assert cli.main(["report", str(whole), "--out", str(tmp_path / "pipe")]) == 1
    assert "is a device or a pipe" in capsys.readouterr().err
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(("name", "content"), [("MATPLOTLIBRC", b"\xff\xfe"), ("SOURCE_DATE_EPOCH", b"")])
def test_a_configuration_that_a_library_cannot_read(name, content, tmp_path):
    """Is told before anything is computed, or, where riskkit has no use for it, is not read."""
    (tmp_path / "odd").write_bytes(content)
    command = " ".join(["sweep", *SMALL, "--dry-run"])
    done = shell(f"riskkit {command}", **{name: str(tmp_path / "odd")})
    assert "fault of riskkit" not in done.stderr
    assert status(done) == (2 if content else 0)
    assert ("matplotlib cannot be loaded" in done.stderr) == bool(content)


def test_a_compiler_that_is_switched_off_is_found_before_computing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert main([*SMALL, "--engine", "fused", "--out", str(tmp_path / "results")]) == 2
    assert capsys.readouterr().err.startswith("riskkit sweep: NUMBA_DISABLE_JIT is set")
    assert not (tmp_path / "results").exists()


def test_without_package_metadata_the_version_is_unknown(monkeypatch, capsys):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(references, "version", absent)
    assert "version = {unknown}" in references.toolkit_entry()
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == "riskkit unknown\n"


@pytest.mark.parametrize(("typed", "seed"), [("1e3", 1000), ("0", 0), ("18446744073709551615", 2**64 - 1)])
def test_a_seed_may_be_written_as_a_power_of_ten(typed, seed):
    assert sweep._seed(typed) == seed


@pytest.mark.parametrize("typed", ["1.5", "1e-3", "1e30", "x", "nan", "1e400"])
def test_other_seeds_are_refused_as_typed(typed, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([*SMALL, "--seed", typed])
    assert exit_.value.code == 2
    assert f"got {typed!r}" in capsys.readouterr().err


def test_a_cache_in_the_home_folder_lies_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RISKKIT_CACHE", "~/x")
    assert formulas.folder() == tmp_path / "x"


@pytest.mark.parametrize("flag", ["--replicates", "--n", "--seed", "--jobs"])
def test_a_number_of_300_digits_does_not_fill_the_screen(flag, tmp_path, capsys):
    try:
        code = main([NAME, flag, "1" + "0" * 300, "--out", str(tmp_path)])
    except SystemExit as error:
        code = error.code
    told = capsys.readouterr().err
    assert code == 2
    assert len(told) < 400
    assert "digits)" in told


# Identities by rounding.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (0.1 + 0.2, "0.3"),
        (1234567, "1234567"),
        (0.1234567, "0.1234567"),
        (1e-9, "1e-09"),
        (64, "64"),
        (1e6, "1000000"),
    ],
)
def test_a_label_is_short_where_that_is_the_number(value, text):
    assert label(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        *((350, 2, "350"), (0.41, 2, "0.41"), (95123.4, 2, "95000"), (4573, 3, "4570"), (0.00012345, 3, "0.000123")),
        *((999.6, 3, "1000"), (0.0, 3, "0"), (-0.0, 3, "0"), (-1234, 2, "-1200"), (1e-9, 3, "1e-09")),
        *((3e8, 3, "3e+08"), (math.inf, 3, "inf"), (1.0, 3, "1"), (12.345, 4, "12.35"), (99995, 4, "100000")),
    ],
)
def test_a_measured_number_has_the_digits_that_count(value, digits, text):
    assert short(value, digits) == text


@given(a=st.floats(1e-6, 1e9), step=st.floats(1e-10, 1))
def test_values_that_differ_have_labels_that_differ(a, step):
    b = a * (1 + step)
    assert label(a) != label(b)
    assert written([a, b])[0] != written([a, b])[1]
    assert content.held({"alpha": a}) != content.held({"alpha": b})


# Sizes: the terminal.


@pytest.mark.parametrize("width", [20, 40, 80, 109, 110, 140, 200])
@pytest.mark.parametrize("colour", ["plain", "ansi"])
def test_verdicts_can_be_read_at_every_width(width, colour, whole):
    request, lost = conclusion.reopen(whole / NAME)
    data, _ = conclusion.settle(request, Store(whole / NAME), lost)
    found = find(data)
    text = verdict_text(NAME, data.plan.experiment.question, found, Terminal(width, colour, "unicode"))
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert max(map(len, plain.splitlines())) <= width
    letters = re.sub(r"[^\w/.]", "", plain)
    for finding in found.findings:
        assert str(finding.verdict.outcome).replace(" ", "").replace("-", "") in letters
    if width >= 40:
        assert "measured / bound at most" in " ".join(plain.replace("│", " ").split())


@pytest.mark.parametrize("width", [20, 40, 80, 120, 300])
def test_the_last_screen_fits_and_says_where_the_report_lies(width, whole):
    text = screen([content.results(whole / NAME)], whole, width)
    lines = text.splitlines()
    words = [word for line in lines for word in line.split()]
    assert all(len(line) <= max(width, max(map(len, line.split()), default=0) + width // 4) for line in lines)
    assert (whole / "report.html").as_uri() in text.replace("\n", "").replace(" ", "") or width < 80
    assert "report.html" in "".join(words)
    if width >= 80:
        assert len(lines) <= (24 if width >= 100 else 32)


def group_of(outcome, group="source", kind="rate", **more):
    about = {"bound": "b", "algorithm": "A", "form": "claim", "axis": "", "quantity": ""}
    return {"outcome": outcome, "group": group, "kind": kind, "ratio": None, **about, **more}


def test_an_answer_counts_three_things_apart():
    verdicts = [group_of("TIGHT")] * 3 + [group_of("REFUTED"), group_of("INCONCLUSIVE"), group_of("NOT COVERED")]
    verdicts += [group_of("HOLDS", "rederived", "level", ratio=0.25), group_of("VACUOUS", "rederived", "level")]
    verdicts += [group_of("AGREES", "self-check", "identity"), group_of("MISSED", "self-check", "identity")]
    found = answers.answer(content.Results("x", "?", verdicts, [], [], {}))
    assert found.source == "3 of 5 tight, 1 refuted, 1 undecided"
    assert found.rederived == "1 of 2 hold, 1 vacuous"
    assert found.ratio == 0.25
    assert found.checks == "1 of 2 pass, 1 fail"


def ratios(algorithm, against, *found):
    """Comparisons of excess risks: (ratio, outcome) each."""
    one = {"algorithm": algorithm, "against": against, "quantity": "excess", "output": "last", "difference": None}
    return [{**one, "ratio": ratio, "outcome": outcome} for ratio, outcome in found]


def test_the_last_screen_answers_the_studys_main_question_first():
    """Does Lookahead generalize better than SGD, in how many settings of how many, and by how much."""
    tuned = ratios("Lookahead", "SGD (both tuned)", (0.9993, "smaller"), (1.0, "undecided"))
    tuned += [{**tuned[0], "quantity": "generalization", "ratio": 0.8}]
    steps = ratios("Lookahead, constant step", "SGD, constant step", (0.5, "smaller"), (2.0, "larger"), (3.0, "larger"))
    same = ratios("Lookahead", "SGD", (1.5, "larger"))
    results = [
        content.Results(name, "A question?", [], one, [], {"sources": {}}, title)
        for name, title, one in (
            ("theorem1_tuned", "one", tuned),
            ("theorem2_tuned", "two", steps),
            ("theorem1_alpha", "three", same),
        )
    ]
    text = screen(results, ROOT, 120)
    words = " ".join(text.split())
    assert "than SGD here? In some settings better, in others worse. With the best step size for each" in words
    assert "its excess risk, the paper's measure, is 0.5 to 3 times SGD's, median 1: smaller in 2 of 5" in words
    assert "settings, larger in 2, not significantly different in 1." in words
    assert "logistic loss: 0.9993 to 1.0000, median 0.9996; smaller in 1, larger in 0 of 2" in words
    assert "constant steps: 0.5 to 3, median 2; smaller in 1, larger in 2 of 3" in words
    assert "not tuned, SGD with the same step size eta: 1.5 to 1.5, median 1.5; smaller in 0, larger in 1 of 1" in words
    assert "Its generalization error alone is 0.8 to 0.8 times SGD's, median 0.8: smaller in 1 of 1 settings" in words
    assert text.index("Lookahead generalize") < text.index("one  ") < text.index("Terms. Excess risk:")
    assert screen([results[2]._replace(comparisons=[])], ROOT, 120).startswith(" ")


def test_exponents_are_told_with_the_interval_of_what_they_differ_by():
    """Along T, of the optimization error; others have another claim."""
    rate = {"axis": "T", "quantity": "optimization", "exact": False, "difference": 0.0}
    found = [
        group_of("TIGHT", **rate, difference_low=-0.02, difference_high=0.01),
        group_of("REFUTED", **rate, difference_low=0.1, difference_high=0.2),
        group_of("TIGHT", **{**rate, "axis": "n"}, difference_low=-9.0, difference_high=9.0),
    ]
    results = [content.Results("theorem2_exponents", "?", found, [], [], {"sources": {}}, "rates")]
    (said,) = study_headlines(results)
    assert said.answer == (
        "On a problem built to attain it, 1 of 2 exponents are the claimed ones within 0.05, 1 refuted; they differ "
        "from these by -0.020 to +0.200 (95% intervals)."
    )


def test_a_printed_bound_that_fails_anywhere_is_not_among_those_that_hold():
    fields = {"subject": "the error", "finding": "f", "slope": None, "claim_slope": None, "axis": ""}
    said = {"x": ("HOLDS", "VIOLATED"), "y": ("HOLDS", "HOLDS"), "z": ("INCONCLUSIVE", "HOLDS")}
    results = []
    for place in (0, 1):
        found = [
            group_of(words[place], "source", "level", **{**fields, "ratio": 7.0, "bound": f"paper.{name}"})
            for name, words in said.items()
        ]
        found = [{**one, "form": "published"} for one in found]
        name = f"printed_theorem{3 + place}"
        results.append(content.Results(name, "?", found, [], [], {"sources": {}}, name))
    words = " ".join(screen(results, ROOT, 120).split())
    assert (
        "Of 3, hold wherever they were tested: 1; violated somewhere: 1, by a factor of up to 7; not decided " in words
    )


@pytest.mark.parametrize("width", [100, 120])
def test_each_question_has_one_line_and_all_experiments_a_title_that_fits(width):
    verdicts = (
        [group_of("TIGHT")] * 120 + [group_of("LOOSE")] * 20 + [group_of("HOLDS", "rederived", "level", ratio=0.5)]
    )
    results = []
    for name in EXPERIMENTS:
        title = study.experiment(name).title
        assert 0 < len(title) <= WIDE_TITLE
        results.append(content.Results(name, "?", verdicts, [], [], {"sources": {}}, title))
    lines = []
    for start in range(0, len(results), MOST_LINES):
        lines += screen(results[start : start + MOST_LINES], ROOT, width).splitlines()
    assert max(map(len, lines)) <= width
    for result in results:
        (line,) = [line for line in lines if line.startswith(result.title + "  ")]
        assert "120 of 140 tight, 20 loose" in line
    assert "tight: the measured exponent is the claimed one; loose:" in " ".join(lines)


def test_what_contradicts_a_source_is_a_line_for_each_experiment():
    fields = {"subject": "the error", "finding": "f", "slope": None, "claim_slope": None, "axis": ""}
    found = [group_of("VIOLATED", "source", "level", **{**fields, "ratio": ratio}) for ratio in (2.0, 48.57)]
    found += [group_of("HOLDS", "source", "level", **{**fields, "ratio": 99.0})]
    odd = [group_of("DISAGREES", **{**fields, "slope": 0.75, "claim_slope": 0.5, "axis": "n"})]
    results = [content.Results(f"e{i}", "?", odd if i else found, [], [], {"sources": {}}, f"T{i}") for i in range(10)]
    text = screen(results, ROOT, 120)
    assert "  T0: 2 VIOLATED, up to 48.6 times: the error\n" in text
    assert "  T1: DISAGREES, exponent 0.75 in n, 0.5 claimed: the error\n" in text
    assert "and 2 more, with which the report begins" in text
    assert "..." not in text


def test_small_differences_keep_their_digits():
    one = {"algorithm": "A", "against": "B", "quantity": "excess", "output": "last", "difference": None}
    some = [{**one, "ratio": 0.9993, "outcome": "smaller"}, {**one, "ratio": 1.0, "outcome": "undecided"}]
    (pair,) = answers.pairs([content.Results("x", "?", [], some, [], {})])
    assert pair.line == "A / B, excess risk: 0.9993 to 1.0000, smaller in 1 and larger in 0 of 2"
    assert answers.answer(content.Results("x", "?", [], some, [], {})).compared == pair.line


def test_a_running_exponent_says_whose_it_is_and_a_p_value_that_it_is_below_the_least():
    line = {"quantity": "excess", "output": "last", "where": {"n": 50.0}, "axis": "T", "spans": [(1.0, 2.0)]}
    line |= {name: [-1.0] for name in ("slope", "low", "high", "claim_slope")}
    both = content.Results("x", "?", [], [], [{**line, "algorithm": name} for name in ("A", "B")], {})
    said = "excess risk, last iterate"
    assert [row[0] for row in content.running(both).rows] == [f"{said}, A", f"{said}, B"]
    assert content.running(both._replace(running=both.running[:1])).rows[0][0] == said
    assert [in_cell(p, "p") for p in (0.001, 0.0012, 0.5)] == ["< 0.001", "0.0012", "0.5"]


@pytest.mark.parametrize(
    ("ratios", "said"),
    [
        ((0.5, 2.0), "0.5 to 2"),
        ((1.0, 9.74), "1 to 9.74"),
        ((1.00004, 9.74), "1.00004 to 9.74"),  # larger in every setting
        ((0.9993, 0.99999934), "0.9993 to 0.9999993"),
        ((0.9993, 1.0), "0.9993 to 1.0000"),
        ((0.554, 1 + 1e-12), "0.554 to 1"),
    ],
)
def test_a_ratio_that_is_not_1_is_not_rounded_to_it(ratios, said):
    assert answers.between(ratios) == said


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.125, 0.5], ["0.125", "0.5"]),
        ([2**-6, 1.0, 0.3], ["$2^{-6}$", "1", "0.3"]),
        ([2**-14.5], ["$2^{-14.5}$"]),  # 4.316e-05 is no mathematics
        ([3e-7], [r"$3 \times 10^{-7}$"]),
        ([1e67], ["$10^{67}$"]),
        ([0.0, -1.0], ["0", "-1"]),
    ],
)
def test_numbers_of_a_page_are_written_as_mathematics(values, shown):
    assert written(values) == shown


# Sizes: one value, two, twenty.

CUTS = {
    "one alpha": ["theorem1_attained_optimization", "--alpha", "0.5"],
    "twenty alphas": [
        NAME,
        "--n",
        "20",
        "--T",
        "8",
        "16",
        "32",
        "64",
        "--alpha",
        *(f"{a / 20:g}" for a in range(1, 21)),
    ],
    "two periods": ["theorem1_alpha", "--n", "20", "--k", "2", "4"],
}
AXES = {
    "n": (["20"], ["20", "40"], [str(20 + 4 * i) for i in range(20)]),
    "T": (["16"], ["16", "64"], [str(8 + 8 * i) for i in range(20)]),
    "k": (["4"], ["1", "4"], [str(1 + i) for i in range(20)]),
    "alpha": (["0.5"], ["0.5", "1"], [f"{a / 20:g}" for a in range(1, 21)]),
}


def cut(words: list[str], out: Path, capsys) -> None:
    """Nothing fails, and nothing is said that was not asked; an axis that an experiment has not, or values that do not
    fit its others, are bad input."""
    code = main([*words, "--quick", "--replicates", "32", "--jobs", "1", "--out", str(out)])
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith(("cells ", "all blocks are"))]
    if code == 2:
        assert len(told) == 1
        return
    assert (code, told) == (0, [])
    assert (out / "report.html").is_file()


@pytest.mark.parametrize("name", CUTS)
def test_an_axis_with_other_values_than_planned_is_presented(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bands, "DRAWS", 255)
    bands._draws.cache_clear()
    cut(CUTS[name], tmp_path, capsys)
    bands._draws.cache_clear()
    if name == "twenty alphas":
        caption = (tmp_path / NAME / "figures" / "theorem2_exponents.txt").read_text()
        assert "exponent" in caption


@pytest.mark.slow
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_axis_cut_to_one_two_and_twenty_values(name, axis, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "QUICK_STEPS", 64)
    for number, values in enumerate(AXES[axis]):
        cut([name, f"--{axis}", *values], tmp_path / str(number), capsys)
