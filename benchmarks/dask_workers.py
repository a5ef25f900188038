"""What a second Dask worker gains: one sweep on a local cluster of one worker and of two, each with one thread.

    python benchmarks/dask_workers.py [EXPERIMENT REPLICATES]

Wall seconds from the first task that the scheduler is sent to the last that is back, how much of them the workers
computed, and of the whole command, whose plan, verdicts and figures no second worker makes shorter. CPU seconds of each
of the parties: three processes and more share the cores. Beside it, the machine's own limit: the same blocks in plain
processes with nothing between them, one alone and two side by side, each of which computes them all; twice the time of
the one over that of the two. Workers have loaded riskkit and its compiled code in a sweep before, which is not counted.
Needs ``riskkit[cluster]``.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from distributed import LocalCluster
from distributed.diagnostics.plugin import SchedulerPlugin

from riskkit.cli.common import Parser

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 2


class Clock(SchedulerPlugin):  # type: ignore[misc]
    """When the scheduler was sent its first task and had its last back, and what workers computed, in seconds."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.last = self.computed = 0.0
        self.workers: dict[str, float] = {}

    def transition(self, key: Any, start: str, finish: str, *_: Any, **told: Any) -> None:
        if start == "released" and finish == "waiting" and self.first is None:
            self.first = time.perf_counter()
        if start == "processing" and finish == "memory":
            self.last = time.perf_counter()
            for part in told.get("startstops") or ():
                if part["action"] == "compute":
                    self.computed += part["stop"] - part["start"]


class Found(NamedTuple):
    """Seconds of one sweep: of its blocks, computed of them by all workers together, of the command; and of CPU."""

    blocks: float
    computed: float
    command: float
    workers: float
    scheduler: float
    asking: float


def swept(words: list[str], out: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "riskkit.sweep", *words, "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - began


def on_a_cluster(name: str, replicates: int, workers: int) -> Found:
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
    ):
        asked = ["--scheduler", cluster.scheduler_address]
        swept([name, "--quick", *asked], Path(folder) / "before")
        clock = Clock()
        cluster.scheduler.add_plugin(clock)
        theirs = [psutil.Process(nanny.pid) for nanny in cluster.workers.values()]
        before, own, children = cpu(theirs), time.process_time(), waited()
        command = swept([name, "--replicates", str(replicates), *asked], Path(folder) / "out")
        if clock.first is None:
            raise SystemExit(f"{name} sent the scheduler no task")
        return Found(
            clock.last - clock.first,
            clock.computed,
            command,
            cpu(theirs) - before,
            time.process_time() - own,
            waited() - children,
        )


def cpu(those: list[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in those)


def waited() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alone(name: str, replicates: int) -> None:
    """All blocks in this process, once told to begin; prints their wall and CPU seconds."""
    from riskkit.execution.tasks import Request, compute, missing_tasks
    from riskkit.experiment import study

    tasks = missing_tasks(Request(str(study.folder()), name, replicates=replicates), {})
    for task in {(task.n, len(task.runs)): task for task in tasks}.values():
        compute(task)  # loads compiled code
    print("ready", flush=True)
    sys.stdin.readline()
    began, used = time.perf_counter(), time.process_time()
    for task in tasks:
        compute(task)
    print(time.perf_counter() - began, time.process_time() - used, flush=True)


def side_by_side(name: str, replicates: int, number: int) -> tuple[float, float]:
    """Wall seconds of the slowest of so many processes that compute all blocks each, and CPU seconds of one."""
    words = [sys.executable, __file__, "--alone", name, str(replicates)]
    running = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    pipes = [(one.stdin, one.stdout) for one in running]
    for _, out in pipes:
        assert out is not None
        out.readline()
    for into, _ in pipes:
        assert into is not None
        print(file=into, flush=True)
    found = [tuple(map(float, one.communicate()[0].split())) for one in running]
    return max(wall for wall, _ in found), sum(used for _, used in found) / number


def measure(name: str, replicates: int) -> None:
    on: dict[int, list[Found]] = {1: [], 2: []}
    plain: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for _ in range(REPEATS):
        for number in (1, 2):
            found = on_a_cluster(name, replicates, number)
            on[number].append(found)
            busy = 100 * found.computed / (number * found.blocks)
            print(
                f"{number} worker(s): blocks {found.blocks:5.1f} s, workers computing {busy:.0f}% of it; command "
                f"{found.command:5.1f} s; CPU: workers {found.workers:.1f} s, scheduler {found.scheduler:.1f} s, "
                f"command {found.asking:.1f} s",
                flush=True,
            )
        for number in (1, 2):
            plain[number].append(side_by_side(name, replicates, number))
            wall, used = plain[number][-1]
            print(f"{number} plain process(es): {wall:5.1f} s, CPU of one {used:.1f} s", flush=True)
    blocks, command, computed = (
        min(getattr(found, part) for found in on[1]) / min(getattr(found, part) for found in on[2])
        for part in ("blocks", "command", "computed")
    )
    limit = 2 * min(plain[1])[0] / min(plain[2])[0]
    print(
        f"two workers are {blocks:.2f} times one for the blocks and {command:.2f} times for the command; two plain "
        f"processes are {limit:.2f} times one; computing takes {1 / computed:.2f} times as long on two workers"
    )


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", default="theorem1_stability")
    parser.add_argument("replicates", nargs="?", type=int, default=4096)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)
    (alone if asked.alone else measure)(asked.experiment, asked.replicates)
