"""Batches, momentum, averages and formulas on the fused CPU engine, beside the reference engine in the same run.

    python benchmarks/schemes.py [d ...]           by default 32

Squared loss, n = 1024, R = 256, 16 configurations and 1, float64, one thread: nanoseconds of CPU for a stochastic
gradient of a configuration, and how many times as long the reference engine takes. The fastest of the runs counts, and
the ways take turns; both draw the index stream, average the iterates and note the path moment. The two must end at the
same parameters. "Single examples" is the loop for plain steps, for comparison.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from problems import PowerLawLeastSquares  # noqa: E402
from riskkit.algorithms import (  # noqa: E402
    Constant,
    FormulaMethod,
    HeavyBall,
    Lookahead,
    SuffixSGD,
    WeightedSGD,
    traits,
)
from riskkit.algorithms.steps import InverseTime  # noqa: E402
from riskkit.cli.common import Parser  # noqa: E402
from riskkit.engines import reference  # noqa: E402
from riskkit.engines.numba import engine as fused_cpu  # noqa: E402
from riskkit.rng.streams import Stream  # noqa: E402


@dataclasses.dataclass(frozen=True)
class AdaGrad(FormulaMethod):
    """Every coordinate's step divided by the root of its squared gradients: one state, a root and a quotient."""

    steps: int
    step_sizes: Constant
    epsilon: float = 1e-8
    name: str = "AdaGrad"
    states: ClassVar = {"square": 0.0}

    @staticmethod
    def update(v: float, g: float, square: float, eta: float, epsilon: float) -> tuple[float, float]:
        square = square + g * g
        return v - eta * g / (math.sqrt(square) + epsilon), square


@dataclasses.dataclass(frozen=True)
class Clipped(FormulaMethod):
    """Gradients no longer than ``most``, which takes their norm."""

    steps: int
    step_sizes: Constant
    most: float = 0.5
    batch: int = 1
    name: str = "clipped"

    @staticmethod
    def update(v: float, g: float, eta: float, norm: float, most: float) -> float:
        return v - eta * g * min(1.0, most / norm)


@dataclasses.dataclass(frozen=True)
class ScheduleFree(FormulaMethod):
    """The gradient between x and z: two states, and an output that is a formula."""

    steps: int
    step_sizes: Constant
    kept: float = 0.9
    name: str = "schedule-free"
    states: ClassVar = {"z": "v", "x": "v"}

    @staticmethod
    def update(v: float, g: float, z: float, x: float, j: float, eta: float, kept: float) -> tuple[float, float, float]:
        z = z - eta * g
        x = x + (z - x) / (j + 1)
        return z + kept * (x - z), z, x

    @staticmethod
    def last(x: float) -> float:
        return x


N, R = 1024, 256
REPEATS = 5
FUSED, REFERENCE = 1000, 20
"""Steps of a run; the reference engine's time is in proportion to them."""


def algorithms(name: str, steps: int, C: int) -> list[Any]:
    sizes = [0.02 * (1 + c / C) for c in range(C)]
    return {
        "single examples": [Lookahead(steps // 5, 5, 0.5, Constant(eta)) for eta in sizes],
        "batches of 8": [Lookahead(steps // 5, 5, 0.5, Constant(eta), batch=8) for eta in sizes],
        "batches of 64": [Lookahead(steps // 5, 5, 0.5, Constant(eta), batch=64) for eta in sizes],
        "momentum 0.9": [HeavyBall(steps, Constant(eta / 10), 0.9) for eta in sizes],
        "momentum 0.9, batches of 8": [HeavyBall(steps, Constant(eta / 10), 0.9, batch=8) for eta in sizes],
        "suffix average": [SuffixSGD(steps, Constant(eta)) for eta in sizes],
        "AdaGrad, a formula": [AdaGrad(steps, Constant(eta)) for eta in sizes],
        "clipped, a formula": [Clipped(steps, Constant(eta)) for eta in sizes],
        "clipped, batches of 8": [Clipped(steps, Constant(eta), batch=8) for eta in sizes],
        "schedule-free, a formula": [ScheduleFree(steps, Constant(eta)) for eta in sizes],
        "weighted average": [WeightedSGD(steps, InverseTime(1.0, 1 / eta)) for eta in sizes],
    }[name]


NAMES = ("single examples", "batches of 8", "batches of 64", "momentum 0.9", "momentum 0.9, batches of 8")
NAMES += ("suffix average", "weighted average", "AdaGrad, a formula", "clipped, a formula", "clipped, batches of 8")
NAMES += ("schedule-free, a formula",)


def main(dimensions: list[int]) -> None:
    for d in dimensions:
        problem = PowerLawLeastSquares(dim=d, radius=None)
        stream = Stream(0, range(R))
        data = problem.sample(stream, N)

        def indices(first: int, count: int, stream: Stream = stream) -> torch.Tensor:
            return stream.indices(N, first, count)

        def run(
            made: list[Any], fused: bool, problem: Any = problem, data: torch.Tensor = data, indices: Any = indices
        ) -> torch.Tensor:
            rounds = [np.array([traits.rounds(one)]) for one in made]
            with reference.one_thread():
                engine: Callable[..., list[reference.Path]] = fused_cpu.run if fused else reference.run
                return torch.stack([path.theta for path in engine(problem, made, data, indices, rounds)])

        for C in (16, 1):
            print(f"d = {d}, {C} configurations", flush=True)
            for name in NAMES:
                long, short = (algorithms(name, steps, C) for steps in (FUSED, REFERENCE))
                torch.testing.assert_close(run(short, True), run(short, False), rtol=1e-10, atol=1e-13)
                run(long, True)
                fastest = {True: float("inf"), False: float("inf")}
                for _ in range(REPEATS):
                    for fused, made in ((True, long), (False, short)):
                        began = time.process_time()
                        run(made, fused)
                        spent = (time.process_time() - began) / (R * sum(traits.work(one) for one in made))
                        fastest[fused] = min(fastest[fused], 1e9 * spent)
                ours, theirs = fastest[True], fastest[False]
                print(f"  {name:28} {ours:8.2f} ns {theirs:8.1f} ns {theirs / ours:8.1f}", flush=True)


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("d", nargs="*", type=int, help="dimensions; default: 32")
    main(parser.parse_args().d or [32])
