"""Step-size schedules."""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import numpy as np

from riskkit.algorithms.arguments import positive


class Step(Protocol):
    """A step-size schedule within one stage; it may know the stage's T and k, never the dataset."""

    def sizes(self, T: int, k: int) -> np.ndarray:
        """eta_j for j = 0 .. kT-1, shape (kT,)."""


@dataclasses.dataclass(frozen=True)
class Constant:
    """eta_j = eta."""

    eta: float

    def __post_init__(self) -> None:
        positive("Constant", "eta", self.eta)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.full(T * k, self.eta)


@dataclasses.dataclass(frozen=True)
class SqrtHorizon:
    """eta_j = eta0 / sqrt(kT), Theorem 1's step: constant in j, but each horizon is a run of its own."""

    eta0: float = 1.0

    def __post_init__(self) -> None:
        positive("SqrtHorizon", "eta0", self.eta0)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.full(T * k, self.eta0 / math.sqrt(T * k))


@dataclasses.dataclass(frozen=True)
class InverseTime:
    """eta_j = 1 / (lam (j + offset)), the step of Theorems 2 (lam) and 3 (mu); horizon-free.

    j starts at 0 in each stage; to continue over stages give the later stage ``offset`` + the gradients before it.
    """

    lam: float
    offset: float = 2.0

    def __post_init__(self) -> None:
        positive("InverseTime", "lam", self.lam)
        positive("InverseTime", "offset", self.offset)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return 1.0 / (self.lam * (np.arange(T * k) + self.offset))


def horizon_free(step: Step) -> bool:
    """True if a longer run has the same step sizes, so that every T can be read off one run at its checkpoints."""
    return isinstance(step, Constant | InverseTime)
