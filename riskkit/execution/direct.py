"""A plan measured in this process, in memory: no study, no store, no tasks."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

import numpy as np

from riskkit.engines.choice import Choice
from riskkit.execution.progress import PLAIN, bar, spoken
from riskkit.execution.telling import tell
from riskkit.experiment.plan import Plan
from riskkit.measure.quantities import Measured


def measure_plan(
    plan: Plan,
    choices: Mapping[str, Choice],
    *,
    device: str = "cpu",
    engine: str = "auto",
    jobs: int | None = None,
    progress: bool = True,
) -> dict[str, Measured]:
    """Every run of a plan, by address, on all of its replicates.

    ``choices``: run -> engine. Blocks of replicates run side by side in ``jobs`` threads (default: one a core, one
    where an engine holds Python's lock or there is one device). Raises ValueError for jobs < 1.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs must be a whole number >= 1; got {jobs!r}.")
    alone = device != "cpu" or any(choice.engine == "reference" for choice in choices.values())
    groups: dict[Any, list[str]] = {}
    for address, one in plan.runs.items():
        groups.setdefault(one.company, []).append(address)
    work = [
        (addresses, first)
        for addresses in groups.values()
        for first in range(0, plan.size.replicates, plan.runs[addresses[0]].block)
    ]

    def block(addresses: Sequence[str], first: int) -> list[Measured]:
        together = [plan.runs[address] for address in addresses]
        return together[0].measure(
            together, addresses, seed=plan.experiment.seed, first=first, dtype=plan.dtype, device=device, engine=engine
        )

    weights = [
        plan.runs[addresses[0]].block * sum(plan.runs[address].algorithm.steps for address in addresses)
        for addresses, _ in work
    ]
    blocks: dict[int, list[Measured]] = {}
    pool = ThreadPoolExecutor(1 if alone else jobs or os.cpu_count() or 1, thread_name_prefix="riskkit")
    try:
        futures = {pool.submit(block, *one): number for number, one in enumerate(work)}
        with _Watch(sum(weights), progress) as watch:
            for future in as_completed(futures):
                number = futures[future]
                blocks[number] = future.result()
                watch.done(weights[number])
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    parts: dict[str, list[Measured]] = {}
    for number in range(len(work)):
        for found in blocks.pop(number):
            parts.setdefault(found.run, []).append(found)
    return {run: _joined(part, plan.size.replicates) for run, part in parts.items()}


class _Watch:
    """How far it is: a bar on a terminal and in a notebook, a line every few seconds elsewhere."""

    def __init__(self, total: float, shown: bool) -> None:
        self._total, self._done, self._shown = total, 0.0, shown
        self._bar = bar() if shown else None

    def __enter__(self) -> _Watch:
        self._began = self._said = time.monotonic()
        if self._bar is not None:
            self._line = self._bar.add_task("", total=1.0)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def done(self, weight: float) -> None:
        self._done += weight
        moment, fraction = time.monotonic(), self._done / self._total
        left = f"about {spoken((moment - self._began) * (1 / fraction - 1))} left"
        if self._bar is not None:
            self._bar.update(self._line, description=left, completed=fraction)
        elif self._shown and moment - self._said > PLAIN:
            self._said = moment
            tell(f"{100 * fraction:.0f}% computed, {left}")


def _joined(parts: list[Measured], replicates: int) -> Measured:
    """Consecutive blocks of one run as one, cut to the replicates that were asked for."""
    head = parts[0]
    return dataclasses.replace(
        head,
        values={name: np.concatenate([part.values[name] for part in parts])[:replicates] for name in head.values},
        dataset={name: np.concatenate([part.dataset[name] for part in parts])[:replicates] for name in head.dataset},
        diverged_at=np.concatenate([part.diverged_at for part in parts])[:replicates],
    )
