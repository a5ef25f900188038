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
from typing import Literal, Self, get_args

import numpy as np

from riskkit.algorithms.arguments import number, whole
from riskkit.algorithms.steps import Step, described, first_size, horizon_free
from riskkit.identity import LATER

Output = Literal["last", "average"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

Sampling = Literal["with replacement", "without replacement", "one shuffle", "one stream for all"]
SAMPLINGS: tuple[Sampling, ...] = get_args(Sampling)


@dataclasses.dataclass(frozen=True)
class Stage:
    """T rounds of k gradient steps, pulled towards the stage's anchor by the gradient beta (theta - anchor).

    alpha above 1 steps beyond the fast weights. Raises ValueError for T < 1, k < 1, alpha outside (0, 2], beta < 0.
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
        if not 0 < number(self.alpha) <= 2:
            raise ValueError(f"Lookahead: alpha must lie in (0, 2]; got {self.alpha!r}.")
        if not 0 <= number(self.beta) < math.inf:
            raise ValueError(f"SLRLA: beta must be a finite number >= 0; got {self.beta!r}.")
        if self.output not in OUTPUTS:
            raise ValueError(f"SLRLA: output must be one of {', '.join(OUTPUTS)}; got {self.output!r}.")

    @property
    def steps(self) -> int:
        return self.T * self.k


class Staged:
    """What stages that run one after the other say of themselves, whatever a step is.

    Attributes:
        stages: at least one.
    """

    stages: tuple[Stage, ...]

    @property
    def steps(self) -> int:
        """Steps in all; each takes ``batch`` stochastic gradients (IFO calls)."""
        return sum(stage.steps for stage in self.stages)

    @property
    def rounds(self) -> int:
        """Outer rounds in all; checkpoints count these."""
        return sum(stage.T for stage in self.stages)

    def steps_after(self, rounds: np.ndarray) -> np.ndarray:
        """How many steps have been taken when each of the given rounds (1 .. ``self.rounds``) ends."""
        return self._ends[np.asarray(rounds) - 1]

    @property
    def stage_ends(self) -> np.ndarray:
        """Rounds with which the stages end, (Q,)."""
        return np.cumsum([stage.T for stage in self.stages])

    @property
    def schedule(self) -> str:
        """The step sizes as text: ``"0.5/sqrt(kT)"``, ``"3 stages from 0.1"``."""
        first = self.stages[0]
        if len(self.stages) > 1:
            return f"{len(self.stages)} stages from {first_size(first.step, first.T, first.k):g}"
        return described(first.step)

    def begun(self, steps: int) -> Self:
        """The beginning of its first stage, of about so many steps."""
        head = self.stages[0]
        k = min(head.k, steps)
        head = dataclasses.replace(head, T=max(1, min(head.T, steps // k)), k=k)
        return dataclasses.replace(self, stages=(head,))  # type: ignore[type-var]

    @functools.cached_property
    def _ends(self) -> np.ndarray:
        return np.concatenate([np.full(stage.T, stage.k) for stage in self.stages]).cumsum()


@dataclasses.dataclass(frozen=True)
class Algorithm(Staged):
    """Stages run one after the other, each from the output of the one before.

    Attributes:
        stages: at least one.
        name: a label for tables and figures; not part of what is computed.
        anchor_every: None: the anchor moves once a stage, as published. K: it is set to the fast weights before every
            K-th gradient step (counted over the whole run) and at no other time, as in the authors' code.
        sampling: how examples are drawn. Most theorems are about independent draws, ``with replacement``. ``without
            replacement`` goes through all examples in a new random order again and again, ``one shuffle`` in one
            random order throughout. With ``one stream for all`` every replicate draws what replicate 0 does: a fault
            to be caught, to which no bound applies.
        batch: how many examples each step draws, in the same way; its gradient is the mean over them. All n of them
            without replacement are the full gradient.

    Raises ValueError without a stage, for an unknown sampling, and for batch or anchor_every < 1.
    """

    stages: tuple[Stage, ...]
    name: str = dataclasses.field(default="SLRLA", compare=False)
    anchor_every: int | None = None
    sampling: Sampling = "with replacement"
    batch: int = dataclasses.field(default=1, metadata=LATER)

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("SLRLA: stages must hold at least one Stage; got none.")
        if self.sampling not in SAMPLINGS:
            raise ValueError(f"SLRLA: sampling must be one of {', '.join(SAMPLINGS)}; got {self.sampling!r}.")
        object.__setattr__(self, "batch", whole("SGD", "batch", self.batch, 1))
        if self.anchor_every is not None:
            object.__setattr__(self, "anchor_every", whole("SLRLA", "anchor_every", self.anchor_every, 1))

    def gradients(self, rounds: np.ndarray) -> np.ndarray:
        """How many gradients have been taken when each of the given rounds (1 .. ``self.rounds``) ends."""
        return self.batch * self.steps_after(rounds)

    @property
    def passed_on(self) -> Output:
        """The output of the last stage."""
        return self.stages[-1].output

    def shown(self) -> dict[str, float]:
        """k, alpha and eta of the first stage, the largest beta, and the batch."""
        first = self.stages[0]
        return {
            "k": first.k,
            "alpha": first.alpha,
            "eta": first_size(first.step, first.T, first.k),
            "beta": max(stage.beta for stage in self.stages),
            "batch": self.batch,
        }

    def without_horizon(self) -> Algorithm:
        """What identifies it but for T, where the steps do not depend on T: one stage of one round."""
        (first, *rest) = self.stages
        if rest or not horizon_free(first.step):
            return self
        return dataclasses.replace(self, stages=(dataclasses.replace(first, T=1),))

    def canonical(self) -> tuple[Algorithm, int]:
        """alpha = 1 is SGD for every k: one step a round, k of which make one of these rounds."""
        (first, *rest) = self.stages
        if rest or first.alpha != 1 or first.k == 1:
            return self, 1
        return dataclasses.replace(self, stages=(dataclasses.replace(first, T=first.steps, k=1),)), first.k


def SGD(steps: int, step: Step, k: int = 1, batch: int = 1) -> Algorithm:
    """SGD for so many steps of ``batch`` gradients each: Lookahead with alpha = 1. ``k`` only sets where rounds, and so
    checkpoints, end. Raises ValueError for steps < 1, batch < 1, and steps that are no multiple of k."""
    total, k = whole("SGD", "steps", steps, 1), whole("SGD", "k", k, 1)
    if total % k:
        raise ValueError(f"SGD: steps must be a multiple of k; got steps={total}, k={k}.")
    return Algorithm((Stage(total // k, k, 1.0, step),), name="SGD", batch=batch)


def Lookahead(T: int, k: int, alpha: float, step: Step, batch: int = 1) -> Algorithm:
    """Lookahead (Algorithm 2): T rounds of k steps, theta_t = (1 - alpha) theta_{t-1} + alpha v_k; ``batch``
    examples a step."""
    return Algorithm((Stage(T, k, alpha, step),), name="Lookahead", batch=batch)


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
