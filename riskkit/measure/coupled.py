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
    """A block of datasets S, (R, n, w), neighbours S^i, (R, n, w) each, and the example of S that each of them lacks,
    (R, 1, w)."""

    data: Tensor
    coupled: tuple[Tensor, ...] = ()
    left_out: tuple[Tensor, ...] = ()

    @staticmethod
    def of(problem: Problem, stream: Stream, data: Tensor, neighbours: int = 1) -> Pair:
        """Each i is a word of the stream; fresh examples are the first rows of a dataset of another family. Neighbours
        are drawn independently of each other: two may lack the same example."""
        R, n, w = data.shape
        fresh = problem.sample(
            Stream(stream.seed, stream.replicates, stream.dtype, stream.device, family="fresh "), neighbours
        )
        words = stream.words("replaced", neighbours, 1)
        places = [(words[:, q : q + 1] * n >> 32).expand(R, 1, w) for q in range(neighbours)]
        return Pair(
            data,
            tuple(data.scatter(1, i, fresh[:, q : q + 1]) for q, i in enumerate(places)),
            tuple(data.gather(1, i) for i in places),
        )

    def run(
        self,
        problem: Problem,
        runs: Runs,
        draw: Callable[[Sampling], reference.Indices],
        watch: reference.Watch | None = None,
    ) -> list[Paths]:
        """All runs of every algorithm, on the same index stream; ``watch`` sees those on S."""
        together = 1 + len(self.coupled)
        everything = torch.cat([self.data, *self.coupled]) if self.coupled else self.data
        R = len(self.data)

        def repeated(sampling: Sampling) -> reference.Indices:
            indices = draw(sampling)
            return lambda j, count: indices(j, count).repeat(together, 1)

        def split(path: reference.Path) -> Paths:
            parts = (part.chunk(together) for part in (path.theta, path.path_moment, path.diverged_at))
            own, *others = (reference.Path(*part) for part in zip(*parts, strict=True))
            return Paths(own._replace(watched=path.watched), tuple(others))

        def on_own(theta: Tensor) -> Tensor:
            assert watch is not None
            return watch(theta[:R])

        seen = None if watch is None else on_own
        return [split(path) for path in runs.on(problem, everything, repeated if self.coupled else draw, seen)]
