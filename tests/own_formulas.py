"""Methods of one's own as formulas, for the tests of both fused engines: between them all that a formula may use."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar

import numpy as np

from riskkit import Constant
from riskkit.algorithms import FormulaMethod, StagedFormulaMethod

HALF, ONE = 0.5, Constant(1.0)


def shrunk(v: float, by: float) -> float:
    """The proximal step of by |v|."""
    return math.copysign(max(abs(v) - by, 0.0), v)


@dataclasses.dataclass(frozen=True)
class AdaGrad(FormulaMethod):
    steps: int
    step_sizes: Any
    epsilon: float = 1e-8
    batch: int = 1
    radius: float | None = None
    name: str = "AdaGrad"
    states: ClassVar = {"square": 0.0}

    @staticmethod
    def update(v, g, square, eta, epsilon):
        square = square + g * g
        return v - eta * g / (math.sqrt(square) + epsilon), square


@dataclasses.dataclass(frozen=True)
class Nesterov(StagedFormulaMethod):
    """Where the gradient is taken is v; within stages, with an anchor and outer steps."""

    stages: tuple[Any, ...]
    momentum: float = 0.9
    batch: int = 1
    radius: float | None = None
    name: str = "Nesterov"
    states: ClassVar = {"m": 0.0}

    @staticmethod
    def update(v, g, m, eta, momentum):
        m = momentum * m + g
        return v - eta * (g + momentum * m), m


@dataclasses.dataclass(frozen=True)
class SignSGD(FormulaMethod):
    """The sign of a running mean, and a weight decay beside it."""

    steps: int
    step_sizes: Any
    kept: float = 0.9
    decay: float = 0.01
    batch: int = 1
    name: str = "sign SGD"
    states: ClassVar = {"mean": 0.0}

    @staticmethod
    def update(v, g, mean, eta, kept, decay):
        mean = kept * mean + (1 - kept) * g
        return v * (1 - eta * decay) - eta * math.copysign(1.0, mean), mean


@dataclasses.dataclass(frozen=True)
class Clipped(FormulaMethod):
    """Gradients no longer than ``most``; with ``most`` = 0.01 nearly all are."""

    steps: int
    step_sizes: Any
    most: float = 0.3
    batch: int = 1
    name: str = "clipped"

    @staticmethod
    def update(v, g, eta, norm, most):
        return v - eta * g * min(1.0, most / norm)


@dataclasses.dataclass(frozen=True)
class SoftThreshold(FormulaMethod):
    """Proximal SGD for penalty |v|, its average with weights of its own."""

    steps: int
    step_sizes: Any
    penalty: float = 0.05
    batch: int = 1
    name: str = "soft threshold"

    @property
    def weights(self):
        return 2 / (np.arange(self.steps) + 2.0)

    @staticmethod
    def update(v, g, eta, penalty):
        return shrunk(v - eta * g, eta * penalty)


@dataclasses.dataclass(frozen=True)
class ScheduleFree(FormulaMethod):
    """v is where gradients are taken; reported are the mean x and, as "average", something between x and z."""

    steps: int
    step_sizes: Any
    kept: float = 0.9
    batch: int = 1
    name: str = "schedule-free"
    states: ClassVar = {"z": "v", "x": "v"}

    @staticmethod
    def update(v, g, z, x, j, eta, kept):
        z = z - eta * g
        x = x + (z - x) / (j + 1)
        return (1 - kept) * z + kept * x, z, x

    @staticmethod
    def last(x):
        return x

    @staticmethod
    def average(z, x, j):
        return x + HALF * (z - x) * math.exp(-j)


@dataclasses.dataclass(frozen=True)
class Falling:
    """Step sizes that end with 0."""

    def sizes(self, T, k):
        return np.maximum(0.1 - 0.01 * np.arange(T * k), 0)


@dataclasses.dataclass(frozen=True)
class Growing(FormulaMethod):
    """Moves without a step size."""

    steps: int
    rate: float
    step_sizes: Any = ONE
    name: str = "growing"

    @staticmethod
    def update(v, g, rate):
        return v * rate - 0.01 * g
