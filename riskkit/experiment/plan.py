"""From a question at one size to its cells, and to the distinct runs that they read.

A *cell* is one point under one algorithm. A *run* is one computation, of which a cell reads one checkpoint. Runs that
differ in their length alone are one run, read at several checkpoints; so are an algorithm and its canonical form, such
as SGD with any number k of steps a round.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from riskkit.algorithms import traits
from riskkit.algorithms.arguments import number
from riskkit.experiment.callbacks import place, raised_at
from riskkit.experiment.declared import is_problem
from riskkit.experiment.expected import estimated
from riskkit.experiment.point import Point
from riskkit.experiment.runs import Run, Simulated, run_address
from riskkit.experiment.schedules import vet_schedules
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


class _Wanted(NamedTuple):
    """One algorithm at one point, before runs are shared: its run of its own, and the key under which it is shared."""

    point: Point
    name: str
    run: Run
    key: Any
    factor: int


def plan(experiment: Any, size: Any, dtype: str, engine: str = "auto") -> Plan:
    """The cells of every grid, each once, and the runs that answer them; with ``engine`` as ``choose`` takes it, or
    ``moments``, for runs whose expectations are known.

    Raises ValueError, in one line, for a coordinate that no function reads, and for what makes no algorithm.
    """
    wanted = list(_wanted(experiment, size))
    vet_schedules(experiment.name, (one.run.algorithm for one in wanted if isinstance(one.run, Simulated)))
    # Lengths are in rounds of the canonical form, of which the k of a run make one of its own.
    longest: dict[Any, tuple[Any, int, set[int]]] = {}
    if experiment.read is None:
        for one in wanted:
            head, length, known_reads = longest.get(one.key, (one.run, 0, set()))
            known_reads.update(round_ * one.factor for round_ in one.run.rounds)
            own = one.run.rounds[-1] * one.factor
            longest[one.key] = (one.run, own, known_reads) if own > length else (head, length, known_reads)
    cells: list[Cell] = []
    runs: dict[str, Run] = {}
    # A run and its address cost far more than a look: each is made once, however many cells read it.
    known: dict[Any, tuple[Run, str]] = {}
    for one in wanted:
        if one.key not in known:
            run = one.run
            if experiment.read is None:
                head, _, reads = longest[one.key]
                run = _shared(head, tuple(sorted(reads)))
            run = estimated(run, experiment, dtype, engine)
            where = run_address(run, experiment.seed, dtype)
            known[one.key] = run, where
            runs[where] = run
        run, where = known[one.key]
        algorithm = one.run.algorithm
        if experiment.read is None:
            (taken,) = one.run.rounds
            cells.append(Cell(one.point, one.name, algorithm, taken, run, taken * one.factor, where))
        else:
            for rounds in one.run.rounds:
                point = one.point.with_(gradients=int(run.gradients(rounds)))
                cells.append(Cell(point, one.name, algorithm, rounds, run, rounds, where))
    cells = list({(cell.point, cell.name): cell for cell in cells}.values())
    return Plan(experiment, size, dtype, tuple(cells), runs)


def _shared(run: Any, rounds: tuple[int, ...]) -> Run:
    """The run in its canonical form, read after the given rounds of it."""
    if not isinstance(run, Simulated):
        return run
    algorithm, _ = traits.canonical(run.algorithm)
    return dataclasses.replace(run, algorithm=algorithm, rounds=rounds)


def _wanted(experiment: Any, size: Any) -> Iterator[_Wanted]:
    """Every algorithm at every point of every grid, each once."""
    problems: dict[Any, Any] = {}
    seen: set[tuple[Point, str]] = set()
    read: set[str] = {"n"}
    for grid in size.grids:
        for point in grid.points():
            problem = _problem(experiment, point.watched(read), problems)
            for name, make in experiment.algorithms.items():
                for own in make.points(point) if hasattr(make, "points") else [point]:
                    if (own, name) in seen:
                        continue
                    seen.add((own, name))
                    made = _called(experiment, name, make, own.watched(read, problem))
                    if made is not None:
                        yield _want(experiment, own, name, made, problem)
    if "T" in read:  # kT / k
        read |= {"kT", "k"}
    theirs = (name for make in experiment.algorithms.values() for name in getattr(make, "coordinates", ()))
    for name in dict.fromkeys([*(name for grid in size.grids for name in grid.coordinates), *theirs]):
        if name not in read:
            raise ValueError(
                f"{experiment.name}: no function of the point reads the coordinate {name}; "
                "drop it, or let the problem or an algorithm read it."
            )


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


def _problem(experiment: Any, point: Point, made: dict[Any, Any]) -> Any:
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


def _want(experiment: Any, point: Point, name: str, made: Any, problem: Any) -> _Wanted:
    if _is_run(made):
        return _Wanted(point, name, made, made, 1)

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
    if problem is None:
        raise ValueError(f"{experiment.name}: {name} is an algorithm, which needs a problem to run on; got None.")
    try:
        admit(problem, point["n"])
    except ValueError as error:
        raise ValueError(f"{experiment.name}: {error}") from None
    measured = tuple(experiment.quantities), experiment.neighbours
    if experiment.read is not None:
        run = Simulated(problem, point["n"], made, experiment.read(made), *measured)
        return _Wanted(point, name, run, run, 1)
    canonical, factor = traits.canonical(made)
    run = Simulated(problem, point["n"], made, (traits.rounds(made),), *measured)
    return _Wanted(point, name, run, (problem, run.n, traits.without_horizon(canonical)), factor)
