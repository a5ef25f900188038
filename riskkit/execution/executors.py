"""Where tasks run. Everything is a ``concurrent.futures.Executor``: this process, local processes, a Dask cluster.

Whoever dispatches needs four things more, and ``Workers`` has them: how many tasks to keep in flight, whether the
workers are still there, how to let go of them at once, and what to call them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, NamedTuple, ParamSpec, TypeVar
from urllib.parse import urlsplit

P = ParamSpec("P")
A = TypeVar("A")

PATIENCE = 10.0
"""Seconds that a scheduler has to answer."""

AHEAD = "RISKKIT_AHEAD"
"""The variable that tells the server of workers what they will do and be asked, as JSON."""
LONGEST = 100_000
"""Characters that a variable of the environment may surely have; where more is asked workers make their own plans."""


class WorkersError(Exception):
    """Workers that cannot be had, or are gone; one line that says what to do."""


class Workers(NamedTuple):
    """Attributes:
    executor: takes tasks.
    width: how many tasks to keep in flight; a cluster may grow.
    lost: why no task will ever come back, or None.
    stop: drops running tasks and lets go of the workers within a second or two.
    name: for people.
    """

    executor: Executor
    width: Callable[[], int]
    lost: Callable[[], str | None]
    stop: Callable[[], None]
    name: str


def in_process(jobs: int = 1) -> Workers:
    """Threads of this process: one for a GPU or one job, several for compiled engines; the main thread stays free to
    hear a signal."""
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="riskkit")
    name = "this process" if jobs == 1 else f"{jobs} threads"
    # One task more than can run, for each thread: none need wait until its last answer is on disk.
    width = 1 if jobs == 1 else 2 * jobs
    return Workers(pool, lambda: width, lambda: None, lambda: pool.shutdown(wait=False, cancel_futures=True), name)


def processes(jobs: int) -> Workers:
    """``jobs`` processes on this machine."""
    seats = Seats(jobs)
    # One task more than can run, for each worker: none need wait until its last answer is on disk.
    return Workers(seats, lambda: 2 * jobs, lambda: None, seats.kill, f"{jobs} processes")


def nearby(workers: Workers, jobs: int, several: bool) -> Workers:
    """Those of this machine, for what is done beside computing: ``workers`` themselves where they can."""
    if several and jobs > 1:
        return beside(workers, jobs)
    return workers if isinstance(workers.executor, ThreadPoolExecutor) else in_process()


def beside(workers: Workers, jobs: int) -> Workers:
    """Processes of this machine: ``workers`` where they are such."""
    return workers if isinstance(workers.executor, Seats) else processes(jobs)


class Seats(Executor):
    """One loky worker a seat: a worker that dies takes its own task with it and no other, and its seat is filled anew.

    (In a pool of many workers one death breaks all tasks in flight, and nobody knows whose fault it was.)
    """

    def __init__(self, seats: int) -> None:
        self._free = seats
        self._idle: list[Any] = []
        self._busy: dict[Future[Any], tuple[Any, Future[Any]]] = {}
        self._waiting: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._closed = False
        self._lock = threading.RLock()

    def submit(self, call: Callable[P, A], /, *arguments: P.args, **named: P.kwargs) -> Future[A]:
        if named:
            raise TypeError("Seats.submit takes positional arguments only.")
        promise: Future[A] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers have been let go.")
            self._waiting.append((promise, call, arguments))
            self._seat()
        return promise

    def _seat(self) -> None:
        """Gives waiting tasks to idle workers, and to new ones while seats are free."""
        while self._waiting and not self._closed and (self._idle or self._free):
            promise, call, arguments = self._waiting.popleft()
            if not promise.set_running_or_notify_cancel():
                continue
            if self._idle:
                worker = self._idle.pop()
            else:
                worker = _worker()
                self._free -= 1
            running = worker.submit(call, *arguments)
            self._busy[promise] = worker, running
            running.add_done_callback(lambda done, promise=promise: self._done(promise, done))

    def _done(self, promise: Future[Any], done: Future[Any]) -> None:
        from concurrent.futures.process import BrokenProcessPool

        error = None if done.cancelled() else done.exception()
        with self._lock:
            worker, _ = self._busy.pop(promise)
            if done.cancelled() or isinstance(error, BrokenProcessPool):
                self._free += 1
            else:
                self._idle.append(worker)
            self._seat()
        if done.cancelled():
            promise.set_exception(BrokenProcessPool("the worker was stopped"))
        elif error is not None:
            promise.set_exception(error)
        else:
            promise.set_result(done.result())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Lets idle workers go; with ``wait`` only after the tasks that were submitted."""
        if cancel_futures:
            with self._lock:
                for promise, _, _ in self._waiting:
                    promise.cancel()
        while wait and (self._busy or self._waiting):
            time.sleep(0.01)
        with self._lock:
            self._closed = True
            workers = [*self._idle, *(worker for worker, _ in self._busy.values())]
        for worker in workers:
            worker.shutdown(wait=wait)

    def kill(self) -> None:
        """Ends all workers now, whatever they are doing."""
        with self._lock:
            self._closed = True
            idle, busy = list(self._idle), list(self._busy.values())
        for worker, running in busy:
            # loky stumbles over a task that it has not yet looked at when it is told to kill.
            patience = time.monotonic() + 1
            while not (running.running() or running.done()) and time.monotonic() < patience:
                time.sleep(0.005)
            worker.shutdown(wait=True, kill_workers=True)
        for worker in idle:
            worker.shutdown(wait=True, kill_workers=True)


RENEWED = "A worker stopped while some jobs were given"
"""What loky warns of where it renews a worker whose memory has grown, which loses nothing and is no fault."""
warnings.filterwarnings("ignore", RENEWED, UserWarning)
# As this is imported too: what is set inside somebody's catch_warnings ends with it, and workers live on.

GROWTH = 1 / 8
"""How far a worker's memory may grow before it is renewed, in shares of a core's part of the machine's. loky's own
300 MB are less than the plans and blocks of a sweep."""


def serve(asked: Sequence[Mapping[str, Any]] = (), *, compute: bool = True) -> bool:
    """Has a server load what workers need, once for all of them, which are forked from it: to draw, and with
    ``compute`` to compute and judge, for which it makes the plans of these requests; whether there is one. It begins at
    once, and beside what this process does."""
    if sys.platform != "linux" or not _importable():
        return False
    from multiprocessing import forkserver

    multiprocessing.get_context("forkserver").set_forkserver_preload(["riskkit.execution.ahead"])
    told = json.dumps({"compute": compute, "study": True, "asked": asked})
    if len(told) >= LONGEST:
        told = json.dumps({"compute": compute, "study": True, "asked": []})
    os.environ[AHEAD] = told
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop(AHEAD, None)
    return True


def _worker() -> Any:
    """A process of its own, forked from the server where there is one; else a fresh one, which loads what it needs and
    makes its plans itself."""
    from joblib.externals.loky.process_executor import ProcessPoolExecutor

    warnings.filterwarnings("ignore", RENEWED, UserWarning)
    context = multiprocessing.get_context("forkserver") if serve() else None
    here = (dict(os.environ), None if context else os.getpid())
    return ProcessPoolExecutor(max_workers=1, context=context, initializer=_attend, initargs=here)


def _importable() -> bool:
    """Whether a worker may import what this process has as its main module, which the server asks of it: a module that
    was run by its name is made for that, a person's script may not be."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or not hasattr(main, "__file__")


def _attend(environment: dict[str, str], parent: int | None) -> None:
    """In a worker: leave Ctrl-C to the process that asked for it, have its environment, and do not outlive it, however
    it died. ``parent``: the one that started this process, None: a server did, at the asking one's wish."""
    from joblib.externals.loky import process_executor

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (os.cpu_count() or 1)
    process_executor._MAX_MEMORY_LEAK_SIZE = max(process_executor._MAX_MEMORY_LEAK_SIZE, int(GROWTH * memory))
    os.environ.clear()
    os.environ.update(environment)
    asking = multiprocessing.parent_process()

    def watch() -> None:
        if parent is None and asking is not None:
            asking.join()
        while parent is not None and os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="riskkit-watch").start()


def check_address(address: str) -> None:
    """Raises WorkersError unless the address looks like a scheduler's, ``tcp://127.0.0.1:8786``."""
    parts = urlsplit(address)
    try:
        complete = parts.scheme in ("tcp", "tls", "ws", "wss", "ucx") and parts.hostname and parts.port
    except ValueError:
        complete = False
    if not complete:
        raise WorkersError(f"--scheduler must look like tcp://127.0.0.1:8786; got {address!r}.")


def cluster(address: str) -> Workers:
    """The workers of a Dask scheduler; raises WorkersError if none answers at the address.

    Dask itself moves the tasks of a dead worker to another one; a task whose worker has died four times is given back.
    """
    check_address(address)
    try:
        from distributed import Client
    except ImportError:
        raise WorkersError("--scheduler needs Dask: pip install 'riskkit[cluster]'.") from None
    import logging

    # What matters of a lost connection is said below, in one line; asyncio tells of tasks that nobody waits for. The
    # loggers further down have levels of their own, which these do not override.
    libraries = ("distributed", "asyncio", "tornado")
    for name in [*libraries, *(n for n in logging.root.manager.loggerDict if n.partition(".")[0] in libraries)]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        raise WorkersError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); start one with: dask scheduler."
        ) from error

    def lost() -> str | None:
        if client.status == "running":
            return None
        return f"the Dask scheduler at {address} is gone"

    def width() -> int:
        workers = client.scheduler_info(n_workers=-1).get("workers", {})
        return 2 * max(1, sum(worker["nthreads"] for worker in workers.values()))

    def stop() -> None:
        client.close(timeout=1)

    return Workers(client.get_executor(pure=False), width, lost, stop, f"Dask at {address}")
