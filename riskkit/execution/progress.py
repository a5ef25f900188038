"""How a sweep is going: a bar on a terminal, plain lines elsewhere, and the diaries on disk.

Cells, replicates (of all runs), failures, and the time left. Work is weighted by its predicted time, and the prediction
of each experiment is corrected by the tasks of it that have finished.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from riskkit.execution.telling import tell

if TYPE_CHECKING:
    from riskkit.execution.scheduling import Failure
    from riskkit.execution.tasks import Done, Request, Task
    from riskkit.store.provenance import Diary

PLAIN = 5.0
"""Seconds between two plain lines, and between two pages of a diary."""


def bar() -> Progress | None:
    """A bar for a terminal, or for a notebook that can show one (with ipywidgets); None elsewhere."""
    console = Console(stderr=True)
    if not (importlib.util.find_spec("ipywidgets") if console.is_jupyter else sys.stderr.isatty()):
        return None
    columns = (TextColumn("computing"), BarColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True)


class _Tally:
    """One experiment: predicted and measured seconds, and what each cell still waits for."""

    def __init__(self) -> None:
        self.cells = self.cells_done = 0
        self.replicates = self.replicates_done = 0
        self.left = self.predicted = self.measured = 0.0
        self.waiting = self.computed = 0
        self.failures: list[Failure] = []
        self.hosts: set[str] = set()
        self._readers: Counter[str] = Counter()
        self._blocks: Counter[str] = Counter()

    def expect(self, request: Request, tasks: Sequence[Task]) -> None:
        made = request.plan()
        self._readers = Counter(cell.address for cell in made.cells)
        self._blocks = Counter(run for task in tasks for run in task.runs)
        self.cells = len(made.cells)
        self.cells_done = self.cells - sum(self._readers[run] for run in self._blocks)
        self.replicates += sum(len(task.runs) * task.replicates for task in tasks)
        self.left, self.waiting = sum(task.seconds for task in tasks), len(tasks)

    def settled(self, task: Task) -> None:
        """It is done or has failed; after the last one nothing is left, whatever rounding says."""
        self.waiting -= 1
        self.left = self.left - task.seconds if self.waiting else 0.0

    def arrived(self, task: Task) -> None:
        self.replicates_done += len(task.runs) * task.replicates
        for run in task.runs:
            self._blocks[run] -= 1
            if not self._blocks[run]:
                self.cells_done += self._readers[run]


class Ticker:
    """Told of every task, it tells people and disk; a context manager around what it is told of.

    ``diaries``: by experiment.
    """

    def __init__(self, diaries: Mapping[str, Diary]) -> None:
        self._diaries = diaries
        self._tallies = {name: _Tally() for name in diaries}
        self._closed: set[str] = set()
        self._began = self._said = self._written = time.monotonic()
        self._bar: Progress | None = None
        self._follows = True
        """Whether what follows the last block is still to be told of."""

    @property
    def computed(self) -> int:
        return sum(tally.computed for tally in self._tallies.values())

    def expect(self, request: Request, tasks: Sequence[Task]) -> None:
        """These tasks of an experiment come next; what it has besides is done."""
        self._tallies[request.experiment].expect(request, tasks)

    def __enter__(self) -> Ticker:
        self._began -= time.monotonic() - self._said  # time outside does not count
        self._said = time.monotonic()
        self._bar = bar()
        if self._bar is not None:
            self._line = self._bar.add_task(self.line(), total=1.0)
            self._bar.start()
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif kind is None and self.computed:
            self._say()

    def done(self, task: Task, answer: Done | None) -> None:
        tally = self._tallies[task.request.experiment]
        tally.settled(task)
        tally.arrived(task)
        if answer is not None:
            tally.computed += 1
            tally.predicted += task.seconds
            tally.measured += answer.seconds
            tally.hosts.add(answer.host)

    def split(self, task: Task, pieces: Sequence[Task]) -> None:
        tally = self._tallies[task.request.experiment]
        tally.left += sum(piece.seconds for piece in pieces) - task.seconds
        tally.waiting += len(pieces) - 1

    def failed(self, failure: Failure) -> None:
        tally = self._tallies[failure.task.request.experiment]
        tally.settled(failure.task)
        tally.failures.append(failure)

    def factor(self, task: Task) -> float:
        tally = self._tallies[task.request.experiment]
        return tally.measured / tally.predicted if tally.predicted else 1.0

    def tick(self) -> None:
        moment = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._line, description=self.line(), completed=self._fraction())
        elif moment - self._said > PLAIN and any(tally.waiting for tally in self._tallies.values()):
            self._say()
            self._follows = True
        elif moment - self._said > PLAIN and self._follows:
            self._follows = False
            tell("all blocks are computed; verdicts, tables and figures follow")
        if moment - self._written > PLAIN:
            self._write()

    def seconds_left(self, name: str | None = None) -> float:
        """What is left (of one experiment), by the pace of what is done; nan before the first task has finished."""
        tallies = self._tallies.values()
        predicted, measured = sum(t.predicted for t in tallies), sum(t.measured for t in tallies)
        if not measured:
            return math.nan
        chosen = tallies if name is None else [self._tallies[name]]
        overall = measured / predicted
        work = sum(t.left * (t.measured / t.predicted if t.predicted else overall) for t in chosen)
        at_once = max(1.0, measured / max(time.monotonic() - self._began, 1e-9))
        return max(work, 0.0) / at_once

    def line(self) -> str:
        """``cells 120/300, experiments 3/16, replicates 61,440/153,600, 1 task failed, about 40 s left``."""
        tallies = self._tallies.values()
        failed = sum(len(t.failures) for t in tallies)
        finished = sum(t.cells_done == t.cells for t in tallies)
        parts = [
            f"cells {sum(t.cells_done for t in tallies):,}/{sum(t.cells for t in tallies):,}",
            *([f"experiments {finished}/{len(tallies)}"] if len(tallies) > 1 else []),
            f"replicates {sum(t.replicates_done for t in tallies):,}/{sum(t.replicates for t in tallies):,}",
        ]
        if failed:
            parts.append(f"{failed} {'task' if failed == 1 else 'tasks'} failed")
        if (left := self.seconds_left()) > 0:
            parts.append(f"about {spoken(left)} left")
        return ", ".join(parts)

    def close(self, name: str, state: str, **news: object) -> None:
        """The last page of an experiment's diary: "finished", "interrupted", "stopped"."""
        self._closed.add(name)
        self._page(name, state=state, **news)

    def _fraction(self) -> float:
        done, left = (sum(getattr(t, part) for t in self._tallies.values()) for part in ("predicted", "left"))
        return done / (done + left) if done + left > 0 else 1.0

    def _say(self) -> None:
        self._said = time.monotonic()
        tell(self.line())

    def _write(self) -> None:
        self._written = time.monotonic()
        for name, tally in self._tallies.items():
            if name not in self._closed and (tally.left > 0 or tally.replicates_done < tally.replicates):
                self._page(name, state="running")

    def _page(self, name: str, **news: object) -> None:
        tally = self._tallies[name]
        self._diaries[name].write(
            cells=tally.cells,
            cells_done=tally.cells_done,
            replicates=tally.replicates,
            replicates_done=tally.replicates_done,
            tasks_computed=tally.computed,
            task_seconds=round(tally.measured, 3),
            task_hosts=sorted(tally.hosts),
            seconds=round(time.monotonic() - self._diaries[name].began, 3),
            seconds_left=self.seconds_left(name),
            failures=[
                {"n": f.task.n, "first": f.task.first, "runs": len(f.task.runs), "status": f.status, "reason": f.reason}
                for f in tally.failures
            ],
            **news,
        )


def spoken(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
