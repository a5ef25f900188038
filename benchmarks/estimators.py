"""``python -m benchmarks.estimators``: the variance of a measured mean over that of the estimate that is reported.

Generalization: less the control variate F - F_S at theta* alone, over as reported (regressed on F - F_S at theta* and
theta_0, on the pairs of gradients at theta*, and where the problem has a companion on its run). Optimization: as
measured, over as reported. The last line: the time with the companion over that without.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms import InverseTime, Lookahead
from riskkit.measure.blocks import block_size, measure_block
from riskkit.measure.quantities import followed
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation, WarpedMean
from riskkit.stats.controls import regressed
from riskkit.verdicts.data import CONTROLLED, CONTROLS

N, REPLICATES = 50, 1024


class Cell(NamedTuple):
    problem: Problem
    quantity: str
    alpha: float
    k: int
    T: int


NEAR, FAR = WarpedMean(dim=2, spread=0.2, initial=0.25), WarpedMean(dim=2, spread=0.5, initial=0.25)
CELLS = (
    *(Cell(MeanEstimation(4), "generalization", 0.1, 5, T) for T in (8, 64, 1024)),
    *(Cell(MeanEstimation(4), "generalization", alpha, 5, 64) for alpha in (0.25, 0.5)),
    *(Cell(NEAR, "generalization", 0.5, 5, T) for T in (2, 16, 64)),
    Cell(NEAR, "generalization", 0.1, 5, 32),
    Cell(NEAR, "generalization", 1.0, 5, 64),
    *(Cell(FAR, "optimization", 1.0, k, 1024) for k in (5, 1, 20)),
    *(Cell(FAR, "optimization", alpha, 5, 1024) for alpha in (0.75, 0.5)),
)


def variances(cell: Cell, seed: int = 0) -> tuple[float, float]:
    """Of the plain estimate and of the reported one."""
    values, datasets = _measured(cell, cell.problem, seed)
    plain, controls = values[cell.quantity], []
    if cell.quantity in CONTROLLED:
        plain = plain - datasets["control"]
        controls = [datasets[name] for name in CONTROLS if name in datasets]
    if followed(cell.quantity) in values:
        controls.append(values[followed(cell.quantity)])
    reported = regressed(plain[:, None], np.column_stack(controls))[:, 0]
    return float(plain.var(ddof=1)), float(reported.var(ddof=1))


def _measured(cell: Cell, problem: Any, seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    algorithm, rounds = Lookahead(cell.T, cell.k, cell.alpha, InverseTime(1.0, 20)), np.array([cell.T])
    blocks = [
        measure_block(problem, N, [algorithm], [rounds], ["run"], seed=seed, first=first)[0]
        for first in range(0, REPLICATES, block_size(problem, N))
    ]
    values = {name: np.concatenate([one.values[name][:, 0, 0] for one in blocks]) for name in blocks[0].values}
    return values, {name: np.concatenate([one.dataset[name] for one in blocks]) for name in blocks[0].dataset}


@dataclasses.dataclass(frozen=True)
class Alone(WarpedMean):
    """The same problem without its companion."""

    companion = None


def main() -> None:
    print("| problem | quantity | alpha | k | T | variance, plain / reported |\n|---|---|---|---|---|---|")
    for cell in CELLS:
        plain, reported = variances(cell)
        print(
            f"| {cell.problem.name} | {cell.quantity} | {cell.alpha:g} | {cell.k} | {cell.T} | {plain / reported:.1f} |"
        )
    seconds = []
    cell = CELLS[-1]
    for problem in (FAR, Alone(dim=2, spread=0.5, initial=0.25)):
        _measured(cell, problem, 0)  # compiles
        began = time.process_time()
        _measured(cell, problem, 0)
        seconds.append(time.process_time() - began)
    print(f"\nCPU time with the companion / without: {seconds[0] / seconds[1]:.2f}")


if __name__ == "__main__":
    main()
