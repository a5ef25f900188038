"""Peak memory of judging an experiment, by its number of replicates; nothing is simulated.

    python benchmarks/judging.py [EXPERIMENT] [R ...]

Measurements are exponential draws about 1, in shards of 256 replicates in a folder that is removed; they are read, and
the table and the verdicts are made of them, as a sweep does, in a process of its own for each R. Peak memory of the
process, of which so much is there before (libraries and plan), and the bytes of the measurements on disk. Linux.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from riskkit.cli.common import Parser
from riskkit.execution.conclusion import gather
from riskkit.execution.tasks import Request
from riskkit.experiment import study
from riskkit.measure.quantities import DATASET, QUANTITIES, Measured
from riskkit.store.shards import Store
from riskkit.verdicts.findings import find
from riskkit.verdicts.table import table

BLOCK = 256


def peak() -> float:
    """GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def request(name: str, replicates: int) -> Request:
    return Request(str(study.folder()), name, replicates=replicates)


def drawn(name: str, replicates: int, folder: str) -> None:
    """Writes the shards, the runs of one problem and sample size together."""
    made, store = request(name, replicates).plan(), Store(Path(folder))
    store.prepare()
    groups: dict[object, list[str]] = {}
    for address, run in made.runs.items():
        groups.setdefault(run.company, []).append(address)
    for number, addresses in enumerate(groups.values()):
        for first in range(0, replicates, BLOCK):
            random = np.random.default_rng([number, first])
            dataset = {one: random.exponential(size=BLOCK) for one in DATASET}
            store.put(
                [
                    Measured(
                        run=address,
                        first=first,
                        rounds=np.array(made.runs[address].rounds),
                        values={
                            quantity: random.exponential(size=(BLOCK, len(made.runs[address].rounds), 2))
                            for quantity in QUANTITIES
                        },
                        dataset=dataset,
                        diverged_at=np.full(BLOCK, -1),
                        engine="none",
                    )
                    for address in addresses
                ]
            )


def judged(name: str, replicates: int, folder: str) -> None:
    asked = request(name, replicates)
    made = asked.plan()
    before, began = peak(), time.process_time()
    data = gather(asked, Store(Path(folder)), {})
    read = time.process_time() - began
    find(data)
    table(data)
    print(
        f"{name}: {len(made.cells)} cells, R = {replicates}: peak {peak():.3f} GiB, {before:.3f} before, measurements "
        f"{asked.bytes() / 2**30:.2f}; {time.process_time() - began:.1f} s of CPU, of which reading {read:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["drawn", name, replicates, folder]:
            drawn(name, int(replicates), folder)
        case ["judged", name, replicates, folder]:
            judged(name, int(replicates), folder)
        case _:
            parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
            parser.add_argument("words", nargs="*", metavar="WORD", help="experiments and numbers of replicates")
            words = parser.parse_args().words
            names = [word for word in words if not word.isdecimal()] or ["theorem2_ridge"]
            if unknown := set(names) - set(study.names()):
                parser.error(f"no experiment is called {', '.join(sorted(unknown))}; riskkit sweep --list names them.")
            for name in names:
                for replicates in [word for word in words if word.isdecimal()] or ["1024", "65536"]:
                    with tempfile.TemporaryDirectory() as folder:
                        for part in ("drawn", "judged"):
                            subprocess.run([sys.executable, __file__, part, name, replicates, folder], check=True)
