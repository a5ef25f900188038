"""All runs that share a problem and n, measured on one block of replicates.

A replicate is one dataset S, one index stream, one i and one fresh example. Replicates run in blocks aligned to the
replicate number, the last one padded, so that every replicate is computed in the same company whatever range is asked
for: a matrix product's bits change with its shape.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Hashable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import Algorithm, Sampling
from riskkit.engines import reference
from riskkit.engines.choice import Choice, choose
from riskkit.measure.companion import controls
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.own import Quantity, along
from riskkit.measure.quantities import Measured
from riskkit.measure.runs import Runs, drawn_indices, gradients_at
from riskkit.problem import NoMinimiserError, Problem
from riskkit.rng.streams import Stream

Dtype = Literal["float64", "float32"]
DTYPES: dict[str, torch.dtype] = {"float64": torch.float64, "float32": torch.float32}


SIZES = (32, 64, 128, 256)
"""What ``together`` may be."""


def block_size(problem: Problem, n: int) -> int:
    """Replicates computed together: a power of two from 32 to 256 that keeps a block's data near 32 MiB. It depends on
    the problem and n alone, since the bits of batched products depend on it; ValueError for another ``together``."""
    size = getattr(problem, "together", 256)
    if size not in SIZES:
        raise ValueError(f"{problem.name}: together must be one of {', '.join(map(str, SIZES))}; got {size!r}.")
    while size > 32 and size * n * problem.dim > 2**22:
        size //= 2
    return size


def chosen(problem: Problem, algorithm: Any, device: str, engine: str, quantities: Sequence[Quantity] = ()) -> Choice:
    """The engine of a run: the one that ``choose`` takes, but that means along the path need the reference engine."""
    choice = choose(problem, algorithm, device, engine)
    watched = along(quantities)
    if not watched or choice.engine == "reference":
        return choice
    reason = f"{watched[0].name} is noted at every step"
    if engine == "fused":
        raise ValueError(f"engine fused: {reason}; use auto or reference.")
    return Choice("reference", reason)


def measure_block(
    problem: Problem,
    n: int,
    algorithms: Sequence[Algorithm | Method],
    rounds: Sequence[np.ndarray],
    addresses: Sequence[str],
    *,
    seed: int,
    first: int,
    dtype: str = "float64",
    device: str = "cpu",
    engine: str = "auto",
    quantities: Sequence[Quantity] = (),
    neighbours: int = 1,
) -> list[Measured]:
    """All runs that share problem and n, on the block of replicates that starts at ``first``: draws S, solves for
    theta*_S, runs, evaluates and drops the data. One Measured a run. ``rounds``: the checkpoints (K,) of each;
    ``neighbours``: samples that differ from S in one example, over which what is coupled is averaged.
    ``first``: the number of the block's first replicate; ``seed``: of all draws.

    It computes on one thread: blocks, not operations, are what riskkit runs side by side."""
    choices = [chosen(problem, algorithm, device, engine, quantities) for algorithm in algorithms]
    with reference.one_thread():
        stream = Stream(seed, range(first, first + block_size(problem, n)), dtype=DTYPES[dtype], device=device)
        pair, ground = _known(problem, stream, n, neighbours)
        runs = Runs(algorithms, rounds, choices, threads=1)
        watch = watcher(problem, pair.data, quantities)

        def draw(sampling: Sampling) -> reference.Indices:
            return drawn_indices(stream, n, sampling)

        paths = pair.run(problem, runs, draw, watch)
        beside = controls(problem, n, algorithms, rounds, pair, draw, device)
        return [
            Measured(
                run=address,
                first=first,
                rounds=np.asarray(checkpoints, dtype=np.int64),
                values=ground.decompose(problem, path, gradients_at(algorithm, checkpoints), quantities) | followed,
                dataset=ground.dataset(),
                diverged_at=path.own.diverged_at.cpu().numpy(),
                engine=choice.engine,
            )
            for address, algorithm, checkpoints, choice, path, followed in zip(
                addresses, algorithms, rounds, choices, paths, beside, strict=True
            )
        ]


Known = tuple[Pair, GroundTruth]
"""The datasets of a block, and what is known of them before any run."""

_kept: ContextVar[dict[Hashable, Known] | None] = ContextVar("kept", default=None)


@contextlib.contextmanager
def keeping() -> Iterator[dict[Hashable, Known]]:
    """Inside, the datasets that were measured on last, and their minimisers, are kept for the next runs on them."""
    kept: dict[Hashable, Known] = {}
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def _known(problem: Problem, stream: Stream, n: int, neighbours: int) -> Known:
    kept = _kept.get()
    place = problem, n, neighbours, stream.seed, tuple(stream.replicates), stream.dtype, stream.device
    if kept is not None and place in kept:
        return kept[place]
    pair = Pair.of(problem, stream, problem.sample(stream, n), neighbours)
    found = pair, GroundTruth.of(problem, pair)
    if kept is not None:
        kept.clear()
        kept[place] = found
    return found


def watcher(problem: Problem, data: Tensor, quantities: Sequence[Quantity]) -> reference.Watch | None:
    """What an engine calls along the path on S, ``data`` (R, n, w), for the quantities that are means along it: theta
    (R, C, d) -> (R, C, Q). None where there are none."""
    watched = along(quantities)
    if not watched:
        return None

    def watch(theta: Tensor) -> Tensor:
        return torch.stack([own.measure(problem, theta.double(), data.double()) for own in watched], dim=-1)

    return watch


@functools.lru_cache(maxsize=256)
def dataset_means(problem: Problem, n: int) -> dict[str, float]:
    """Name -> the mean of a number of the datasets of size ``n`` over one block of them, before any run; nothing where
    a minimiser is not found."""
    with reference.one_thread():
        stream = Stream(0, range(block_size(problem, n)), dtype=torch.float64, device="cpu")
        try:
            found = GroundTruth.of(problem, Pair.alone(problem.sample(stream, n))).dataset()
        except NoMinimiserError:
            return {}
    return {name: float(values.mean()) for name, values in found.items()}
