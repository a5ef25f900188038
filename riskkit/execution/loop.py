"""A sweep from the missing tasks to the verdicts: computes, repairs, grows, concludes, and has each shown.

One rule makes resuming, repairing and growing the same thing: compute what the store lacks, until everything that was
asked can be read from it. A shard is verified when it is read; one that turns out damaged, or has been deleted since,
counts as missing, and its tasks are computed again.

Experiments go their ways side by side: one is concluded as soon as its last task is stored, and shown as soon as it is
concluded, while others still compute. The one that is foreseen to take longest goes first in everything.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from riskkit.execution.conclusion import Concluded, Growing, Lacking, Wish, conclude_stored, record
from riskkit.execution.executors import Workers
from riskkit.execution.progress import Ticker
from riskkit.execution.schedule import Lane, Rank, Schedule
from riskkit.execution.scheduling import Computing, FailFastError, Failure, Watch
from riskkit.execution.tasks import Request, Task, missing_tasks, physical_memory
from riskkit.execution.telling import tell
from riskkit.execution.terminal import Terminal
from riskkit.store import provenance
from riskkit.store.provenance import Diary
from riskkit.store.shards import Quarantined, QuarantineWarning, Store, StoreError

REPAIRS = 3
"""How often an experiment whose shards do not stay whole is computed again before that is reported."""

JUDGING = 0.01
"""Seconds that table and verdicts take for each cell, roughly: the order of experiments goes by it."""


AS_IT_IS = Wish()


class Answer(NamedTuple):
    """What a sweep came to: the verdicts of each experiment in words, the tasks that failed, how many were computed and
    how many were in the store, when those had been measured, and what ``show`` gave for the experiments whose worker
    lived through it."""

    texts: list[str]
    failures: list[Failure]
    computed: int
    taken: int
    measured: str
    shown: dict[str, Any]


class Follow(NamedTuple):
    """What follows once an experiment has been concluded.

    Attributes:
        stored: called here with its name, and whether all of its tasks were computed.
        show: called with its name in any process, maybe while others compute; it raises nothing. None: nothing is.
    """

    stored: Callable[[str, bool], None]
    show: Callable[[str], Any] | None


def answer(
    requests: Sequence[Request],
    stores: Mapping[str, Store],
    workers: Workers,
    nearby: Workers,
    about: Mapping[str, Any],
    follow: Follow | None = None,
    *,
    wish: Wish = AS_IT_IS,
    allowed: float = math.inf,
    jobs: int = 1,
    terminal: Terminal | None = None,
) -> Answer:
    """Answers every request from its experiment's store; ``about`` goes into the diaries.

    ``workers`` compute; ``nearby``, on this machine, concludes and shows, in up to ``jobs`` processes. ``terminal``:
    where the verdicts will be told; None: nowhere, and ``texts`` are empty.

    With ``wish.precision`` the replicates double until every fitted exponent's interval is at most +-precision wide.
    With ``wish.decide`` those are added, once and at most up to it, that the declared widths of all lines take. With
    more failures than ``allowed`` it raises FailFastError; StoreError if results cannot be written, WorkersError if no
    worker is left. What an experiment's conclusion raises beside those is raised once the others are done.
    """
    diaries = {
        request.experiment: Diary(stores[request.experiment].root, {**about, "request": request._asdict()})
        for request in requests
    }
    ticker = Ticker(diaries)
    sweep = _Sweep(workers, nearby, ticker, follow, allowed, jobs, terminal)
    courses = {request.experiment: _Course(request, stores[request.experiment], wish, sweep) for request in requests}
    try:
        with _unwarned(courses.values()):
            for course in courses.values():
                course.begin()
            taken = sum(course.taken for course in courses.values())
            times = [moment for course in courses.values() for moment in course.times]
            with ticker:
                sweep.run()
    except BaseException as error:
        # The disk may be what failed: the last page is then not written, and the diary shows no sign of life.
        with contextlib.suppress(StoreError):
            for name, course in courses.items():
                if course.text is None:
                    state = "interrupted" if isinstance(error, KeyboardInterrupt) else "stopped"
                    ticker.close(name, state, why=str(error))
        raise
    words = [course.text or "" for course in courses.values()]
    shown = {name: course.shown for name, course in courses.items() if course.shown is not None}
    return Answer(words, sweep.failures, ticker.computed, taken, provenance.span(times), shown)


class _Sweep:
    """What the experiments of a sweep share."""

    def __init__(
        self,
        workers: Workers,
        nearby: Workers,
        ticker: Ticker,
        follow: Follow | None,
        allowed: float,
        jobs: int,
        terminal: Terminal | None,
    ) -> None:
        self.workers, self.ticker, self.follow, self.allowed, self.jobs = workers, ticker, follow, allowed, jobs
        self.computing = Lane(workers.executor, workers.width)
        self.nearby = Lane(nearby.executor, nearby.width)
        self.schedule = Schedule(workers, ticker.tick)
        self.terminal = terminal
        self.begun = 0
        self.failures: list[Failure] = []
        self.errors: list[Exception] = []
        self.alone: list[_Course] = []
        """Those that need much memory, or whose worker died (for want of memory, as a rule): they are concluded in this
        process, when nothing else is under way."""

    def run(self) -> None:
        self.schedule.run()
        while self.alone:
            self.alone.pop(0).conclude_here()
            self.schedule.run()
        if self.errors:
            raise self.errors[0]


class _Course:
    """One experiment on its way from its tasks to what is shown of it."""

    def __init__(self, request: Request, store: Store, wish: Wish, sweep: _Sweep) -> None:
        self.store, self.workers = store, sweep.workers
        self.watch: Watch = sweep.ticker
        self.taken, self.times = 0, list[float]()
        self.text: str | None = None
        self.shown: Any = None
        self._request, self._wish, self._sweep = request, wish, sweep
        self._lost: dict[str, tuple[str, str]] = {}
        """The runs without a result: status and reason."""
        self._open = self._repairs = self._told = 0
        self._rank: Rank = ()

    # Tasks.

    def begin(self) -> None:
        """Adds the tasks whose runs the store lacks and that have not failed for good."""
        request, sweep = self._request, self._sweep
        found = missing_tasks(request, self.store.have())
        self.tell_damaged()
        found = [task for task in found if not all(run in self._lost for run in task.runs)]
        sweep.ticker.expect(request, found)
        if not self._rank:
            made = request.plan()
            self.taken = len(missing_tasks(request, {})) - len(found)
            self.times = self.store.written(made.runs)
            foreseen = sum(task.seconds for task in found) + JUDGING * len(made.cells)
            self._rank = (-foreseen, sweep.begun)
            sweep.begun += 1
        self._open = len(found)
        for task in found:
            self._compute(Computing(task, self))
        if not found:
            self._complete()

    def tell_damaged(self) -> None:
        """What this process has met of damaged shards, each once."""
        _tell_damaged(self.store.quarantined[self._told :])
        self._told = len(self.store.quarantined)

    def _compute(self, step: Computing, *, first: bool = False) -> None:
        self._sweep.schedule.add(step, self._sweep.computing, self._rank, first=first)

    def settled(self, task: Task, failure: Failure | None) -> None:
        if failure is not None:
            self._lost |= dict.fromkeys(task.runs, (failure.status, failure.reason))
            self._sweep.failures.append(failure)
            if len(self._sweep.failures) > self._sweep.allowed:
                raise FailFastError(failure)
        self._open -= 1
        if not self._open:
            self._complete()

    def replaced(self, task: Task, pieces: Sequence[Task]) -> None:
        self._open += len(pieces) - 1
        for piece in reversed(pieces):
            self._compute(Computing(piece, self), first=True)

    def again(self, step: Computing) -> None:
        self._compute(step, first=True)

    # Table and verdicts.

    def _complete(self) -> None:
        sweep = self._sweep
        if self._request.concluding() * sweep.jobs > physical_memory():
            sweep.alone.append(self)
        else:
            step = _Nearby((conclude_stored, *self._asked()), self._came)
            sweep.schedule.add(step, sweep.nearby, self._rank, first=True)

    def _asked(self) -> tuple[Any, ...]:
        return self._request, self.store.root, dict(self._lost), self._sweep.terminal, self._wish

    def conclude_here(self) -> None:
        done: Future[Any] = Future()
        try:
            done.set_result(conclude_stored(*self._asked()))
        except Exception as error:
            done.set_exception(error)
        self._came(done)

    def _came(self, future: Future[Concluded | Lacking | Growing]) -> None:
        try:
            found = future.result()
        except BrokenProcessPool:
            self._sweep.alone.append(self)
            return
        except StoreError:
            raise
        except Exception as error:  # a fault of the experiment's, say: the others go on
            self._sweep.errors.append(error)
            return
        match found:
            case Lacking(damaged, why):
                _tell_damaged(damaged)
                self._repairs += 1
                if self._repairs > REPAIRS:
                    raise StoreError(f"{self.store.root}: stored files keep getting damaged; check the disk ({why})")
                self.begin()
            case Growing(request, told):
                _tell(told)
                self._request, self._wish = request, self._wish._replace(decide=None)
                self.begin()
            case Concluded(text, engines, told):
                _tell(told)
                self._concluded(text, engines)

    def _concluded(self, text: str, engines: list[str]) -> None:
        name, sweep = self._request.experiment, self._sweep
        self.text = text
        sweep.ticker.close(name, "finished", engine=engines)
        self.store.write_json("run.json", record(self._request, self.store.root, self._lost))
        if sweep.follow is not None:
            sweep.follow.stored(name, not self._lost)
        if sweep.follow is not None and sweep.follow.show is not None:
            sweep.schedule.add(_Nearby((sweep.follow.show, name), self._was_shown), sweep.nearby, self._rank)

    def _was_shown(self, future: Future[Any]) -> None:
        with contextlib.suppress(BrokenProcessPool):
            self.shown = future.result()


class _Nearby(NamedTuple):
    """A step that is a call and what becomes of it."""

    asked: tuple[Any, ...]
    came: Callable[[Future[Any]], None]

    def call(self) -> Sequence[Any]:
        return self.asked

    def finished(self, future: Future[Any]) -> None:
        self.came(future)


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        tell(line)


def _tell_damaged(shards: Sequence[Quarantined]) -> None:
    for bad in shards:
        kept = "" if bad.kept is None else f", kept as {bad.kept}"
        tell(f"riskkit sweep: shard {bad.name} is damaged ({bad.reason}){kept}; computing it again.")


@contextlib.contextmanager
def _unwarned(courses: Collection[_Course]) -> Iterator[None]:
    """Says in one line each which shards the body found damaged, and lets nothing warn of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        try:
            yield
        finally:
            for course in courses:
                course.tell_damaged()
