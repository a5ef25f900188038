"""How a sweep is going: a bar on a terminal, plain lines elsewhere, and the diaries on disk.

Cells, replicates (of all runs), failures, and the time left. Work is weighted by its predicted time, and the prediction
of each experiment is corrected by the tasks of it that have finished.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from riskkit.dispatch import Failure
from riskkit.execute import Done, Request, Task
from riskkit.provenance import Diary

PLAIN = 5.0
"""Seconds between two plain lines, and between two pages of a diary."""


class _Tally:
    """One experiment: predicted and measured seconds, and what each cell still waits for."""

    def __init__(self, request: Request, tasks: Sequence[Task]) -> None:
        made = request.plan()
        self.readers = Counter(made.addresses[cell.run] for cell in made.cells)
        self.blocks = Counter(run for task in tasks for run in task.runs)
        self.cells = len(made.cells)
        self.cells_done = self.cells - sum(self.readers[run] for run in self.blocks)
        self.left = sum(task.seconds for task in tasks)
        self.predicted = self.measured = 0.0
        self.computed = 0
        self.failures: list[Failure] = []
        self.hosts: set[str] = set()
        self.changed = True

    def take(self, task: Task) -> None:
        self.left -= task.seconds
        self.changed = True

    def arrived(self, task: Task) -> None:
        for run in task.runs:
            self.blocks[run] -= 1
            if not self.blocks[run]:
                self.cells_done += self.readers[run]


class Ticker:
    """Told of every task, it tells people and disk; a context manager, whose end closes the diaries.

    ``work``: for each experiment its request, its tasks, and its diary.
    """

    def __init__(self, work: Sequence[tuple[Request, Sequence[Task], Diary]]) -> None:
        self._tallies = {request: _Tally(request, tasks) for request, tasks, _ in work}
        self._diaries: Mapping[Request, Diary] = {request: diary for request, _, diary in work}
        every = [task for _, tasks, _ in work for task in tasks]
        self._replicates = sum(len(task.runs) * task.replicates for task in every)
        self._replicates_done = 0
        self._began = self._said = self._written = time.monotonic()
        self._bar: Progress | None = None
        if every and sys.stderr.isatty():
            columns = (TextColumn("computing"), BarColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._line = self._bar.add_task(self.line(), total=1.0)

    def __enter__(self) -> Ticker:
        if self._bar is not None:
            self._bar.start()
        self._write()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._replicates and kind is None:
            self._say()

    def done(self, task: Task, answer: Done | None) -> None:
        tally = self._tallies[task.request]
        tally.take(task)
        tally.arrived(task)
        self._replicates_done += len(task.runs) * task.replicates
        if answer is not None:
            tally.computed += 1
            tally.predicted += task.seconds
            tally.measured += answer.seconds
            tally.hosts.add(answer.host)

    def split(self, task: Task, pieces: Sequence[Task]) -> None:
        tally = self._tallies[task.request]
        tally.left += sum(piece.seconds for piece in pieces) - task.seconds

    def failed(self, failure: Failure) -> None:
        tally = self._tallies[failure.task.request]
        tally.take(failure.task)
        tally.failures.append(failure)

    def factor(self, task: Task) -> float:
        tally = self._tallies[task.request]
        return tally.measured / tally.predicted if tally.predicted else 1.0

    def tick(self) -> None:
        moment = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._line, description=self.line(), completed=self._fraction())
        elif moment - self._said > PLAIN:
            self._say()
        if moment - self._written > PLAIN:
            self._write()

    def seconds_left(self) -> float:
        """What is left, by the pace of what is done; nan before the first task has finished."""
        tallies = self._tallies.values()
        predicted, measured = (sum(getattr(t, name) for t in tallies) for name in ("predicted", "measured"))
        if not measured:
            return math.nan
        overall = measured / predicted
        work = sum(t.left * (t.measured / t.predicted if t.predicted else overall) for t in tallies)
        at_once = max(1.0, measured / max(time.monotonic() - self._began, 1e-9))
        return work / at_once

    def line(self) -> str:
        tallies = self._tallies.values()
        failed = sum(len(t.failures) for t in tallies)
        parts = [
            f"cells {sum(t.cells_done for t in tallies):,}/{sum(t.cells for t in tallies):,}",
            f"replicates {self._replicates_done:,}/{self._replicates:,}",
        ]
        if failed:
            parts.append(f"{failed} {'task' if failed == 1 else 'tasks'} failed")
        if (left := self.seconds_left()) == left:
            parts.append(f"about {spoken(left)} left" if left >= 0.5 else f"{spoken(time.monotonic() - self._began)}")
        return ", ".join(parts)

    def close(self, state: str) -> None:
        """The last page of each diary: "finished", "interrupted", "stopped"."""
        self._write(state=state)

    def _fraction(self) -> float:
        tallies = self._tallies.values()
        done, left = (sum(getattr(t, name) for t in tallies) for name in ("predicted", "left"))
        return done / (done + left) if done + left else 1.0

    def _say(self) -> None:
        self._said = time.monotonic()
        print(self.line(), file=sys.stderr, flush=True)

    def _write(self, state: str = "running") -> None:
        self._written = time.monotonic()
        for request, tally in self._tallies.items():
            diary = self._diaries[request]
            diary.write(
                state=state,
                seconds=round(self._written - self._began, 3),
                cells=tally.cells,
                cells_done=tally.cells_done,
                tasks_computed=tally.computed,
                task_seconds=round(tally.measured, 3),
                task_hosts=sorted(tally.hosts),
                seconds_left=self.seconds_left(),
                failures=[
                    {"n": f.task.n, "first": f.task.first, "runs": len(f.task.runs), "status": f.status, "reason": f.reason}
                    for f in tally.failures
                ],
            )


def spoken(seconds: float) -> str:
    """``40 s``, ``12 min``, ``3.5 h``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
