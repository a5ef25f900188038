"""What the blocks of a sweep cost: CPU seconds of each experiment in one process, by part; the innermost clock counts.

python benchmarks/blocks.py              # the experiments of the default sweep
python benchmarks/blocks.py NAME ...     # these; twice, for code that is compiled on first use
"""

from __future__ import annotations

import argparse
from collections import Counter

from innermost import Clock

from riskkit.cli.common import Parser
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
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of experiments")
    given = parser.parse_args().names
    if unknown := set(given) - set(study.names()):
        parser.error(f"no experiment is called {', '.join(sorted(unknown))}; riskkit sweep --list names them.")
    main(given)
