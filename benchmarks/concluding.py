"""CPU seconds of concluding stored experiments: reading, verdicts, table; nothing is written.

    python benchmarks/concluding.py RESULTS [EXPERIMENT ...]

RESULTS is the folder of a default sweep. The most expensive ones come first.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from threadpoolctl import threadpool_limits

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
    results, *names = sys.argv[1:]
    folders = [
        path.parent for path in sorted(Path(results).glob("*/run.json")) if not names or path.parent.name in names
    ]
    with threadpool_limits(limits=1):
        found = {folder.name: concluded(folder) for folder in folders}
    for name, parts in sorted(found.items(), key=lambda one: -sum(one[1])):
        print(f"{name:32s} {sum(parts):6.2f}: reading {parts[0]:.2f}, verdicts {parts[1]:.2f}, table {parts[2]:.2f}")
    print(f"{len(found)} experiments {' '.join(f'{sum(part):.1f}' for part in zip(*found.values(), strict=True))}")
