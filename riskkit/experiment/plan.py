"""From a question at one size to its cells, and to the distinct runs that they read.

A *cell* is one point under one algorithm. A *run* is one computation, of which a cell reads one checkpoint. Runs that
differ in their length alone are one run, read at several checkpoints; so are an algorithm and its canonical form, such
as SGD with any number k of steps a round.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from riskkit.algorithms import traits
from riskkit.algorithms.arguments import number
from riskkit.experiment.callbacks import place, raised_at
from riskkit.experiment.declared import is_problem
from riskkit.experiment.expected import estimated
from riskkit.experiment.point import Point
from riskkit.experiment.runs import Run, Simulated, run_address
from riskkit.experiment.schedules import vet_schedules
from riskkit.identity import Addresses
from riskkit.problem import admit


class Cell(NamedTuple):
    """One point under one algorithm, and where its numbers lie: checkpoint ``rounds`` of ``run``.

    Attributes:
        point: its coordinates, the algorithm's own among them.
        name: of the algorithm, in the experiment.
        algorithm: as it was made for the point, and how many of its own rounds have been taken (``taken``).
        address: of the run.
    """

    point: Point
    name: str
    algorithm: Any
    taken: int
    run: Run
    rounds: int
    address: str

    @property
    def gradients(self) -> int:
        """Taken in all at the checkpoint."""
        return int(self.run.gradients(self.rounds))

    @property
    def shown(self) -> dict[str, float]:
        """What the algorithm says of itself."""
        return shown(self.algorithm)


@functools.lru_cache(maxsize=4096)
def shown(algorithm: Any) -> dict[str, float]:
    return traits.shown(algorithm)


@dataclasses.dataclass(frozen=True)
class Plan:
    """An ``experiment`` at one ``size``: its cells, and the distinct runs they read, in numbers of a ``dtype``."""

    experiment: Any
    size: Any
    dtype: str
    cells: tuple[Cell, ...]
    runs: dict[str, Run]
    """By content address."""

    def cell(self, point: Point, name: str) -> Cell | None:
        """The cell of an algorithm at a point; None where it does not run."""
        return self._by_place.get((point, name))

    @functools.cached_property
    def _by_place(self) -> dict[tuple[Point, str], Cell]:
        return {(cell.point, cell.name): cell for cell in self.cells}

    @functools.cached_property
    def heads(self) -> dict[str, list[Cell]]:
        """The cells of each run, in the order of the plan."""
        found: dict[str, list[Cell]] = {}
        for cell in self.cells:
            found.setdefault(cell.address, []).append(cell)
        return found


def alike(cells: Iterable[Cell]) -> list[list[Cell]]:
    """The cells in groups of one problem, sample size and algorithm, which differ in its rounds alone."""
    groups: dict[Any, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(kind(cell), []).append(cell)
    return list(groups.values())


def kind(cell: Cell) -> Hashable:
    """What cells that are alike have in common."""
    return cell.run.problem, cell.run.n, traits.without_horizon(cell.algorithm)


class _Asked(NamedTuple):
    """What an algorithm's function answers, looked at once for all points that agree in what it reads."""

    made: Any
    """A run of its own kind, or an algorithm."""
    is_run: bool
    rounds: tuple[int, ...]
    canonical: Any
    factor: int
    """Rounds of the canonical form that make one of its own."""
    number: int
    """Equal where runs on one problem and sample size are shared: its place among those without their lengths."""


class _Shared:
    """A run that is read by one or more cells: the longest that was asked for, and where it is read."""

    def __init__(self, problem: Any, n: int, asked: _Asked) -> None:
        self.problem, self.n, self.asked = problem, n, asked
        self.longest = 0
        self.reads: set[int] = set()

    def read(self, asked: _Asked) -> None:
        self.reads.update(round_ * asked.factor for round_ in asked.rounds)
        own = asked.rounds[-1] * asked.factor
        if own > self.longest:
            self.longest, self.asked = own, asked

    def run(self, experiment: Any) -> Run:
        """In its canonical form, unless it is read as often as the experiment says."""
        asked = self.asked
        if asked.is_run:
            run: Run = asked.made
            return run
        own, rounds = asked.made, asked.rounds
        if experiment.read is None:
            own, rounds = asked.canonical, tuple(sorted(self.reads))
        return Simulated(self.problem, self.n, own, rounds, tuple(experiment.quantities), experiment.neighbours)


class _Wanted(NamedTuple):
    """One algorithm at one point, and the run that it shares."""

    point: Point
    name: str
    asked: _Asked
    shared: _Shared


def plan(experiment: Any, size: Any, dtype: str, engine: str = "auto") -> Plan:
    """The cells of every grid, each once, and the runs that answer them; with ``engine`` as ``choose`` takes it, or
    ``moments``, for runs whose expectations are known.

    Functions of the point must answer alike at points that agree in the coordinates that they read and in the problem:
    they are asked once for all of these. Raises ValueError, in one line, for a coordinate that no function reads, and
    for what makes no algorithm.
    """
    wanted = _wanted(experiment, size)
    distinct = {id(one.asked): one.asked for one in wanted}.values()
    vet_schedules(experiment.name, (asked.made for asked in distinct if not asked.is_run))
    cells: list[Cell] = []
    runs: dict[str, Run] = {}
    # A run and its address cost far more than a look: each is made once, however many cells read it.
    known: dict[_Shared, tuple[Run, str]] = {}
    addresses = Addresses()
    for point, name, asked, shared in wanted:
        if shared not in known:
            run = estimated(shared.run(experiment), experiment, dtype, engine)
            where = run_address(run, experiment.seed, dtype, addresses)
            known[shared] = run, where
            runs[where] = run
        run, where = known[shared]
        algorithm = asked.made.algorithm if asked.is_run else asked.made
        if experiment.read is None:
            (taken,) = asked.rounds
            cells.append(Cell(point, name, algorithm, taken, run, taken * asked.factor, where))
        else:
            for rounds in asked.rounds:
                at = point.with_(gradients=int(run.gradients(rounds)))
                cells.append(Cell(at, name, algorithm, rounds, run, rounds, where))
    if experiment.read is not None:
        cells = list({(cell.point, cell.name): cell for cell in cells}.values())
    return Plan(experiment, size, dtype, tuple(cells), runs)


class _Answers:
    """A function of the point, asked once for all points that agree in what it reads."""

    def __init__(self, function: Callable[[Point], Any], read: set[str]) -> None:
        self.function = function
        self.read = read
        self._known: dict[tuple[str, ...], dict[tuple[Any, ...], Any]] = {}

    def __call__(self, point: Point, problem: Any = None) -> Any:
        for names, answers in self._known.items():
            key = id(problem), point.at(names)
            if key in answers:
                return answers[key]
        read: set[str] = set()
        made = self.function(point.watched(read, problem))
        self.read |= read
        names = tuple(sorted(read))
        self._known.setdefault(names, {})[id(problem), point.at(names)] = made
        return made


def _wanted(experiment: Any, size: Any) -> list[_Wanted]:
    """Every algorithm at every point of every grid, each once."""
    problems: dict[Any, Any] = {}
    numbers: dict[Any, int] = {}
    read: set[str] = {"n"}
    problem_at = _Answers(functools.partial(_problem, experiment, problems), read)
    asked_at = {
        name: _Answers(functools.partial(_asked, experiment, name, make, numbers), read)
        for name, make in experiment.algorithms.items()
    }
    seen: set[tuple[Point, str]] = set()
    shared: dict[tuple[Any, ...], _Shared] = {}
    admitted: set[tuple[int, int]] = set()
    wanted: list[_Wanted] = []
    for grid in size.grids:
        for point in grid.points():
            problem = problem_at(point)
            for name, make in experiment.algorithms.items():
                for own in make.points(point) if hasattr(make, "points") else [point]:
                    if (own, name) in seen:
                        continue
                    seen.add((own, name))
                    asked = asked_at[name](own, problem)
                    if asked is None:
                        continue
                    place: tuple[Any, ...] = (asked.number,)
                    if not asked.is_run:
                        place = id(problem), own["n"], asked.number
                        if place[:2] not in admitted:
                            _admit(experiment, name, problem, own["n"])
                            admitted.add(place[:2])
                    if place not in shared:
                        shared[place] = _Shared(problem, own["n"], asked)
                    if experiment.read is None:
                        shared[place].read(asked)
                    wanted.append(_Wanted(own, name, asked, shared[place]))
    if "T" in read:  # kT / k
        read |= {"kT", "k"}
    theirs = (name for make in experiment.algorithms.values() for name in getattr(make, "coordinates", ()))
    for name in dict.fromkeys([*(name for grid in size.grids for name in grid.coordinates), *theirs]):
        if name not in read:
            raise ValueError(
                f"{experiment.name}: no function of the point reads the coordinate {name}; "
                "drop it, or let the problem or an algorithm read it."
            )
    return wanted


def _called(experiment: Any, what: str, function: Callable[[Point], Any], point: Point) -> Any:
    """What a function of the point answers; ValueError, in one line, with file and line where it raises anything."""
    try:
        return function(point)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            f"{experiment.name}: {what} could not be made at {point!r}: {type(error).__name__}: {error}"
            f"{raised_at(error.__traceback__)}."
        ) from error


def _problem(experiment: Any, made: dict[Any, Any], point: Point) -> Any:
    """The problem at a point, one object for equal ones."""
    given = experiment.problem
    if given is None or hasattr(given, "sample"):
        return given
    problem = _called(experiment, "the problem", given, point)
    wrong = is_problem(problem)
    if wrong is not None:
        raise ValueError(f"{experiment.name}: the problem at {point!r} must be one; {wrong}{place(given)}.")
    return made.setdefault(problem, problem)


_RUNS: dict[type, bool] = {}


def _is_run(made: Any) -> bool:
    """Whether it is a ``Run``; asked once of each class, for the question goes through all members of a protocol."""
    kind = type(made)
    if kind not in _RUNS:
        _RUNS[kind] = isinstance(made, Run)
    return _RUNS[kind]


def _asked(
    experiment: Any, name: str, make: Callable[[Point], Any], numbers: dict[Any, int], point: Point
) -> _Asked | None:
    """What the algorithm's function answers at a point; ``numbers`` counts what runs may be shared under."""
    made = _called(experiment, name, make, point)
    if made is None:
        return None
    if _is_run(made):
        return _Asked(made, True, made.rounds, made, 1, numbers.setdefault((Run, made), len(numbers)))

    def written() -> str:
        return place(experiment.algorithms[name])

    if not hasattr(made, "steps") or isinstance(made, type):
        raise ValueError(
            f"{experiment.name}: {name} must be an algorithm (with steps, and init, query, step, output), a run, or "
            f"None at {point!r}; got {made.__name__ if isinstance(made, type) else type(made).__name__}{written()}."
        )
    if not (steps := number(made.steps)) >= 1 or not steps.is_integer():
        raise ValueError(
            f"{experiment.name}: {name}: steps must be a whole number >= 1 at {point!r}; got {made.steps!r}{written()}."
        )
    if not getattr(getattr(made, "__dataclass_params__", None), "frozen", False):
        raise ValueError(
            f"{experiment.name}: {name} must be a frozen dataclass, whose fields identify it; add "
            f"@dataclass(frozen=True) to {type(made).__name__}{place(type(made))}."
        )
    try:
        hash(made)
    except TypeError as error:
        raise ValueError(
            f"{experiment.name}: {name} must have fields that identify it, numbers, texts or tuples of them: {error}"
            f"{place(type(made))}."
        ) from error
    if experiment.read is not None:
        return _Asked(made, False, experiment.read(made), made, 1, numbers.setdefault(made, len(numbers)))
    canonical, factor = traits.canonical(made)
    shared = traits.without_horizon(canonical)
    return _Asked(made, False, (traits.rounds(made),), canonical, factor, numbers.setdefault(shared, len(numbers)))


def _admit(experiment: Any, name: str, problem: Any, n: int) -> None:
    """ValueError, in one line, where no algorithm can run on samples of size n."""
    if problem is None:
        raise ValueError(f"{experiment.name}: {name} is an algorithm, which needs a problem to run on; got None.")
    try:
        admit(problem, n)
    except ValueError as error:
        raise ValueError(f"{experiment.name}: {error}") from None
