"""CPU seconds of concluding stored experiments: reading, verdicts, table; nothing is written.

    python benchmarks/concluding.py RESULTS [EXPERIMENT ...]

RESULTS is the folder of a default sweep. The most expensive ones come first.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

from riskkit.cli.common import Parser
from riskkit.execution.conclusion import reopen, settle
from riskkit.store.shards import Store
from riskkit.verdicts.findings import find
from riskkit.verdicts.table import table


def concluded(folder: Path) -> list[float]:
    """Of reading, verdicts and table."""
    request, failures = reopen(folder)
    request.plan()
    times = [time.process_time()]
    data, _ = settle(request, Store(folder), failures)
    times.append(time.process_time())
    find(data)
    times.append(time.process_time())
    table(data)
    times.append(time.process_time())
    return [after - before for before, after in itertools.pairwise(times)]


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS")
    parser.add_argument("names", nargs="*", metavar="EXPERIMENT")
    given = parser.parse_args()
    stored = {path.parent.name: path.parent for path in sorted(given.results.glob("*/run.json"))}
    if not stored or set(given.names) - set(stored):
        parser.error(f"{given.results} must hold the stored experiments {', '.join(given.names) or 'of a sweep'}.")
    folders = [stored[name] for name in given.names or stored]
    with threadpool_limits(limits=1):
        found = {folder.name: concluded(folder) for folder in folders}
    for name, parts in sorted(found.items(), key=lambda one: -sum(one[1])):
        print(f"{name:32s} {sum(parts):6.2f}: reading {parts[0]:.2f}, verdicts {parts[1]:.2f}, table {parts[2]:.2f}")
    print(f"{len(found)} experiments {' '.join(f'{sum(part):.1f}' for part in zip(*found.values(), strict=True))}")
