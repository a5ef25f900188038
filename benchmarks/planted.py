"""What the calibration plants: a row of its table, and errors of known laws.

Errors are made like those of an optimiser: ||z||^2 / d for Gaussian z in R^d (cv^2 = 2/d; d = 2 is exponential), log
normal, or Pareto with 3.5 moments. Checkpoints of one run: z is autoregressive along the axis with correlation .9.
Common random numbers: z has correlation .9 between any two points.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from riskkit.stats.jackknife import Floats

FALSE_ALARM = 0.001
"""Probability with which a row that just meets its requirement is refused."""

Noise = Callable[[Floats], Floats]


class Dependence(enum.StrEnum):
    """How the points of one replicate hang together."""

    NONE = "independent points"
    RUN = "checkpoints of one run"
    COMMON = "common random numbers"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        procedure, setting: what was done to what.
        replicates, trials: R of each trial, and how many trials.
        nominal: the probability that is claimed.
        count: how often it happened.
        least, most: the probability that is required.
    """

    procedure: str
    setting: str
    replicates: int
    trials: int
    nominal: float
    count: int
    least: float
    most: float

    @property
    def observed(self) -> float:
        return self.count / self.trials

    @property
    def band(self) -> tuple[float, float]:
        """The frequencies that are accepted."""
        low = stats.binom.ppf(FALSE_ALARM, self.trials, self.least) / self.trials
        high = stats.binom.isf(FALSE_ALARM, self.trials, self.most) / self.trials
        return float(low), float(high)

    @property
    def accepted(self) -> bool:
        low, high = self.band
        return low <= self.observed <= high


def squared(d: int) -> tuple[str, int, Noise]:
    """||z||^2 / d, z Gaussian in R^d: mean 1, cv^2 = 2/d."""
    return f"|z|^2, d = {d}", d, lambda z: np.mean(z**2, axis=-1)


def lognormal() -> tuple[str, int, Noise]:
    """exp(z - 1/2): mean 1, cv^2 = 1.72, skewness 6.2."""
    return "log normal", 1, lambda z: np.exp(z[..., 0] - 0.5)


def pareto(index: float) -> tuple[str, int, Noise]:
    """Pareto with ``index`` moments, mean 1."""
    name = f"Pareto {index:g}"
    return name, 1, lambda z: np.exp(-special.log_ndtr(-z[..., 0]) / index) * (index - 1) / index


Population = tuple[str, int, Noise]


def draw(rng: np.random.Generator, population: Population, R: int, P: int, dependence: Dependence) -> Floats:
    """Errors (R, P) of mean 1."""
    _, d, noise = population
    z = rng.standard_normal((R, P, d))
    if dependence is Dependence.RUN:
        for p in range(1, P):
            z[:, p] = 0.9 * z[:, p - 1] + math.sqrt(1 - 0.81) * z[:, p]
    if dependence is Dependence.COMMON:
        z = math.sqrt(0.9) * rng.standard_normal((R, 1, d)) + math.sqrt(0.1) * z
    return noise(z)


GRID = 2.0 ** np.arange(8)
