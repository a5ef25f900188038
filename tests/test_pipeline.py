"""Experiments of a sweep go their ways side by side: what becomes of one costs no other anything."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from small_study import swept, within, write

from riskkit.execution import executors, loop, tasks
from riskkit.execution.schedule import Lane, Schedule
from riskkit.report import presenting

NAMES = ("first", "second")


@pytest.fixture
def home(tmp_path):
    write(tmp_path / "study")
    with within(tmp_path / "study"):
        yield tmp_path / "study"


@pytest.fixture
def order(monkeypatch):
    """What was done with which experiment, in order."""
    found = []

    def watched(place, attribute, what, name):
        real = getattr(place, attribute)

        def call(*arguments):
            found.append((what, name(arguments)))
            return real(*arguments)

        monkeypatch.setattr(place, attribute, call)

    watched(tasks, "compute", "computed", lambda given: given[0].request.experiment)
    watched(loop, "conclude_stored", "concluded", lambda given: given[0].experiment)
    watched(presenting, "present_one", "shown", lambda given: given[1])
    return found


def stored(name):
    """Table, verdicts, figures and tables of an experiment."""
    folder = Path("results", name)
    files = [folder / "table.parquet", folder / "verdict.json", *folder.glob("figures/*"), *folder.glob("tables/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_each_is_concluded_and_shown_before_the_next_computes(home, order):
    assert swept() == 0
    assert order == [(what, name) for name in NAMES for what in ("computed", "concluded", "shown")]
    assert stored("first")["figures/curve.pdf"]
    assert stored("second")["tables/levels.md"]


def test_the_one_that_is_foreseen_to_take_longest_goes_first(home, order):
    longer = home / "experiments" / "second.py"
    longer.write_text(longer.read_text().replace("T=(4, 16)", "T=(4, 160000)"))
    assert swept() == 0
    assert [name for what, name in order if what == "shown"] == ["second", "first"]


def test_a_figure_that_raises_while_others_compute_costs_itself_alone(home, order, capsys):
    figure = home / "figures" / "curve.py"
    figure.write_text(figure.read_text().replace("    return page", "    return page / 0"))
    assert swept() == 1
    assert order.index(("shown", "first")) < order.index(("computed", "second"))
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("riskkit")]
    assert "figure curve could not be drawn: TypeError" in line
    assert stored("second")["tables/levels.md"]
    assert {"table.parquet", "verdict.json", "tables/levels.md"} <= stored("first").keys()
    assert not any(name.startswith("figures/curve") for name in stored("first"))
    assert Path("results/report.html").exists()


def test_a_conclusion_that_raises_costs_itself_alone_and_is_told(home, monkeypatch, capsys):
    conclude = loop.conclude_stored

    def faulty(request, *rest):
        return conclude(request, *rest) if request.experiment == "second" else 1 / 0

    monkeypatch.setattr(loop, "conclude_stored", faulty)
    assert swept() == 1
    assert "ZeroDivisionError: division by zero; this is a fault of riskkit" in capsys.readouterr().err
    assert stored("second")["tables/levels.md"]
    assert not Path("results/first/verdict.json").exists()
    monkeypatch.undo()
    assert swept() == 0
    assert "0 blocks computed" in capsys.readouterr().out
    assert stored("first")["figures/curve.pdf"]


def test_what_was_concluded_before_an_interruption_stands_and_the_rest_gives_the_same_bytes(home, order, monkeypatch):
    assert swept() == 0
    whole = {name: stored(name) for name in NAMES}
    Path("results").rename("before")
    compute = tasks.compute

    def interrupted(task):
        if task.request.experiment == "second":
            raise KeyboardInterrupt
        return compute(task)

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "compute", interrupted)
        assert swept() == 130
    assert stored("first") == whole["first"]
    order.clear()
    assert swept() == 0
    assert order == [(what, "second") for what in ("computed", "concluded", "shown")]
    assert {name: stored(name) for name in NAMES} == whole


BUSY = """
import threading, time, torch
from riskkit.problems import MeanEstimation

torch.ones(10**6).exp()  # many threads, where there may be many


class Own(MeanEstimation):
    def sample(self, stream, n):
        torch.ones(10**6).exp()
        return super().sample(stream, n)
"""
THREAD = """
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", THREAD], ids=["torch", "a thread of its own"])
def test_workers_are_forked_though_a_study_uses_threads_as_it_is_planned(more, home):
    """What is locked by a thread that a fork leaves behind is locked for ever."""
    (home / "problems" / "own.py").write_text(BUSY + more)
    command = [sys.executable, "-m", "riskkit.sweep", "--engine", "reference"]
    for jobs in ("2", "1"):
        words = [*command, "--jobs", jobs, "--out", f"results-{jobs}"]
        done = subprocess.run(words, cwd=home, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
    for name in NAMES:
        one, two = (Path(f"results-{jobs}", name, "table.parquet").read_bytes() for jobs in ("1", "2"))
        assert one == two


class Step:
    """Notes that it has come back; asked for with nothing to do, it adds the others in its place."""

    def __init__(self, name, done, instead=()):
        self.name, self.done, self.instead = name, done, instead

    def call(self):
        for add in self.instead:
            add()
        return None if self.instead else (len, self.name)

    def finished(self, future):
        assert future.result() == len(self.name)
        self.done.append(self.name)


def test_steps_begin_by_rank_and_what_takes_the_place_of_one_goes_first():
    workers, other, done = executors.in_process(), ThreadPoolExecutor(1), []
    schedule = Schedule(workers, lambda: None)
    one, two = Lane(workers.executor, workers.width), Lane(other, lambda: 1)
    pieces = [lambda name=name: schedule.add(Step(name, done), one, (1,), first=True) for name in ("b2", "b1")]
    schedule.add(Step("later", done), one, (2,))
    schedule.add(Step("b", done, pieces), one, (1,))
    schedule.add(Step("b3", done), one, (1,))
    schedule.add(Step("a", done), one, (0,))
    schedule.run()
    assert done == ["a", "b1", "b2", "b3", "later"]
    schedule.add(Step("elsewhere", done), two, (0,))
    schedule.run()
    assert done[-1] == "elsewhere"
    other.shutdown()
    workers.stop()
