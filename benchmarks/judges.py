"""Seconds for verdicts on 2,000 replicates by 500 cells: ``python benchmarks/judges.py``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from riskkit.cli.common import Parser
from riskkit.judges.identity import judge_identity
from riskkit.judges.level import judge_level
from riskkit.judges.rate import judge_rate
from riskkit.stats.paired import paired_ratio
from riskkit.stats.slopes import estimate

REPLICATES, CELLS, LINE = 2000, 500, 10


def main() -> None:
    rng = np.random.default_rng(0)
    x = 2.0 ** np.arange(LINE)
    mean = np.tile(1 / x, CELLS // LINE)
    values = (rng.standard_normal((REPLICATES, CELLS, 4)) ** 2).mean(-1) * mean
    trivial = np.full(CELLS, 9.0)

    def rates() -> None:
        for first in range(0, CELLS, LINE):
            part = slice(first, first + LINE)
            judge_rate(values[:, part], x, 1 / x, 2 / x, trivial[part], subject="", quantity="optimization", axis="T")

    studies: dict[str, Callable[[], object]] = {
        "estimate, all cells": lambda: estimate(values),
        "level verdict, all cells": lambda: judge_level(values, 1.2 * mean, trivial, subject=""),
        "identity verdict, all cells": lambda: judge_identity(values, mean, subject=""),
        f"rate verdicts, {CELLS // LINE} lines of {LINE}": rates,
        "paired ratios, all cells": lambda: paired_ratio(values, values[::-1]),
    }
    total = 0.0
    print(f"{REPLICATES} replicates by {CELLS} cells, best of 3\n")
    for name, study in studies.items():
        times = []
        for _ in range(3):
            started = time.perf_counter()
            study()
            times.append(time.perf_counter() - started)
        total += min(times)
        print(f"{name:40} {min(times):7.3f} s")
    print(f"{'together':40} {total:7.3f} s")


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    main()
