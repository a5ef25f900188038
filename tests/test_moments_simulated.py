"""The moments engine against simulation and sums over all sequences of draws, and errors planted in it.

A cell is a problem, n, an algorithm with its schedule, and T; it has two outputs and up to seven quantities. Cells of
one problem and n share their datasets and draws, others do not.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import sys
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from linear_algorithms import ALGORITHMS, RATE, SHORT, Comparison, Pairs, checkpoints, judged, sequences

from problems import AnisotropicMean, LinearOnBall, MeanEstimation, QuadraticAtoms, TiltedBowl
from riskkit.algorithms import traits
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


def compared(parts: list[Simulated]) -> Comparison:
    groups = []
    for problem, n, algorithms, values in parts:
        group = []
        for algorithm, found in zip(algorithms, values, strict=True):
            at = checkpoints(algorithm)
            for quantity, exact in closed.expectations(problem, algorithm, n, at.tolist()).items():
                labels = [(problem.name, n, algorithm, int(t), quantity, o) for t in at for o in range(2)]
                group.append(Pairs(found[quantity], exact, labels))
        groups.append(group)
    return judged(groups)


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
