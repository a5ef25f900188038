"""Sweeps that are stopped, killed, starved, doubled or scattered over workers end with the same table, or say why not.

Real processes and real signals wherever one is spoken of. The long series of deaths is behind the slow marker.
"""

from __future__ import annotations

import errno
import importlib.util
import inspect
import json
import os
import random
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from mortal import square, suicide
from quick_sweep import abridge

from riskkit import load
from riskkit.cli import main as cli
from riskkit.cli import status
from riskkit.execution import executors, loop, progress, scheduling, tasks
from riskkit.execution.tasks import Request, missing_tasks
from riskkit.experiment import study
from riskkit.problem import NoMinimiserError
from riskkit.stats import bands
from riskkit.store import atomic, parquet, provenance, shards
from riskkit.store.shards import Store
from riskkit.sweep import main

ROOT = Path(__file__).resolve().parent.parent
NAME = "theorem2_exponents"
GRID = [NAME, "--n", "10", "20", "--T", "4", "8", "16", "32", "64", "--alpha", "0.25", "1", "--k", "1"]
GRID += ["--engine", "reference"]
SMALL = [*GRID, "--replicates", "700"]
"""60 cells, 6 tasks of some 30 ms."""
LONG = [
    NAME,
    "--n",
    "10",
    "20",
    "--T",
    "640",
    "--alpha",
    "0.25",
    "0.5",
    "--k",
    "8",
    "--replicates",
    "2000",
    "--engine",
    "reference",
]
"""16 tasks of about a second."""


def table(out: Path) -> bytes:
    return (out / NAME / "table.parquet").read_bytes()


def shard_files(out: Path) -> list[Path]:
    return sorted((out / NAME / "shards").glob("*.parquet"))


def started(arguments: list[str], **options) -> subprocess.Popen[str]:
    """A sweep of its own process, in a session of its own: what is sent to it reaches nobody else. It hears Ctrl-C also
    where the tests run in the background of a shell, which has them ignore it."""
    command = [sys.executable, "-m", "tests.quick_sweep", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}

    def hear() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, preexec_fn=hear, **pipes, **options)


def until(condition, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def _quick():
    """Figures and the coverage of bands have their own tests; here only what else is on disk counts."""
    with pytest.MonkeyPatch.context() as patch:
        abridge(patch)
        yield
    bands._draws.cache_clear()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table that nothing has disturbed, and its store."""
    out = tmp_path_factory.mktemp("whole")
    assert main([*SMALL, "--jobs", "1", "--out", str(out)]) == 0
    return out


# Workers that die. What follows runs in them, and is found there by name.


def die_once(task):
    """Kills its worker when it meets the task named in the environment for the first time."""
    fatal = Path(os.environ["RISKKIT_TEST_FATAL"])
    if task.first == 256 and task.n == 10 and not fatal.exists():
        fatal.touch()
        suicide(0)
    return really_compute(task)


def die_always(task):
    if task.first == 256 and task.n == 10:
        suicide(0)
    return really_compute(task)


really_compute = tasks.compute


def test_a_dead_worker_takes_its_own_task_with_it_and_no_other():
    crew = executors.processes(2)
    pool = crew.executor
    futures = [pool.submit(square if x % 4 else suicide, x) for x in range(12)]
    for x, future in enumerate(futures):
        if x % 4:
            assert future.result(timeout=60) == x * x
        else:
            with pytest.raises(BrokenProcessPool, match="SIGKILL"):
                future.result(timeout=60)
    pool.submit(time.sleep, 60)
    began = time.monotonic()
    crew.stop()
    assert time.monotonic() - began < 5
    with pytest.raises(RuntimeError, match="let go"):
        pool.submit(square, 1)


def test_what_loky_warns_of_where_it_renews_a_worker_is_not_told():
    """It reads like a fault, and nothing is lost."""
    from joblib.externals.loky import process_executor

    assert executors.RENEWED in inspect.getsource(process_executor)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        executors._worker().shutdown()
        warnings.warn(f"{executors.RENEWED} to the executor.", UserWarning, stacklevel=1)
        warnings.warn("another", UserWarning, stacklevel=1)
    assert [str(one.message) for one in told] == ["another"]


def test_it_is_not_told_where_the_first_worker_is_made_inside_a_watch_over_warnings():
    """Which gives back the filters that it found; the workers outlive it."""
    spec = importlib.util.find_spec("riskkit.execution.executors")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        with warnings.catch_warnings():
            executors._worker().shutdown()
        warnings.warn(f"{executors.RENEWED} to the executor.", UserWarning, stacklevel=1)
    assert told == []


def test_a_sweep_outlives_a_worker(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "compute", die_once)
    monkeypatch.setenv("RISKKIT_TEST_FATAL", str(tmp_path / "fatal"))
    assert main([*SMALL, "--jobs", "2", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "fatal").exists()
    assert table(tmp_path) == table(whole)


@pytest.mark.parametrize("plenty", [True, False])
def test_verdicts_outlive_their_workers_and_a_want_of_memory(plenty, tmp_path, monkeypatch):
    """Two experiments concluded side by side in workers that die; and one after the other where memory is short."""
    home, conclude = os.getpid(), loop.conclude_stored

    def mortal(*arguments):
        if os.getpid() != home:
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return conclude(*arguments)

    monkeypatch.setattr(loop, "conclude_stored", mortal)
    names = [NAME, "negative_controls"]
    if not plenty:
        monkeypatch.setattr(loop, "physical_memory", lambda: 2**10)
    small = ["--quick", "--replicates", "32", "--jobs", "2", "--out", str(tmp_path)]
    assert main([*names, *small]) == 0
    assert all((tmp_path / name / "verdict.json").exists() for name in names)
    assert (tmp_path / "died").exists() == plenty
    for name in names:
        found = (tmp_path / name / "table.parquet").read_bytes()
        assert CONCLUDED.setdefault(name, found) == found


CONCLUDED = {}
"""Tables of the test above: with and without deaths they have the same bytes."""


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_reported_and_the_others_are_finished(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "compute", die_always)
    assert main([*SMALL, "--jobs", "2", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f"failed: {NAME}, n = 10: its worker died (SIGKILL(-9)), 3 times." in error
    frame = load(tmp_path / NAME)
    assert set(frame["status"][frame["n"] == 10]) == {"failed"}
    assert set(frame["reason"][frame["n"] == 10]) == {"its worker died (SIGKILL(-9)), 3 times"}
    assert set(frame["status"][frame["n"] == 20]) == {"ok"}
    assert len(shard_files(tmp_path)) == 5
    record = json.loads((tmp_path / NAME / "run.json").read_text())
    assert {failure["status"] for failure in record["failures"].values()} == {"failed"}
    verdicts = json.loads((tmp_path / NAME / "verdict.json").read_text())["verdicts"]
    level = next(v for v in verdicts if v["kind"] == "level" and "optimization" in v["subject"])
    assert "10 cells have no value (10 failed)" in level["sentence"]
    # The verdicts again, from what is stored: the reason is on record.
    assert cli.main(["compare", str(tmp_path / NAME)]) == 1
    assert "3 times" in capsys.readouterr().err
    assert load(tmp_path / NAME).equals(frame)


# Failure is data.


def test_a_task_is_tried_three_times_and_never_cached_as_success(tmp_path, monkeypatch, capsys):
    calls = []

    def flaky(task):
        calls.append(task)
        if task.n == 10 and (len([c for c in calls if c == task]) < 3 or task.first == 256):
            raise OSError("no such luck\nand more")
        return really_compute(task)

    monkeypatch.setattr(tasks, "compute", flaky)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 1
    assert "n = 10: OSError: no such luck, 3 times." in capsys.readouterr().err
    assert len(calls) == 3 * 3 + 3
    monkeypatch.setattr(tasks, "compute", really_compute)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 0
    assert "1 block computed" in capsys.readouterr().out
    assert set(load(tmp_path / NAME)["status"]) == {"ok"}


def test_a_minimiser_that_does_not_converge_is_a_status_and_not_tried_again(tmp_path, monkeypatch):
    calls = []

    def stuck(task):
        calls.append(task)
        raise NoMinimiserError("3 of 256 replicates kept a KKT residual above 1e-12 of scale")

    monkeypatch.setattr(tasks, "compute", stuck)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 1
    assert len(calls) == 6
    frame = load(tmp_path / NAME)
    assert set(frame["status"]) == {"no minimiser"}
    assert frame["reason"].str.contains("KKT residual").all()
    assert shard_files(tmp_path) == []
    verdicts = json.loads((tmp_path / NAME / "verdict.json").read_text())["verdicts"]
    assert {v["outcome"] for v in verdicts} == {"INCONCLUSIVE"}
    assert all("(20 no minimiser)" in v["sentence"] for v in verdicts if v["kind"] == "level")


def test_fail_fast_stops_at_the_first_failure_and_keeps_what_is_finished(whole, tmp_path, monkeypatch, capsys):
    def broken(task):
        if task.first == 512 and task.n == 20:
            raise ZeroDivisionError("division by zero")
        return really_compute(task)

    monkeypatch.setattr(tasks, "compute", broken)
    arguments = [*SMALL, "--jobs", "1", "--out", str(tmp_path)]
    assert main([*arguments, "--fail-fast"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        f"riskkit sweep: --fail-fast: {NAME}, n = 20: ZeroDivisionError: division by zero, 3 times. "
        f"To go on: python -m riskkit.sweep {shlex.join([*arguments, '--fail-fast'])}"
    )
    assert len(shard_files(tmp_path)) == 2
    monkeypatch.setattr(tasks, "compute", really_compute)
    assert main(arguments) == 0
    assert "4 blocks computed" in capsys.readouterr().out
    assert table(tmp_path) == table(whole)


STUDY = {
    "problems/__init__.py": """
import dataclasses
import numpy as np
import torch
from riskkit import Constants, Regime
from riskkit.problem import NoMinimiserError

__all__ = ["Interval"]


@dataclasses.dataclass(frozen=True)
class Interval:
    dim: int = 1
    name = "interval"
    regime = Regime.STRONGLY_CONVEX
    constants = Constants(L=1.0, G=1.0, lam=1.0, lam_example=1.0, mu=1.0, M=0.5)
    radius = None
    start = (1.0,)

    def sample(self, stream, n):
        return stream.uniforms("z", n, 1)

    def gradient(self, theta, z):
        return theta - z

    def empirical_risk(self, theta, data):
        mean = data.mean(1, keepdim=True)
        return ((theta - mean).square() + (data - mean).square().mean(1, keepdim=True)).sum(-1) / 2

    def empirical_minimiser(self, data):
        if data.shape[1] == 30:
            raise NoMinimiserError("no minimum in sight")
        return data.mean(1)

    def population_risk(self, theta):
        return (theta - 0.5).square().sum(-1) / 2 + 1 / 24

    def population_minimiser(self):
        return np.array([0.5])
""",
    "experiments/__init__.py": "",
    "experiments/runaway.py": """
from problems import Interval
from riskkit.algorithms import Constant, Lookahead
from riskkit.experiment import Experiment, Grid, Size
from riskkit.theory.zhou2021 import convex

EXPERIMENT = Experiment(
    question="What becomes of steps above 2/L?",
    problem=Interval(),
    algorithms={"Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, Constant(4.0))},
    bounds=(convex.OPTIMIZATION_AVERAGE,),
    sizes={"laptop": Size(Grid("T", n=(20, 30), k=1, alpha=(0.25, 1.0), T=(4, 16, 64, 1024)), replicates=40)},
)
""",
}


def test_divergence_is_a_status_with_its_step_and_is_counted_in_the_verdicts(tmp_path):
    """theta - z with step 4: alpha = 1 multiplies the distance by -3, alpha = 1/4 brings it to zero."""
    for name, text in STUDY.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "riskkit.sweep", "--jobs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "failed: runaway, n = 30: NoMinimiserError: no minimum in sight." in done.stderr
    frame = load(tmp_path / "results" / "runaway")
    states = frame.groupby(["n", "algorithm", "alpha", "T"])["status"].agg(set)
    assert states[20, "Lookahead", 1.0, 1024] == {"diverged"}
    assert states[20, "Lookahead", 1.0, 64] == states[20, "Lookahead", 0.25, 1024] == {"ok"}
    assert states[30, "Lookahead", 0.25, 4] == {"no minimiser"}
    gone = frame[frame["status"] == "diverged"]
    # |theta - zbar| reaches 1e-4 sqrt(1.8e308) = 1.3e150 from about .5 after log3(2.7e150) = 315 steps.
    assert gone["diverged_at"].between(310, 320).all()
    assert gone["reason"].str.fullmatch(r"40 of 40 replicates diverged, the first after 3\d\d gradients").all()
    assert gone["mean"].isna().all()
    assert (frame["diverged_at"][frame["status"] == "ok"] == -1).all()
    verdicts = json.loads((tmp_path / "results" / "runaway" / "verdict.json").read_text())["verdicts"]
    level = next(v for v in verdicts if v["kind"] == "level")
    assert "9 cells have no value (1 diverged, 8 no minimiser)" in level["sentence"]
    assert level["outcome"] != "HOLDS"


# Signals.


@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_a_signal_stops_within_five_seconds_and_the_printed_command_resumes(number, jobs, tmp_path, capsys):
    running = started([*LONG, "--fresh", "--jobs", jobs, "--out", str(tmp_path)])
    until(lambda: len(shard_files(tmp_path)) >= 1 or running.poll() is not None)
    (live,) = status.states(tmp_path)
    assert (live.state, live.cells) == ("running", 12)
    running.send_signal(number)
    began = time.monotonic()
    running.wait(timeout=60)
    assert time.monotonic() - began < 5
    _, error = running.communicate(timeout=60)
    assert running.returncode == 130
    last = error.splitlines()[-1]
    command = f"python -m riskkit.sweep {shlex.join([*LONG, '--jobs', jobs, '--out', str(tmp_path)])}"
    assert last == f"riskkit sweep: interrupted; what is finished is kept. To go on: {command}"
    assert "Traceback" not in error
    (dead,) = status.states(tmp_path)
    assert dead.state == "interrupted"
    assert 0 < dead.replicates_done < dead.replicates
    assert dead.command == command
    assert cli.main(["status", str(tmp_path)]) == 0
    assert "interrupted" in capsys.readouterr().out


@pytest.mark.slow
def test_a_killed_sweep_takes_its_workers_with_it_and_is_seen_as_dead(tmp_path):
    running = started([*LONG, "--jobs", "2", "--out", str(tmp_path)])
    until(lambda: len(shard_files(tmp_path)) >= 1 or running.poll() is not None)
    group = subprocess.run(["ps", "-o", "pid=", "-s", str(running.pid)], capture_output=True, text=True, check=True)
    assert len(group.stdout.split()) >= 3
    running.kill()
    running.communicate()
    (dead,) = status.states(tmp_path)
    assert dead.state == "died"

    def alone() -> bool:
        left = subprocess.run(["ps", "-o", "pid=", "-s", str(running.pid)], capture_output=True, text=True, check=False)
        return not left.stdout.split()

    until(alone, seconds=10)


def test_fresh_moves_the_old_results_aside(whole, tmp_path, capsys):
    out = tmp_path / "results"
    shutil.copytree(whole, out)
    before = {path.name: path.read_bytes() for path in shard_files(out)}
    for number in (1, 2):
        assert main([*SMALL, "--fresh", "--jobs", "1", "--out", str(out)]) == 0
        captured = capsys.readouterr()
        assert "6 blocks computed" in captured.out
        assert f"the earlier results are kept as {out / 'aside' / f'{NAME}-{number}'}" in captured.err
    assert {p.name: p.read_bytes() for p in (out / "aside" / f"{NAME}-1" / "shards").iterdir()} == before
    assert table(out) == table(whole)
    assert main([*SMALL, "--jobs", "1", "--out", str(out)]) == 0
    assert "0 blocks computed" in capsys.readouterr().out


# Two sweeps, more cells, any order.


def test_two_sweeps_on_one_store_compute_each_block_at_most_twice(whole, tmp_path):
    pair = [started([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) for _ in range(2)]
    told = [process.communicate(timeout=120) for process in pair]
    assert [process.returncode for process in pair] == [0, 0], told
    computed = [int(re.search(r"(\d+) blocks? computed", output)[1]) for output, _ in told]
    assert 6 <= sum(computed) <= 12
    assert max(computed) <= 6
    assert table(tmp_path) == table(whole)
    assert [path.name for path in shard_files(tmp_path)] == [path.name for path in shard_files(whole)]
    record = json.loads((tmp_path / NAME / "run.json").read_text())
    assert len(record["sessions"]) == 2


def test_a_block_that_another_sweep_has_put_meanwhile_is_not_computed_again(whole, tmp_path, monkeypatch, capsys):
    def helped(task):
        for path in shard_files(whole):
            shutil.copy(path, tmp_path / NAME / "shards")
        return really_compute(task)

    monkeypatch.setattr(tasks, "compute", helped)
    monkeypatch.setattr(shards, "LOOK_AGAIN", 0.0)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 0
    assert "1 block computed" in capsys.readouterr().out
    assert table(tmp_path) == table(whole)


def test_more_cells_extend_what_is_there(tmp_path, capsys, whole):
    out = ["--replicates", "300", "--jobs", "1", "--out", str(tmp_path)]
    first = [
        NAME,
        "--n",
        "10",
        "--T",
        "4",
        "8",
        "16",
        "32",
        "64",
        "--alpha",
        "0.25",
        "--k",
        "1",
        "--engine",
        "reference",
    ]
    assert main([*first, *out]) == 0
    assert "2 blocks computed" in capsys.readouterr().out
    request = Request(
        str(study.folder()),
        NAME,
        axes=(("n", (10.0, 20.0)), ("T", (4.0, 8.0, 16.0, 32.0, 64.0)), ("k", (1.0,)), ("alpha", (0.25, 1.0))),
        replicates=700,
        engine="reference",
    )
    there = Store(tmp_path / NAME)
    left = missing_tasks(request, there.have())
    every = request.plan().runs
    held = {run for task in missing_tasks(request, {}) for run in task.runs} - {
        run for task in left if task.first == 0 for run in task.runs
    }
    assert held == {a for a, run in every.items() if run.n == 10} - {
        run for task in left if task.n == 10 and task.first == 0 for run in task.runs
    }
    assert len(held) >= 2  # Lookahead at alpha = 1/4 and SGD
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 0
    assert table(tmp_path) == table(whole)


def test_tasks_are_sized_by_their_predicted_time(tmp_path):
    request = Request(
        str(study.folder()), NAME, axes=(("T", (1000.0,)), ("n", (50.0,))), replicates=256, engine="reference"
    )
    (task,) = missing_tasks(request, {})
    pieces = tasks.sized(request, task.runs, 0, longest=0.7 * task.seconds)
    assert [run for piece in pieces for run in piece.runs] == list(task.runs)
    assert len(pieces) > 1
    assert max(piece.seconds for piece in pieces) < 0.8 * task.seconds
    # Slower than foreseen by a factor: what comes next is cut by it.
    assert len(scheduling._resized(task, 3 * tasks.LONGEST_TASK / task.seconds)) > 1
    assert scheduling._resized(task, tasks.LONGEST_TASK / task.seconds) == [task]
    # Where halves take nearly as long as the whole, cutting is a waste.
    (long,) = missing_tasks(request._replace(axes=(("T", (200000.0,)), ("n", (50.0,)), ("alpha", (0.5,)))), {})
    assert long.seconds > tasks.LONGEST_TASK


@pytest.mark.parametrize("name", ["theorem4_pl", "theorem2_exponents", "theorem1_alpha"])
def test_a_probe_finds_what_tasks_cost_though_its_clock_is_noisy(name, monkeypatch):
    """A clock that a known cost moves, and a jitter of up to 2 ms each time: paper-size tasks are foreseen to 10%."""
    typical = tasks.TYPICAL["fused_cpu"]
    truth = tasks.Cost(0.5 * typical.setup, 3 * typical.step, 3 * typical.gradient, 4 * typical.reading)
    noise, now, took = random.Random(0), 0.0, []

    def measure(request, runs, first):
        nonlocal now
        took.append(truth.over(list(runs.values())))
        now += took[-1] + noise.uniform(0, 2e-3)

    monkeypatch.setattr(tasks, "_measure", measure)
    monkeypatch.setattr(tasks.time, "perf_counter", lambda: now)
    request = Request(str(study.folder()), name, size="paper")
    found = tasks.probe(request)
    foreseen, real = (sum(cost.of(task) for task in missing_tasks(request, {})) for cost in (found, truth))
    assert abs(foreseen / real - 1) < 0.1
    assert len(took) <= 6


def test_where_runs_are_foreseen_to_be_slow_a_probe_measures_one_of_them(monkeypatch):
    """By few steps of it; what it finds is right where the share of a step is the typical one."""
    truth, now, measured = tasks.TYPICAL["fused_cpu"], 0.0, []

    def measure(request, runs, first):
        nonlocal now
        measured.append(list(runs.values()))
        now += truth.over(measured[-1])

    monkeypatch.setattr(tasks, "_measure", measure)
    monkeypatch.setattr(tasks.time, "perf_counter", lambda: now)
    monkeypatch.setattr(tasks, "LONG", 0.0)
    request = Request(str(study.folder()), "theorem4_pl", size="paper")
    found = tasks.probe(request)
    assert {len(runs) for runs in measured} == {1}
    assert measured[0][0].algorithm.steps <= tasks.FEW
    foreseen, real = (sum(cost.of(task) for task in missing_tasks(request, {})) for cost in (found, truth))
    assert abs(foreseen / real - 1) < 0.1


# The disk.


def fill_after(monkeypatch, shards_put: int, code: int) -> None:
    """From the given shard on every write fails, after some bytes, as on a full disk."""
    real, put, count = os.write, Store.put, 0

    def counted(self, measured):
        nonlocal count
        count += 1
        return put(self, measured)

    def full(handle, data):
        if count >= shards_put and stat.S_ISREG(os.fstat(handle).st_mode):
            real(handle, bytes(data)[: len(data) // 2])
            raise OSError(code, os.strerror(code))
        return real(handle, data)

    monkeypatch.setattr(Store, "put", counted)
    monkeypatch.setattr(atomic.os, "write", full)


@pytest.mark.parametrize(
    ("code", "words", "jobs"),
    [
        (errno.ENOSPC, "the disk is full", "1"),
        pytest.param(errno.ENOSPC, "the disk is full", "2", marks=pytest.mark.slow),
        (errno.EROFS, "access refused", "1"),
        (errno.EIO, "check the disk", "1"),
    ],
)
def test_a_full_disk_is_one_line_and_loses_nothing_that_is_finished(
    code, words, jobs, whole, tmp_path, monkeypatch, capsys
):
    arguments = [*SMALL, "--jobs", jobs, "--out", str(tmp_path)]
    with monkeypatch.context() as patch:
        fill_after(patch, 4, code)
        assert main(arguments) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("riskkit sweep")]
    assert len(error) == 1
    assert words in error[0]
    assert error[0].endswith(f"To go on: python -m riskkit.sweep {shlex.join(arguments)}")
    assert len(shard_files(tmp_path)) == 3
    assert list((tmp_path / NAME / "shards").glob(".*")) == []
    assert main(arguments) == 0
    assert "3 blocks computed" in capsys.readouterr().out
    assert table(tmp_path) == table(whole)


@pytest.fixture
def mounted(tmp_path):
    """Mounts an empty file system with the given options; skips without the right to."""
    place = tmp_path / "mounted"
    place.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a file system needs the right to")
        return place

    yield mount
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def test_a_disk_that_is_really_full(whole, mounted, tmp_path, capsys):
    small = mounted("size=600k")
    assert main([*SMALL, "--jobs", "1", "--out", str(small / "results")]) == 1
    (error,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("riskkit sweep")]
    assert "the disk is full" in error
    assert 0 < len(shard_files(small / "results")) < 6
    shutil.copytree(small / "results", tmp_path / "results")
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path / "results")]) == 0
    assert table(tmp_path / "results") == table(whole)


def test_a_disk_that_may_only_be_read_is_refused(mounted, capsys):
    out = mounted("size=1m,ro") / "results"
    assert main([*SMALL, "--jobs", "1", "--out", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"riskkit sweep: .*results.*: access refused .*use --out elsewhere\.\n", captured.err)


def test_a_store_of_a_newer_schema_is_refused_and_left_alone(whole, tmp_path, monkeypatch, capsys):
    shutil.copytree(whole, tmp_path / "results")
    monkeypatch.setattr(parquet, "SCHEMA", parquet.SCHEMA + 1)
    newer = Store(tmp_path / "results" / NAME)
    newer.put(really_compute(missing_tasks(small_request(), {})[0]).measured)
    monkeypatch.undo()
    before = {path: path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file()}
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path / "results")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "written by schema" in error
    assert "upgrade riskkit or use --out elsewhere" in error
    assert {path: path.read_bytes() for path in (tmp_path / "results").rglob("*") if path.is_file()} == before


def small_request() -> Request:
    axes = (("n", (10.0, 20.0)), ("T", (4.0, 8.0, 16.0, 32.0, 64.0)), ("k", (1.0,)), ("alpha", (0.25, 1.0)))
    return Request(str(study.folder()), NAME, axes=axes, replicates=700, engine="reference")


def test_a_shard_deleted_or_damaged_while_the_sweep_runs_is_computed_again(whole, tmp_path, monkeypatch, capsys):
    put, count = Store.put, 0

    def sabotaged(self, measured):
        nonlocal count
        path = put(self, measured)
        count += 1
        if count == 3:
            path.unlink()
        if count == 5:
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)
        return path

    monkeypatch.setattr(Store, "put", sabotaged)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert "8 blocks computed" in captured.out
    assert captured.err.count("is damaged (its contents do not match its checksum)") == 1
    assert table(tmp_path) == table(whole)


def test_shards_that_never_stay_whole_end_the_sweep_in_one_line(tmp_path, monkeypatch, capsys):
    put = Store.put

    def lost(self, measured):
        put(self, measured).unlink()

    monkeypatch.setattr(Store, "put", lost)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 1
    assert "stored files keep getting damaged; check the disk" in capsys.readouterr().err


# Records.


def test_the_record_says_who_ran_what_where(whole):
    record = json.loads((whole / NAME / "run.json").read_text())
    (session,) = record["sessions"]
    assert session["state"] == "finished"
    assert session["command"] == ["python", "-m", "riskkit.sweep", *SMALL, "--jobs", "1", "--out", str(whole)]
    assert session["host"] == session["task_hosts"][0]
    assert session["engine"] == ["reference"]
    assert (session["device"], session["workers"]) == ("cpu", "this process")
    assert session["tasks_computed"] == 6
    assert 0 < session["task_seconds"] < session["seconds"]
    assert session["versions"]["torch"]
    assert session["request"]["axes"][0] == ["n", [10.0, 20.0]]
    assert record["replicates"] == 700
    text = (whole / NAME / "README.txt").read_text()
    assert record["question"] in text
    for path in (whole / NAME).iterdir():
        assert path.name in text or path.name == "README.txt"


def test_a_revision_is_told_only_of_a_folder_in_git_s_care(tmp_path):
    assert provenance.revision(tmp_path) is None
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    (tmp_path / "a.py").write_text("1\n")
    assert provenance.revision(tmp_path) is None
    subprocess.run([*git, "add", "a.py"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
    assert re.fullmatch(r"[0-9a-f]{40}", provenance.revision(tmp_path))
    (tmp_path / "a.py").write_text("2\n")
    assert re.fullmatch(r"[0-9a-f]{40}\+changes", provenance.revision(tmp_path))


def test_status_tells_running_finished_and_dead_apart(whole, tmp_path, capsys):
    shutil.copytree(whole, tmp_path / "results")
    (done,) = status.states(tmp_path / "results")
    assert (done.state, done.cells, done.cells_done) == ("finished", 60, 60)
    diary = provenance.Diary(tmp_path / "results" / NAME, provenance.circumstances(["python", "x"], ROOT))
    diary.write(workers="this process", cells=60, cells_done=12, seconds_left=100.0, failures=[])
    (live,) = status.states(tmp_path / "results" / NAME)
    assert (live.state, live.cells_done, live.seconds_left) == ("running", 12, 100.0)
    diary.page["updated"] = "2020-01-01T00:00:00+00:00"
    atomic.write_json(diary.path, diary.page)
    (dead,) = status.states(tmp_path / "results")
    assert dead.state == "died"
    (tmp_path / "results" / NAME / "sessions" / "99999999999999-1-0000.json").write_text("{torn")
    assert [state._replace(silent=dead.silent) for state in status.states(tmp_path / "results")] == [dead]
    assert cli.main(["status", str(tmp_path / "results")]) == 0
    assert "died" in capsys.readouterr().out


def test_progress_counts_cells_replicates_and_failures(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN", 0.0)

    def broken(task):
        if task.n == 10 and task.first == 0:
            raise ValueError("no")
        return really_compute(task)

    monkeypatch.setattr(tasks, "compute", broken)
    assert main([*SMALL, "--jobs", "1", "--out", str(tmp_path)]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cells ")]
    assert lines[0].startswith("cells 0/60, replicates")
    last = re.match(r"cells 30/60, replicates ([\d,]+)/([\d,]+), 1 task failed", lines[-1])
    assert last
    assert int(last[1].replace(",", "")) < int(last[2].replace(",", ""))


def test_a_dry_run_predicts_the_time_and_counts_what_is_stored(whole, capsys):
    assert main([*SMALL, "--dry-run", "--jobs", "2", "--out", str(whole)]) == 0
    told = capsys.readouterr().out
    assert "60 cells" in told
    assert "0 of 6 blocks to compute" in told
    assert main([*SMALL, "--dry-run", "--jobs", "2", "--fresh", "--out", str(whole)]) == 0
    told = capsys.readouterr().out
    assert "6 of 6 blocks to compute" in told
    assert re.search(r"predicted: \d+ s of computing, about \d+ s on 2 (cores|processes), .* by a probe of \d+ s", told)
    assert len(shard_files(whole)) == 6


# Deaths in numbers.


@pytest.mark.slow
def test_kill_9_at_sixty_points_leaves_sixty_times_the_same_table(tmp_path):
    command = [sys.executable, str(ROOT / "tests" / "killed_sweep.py"), str(tmp_path), "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    points = [line.split() for line in done.stdout.splitlines()]
    assert len(points) == 60
    assert sum(0 < int(left) < 20 for _, left, _ in points) >= 40  # most died in the middle
    assert [equal for _, _, equal in points].count("True") == 60
