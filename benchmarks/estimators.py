"""``python -m benchmarks.estimators``: the variance of a plain mean over that of the estimate that is reported.

Plain is what was measured; for the generalization error in the first two problems less F - F_S at theta*. ``asked`` is
the gain that the same estimator had when it was tried alone, before it was built in, in cells of the same kind. The
computing is the CPU time with it over that without (no companion; one coupled run), the regression included.

``python -m benchmarks.estimators RESULTS``: by experiment of a sweep that is stored, the least and the median gain of
the estimate over the mean with the fixed control (F - F_S at theta* subtracted) in all simulated cells.
``python -m benchmarks.estimators squared``: on squared losses, the variance of the reported estimate of a simulation
over that of one of expectations given S, and what either costs in CPU time.
``--write``: the table into docs/statistics.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms import Constant, InverseTime, Lookahead, SqrtHorizon, traits
from riskkit.cli.common import Parser
from riskkit.engines.moments.propagation import _responses
from riskkit.execution.conclusion import gather, reopen
from riskkit.measure.blocks import block_size, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.expectation import given_dataset, measure_expected
from riskkit.measure.given import measure_given
from riskkit.measure.quantities import FOLLOWED, Measured
from riskkit.problem import Problem
from riskkit.problems import AbsoluteLocation, Logistic, MeanEstimation, PowerLawLeastSquares, Ridge, WarpedMean
from riskkit.rng.streams import Stream
from riskkit.store.shards import MissingReplicatesError, Store
from riskkit.verdicts.data import Data
from riskkit.verdicts.estimates import CONTROLLED, estimate

N, REPLICATES = 50, 1024


class Cell(NamedTuple):
    """``asked``: the gain to be reached within a factor of 1.5; nan where none was measured beforehand."""

    problem: Problem
    quantity: str
    alpha: float
    k: int
    T: int
    asked: float
    step: Any = InverseTime(1.0, 20)
    neighbours: int = 1


NEAR, FAR = WarpedMean(dim=2, spread=0.2, initial=0.25), WarpedMean(dim=2, spread=0.5, initial=0.25)
MEAN = MeanEstimation(4)
CELLS = (
    *(Cell(MEAN, "generalization", 0.1, 5, T, gain) for T, gain in ((8, 165), (64, 59), (1024, 23))),
    *(Cell(MEAN, "generalization", alpha, 5, 64, gain) for alpha, gain in ((0.25, 5.7), (0.5, 1.2))),
    *(Cell(NEAR, "generalization", 0.5, 5, T, gain) for T, gain in ((2, 143), (16, 27), (64, 6.4))),
    Cell(NEAR, "generalization", 0.1, 5, 32, 545),
    Cell(NEAR, "generalization", 1.0, 5, 64, 1.1),
    *(
        Cell(problem, "generalization", 0.5, 5, 64, asked if neighbours > 1 else math.nan, step, neighbours)
        for problem, step, asked in (
            (Logistic(dim=3, radius=4.0), Constant(0.1), 22),
            (Ridge(), InverseTime(0.1, 22), 22),
            (AbsoluteLocation(dim=4), Constant(0.1), math.nan),
        )
        for neighbours in (1, 16)
    ),
    *(Cell(FAR, "optimization", 1.0, k, 1024, gain) for k, gain in ((5, 103), (1, 45), (20, 147))),
    *(Cell(FAR, "optimization", alpha, 5, 1024, gain) for alpha, gain in ((0.75, 16), (0.5, 3))),
)
GIVEN = tuple(Cell(MEAN, "optimization", alpha, 5, 1024, gain) for alpha, gain in ((1.0, 2300), (0.5, 30), (0.1, 1)))
"""Quadratics: the expectation given S, and the expectation."""


def measured(cell: Cell, problem: Any, seed: int = 0, neighbours: int = 1) -> Measured:
    """The cell's run on all replicates."""
    algorithm, rounds = Lookahead(cell.T, cell.k, cell.alpha, cell.step), np.array([cell.T])
    size = block_size(problem, N)
    blocks = [
        measure_block(problem, N, [algorithm], [rounds], ["run"], seed=seed, first=first, neighbours=neighbours)[0]
        for first in range(0, REPLICATES, size)
    ]
    return _joined(blocks)


def _joined(blocks: list[Measured]) -> Measured:
    return dataclasses.replace(
        blocks[0],
        values={name: np.concatenate([one.values[name] for one in blocks]) for name in blocks[0].values},
        dataset={name: np.concatenate([one.dataset[name] for one in blocks]) for name in blocks[0].dataset},
    )


def gain(cell: Cell) -> float:
    """Variance, plain over reported."""
    run = measured(cell, cell.problem, neighbours=cell.neighbours)
    plain = run.values[cell.quantity][:, 0, 0]
    if cell.quantity in CONTROLLED and isinstance(cell.problem, MeanEstimation | WarpedMean):
        plain = plain - run.dataset["control"]
    paired = cell.neighbours * cell.k * cell.T >= 2 * N
    reported = estimate(run, 0, cell.quantity, "last", paired=paired)
    return float(plain.var() / reported.values.variance()[0])


@dataclasses.dataclass(frozen=True)
class Alone(WarpedMean):
    """The same problem without its companion."""

    companion = None


def computing(cell: Cell) -> float:
    """CPU time with the estimator over that without."""
    bare: Any = cell.problem
    if isinstance(bare, WarpedMean):
        bare = Alone(**{field.name: getattr(bare, field.name) for field in dataclasses.fields(bare)})

    def with_it() -> None:
        estimate(measured(cell, cell.problem, neighbours=cell.neighbours), 0, cell.quantity, "last")

    return _seconds(with_it) / _seconds(lambda: measured(cell, bare))


def _seconds(work: Callable[[], Any]) -> float:
    """CPU seconds, the least of three after one that compiles."""
    work()
    found = []
    for _ in range(3):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def given(cell: Cell) -> np.ndarray:
    """E[quantity | S] of every replicate, (R,), by exact moments."""
    algorithm, rounds = Lookahead(cell.T, cell.k, cell.alpha, cell.step), np.array([cell.T])
    size = block_size(cell.problem, N)
    found = []
    for first in range(0, REPLICATES, size):
        stream = Stream(0, range(first, first + size))
        pair = Pair.of(cell.problem, stream, cell.problem.sample(stream, N))
        values = given_dataset(cell.problem, algorithm, rounds, pair, GroundTruth.of(cell.problem, pair))
        found.append(values[cell.quantity][:, 0, 0])
    return np.concatenate(found)


def tried() -> str:
    """The table of CELLS and GIVEN."""
    lines = [
        "| problem | quantity | alpha | k | T | neighbours of S | asked | variance, plain / reported | computing |",
        "|---|---|---|---|---|---|---|---|---|",
    ]

    def add(cell: Cell, asked: str, ratio: str, cost: float) -> None:
        lines.append(
            f"| {cell.problem.name} | {cell.quantity} | {cell.alpha:g} | {cell.k} | {cell.T} | {cell.neighbours} | "
            f"{asked} | {ratio} | {cost:.2g} |"
        )

    for cell in CELLS:
        add(cell, "" if math.isnan(cell.asked) else f"{cell.asked:g}", f"{gain(cell):.3g}", computing(cell))
    for cell in GIVEN:
        within = measured(cell, cell.problem).values[cell.quantity][:, 0, 0].var() / given(cell).var()
        cost = _seconds(lambda cell=cell: expected(cell)) / _seconds(lambda cell=cell: measured(cell, cell.problem))
        add(cell, f"{cell.asked:g} (given S)", f"no variance ({within:.3g} given S)", cost)
    return "\n".join(lines)


def expected(cell: Cell) -> Measured:
    """The cell's run by exact moments, anew."""
    algorithm, rounds = Lookahead(cell.T, cell.k, cell.alpha, cell.step), np.array([cell.T])
    _responses.cache_clear()
    blocks = [
        measure_expected(cell.problem, N, [algorithm], [rounds], ["run"], seed=0, first=first, coupled=False)[0]
        for first in range(0, REPLICATES, block_size(cell.problem, N))
    ]
    return _joined(blocks)


SQUARED: tuple[tuple[Problem, int, Any], ...] = (
    *(
        (Ridge(dim=4, lam=0.5, signal=2.0, radius=1.9), n, Lookahead(1024, 5, 0.9, InverseTime(0.5, 3)))
        for n in (16, 100, 400)
    ),
    *((PowerLawLeastSquares(8, radius=None), n, Lookahead(256, 8, 0.25, SqrtHorizon(1.0))) for n in (16, 100)),
)


def integrated() -> str:
    """The table of SQUARED: last iterates, REPLICATES of each."""
    names = ("optimization", "generalization", "excess")
    lines = [
        f"| squared losses | d | n | CPU time, given S / simulated | {' | '.join(names)} | the three per CPU second |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ours = functools.partial(measure_given, coupled=False)
    for cell in SQUARED:
        costs = [_seconds(functools.partial(_blocks, measure, *cell)) for measure in (ours, measure_block)]
        known, drawn = (_blocks(measure, *cell) for measure in (ours, measure_block))
        cost, saved = costs[0] / costs[1], []
        for name in names:
            before, after = (estimate(run, 0, name, "last").values.var() for run in (drawn, known))
            saved.append(float(before / after))
        gains = " | ".join(f"{one:.3g}" for one in saved)
        problem, n, _ = cell
        lines.append(
            f"| {problem.name} | {problem.dim} | {n} | {cost:.2g} | {gains} | "
            f"{', '.join(f'{one / cost:.2g}' for one in saved)} |"
        )
    return "\n".join(lines)


def _blocks(measure: Callable[..., list[Measured]], problem: Problem, n: int, algorithm: Any) -> Measured:
    """An algorithm read at its end, on all replicates."""
    rounds = [np.array([algorithm.rounds])]
    firsts = range(0, REPLICATES, block_size(problem, n))
    return _joined([measure(problem, n, [algorithm], rounds, ["run"], seed=0, first=first)[0] for first in firsts])


def gains(data: Data) -> list[float]:
    """Of every simulated cell, output and quantity: the variance with the fixed control over that of the estimate."""
    found = []
    for cell in data.plan.cells:
        if data.status(cell)[0] != "ok":
            continue
        stored = data.of(cell)
        assert stored is not None
        run = stored[0]
        for quantity in FOLLOWED:
            for output in traits.outputs(cell.algorithm):
                if quantity not in run.values or data.estimators([cell], quantity, output)[0] not in (
                    "controlled",
                    "regressed",
                ):
                    continue
                plain = data.replicate_values(cell, quantity, output)
                assert plain is not None
                plain = plain - run.dataset["control"] if quantity in CONTROLLED else plain
                if (before := float(plain.var())) > 1e-24 * float((plain**2).mean()):
                    found.append(before / float(data.values([cell], quantity, output).variance()[0]))
    return found


def swept(results: Path) -> str:
    """The table of a stored sweep; experiments that have changed since are left out, and named."""
    lines = [
        "| experiment | replicates | estimates | least gain | median gain |",
        "|---|---|---|---|---|",
    ]
    everything = []
    for folder in sorted(path.parent for path in results.glob("*/verdict.json")):
        request, failures = reopen(folder)
        try:
            data = gather(request, Store(folder), failures)
        except MissingReplicatesError as error:
            print(f"{folder.name} is left out: {error}", file=sys.stderr)
            continue
        if found := gains(data):
            everything += found
            lines.append(
                f"| {folder.name} | {data.replicates} | {len(found)} | {min(found):.2f} | {np.median(found):.2f} |"
            )
    lines.append(f"| all | | {len(everything)} | {min(everything):.2f} | {np.median(everything):.2f} |")
    return "\n".join(lines)


PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"


def written(page: str, head: str, table: str) -> str:
    """The page with another table in the place of the one whose first line begins like ``head``."""
    start = page.index(head)
    return page[:start] + table + page[page.index("\n\n", start) :]


def main(words: list[str]) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("of", nargs="?", default="", metavar="RESULTS", help="a results folder, or: squared")
    parser.add_argument("--write", action="store_true", help="into docs/statistics.md")
    given = parser.parse_args(words)
    if given.of == "squared":
        head, made = "| squared losses |", integrated()
    elif given.of:
        if not Path(given.of).is_dir():
            parser.error(f"{given.of} must be a results folder; it is none.")
        head, made = "| experiment | replicates | estimates |", swept(Path(given.of))
    else:
        head, made = "| problem | quantity | alpha |", tried()
    if given.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), head, made), encoding="utf-8")
    print(made)


if __name__ == "__main__":
    main(sys.argv[1:])
