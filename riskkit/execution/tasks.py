"""Turns a plan into tasks, and a task into measurements.

A task is a batch of runs that share datasets, on one block of replicates. Workers receive the study's folder, names and
numbers, build the plan anew and answer with arrays; only the parent writes.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import platform
import time
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from riskkit.algorithms.staged import OUTPUTS
from riskkit.algorithms.traits import work
from riskkit.engines.choice import Choice
from riskkit.experiment import study
from riskkit.experiment.plan import Plan
from riskkit.experiment.runs import Run
from riskkit.measure.blocks import keeping
from riskkit.measure.quantities import QUANTITIES, Measured
from riskkit.stats.columns import parts

RUNS_A_BATCH = 64
"""Configurations that advance together at most; more would only cost memory."""

LONGEST_TASK = 20.0
"""Seconds that a task is predicted to take at most, if it has more than one run: what a death costs."""


CONCLUDING = 2.5
"""Memory that reading and judging an experiment is taken to need, in times the bytes of what is kept of its
measurements: these once, and as much again for the copies that the bands and the table make, with something to
spare."""


def physical_memory() -> int:
    """Bytes of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


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
    engine: str = "auto"

    def plan(self) -> Plan:
        """The plan; raises ValueError or StudyError, in one line, for what makes no sense."""
        return _plan(self)

    def bytes(self) -> int:
        """Of all measurements, as they lie in memory."""
        made = self.plan()
        checkpoints = sum(len(run.rounds) for run in made.runs.values())
        return 8 * made.size.replicates * checkpoints * len(OUTPUTS) * len(QUANTITIES)

    def summed(self) -> bool:
        """Whether there are so many replicates that statistics read sums over parts of them."""
        replicates = self.plan().size.replicates
        return parts(replicates) < replicates

    def concluding(self) -> float:
        """Bytes of memory that reading and judging are taken to need."""
        replicates = self.plan().size.replicates
        sums = 2 * parts(replicates) / replicates if self.summed() else 1.0
        return CONCLUDING * self.bytes() * min(1.0, sums)


QUICK_REPLICATES = 128
"""Enough for every word (``stats.jackknife.SEEN``)."""
QUICK_STEPS = 512


@functools.lru_cache(maxsize=64)
def _plan(request: Request) -> Plan:
    experiment = study.experiment(request.experiment, Path(request.study))
    if request.problem is not None:
        experiment = experiment.on(study.problem(request.problem, Path(request.study)))
    if request.seed is not None:
        experiment = dataclasses.replace(experiment, seed=request.seed)
    size = experiment.size("laptop" if request.size == "quick" else request.size)
    if request.size == "quick":
        size = size.quick(QUICK_REPLICATES, QUICK_STEPS)
    size = size.replaced(dict(request.axes), experiment.name)
    if request.replicates is not None:
        size = dataclasses.replace(size, replicates=request.replicates)
    return experiment.plan(size, request.dtype, request.engine)


class Cost(NamedTuple):
    """What a task's time is made of, in seconds."""

    setup: float
    """For each number of a dataset: drawing it, the minimiser."""
    step: float
    """For each gradient step of the batch, whatever the batch holds."""
    gradient: float
    """For each parameter of each gradient of each run and replicate."""
    reading: float
    """For each number of a dataset, and ``BESIDE`` examples more, at each checkpoint of each run: the risks."""

    def over(self, runs: Sequence[Run]) -> float:
        """One block of runs of one company."""
        head, steps, checkpoints = runs[0], [run.algorithm.steps for run in runs], sum(len(run.rounds) for run in runs)
        gradients = sum(work(run.algorithm) for run in runs)
        setup, reading = self.setup * head.n, self.reading * (head.n + BESIDE) * checkpoints
        return (setup + reading + self.gradient * gradients) * head.dim * head.block + self.step * max(steps)

    def of(self, task: Task) -> float:
        """A task."""
        made = task.request.plan()
        return self.over([made.runs[address] for address in task.runs])


BESIDE = 32
"""What a checkpoint costs beside its risks, in examples of them."""

TYPICAL = {
    "reference": Cost(setup=1e-7, step=5e-5, gradient=6e-9, reading=2e-9),
    "fused_cpu": Cost(setup=1e-7, step=5e-6, gradient=6e-10, reading=2e-9),
    "stacked": Cost(setup=1e-7, step=1e-4, gradient=2.5e-10, reading=3e-9),
    "fused_gpu": Cost(setup=1e-8, step=5e-6, gradient=1e-11, reading=1e-10),
    "moments": Cost(setup=1e-8, step=5e-6, gradient=2e-9, reading=1e-10),
    "moments given S": Cost(setup=1e-7, step=5e-6, gradient=3e-8, reading=2e-9),
}
"""Each engine on one core (mean estimation and logistic regression, measured; on a GPU a guess). While a sweep runs,
the time that finished tasks took corrects it; before, ``probe`` does."""


def engines(request: Request) -> dict[str, Choice]:
    """Run -> the engine for it and the reason. Raises ValueError if the one asked for does not cover a run."""
    runs = request.plan().runs
    return {address: run.engine(request.device, request.engine) for address, run in runs.items()}


def _typical(request: Request, run: Run) -> Cost:
    return TYPICAL.get(run.engine(request.device, request.engine).engine, TYPICAL["reference"])


class Task(NamedTuple):
    """Some runs of one problem and sample size, on the block of ``replicates`` that starts at ``first``."""

    request: Request
    n: int
    runs: tuple[str, ...]
    first: int
    replicates: int
    seconds: float
    """Predicted."""


class Done(NamedTuple):
    """What a worker answers: the measurements, how long they took, and where."""

    measured: list[Measured]
    seconds: float
    host: str


def missing_tasks(request: Request, have: Mapping[str, set[int]]) -> list[Task]:
    """What is still missing, the longest first."""
    made = request.plan()
    missing: dict[tuple[Hashable, int], list[str]] = {}
    for address, run in made.runs.items():
        held = have.get(address, ())
        for first in range(0, made.size.replicates, run.block):
            if first not in held:
                missing.setdefault((run.company, first), []).append(address)
    found = []
    for (_, first), addresses in missing.items():
        # Runs of like length advance together.
        addresses.sort(key=lambda address: (-made.runs[address].algorithm.steps, address))
        for start in range(0, len(addresses), RUNS_A_BATCH):
            found += sized(request, tuple(addresses[start : start + RUNS_A_BATCH]), first)
    return sorted(found, key=lambda task: (-task.seconds, task.n, task.first, task.runs))


def sized(request: Request, runs: tuple[str, ...], first: int, longest: float = LONGEST_TASK) -> list[Task]:
    """The runs on one block as one task, or as several predicted to take at most ``longest`` seconds, as far as that is
    no waste: halves that take nearly as long as the whole are not made."""
    made = request.plan()
    head = made.runs[runs[0]]

    def predicted(part: tuple[str, ...]) -> float:
        return _typical(request, made.runs[part[0]]).over([made.runs[address] for address in part])

    halves = [part for part in (runs[: len(runs) // 2], runs[len(runs) // 2 :]) if part]
    whole = predicted(runs)
    if whole > longest and max(predicted(part) for part in halves) < 0.75 * whole:
        return [task for part in halves for task in sized(request, part, first, longest)]
    return [Task(request, head.n, runs, first, head.block, whole)]


def compute(task: Task) -> Done:
    """One task, in any process."""
    began = time.monotonic()
    made = task.request.plan()
    if not made.runs.keys() >= set(task.runs):
        raise RuntimeError("the study's code was changed while the sweep ran; run the same sweep again")
    measured = _measure(task.request, {address: made.runs[address] for address in task.runs}, task.first)
    return Done(measured, time.monotonic() - began, platform.node())


def _measure(request: Request, runs: Mapping[str, Run], first: int) -> list[Measured]:
    """Runs of one company, on one block."""
    head = next(iter(runs.values()))
    return head.measure(
        list(runs.values()),
        list(runs),
        seed=request.plan().experiment.seed,
        first=first,
        dtype=request.dtype,
        device=request.device,
        engine=request.engine,
    )


FEW = 4
"""Gradient steps of a probe's short runs."""

LONG = 2.0
"""Seconds that FEW steps of a probe's runs are foreseen to take at most; else one of them speaks for all."""

ENOUGH = 0.05
"""Seconds more that its long runs have to take, to be told from noise."""

SLOW = 4.0
"""Seconds of a block of short runs from which on what steps and what checkpoints take is measured together, at fewer
lengths."""


def probe(request: Request) -> Cost:
    """The cost of the request's largest task, measured: its runs cut short, on the first block; one of them where all
    are foreseen to take long. What is loaded and compiled first is so for a run of the smallest task, and not counted.

    Two lengths tell what each step takes from what a block takes before its first step, the longer one being as long as
    it must be to tell at all; the share of a step that is paid whatever the batch holds is the typical one. A third
    measurement, at as many checkpoints as the runs have, tells what a checkpoint takes; where they have one it is taken
    to be as far from typical as a step. Datasets and their minimisers are found in the first measurement and kept for
    the others. Where a block takes SLOW all the same before its first steps are done, the second is at all checkpoints,
    and there is no third.
    """
    with keeping() as kept:
        return _probed(request, kept)


def _probed(request: Request, kept: Mapping[Hashable, object]) -> Cost:
    made = request.plan()
    tasks = missing_tasks(request, {})
    least, largest = (choose(tasks, key=lambda task: task.seconds) for choose in (min, max))
    whole = {address: made.runs[address] for address in largest.runs}
    one = made.runs[largest.runs[0]]
    most, marks = max(run.algorithm.steps for run in whole.values()), max(len(run.rounds) for run in whole.values())

    typical = _typical(request, one)
    stepping, reading = typical._replace(setup=0.0, reading=0.0), Cost(0.0, 0.0, 0.0, typical.reading)

    def cut(steps: int, checkpoints: int) -> dict[str, Run]:
        return {address: run.begun(steps, checkpoints) for address, run in whole.items()}

    def took(steps: int, checkpoints: int) -> float:
        runs = cut(steps, checkpoints)
        began = time.perf_counter()
        _measure(request, runs, 0)
        return time.perf_counter() - began

    def more(cost: Cost, this: tuple[int, int], than: tuple[int, int]) -> float:
        """What runs so long, and so often read, cost more than others."""
        return cost.over(list(cut(*this).values())) - cost.over(list(cut(*than).values()))

    def ratio(seconds: float, foreseen: float) -> float:
        return max(seconds, 0.0) / foreseen if foreseen > 0 else 0.0

    if typical.over(list(cut(FEW, 1).values())) > LONG:  # one run speaks for all
        whole = {largest.runs[0]: one}
    _measure(request, {address: made.runs[address].begun(FEW, 1) for address in least.runs[:1]}, 0)  # loads, compiles
    whole_start = start = took(FEW, 1)
    if kept or start < ENOUGH:
        start = min(start, took(FEW, 1))
    slow, short = start >= SLOW and marks > 1, (FEW, 1)
    length, total = FEW, start
    while total < start + ENOUGH and length < most and more(stepping, (most, 1), short) > 0:
        length = min((4 if start < SLOW else 16) * length, most)
        if length == most or more(stepping, (length, 1), short) > ENOUGH / 4:
            total = took(length, marks if slow else 1)
    if slow:
        foreseen = more(stepping, (length, marks), short) + more(reading, (length, marks), short)
        pace = read = ratio(total - start, foreseen)
    else:
        pace = read = ratio(total - start, more(stepping, (length, 1), short))
        if marks > 1:
            read = ratio(took(length, marks) - total, more(reading, (length, marks), (length, 1)))
    found = Cost(0.0, pace * typical.step, pace * typical.gradient, read * typical.reading)
    begun = list(cut(*short).values())
    before = whole_start - found.over(begun)
    return found._replace(setup=max(before, 0.0) / (largest.n * one.dim * begun[0].block))
