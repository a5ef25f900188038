"""One instance: what is measured on it over what a bound says, exactly where that can be, else with an interval."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.attack.exact import Expected, expected
from riskkit.experiment.callbacks import asked
from riskkit.measure.own import SHIPPED, SQUARED_STABILITY, along
from riskkit.measure.simulation import simulate
from riskkit.problem import Problem, constants_of, diameter
from riskkit.stats.jackknife import t_quantile
from riskkit.theory.bound import At, Bound, Form, total

LEVEL = 0.99
"""Of the interval of a simulated ratio."""
ROUNDING = 1e-9
"""A bound below so much of the problem's own size is not looked at: there the ratio is one of rounding errors."""
SIGNED = ("generalization", "replace_one")
"""Quantities with a sign, whose bounds are on the modulus of the expectation."""
MEASURED = (
    "optimization",
    "generalization",
    "excess",
    "population_excess",
    "distance",
    "stability",
    SQUARED_STABILITY.name,
)
"""Quantities whose expectations are found."""


class Path(Mapping[str, float]):
    """Means along the path by name, which notes the names that a bound asks for in vain."""

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._known = dict(known or {})
        self.missing: set[str] = set()

    def __getitem__(self, name: str) -> float:
        if name not in self._known:
            self.missing.add(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class AttackError(ValueError):
    """What was asked makes no sense. One line: what was expected, what came, what to do."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """A problem, an algorithm run to its end, and a sample size: all that fixes an expectation."""

    problem: Problem
    algorithm: Any
    n: int


@dataclasses.dataclass(frozen=True)
class Value:
    """Measured / bound on one instance.

    Attributes:
        ratio: measured / bound; of the modulus, for a quantity with a sign.
        measured, bound: the two.
        low, high: ends of the interval of the ratio at ``LEVEL``; equal to the ratio where it is exact.
        way: ``moments``, ``enumeration``, ``simulation``.
        terms: datasets and sequences summed over, or replicates.
    """

    ratio: float
    measured: float
    bound: float
    low: float
    high: float
    way: str
    terms: tuple[int, ...]

    @property
    def exact(self) -> bool:
        return self.way != "simulation"


def excluded(bound: Bound, instance: Instance) -> str | None:
    """Why the bound says nothing of the instance, or None. Raises AttackError for a hypothesis that raises."""
    reason: str | None = _asked(f"{bound.name}: its hypotheses", bound.excludes, instance.problem, instance.algorithm)
    return reason


def evaluate(
    bound: Bound,
    form: Form,
    instance: Instance,
    *,
    replicates: int = 0,
    first: int = 0,
    seed: int = 0,
) -> Value | None:
    """Measured / bound, exactly if a way is known, else from so many replicates (from ``first`` on).

    None where neither is: no exact way and no replicates, a run that diverges, a bound that is no positive number
    there, or lies within the rounding of what is measured. Hypotheses are not asked. ``seed`` is of the
    replicates. Raises AttackError for n < 2, a quantity whose expectation is not found, and what the bound raises.
    """
    if instance.n < 2:
        raise AttackError(f"n must be a whole number >= 2; got {instance.n!r}.")
    if bound.quantity not in MEASURED:
        raise AttackError(
            f"{bound.name}: attack finds the expectations of {', '.join(MEASURED)}; the bound is on {bound.quantity}."
        )
    output = OUTPUTS.index(bound.output)
    exact = expected(instance.problem, instance.algorithm, instance.n, bound.quantity)
    value = math.nan
    if exact is not None:
        path = Path()
        value = _at_expectation(bound, form, instance, exact, path)
        if path.missing:  # few bounds read the path, so that it is looked at where one does
            exact = expected(instance.problem, instance.algorithm, instance.n, bound.quantity, sorted(path.missing))
            value = math.nan if exact is None else _at_expectation(bound, form, instance, exact, Path(exact.along))
    if exact is not None:
        measured = float(exact.values[bound.quantity][output])
        return _value(bound, instance, measured, value, 0.0, exact.way, exact.terms)
    if not replicates:
        return None
    return _simulated(bound, form, instance, replicates, first, seed)


def _simulated(bound: Bound, form: Form, instance: Instance, replicates: int, first: int, seed: int) -> Value | None:
    """The inputs of the bound are means over the same replicates."""
    path = Path()
    _bound(bound, form, instance, {"start_distance": 1.0, "start_gap": 1.0, "gradient_at_minimiser": 0.0}, 1.0, path)
    quantities = [own for own in SHIPPED if own.name == bound.quantity or own.name in path.missing]
    run = simulate(
        instance.problem,
        instance.algorithm,
        n=instance.n,
        replicates=replicates,
        first=first,
        seed=seed,
        quantities=quantities,
    )
    values = run.at(bound.quantity, output=bound.output)
    if not np.isfinite(values).all():
        return None
    inputs = {name: float(value.mean()) for name, value in run.dataset.items()}
    path = Path({own.name: float(run.at(own.name).mean()) for own in along(quantities)})
    value = _bound(bound, form, instance, inputs, float(run.at("path_moment").mean()), path)
    width = t_quantile(LEVEL, replicates - 1) * float(values.std(ddof=1)) / math.sqrt(replicates)
    return _value(bound, instance, float(values.mean()), value, width, "simulation", (replicates,))


def _value(
    bound: Bound,
    instance: Instance,
    measured: float,
    value: float,
    width: float,
    way: str,
    terms: tuple[int, ...],
) -> Value | None:
    if not (math.isfinite(measured) and value > ROUNDING * _size(bound.quantity, instance.problem)):
        return None
    if bound.quantity in SIGNED:
        measured = abs(measured)
    if not math.isfinite(value):
        return Value(0.0, measured, value, 0.0, 0.0, way, terms)
    ratio, half = measured / value, width / value
    return Value(ratio, measured, value, ratio - half, ratio + half, way, terms)


def _size(quantity: str, problem: Problem) -> float:
    """How large the quantity may be, about; 0 where that is not known."""
    across, G = diameter(problem), constants_of(problem).G
    size = {"stability": across, "distance": across**2, SQUARED_STABILITY.name: across**2}.get(quantity, G * across)
    return size if math.isfinite(size) else 0.0


def _at_expectation(bound: Bound, form: Form, instance: Instance, exact: Expected, path: Path) -> float:
    moment = exact.values["path_moment"][0] if "path_moment" in exact.values else math.nan
    return _bound(bound, form, instance, exact.dataset, float(moment), path)


def _bound(bound: Bound, form: Form, instance: Instance, inputs: dict[str, float], moment: float, path: Path) -> float:
    at = At(
        instance.problem,
        instance.algorithm,
        instance.n,
        np.array([traits.rounds(instance.algorithm)]),
        D2=inputs["start_distance"],
        f0=inputs["start_gap"],
        g2=inputs["gradient_at_minimiser"],
        path_moment=np.array([moment]),
        measured=path,
    )
    with np.errstate(all="ignore"):
        terms = _asked(f"{bound.name}: its form {form}", bound.evaluate, form, at)
        return float(_asked("attack", total, terms, at, bound.name)[0])


def _asked(who: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return asked(who, function, *arguments)
    except ValueError as error:
        raise AttackError(str(error)) from error
