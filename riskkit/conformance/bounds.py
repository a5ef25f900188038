"""Is a bound of one's own what the judges take it for?

It is evaluated where it says that it covers: shapes, sign, one checkpoint at a time, again, and, as far as it declares
them, how it moves with n, the rounds and what is measured (``monotone``), and where it tends (``limits``).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms import traits
from riskkit.conformance.findings import EXACT, Finding, Found, Report, guarded
from riskkit.experiment.vetting import evaluated
from riskkit.measure.own import SHIPPED
from riskkit.measure.quantities import QUANTITIES
from riskkit.theory.bound import FORMS, At, Source

WAYS = {"increasing": 1, "decreasing": -1}
MEASURED = ("D2", "f0", "path_moment")


class Place(NamedTuple):
    """A problem and an algorithm that the bound covers."""

    problem: Any
    algorithm: Any


def check_bound(bound: Any, on: Sequence[tuple[Any, Any]] = (), quantities: Sequence[str] = ()) -> Report:
    """Runs every check on a bound.

    Args:
        on: pairs of a problem and an algorithm; by default shipped problems with SGD, averaged rounds and heavy ball
            under several schedules. The bound is evaluated at those it covers.
        quantities: names of one's own that it may speak of.
    """
    name = str(getattr(bound, "name", type(bound).__name__))
    declared = guarded("declarations", lambda: _declarations(bound, quantities))
    if declared.faults:
        return Report(name, (declared,))
    places: list[Place] = []
    covers = guarded("hypotheses", lambda: _covered(bound, on or _usual(), places))
    findings: list[Finding] = [declared, covers]
    if not covers.faults:
        findings += [
            guarded(f"{form}: {title}", functools.partial(run, bound, form, places))
            for form in bound.forms
            for title, run in CHECKS
        ]
    return Report(name, tuple(findings))


def _usual() -> list[tuple[Any, Any]]:
    from riskkit.algorithms.momentum import HeavyBall
    from riskkit.algorithms.staged import SGD, Algorithm, Stage
    from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon
    from riskkit.problems import LinearOnBall, Logistic, LogisticRidge, MeanEstimation, Ridge  # lies above this room

    found: list[tuple[Any, Any]] = []
    for problem in (LinearOnBall(), Logistic(), MeanEstimation(), Ridge(), LogisticRidge()):
        c = problem.constants
        most = getattr(problem, "largest_step", 1 / c.L if 0 < c.L < math.inf else 0.1)
        steps: list[Any] = [Constant(most / 2), SqrtHorizon(most)]
        steps += [InverseTime(c.lam, max(2.0, 1.01 / (c.lam * most)))] if c.lam > 0 else []
        for step in steps:
            found += [
                (problem, SGD(64, step)),
                (problem, Algorithm((Stage(16, 4, 0.5, step),))),
                (problem, HeavyBall(64, step, radius=problem.radius)),
            ]
    return found


def _declarations(bound: Any, quantities: Sequence[str]) -> Found:
    faults = [
        f"{name} must be a text; got {getattr(bound, name, None)!r}."
        for name in ("name", "title", "quantity", "output", "statement", "claim_statement")
        if not isinstance(getattr(bound, name, None), str)
    ]
    source, forms = getattr(bound, "source", None), getattr(bound, "forms", ())
    if not isinstance(source, Source):
        faults.append(f"source must be a Source(key, text, bibtex); got {source!r}.")
    elif source.key not in source.bibtex:
        faults.append(f"source: the BibTeX entry must have the key {source.key}.")
    if not forms or not set(forms) <= set(FORMS):
        faults.append(f"forms must be some of {', '.join(FORMS)}; got {forms!r}.")
    known_quantities = (*QUANTITIES, *(own.name for own in SHIPPED), *quantities)
    if not faults and bound.quantity not in known_quantities:
        faults.append(f"quantity must be one of {', '.join(known_quantities)}; got {bound.quantity!r}.")
    if not faults and bound.output not in ("last", "average"):
        faults.append(f"output must be last or average; got {bound.output!r}.")
    coordinates = ("n", "rounds", *MEASURED)
    for what, known in (("monotone", coordinates), ("limits", ("n", *MEASURED))):
        for name, value in dict(getattr(bound, what, {})).items():
            if name not in known:
                faults.append(f"{what}: there is no {name!r}; there are {', '.join(known)}.")
            elif what == "monotone" and value not in WAYS:
                faults.append(f"monotone: {name} must be increasing or decreasing; got {value!r}.")
    return Found(faults, f"{bound.quantity} of {bound.output}: {', '.join(forms)}" if not faults else "")


def _covered(bound: Any, on: Sequence[tuple[Any, Any]], places: list[Place]) -> Found:
    for problem, algorithm in on:
        reason = bound.excludes(problem, algorithm)
        if reason is None:
            places.append(Place(problem, algorithm))
        elif not isinstance(reason, str):
            return Found([f"a hypothesis must answer with a reason, a text, or with None; got {reason!r}."])
    if not places:
        why = next(iter(bound.excludes(*pair) for pair in on), "")
        return Found(
            [f"it covers none of the {len(on)} settings tried ({str(why).rstrip('.')}); give some that it covers."]
        )
    return Found([], f"it covers {len(places)} of the {len(on)} settings tried")


class _Measured(Mapping[str, float]):
    """Every quantity along the path, of the value 1."""

    def __getitem__(self, name: str) -> float:
        return 1.0

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _at(place: Place, rounds: Any, n: int = 100) -> At:
    rounds = np.asarray(rounds, dtype=np.int64)
    return At(place.problem, place.algorithm, n, rounds, 1.0, 1.0, 0.0, np.ones(len(rounds)), _Measured())


def _values(bound: Any, form: Any, at: At) -> Any:
    return evaluated(f"{bound.name}, {form}", functools.partial(bound.evaluate, form), at)


def _rounds(place: Place) -> Any:
    total = traits.rounds(place.algorithm)
    return np.unique(np.geomspace(1, total, 7).round().astype(np.int64))


def _answers(bound: Any, form: Any, places: list[Place]) -> Found:
    """One number a checkpoint, never negative, finite somewhere, the same for one checkpoint alone and again."""
    known = 0
    for place in places:
        rounds = _rounds(place)
        try:
            values = _values(bound, form, _at(place, rounds))
            again = _values(bound, form, _at(place, rounds))
            alone = np.concatenate([_values(bound, form, _at(place, [t])) for t in rounds])
        except ValueError as error:
            return Found([str(error)])
        known += int(np.isfinite(values).sum())
        where = f"on {place.problem.name}, {place.algorithm.name}"
        if not np.array_equal(values, again, equal_nan=True):
            return Found([f"{where}: asked again it gives something else."])
        if not np.allclose(values, alone, rtol=EXACT, atol=0, equal_nan=True):
            t = int(rounds[np.flatnonzero(~np.isclose(values, alone, rtol=EXACT, atol=0, equal_nan=True))[0]])
            return Found([f"{where}: after {t} rounds it depends on which other checkpoints are read."])
    if not known and form != "claim":
        return Found(["it is finite nowhere; let a hypothesis say why it says nothing."])
    return Found([], f"finite at {known} checkpoints")


def _along(place: Place, coordinate: str) -> list[At]:
    """A coordinate, ascending, all else held."""
    last = [traits.rounds(place.algorithm)]
    if coordinate == "n":
        return [_at(place, last, n) for n in (2, 10, 100, 10**4, 10**6)]
    if coordinate == "rounds":
        return [_at(place, [t]) for t in _rounds(place)]
    return [_moved(_at(place, last), coordinate, x) for x in (0.1, 1.0, 10.0, 100.0)]


def _moved(at: At, coordinate: str, value: float) -> At:
    """With another value of what is measured."""
    changed: dict[str, Any] = {coordinate: np.array([value]) if coordinate == "path_moment" else value}
    return dataclasses.replace(at, **changed)


def _monotone(bound: Any, form: Any, places: list[Place]) -> Found:
    declared = dict(getattr(bound, "monotone", {}))
    for coordinate, way in declared.items():
        for place in places:
            values = np.concatenate([_values(bound, form, at) for at in _along(place, coordinate)])
            values = values[np.isfinite(values)]
            if (WAYS[way] * np.diff(values) < -EXACT * np.abs(values[1:])).any():
                shown = ", ".join(f"{value:.4g}" for value in values)
                return Found([f"it must be {way} in {coordinate}; on {place.problem.name} it goes through {shown}."])
    return Found([], ", ".join(f"{way} in {name}" for name, way in declared.items()) or "none declared")


def _limits(bound: Any, form: Any, places: list[Place]) -> Found:
    declared = dict(getattr(bound, "limits", {}))
    for coordinate, limit in declared.items():
        for place in places:
            last = [traits.rounds(place.algorithm)]
            far = [10**6, 10**9, 10**12]
            ats = [
                _at(place, last, x) if coordinate == "n" else _moved(_at(place, last), coordinate, float(x))
                for x in far
            ]
            values = [float(_values(bound, form, at)[0]) for at in ats]
            gaps = [abs(value - limit) for value in values] if math.isfinite(limit) else [1 / v for v in values]
            if math.isnan(values[-1]):
                continue
            if not (gaps[-1] <= 1e-3 * max(1.0, abs(limit) if math.isfinite(limit) else 1.0) and gaps[-1] <= gaps[0]):
                shown = f"it is {values[-1]:.4g} at 10^12 on {place.problem.name}"
                return Found([f"it must tend to {limit:g} as {coordinate} grows; {shown}."])
    return Found([], ", ".join(f"to {limit:g} in {name}" for name, limit in declared.items()) or "none declared")


CHECKS: tuple[tuple[str, Callable[[Any, Any, list[Place]], Found]], ...] = (
    ("shapes and sign", _answers),
    ("monotonicity", _monotone),
    ("limits", _limits),
)
