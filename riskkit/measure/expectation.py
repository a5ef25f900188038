"""What is measured of a run, as expectations: no algorithm is run where moments give the answer.

What has no expectation in closed form (``riskkit.measure.closed``) is taken given the drawn S: the output theta has,
given S, a mean a theta_0 + b zbar and in each coordinate a variance c V (``riskkit.engines.moments``), so that
E[F_S(theta) | S] is F_S at that mean plus (1/2) sum h c V, and so on for every quantity that is a quadratic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.engines import moments, reference
from riskkit.measure.blocks import block_size, measure_block
from riskkit.measure.closed import complete, dataset_expectations, expectations
from riskkit.measure.coupled import Pair, Paths
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.quantities import Measured
from riskkit.measure.runs import gradients_at
from riskkit.problem import Problem
from riskkit.rng.streams import Stream

ENGINE = "moments"

STABILITY = ("stability", "path_stability")
"""Norms, which may have no expectation in closed form."""


class Drawn(NamedTuple):
    """Data sets, and of them what every run asks for.

    Attributes:
        n: their size. ground: what is known before any run.
        samples: of S and of each neighbour the mean zbar and the variance V of its examples, (R, d) each.
    """

    n: int
    ground: GroundTruth
    samples: tuple[tuple[Tensor, Tensor], ...]

    @staticmethod
    def of(pair: Pair, ground: GroundTruth) -> Drawn:
        everything = [data.double() for data in (pair.data, *pair.coupled)]
        samples = tuple((data.mean(1), data.var(1, correction=0)) for data in everything)
        return Drawn(pair.data.shape[1], ground, samples)


def given_dataset(problem: Problem, algorithm: Any, rounds: np.ndarray, drawn: Drawn) -> dict[str, np.ndarray]:
    """Quantity -> (R, K, 2), its expectation over the draws given S (and S^i): the decomposition at the mean of the
    output, plus what its variance adds."""
    law = moments.quadratic(problem)
    assert law is not None
    n, ground = drawn.n, drawn.ground
    found = moments.responses(problem, algorithm, n, rounds)
    h, start = torch.as_tensor(law.curvatures, dtype=torch.float64), ground.start
    a, b, c = (torch.as_tensor(part) for part in (found.start, found.mean, found.spread))

    def at(zbar: Tensor, variance: Tensor) -> tuple[reference.Path, Tensor]:
        """The path of means, and the variance of each coordinate of the outputs."""
        parts = torch.stack([start.square().expand_as(zbar), start * zbar, zbar.square(), variance], dim=1)
        moment = torch.einsum("kqd,rqd->rk", torch.as_tensor(found.squares), parts)
        theta = a * start + b * zbar[:, None, None, :]
        never = torch.full((len(zbar),), -1, dtype=torch.int64)
        return reference.Path(theta, moment, never), c * variance[:, None, None, :]

    (own, spread), *others = [at(*sample) for sample in drawn.samples]
    values = ground.decompose(problem, Paths(own, tuple(path for path, _ in others)), gradients_at(algorithm, rounds))
    added = (h * spread).sum(-1).numpy() / 2
    for name in ("optimization", "excess", "population_excess"):
        values[name] = values[name] + added
    values["distance"] = values["distance"] + spread.sum(-1).numpy()
    for _, other in others:
        values["replace_one"] = values["replace_one"] + (h * (other - spread)).sum(-1).numpy() / (2 * len(others))
        if not complete(problem, algorithm, n, rounds.tolist()):
            values.pop("stability", None)
        values.pop("path_stability", None)
    return values


def simulated_beside(
    problem: Problem,
    n: int,
    algorithms: Sequence[Any],
    rounds: Sequence[np.ndarray],
    addresses: Sequence[str],
    coupled: bool,
    seed: int,
    first: int,
    device: str,
) -> Sequence[Measured | None]:
    """With ``coupled`` the simulated runs that STABILITY is taken from, one an algorithm; else None for each."""
    if not coupled:
        return [None] * len(algorithms)
    return measure_block(
        problem, n, algorithms, rounds, addresses, seed=seed, first=first, device=device, engine="auto"
    )


def measure_expected(
    problem: Problem,
    n: int,
    algorithms: Sequence[Any],
    rounds: Sequence[np.ndarray],
    addresses: Sequence[str],
    *,
    seed: int,
    first: int,
    coupled: bool,
    device: str = "cpu",
) -> list[Measured]:
    """The expectations of all runs that share problem and n, as the same numbers in each replicate of a block; what has
    none is taken given the drawn S, and with ``coupled`` STABILITY from simulated runs on it. There is no replace_one:
    it would estimate what is known."""
    size = block_size(problem, n)
    known = dataset_expectations(problem, n)
    simulated = simulated_beside(problem, n, algorithms, rounds, addresses, coupled, seed, first, device)
    drawn = None if known is not None else _drawn(problem, n, seed, first, size)
    found = []
    for algorithm, own, address, run in zip(algorithms, rounds, addresses, simulated, strict=True):
        values: dict[str, np.ndarray] = {}
        with np.errstate(over="ignore", invalid="ignore"), reference.one_thread():
            exact = expectations(problem, algorithm, n, own.tolist())
            if drawn is not None:
                values = given_dataset(problem, algorithm, np.asarray(own), drawn)
        values |= {name: np.broadcast_to(value, (size, *value.shape)).copy() for name, value in exact.items()}
        values.pop("replace_one", None)
        engine, diverged = ENGINE, np.full(size, _diverged_at(problem, algorithm, n, own), dtype=np.int64)
        if run is not None:
            values |= {name: run.values[name] for name in STABILITY if name not in exact}
            engine, diverged = f"{ENGINE} + {run.engine}", run.diverged_at
        dataset = drawn.ground.dataset() if drawn is not None else _everywhere(known, size)
        found.append(Measured(address, first, np.asarray(own, dtype=np.int64), values, dataset, diverged, engine))
    return found


def _diverged_at(problem: Problem, algorithm: Any, n: int, rounds: np.ndarray) -> int:
    """Gradients taken at the first checkpoint whose moments left the range of the numbers, -1 if there is none."""
    found = moments.responses(problem, algorithm, n, rounds)
    parts = (found.start, found.mean, found.spread)
    gone = np.flatnonzero(~np.all([np.isfinite(part).all(axis=(1, 2)) for part in parts], axis=0))
    return int(gradients_at(algorithm, rounds)[gone[0]]) if gone.size else -1


def _drawn(problem: Problem, n: int, seed: int, first: int, size: int) -> Drawn:
    with reference.one_thread():
        stream = Stream(seed, range(first, first + size), dtype=torch.float64, device="cpu")
        pair = Pair.of(problem, stream, problem.sample(stream, n))
        return Drawn.of(pair, GroundTruth.of(problem, pair))


def _everywhere(known: dict[str, float] | None, size: int) -> dict[str, np.ndarray]:
    return {name: np.full(size, value) for name, value in (known or {}).items()}
