"""Local SGD: M workers that take k steps each and then average, with an outer step. Lookahead is the case M = 1.

    round t = 1..T:   v_m = theta_{t-1} for every worker m
        k times, for m = 1..M:   v_m <- P_Theta(v_m - eta g(v_m; z))
        theta_t = (1 - outer) theta_{t-1} + outer (1/M) sum_m v_m

The workers' steps are taken one after the other here, so that a round is M k steps of one gradient each (a batch of b
examples where ``batch`` says so), every example drawn independently; run side by side they take the time of k. ``last``
is theta_t at the ends of rounds; ``average`` the uniform mean of the v_m before each step.

Source: Stich, ICLR 2019; the outer step: Khaled et al., NeurIPS 2025.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.arguments import number, whole
from riskkit.algorithms.linear import Floats, LinearMaps, Steps
from riskkit.algorithms.staged import Output
from riskkit.algorithms.steps import Step, described, first_size, horizon_free


class LocalState(NamedTuple):
    """Slow weights and the mean of the iterates so far, (R, 1, d) each, the M workers' weights, (R, M, d), and how many
    steps have been taken."""

    slow: Any
    average: Any
    workers: Any
    taken: int


@dataclasses.dataclass(frozen=True)
class LocalSGD:
    """A method for the reference engine, read at the ends of rounds.

    Attributes:
        T: rounds.
        k: steps of each worker in a round.
        workers: M.
        outer: the outer step, in (0, 2].
        step_sizes: the schedule, asked for its sizes with T and k: all workers take their i-th step with the same.
        radius: of Theta, None for R^d; with an outer step above 1 only R^d.
        batch: examples a step.

    Raises ValueError for a number out of range.
    """

    T: int
    k: int
    workers: int
    outer: float
    step_sizes: Step
    radius: float | None = None
    batch: int = 1
    name: str = dataclasses.field(default="local SGD", compare=False)

    def __post_init__(self) -> None:
        for field in ("T", "k", "workers", "batch"):
            object.__setattr__(self, field, whole("LocalSGD", field, getattr(self, field), 1))
        if not 0 < number(self.outer) <= 2:
            raise ValueError(f"LocalSGD: outer must lie in (0, 2]; got {self.outer!r}.")
        if self.outer > 1 and self.radius is not None:
            raise ValueError(f"LocalSGD: outer > 1 would leave Theta, a ball; got {self.outer!r}.")

    @property
    def rounds(self) -> int:
        return self.T

    @property
    def steps(self) -> int:
        """Of all workers."""
        return self.T * self.k * self.workers

    def steps_after(self, rounds: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """How many steps all workers have taken when the given rounds end."""
        return np.asarray(rounds, dtype=np.int64) * (self.k * self.workers)

    @functools.cached_property
    def _sizes(self) -> list[float]:
        sizes: list[float] = np.asarray(self.step_sizes.sizes(self.T, self.k), dtype=np.float64).tolist()
        return sizes

    def init(self, theta: Any) -> LocalState:
        return LocalState(theta.clone(), theta.clone(), theta.repeat(1, self.workers, 1), 0)

    def query(self, state: LocalState) -> Any:
        m = state.taken % self.workers
        return state.workers[:, m : m + 1]

    def step(self, state: LocalState, gradient: Any, j: int) -> LocalState:
        slow, average, workers, taken = state
        own, m = self.query(state), taken % self.workers
        average = average + (own - average) / (taken + 1)
        moved = own - self._sizes[taken // self.workers] * gradient
        if self.radius is not None:
            norm = (moved * moved).sum(-1, keepdim=True) ** 0.5
            moved = moved * (self.radius / norm).clip(max=1)
        workers = workers.clone()
        workers[:, m : m + 1] = moved
        if (taken + 1) % (self.k * self.workers) == 0:
            slow = (1 - self.outer) * slow + self.outer * workers.mean(1, keepdim=True)
            workers = slow.repeat(1, self.workers, 1)
        return LocalState(slow, average, workers, taken + 1)

    def output(self, state: LocalState) -> dict[Output, Any]:
        return {"last": state.slow, "average": state.average}

    def shown(self) -> dict[str, float]:
        """k, the outer step as alpha, eta, the batch and the workers."""
        eta = first_size(self.step_sizes, self.T, self.k)
        return {
            "k": self.k,
            "alpha": self.outer,
            "eta": eta,
            "beta": 0.0,
            "batch": self.batch,
            "workers": float(self.workers),
        }

    def linear_maps(self) -> LinearMaps:
        """The state: theta_t, the sum of the iterates before each step, the workers."""
        M, sizes = self.workers, np.asarray(self._sizes)
        width, workers = M + 2, np.arange(2, M + 2)

        def steps(first: int, count: int) -> Steps:
            taken = np.arange(first, first + count)
            own, eta, row = workers[taken % M], sizes[taken // M], np.arange(count)
            transition = np.tile(np.eye(width), (count, 1, 1))
            transition[row, 1, own] += 1.0
            push, query = np.zeros((count, width)), np.zeros((count, width))
            push[row, own], query[row, own] = -eta, 1.0
            for j in np.flatnonzero((taken + 1) % (self.k * M) == 0):
                mixed = np.zeros(width)
                mixed[0], mixed[workers] = 1 - self.outer, self.outer / M
                transition[j, [0, *workers]] = mixed
                push[j, [0, *workers]] = -eta[j] * self.outer / M
            return Steps(transition, push, query, query.copy(), -eta)

        def outputs(taken: npt.NDArray[np.int64]) -> Floats:
            found = np.zeros((len(taken), 2, width))
            found[:, 0, 0], found[:, 1, 1] = 1.0, 1 / taken
            return found

        return LinearMaps(np.array([1.0, 0.0, *np.ones(M)]), steps, outputs)

    @property
    def schedule(self) -> str:
        return described(self.step_sizes)

    def begun(self, steps: int) -> LocalSGD:
        """Its first rounds, of about so many steps."""
        return dataclasses.replace(self, T=max(1, min(self.T, steps // (self.k * self.workers))))

    def without_horizon(self) -> LocalSGD:
        """Where the steps do not depend on how many there are, a shorter run is the beginning of a longer one."""
        return dataclasses.replace(self, T=1) if horizon_free(self.step_sizes) else self
