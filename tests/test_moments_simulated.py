"""The moments engine against simulation and sums over all sequences of draws, and errors planted in it.

A cell is a problem, n, an algorithm with its schedule, and T; it has two outputs and up to seven quantities. Cells of
one problem and n share their datasets and draws, others do not.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import itertools
import sys
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy import special

from problems import AnisotropicMean, LinearOnBall, MeanEstimation, QuadraticAtoms, TiltedBowl
from riskkit import InverseTime, Lookahead
from riskkit.algorithms import (
    SGD,
    SLRLA,
    Constant,
    HeavyBall,
    LinearDecay,
    LocalSGD,
    SLRLAAsCoded,
    SqrtHorizon,
    Stage,
    WeightedSGD,
    traits,
)
from riskkit.algorithms.staged_momentum import MomentumLookahead
from riskkit.algorithms.suffix import SuffixSGD
from riskkit.engines import moments, reference
from riskkit.engines.moments import kernel, maps
from riskkit.measure import closed, measure_block

propagation = importlib.import_module("riskkit.engines.moments.propagation")

PROBLEMS = (
    MeanEstimation(3, 0.7),
    AnisotropicMean((1.0, 0.2, 0.2), 0.8),
    TiltedBowl(2, curvature=0.6, spread=0.7, initial=0.4),
    QuadraticAtoms(((1.0, 0.0), (-0.5, 1.0), (0.0, -1.5)), (0.5, 0.3, 0.2), (1.0, 0.3), (0.4, -0.2)),
    LinearOnBall(3, radius=50.0),
)
SIZES = (3, 8, 20)

STAGES = (
    Stage(4, 3, 0.5, Constant(0.3), 0.2),
    Stage(4, 3, 0.7, InverseTime(1.0, 5.0), 0.2, "average"),
    Stage(4, 2, 0.3, Constant(0.1)),
)


def without(algorithm: Any) -> Any:
    return dataclasses.replace(algorithm, sampling="without replacement")


ALGORITHMS: tuple[Any, ...] = (
    Lookahead(12, 5, 0.3, InverseTime(1.0, 2)),
    Lookahead(12, 3, 1.6, LinearDecay(0.3)),
    Lookahead(12, 2, 0.6, SqrtHorizon(1.0)),
    SLRLA(STAGES),
    SLRLAAsCoded(STAGES, 7),
    MomentumLookahead((Stage(6, 3, 0.5, Constant(0.2), 0.1), Stage(6, 2, 0.8, LinearDecay(0.1), 0.3)), 0.6, 0.1),
    HeavyBall(30, Constant(0.05), 0.9, batch=4),
    HeavyBall(30, InverseTime(0.4, 3.0), 0.6),
    HeavyBall(30, LinearDecay(0.1), 0.3),
    LocalSGD(6, 2, 3, 0.7, Constant(0.3)),
    WeightedSGD(30, InverseTime(0.5, 4.0)),
    SuffixSGD(30, LinearDecay(0.4), 0.3),
    SGD(30, Constant(0.4), batch=7),
    without(SGD(31, Constant(0.4))),
    without(SGD(31, InverseTime(1.0, 3.0), batch=2)),
    without(Lookahead(12, 3, 0.4, Constant(0.3))),
)


def checkpoints(algorithm: Any) -> np.ndarray:
    return np.unique(np.linspace(1, traits.rounds(algorithm), 3).astype(int))


class Simulated(NamedTuple):
    """The replicates of one problem and n: of each algorithm, quantity -> (R, K, 2)."""

    problem: Any
    n: int
    algorithms: list[Any]
    values: list[dict[str, np.ndarray]]

    @property
    def cells(self) -> int:
        return sum(len(checkpoints(algorithm)) for algorithm in self.algorithms)


def simulated(problem: Any, n: int, replicates: int, seed: int) -> Simulated:
    algorithms = [a for a in ALGORITHMS if moments.refusal(problem, a, n) is None]
    rounds = [checkpoints(a) for a in algorithms]
    blocks = [
        measure_block(problem, n, algorithms, rounds, ["x"] * len(algorithms), seed=seed, first=first)
        for first in range(0, replicates, 256)
    ]
    values = [
        {name: np.concatenate([block[i].values[name] for block in blocks]) for name in blocks[0][i].values}
        for i in range(len(algorithms))
    ]
    return Simulated(problem, n, algorithms, values)


class Comparison(NamedTuple):
    """Of simulated means with expectations: one z a cell, output and quantity, and two p-values.

    ``largest``: that of the largest |z|, times their number (Bonferroni, which holds whatever the z share). ``whole``:
    that of sum z^2, whose law is sum_i c_i chi^2_1 with c the eigenvalues of the correlations: the chi-square with
    the same mean and variance.
    """

    z: np.ndarray
    labels: list[tuple[Any, ...]]
    largest: float
    whole: float

    def agrees(self, rate: float) -> bool:
        return bool(min(self.largest, self.whole) >= rate / 2)


def compared(parts: list[Simulated]) -> Comparison:
    z: list[float] = []
    labels: list[tuple[Any, ...]] = []
    number = spread = 0.0
    for problem, n, algorithms, values in parts:
        columns = []
        for algorithm, found in zip(algorithms, values, strict=True):
            at = checkpoints(algorithm)
            for quantity, exact in closed.expectations(problem, algorithm, n, at.tolist()).items():
                measured = found[quantity]
                scale = measured.std(0, ddof=1)
                varies = scale > 1e-12 * np.abs(exact)
                off = (measured.mean(0) - exact) / np.where(varies, scale, 1e-12 + 1e-9 * np.abs(exact))
                # What does not vary is the expectation, to rounding; where it is another number, it is infinitely far.
                z += (
                    np.where(varies, off * len(measured) ** 0.5, np.where(np.abs(off) < 1, 0.0, np.inf))
                    .ravel()
                    .tolist()
                )
                columns.append(
                    ((measured - measured.mean(0)) / np.where(varies, scale, np.inf)).reshape(len(measured), -1)
                )
                labels += [(problem.name, n, algorithm, int(t), quantity, o) for t in at for o in range(2)]
        matrix = np.concatenate(columns, axis=1)
        R, P = len(matrix), int(matrix.any(axis=0).sum())
        squares = float(((matrix.T @ matrix / (R - 1)) ** 2).sum())  # tr of the squared correlations
        number, spread = number + P, spread + (squares - P**2 / R)  # an estimate of it, which errors inflate by P^2 / R
    found_z = np.array(z)
    largest = min(1.0, len(z) * 2 * float(special.ndtr(-np.abs(found_z).max())))
    whole = float(special.chdtrc(number**2 / spread, (found_z**2).sum() * number / spread))
    return Comparison(found_z, labels, largest, whole)


RATE = 0.01
"""Of false alarms of a whole comparison, half of it for the largest z, half for the sum of their squares."""


@pytest.fixture(scope="module")
def replicates() -> list[Simulated]:
    """512 of each problem and n."""
    pairs = itertools.product(PROBLEMS, SIZES)
    return [simulated(problem, n, 512, seed) for seed, (problem, n) in enumerate(pairs)]


def test_expectations_agree_with_simulation(replicates):
    """More than 500 cells of 512 replicates; a false alarm in one seed of 100, as far as means of 512 are normal. Of 58
    other seeds none gave one."""
    assert sum(part.cells for part in replicates) > 500
    found = compared(replicates)
    assert found.agrees(RATE), (found.largest, found.whole, found.labels[int(np.argmax(np.abs(found.z)))])


@pytest.mark.slow
def test_expectations_agree_with_many_replicates():
    """The same cells, 16,384 replicates, other draws; a false alarm in one seed of 100."""
    pairs = list(itertools.product(PROBLEMS, SIZES))
    found = compared([simulated(problem, n, 16384, 100 + seed) for seed, (problem, n) in enumerate(pairs)])
    assert found.agrees(RATE), (found.largest, found.whole, found.labels[int(np.argmax(np.abs(found.z)))])


# Against all sequences of draws.

DATA = torch.tensor([[[1.0, -0.5], [-0.3, 0.8], [-1.1, 0.4]]], dtype=torch.float64)

SHORT: tuple[tuple[Any, int], ...] = (
    (Lookahead(3, 2, 0.3, InverseTime(1.0, 2)), 6),
    (Lookahead(3, 2, 1.6, LinearDecay(0.3)), 6),
    (SLRLA((Stage(2, 2, 0.5, Constant(0.3), 0.2, "average"), Stage(2, 1, 0.7, InverseTime(1.0, 5.0), 0.2))), 6),
    (SLRLAAsCoded((Stage(2, 2, 0.5, Constant(0.3), 0.2), Stage(2, 1, 0.7, Constant(0.2), 0.2)), 3), 6),
    (MomentumLookahead((Stage(2, 2, 0.5, Constant(0.2), 0.1), Stage(2, 1, 0.8, LinearDecay(0.1), 0.3)), 0.6, 0.1), 6),
    (HeavyBall(3, LinearDecay(0.2), 0.9, batch=2), 6),
    (HeavyBall(6, InverseTime(0.3, 12.0), 0.5), 6),
    (LocalSGD(2, 2, 2, 0.7, Constant(0.3)), 8),
    (WeightedSGD(6, InverseTime(0.5, 4.0)), 6),
    (SuffixSGD(6, LinearDecay(0.4), 0.5), 6),
    (SGD(2, Constant(0.4), batch=3), 6),
    (without(SGD(8, LinearDecay(0.4))), 8),
    (without(SGD(4, Constant(0.4), batch=2)), 8),
    (without(SGD(2, LinearDecay(0.4), batch=4)), 8),
    (without(Lookahead(3, 2, 0.4, Constant(0.3))), 6),
)
"""Each with its draws, batch times steps."""


def sequences(n: int, draws: int, algorithm: Any) -> torch.Tensor:
    """All of them, (number, draws), equally likely; epochs are permutations without replacement."""
    if traits.sampling(algorithm) == "with replacement":
        return torch.tensor(list(itertools.product(range(n), repeat=draws)))
    orders = list(itertools.permutations(range(n)))
    epochs = itertools.product(orders, repeat=-(-draws // n))
    return torch.tensor([sum(epoch, ())[:draws] for epoch in epochs])


def off_the_sums() -> float:
    """The largest difference of any response from what the reference engine gives over all sequences of draws: means
    and variances of both outputs given S, and mean squares of gradients."""
    problem, worst = AnisotropicMean((1.0, 0.3), 0.8), 0.0
    mean, variance = DATA[0].mean(0), DATA[0].var(0, correction=0)
    start = torch.as_tensor(problem.start)
    for algorithm, draws in SHORT:
        rounds = np.arange(1, traits.rounds(algorithm) + 1)
        every = sequences(3, draws, algorithm)
        with reference.one_thread():
            (path,) = reference.run(
                problem,
                [algorithm],
                DATA.expand(len(every), -1, -1),
                lambda j, count, every=every: every[:, j : j + count],
                [rounds],
            )
        found = moments.responses(problem, algorithm, 3, rounds)
        parts = torch.stack([start**2, start * mean, mean**2, variance])
        for measured, expected in (
            (path.theta.mean(0), torch.as_tensor(found.start) * start + torch.as_tensor(found.mean) * mean),
            (path.theta.var(0, correction=0), torch.as_tensor(found.spread) * variance),
            (path.path_moment.mean(0), (torch.as_tensor(found.squares) * parts).sum((1, 2))),
        ):
            worst = max(worst, float((measured - expected).abs().max()))
    return worst


def test_responses_are_the_means_over_all_sequences_of_draws():
    """Algorithms, sampling and batches of every kind on three examples: to rounding, and nothing is random."""
    assert off_the_sums() < 1e-14


# Errors planted in the engine, one at a time.


class Planted(NamedTuple):
    """A passage of a module's source and another in its place. ``given``: whether responses, given S, show it."""

    name: str
    module: ModuleType
    right: str
    wrong: str
    given: bool = True


ERRORS = (
    Planted("the variance of a draw", kernel, "C[i, k] += e[i] * e[k] / batch", "C[i, k] += 1.2 * e[i] * e[k] / batch"),
    Planted("1/b", kernel, "C[i, k] += e[i] * e[k] / batch", "C[i, k] += e[i] * e[k]"),
    Planted("noise carried on by M on one side only", kernel, "total += half[i, o] * M[k, o]", "total = half[i, k]"),
    Planted("M without its curvature", kernel, "transition[j, i, k] + h * push", "transition[j, i, k] + h * h * push"),
    Planted("the mean takes its draw twice", kernel, "fresh[i] = e[i]\n", "fresh[i] = 1.2 * e[i]\n"),
    Planted("no covariance of earlier epochs", kernel, "P[i, k] += r[i] * r[k]", "P[i, k] += 0.0"),
    Planted("no covariance within an epoch", propagation, "C - P - np.outer(r, r)", "C - P"),
    Planted("n for n - 1 draws left", propagation, "np.outer(r, r)) / (epoch - 1)", "np.outer(r, r)) / epoch"),
    Planted("the mixing keeps no slow weights", maps, "mixed[:, SLOW] += 1 - stage.alpha", "mixed[:, SLOW] += 0"),
    Planted("the mixing takes the whole last step", maps, "= -stage.alpha * eta[mixes]", "= -eta[mixes]"),
    Planted("the anchor stays", maps, "before[ANCHOR] = end", "end = end"),
    Planted("a draw reaches the momentum late", maps, "-(1 + r * rho / (1 - r)) * eta", "-eta"),
    Planted(
        "no momentum in Lookahead's", maps, "momentum, momentum] = algorithm.momentum", "momentum, momentum] = 0.0"
    ),
    Planted("the suffix begins late", maps, ">= algorithm.first", "> algorithm.first + 4"),
    Planted(
        "weights off by one",
        maps,
        "weight = np.arange(first, first + count) + offset",
        "weight = np.arange(count) + 3.0",
    ),
    Planted(
        "Var zbar, two examples", closed, "(b - 1) ** 2 * spread / n + within", "(b - 1) ** 2 * spread + within", False
    ),
    Planted("E V, two examples", closed, "within = c * (1 - 1 / n) * spread", "within = c * spread", False),
    Planted("the example drawn again", closed, "w * found.mean * variance / n", "w * variance / n", False),
)
HOLDERS = {
    kernel: (propagation, "advance"),
    maps: (propagation, "linear_maps"),
    propagation: (moments, "responses"),
    closed: (closed, "expectations"),
}
"""Where what a module gives is called from, and its name."""


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name.replace(" ", "_"))
def test_a_planted_error_is_caught(monkeypatch, replicates, error):
    """By 96 of the cells at the same rate of false alarms, and, where it is an error given S, by the sums."""
    source = inspect.getsource(error.module)
    assert source.count(error.right) == 1
    # Interpreted: the error is in the recursion, not in how it is compiled.
    source = source.replace(error.right, error.wrong).replace(
        'numba.njit(cache=True, error_model="numpy")', "lambda f: f"
    )
    made = ModuleType("planted")
    monkeypatch.setitem(sys.modules, "planted", made)  # dataclasses look their module up
    exec(compile(source, "planted", "exec"), made.__dict__)
    holder, name = HOLDERS[error.module]
    monkeypatch.setattr(holder, name, getattr(made, name))
    propagation._responses.cache_clear()
    try:
        some = [part for part in replicates if part.n == 3 and part.problem in PROBLEMS[1:3]]
        assert not compared(some).agrees(RATE)
        assert not error.given or off_the_sums() > 1e-6
    finally:
        propagation._responses.cache_clear()


def test_the_engine_as_it_is_passes_where_errors_are_caught(replicates):
    some = [part for part in replicates if part.n == 3 and part.problem in PROBLEMS[1:3]]
    assert sum(part.cells for part in some) == 96
    assert compared(some).agrees(RATE)
