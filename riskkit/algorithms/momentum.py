"""Heavy ball: SGD with momentum, as torch has it.

    m_{j+1} = momentum m_j + g_j,    v_{j+1} = P_Theta(v_j - eta_j m_{j+1}),    m_0 = 0,

so that with a constant step and no projection v_J = v_0 - eta sum_{i<J} (1 - momentum^(J-i)) / (1 - momentum) g_i.
``average`` is the uniform mean of the iterates v_0 .. v_{J-1} before each step.

Source: Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import number, whole
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import Output, Stage
from riskkit.algorithms.steps import Step, described, first_size, horizon_free


class HeavyBallState(NamedTuple):
    """Iterate, momentum and the mean of the iterates so far, (R, 1, d) each."""

    v: Any
    momentum: Any
    average: Any


@dataclasses.dataclass(frozen=True)
class HeavyBall:
    """SGD with momentum, read after any step.

    Attributes:
        steps: in all.
        step_sizes: the schedule; it is asked for its sizes with T = steps and k = 1.
        momentum: in [0, 1); 0 is SGD.
        radius: of Theta, None for R^d.
        batch: examples a step.

    Raises ValueError for steps < 1, momentum outside [0, 1), batch < 1.
    """

    steps: int
    step_sizes: Step
    momentum: float = 0.9
    radius: float | None = None
    batch: int = 1
    name: str = dataclasses.field(default="heavy ball", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", whole("HeavyBall", "steps", self.steps, 1))
        object.__setattr__(self, "batch", whole("HeavyBall", "batch", self.batch, 1))
        if not 0 <= number(self.momentum) < 1:
            raise ValueError(f"HeavyBall: momentum must lie in [0, 1); got {self.momentum!r}.")

    @functools.cached_property
    def _sizes(self) -> list[float]:
        sizes: list[float] = np.asarray(self.step_sizes.sizes(self.steps, 1), dtype=np.float64).tolist()
        return sizes

    def init(self, theta: Any) -> HeavyBallState:
        return HeavyBallState(theta.clone(), theta * 0, theta.clone())

    def query(self, state: HeavyBallState) -> Any:
        return state.v

    def step(self, state: HeavyBallState, gradient: Any, j: int) -> HeavyBallState:
        average = state.average + (state.v - state.average) / (j + 1)
        momentum = self.momentum * state.momentum + gradient
        v = state.v - self._sizes[j] * momentum
        if self.radius is not None:
            norm = (v * v).sum(-1, keepdim=True) ** 0.5
            v = v * (self.radius / norm).clip(max=1)
        return HeavyBallState(v, momentum, average)

    def output(self, state: HeavyBallState) -> dict[Output, Any]:
        return {"last": state.v, "average": state.average}

    def shown(self) -> dict[str, float]:
        """momentum, eta and the batch."""
        eta = first_size(self.step_sizes, self.steps, 1)
        return {"k": 1, "alpha": 1.0, "eta": eta, "beta": 0.0, "batch": self.batch, "momentum": self.momentum}

    def scheme(self) -> Scheme:
        stage = Stage(self.steps, 1, 1.0, self.step_sizes)
        return Scheme((stage,), self.momentum, radius=self.radius, batch=self.batch)

    @property
    def schedule(self) -> str:
        return described(self.step_sizes)

    def without_horizon(self) -> HeavyBall:
        """Where the steps do not depend on how many there are, a shorter run is the beginning of a longer one."""
        return dataclasses.replace(self, steps=1) if horizon_free(self.step_sizes) else self
