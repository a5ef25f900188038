"""Step sizes: a schedule says eta_j for every gradient j of a stage, and may say more of itself.

A schedule of one's own is a frozen dataclass with ``sizes``. What else is asked of a schedule has a default that is
right for any: ``horizon_free``, ``scaled``, ``first_size``, ``described`` below.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, Protocol

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
    horizon_free: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("Constant", "eta", self.eta)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.full(T * k, self.eta)

    def first(self, T: int, k: int) -> float:
        return self.eta

    def scaled(self, factor: float) -> Constant:
        return Constant(factor * self.eta)

    def described(self) -> str:
        return f"{self.eta:g}"


@dataclasses.dataclass(frozen=True)
class SqrtHorizon:
    """eta_j = eta0 / sqrt(kT): constant in j, but each horizon is a run of its own."""

    eta0: float = 1.0

    def __post_init__(self) -> None:
        positive("SqrtHorizon", "eta0", self.eta0)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.full(T * k, self.first(T, k))

    def first(self, T: int, k: int) -> float:
        return self.eta0 / math.sqrt(T * k)

    def scaled(self, factor: float) -> SqrtHorizon:
        return SqrtHorizon(factor * self.eta0)

    def described(self) -> str:
        return f"{self.eta0:g}/sqrt(kT)"


@dataclasses.dataclass(frozen=True)
class InverseTime:
    """eta_j = 1 / (lam (j + offset)), the step of strongly convex and PL problems; horizon-free.

    j starts at 0 in each stage; to continue over stages give the later stage ``offset`` + the gradients before it.
    """

    lam: float
    offset: float = 2.0
    horizon_free: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("InverseTime", "lam", self.lam)
        positive("InverseTime", "offset", self.offset)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return 1.0 / (self.lam * (np.arange(T * k) + self.offset))

    def first(self, T: int, k: int) -> float:
        return 1 / (self.lam * self.offset)

    def scaled(self, factor: float) -> InverseTime:
        return InverseTime(self.lam / factor, self.offset)

    def described(self) -> str:
        return f"1/({self.lam:g} (j + {self.offset:g}))"


@dataclasses.dataclass(frozen=True)
class LinearDecay:
    """eta_j = eta0 (1 - j/(kT)): down to eta0/(kT) at the horizon, so that each horizon is a run of its own."""

    eta0: float

    def __post_init__(self) -> None:
        positive("LinearDecay", "eta0", self.eta0)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return self.eta0 * (1 - np.arange(T * k) / (T * k))

    def first(self, T: int, k: int) -> float:
        return self.eta0

    def scaled(self, factor: float) -> LinearDecay:
        return LinearDecay(factor * self.eta0)

    def described(self) -> str:
        return f"{self.eta0:g} (1 - j/(kT))"


@dataclasses.dataclass(frozen=True)
class Scaled:
    """factor times another schedule: what ``scaled`` makes of one that cannot scale itself."""

    step: Any
    factor: float

    def __post_init__(self) -> None:
        positive("Scaled", "factor", self.factor)

    @property
    def horizon_free(self) -> bool:
        return horizon_free(self.step)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return self.factor * np.asarray(self.step.sizes(T, k))

    def described(self) -> str:
        return f"{self.factor:g} * {described(self.step)}"


def horizon_free(step: Step) -> bool:
    """``horizon_free``: True if a longer run has the same step sizes, so that every T can be read off one run at its
    checkpoints. Default: False, which is always right."""
    return bool(getattr(step, "horizon_free", False))


def scaled(step: Step, factor: float) -> Step:
    """``scaled(factor)``: the schedule factor * eta_j. With factor alpha it makes SGD move, on average, as far as
    Lookahead with that alpha. Default: ``Scaled``."""
    own = getattr(step, "scaled", None)
    return Scaled(step, factor) if own is None else own(factor)


def first_size(step: Step, T: int, k: int) -> float:
    """``first(T, k)``: eta_0, the largest of a schedule that does not grow. Default: the largest of its sizes."""
    own = getattr(step, "first", None)
    return float(np.asarray(step.sizes(T, k)).max()) if own is None else float(own(T, k))


def described(step: Step) -> str:
    """``described()``: the schedule as text for tables, such as ``"0.5/sqrt(kT)"``. Default: its repr."""
    own = getattr(step, "described", None)
    return repr(step) if own is None else str(own())
