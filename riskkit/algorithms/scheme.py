"""Staged lookahead around heavy ball or formulas, on batches, with a weighted average: what compiled engines run.

    stage q, anchor a_q = output of stage q-1 (theta_0 for the first), average = 0:
        round t = 1..T:   v = theta_{t-1}
            step tau = 1..k:   g = mean of grad l(v; z) over the batch
                               average <- average + weight_j (v - average)
                               m <- momentum m + g + weight_decay v + beta (v - a_q)
                               v <- P_Theta(v - eta_j m)
            theta_t = (1 - alpha) theta_{t-1} + alpha v

m = 0 at the start, and goes on over rounds and stages. In the place of the lines for m and v there may be formulas
(``riskkit.algorithms.formulas``), whose states go on in the same way. A method of one's own that is of this kind says
so by ``scheme()``, which returns a ``Scheme``; a fused engine then runs it. ``riskkit.engines.trial`` holds the two
against each other.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.formulas import DECAYED, HEAVY_BALL, PLAIN, Formulas
from riskkit.algorithms.staged import Stage, Staged


@dataclasses.dataclass(frozen=True, eq=False)
class Scheme(Staged):
    """A method as numbers, and as formulas where it is not heavy ball.

    Attributes:
        stages: at least one.
        momentum, weight_decay: numbers, 0 for none.
        radius: of Theta, None for R^d.
        batch: examples a step.
        anchor_every: as in ``Algorithm``.
        weights: float64 (steps,), weight_j of the j-th iterate over the sum of the weights so far; None for the uniform
            mean of the stage's iterates. As long as all weights of a stage are 0, its average is the iterate itself.
        formulas: of a step that is not heavy ball's; its numbers are ``numbers``, in the order of ``formulas.numbers``.

    Raises ValueError for weights of another shape, that are no finite numbers, for momentum or weight decay beside
    formulas, and where formulas of outputs meet stages or alpha != 1, which move v alone.
    """

    stages: tuple[Stage, ...]
    momentum: float = 0.0
    weight_decay: float = 0.0
    radius: float | None = None
    batch: int = 1
    anchor_every: int | None = None
    weights: npt.NDArray[np.float64] | None = None
    formulas: Formulas | None = None
    numbers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.formulas is not None and (self.momentum or self.weight_decay):
            raise ValueError("Scheme: momentum and weight_decay are heavy ball's; write them into the formulas.")
        own = self.formulas
        if own is not None and (own.last or own.average) and (len(self.stages) > 1 or self.stages[0].alpha != 1):
            raise ValueError("Scheme: an output that is a formula needs one stage with alpha = 1; others move v alone.")
        if self.weights is not None and not (
            np.shape(self.weights) == (self.steps,) and bool(np.isfinite(self.weights).all())
        ):
            raise ValueError(f"Scheme: weights must be {self.steps} finite numbers, one a step; got {self.weights!r}.")

    @property
    def step(self) -> Formulas:
        """What a step is: its own formulas, or the shortest that have its momentum and weight decay."""
        if self.formulas is not None:
            return self.formulas
        return DECAYED if self.weight_decay else HEAVY_BALL if self.momentum else PLAIN

    @property
    def step_numbers(self) -> tuple[float, ...]:
        """In the order of ``step.numbers``."""
        given = {"momentum": self.momentum, "weight_decay": self.weight_decay}
        return self.numbers if self.formulas is not None else tuple(given[name] for name in self.step.numbers)

    @functools.cached_property
    def averaging(self) -> npt.NDArray[np.float64]:
        """weight_j of every step, (steps,)."""
        if self.weights is not None:
            return np.asarray(self.weights, dtype=np.float64)
        return np.concatenate([1 / np.arange(1.0, stage.steps + 1) for stage in self.stages])

    def averaged(self, taken: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """taken: counts of steps. (K,) -> (K,): whether the stage that the last of them belongs to has averaged any."""
        counts = np.concatenate([[0], np.cumsum(self.averaging != 0)])
        starts = np.concatenate([[0], np.cumsum([stage.steps for stage in self.stages])])
        first = starts[np.searchsorted(starts, taken) - 1]
        found: npt.NDArray[np.bool_] = counts[taken] > counts[first]
        return found
