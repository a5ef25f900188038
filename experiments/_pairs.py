"""Real data and a loss on it: the problems of the experiments on real data, by number."""

from __future__ import annotations

import functools
from collections.abc import Callable

from riskkit.data import auto_mpg, breast_cancer, digits
from riskkit.problems import FinitePopulation


def _cancer(ridge: float, noise: float) -> FinitePopulation:
    rows = breast_cancer().standardized().with_intercept().in_unit_ball()
    return FinitePopulation(rows.with_noise(noise), "logistic", ridge, radius=5.0)


def _cars(ridge: float) -> FinitePopulation:
    rows = auto_mpg().standardized().with_intercept().in_unit_ball()
    return FinitePopulation(rows.targets_within(1.0), "squared", ridge, radius=2.0)


def _digits() -> FinitePopulation:
    rows = digits(4).only(3, 5, 8).with_intercept().in_unit_ball()
    return FinitePopulation(rows, "softmax", ridge=0.1, radius=None)


PAIRS: dict[int, Callable[[], FinitePopulation]] = {
    1: functools.partial(_cancer, 0.0, 0.1),
    2: functools.partial(_cars, 0.0),
    3: functools.partial(_cancer, 0.1, 0.0),
    4: functools.partial(_cars, 0.1),
    5: _digits,
}
"""Data and loss: 1 and 2 convex, 3 to 5 strongly convex."""


@functools.cache
def pair(number: int) -> FinitePopulation:
    return PAIRS[number]()
