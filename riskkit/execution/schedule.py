"""Steps of several kinds, each as soon as it may begin and a worker is free for it, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, NamedTuple, Protocol

from riskkit.execution.executors import Workers, WorkersError

TICK = 0.5
"""Seconds between two looks at the clock, whether a step has finished or not."""


Rank = tuple[float, ...]


class Lane(NamedTuple):
    """Workers for steps of a kind, and how many of these to keep in flight."""

    executor: Executor
    width: Callable[[], int]


class Step(Protocol):
    """What one worker does at once."""

    def call(self) -> Sequence[Any] | None:
        """The function and its arguments, asked when a worker is free; None where there is nothing to do, or other
        steps were added in its place."""

    def finished(self, future: Future[Any]) -> None:
        """It has come back; may add further steps."""


class Schedule:
    """Steps that wait, and those under way.

    ``tick`` is called at least twice a second. Steps may be added at any time, by steps that have finished too.
    """

    def __init__(self, workers: Workers, tick: Callable[[], None]) -> None:
        self._workers, self._tick = workers, tick
        self._waiting: dict[Executor, list[tuple[Rank, int, Step]]] = {}
        self._lanes: dict[Executor, Lane] = {}
        self._flying: dict[Future[Any], tuple[Executor, Step]] = {}
        self._number = itertools.count()

    def add(self, step: Step, lane: Lane, rank: Rank, *, first: bool = False) -> None:
        """Steps of a lower rank begin earlier, and of equal ones those that were added earlier; ``first``: before all
        others of its rank."""
        self._lanes[lane.executor] = lane
        number = next(self._number)
        heapq.heappush(self._waiting.setdefault(lane.executor, []), (rank, -number if first else number, step))

    def run(self) -> None:
        """Until nothing is left. Raises what steps raise as they are told, and WorkersError if no worker is left;
        what is under way is then abandoned."""
        while self._begin() or self._flying:
            done, _ = wait(self._flying, timeout=TICK, return_when=FIRST_COMPLETED)
            for future in done:
                _, step = self._flying.pop(future)
                step.finished(future)
            if not done and self._flying and (gone := self._workers.lost()) is not None:
                raise WorkersError(f"{gone}; what is finished is kept.")
            self._tick()

    def _begin(self) -> bool:
        """Gives waiting steps to workers; whether any of them still waits."""
        for executor, waiting in list(self._waiting.items()):
            if not waiting:
                continue
            room = self._lanes[executor].width() - sum(other is executor for other, _ in self._flying.values())
            while waiting and room > 0:
                _, _, step = heapq.heappop(waiting)
                call = step.call()
                if call is None:
                    continue
                try:
                    self._flying[executor.submit(*call)] = executor, step
                except RuntimeError as error:  # a client that has closed itself
                    raise WorkersError(f"{self._workers.lost() or error}; what is finished is kept.") from error
                room -= 1
        return any(self._waiting.values())
