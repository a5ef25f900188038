"""A task on its way: to a worker, from there into the store; and every failure is made a datum.

A task that fails is tried again, three times in all; what then still fails is reported with its reason, and the
others go on. Only a store that cannot be written, workers that are all gone, or more failures than are allowed end a
sweep early; what is finished is on disk whatever happens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Literal, NamedTuple, Protocol

from riskkit.execution import tasks
from riskkit.execution.executors import Workers, WorkersError
from riskkit.execution.tasks import Done, Task
from riskkit.problem import NoMinimiserError
from riskkit.store.shards import Store

TRIES = 3


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


class Desk(Protocol):
    """Whom the tasks of an experiment belong to."""

    workers: Workers
    store: Store
    watch: Watch

    def settled(self, task: Task, failure: Failure | None) -> None:
        """A task is on disk, or has failed for good."""

    def replaced(self, task: Task, pieces: Sequence[Task]) -> None:
        """These are to be computed in its place."""

    def again(self, step: Computing) -> None:
        """It is to be tried once more, and soon."""


class Computing:
    """The step that computes and stores a task; one that fails is tried three times in all.

    It raises StoreError if results cannot be written, WorkersError if no worker is left.
    """

    def __init__(self, task: Task, desk: Desk, tries: int = 0) -> None:
        self._task, self._desk, self._tries = task, desk, tries

    def call(self) -> Sequence[Any] | None:
        task, desk = self._task, self._desk
        if desk.store.holds(task.runs, task.first):
            desk.watch.done(task, None)
            desk.settled(task, None)
            return None
        pieces = [task] if self._tries else _resized(task, desk.watch.factor(task))
        if len(pieces) == 1:
            return tasks.compute, task
        desk.watch.split(task, pieces)
        desk.replaced(task, pieces)
        return None

    def finished(self, future: Future[Done]) -> None:
        task, desk = self._task, self._desk
        try:
            answer = future.result()
        except (Exception, CancelledError) as error:
            if (gone := desk.workers.lost()) is not None:
                raise WorkersError(f"{gone}; what is finished is kept.") from error
            tries = self._tries + 1
            final = isinstance(error, NoMinimiserError)  # the same numbers would come again
            if tries < TRIES and not final:
                desk.again(Computing(task, desk, tries))
                return
            failure = Failure(task, "no minimiser" if final else "failed", _reason(error, tries))
            desk.watch.failed(failure)
            desk.settled(task, failure)
        else:
            desk.store.put(answer.measured)
            desk.watch.done(task, answer)
            desk.settled(task, None)


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
