"""Sends tasks to workers, stores what comes back, and makes of every failure a datum.

A task that fails is tried again, three times in all; what then still fails is reported with its reason, and the
others go on. Only a store that cannot be written, workers that are all gone, or more failures than are allowed end a
sweep early; what is finished is on disk whatever happens.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Literal, NamedTuple, Protocol

from riskkit.execution import tasks
from riskkit.execution.executors import Workers, WorkersError
from riskkit.execution.tasks import Done, Task
from riskkit.problem import NoMinimiserError
from riskkit.store.shards import Store

TRIES = 3
TICK = 0.5
"""Seconds between two looks at the clock, whether a task has finished or not."""


class Failure(NamedTuple):
    """A task that did not finish, and why."""

    task: Task
    status: Literal["failed", "no minimiser"]
    reason: str


class FailFastError(Exception):
    """A failure too many."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Watch(Protocol):
    """Who is told how it goes."""

    def done(self, task: Task, answer: Done | None) -> None:
        """A task is on disk; answer None: another sweep had put it there."""

    def split(self, task: Task, pieces: Sequence[Task]) -> None:
        """A task takes longer than was foreseen and became several."""

    def failed(self, failure: Failure) -> None: ...

    def factor(self, task: Task) -> float:
        """Measured over predicted seconds of tasks like this one, so far."""

    def tick(self) -> None: ...


def run_tasks(
    work: Sequence[tuple[Task, Store]], workers: Workers, watch: Watch, *, allowed: float = math.inf
) -> list[Failure]:
    """Computes and stores every task, in the order given; returns those that failed.

    Raises StoreError if results cannot be written, WorkersError if no worker is left, FailFastError for more failures
    than ``allowed``. Running tasks are then abandoned; call ``workers.stop``.
    """
    waiting = deque(work)
    tries: Counter[Task] = Counter()
    failures: list[Failure] = []
    flying: dict[Future[Done], tuple[Task, Store]] = {}
    while waiting or flying:
        room = workers.width() - len(flying) if waiting else 0
        while waiting and room > 0:
            task, store = waiting.popleft()
            if store.holds(task.runs, task.first):
                watch.done(task, None)
                continue
            pieces = _resized(task, watch.factor(task)) if not tries[task] else [task]
            if len(pieces) > 1:
                watch.split(task, pieces)
                waiting.extendleft((piece, store) for piece in reversed(pieces))
                continue
            flying[_submit(workers, task)] = task, store
            room -= 1
        finished, _ = wait(flying, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in finished:
            task, store = flying.pop(future)
            try:
                answer = future.result()
            except (Exception, CancelledError) as error:
                if (gone := workers.lost()) is not None:
                    raise WorkersError(f"{gone}; what is finished is kept.") from error
                tries[task] += 1
                final = isinstance(error, NoMinimiserError)  # the same numbers would come again
                if tries[task] < TRIES and not final:
                    waiting.appendleft((task, store))
                    continue
                failure = Failure(task, "no minimiser" if final else "failed", _reason(error, tries[task]))
                failures.append(failure)
                watch.failed(failure)
                if len(failures) > allowed:
                    raise FailFastError(failure) from error
            else:
                store.put(answer.measured)
                watch.done(task, answer)
        if not finished and flying and (gone := workers.lost()) is not None:
            raise WorkersError(f"{gone}; what is finished is kept.")
        watch.tick()
    return failures


def _submit(workers: Workers, task: Task) -> Future[Done]:
    try:
        return workers.executor.submit(tasks.compute, task)
    except RuntimeError as error:  # a client that has closed itself
        raise WorkersError(f"{workers.lost() or error}; what is finished is kept.") from error


def _resized(task: Task, factor: float) -> list[Task]:
    """A task that would take more than twice what it may, going by those before it, in pieces."""
    if factor * task.seconds <= 2 * tasks.LONGEST_TASK:
        return [task]
    return tasks.sized(task.request, task.runs, task.first, tasks.LONGEST_TASK / factor)


def _reason(error: BaseException, tries: int) -> str:
    if isinstance(error, BrokenProcessPool):
        codes = re.search(r"exit codes? of the workers? (?:are|is) \{(.*?)\}", str(error))
        text = f"its worker died{f' ({codes[1]})' if codes else ''}"
    else:
        lines = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {lines[0]}".rstrip(": ")
    return text if tries < TRIES else f"{text}, {TRIES} times"
