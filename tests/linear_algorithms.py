"""Algorithms that are linear in the gradient, long enough to simulate and short enough for sums over all draws; and the
comparison of means with expectations, for the tests of the moments engine."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy import special

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


class Pairs(NamedTuple):
    """What was measured, (R, K, 2), and its expectation, (K, 2), or (R, K, 2) given each replicate's data set; 2 K
    labels."""

    measured: np.ndarray
    expected: np.ndarray
    labels: list[tuple[Any, ...]]


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


RATE = 0.01
"""Of false alarms of a whole comparison, half of it for the largest z, half for the sum of their squares."""


def judged(groups: list[list[Pairs]]) -> Comparison:
    """Each group shares its replicates; groups are independent."""
    z: list[float] = []
    labels: list[tuple[Any, ...]] = []
    number = spread = 0.0
    for group in groups:
        columns = []
        for measured, expected, named in group:
            apart, size = measured - expected, np.abs(np.broadcast_to(expected, measured.shape)).mean(0)
            scale = apart.std(0, ddof=1)
            varies = scale > 1e-12 * size
            off = apart.mean(0) / np.where(varies, scale, 1e-12 + 1e-9 * size)
            # What does not vary is the expectation, to rounding; where it is another number, it is infinitely far.
            z += np.where(varies, off * len(apart) ** 0.5, np.where(np.abs(off) < 1, 0.0, np.inf)).ravel().tolist()
            columns.append(((apart - apart.mean(0)) / np.where(varies, scale, np.inf)).reshape(len(apart), -1))
            labels += named
        matrix = np.concatenate(columns, axis=1)
        R, P = len(matrix), int(matrix.any(axis=0).sum())
        squares = float(((matrix.T @ matrix / (R - 1)) ** 2).sum())  # tr of the squared correlations
        number, spread = number + P, spread + (squares - P**2 / R)  # an estimate of it, which errors inflate by P^2 / R
    found_z = np.array(z)
    largest = min(1.0, len(z) * 2 * float(special.ndtr(-np.abs(found_z).max())))
    whole = float(special.chdtrc(number**2 / spread, (found_z**2).sum() * number / spread))
    return Comparison(found_z, labels, largest, whole)
