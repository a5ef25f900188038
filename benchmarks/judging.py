"""Peak memory of judging an experiment, by its number of replicates; nothing is simulated.

    python benchmarks/judging.py [EXPERIMENT] [R ...]

Measurements are exponential draws about 1, in memory; the table and the verdicts are made of them as a sweep does, in a
process of its own for each R. Peak memory of the process, of which so much is there before (libraries and plan), and
the bytes of the measurements themselves. Linux.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

from riskkit.execution.tasks import Request
from riskkit.experiment import study
from riskkit.measure.quantities import DATASET, QUANTITIES, Measured
from riskkit.verdicts.data import Data
from riskkit.verdicts.findings import find
from riskkit.verdicts.table import table


def peak() -> float:
    """GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def judged(name: str, replicates: int) -> None:
    made = Request(str(study.folder()), name, replicates=replicates).plan()
    before, random = peak(), np.random.default_rng(0)
    measured = {
        address: Measured(
            run=address,
            first=0,
            rounds=np.array(run.rounds),
            values={quantity: random.exponential(size=(replicates, len(run.rounds), 2)) for quantity in QUANTITIES},
            dataset={one: random.exponential(size=replicates) for one in DATASET},
            diverged_at=np.full(replicates, -1),
            engine="none",
        )
        for address, run in made.runs.items()
    }
    size = sum(part.nbytes for one in measured.values() for part in one.values.values()) / 2**30
    began = time.process_time()
    data = Data(made, measured, {})
    find(data)
    table(data)
    print(
        f"{name}: {len(made.cells)} cells, R = {replicates}: peak {peak():.2f} GiB, {before:.2f} before, measurements "
        f"{size:.2f}; {time.process_time() - began:.1f} s of CPU",
        flush=True,
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["judged", name, replicates]:
            judged(name, int(replicates))
        case words:
            names = [word for word in words if not word.isdecimal()] or ["theorem2_ridge"]
            for name in names:
                for replicates in [word for word in words if word.isdecimal()] or ["4096", "65536"]:
                    subprocess.run([sys.executable, __file__, "judged", name, replicates], check=True)
