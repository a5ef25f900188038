"""Samples of a finite population: their rows copied out, as they are, or gathered by index from the population's.

    python benchmarks/gather.py

A run on S and those on its neighbours read one copy of the rows of S, with the fresh ones behind them. The engine can
also read the rows of the population itself, which all replicates share, at indices of indices. Both ways in turns, in
CPU milliseconds of the fastest of several runs on one thread: index stream, the copy or the indices, the fused loop.
Beside them the whole block, with sampling, minimiser and risks, which need S written out either way. Lookahead, k = 5,
float64. Both ways must end at the same bits.
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import numpy as np
import torch

from riskkit import Constant, Lookahead
from riskkit.cli.common import Parser
from riskkit.data import breast_cancer
from riskkit.engines.choice import Choice
from riskkit.engines.numba import engine as fused_cpu
from riskkit.engines.reference import one_thread
from riskkit.measure.blocks import block_size, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.runs import Runs, drawn_indices
from riskkit.problems import FinitePopulation
from riskkit.rng.streams import Stream

REPEATS = 7


class Case(NamedTuple):
    problem: FinitePopulation
    n: int
    C: int
    steps: int
    neighbours: int


def cases() -> list[Case]:
    cancer = FinitePopulation(breast_cancer().standardized().with_intercept().in_unit_ball(), "logistic", 0.1, 5.0)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(10_000, 100)) / 10
    wide = FinitePopulation.of(rows, rows @ rng.normal(size=100), "squared", radius=3.0, name="10,000 made-up rows")
    small = [
        Case(cancer, n, C, steps, 1) for n, C, steps in ((50, 8, 640), (500, 8, 640), (500, 1, 640), (500, 8, 5000))
    ]
    return [*small, Case(cancer, 500, 8, 640, 8), *(Case(wide, 2000, C, 2000, 1) for C in (8, 1))]


def compare(case: Case) -> None:
    problem, n, C, steps, neighbours = case
    R, together = block_size(problem, n), 1 + neighbours
    algorithms = [Lookahead(steps // 5, 5, float(alpha), Constant(0.05)) for alpha in np.linspace(0.1, 0.9, C)]
    rounds = [np.array([steps // 5])] * C
    runs = Runs(algorithms, rounds, [Choice("fused_cpu", "")] * C, threads=1)
    stream = Stream(0, range(R))
    data = problem.sample(stream, n)
    pair = Pair.of(problem, stream, data, neighbours)
    fresh = Stream(0, range(R), family="fresh ")
    features, targets = (
        torch.tensor(np.array(part)).double() for part in (problem.population.features, problem.population.targets)
    )
    table = torch.cat([features, (2 * targets - 1 if problem.loss == "logistic" else targets)[:, None]], dim=1)
    numbers = torch.cat(
        [problem.population.draw(own, count).rows for own, count in ((stream, n), (fresh, neighbours))], 1
    )
    indices = drawn_indices(stream, n, "with replacement")

    def copied() -> list[torch.Tensor]:
        return [
            torch.stack([path.theta for path in (p.own, *p.coupled)], 1)
            for p in pair.run(problem, runs, lambda _: indices)
        ]

    def gathered() -> list[torch.Tensor]:
        def drawn(first: int, count: int) -> torch.Tensor:
            own = indices(first, count)
            others = [torch.where(own == pair.places[:, q, None], n + q, own) for q in range(neighbours)]
            at = torch.stack([own, *others], dim=1).reshape(R, -1)
            return numbers.gather(1, at).reshape(R * together, -1)

        found = fused_cpu.run(problem, algorithms, table[None], drawn, rounds, share=R * together)
        return [path.theta.reshape(R, together, *path.theta.shape[1:]) for path in found]

    def block() -> None:
        measure_block(
            problem,
            n,
            algorithms,
            rounds,
            [str(c) for c in range(C)],
            seed=0,
            first=0,
            engine="fused",
            neighbours=neighbours,
        )

    with one_thread():
        assert all(torch.equal(a, b) for a, b in zip(copied(), gathered(), strict=True))
        block()
        ways = (copied, gathered, block)
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(REPEATS):
            for way in ways:
                began = time.process_time()
                way()
                best[way] = min(best[way], time.process_time() - began)
    a, b, whole = (1e3 * best[way] for way in ways)
    print(
        f"{problem.population.name}, n = {n}, {C} configurations, {steps} steps, {neighbours} neighbours: "
        f"copied {a:.1f}, gathered {b:.1f}, block {whole:.1f} ms: {100 * (a - b) / whole:.1f}% of it",
        flush=True,
    )


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for case in cases():
        compare(case)
