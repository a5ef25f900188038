"""What is measured of a run on squared losses, as expectations over the draws given each drawn S.

With H = E x x' + lam I and H_S = X'X/n + lam I every risk is a quadratic, and the output theta has, given S, a mean
and a covariance (``riskkit.engines.moments``). So E[F_S(theta) | S] is F_S at the mean plus (1/2) tr(H_S covariance),
and so on; what is left in the mean over replicates is the variance of S. The coupled run on a sample S^i has its own
mean and covariance, and one with the run on S, which has the same draws:

    E ||theta(S) - theta(S^i)||^2 = ||difference of the means||^2 + tr(both covariances) - 2 tr(that between them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from riskkit.engines import moments, reference
from riskkit.measure.blocks import block_size
from riskkit.measure.coupled import Pair, Paths
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.expectation import ENGINE, STABILITY, simulated_beside
from riskkit.measure.own import SQUARED_STABILITY, Quantity
from riskkit.measure.quantities import Measured
from riskkit.measure.runs import gradients_at
from riskkit.problem import Problem, Squared
from riskkit.rng.streams import Stream


def measure_given(
    problem: Problem,
    n: int,
    algorithms: Sequence[Any],
    rounds: Sequence[np.ndarray],
    addresses: Sequence[str],
    *,
    seed: int,
    first: int,
    coupled: bool,
    quantities: Sequence[Quantity] = (),
    device: str = "cpu",
) -> list[Measured]:
    """All runs that share problem and n, on a block of replicates: the expectation of each quantity given the S that a
    simulation would run on; with ``coupled`` STABILITY, norms that have no such expectation, from simulated runs. There
    is no replace_one. ``quantities``: none, or SQUARED_STABILITY."""
    size = block_size(problem, n)
    simulated = simulated_beside(problem, n, algorithms, rounds, addresses, coupled, seed, first, device)
    law = moments.squared(problem)
    assert law is not None
    with reference.one_thread():
        stream = Stream(seed, range(first, first + size), dtype=torch.float64, device="cpu")
        pair = Pair.of(problem, stream, problem.sample(stream, n))
        ground = GroundTruth.of(problem, Pair.alone(pair.data))
        found = []
        read = [np.asarray(own, dtype=np.int64) for own in rounds]
        expected = _expected(problem, law, algorithms, read, pair, ground, squared_stability=bool(quantities))
        for algorithm, own, address, run, (values, gone) in zip(
            algorithms, read, addresses, simulated, expected, strict=True
        ):
            engine, diverged = ENGINE, np.where(gone.any(1), gradients_at(algorithm, own)[gone.argmax(1)], -1)
            if run is not None:
                values |= {name: run.values[name] for name in STABILITY}
                engine, diverged = f"{ENGINE} + {run.engine}", np.where(diverged < 0, run.diverged_at, diverged)
            found.append(Measured(address, first, own, values, ground.dataset(), diverged, engine))
    return found


def _expected(
    problem: Problem,
    law: Squared,
    algorithms: Sequence[Any],
    rounds: Sequence[np.ndarray],
    pair: Pair,
    ground: GroundTruth,
    *,
    squared_stability: bool,
) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """For each algorithm quantity -> (R, K, 2), and whether its moments have left the range of the numbers, (R, K),
    after which there is no value."""
    data, start = pair.data.double().numpy(), np.asarray(problem.start, dtype=np.float64)
    outputs = moments.given(algorithms, law, start, data, rounds)
    x, never = data[..., :-1], torch.full((len(data),), -1, dtype=torch.int64)
    empirical = np.swapaxes(x, 1, 2) @ x / data.shape[1]
    coupled: list[tuple[moments.Given, np.ndarray]] = []
    if squared_stability:
        other = pair.coupled[0].double().numpy()
        theirs = moments.given(algorithms, law, start, other, rounds)
        shared = moments.between(algorithms, law, start, data, other, rounds)
        coupled = list(zip(theirs, shared, strict=True))
    found = []
    for i, (algorithm, own) in enumerate(zip(algorithms, outputs, strict=True)):
        parts = [own.mean, own.covariance]
        with np.errstate(over="ignore", invalid="ignore"):
            path = reference.Path(torch.as_tensor(own.mean), torch.as_tensor(own.squares), never)
            values = ground.decompose(problem, Paths(path, ()), gradients_at(algorithm, rounds[i]))
            total = np.einsum("rkoaa->rko", own.covariance)
            on_sample, beyond = (
                (np.einsum("rab,rkoab->rko", moment, own.covariance) + law.ridge * total) / 2
                for moment in (empirical, np.broadcast_to(np.array(law.second_moment), empirical.shape))
            )
            values["optimization"] = values["optimization"] + on_sample
            values["generalization"] = values["generalization"] + (beyond - on_sample)
            values["excess"] = values["optimization"] + values["generalization"]
            values["population_excess"] = values["population_excess"] + beyond
            values["distance"] = values["distance"] + total
            if coupled:
                their, shared_draws = coupled[i]
                apart = own.covariance + their.covariance - 2 * shared_draws
                distance = np.square(own.mean - their.mean).sum(-1) + np.einsum("rkoaa->rko", apart)
                values[SQUARED_STABILITY.name] = np.maximum(distance, 0.0)
                parts += [their.mean, their.covariance, shared_draws]
        fine = np.all([np.isfinite(part).all(axis=tuple(range(2, part.ndim))) for part in parts], axis=0)
        gone = np.logical_or.accumulate(~fine, axis=1)
        found.append(({name: np.where(gone[:, :, None], np.nan, value) for name, value in values.items()}, gone))
    return found
