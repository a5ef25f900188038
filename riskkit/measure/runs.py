"""Algorithms on a block of datasets: each by its engine, on the examples that its sampling draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import Algorithm, Sampling
from riskkit.engines import reference
from riskkit.engines.choice import Choice
from riskkit.engines.numba import engine as fused_cpu
from riskkit.engines.triton import engine as fused_gpu
from riskkit.problem import Problem
from riskkit.rng.streams import Stream


class Runs(NamedTuple):
    """Algorithms, the rounds after which each is read, and the engine for each; fused ones may use several threads."""

    algorithms: Sequence[Algorithm | Method]
    rounds: Sequence[np.ndarray]
    choices: Sequence[Choice]
    threads: int

    def on(
        self,
        problem: Problem,
        data: Tensor,
        draw: Callable[[Sampling], reference.Indices],
        watch: reference.Watch | None = None,
        share: int = 1,
    ) -> list[reference.Path]:
        """``watch``: what is noted along the paths of runs on the reference engine, which all of them must then be.
        ``share``: replicates, after one another, that draw from the same n of ``data`` (R / share, n, w)."""
        paths: dict[int, reference.Path] = {}
        ways = [
            (choice.engine, traits.sampling(algorithm))
            for choice, algorithm in zip(self.choices, self.algorithms, strict=True)
        ]
        for engine, sampling in dict.fromkeys(ways):
            own = [i for i, way in enumerate(ways) if way == (engine, sampling)]
            indices = draw(sampling)
            rounds = [self.rounds[i] for i in own]
            algorithms = [self.algorithms[i] for i in own]
            if engine == "fused_cpu":
                found = fused_cpu.run(problem, algorithms, data, indices, rounds, self.threads, share)
            elif engine == "fused_gpu":
                found = fused_gpu.run(problem, algorithms, data, indices, rounds, share)
            else:
                found = reference.run(problem, algorithms, data, indices, rounds, watch, share)
            paths.update(zip(own, found, strict=True))
        return [paths[i] for i in range(len(self.algorithms))]


def drawn_indices(stream: Stream, n: int, sampling: Sampling) -> reference.Indices:
    match sampling:
        case "with replacement":
            return lambda j, count: stream.indices(n, j, count)
        case "without replacement":
            return lambda j, count: stream.shuffled(n, j, count)
        case "one shuffle":
            order = stream.shuffled(n, 0, n)
            return lambda j, count: order[:, torch.arange(j, j + count, device=stream.device) % n]
        case "one stream for all":
            first = Stream(stream.seed, [0], device=stream.device)
            return lambda j, count: first.indices(n, j, count).expand(len(stream.replicates), -1)


def gradients_at(algorithm: Algorithm | Method, rounds: np.ndarray) -> np.ndarray:
    return traits.gradients(algorithm, rounds)
