"""A sweep from the missing tasks to the verdicts: computes, repairs, grows, concludes.

One rule makes resuming, repairing and growing the same thing: compute what the store lacks, until everything that was
asked can be read from it. A shard is verified when it is read; one that turns out damaged, or has been deleted since,
counts as missing, and its tasks are computed again.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from riskkit.execution.conclusion import Concluded, Lost, check, conclude_stored, gather, keep_other, record
from riskkit.execution.executors import Seats, Workers
from riskkit.execution.progress import Ticker
from riskkit.execution.scheduling import Failure, run_tasks
from riskkit.execution.tasks import Request, Task, missing_tasks, physical_memory
from riskkit.execution.telling import tell
from riskkit.execution.terminal import Terminal
from riskkit.identity import short
from riskkit.judges.outcome import counted
from riskkit.stats.columns import selecting_replicates
from riskkit.store import provenance
from riskkit.store.provenance import Diary
from riskkit.store.shards import MissingReplicatesError, QuarantineWarning, Store, StoreError
from riskkit.verdicts.bounds import half_width
from riskkit.verdicts.data import Data
from riskkit.verdicts.deciding import replicates_to_decide

REPAIRS = 3
"""How often an experiment whose shards do not stay whole is computed again before that is reported."""

MOST_REPLICATES = 2**17
"""Precision on demand goes no further."""


class Answer(NamedTuple):
    """What a sweep came to: the verdicts of each experiment in words, the tasks that failed, how many were computed and
    how many were in the store, and when those had been measured."""

    texts: list[str]
    failures: list[Failure]
    computed: int
    taken: int
    measured: str


def answer(
    requests: Sequence[Request],
    stores: Mapping[str, Store],
    workers: Workers,
    about: Mapping[str, Any],
    *,
    precision: float | None = None,
    decide: int | None = None,
    allowed: float = math.inf,
    jobs: int = 1,
) -> Answer:
    """Answers every request from its experiment's store; ``about`` goes into the diaries. ``jobs`` processes conclude.

    With ``precision`` the replicates double until every fitted exponent's interval is at most +-precision wide. With
    ``decide`` those are added, once and at most up to it, that the declared widths of all lines take. With
    more failures than ``allowed`` it raises FailFastError; StoreError and WorkersError as ``run_tasks`` does.
    """
    diaries = {
        request.experiment: Diary(stores[request.experiment].root, {**about, "request": request._asdict()})
        for request in requests
    }
    ticker = Ticker(diaries)
    texts: dict[str, str] = {}
    failures: list[Failure] = []
    lost: dict[str, dict[str, tuple[str, str]]] = {request.experiment: {} for request in requests}
    repairs = dict.fromkeys(stores, 0)
    undecided = {request.experiment for request in requests} if decide is not None else set()
    pending = list(requests)
    taken, times = 0, []

    def damaged(name: str, error: MissingReplicatesError) -> None:
        repairs[name] += 1
        if repairs[name] > REPAIRS:
            raise StoreError(
                f"{stores[name].root}: stored files keep getting damaged; check the disk ({error})"
            ) from error

    try:
        while pending:
            first = not texts and not any(repairs.values()) and ticker.computed == 0
            work = [pair for request in pending for pair in _missing(request, stores, lost, ticker)]
            if first:
                for request in pending:
                    lacking = sum(task.request == request for task, _ in work)
                    taken += len(missing_tasks(request, {})) - lacking
                    times += stores[request.experiment].written(request.plan().runs)
            work.sort(key=lambda pair: -pair[0].seconds)
            with ticker, _quarantine(stores):
                failed = run_tasks(work, workers, ticker, allowed=allowed)
            failures += failed
            for failure in failed:
                lost[failure.task.request.experiment] |= dict.fromkeys(
                    failure.task.runs, (failure.status, failure.reason)
                )
            settled, again = [], []
            for request in pending:
                name = request.experiment
                try:
                    with _quarantine(stores):
                        check(request, stores[name], lost[name])
                        # Everything is read again where it is concluded, maybe in another process.
                        wanted = (precision is not None or name in undecided) and not lost[name]
                        read = request if precision is not None else _pilot(request)
                        data = gather(read, stores[name], lost[name]) if wanted else None
                except MissingReplicatesError as error:
                    damaged(name, error)
                    again.append(request)
                    continue
                more = None
                if data is not None and precision is not None:
                    more = _grown(data, request, precision)
                elif data is not None and decide is not None:
                    undecided.discard(name)
                    more = _enough(data, request, decide)
                del data
                if more is not None:
                    again.append(more)
                    continue
                settled.append(request)
            for request in settled:
                kept = keep_other(request, stores[request.experiment].root)
                if kept is not None:
                    tell(f"{request.experiment}: the table of another question that lay there is kept in {kept}.")
            for request, concluded in _conclusions(settled, stores, lost, workers, jobs):
                name = request.experiment
                if isinstance(concluded, MissingReplicatesError):
                    damaged(name, concluded)
                    again.append(request)
                    continue
                texts[name] = concluded.text
                ticker.close(name, "finished", engine=concluded.engines)
                stores[name].write_json("run.json", record(request, stores[name].root, lost[name]))
            pending = again
    except BaseException as error:
        # The disk may be what failed: the last page is then not written, and the diary shows no sign of life.
        with contextlib.suppress(StoreError):
            for name in diaries:
                if name not in texts:
                    state = "interrupted" if isinstance(error, KeyboardInterrupt) else "stopped"
                    ticker.close(name, state, why=str(error))
        raise
    words = [texts[request.experiment] for request in requests]
    return Answer(words, failures, ticker.computed, taken, provenance.span(times))


def _conclusions(
    settled: Sequence[Request], stores: Mapping[str, Store], lost: Mapping[str, Lost], workers: Workers, jobs: int
) -> Iterator[tuple[Request, Concluded | MissingReplicatesError]]:
    """Tables and verdicts, of several experiments side by side: nothing in them depends on another. Those that need
    much memory, and one whose worker died (for want of memory, as a rule), are concluded here, one after the other."""
    terminal = Terminal.here()
    asked = {
        request: (request, stores[request.experiment].root, lost[request.experiment], terminal) for request in settled
    }
    alone = [request for request in settled if request.concluding() * jobs > physical_memory()]
    together = [request for request in settled if request not in alone]
    if jobs == 1 or len(together) == 1:
        alone, together = list(settled), []
    # The processes that have computed know the plans; threads would wait for each other.
    seats = workers.executor if isinstance(workers.executor, Seats) else Seats(jobs)
    try:
        futures = {request: seats.submit(conclude_stored, *asked[request]) for request in together}
        for request, future in futures.items():
            try:
                yield request, future.result()
            except MissingReplicatesError as error:
                yield request, error
            except BrokenProcessPool:
                alone.append(request)
    finally:
        if seats is not workers.executor:
            seats.kill()
    for request in alone:
        try:
            yield request, conclude_stored(*asked[request])
        except MissingReplicatesError as error:
            yield request, error


def _missing(
    request: Request, stores: Mapping[str, Store], lost: Mapping[str, Lost], ticker: Ticker
) -> list[tuple[Task, Store]]:
    """The tasks whose runs the store lacks and that have not failed for good."""
    store = stores[request.experiment]
    with _quarantine(stores):
        found = missing_tasks(request, store.have())
    found = [task for task in found if not all(run in lost[request.experiment] for run in task.runs)]
    ticker.expect(request, found)
    return [(task, store) for task in found]


def _grown(data: Data, request: Request, precision: float) -> Request | None:
    """The request with twice the replicates if some exponent is not known to +-precision yet. The width alone decides,
    never what a verdict would say; the replicates there are stay the first ones."""
    width, replicates = half_width(data), data.replicates
    if not width > precision:
        return None
    if 2 * replicates > MOST_REPLICATES:
        most = f"at most {MOST_REPLICATES} are made"
        tell(f"{request.experiment}: +-{short(width, 2)} after {replicates} replicates; {most}.")
        return None
    tell(f"{request.experiment}: +-{short(width, 2)} after {replicates} replicates; doubling them.")
    return request._replace(replicates=2 * replicates)


def _pilot(request: Request) -> Request:
    """The same of the first quarter of the replicates."""
    return request._replace(replicates=max(selecting_replicates(request.plan().size.replicates), 1))


def _enough(pilot: Data, request: Request, budget: int) -> Request | None:
    """The request with the replicates that its lines need for their declared widths, as far as the budget reaches; None
    where it has them. The variances of the pilot alone decide, before any verdict."""
    name, replicates = request.experiment, int(request.plan().size.replicates)
    try:
        needed, beyond = replicates_to_decide(pilot, replicates, budget)
    except ValueError as error:
        tell(f"{name}: no replicates are added: {error}.")
        return None
    kinds = ", ".join(counted(count, kind) for kind, count in beyond.items())
    more = f"; more than {budget} would be needed by {kinds}" if beyond else ""
    if needed <= replicates:
        tell(f"{name}: no line within the budget needs more than its {replicates} replicates{more}.")
        return None
    tell(f"{name}: {needed} replicates in place of {replicates}, for the declared widths{more}.")
    return request._replace(replicates=needed)


@contextlib.contextmanager
def _quarantine(stores: Mapping[str, Store]) -> Iterator[None]:
    """Says in one line each which shards the body found damaged."""
    before = {name: len(store.quarantined) for name, store in stores.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)
        try:
            yield
        finally:
            for name, store in stores.items():
                for bad in store.quarantined[before[name] :]:
                    kept = "" if bad.kept is None else f", kept as {bad.kept}"
                    tell(f"riskkit sweep: shard {bad.name} is damaged ({bad.reason}){kept}; computing it again.")
