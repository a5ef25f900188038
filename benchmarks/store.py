"""What a sweep's seconds go into, and the time to plan, list, resume, judge and tell of 100,000 cells and more.

python benchmarks/store.py share      # the default sweep on one core, with a clock around each of its parts
python benchmarks/store.py share cpu  # the same in CPU seconds: for a busy machine; waiting for the disk is left out
python benchmarks/store.py grid       # 100,000 cells: nothing is computed, the shards hold zeros
python benchmarks/store.py plans      # the default sweep's experiments planned, one after the other, in CPU seconds
python benchmarks/store.py cells      # 204,000 cells planned, listed and resumed, in CPU seconds
python benchmarks/store.py told N     # N (1 to 20) times 10,200 cells of it computed, judged, and told of in full
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from innermost import Clock

import riskkit
from riskkit import sweep
from riskkit.cli.common import Parser
from riskkit.execution import conclusion, executors, loop, tasks
from riskkit.execution.progress import Ticker
from riskkit.execution.tasks import Request, missing_tasks
from riskkit.experiment import study
from riskkit.measure.quantities import DATASET, QUANTITIES, Measured
from riskkit.report import html
from riskkit.report.figures import drawing
from riskkit.report.tables import writing as tables
from riskkit.store.provenance import Diary
from riskkit.store.shards import Store
from riskkit.verdicts import findings

CELLS = (
    ("n", tuple(float(n) for n in range(50, 150, 10))),
    ("T", tuple(float(2**e) for e in range(3, 13))),
    ("k", tuple(float(k) for k in range(1, 11))),
    ("alpha", tuple(i / 34 for i in range(1, 35))),
)
"""34,000 points, each with two controls: 102,000 cells, read from few runs: T is read off as it goes by."""

HORIZONS = (
    ("n", tuple(float(n) for n in range(50, 150, 10))),
    ("k", tuple(float(2**e) for e in range(10))),
    ("alpha", tuple(i / 34 for i in range(1, 35))),
    ("kT", tuple(float(512 * 2**e) for e in range(10))),
)
"""The same with steps eta / sqrt(kT): every horizon is a run of its own."""

GRIDS = {"theorem2_exponents": CELLS, "theorem1_alpha": HORIZONS}


def share(now: Callable[[], float] = time.perf_counter) -> None:
    """Seconds by what they went into; the innermost clock counts."""
    clock = Clock(now, rest="else")
    for name in ("put", "have", "holds", "get_many", "prepare", "write_table", "write_json", "write_text"):
        clock.on(Store, name, f"store.{name}")
    clock.on(conclusion, "frame", "store")
    clock.on(loop, "record", "store")
    clock.on(loop, "missing_tasks", "scheduling")
    for owner, name in ((Ticker, "tick"), (Ticker, "expect"), (Ticker, "done"), (Diary, "write")):
        clock.on(owner, name, "scheduling")
    clock.on(tasks, "_plan", "planning")
    clock.on(conclusion, "find", "verdicts")
    clock.on(conclusion, "table", "means and bands")
    clock.on(conclusion, "verdict_text", "words")
    clock.on(drawing, "draw_figures", "figures")
    clock.on(tables, "write_tables", "tables")
    clock.on(html, "write_report", "report")
    # In the main thread, so that one clock sees everything.
    executors.in_process = lambda jobs=1: executors.Workers(Here(), lambda: 1, lambda: None, lambda: None, "here")
    clock.on(tasks, "compute", "computing")
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        drawing.figure_modules()
        clock.mark()
        clock.spent.clear()
        sweep.main(["--jobs", "1", "--out", out])
        clock.mark()
    spent = clock.spent
    spent["loading modules"] = float(subprocess.check_output([sys.executable, "-c", LOADING.format(now.__name__)]))
    total = spent.total()
    for label, seconds in spent.most_common():
        print(f"{label:24} {seconds:7.2f} s  {100 * seconds / total:5.1f}%")
    print(f"{'whole sweep':24} {total:7.2f} s")
    for name, labels in SHARES.items():
        ours = sum(seconds for label, seconds in spent.items() if label.split(".")[0] in labels)
        computing = ours / spent["computing"]
        print(f"{name}: {ours:.2f} s, {100 * ours / total:.1f}% of the sweep, {computing:.2f} times the computing")


LOADING = (
    "import time; began = time.{0}(); import riskkit.sweep, riskkit.execution.loop, riskkit.report.html; "
    "from riskkit.report.figures import drawing; drawing.figure_modules(); print(time.{0}() - began)"
)
SHARES = {
    "store, scheduling and planning": ("store", "scheduling", "planning"),
    "statistics": ("verdicts", "means and bands", "words"),
    "statistics, store and figures": ("store", "verdicts", "means and bands", "words", "figures", "tables", "report"),
}


class Here:
    """An executor that computes at once, in the thread that asks."""

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Any:
        from concurrent.futures import Future

        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


def request(name: str) -> Request:
    return Request(str(study.folder()), name, axes=GRIDS[name], replicates=256)


def fill(root: Path) -> None:
    """Shards of zeros for the whole grid."""
    asked = request(root.name)
    runs, store = asked.plan().runs, Store(root)
    store.prepare()
    for task in missing_tasks(asked, {}):
        store.put([zeros(runs[address], address, task.first, task.replicates) for address in task.runs])


def timed(root: Path) -> None:
    """In a new process: plan, list everything, then find out from the disk that nothing is missing."""
    asked = request(root.name)
    study.experiment(root.name)
    began = time.perf_counter()
    made = asked.plan()
    planned = time.perf_counter()
    listed = missing_tasks(asked, {})
    listed_at = time.perf_counter()
    missing = missing_tasks(asked, Store(root).have())
    ended = time.perf_counter()
    shards = len(list((root / "shards").iterdir()))
    print(
        f"{len(made.cells)} cells, {len(made.runs)} runs, {len(listed)} tasks, {shards} shards, {len(missing)} left: "
        f"planned {planned - began:.2f} s, listed {listed_at - planned:.2f} s, resumed {ended - listed_at:.2f} s"
    )


def plans() -> None:
    spent: dict[str, float] = {}
    for name in study.names():
        if "laptop" in study.experiment(name).sizes:
            began = time.process_time()
            Request(str(study.folder()), name).plan()
            spent[name] = time.process_time() - began
    for name, seconds in sorted(spent.items(), key=lambda pair: -pair[1])[:8]:
        print(f"{name:24} {seconds:7.2f} s")
    print(f"{len(spent)} experiments: {sum(spent.values()):.2f} s of CPU")


def cells() -> None:
    """More sample sizes than the grid's: runs by exact moments, whose moments are shared by all n. Resuming reads the
    footers of shards, so that these hold two replicates of zeros in place of the block's."""
    asked = of_many(20)
    study.experiment(asked.experiment)

    def clocked(call: Callable[[], Any]) -> tuple[Any, str]:
        wall, cpu = time.perf_counter(), time.process_time()
        found = call()
        return found, f"{time.process_time() - cpu:.2f} s of CPU, {time.perf_counter() - wall:.2f} s"

    made, planned = clocked(asked.plan)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{len(made.cells)} cells, {len(made.runs)} runs: planned in {planned}; {peak:.2f} GiB of memory at most")
    tasks, listed = clocked(lambda: missing_tasks(asked, {}))
    print(f"{len(tasks)} tasks listed in {listed}")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.prepare()
        for task in tasks:
            path = store.put([zeros(made.runs[address], address, task.first, 2) for address in task.runs])
        for what in ("nothing", "one block"):
            left, resumed = clocked(lambda: missing_tasks(asked, Store(Path(folder)).have()))
            print(f"where {what} lacks: {len(left)} tasks found missing in {resumed}")
            path.unlink(missing_ok=True)


def of_many(sizes: int) -> Request:
    """10,200 cells for each sample size."""
    own = tuple(float(n) for n in range(50, 50 + 10 * sizes, 10))
    return request("theorem2_exponents")._replace(axes=(("n", own), *CELLS[1:]), replicates=None)


def told(sizes: int) -> None:
    """CPU seconds and peak memory of every step from the blocks to the report; one process each, as the peak is its
    process's."""
    asked = of_many(sizes)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / asked.experiment
        store = Store(root)
        store.prepare()
        began = time.process_time()
        for task in missing_tasks(asked, {}):
            store.put(tasks.compute(task).measured)
        print(f"{len(asked.plan().cells)} cells; planned and computed in {time.process_time() - began:.1f} s of CPU")
        for part in TOLD:
            subprocess.run([sys.executable, __file__, "told", str(sizes), part, str(root)], check=True)


TOLD = ("conclude", "tables", "figures", "report", "load")


def part_of(sizes: int, part: str, root: Path) -> None:
    """One of TOLD, in this process."""
    asked, store = of_many(sizes), Store(root)
    results, name = root.parent, root.name
    clock = Clock(time.process_time, rest=part)
    match part:
        case "conclude":
            asked.plan()
            clock.on(conclusion, "gather", "reading")
            clock.on(conclusion, "find", "verdicts")
            clock.on(findings, "comparisons", "comparisons")
            clock.on(conclusion, "table", "means and bands")
            clock.on(conclusion, "write_conclusion", "writing")
            clock.mark()
            clock.spent.clear()
            conclusion.conclude(conclusion.gather(asked, store, {}), store)
            store.write_json("run.json", conclusion.record(asked, root, {}))
        case "tables":
            tables.write_tables(results, [name])
        case "figures":
            drawing.draw_figures(results, [name])
        case "report":
            html.write_report(results)
        case "load":
            riskkit.load(root)
    clock.mark()
    files = sum(path.stat().st_size for path in results.rglob("*") if path.is_file()) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    spent = ", ".join(f"{label} {seconds:.1f}" for label, seconds in clock.spent.most_common())
    print(f"{part:9} {spent} s of CPU; {peak:.2f} GiB at most; {files:.0f} MiB of files by then", flush=True)


def zeros(run: Any, address: str, first: int, replicates: int) -> Measured:
    values = np.zeros((replicates, len(run.rounds), 2))
    return Measured(
        run=address,
        first=first,
        rounds=np.array(run.rounds),
        values=dict.fromkeys(QUANTITIES, values),
        dataset=dict.fromkeys(DATASET, np.zeros(replicates)),
        diverged_at=np.full(replicates, -1),
        engine="none",
    )


def grid() -> None:
    for name in GRIDS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / name
            fill(root)
            for _ in range(3):
                subprocess.run([sys.executable, __file__, "timed", str(root)], check=True)


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="+", metavar="WORD", help="as above")
    match parser.parse_args().words:
        case ["share"]:
            share()
        case ["share", "cpu"]:
            share(time.process_time)
        case ["grid"]:
            grid()
        case ["plans"]:
            plans()
        case ["cells"]:
            cells()
        case ["timed", root]:
            timed(Path(root))
        case ["told", sizes] if sizes.isdecimal() and 1 <= int(sizes) <= 20:
            told(int(sizes))
        case ["told", sizes, part, root]:
            part_of(int(sizes), part, Path(root))
        case words:
            parser.error(f"needs share [cpu], grid, plans, cells or told N; got {' '.join(words)}.")
