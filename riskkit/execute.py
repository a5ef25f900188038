"""Turns a plan into stored measurements: tasks, workers, progress.

A task is a batch of runs that share datasets, on one block of replicates. Workers receive the study's folder, names and
numbers, build the plan anew and answer with arrays; only the parent writes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from riskkit import study
from riskkit.experiment import Plan, Size, Sweep, plan, replace_axes
from riskkit.measure import Measured, block_size, measure_block
from riskkit.problem import Problem
from riskkit.store import Store

RUNS_A_BATCH = 64
"""Configurations that advance together at most; more would only cost memory."""


class Request(NamedTuple):
    """What was asked of one experiment, in primitive values: it travels to workers and into run.json."""

    study: str
    experiment: str
    size: str = "laptop"
    problem: str | None = None
    axes: tuple[tuple[str, tuple[float, ...]], ...] = ()
    replicates: int | None = None
    seed: int | None = None
    dtype: str = "float64"
    device: str = "cpu"

    def plan(self) -> Plan:
        """The plan; raises ValueError or StudyError, in one line, for what makes no sense."""
        return _plan(self)


QUICK_REPLICATES = 64
QUICK_STEPS = 512


def _quick(size: Size) -> Size:
    """One block of replicates and short runs: enough to see every step of the pipeline, in seconds."""

    def short(sweep: Sweep) -> Sweep:
        if sweep.kT:
            kept = tuple(total for total in sweep.kT if total <= QUICK_STEPS)
            return Sweep(sweep.axis, sweep.n, sweep.k, sweep.alpha, kT=kept or sweep.kT[:1])
        kept = tuple(T for T in sweep.T if T * max(sweep.k) <= QUICK_STEPS)
        return Sweep(sweep.axis, sweep.n, sweep.k, sweep.alpha, T=kept or sweep.T[:1])

    return Size(tuple(short(sweep) for sweep in size.sweeps), min(size.replicates, QUICK_REPLICATES))


@functools.lru_cache(maxsize=64)
def _plan(request: Request) -> Plan:
    experiment = study.experiment(request.experiment, Path(request.study))
    if request.problem is not None:
        experiment = dataclasses.replace(experiment, problem=study.problem(request.problem, Path(request.study)))
    if request.seed is not None:
        experiment = dataclasses.replace(experiment, seed=request.seed)
    size = experiment.paper if request.size == "paper" or experiment.laptop is None else experiment.laptop
    if request.size == "quick":
        size = _quick(size)
    size = replace_axes(size, dict(request.axes), experiment.name)
    if request.replicates is not None:
        size = dataclasses.replace(size, replicates=request.replicates)
    return plan(experiment, size, request.dtype)


class Task(NamedTuple):
    """Some runs of one problem and sample size, on the block of replicates that starts at ``first``."""

    request: Request
    n: int
    runs: tuple[str, ...]
    first: int
    gradients: int
    """Gradient steps of all runs on one replicate: what the task's time grows with."""


class Failure(NamedTuple):
    """A task that did not finish, and why."""

    task: Task
    reason: str


def tasks(request: Request, have: dict[str, set[int]]) -> list[Task]:
    """What is still missing, the longest first."""
    made = request.plan()
    missing: dict[tuple[Problem, int, int], list[str]] = {}
    for address, run in made.runs.items():
        size = block_size(run.problem, run.n)
        for first in range(0, made.size.replicates, size):
            if first not in have.get(address, set()):
                missing.setdefault((run.problem, run.n, first), []).append(address)
    found = []
    for (_, n, first), addresses in missing.items():
        # Runs of like length advance together.
        addresses.sort(key=lambda address: (-made.runs[address].algorithm.steps, address))
        for start in range(0, len(addresses), RUNS_A_BATCH):
            chunk = tuple(addresses[start : start + RUNS_A_BATCH])
            found.append(Task(request, n, chunk, first, sum(made.runs[a].algorithm.steps for a in chunk)))
    return sorted(found, key=lambda task: (-task.gradients, task.n, task.first))


def compute(task: Task) -> list[Measured]:
    """One task, in any process."""
    made = task.request.plan()
    runs = [made.runs[address] for address in task.runs]
    return measure_block(
        runs[0].problem,
        task.n,
        [run.algorithm for run in runs],
        [np.array(run.rounds) for run in runs],
        task.runs,
        seed=made.experiment.seed,
        first=task.first,
        dtype=task.request.dtype,
        device=task.request.device,
    )


def execute(work: Sequence[tuple[Task, Store]], jobs: int) -> list[Failure]:
    """Computes and stores every task; returns those that failed. What is finished is on disk whatever happens next."""
    failures: list[Failure] = []
    with _progress(len(work)) as advance:
        if jobs == 1 or len(work) <= 1:
            for task, store in work:
                try:
                    store.put(compute(task))
                except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
                    failures.append(Failure(task, f"{type(error).__name__}: {error}"))
                advance()
            return failures
        pool = _pool(min(jobs, len(work)))
        futures: dict[Future[list[Measured]], tuple[Task, Store]] = {
            pool.submit(compute, task): (task, store) for task, store in work
        }
        try:
            for future in as_completed(futures):
                task, store = futures[future]
                try:
                    store.put(future.result())
                except (BrokenProcessPool, CancelledError) as error:
                    failures.append(Failure(task, f"a worker died ({type(error).__name__}); the same command resumes"))
                except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
                    failures.append(Failure(task, f"{type(error).__name__}: {error}"))
                advance()
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return failures


def _pool(jobs: int) -> Executor:
    from joblib.externals.loky import get_reusable_executor

    pool: Executor = get_reusable_executor(max_workers=jobs)
    return pool


@contextlib.contextmanager
def _progress(total: int) -> Iterator[functools.partial[None]]:
    """Yields what to call after each task: a bar on a terminal, a plain line every few seconds otherwise."""
    if sys.stderr.isatty():
        from rich.console import Console

        columns = (TextColumn("computing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            line = bar.add_task("computing", total=total)
            yield functools.partial(bar.advance, line)
        return
    done, last = 0, time.monotonic()

    def advance() -> None:
        nonlocal done, last
        done += 1
        if done == total or time.monotonic() - last > 5:
            last = time.monotonic()
            print(f"computed {done} of {total} blocks", file=sys.stderr, flush=True)

    yield functools.partial(advance)
