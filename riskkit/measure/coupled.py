"""Coupled runs: the same algorithm and indices on S^i, which is S with the example i exchanged for a fresh one."""

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
    """A run on S and the coupled runs, one a neighbour of S."""

    own: reference.Path
    coupled: tuple[reference.Path, ...]


class Pair(NamedTuple):
    """A block of datasets S, and neighbours S^i of each: which example of S a neighbour lacks, and what it has instead.

    Attributes:
        data: S, (R, n, w).
        fresh: (R, neighbours, w), the example that each has instead.
        places: int64 (R, neighbours), the i of each.
    """

    data: Tensor
    fresh: Tensor
    places: Tensor

    @staticmethod
    def of(problem: Problem, stream: Stream, data: Tensor, neighbours: int = 1) -> Pair:
        """Each i is a word of the stream; fresh examples are the first rows of a dataset of another family. Neighbours
        are drawn independently of each other: two may lack the same example."""
        fresh = problem.sample(
            Stream(stream.seed, stream.replicates, stream.dtype, stream.device, family="fresh "), neighbours
        )
        return Pair(data, fresh, stream.words("replaced", neighbours, 1)[..., 0] * data.shape[1] >> 32)

    @staticmethod
    def alone(data: Tensor) -> Pair:
        """Datasets without neighbours."""
        return Pair(data, data[:, :0], torch.zeros((len(data), 0), dtype=torch.int64, device=data.device))

    @property
    def coupled(self) -> tuple[Tensor, ...]:
        """The neighbours written out, (R, n, w) each."""
        w = self.data.shape[2]
        return tuple(
            self.data.scatter(1, place[:, None, None].expand(-1, 1, w), example[:, None])
            for place, example in zip(self.places.unbind(1), self.fresh.unbind(1), strict=True)
        )

    @property
    def left_out(self) -> tuple[Tensor, ...]:
        """The example of S that each neighbour lacks, (R, 1, w)."""
        w = self.data.shape[2]
        return tuple(self.data.gather(1, place[:, None, None].expand(-1, 1, w)) for place in self.places.unbind(1))

    def run(
        self,
        problem: Problem,
        runs: Runs,
        draw: Callable[[Sampling], reference.Indices],
        watch: reference.Watch | None = None,
    ) -> list[Paths]:
        """All runs of every algorithm, on the same index stream; ``watch`` sees those on S.

        Runs on S and on its neighbours draw from the same n rows of S and the fresh ones behind them: where the stream
        says i, a neighbour takes its own."""
        R, n, _ = self.data.shape
        neighbours = self.fresh.shape[1]
        together = 1 + neighbours

        def exchanged(sampling: Sampling) -> reference.Indices:
            indices = draw(sampling)

            def drawn(first: int, count: int) -> Tensor:
                own = indices(first, count)
                every = own[:, None].repeat(1, together, 1)
                for q in range(neighbours):
                    every[:, 1 + q].masked_fill_(own == self.places[:, q, None], n + q)
                return every.reshape(R * together, -1)

            return drawn

        def split(path: reference.Path) -> Paths:
            every = (path.theta, path.path_moment, path.diverged_at)
            parts = (part.reshape(R, together, *part.shape[1:]).unbind(1) for part in every)
            own, *others = (reference.Path(*(part.contiguous() for part in run)) for run in zip(*parts, strict=True))
            return Paths(own._replace(watched=path.watched), tuple(others))

        def on_own(theta: Tensor) -> Tensor:
            assert watch is not None
            return watch(theta[::together].contiguous())

        rows = torch.cat([self.data, self.fresh], dim=1) if neighbours else self.data
        seen = None if watch is None else on_own
        return [split(path) for path in runs.on(problem, rows, exchanged if neighbours else draw, seen, together)]
