"""A real Dask scheduler and two worker processes on loopback: the same table, and nothing finished goes with them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from quick_sweep import show_nothing

from riskkit.sweep import main

pytest.importorskip("distributed", reason="needs riskkit[cluster]")

ROOT = Path(__file__).resolve().parent.parent
NAME = "theorem2_exponents"
SMALL = [NAME, "--n", "10", "20", "--T", "4", "16", "64", "--alpha", "0.25", "1", "--k", "1", "--replicates", "700"]
LONG = [NAME, "--n", "10", "20", "--T", "1024", "--alpha", "0.25", "0.5", "--k", "4", "--replicates", "2000"]
LONG += ["--engine", "reference"]


class Cluster:
    """A scheduler and two workers of two threads each, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = open(folder / "log.txt", "w")  # noqa: SIM115 (closed in stop)
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-show")
        self._until(self.file.exists)
        self.workers = [self._start("worker", "--nthreads", "2", "--no-nanny") for _ in range(2)]
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, kind: str, *flags: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self.file), "--no-dashboard", *flags]
        return subprocess.Popen(command, cwd=self.folder, stdout=self.log, stderr=self.log)

    def _until(self, condition) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, (self.folder / "log.txt").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    """One of its own, for a test that ends a part of it."""
    running = Cluster(tmp_path)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def living(tmp_path_factory) -> Iterator[Cluster]:
    """One that everybody leaves as it is."""
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch):
    show_nothing(monkeypatch)


def table(out: Path) -> bytes:
    return (out / NAME / "table.parquet").read_bytes()


def started(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "riskkit.sweep", *arguments]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_shards(out: Path, count: int, running: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while len(list((out / NAME / "shards").glob("*.parquet"))) < count:
        assert time.monotonic() < end
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)


@pytest.mark.filterwarnings("ignore")  # distributed's own, of versions and of event loops
@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_a_cluster_gives_the_table_of_one_process_byte_for_byte(engine, living, tmp_path):
    arguments = [*SMALL, "--engine", engine]
    assert main([*arguments, "--jobs", "1", "--out", str(tmp_path / "one")]) == 0
    assert main([*arguments, "--scheduler", living.address, "--out", str(tmp_path / "many")]) == 0
    assert main([*arguments, "--jobs", "2", "--out", str(tmp_path / "two")]) == 0
    assert table(tmp_path / "many") == table(tmp_path / "one") == table(tmp_path / "two")
    record = json.loads((tmp_path / "many" / NAME / "run.json").read_text())
    assert record["sessions"][0]["workers"] == f"Dask at {living.address}"


@pytest.mark.slow
def test_a_dead_worker_of_a_cluster_costs_its_tasks_only_and_they_go_to_another(cluster, tmp_path):
    running = started([*LONG, "--scheduler", cluster.address, "--out", str(tmp_path / "many")])
    wait_for_shards(tmp_path / "many", 2, running)
    cluster.workers[0].kill()
    output, error = running.communicate(timeout=300)
    assert running.returncode == 0, error
    assert "16 blocks computed" in output
    assert "Traceback" not in error
    assert main([*LONG, "--jobs", "2", "--out", str(tmp_path / "one")]) == 0
    assert table(tmp_path / "many") == table(tmp_path / "one")


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line_and_loses_nothing_that_is_finished(cluster, tmp_path, capsys):
    arguments = [*LONG, "--scheduler", cluster.address, "--out", str(tmp_path / "many")]
    running = started(arguments)
    wait_for_shards(tmp_path / "many", 2, running)
    cluster.scheduler.kill()
    began = time.monotonic()
    _, error = running.communicate(timeout=120)
    assert time.monotonic() - began < 30
    assert running.returncode == 1
    (line,) = [line for line in error.splitlines() if line.startswith("riskkit sweep")]
    assert line == (
        f"riskkit sweep: the Dask scheduler at {cluster.address} is gone; what is finished is kept. "
        f"To go on: python -m riskkit.sweep {shlex.join(arguments)}"
    )
    assert "Traceback" not in error
    kept = len(list((tmp_path / "many" / NAME / "shards").glob("*.parquet")))
    assert kept >= 2
    assert main([*LONG, "--jobs", "2", "--out", str(tmp_path / "many")]) == 0
    assert f"{16 - kept} blocks computed" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
def test_no_scheduler_is_bad_input(tmp_path, capsys, monkeypatch):
    from riskkit.execution import executors

    monkeypatch.setattr(executors, "PATIENCE", 1.0)
    assert main([*SMALL, "--scheduler", "tcp://127.0.0.1:9", "--out", str(tmp_path / "x")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in error
    assert not (tmp_path / "x").exists()
