"""SGD whose output is the average of its iterates weighted by j + j0: what is gained by averaging alone.

    v_{j+1} = P_Theta(v_j - eta_j grad l(v_j; z_{i_j})),   average_J = sum_{j<J} (j + j0) v_j / sum_{j<J} (j + j0).

With eta_j = 2 / (lam (j + j0)) its optimization error is at most 2 G^2 / (lam J) or so, without stages, regularizer or
outer step: the control for what SLRLA claims to gain. ``riskkit.theory.sgd_averaging`` has the bound.

Source: Lacoste-Julien, Schmidt, Bach, "A simpler approach to obtaining an O(1/t) convergence rate for the projected
stochastic subgradient method", 2012.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import whole
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import Output, Stage
from riskkit.algorithms.steps import InverseTime


class Averaged(NamedTuple):
    """Fast weights and their weighted average, (R, 1, d)."""

    v: Any
    average: Any


@dataclasses.dataclass(frozen=True)
class WeightedSGD:
    """SGD with a weighted average, read after any gradient.

    Attributes:
        steps: gradients in all.
        step_sizes: 1 / (lam' (j + j0)); the weights are j + j0. The bound asks for lam' = lam / 2.
        radius: of Theta, None for R^d.

    Raises ValueError for steps < 1 and another schedule than InverseTime.
    """

    steps: int
    step_sizes: InverseTime
    radius: float | None = None
    name: str = dataclasses.field(default="weighted SGD", compare=False)
    passed_on: ClassVar[Output] = "average"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", whole("WeightedSGD", "steps", self.steps, 1))
        if not isinstance(self.step_sizes, InverseTime):
            raise ValueError(f"WeightedSGD: step_sizes must be an InverseTime; got {self.step_sizes!r}.")

    def init(self, theta: Any) -> Averaged:
        return Averaged(theta.clone(), theta.clone())

    def query(self, state: Averaged) -> Any:
        return state.v

    def step(self, state: Averaged, gradient: Any, j: int) -> Averaged:
        v, average = state
        offset = self.step_sizes.offset
        weight = (j + offset) / ((j + 1) * (offset + j / 2))  # over the sum of the weights of v_0 .. v_j
        average = average + weight * (v - average)
        v = v - gradient / (self.step_sizes.lam * (j + offset))
        if self.radius is not None:
            norm = (v * v).sum(-1, keepdim=True) ** 0.5
            v = v * (self.radius / norm).clip(max=1)
        return Averaged(v, average)

    def scheme(self) -> Scheme:
        j, offset = np.arange(self.steps), self.step_sizes.offset
        weights = (j + offset) / ((j + 1) * (offset + j / 2))
        return Scheme((Stage(self.steps, 1, 1.0, self.step_sizes),), radius=self.radius, weights=weights)

    def output(self, state: Averaged) -> dict[Output, Any]:
        return {"last": state.v, "average": state.average}
