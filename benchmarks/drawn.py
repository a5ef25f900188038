"""Bands whose draws are of 256 groups beside bands whose draws are of all replicates, on the same planted errors.

    python -m benchmarks.drawn

Rows of a table in docs/statistics.md: the part of the trials in which the band covered all truths, and the ratio of the
two upper critical values.
"""

from __future__ import annotations

import argparse

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.planted import Dependence, draw, lognormal, pareto, squared
from riskkit.cli.common import Parser
from riskkit.stats import bands
from riskkit.stats.columns import GROUPS

TRIALS = 600
SETTINGS = (
    (squared(2), Dependence.NONE, 512, 20),
    (squared(2), Dependence.RUN, 1024, 20),
    (lognormal(), Dependence.NONE, 1024, 20),
    (pareto(3.5), Dependence.COMMON, 1024, 8),
    (squared(4), Dependence.COMMON, 600, 20),
    (lognormal(), Dependence.RUN, 1024, 1),
)


def main() -> None:
    drawn = bands.DRAWN
    for number, (population, dependence, R, P) in enumerate(SETTINGS):
        rng = np.random.default_rng([61, number])
        covered, ratios = np.zeros(2), []
        for _ in range(TRIALS):
            values, critical = draw(rng, population, R, P, dependence), []
            for which, most in enumerate((drawn, GROUPS)):
                bands.DRAWN = most
                band = bands.simultaneous_band(values)
                covered[which] += np.all((band.low <= 1) & (band.high >= 1))
                critical.append(band.under.critical(0.025))
            ratios.append(critical[0] / critical[1])
        few, every = covered / TRIALS
        ratio = f"{np.mean(ratios):.3f} ({np.std(ratios):.3f})"
        errors = population[0].replace("|", "\\|")
        print(f"| {errors}, {dependence} | {P} | {R} | {few:.3f} | {every:.3f} | {ratio} |", flush=True)


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with threadpool_limits(limits=1):
        main()
