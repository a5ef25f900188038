"""Staged lookahead: SGD and Lookahead are special cases of SLRLA.

    stage q, anchor a_q = output of stage q-1 (theta_0 for the first):
        round t = 1..T:   v_0 = theta_{t-1}
            step tau = 1..k:   v <- P_Theta( v - eta_j (grad l(v; z_{i_j}) + beta (v - a_q)) )
            theta_t = (1 - alpha) theta_{t-1} + alpha v_k

t counts rounds, j counts gradients (j = 0 .. kT-1 in a stage). SGD is alpha = 1 for every k; Lookahead is one stage
with beta = 0. Both outputs are always measured: ``last`` is theta_T, ``average`` the uniform mean of the fast weights
v_0 .. v_{k-1} *before* each step, over all rounds of the stage.

Source: Zhou et al., NeurIPS 2021, Algorithms 1-3.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
from typing import Any, Literal, Protocol, get_args

import numpy as np

Output = Literal["last", "average"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

Sampling = Literal["with replacement", "without replacement", "one stream for all"]
SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)


def _number(value: object) -> float:
    """The value as a float, NaN if it is no real number (a bool is none)."""
    if type(value) in (int, float):  # isinstance of an abstract class is slow, and a large grid asks often
        return float(value)  # type: ignore[arg-type]
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else math.nan


def whole(owner: str, name: str, value: object, least: int) -> int:
    """The value as an int; ValueError with one line if it is no whole number >= least."""
    number = _number(value)
    if not (least <= number < math.inf and number == math.floor(number)):
        raise ValueError(f"{owner}: {name} must be a whole number >= {least}; got {value!r}.")
    return int(number)


def _positive(owner: str, name: str, value: object) -> None:
    if not 0 < _number(value) < math.inf:
        raise ValueError(f"{owner}: {name} must be a finite number > 0; got {value!r}.")


class Step(Protocol):
    """A step-size schedule within one stage; it may know the stage's T and k, never the dataset."""

    def sizes(self, T: int, k: int) -> np.ndarray:
        """eta_j for j = 0 .. kT-1, shape (kT,)."""


@dataclasses.dataclass(frozen=True)
class Constant:
    """eta_j = eta."""

    eta: float

    def __post_init__(self) -> None:
        _positive("Constant", "eta", self.eta)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.full(T * k, self.eta)


@dataclasses.dataclass(frozen=True)
class SqrtHorizon:
    """eta_j = eta0 / sqrt(kT), Theorem 1's step: constant in j, but each horizon is a run of its own."""

    eta0: float = 1.0

    def __post_init__(self) -> None:
        _positive("SqrtHorizon", "eta0", self.eta0)

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
        _positive("InverseTime", "lam", self.lam)
        _positive("InverseTime", "offset", self.offset)

    def sizes(self, T: int, k: int) -> np.ndarray:
        return 1.0 / (self.lam * (np.arange(T * k) + self.offset))


def horizon_free(step: Step) -> bool:
    """True if a longer run has the same step sizes, so that every T can be read off one run at its checkpoints."""
    return isinstance(step, Constant | InverseTime)


@dataclasses.dataclass(frozen=True)
class Stage:
    """T rounds of k gradient steps, pulled towards the stage's anchor by the gradient beta (theta - anchor).

    Raises ValueError for T < 1, k < 1, alpha outside (0, 1], beta < 0.
    """

    T: int
    k: int
    alpha: float
    step: Step
    beta: float = 0.0
    output: Output = "last"

    def __post_init__(self) -> None:
        object.__setattr__(self, "T", whole("Lookahead", "T", self.T, 1))
        object.__setattr__(self, "k", whole("Lookahead", "k", self.k, 1))
        if not 0 < _number(self.alpha) <= 1:
            raise ValueError(f"Lookahead: alpha must lie in (0, 1]; got {self.alpha!r}.")
        if not 0 <= _number(self.beta) < math.inf:
            raise ValueError(f"SLRLA: beta must be a finite number >= 0; got {self.beta!r}.")
        if self.output not in OUTPUTS:
            raise ValueError(f"SLRLA: output must be one of {', '.join(OUTPUTS)}; got {self.output!r}.")

    @property
    def steps(self) -> int:
        return self.T * self.k


@dataclasses.dataclass(frozen=True)
class Algorithm:
    """Stages run one after the other, each from the output of the one before.

    Attributes:
        stages: at least one.
        name: a label for tables and figures; not part of what is computed.
        anchor_every: None: the anchor moves once a stage, as published. K: it is set to the fast weights before every
            K-th gradient step (counted over the whole run) and at no other time, as in the authors' code.
        sampling: how examples are drawn. The theorems are about independent draws, ``with replacement``. ``without
            replacement`` goes through all examples in a new random order again and again, and with ``one stream for
            all`` every replicate draws what replicate 0 does: faults to be caught, to which no bound applies.
    """

    stages: tuple[Stage, ...]
    name: str = dataclasses.field(default="SLRLA", compare=False)
    anchor_every: int | None = None
    sampling: Sampling = "with replacement"

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("SLRLA: stages must hold at least one Stage; got none.")
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"SLRLA: sampling must be one of {', '.join(SAMPLINGS)}; got {self.sampling!r}.")
        if self.anchor_every is not None:
            object.__setattr__(self, "anchor_every", whole("SLRLA", "anchor_every", self.anchor_every, 1))

    @property
    def steps(self) -> int:
        """Stochastic gradients in all (IFO calls)."""
        return sum(stage.steps for stage in self.stages)

    @property
    def rounds(self) -> int:
        """Outer rounds in all; checkpoints count these."""
        return sum(stage.T for stage in self.stages)

    def gradients(self, rounds: np.ndarray) -> np.ndarray:
        """How many gradients have been taken when each of the given rounds (1 .. ``self.rounds``) ends."""
        return self._ends[np.asarray(rounds) - 1]

    @functools.cached_property
    def _ends(self) -> np.ndarray:
        return np.concatenate([np.full(stage.T, stage.k) for stage in self.stages]).cumsum()


def SGD(steps: int, step: Step, k: int = 1) -> Algorithm:
    """SGD for ``steps`` gradients: Lookahead with alpha = 1. ``k`` only sets where rounds, and so checkpoints, end."""
    total, k = whole("SGD", "steps", steps, 1), whole("SGD", "k", k, 1)
    if total % k:
        raise ValueError(f"SGD: steps must be a multiple of k; got steps={total}, k={k}.")
    return Algorithm((Stage(total // k, k, 1.0, step),), name="SGD")


def Lookahead(T: int, k: int, alpha: float, step: Step) -> Algorithm:
    """Lookahead (Algorithm 2): T rounds of k steps, theta_t = (1 - alpha) theta_{t-1} + alpha v_k."""
    return Algorithm((Stage(T, k, alpha, step),), name="Lookahead")


def SLRLA(stages: tuple[Stage, ...] | list[Stage]) -> Algorithm:
    """SLRLA as published (Algorithm 3): the penalty (beta/2)||theta - anchor||^2, the anchor moving once a stage."""
    return Algorithm(tuple(stages), name="SLRLA")


def SLRLAAsCoded(stages: tuple[Stage, ...] | list[Stage], anchor_every: int) -> Algorithm:
    """SLRLA as in the authors' public code: the penalty beta ||theta - anchor||^2, whose gradient is *2* beta (theta -
    anchor), the anchor refreshed every ``anchor_every`` gradient steps whatever the lookahead period."""
    doubled = tuple(dataclasses.replace(stage, beta=2 * stage.beta) for stage in stages)
    return Algorithm(doubled, name="SLRLA as coded", anchor_every=anchor_every)


def StagewiseLookahead(stages: tuple[Stage, ...] | list[Stage]) -> Algorithm:
    """The same stages with beta = 0: what the stages alone achieve, without the local regularizer."""
    return Algorithm(tuple(dataclasses.replace(s, beta=0.0) for s in stages), name="stagewise Lookahead")


def StagewiseSGD(stages: tuple[Stage, ...] | list[Stage]) -> Algorithm:
    """The same stages with beta = 0 and alpha = 1."""
    return Algorithm(tuple(dataclasses.replace(s, beta=0.0, alpha=1.0) for s in stages), name="stagewise SGD")


class Optimiser(Protocol):
    """A user's own method for the reference engine: an explicit state, advanced one stochastic gradient at a time.

    The state is a tuple of tensors; ``step`` returns a new one, or mutates and returns the given one. Make it a frozen
    dataclass: the class name and the fields identify it. A round is one step (k = 1).
    """

    @property
    def name(self) -> str: ...

    @property
    def steps(self) -> int:
        """Gradients in all."""

    def init(self, theta: Any) -> Any:
        """The state at theta_0, a tensor (R, 1, d)."""

    def query(self, state: Any) -> Any:
        """Where the next gradient is wanted, (R, 1, d)."""

    def step(self, state: Any, gradient: Any, j: int) -> Any:
        """The state after the j-th gradient. Nothing else projects onto Theta: do it here if Theta is a ball."""

    def output(self, state: Any) -> dict[Output, Any]:
        """``last`` and ``average``, each (R, 1, d)."""
