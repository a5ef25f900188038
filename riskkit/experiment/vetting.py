"""What a person's functions answer, looked at before anything is computed.

Schedules: the number of sizes, finite, > 0, and the same ones in a longer run where they say so. Methods: a trial of a
few steps. Bounds, exact values and counts: known quantity and output, one number a checkpoint, no negative one, none
that is nan by an invalid operation. One line each: what was expected, what came, what to do, and where it stands.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output
from riskkit.engines import trial, trial_problem
from riskkit.experiment.callbacks import asked, place, raised_at
from riskkit.experiment.plan import Cell, Plan, alike
from riskkit.experiment.readings import POSITIVE, Exact, GradientsTo
from riskkit.experiment.runs import Simulated
from riskkit.measure.own import along, try_quantity
from riskkit.measure.quantities import QUANTITIES
from riskkit.problem import constants_of
from riskkit.theory.bound import FORMS, At, total

LONGEST_TRIAL = 128
"""Steps of a method that are tried."""

MOST = 12
"""Settings of an algorithm at which each form of a bound is tried."""


def vet(plan: Plan) -> None:
    """Raises ValueError, in one line, for the first fault in an experiment's functions; computes nothing of it."""
    name = plan.experiment.name
    simulated = [cell for cell in plan.cells if isinstance(cell.run, Simulated)]
    _problems(name, simulated)
    _told_apart(plan)
    _known(plan, all(isinstance(cell.run, Simulated) for cell in plan.cells))
    _methods(name, simulated)
    _had(plan)
    groups = alike(cell for cell in simulated if cell.run.problem is not None)
    _bounds(plan, groups)
    _readings(plan, groups)
    _quantities(plan, groups)


def _told_apart(plan: Plan) -> None:
    """Two names for one function that gives the same runs at every point of several are a slip of the pen. (Different
    algorithms may coincide on a grid.)"""
    runs: dict[str, dict[Any, Any]] = {}
    for cell in plan.cells:
        code = getattr(plan.experiment.algorithms[cell.name], "__code__", None)
        said = (code.co_code, code.co_consts, code.co_names) if code is not None else cell.name
        runs.setdefault(cell.name, {})[cell.point] = (cell.address, cell.rounds, said)
    names = list(runs)
    for i, name in enumerate(names):
        for other in names[:i]:
            if len(runs[name]) > 1 and runs[name] == runs[other]:
                raise ValueError(
                    f"{plan.experiment.name}: {other} and {name} have the same runs at every point; drop one, or let "
                    f"them differ{place(plan.experiment.algorithms[name])}."
                )


def _known(plan: Plan, simulated: bool) -> None:
    """Quantities and outputs that bounds, readings and limits name."""
    experiment = plan.experiment
    known = tuple(q for q in QUANTITIES if q != "path_moment") + tuple(own.name for own in experiment.quantities)
    said = [(bound.name, bound.quantity, bound.output) for bound in experiment.bounds]
    for reading in experiment.readings:
        who = type(reading).__name__
        said += [(who, reading.quantity, reading.output)] if isinstance(reading, Exact) else []
        said += [(who, quantity, output) for quantity, output in getattr(reading, "of", ())]
        if isinstance(reading, GradientsTo):
            said += [(who, reading.quantity, "last"), (who, reading.beside, "last")]
    said += [("limits", quantity, "last") for quantity in experiment.limits]
    for who, quantity, output in said:
        if simulated and quantity not in known:
            near = difflib.get_close_matches(str(quantity), known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}."
            raise ValueError(f"{experiment.name}: {who}: unknown quantity {quantity!r}: {hint}")
        if output not in get_args(Output):
            raise ValueError(
                f"{experiment.name}: {who}: output must be one of {', '.join(get_args(Output))}; got {output!r}."
            )


def _had(plan: Plan) -> None:
    """A reading that names an output which an algorithm of its has not; what ``POSITIVE`` lists beside is left out."""
    experiment = plan.experiment
    had = {cell.name: traits.outputs(cell.algorithm) for cell in plan.cells}
    for reading in experiment.readings:
        named = (
            *getattr(reading, "algorithms", ()),
            getattr(reading, "algorithm", ""),
            *getattr(reading, "against", ()),
        )
        asked_of = [name for name in named if name in had] or list(experiment.judged)
        output = getattr(reading, "output", None) or getattr(getattr(reading, "bound", None), "output", None)
        wanted = [output] if output else []
        if (of := getattr(reading, "of", POSITIVE)) is not POSITIVE:
            wanted += [one for _, one in of]
        if isinstance(reading, GradientsTo):
            wanted = []  # of each line the outputs that it has
        for name in asked_of:
            lacking = next((one for one in wanted if one not in had.get(name, OUTPUTS)), None)
            if lacking is not None:
                raise ValueError(
                    f"{experiment.name}: {type(reading).__name__}: {name} has no output {lacking!r}; it has "
                    f"{' and '.join(had[name])}."
                )


# Problems.


def _problems(name: str, cells: Iterable[Cell]) -> None:
    """Each problem against what it declares."""
    for problem in {cell.run.problem: None for cell in cells if cell.run.problem is not None}:
        kind = type(problem)
        wrong = asked(f"{name}: {kind.__name__}", trial_problem.problem_fault, problem)
        if wrong is not None:
            written = place(getattr(kind, wrong.member, None)) or place(kind)
            raise ValueError(f"{name}: {wrong.told(problem)}{written}.")


# Methods.


def _methods(name: str, cells: Iterable[Cell]) -> None:
    """Of each method that an algorithm's name stands for, its shortest run on each problem, and its longest."""
    of: dict[tuple[str, type, Any], list[Cell]] = {}
    for cell in cells:
        if not isinstance(cell.algorithm, Algorithm):
            of.setdefault((cell.name, type(cell.algorithm), cell.run.problem), []).append(cell)
    for (label, kind, problem), own in of.items():
        lacks = [member for member in ("init", "query", "step", "output") if not callable(getattr(kind, member, None))]
        if lacks:
            raise ValueError(
                f"{name}: {label}: a method needs init, query, step and output; {kind.__name__} lacks "
                f"{', '.join(lacks)}{place(kind)}."
            )
        ordered = sorted(own, key=lambda cell: int(cell.algorithm.steps))
        for cell in (ordered[0], ordered[-1])[: 1 + (ordered[0] is not ordered[-1])]:
            steps = min(int(cell.algorithm.steps), LONGEST_TRIAL)
            reads = [int(r) for r in traits.steps_after(cell.algorithm, cell.run.rounds) if r <= steps]
            reads += [int(r) for r in traits.steps_after(cell.algorithm, [cell.taken]) if r <= steps]
            who = f"{name}: {label}: {kind.__name__}"
            start = np.asarray(problem.start, dtype=np.float64)
            largest = constants_of(problem).G
            wrong = asked(who, trial.fault, cell.algorithm, start, problem.radius, largest, steps, reads)
            if wrong is not None:
                said, member = wrong
                raise ValueError(f"{who}: {said}{place(getattr(kind, member, kind))}.")


# Bounds.


def at_group(cells: list[Cell]) -> At:
    """Where a bound is asked for cells of one algorithm, with 1 in place of what is measured."""
    longest = max(cells, key=lambda cell: cell.taken)
    run: Any = cells[0].run
    rounds, ones = np.array([cell.taken for cell in cells], dtype=np.int64), np.ones(len(cells))
    measured = {own.name: ones for own in along(run.quantities)}
    return At(run.problem, longest.algorithm, run.n, rounds, 1.0, 1.0, 0.0, ones, measured)


def evaluated(owner: str, function: Callable[..., Any], at: At, *rest: Any) -> npt.NDArray[np.float64]:
    """The numbers of a form, (K,); ValueError, in one line, for what cannot be a bound."""
    before = at.rounds.copy()
    with np.errstate(invalid="raise", divide="ignore", over="ignore", under="ignore"):
        try:
            found = function(*rest, at)
        except FloatingPointError as error:
            raise ValueError(
                f"{owner}: must have no invalid operation, such as 0/0 or the root of a negative number; say nan where "
                f"it says nothing{raised_at(error.__traceback__)}."
            ) from error
        except Exception as error:
            said = f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(".: ")
            raise ValueError(f"{owner} raised {said}{raised_at(error.__traceback__)}.") from error
    if not np.array_equal(before, at.rounds):
        raise ValueError(f"{owner}: must not change at.rounds; work on a copy.")
    values = total(found, at, owner)
    if (values < 0).any():
        k = int(np.flatnonzero(values < 0)[0])
        raise ValueError(
            f"{owner}: a bound must not be negative; got {values[k]:.3g} at n = {at.n} after {at.rounds[k]} rounds."
        )
    return values


def _bounds(plan: Plan, groups: list[list[Cell]]) -> None:
    experiment = plan.experiment
    for i, bound in enumerate(experiment.bounds):
        who = f"{experiment.name}: {bound.name}"
        if bound.name in (other.name for other in experiment.bounds[:i]):
            raise ValueError(f"{who}: a bound needs a name of its own, the key of its verdicts; this one came twice.")
        if not bound.forms or not set(bound.forms) <= set(FORMS):
            raise ValueError(f"{who}: forms must be some of {', '.join(FORMS)}; got {bound.forms!r}.")
        for name in experiment.judged:
            own = _covered(who, bound, [group for group in groups if group[0].name == name])
            for form in bound.forms if own else ():
                _form(f"{who}, {form}", bound, form, _spread(own))


def _covered(who: str, bound: Any, groups: list[list[Cell]]) -> list[list[Cell]]:
    """The groups that no hypothesis excludes."""
    found = []
    for group in groups:
        run: Any = group[0].run
        reason = asked(f"{who}: a hypothesis", bound.excludes, run.problem, group[0].algorithm)
        if reason is None:
            found.append(group)
        elif not isinstance(reason, str):
            where = next((place(ask) for ask in getattr(bound, "hypotheses", ())), "")
            raise ValueError(
                f"{who}: a hypothesis must answer with None, or with the reason why the bound says nothing, a text; "
                f"got {reason!r}{where}."
            )
    return found


def _form(who: str, bound: Any, form: Any, groups: list[list[Cell]]) -> None:
    written = place(getattr(bound, form, None) or type(bound).evaluate)
    known = False
    for group in groups:
        try:
            values = evaluated(who, functools.partial(bound.evaluate, form), at_group(group))
        except ValueError as error:
            said = str(error)
            raise ValueError(said if re.search(r"line \d+\)\.$", said) else f"{said[:-1]}{written}.") from error
        known |= bool(np.isfinite(values).any())
    if not known and form != "claim":
        raise ValueError(
            f"{who}: must be finite somewhere; it is nan or infinite wherever no hypothesis excludes it; let a "
            f"hypothesis say why it says nothing{written}."
        )


def _spread(groups: list[list[Cell]]) -> list[list[Cell]]:
    """At most ``MOST`` of them, the first and the last among them."""
    if len(groups) <= MOST:
        return groups
    return [groups[round(i * (len(groups) - 1) / (MOST - 1))] for i in range(MOST)]


def _readings(plan: Plan, groups: list[list[Cell]]) -> None:
    name = plan.experiment.name
    for reading in plan.experiment.readings:
        if isinstance(reading, Exact):
            for group in _spread(groups):
                if group[0].name not in (reading.algorithms or plan.experiment.judged):
                    continue
                owner = f"{name}: the expected {reading.quantity}"
                found = asked(owner, reading.expected, at_group(group))
                try:
                    shape = np.asarray(found, dtype=np.float64).shape
                except (TypeError, ValueError):
                    shape = None
                if shape != (len(group),):
                    got = type(found).__name__ if shape is None else f"shape {shape}"
                    raise ValueError(
                        f"{owner} must have one number for each of {len(group)} checkpoints; got {got}"
                        f"{place(reading.expected)}."
                    )


def _quantities(plan: Plan, groups: list[list[Cell]]) -> None:
    """Each quantity of one's own, on two samples of each problem at theta_0 and its neighbours."""
    problems = {group[0].run.problem: group[0].run.n for group in groups} if plan.experiment.quantities else {}
    for problem, n in problems.items():
        for own in plan.experiment.quantities:
            who = f"{plan.experiment.name}: {own.name}"
            if not bool(asked(who, try_quantity, own, problem, min(n, 4))):
                raise ValueError(f"{who} must be finite; it is not near theta_0{place(own.of)}.")
