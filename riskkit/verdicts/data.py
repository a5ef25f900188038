"""What was measured, as the table, the verdicts and the figures read it: cells, their values, their status.

Estimates use control variates (``riskkit.verdicts.estimates``): same mean, less noise. ``load_replicates`` gives the
raw values.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.algorithms.steps import first_size
from riskkit.experiment.plan import Cell, Plan, kind
from riskkit.experiment.readings import Exact, Follows, Reaches, Smaller
from riskkit.identity import label
from riskkit.judges.outcome import Kind, Outcome, Verdict, undecided
from riskkit.measure.expectation import ENGINE as MOMENTS
from riskkit.measure.own import along
from riskkit.measure.quantities import COUPLED, FOLLOWED, QUANTITIES, Measured
from riskkit.problem import Problem, constants_of, diameter
from riskkit.stats.columns import Columns, joined, part_starts, reduced
from riskkit.stats.controls import LEAST
from riskkit.theory.bound import FORMS, At, Bound, Floats, Form, total
from riskkit.verdicts.estimates import CONTROLLED, LARGEST, Estimate, Wanted, estimates, has_companion

RAN_AWAY = frozenset({"diverged", "non-finite", "below the minimum"})
"""The statuses that an algorithm itself brings about."""

ROUNDING = 1e-9
"""How far below 0, relative to the errors there, rounding and the tolerance of a minimiser may put one."""

KEPT = 2**25
"""Numbers of regressed estimates that are kept for the next who asks: 256 MiB."""

REPORTED = tuple(name for name in QUANTITIES if name != "path_moment")


class Level(NamedTuple):
    """A bound evaluated at cells, (P,) each; NaN where it does not cover the cell or has no such form, and why."""

    claim: Floats
    published: Floats
    proved: Floats
    reasons: list[str | None]


@dataclasses.dataclass(frozen=True)
class Data:
    """A plan and what was measured: everything the table, the verdicts and the figures are made of.

    ``measured`` holds the runs that are complete; ``failures`` has the status and the reason of the others, by address.
    """

    plan: Plan
    measured: dict[str, Measured]
    failures: dict[str, tuple[str, str]]

    @property
    def replicates(self) -> int:
        """Of every run."""
        return int(self.plan.size.replicates)

    @property
    def real(self) -> list[Cell]:
        """The cells of all algorithms that are no planted faults."""
        return [cell for cell in self.plan.cells if cell.name not in self._planted]

    @functools.cached_property
    def _planted(self) -> set[str]:
        return {
            name
            for reading in self.plan.experiment.readings
            if getattr(reading, "planted", False)
            for name in reading.algorithms
        }

    def named(self, name: str) -> list[Cell]:
        """The cells of one algorithm."""
        return [cell for cell in self.plan.cells if cell.name == name]

    def of(self, cell: Cell) -> tuple[Measured, int] | None:
        """The cell's run and its checkpoint's place in it; None if it failed."""
        found = self.measured.get(cell.address)
        return None if found is None else (found, self._slots[cell.address][cell.rounds])

    @functools.cached_property
    def _slots(self) -> dict[str, dict[int, int]]:
        """Run -> checkpoint -> its place; looked up once for every cell, quantity and output."""
        return {
            address: {int(rounds): slot for slot, rounds in enumerate(found.rounds)}
            for address, found in self.measured.items()
        }

    def values(self, cells: Sequence[Cell], quantity: str, output: str) -> Columns:
        """(R, P), the estimate of each cell (``riskkit.verdicts.estimates``); NaN columns for cells that failed or
        diverged, and for runs that do not measure the quantity."""
        return self._columns(cells, quantity, output, paired=True)

    def unpaired(self, cells: Sequence[Cell], output: str) -> Columns:
        """(R, P), estimates of the generalization error that do not use the runs on S with one example replaced."""
        return self._columns(cells, "generalization", output, paired=False)

    def _columns(self, cells: Sequence[Cell], quantity: str, output: str, *, paired: bool) -> Columns:
        found = self._estimated(cells, quantity, output, paired=paired)
        return joined([None if one is None else one.values for one in found], self.replicates)

    def _estimated(
        self, cells: Sequence[Cell], quantity: str, output: str, *, paired: bool = True
    ) -> list[Estimate | None]:
        """The estimate of each cell, paired with the runs on S with one example replaced where that helps, or not; None
        where the quantity was not measured. What is not known yet is estimated together, and kept while there is
        room."""
        places = []
        wanted: dict[Any, Wanted] = {}
        for cell in cells:
            pairs = paired and quantity in CONTROLLED and self._pairs(cell, quantity, output)
            place = (cell.address, cell.rounds, quantity, output, pairs)
            places.append(place)
            if place not in self._estimates and place not in wanted:
                found = self.of(cell)
                if found is not None and quantity in found[0].values:
                    follows = quantity != "stability" or self._hit(cell) >= LEAST / 2
                    wanted[place] = Wanted(*found, paired=pairs, followed_pairs=follows)
        made = dict(zip(wanted, estimates(list(wanted.values()), quantity, output), strict=True))
        for place, one in made.items():
            # What was simulated lies among what was measured, unless it is known as sums, which are soon made again.
            sums = one.values.centre is not None
            if one.how == "simulated" and sums and quantity not in FOLLOWED:
                continue
            fresh = one.values.sums.size * (1 + sums) if sums or one.how != "simulated" else 0
            if self._room[0] >= fresh:
                self._room[0] -= fresh
                self._estimates[place] = one
        return [made.get(place) or self._estimates.get(place) for place in places]

    def _pairs(self, cell: Cell, quantity: str, output: str) -> bool:
        """Whether the replace-one estimate is a control: of real algorithms without a companion, after 2n draws for all
        neighbours."""
        found = self.of(cell)
        if found is None or cell.name in self._planted or has_companion(*found, quantity, output):
            return False
        return self._draws(cell) >= 2 * cell.run.n

    def _hit(self, cell: Cell) -> float:
        """How many replicates have drawn an example that was replaced, in expectation."""
        return self.replicates * -math.expm1(self._draws(cell) * math.log1p(-1 / max(cell.run.n, 2)))

    def _draws(self, cell: Cell) -> int:
        """In which a replaced example may have been drawn."""
        return self.gradients(cell) * int(self.plan.experiment.neighbours)

    def gradients(self, cell: Cell) -> int:
        """Taken in all at the cell's checkpoint; looked up once a run."""
        if (cell.address, cell.rounds) not in self._gradients:
            rounds = [cell.rounds, *(one.rounds for one in self.plan.heads.get(cell.address, ()))]
            taken = np.asarray(cell.run.gradients(rounds)).tolist()
            known = {(cell.address, at): int(number) for at, number in zip(rounds, taken, strict=True)}
            self._gradients.update(known)
        return self._gradients[cell.address, cell.rounds]

    @functools.cached_property
    def _gradients(self) -> dict[tuple[str, int], int]:
        return {}

    @functools.cached_property
    def _estimates(self) -> dict[tuple[str, int, str, str, bool], Estimate]:
        return {}

    @functools.cached_property
    def _room(self) -> list[int]:
        """Numbers that may still be kept."""
        return [KEPT]

    def alike(self, cells: Iterable[Cell]) -> list[list[Cell]]:
        """``riskkit.experiment.plan.alike``; what a cell has in common with others is looked up once."""
        groups: dict[int, list[Cell]] = {}
        numbers, kinds = self._kinds
        for cell in cells:
            place = (cell.point, cell.name)
            if place not in kinds:
                kinds[place] = numbers.setdefault(kind(cell), len(numbers))
            groups.setdefault(kinds[place], []).append(cell)
        return list(groups.values())

    @functools.cached_property
    def _kinds(self) -> tuple[dict[Hashable, int], dict[tuple[Any, str], int]]:
        return {}, {}

    def raw(self, cells: Sequence[Cell], quantity: str, output: str) -> Columns:
        """(R, P) as measured, without control variates."""
        found = [
            None if (one := self.replicate_values(cell, quantity, output)) is None else reduced(one) for cell in cells
        ]
        return joined(found, self.replicates)

    def replicate_values(self, cell: Cell, quantity: str, output: str) -> Floats | None:
        """(R,) as measured, of one cell; None where it was not."""
        found = self.of(cell)
        if found is None or quantity not in found[0].values:
            return None
        run, slot = found
        return np.asarray(run.values[quantity][:, slot, OUTPUTS.index(output)], dtype=np.float64)

    def estimators(self, cells: Sequence[Cell], quantity: str, output: str) -> list[str]:
        """How each mean was had: ``exact`` (an expectation, without a standard error), ``given S`` (the mean over
        datasets of an expectation over the draws), or as ``riskkit.verdicts.estimates`` says; "" without one."""
        how = [self._expected(cell, quantity, output) for cell in cells]
        sampled = [cell for cell, known in zip(cells, how, strict=True) if known is None]
        estimated = iter(self._estimated(sampled, quantity, output))
        # One that was not measured is known to be "".
        return [known if known is not None else next(estimated).how for known in how]  # type: ignore[union-attr]

    def _expected(self, cell: Cell, quantity: str, output: str) -> str | None:
        """How a mean was had that is no estimate; None for one that is."""
        found = self.of(cell)
        if found is None or quantity not in found[0].values:
            return ""
        if not found[0].engine.startswith(MOMENTS):
            return None
        if self.exact_cells([cell], quantity, output):
            return "exact"
        return None if quantity in COUPLED else "given S"

    def exact_cells(self, cells: Sequence[Cell], quantity: str, output: str) -> bool:
        """Whether the means at all of the cells are expectations, equal in every replicate."""
        for cell in cells:
            found = self.of(cell)
            if found is None or quantity not in found[0].values or not found[0].engine.startswith(MOMENTS):
                return False
            column = found[0].values[quantity][:, found[1], OUTPUTS.index(output)]
            if len(column) < 2 or not (column == column[0]).all():
                return False
        return True

    def diverged(self, cell: Cell) -> tuple[int, int]:
        """How many replicates had diverged at the cell's checkpoint, and the first of their steps (-1: none)."""
        found = self.of(cell)
        if found is None:
            return 0, -1
        run, _ = found
        steps = run.diverged_at[(run.diverged_at >= 0) & (run.diverged_at <= self.gradients(cell))]
        return len(steps), int(steps.min()) if len(steps) else -1

    def status(self, cell: Cell) -> tuple[str, str]:
        """("ok" | "diverged" | "non-finite" | "below the minimum" | "no minimiser" | "failed", reason)."""
        place = (cell.address, cell.rounds)
        if place not in self._statuses:
            self._statuses[place] = self._status(cell)
        return self._statuses[place]

    @functools.cached_property
    def _statuses(self) -> dict[tuple[str, int], tuple[str, str]]:
        return {}

    def _status(self, cell: Cell) -> tuple[str, str]:
        found = self.of(cell)
        if found is None:
            return self.failures.get(cell.address, ("failed", "not computed"))
        count, first = self.diverged(cell)
        if count:
            return "diverged", f"{count} of {self.replicates} replicates diverged, the first after {first} gradients"
        if not self._finite(found[0])[found[1]]:
            return "non-finite", "a risk, or the run on S with one example replaced, left the range of the numbers"
        lowest = self._below(*found)
        if lowest is not None:
            return "below the minimum", (
                f"the optimization error is {lowest:.3g}, below 0 by more than rounding: theta left Theta (a method "
                "projects in its step), or empirical_minimiser is not the minimiser"
            )
        return "ok", ""

    def _below(self, run: Measured, slot: int) -> float | None:
        """The least optimization error of a checkpoint if it is negative by more than rounding; None where it is not,
        and where F_S* is known as an interval only."""
        values = run.values.get("optimization")
        if values is None or "minimum_width" in run.dataset or not len(values):
            return None
        had = self._had(run)
        lowest = float(values[:, slot, had].min())
        if not lowest < 0:
            return None
        parts = [run.values[name] for name in ("generalization", "excess") if name in run.values]
        sizes = [np.abs(part[:, slot, had]).max() for part in parts]
        sizes += [np.abs(run.dataset[name]).max() for name in ("start_gap",) if name in run.dataset]
        return lowest if lowest < -ROUNDING * max(1e-3, *map(float, sizes)) else None

    def _had(self, run: Measured) -> list[int]:
        """The places of the outputs that the run has."""
        own = traits.outputs(self.plan.runs[run.run].algorithm)
        return [OUTPUTS.index(output) for output in own]

    def _finite(self, run: Measured) -> npt.NDArray[np.bool_]:
        """(K,) whether everything reported is in range in all replicates at each checkpoint; looked at once a run."""
        reported = (*REPORTED, *(own.name for own in self.plan.experiment.quantities))
        if run.run not in self._looked:
            had = self._had(run)
            parts = [
                (np.abs(values[:, :, had]) < LARGEST).all(axis=(0, 2))
                for name, values in run.values.items()
                if name in reported
            ]
            self._looked[run.run] = np.logical_and.reduce(parts)
        return self._looked[run.run]

    @functools.cached_property
    def _looked(self) -> dict[str, npt.NDArray[np.bool_]]:
        return {}

    def path_moments(self, cells: Sequence[Cell]) -> Floats:
        """(P,) the mean over each run's gradients and the replicates of ||grad l(v_j; z_j)||^2."""
        places = [(cell.address, cell.rounds) for cell in cells]
        missing = {place: cell for place, cell in zip(places, cells, strict=True) if place not in self._moments}
        values = self.values(list(missing.values()), "path_moment", "last")
        # Column by column: the bits of a mean do not depend on what is asked for beside it.
        self._moments.update({place: float(values.columns([p]).mean()[0]) for p, place in enumerate(missing)})
        return np.array([self._moments[place] for place in places])

    @functools.cached_property
    def _moments(self) -> dict[tuple[str, int], float]:
        return {}

    def dataset(self, cell: Cell, name: str) -> Floats:
        """(R,) values of a number of the datasets of the cell's sample size; nan where its run has none."""
        found = self.of(cell)
        assert found is not None
        return found[0].dataset.get(name, np.full(self.replicates, np.nan))

    def dataset_mean(self, cell: Cell, name: str) -> float:
        """The mean of ``dataset``."""
        place = (cell.address, name)
        if place not in self._dataset_means:
            self._dataset_means[place] = float(self.dataset(cell, name).mean())
        return self._dataset_means[place]

    @functools.cached_property
    def _dataset_means(self) -> dict[tuple[str, str], float]:
        return {}

    def minimum_width(self, cell: Cell, quantity: str) -> float:
        """How far below the mean its true value may lie, F_S* being known as an interval; 0 where it is exact."""
        found = self.of(cell)
        if found is None or quantity not in ("optimization", "excess") or "minimum_width" not in found[0].dataset:
            return 0.0
        return self.dataset_mean(cell, "minimum_width")

    # What is known beside the measurements.

    def at(self, cells: Sequence[Cell]) -> At:
        """Where a bound is evaluated for cells of one algorithm, which differ in its rounds alone; what was measured of
        the datasets is nan where the first cell failed."""
        head = cells[0]
        longest = max(cells, key=lambda cell: cell.taken)
        measured = {}
        if self.of(head) is not None:
            measured = {
                field: self.dataset_mean(head, name)
                for field, name in (("D2", "start_distance"), ("f0", "start_gap"), ("g2", "gradient_at_minimiser"))
            }
        assert head.run.problem is not None
        return At(
            problem=head.run.problem,
            algorithm=longest.algorithm,
            n=head.run.n,
            rounds=np.array([cell.taken for cell in cells], dtype=np.int64),
            path_moment=self.path_moments(cells),
            measured={name: self.values(cells, name, "last").mean() for name in self._along},
            **measured,
        )

    @functools.cached_property
    def _along(self) -> list[str]:
        """The experiment's own quantities along the path, which bounds may ask for."""
        return [own.name for own in along(self.plan.experiment.quantities)]

    def level(self, bound: Bound, cells: Sequence[Cell]) -> Level:
        """The bound at each cell, its measured inputs being means over the same replicates."""
        known = self._levels.setdefault(bound.name, {})
        missing = [cell for cell in cells if (cell.point, cell.name) not in known]
        reasons = {(cell.point, cell.name): excludes(bound, cell) for cell in missing}
        for cell in missing:
            known[cell.point, cell.name] = dict.fromkeys(FORMS, math.nan), reasons[cell.point, cell.name]
        covered = [c for c in missing if reasons[c.point, c.name] is None and self.of(c) is not None]
        for group in self.alike(covered):
            at = self.at(group)
            for form in bound.forms:
                values = total(bound.evaluate(form, at), at, f"{bound.name}, {form}")
                for cell, value in zip(group, values.tolist(), strict=True):
                    known[cell.point, cell.name][0][form] = value
        found = [known[cell.point, cell.name] for cell in cells]
        columns = {form: np.array([numbers[form] for numbers, _ in found], dtype=np.float64) for form in FORMS}
        return Level(**columns, reasons=[reason for _, reason in found])

    def bound_errors(self, bound: Bound, form: Form, cells: Sequence[Cell]) -> Columns | None:
        """(R, P) how the bound at each cell depends on the replicates, to first order: its measured inputs (D^2, f_0,
        g^2, the path moment) are means over them. None where it does not."""
        found = np.zeros((len(part_starts(self.replicates)), len(cells)))
        place = {(cell.point, cell.name): p for p, cell in enumerate(cells)}
        for group in self.alike(cells):
            at = self.at(group)
            inputs = self._inputs(at, group)
            columns = [place[cell.point, cell.name] for cell in group]
            for field, slope in self._slopes(bound, form, group, at, inputs).items():
                if slope.any():
                    found[:, columns] += slope * inputs[field].deviations(_input(at, field))
        return Columns.of_deviations(found, self.replicates) if found.any() else None

    def _slopes(
        self, bound: Bound, form: Form, group: Sequence[Cell], at: At, inputs: Mapping[str, Columns]
    ) -> dict[str, Floats]:
        """Field -> (P,) derivative of the bound in a measured input, at cells that are alike; evaluated once a cell."""
        known = self._derivatives.setdefault((bound.name, form), {})
        places = [(cell.point, cell.name) for cell in group]
        if any(field not in known.get(place, ()) for place in places for field in inputs):
            here: Floats = getattr(self.level(bound, group), form)
            owner = f"{bound.name}, {form}"
            columns: dict[str, Floats] = {}
            for field in inputs:
                value = _input(at, field)
                step = 1e-6 * np.where(value > 0, value, 1.0)
                moved = value + step
                changed: dict[str, Any] = {field: moved if value.ndim else float(moved)}
                if field in at.measured:
                    changed = {"measured": {**at.measured, **changed}}
                there = dataclasses.replace(at, **changed)
                slope = (total(bound.evaluate(form, there), there, owner) - here) / step
                columns[field] = np.where(np.isfinite(slope), slope, 0.0)
            for p, where in enumerate(places):
                known[where] = {field: float(slope[p]) for field, slope in columns.items()}
        return {field: np.array([known[where][field] for where in places]) for field in inputs}

    @functools.cached_property
    def _derivatives(self) -> dict[tuple[str, Form], dict[Any, dict[str, float]]]:
        return {}

    def _inputs(self, at: At, cells: Sequence[Cell]) -> dict[str, Columns]:
        """The measured inputs of a bound that vary, in each replicate: (R, 1), or (R, P) for the path moment."""
        names = {"D2": "start_distance", "f0": "start_gap", "g2": "gradient_at_minimiser"}
        found = {field: reduced(self.dataset(cells[0], name)) for field, name in names.items()}
        found |= {name: self.values(cells, name, "last") for name in ("path_moment", *self._along)}
        here = {"D2": at.D2, "f0": at.f0, "g2": at.g2, "path_moment": at.path_moment, **at.measured}
        return {
            field: own
            for field, own in found.items()
            if own.finite.all() and np.isfinite(here[field]).all() and (own.least < own.most).any()
        }

    @functools.cached_property
    def _levels(self) -> dict[str, dict[Any, tuple[dict[str, float], str | None]]]:
        return {}

    def trivial(self, quantity: str, cells: Sequence[Cell]) -> Floats:
        """(P,) what is true of every run, without any bound: the range M of the loss for the generalization error, the
        optimization error and the excess risk, the diameter of Theta (or of the set that the iterates reach) for the
        stability, its square for the squared distance. inf where the problem, or the step, knows no such number."""
        if quantity in {one.name for one in self.plan.experiment.quantities}:
            return np.full(len(cells), math.inf)
        return np.array([_range(_Same(cell.run.problem), _Same(cell.algorithm), quantity) for cell in cells])

    def at_start(self, quantity: str, cells: Sequence[Cell]) -> Floats:
        """(P,) the mean of the quantity at theta_0, which bounds no run: E f_0 for the optimization error and the
        excess risk, D^2 for the squared distance; inf for the generalization error and the stability, which are 0
        there, and where it was not measured."""
        name = {"optimization": "start_gap", "excess": "start_gap", "distance": "start_distance"}.get(quantity)
        found = np.full(len(cells), math.inf)
        for p, cell in enumerate(cells):
            if name is not None and self.of(cell) is not None:
                found[p] = self.dataset_mean(cell, name)
        return np.where(np.isnan(found), math.inf, found)

    def exact(self, quantity: str, output: str, cells: Sequence[Cell]) -> Floats:
        """(P,) expectations known in closed form, NaN where none is; a planted fault has what it pretends to be."""
        answer = np.full(len(cells), np.nan)
        asked = [one for one in self.plan.experiment.readings if isinstance(one, Exact | Follows)]
        asked = [one for one in asked if (one.quantity, one.output) == (quantity, output)]
        place = {(cell.point, cell.name): p for p, cell in enumerate(cells)} if asked else {}
        for reading in asked:
            own = [c for c in cells if c.run.problem is not None and c.name in (reading.algorithms or (c.name,))]
            for group in self.alike(own):
                for cell, value in zip(group, self.expected(reading, group).tolist(), strict=True):
                    answer[place[cell.point, cell.name]] = value
        return answer

    def expected(self, reading: Exact | Follows | Reaches | Smaller, cells: Sequence[Cell]) -> Floats:
        """(P,) what a reading says is the expectation at cells of one algorithm; ValueError for another shape."""
        found = np.asarray(reading.expected(self.at(cells)), dtype=np.float64)
        if found.shape != (len(cells),):
            raise ValueError(
                f"{self.plan.experiment.name}: the expected {reading.quantity} must have one number for each of "
                f"{len(cells)} checkpoints; got shape {found.shape}."
            )
        return found


def _input(at: At, field: str) -> Floats:
    """() or (P,), a measured input of a bound."""
    given: Any = at.measured[field] if field in at.measured else getattr(at, field)
    return np.asarray(given, dtype=np.float64)


def excludes(bound: Bound, cell: Cell) -> str | None:
    """Why the bound says nothing about the cell, or None."""
    if cell.run.problem is None:
        return f"{bound.title} speaks of simulated runs; {cell.name} is of another kind."
    if bound.output not in traits.outputs(cell.algorithm):
        return f"{cell.name} has no output {bound.output!r}."
    return _answered(_Same(bound), _Same(cell.run.problem), _Same(cell.algorithm))


class _Same:
    """An object that is the same as itself only, whatever fields it has, and is asked for none of them."""

    __slots__ = ("itself",)

    def __init__(self, itself: Any) -> None:
        self.itself = itself

    def __hash__(self) -> int:
        return id(self.itself)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.itself is self.itself


@functools.lru_cache(maxsize=2**15)
def _range(problem: _Same, algorithm: _Same, quantity: str) -> float:
    """What every run of the algorithm keeps to; inf where nothing is known."""
    made = problem.itself
    if made is None or _beyond(made, algorithm.itself):
        return math.inf
    across = diameter(made)
    return float({"stability": across, "distance": across**2}.get(quantity, constants_of(made).M))


def _beyond(problem: Problem, algorithm: Any) -> bool:
    """Whether the steps may leave the set on which the problem's constants hold."""
    most = getattr(problem, "largest_step", math.inf) * (1 + 4 * np.finfo(float).eps)
    if problem.radius is not None or not math.isfinite(most):
        return False
    stages = getattr(algorithm, "stages", ())
    within = all(stage.alpha <= 1 and first_size(stage.step, stage.T, stage.k) <= most for stage in stages)
    return not (stages and within)


@functools.lru_cache(maxsize=2**15)
def _answered(bound: _Same, problem: _Same, algorithm: _Same) -> str | None:
    """The answer of a bound on a problem and an algorithm: cells that differ in their rounds, and every table and
    verdict, ask the same. By identity: equal algorithms may differ in their names, for which a hypothesis may ask."""
    answer: str | None = bound.itself.excludes(problem.itself, algorithm.itself)
    return answer


def words(quantity: str) -> str:
    return {
        "optimization": "optimization error",
        "generalization": "generalization error",
        "excess": "excess risk",
        "population_excess": "population excess risk",
        "distance": "squared distance to the empirical minimiser",
        "replace_one": "replace-one estimate of the generalization error",
        "stability": "distance between runs on S and on S with one example replaced",
        "error": "error rate",
        "path_stability": "largest distance so far between runs on S and on S with one example replaced",
    }.get(quantity, quantity.replace("_", " "))


def subject(quantity: str, output: str, name: str, cells: Sequence[Cell]) -> str:
    """``the optimization error of SGD (last iterate) on ridge``; without the problem where there are several."""
    problems = {str(cell.run.about()["problem"]) for cell in cells}
    return f"the {words(quantity)} of {name} ({output} iterate)" + (
        f" on {problems.pop()}" if len(problems) == 1 else ""
    )


def listed(where: dict[str, float]) -> str:
    return ", ".join(f"{name} = {label(value)}" for name, value in where.items())


def losses(data: Data, cells: Iterable[Cell]) -> Counter[str]:
    """How many of the cells have no value, by status."""
    return Counter(state for state, _ in map(data.status, cells) if state != "ok")


def clause(lost: Counter[str]) -> str:
    """``3 cells have no value (1 diverged, 2 failed)``."""
    states = ", ".join(f"{count} {state}" for state, count in sorted(lost.items()))
    return f"{'1 cell has' if lost.total() == 1 else f'{lost.total()} cells have'} no value ({states})"


def with_losses(judged: Verdict, data: Data, cells: Iterable[Cell]) -> Verdict:
    """The verdict, with those of its cells that have no value counted in the sentence; if one diverged, none HOLDS and
    none AGREES: what is said of all of them is not true of that one."""
    lost = losses(data, cells)
    if not lost:
        return judged
    ran_away = judged.outcome in (Outcome.HOLDS, Outcome.AGREES) and not RAN_AWAY.isdisjoint(lost)
    return dataclasses.replace(
        judged,
        outcome=Outcome.INCONCLUSIVE if ran_away else judged.outcome,
        finding=f"{judged.finding}; {clause(lost)}",
    )


def nothing_left(kind: Kind, subject: str, data: Data, cells: Sequence[Cell], *, axis: str = "") -> Verdict:
    """The verdict where too many of the cells have no value for a judgement of the others."""
    _, bad = sound(data, cells)
    draft = undecided(kind, subject, data.replicates, axis=axis)
    judged = draft.concluded(Outcome.INCONCLUSIVE, f"too few cells are left to judge: {bad[0].rstrip('. ')}")
    return with_losses(judged, data, cells)


def sound(data: Data, cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """The cells that were measured, and for the others one reason each."""
    good, bad = [], []
    for cell in cells:
        state, reason = data.status(cell)
        if state == "ok":
            good.append(cell)
        else:
            bad.append(reason)
    return good, bad


def judged_on(
    data: Data, kind: Kind, subject: str, cells: Sequence[Cell], judge: Callable[[list[Cell]], Verdict]
) -> Verdict:
    """The judge's verdict on the sound cells, the others counted; INCONCLUSIVE where none is sound."""
    good, _ = sound(data, cells)
    return with_losses(judge(good), data, cells) if good else nothing_left(kind, subject, data, cells)
