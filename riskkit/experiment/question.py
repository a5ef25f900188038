"""The question: problem, algorithms, bounds, readings, grids, replicates, seed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from riskkit.algorithms.arguments import whole
from riskkit.experiment.declared import declared
from riskkit.experiment.plan import Plan, plan
from riskkit.experiment.point import Grid, Point, values_of
from riskkit.experiment.readings import Reading
from riskkit.experiment.runs import Reader
from riskkit.measure.own import Quantity
from riskkit.problem import Problem
from riskkit.theory.bound import Bound


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed: ``grids``, one or several, and ``replicates`` for every point.

    Raises ValueError without a grid, and for replicates that are no whole number >= 1.
    """

    grids: tuple[Grid, ...]
    replicates: int

    def __init__(self, grids: Grid | Iterable[Grid], replicates: int) -> None:
        object.__setattr__(self, "grids", (grids,) if isinstance(grids, Grid) else tuple(grids))
        object.__setattr__(self, "replicates", whole("experiment", "replicates", replicates, 1))
        if not self.grids:
            raise ValueError("Size: grids must hold at least one Grid; got none.")

    def quick(self, replicates: int, steps: int) -> Size:
        """Fewer replicates, and only the runs of at most ``steps`` gradients (``Grid.short``)."""
        return Size([grid.short(steps) for grid in self.grids], min(self.replicates, replicates))

    def replaced(self, axes: Mapping[str, Sequence[float]], owner: str) -> Size:
        """With whole axes replaced in every grid that has them; ValueError if none has."""
        own = list(dict.fromkeys(name for grid in self.grids for name in grid.coordinates))
        for name in axes:
            if name not in own:
                raise ValueError(f"{owner} has no axis {name}; its axes are {', '.join(own)}.")
        return Size(
            [
                grid.replaced(**{name: values for name, values in axes.items() if name in grid.coordinates})
                for grid in self.grids
            ],
            self.replicates,
        )


class Own:
    """An algorithm with coordinates of its own: ``Own(make, eta=(0.1, 0.2), beta=(0.0, 0.5))`` runs at every pair.

    Raises ValueError where ``make`` is no function and where a coordinate has no finite number.
    """

    def __init__(self, make: Callable[[Point], Any], /, **coordinates: Iterable[float] | float) -> None:
        if not callable(make):
            raise ValueError(f"Own: expected a function of the point, such as lambda p: SGD(...); got {make!r}.")
        self.make = make
        self.coordinates = {name: values_of("Own", name, values) for name, values in coordinates.items()}

    def points(self, point: Point) -> list[Point]:
        """The point with each combination of its own coordinates."""
        return [
            point.with_(**dict(zip(self.coordinates, values, strict=True)))
            for values in itertools.product(*self.coordinates.values())
        ]

    def __call__(self, point: Point) -> Any:
        return self.make(point)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A question, ending in "?", and all that is needed to answer it.

    Attributes:
        question: ends in "?".
        problem: a problem, or a function of the point that gives one; None if every algorithm is a run of its own kind.
        algorithms: by name: a function of the point that gives an algorithm (a staged lookahead or a method of one's
            own), a run of another kind, or None where it does not run; ``Own(...)`` gives it coordinates of its own.
        sizes: by name; "laptop" is the size of the default sweep, "paper" the one for a paper. Without a laptop size an
            experiment is too slow for the default sweep.
        bounds: each is judged as a level, and as a rate along the axis of each grid.
        readings: what else is asked of the measurements.
        quantities: what else is measured, such as ``GRADIENT_NORM`` or ``Quantity(name, function)``.
        neighbours: of each S, samples that differ from it in one example: what is coupled is the mean over them.
        controls: names of algorithms that run beside the others, are compared and drawn, and not judged.
        read: how often each run is read; None: at its end, and at the points that it is the beginning of.
        limits: quantity -> its exponent along T as T grows, a function of the coordinates that are held.
        simulated: its question is about simulations, such as whether a planted fault is caught: with the engine
            ``auto`` no expectation stands in the place of a mean.
        seed: of every random number.
        name: the module's name in ``experiments/``, which the study gives it.

    Raises ValueError, in one line, for what makes no experiment.
        title: the question in a few words, for a line of a table; empty: the question itself, shortened.
    """

    question: str
    algorithms: Mapping[str, Callable[[Point], Any]]
    sizes: Mapping[str, Size]
    problem: Problem | Callable[[Point], Problem] | None = None
    bounds: tuple[Bound, ...] = ()
    readings: tuple[Reading, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    neighbours: int = 1
    controls: tuple[str, ...] = ()
    read: Reader | None = None
    limits: Mapping[str, Callable[[Mapping[str, float]], float]] = dataclasses.field(default_factory=dict)
    simulated: bool = False
    seed: int = 0
    name: str = "experiment"
    title: str = ""

    def __post_init__(self) -> None:
        declared(self)
        bounds = [bound.name for bound in self.bounds]
        if twice := next((name for name in bounds if bounds.count(name) > 1), ""):
            raise ValueError(f"{self.name}: bounds must have names of their own; got {twice} twice.")
        for name in self._named():
            if name not in self.algorithms:
                raise ValueError(
                    f"{self.name}: there is no algorithm {name!r}; there are {', '.join(self.algorithms)}."
                )

    def _named(self) -> Iterable[str]:
        """The algorithms that controls and readings name."""
        yield from self.controls
        for reading in self.readings:
            for field in ("algorithm", "ratio_to", "than"):
                if getattr(reading, field, ""):
                    yield getattr(reading, field)
            yield from getattr(reading, "against", ())
            yield from getattr(reading, "algorithms", ())

    @property
    def judged(self) -> tuple[str, ...]:
        """The algorithms that bounds and exact values are told of, all but the controls, in their order."""
        return tuple(name for name in self.algorithms if name not in self.controls)

    def size(self, name: str) -> Size:
        """The size of that name; the last one where there is none."""
        return self.sizes.get(name) or list(self.sizes.values())[-1]

    def asymptote(self, quantity: str, where: Mapping[str, float]) -> float:
        """The exponent along T in the limit, for the coordinates that are held; NaN where none is stated."""
        limit = self.limits.get(quantity)
        try:
            return limit(where) if limit is not None else float("nan")
        except KeyError:
            return float("nan")

    def on(self, problem: Problem) -> Experiment:
        """The same experiment on another problem; ValueError if its runs bring data of their own."""
        if self.problem is None:
            raise ValueError(f"{self.name}: --problem replaces a problem, and the runs of {self.name} have none.")
        return dataclasses.replace(self, problem=problem)

    def plan(self, size: Size, dtype: str = "float64", engine: str = "auto") -> Plan:
        """The cells of every grid, each once, and the runs that answer them."""
        return plan(self, size, dtype, engine)
