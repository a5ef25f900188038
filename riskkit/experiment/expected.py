"""Runs whose numbers are expectations: an algorithm that is linear in the gradient, on losses that are quadratic with
one Hessian, or, given S and where it is asked for, on squared losses."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.engines import moments
from riskkit.engines.choice import ASKED, Choice
from riskkit.experiment.runs import Simulated
from riskkit.measure.closed import complete
from riskkit.measure.expectation import ENGINE, STABILITY, measure_expected
from riskkit.measure.given import measure_given
from riskkit.measure.own import SQUARED_STABILITY
from riskkit.measure.quantities import Measured

MOST_STEPS = 2**26
"""Of a run that is not simulated; the recursion goes through 2^22 in about a second."""

VERSION = 1
"""Raised whenever a change of code moves the expectations."""


@dataclasses.dataclass(frozen=True)
class _ByMoments(Simulated):
    """A run that is not simulated.

    ``coupled``: runs on S and S with one example replaced are simulated beside it, for the quantities that have no
    expectation in closed form.
    """

    coupled: bool = False

    def measure(
        self,
        together: Sequence[Simulated],
        addresses: Sequence[str],
        *,
        seed: int,
        first: int,
        dtype: str,
        device: str,
        engine: str,
    ) -> list[Measured]:
        return self._measurement()(
            self.problem,
            self.n,
            [run.algorithm for run in together],
            [np.array(run.rounds) for run in together],
            addresses,
            seed=seed,
            first=first,
            coupled=self.coupled,
            device=device,
        )

    def _measurement(self) -> Callable[..., list[Measured]]:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Expected(_ByMoments):
    """Every replicate holds the expectation, or what it is given that replicate's S."""

    @property
    def company(self) -> Hashable:
        known = complete(self.problem, self.algorithm, self.n, self.rounds)
        return ENGINE, self.problem, self.n, self.coupled, known

    def identity(self) -> Mapping[str, object]:
        return {**super().identity(), "moments": VERSION, "coupled": self.coupled}

    def engine(self, device: str, asked: str) -> Choice:
        return Choice(ENGINE, "the losses are quadratic and the algorithm is linear in the gradient")

    def _measurement(self) -> Callable[..., list[Measured]]:
        return measure_expected


@dataclasses.dataclass(frozen=True)
class GivenSample(_ByMoments):
    """Every replicate holds the expectation over the draws given its S."""

    @property
    def company(self) -> Hashable:
        return ENGINE, self.problem, self.n, self.coupled, self.quantities

    def identity(self) -> Mapping[str, object]:
        return {**super().identity(), "moments given S": VERSION, "coupled": self.coupled}

    def engine(self, device: str, asked: str) -> Choice:
        return Choice(
            "moments given S", "asked for; the losses are squared and the algorithm is linear in the gradient"
        )

    def _measurement(self) -> Callable[..., list[Measured]]:
        return functools.partial(measure_given, quantities=self.quantities)


def estimated(run: Any, experiment: Any, dtype: str, asked: str) -> Any:
    """The run as it is to be measured: by moments where they are asked for, and with ``auto`` wherever they are known
    and the experiment's question is not about simulations. ValueError where they are asked for and not known."""
    if asked not in ASKED:
        raise ValueError(f"engine must be one of {', '.join(ASKED)}; got {asked!r}.")
    if not isinstance(run, Simulated) or asked not in ("auto", ENGINE):
        if asked == ENGINE:
            raise ValueError(f"engine moments: {run.algorithm.name} is not simulated; use auto.")
        return run
    given = asked == ENGINE and moments.squared(run.problem) is not None
    obstacle = _obstacle(run, experiment, dtype, given)
    if obstacle is not None and asked == ENGINE:
        raise ValueError(f"engine moments: {obstacle}; use auto, fused or reference.")
    if obstacle is not None or (experiment.simulated and asked == "auto"):
        return run
    asked_for = _quantities(experiment)
    if "replace_one" in asked_for:
        return run  # an estimator, not an expectation
    if given:
        coupled = bool(asked_for & set(STABILITY))
        return GivenSample(run.problem, run.n, run.algorithm, run.rounds, run.quantities, coupled=coupled)
    known = complete(run.problem, run.algorithm, run.n, run.rounds)
    coupled = bool(asked_for & (set(STABILITY) - ({"stability"} if known else set())))
    return Expected(run.problem, run.n, run.algorithm, run.rounds, coupled=coupled)


def _obstacle(run: Simulated, experiment: Any, dtype: str, given: bool) -> str | None:
    """Why the run is to be simulated, or None; ``given``: whether its moments are to be taken given S."""
    if run.algorithm.steps > MOST_STEPS:
        return f"more than {MOST_STEPS} steps would be gone through"
    covered = (SQUARED_STABILITY,) if given else ()
    obstacle = (
        moments.refusal_given(run.problem, run.algorithm)
        if given
        else moments.refusal(run.problem, run.algorithm, run.n)
    )
    if obstacle is None and len(traits.outputs(run.algorithm)) < len(OUTPUTS):
        obstacle = "a method that has one output only is simulated"
    if obstacle is None and dtype != "float64":
        obstacle = "moments are taken in float64"
    if obstacle is None and experiment.neighbours > 1:
        obstacle = "it is coupled with several neighbours, which only a simulation has"
    if obstacle is None and not set(experiment.quantities) <= set(covered):
        obstacle = "quantities of one's own are measured, which only a simulation has"
    return obstacle


def _quantities(experiment: Any) -> set[str]:
    """What bounds and readings ask for."""
    found = {bound.quantity for bound in experiment.bounds}
    for reading in experiment.readings:
        found |= {getattr(reading, "quantity", ""), getattr(reading, "beside", "")}
        found |= {quantity for quantity, _ in getattr(reading, "of", ())}
    return found
