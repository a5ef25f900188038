"""Staged lookahead around heavy ball, with weight decay: how Lookahead and SLRLA are run in practice.

    stage q, anchor a_q = theta at its start:
        round t = 1..T:   v = theta_{t-1}
            step tau = 1..k:   m <- momentum m + grad l(v; z) + weight_decay v + beta (v - a_q)
                               v <- P_Theta(v - eta_j m)
            theta_t = (1 - alpha) theta_{t-1} + alpha v

The momentum goes on over rounds and stages, m = 0 at the start. Without momentum and weight decay it is the staged
lookahead of ``staged``; with one stage and alpha = 1 it is ``HeavyBall``. ``average`` is the uniform mean of the fast
weights before each step of the stage.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import number, whole
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import Output, Stage, Staged
from riskkit.algorithms.steps import first_size


class MomentumState(NamedTuple):
    """Fast and slow weights, momentum, anchor and the sum of the stage's fast weights, (R, 1, d) each; and how many
    steps of the stage have been taken."""

    v: Any
    slow: Any
    momentum: Any
    anchor: Any
    total: Any
    taken: int


@dataclasses.dataclass(frozen=True)
class MomentumLookahead(Staged):
    """Lookahead and SLRLA with momentum and weight decay, read at the ends of rounds.

    Attributes:
        stages: each starts where the one before ended, from its slow weights.
        momentum: in [0, 1).
        weight_decay: >= 0; a part of the method, not of the risk that is measured.
        radius: of Theta, None for R^d.
        batch: examples a step.

    Raises ValueError for no stages, a stage that passes on its average, or a number out of range.
    """

    stages: tuple[Stage, ...]
    momentum: float = 0.9
    weight_decay: float = 0.0
    radius: float | None = None
    batch: int = 1
    name: str = dataclasses.field(default="Lookahead with momentum", compare=False)

    def __post_init__(self) -> None:
        owner = "MomentumLookahead"
        object.__setattr__(self, "stages", tuple(self.stages))
        object.__setattr__(self, "batch", whole(owner, "batch", self.batch, 1))
        if not self.stages:
            raise ValueError(f"{owner}: stages must hold at least one Stage; got none.")
        if any(stage.output != "last" for stage in self.stages):
            raise ValueError(f"{owner}: every stage must pass on its last iterate; got output='average'.")
        if not 0 <= number(self.momentum) < 1:
            raise ValueError(f"{owner}: momentum must lie in [0, 1); got {self.momentum!r}.")
        if not 0 <= number(self.weight_decay) < float("inf"):
            raise ValueError(f"{owner}: weight_decay must be a finite number >= 0; got {self.weight_decay!r}.")

    @functools.cached_property
    def _plan(self) -> list[tuple[float, float, float | None, bool]]:
        """For each step its size, beta, the alpha of the round that it ends (else None), and if it starts a stage."""
        found: list[tuple[float, float, float | None, bool]] = []
        for stage in self.stages:
            for j, eta in enumerate(np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64).tolist()):
                found.append((eta, stage.beta, stage.alpha if (j + 1) % stage.k == 0 else None, j == 0))
        return found

    def init(self, theta: Any) -> MomentumState:
        return MomentumState(theta.clone(), theta.clone(), theta * 0, theta.clone(), theta * 0, 0)

    def query(self, state: MomentumState) -> Any:
        return state.v

    def step(self, state: MomentumState, gradient: Any, j: int) -> MomentumState:
        eta, beta, alpha, starts = self._plan[j]
        v, slow, momentum, anchor, total, taken = state
        if starts:
            anchor, total, taken = slow, total * 0, 0
        total = total + v
        if self.weight_decay:
            gradient = gradient + self.weight_decay * v
        if beta:
            gradient = gradient + beta * (v - anchor)
        momentum = self.momentum * momentum + gradient
        v = v - eta * momentum
        if self.radius is not None:
            norm = (v * v).sum(-1, keepdim=True) ** 0.5
            v = v * (self.radius / norm).clip(max=1)
        if alpha is not None:
            v = slow = (1 - alpha) * slow + alpha * v
        return MomentumState(v, slow, momentum, anchor, total, taken + 1)

    def output(self, state: MomentumState) -> dict[Output, Any]:
        return {"last": state.slow, "average": state.total / max(state.taken, 1)}

    def scheme(self) -> Scheme:
        return Scheme(self.stages, self.momentum, self.weight_decay, self.radius, self.batch)

    def shown(self) -> dict[str, float]:
        """k, alpha and eta of the first stage, the largest beta, the batch, momentum and weight decay."""
        first = self.stages[0]
        return {
            "k": first.k,
            "alpha": first.alpha,
            "eta": first_size(first.step, first.T, first.k),
            "beta": max(stage.beta for stage in self.stages),
            "batch": self.batch,
            "momentum": self.momentum,
            "weight_decay": self.weight_decay,
        }
