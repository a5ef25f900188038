"""SGD whose output ``average`` is the mean of its last iterates: what the logarithm of the uniform average costs.

    v_{j+1} = P_Theta(v_j - eta_j grad l(v_j; z_{i_j})),   average = mean of v_j, j = first .. J - 1

``first`` = ceil((1 - share) J) depends on the horizon J, so that each horizon is a run of its own. Read before the end,
``average`` is the mean since ``first``, or the iterate itself as long as none is averaged.

Source: Rakhlin, Shamir, Sridharan, ICML 2012.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, ClassVar, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import number, whole
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import Output, Stage
from riskkit.algorithms.steps import Step, described, first_size


class SuffixState(NamedTuple):
    """Iterate and mean of the last iterates so far, (R, 1, d) each."""

    v: Any
    average: Any


@dataclasses.dataclass(frozen=True)
class SuffixSGD:
    """SGD that averages its last iterates, read after any step.

    Attributes:
        steps: J, in all.
        step_sizes: the schedule; it is asked for its sizes with T = steps and k = 1.
        share: of the iterates that are averaged, in (0, 1].
        radius: of Theta, None for R^d.

    Raises ValueError for steps < 1, share outside (0, 1].
    """

    steps: int
    step_sizes: Step
    share: float = 0.5
    radius: float | None = None
    name: str = dataclasses.field(default="suffix SGD", compare=False)
    passed_on: ClassVar[Output] = "average"

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", whole("SuffixSGD", "steps", self.steps, 1))
        if not 0 < number(self.share) <= 1:
            raise ValueError(f"SuffixSGD: share must lie in (0, 1]; got {self.share!r}.")

    @property
    def first(self) -> int:
        """The first iterate that is averaged, in 0 .. steps - 1."""
        return min(math.ceil((1 - self.share) * self.steps), self.steps - 1)

    @functools.cached_property
    def _sizes(self) -> list[float]:
        sizes: list[float] = np.asarray(self.step_sizes.sizes(self.steps, 1), dtype=np.float64).tolist()
        return sizes

    def init(self, theta: Any) -> SuffixState:
        return SuffixState(theta.clone(), theta.clone())

    def query(self, state: SuffixState) -> Any:
        return state.v

    def step(self, state: SuffixState, gradient: Any, j: int) -> SuffixState:
        v = state.v - self._sizes[j] * gradient
        if self.radius is not None:
            norm = (v * v).sum(-1, keepdim=True) ** 0.5
            v = v * (self.radius / norm).clip(max=1)
        if j < self.first:
            return SuffixState(v, v)
        mean = state.v if j == self.first else state.average + (state.v - state.average) / (j - self.first + 1)
        return SuffixState(v, mean)

    def output(self, state: SuffixState) -> dict[Output, Any]:
        return {"last": state.v, "average": state.average}

    def shown(self) -> dict[str, float]:
        """eta and the share that is averaged."""
        eta = first_size(self.step_sizes, self.steps, 1)
        return {"k": 1, "alpha": 1.0, "eta": eta, "beta": 0.0, "share": self.share}

    def scheme(self) -> Scheme:
        weights = np.zeros(self.steps)
        weights[self.first :] = 1 / np.arange(1.0, self.steps - self.first + 1)
        return Scheme((Stage(self.steps, 1, 1.0, self.step_sizes),), radius=self.radius, weights=weights)

    @property
    def schedule(self) -> str:
        return described(self.step_sizes)
