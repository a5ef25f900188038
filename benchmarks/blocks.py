"""What the blocks of a sweep cost: CPU seconds of each experiment in one process, by part; the innermost clock counts.

python benchmarks/blocks.py              # the experiments of the default sweep
python benchmarks/blocks.py NAME ...     # these; twice, for code that is compiled on first use
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from riskkit.engines import reference
from riskkit.engines.numba import engine as fused
from riskkit.execution import tasks
from riskkit.execution.tasks import Request, missing_tasks
from riskkit.experiment import study
from riskkit.measure import blocks, companion, coupled, decomposition, expectation

PARTS = (
    (fused, "run", "fused"),
    (reference, "run", "reference"),
    (decomposition.GroundTruth, "of", "ground truth"),
    (decomposition.GroundTruth, "decompose", "decomposition"),
    (coupled.Pair, "of", "neighbours"),
    (blocks, "controls", "companion"),
    (expectation, "expectations", "moments"),
    (expectation, "given_dataset", "given S"),
    (expectation, "dataset_expectations", "moments"),
    (companion, "expectations", "moments"),
)
OF_A_PROBLEM = {
    "sample": "samples",
    "empirical_minimiser": "minimisers",
    "empirical_risk": "risks",
    "population_risk": "population risks",
}


class Clock:
    """CPU seconds by part."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._running = ["the rest"]
        self._since = time.process_time()

    def mark(self) -> None:
        """What has passed since the last mark is the innermost part's."""
        now = time.process_time()
        self.spent[self._running[-1]] += now - self._since
        self._since = now

    def on(self, owner: Any, name: str, part: str) -> None:
        """Puts itself around a function of ``owner``."""
        real: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            self.mark()
            self._running.append(part)
            try:
                return real(*arguments, **named)
            finally:
                self.mark()
                self._running.pop()

        static = isinstance(vars(owner).get(name), staticmethod)
        setattr(owner, name, staticmethod(timed) if static else timed)


def main(chosen: list[str]) -> None:
    clock, met = Clock(), set()
    for owner, name, part in PARTS:
        clock.on(owner, name, part)
    total: Counter[str] = Counter()
    for name in chosen or [name for name in study.names() if "laptop" in study.experiment(name).sizes]:
        request = Request(str(study.folder()), name)
        runs = request.plan().runs.values()
        for kind in {type(run.problem) for run in runs if run.problem is not None} - met:
            met.add(kind)
            for method, part in OF_A_PROBLEM.items():
                clock.on(kind, method, part)
        engines = Counter(run.engine("cpu", "auto").engine for run in runs)
        clock.mark()
        clock.spent.clear()
        for task in missing_tasks(request, {}):
            tasks.compute(task)
        clock.mark()
        total += clock.spent
        told(name, clock.spent, ", ".join(f"{count} {engine}" for engine, count in engines.items()))
    told("all", total, "")


def told(name: str, spent: Counter[str], engines: str) -> None:
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in spent.most_common() if seconds >= 0.02)
    print(f"{name:32} {spent.total():6.2f} s: {parts}{f' ({engines})' if engines else ''}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
