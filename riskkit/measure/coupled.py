"""The coupled run: the same algorithm and indices on S^i, which is S with the example i exchanged for a fresh one."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from riskkit.algorithms.staged import Sampling
from riskkit.engines import reference
from riskkit.measure.runs import Runs
from riskkit.problem import Problem
from riskkit.rng.streams import Stream


class Paths(NamedTuple):
    """A run on S and the coupled run on S^i."""

    own: reference.Path
    coupled: reference.Path | None


class Pair(NamedTuple):
    """A block of datasets S and S^i, (R, n, w) each, and the example of S that S^i lacks, (R, 1, w)."""

    data: Tensor
    coupled: Tensor | None
    left_out: Tensor | None

    @staticmethod
    def of(problem: Problem, stream: Stream, data: Tensor) -> Pair:
        """i is one word of the stream; the fresh example is the first row of a dataset of another family."""
        R, n, w = data.shape
        fresh = Stream(stream.seed, stream.replicates, stream.dtype, stream.device, family="fresh ")
        i = (stream.words("replaced", 1, 1) * n >> 32).expand(R, 1, w)
        coupled = data.scatter(1, i, problem.sample(fresh, 1))
        return Pair(data, coupled, data.gather(1, i))

    def run(self, problem: Problem, runs: Runs, draw: Callable[[Sampling], reference.Indices]) -> list[Paths]:
        """Both runs of every algorithm, on the same index stream."""
        if self.coupled is None:
            return [Paths(path, None) for path in runs.on(problem, self.data, draw)]
        both = torch.cat([self.data, self.coupled])

        def twice(sampling: Sampling) -> reference.Indices:
            indices = draw(sampling)
            return lambda j, count: indices(j, count).repeat(2, 1)

        paths = runs.on(problem, both, twice)
        return [
            Paths(*(reference.Path(*half) for half in zip(*(part.chunk(2) for part in path), strict=True)))
            for path in paths
        ]
