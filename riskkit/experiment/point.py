"""Points and grids: what varies in a question.

A *point* is one value of every coordinate. Four coordinates have a meaning of their own: ``n``, the sample size; ``T``
and ``k``, outer rounds and inner steps, or their product ``kT`` in place of T; and ``gradients``, a budget. All others
(alpha, momentum, b, lam, ...) are whatever the functions of the point make of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from riskkit.algorithms.arguments import number, whole

LEAST = {"n": 2, "T": 1, "k": 1, "kT": 1, "gradients": 1}
"""The coordinates that are whole numbers, and the least each may be."""

ORDER = ("n", "k", "alpha")
"""The coordinates that come first in a point, T, kT or gradients coming last."""

LAST = ("T", "kT", "gradients")


class Point(Mapping[str, float]):
    """One value of each coordinate: ``point.T`` and ``point["T"]`` are the same.

    Where a grid has T and k the product kT can be read as well, and T where it has kT and k. Points are equal if their
    coordinates are. AttributeError (KeyError) for a coordinate that the point has not.
    """

    __slots__ = ("_hash", "_problem", "_read", "_values")

    def __init__(self, values: Mapping[str, float], read: set[str] | None = None, problem: Any = None) -> None:
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_read", read)
        object.__setattr__(self, "_problem", problem)
        object.__setattr__(self, "_hash", hash(tuple(self._values.items())))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the point has no coordinate {name}; its coordinates are {', '.join(self._values)}."
            ) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a point cannot be changed; make another with point.with_(...).")

    def __getitem__(self, name: str) -> Any:
        if self._read is not None:
            self._read.update(("T", "k") if name == "kT" and "kT" not in self._values else (name,))
        if name in self._values:
            return self._values[name]
        if name == "kT" and "T" in self._values and "k" in self._values:
            return self._values["k"] * self._values["T"]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        self._note_all()
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        self._note_all()
        found: int = self._hash
        return found

    def __eq__(self, other: object) -> bool:
        self._note_all()
        return isinstance(other, Point) and self._values == other._values

    def __repr__(self) -> str:
        self._note_all()
        return f"Point({', '.join(f'{name}={value:g}' for name, value in self._values.items())})"

    def _note_all(self) -> None:
        if self._read is not None:
            self._read.update(self._values)

    def at(self, names: Iterable[str]) -> tuple[float | None, ...]:
        """The values of some coordinates, None for one that it has not; nothing is noted as read."""
        return tuple(map(self._values.get, names))

    def with_(self, **values: float) -> Point:
        """The point with other or further coordinates, ``values`` by name; it notes what is read in the same place."""
        return Point({**self._values, **values}, self._read, self._problem)

    def watched(self, read: set[str], problem: Any = None) -> Point:
        """The point as functions of it see it: with its problem, and noting in ``read`` what is read."""
        return Point(self._values, read, problem)

    @property
    def problem(self) -> Any:
        """The experiment's problem at this point; algorithms may ask for its constants."""
        return self._problem


class Grid:
    """A full grid over its coordinates; along one of them, ``along``, rates are judged, all else held.

        Grid("T", n=(50,), k=(5,), alpha=(0.25, 0.5, 1.0), T=doubling(8, 1024))
        Grid("k", n=(100,), k=(4, 8, 16), alpha=(0.5,), kT=(1024,))

    With ``kT`` the product is the coordinate and T = kT / k; then "T" is swept through kT. Without ``along`` no rate is
    judged. Raises ValueError for an empty coordinate, for values that are no finite numbers, and for an ``along`` that
    the grid has not.
    """

    def __init__(self, along: str = "", /, **coordinates: Iterable[float] | float) -> None:
        self.along = along
        given = {name: values_of("grid", name, values) for name, values in coordinates.items()}
        names = [
            *(name for name in ORDER if name in given),
            *(name for name in given if name not in (*ORDER, *LAST)),
            *(name for name in LAST if name in given),
        ]
        self.coordinates: dict[str, tuple[float, ...]] = {name: given[name] for name in names}
        if "n" not in given:
            raise ValueError("grid: n needs at least one value; got none.")
        if "T" in given and "kT" in given:
            raise ValueError("grid: T (or kT, not both) needs at least one value; got both.")
        if "kT" in given:
            for total, k in itertools.product(given["kT"], given.get("k", (1,))):
                if total % k:
                    raise ValueError(f"grid: kT must be a multiple of k; got kT={total:g}, k={k:g}.")
        if along and along not in given and not (along == "T" and "kT" in given):
            raise ValueError(f"grid: along must be one of {', '.join(given)}; got {along!r}.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grid) and (self.along, self.coordinates) == (other.along, other.coordinates)

    def __hash__(self) -> int:
        return hash((self.along, tuple(self.coordinates.items())))

    def __repr__(self) -> str:
        return f"Grid({self.along!r}, {', '.join(f'{name}={values}' for name, values in self.coordinates.items())})"

    def points(self) -> list[Point]:
        """All points; the last coordinate runs fastest."""
        return [self._point(values) for values in itertools.product(*self.coordinates.values())]

    def _point(self, values: Sequence[float]) -> Point:
        found = dict(zip(self.coordinates, values, strict=True))
        if "kT" in found:
            found["T"] = found.pop("kT") // found.get("k", 1)
        return Point(found)

    def lines(self) -> list[tuple[Point, ...]]:
        """The points grouped into lines along the axis, ascending; every other coordinate of the grid is held."""
        axis = "kT" if self.along == "T" and "kT" in self.coordinates else self.along
        if not axis:
            return []
        held = [name for name in self.coordinates if name != axis]
        groups: dict[tuple[float, ...], list[Point]] = {}
        for point in self.points():
            groups.setdefault(tuple(point[name] for name in held), []).append(point)
        return [tuple(sorted(line, key=lambda point: float(point[self.along]))) for line in groups.values()]

    def replaced(self, **coordinates: Sequence[float]) -> Grid:
        """With the values of some coordinates replaced."""
        return Grid(self.along, **{**self.coordinates, **coordinates})

    def short(self, steps: int) -> Grid:
        """Only the points of at most ``steps`` gradients (at least the shortest). A line along T that is left with
        fewer than four goes on below the grid by halves: a rate needs four. A budget of gradients, of which the stages
        of a plan need many, is cut to 32 times that, with one sample size."""
        grid = self.coordinates
        if "gradients" in grid:
            return self.replaced(n=grid["n"][:1], gradients=[min(budget, 32 * steps) for budget in grid["gradients"]])
        name = "kT" if "kT" in grid else "T"
        if name not in grid:
            return self
        most = steps if name == "kT" else steps / max(grid.get("k", (1,)))
        kept = tuple(value for value in grid[name] if value <= most) or grid[name][:1]
        if self.along == name == "T":
            kept = tuple(_halved(value, most) for value in kept[:1]) + kept[1:]
            while len(kept) < min(4, len(grid[name])) and kept[0] >= 2:
                kept = (kept[0] // 2, *kept)
        return self.replaced(**{name: kept})


def _halved(value: float, most: float) -> float:
    """The value, halved until it is at most ``most``; at least 1."""
    while value > most and value >= 2:
        value //= 2
    return value


def doubling(first: float, last: float) -> tuple[float, ...]:
    """first, 2 first, 4 first, .., as long as they are at most last."""
    return tuple(itertools.takewhile(lambda value: value <= last, (first * 2**e for e in range(64))))


def held(line: Sequence[Point], axis: str) -> dict[str, float]:
    """The coordinates that do not change along the line; kT if T and k both do."""
    names = dict.fromkeys(["n", "T", "k", "alpha", *line[0]])
    found: dict[str, float] = {}
    for name in names:
        if name in line[0] and name != axis:
            values = {point[name] for point in line}
            if len(values) == 1:
                found[name] = values.pop()
    if "T" in line[0] and "k" in line[0] and "T" not in found and "k" not in found:
        products = {point["kT"] for point in line}
        if len(products) == 1:
            found["kT"] = products.pop()
    return found


def values_of(owner: str, name: str, values: Iterable[float] | float) -> tuple[float, ...]:
    """Sorted, each once; whole numbers as int."""
    listed = list(values) if isinstance(values, Iterable) else [values]
    if not listed:
        raise ValueError(f"{owner}: {name} needs at least one value; got none.")
    if name in LEAST:
        return tuple(sorted({whole(owner, name, value, LEAST[name]) for value in listed}))
    for value in listed:
        if not math.isfinite(number(value)):
            raise ValueError(f"{owner}: {name} must hold finite numbers; got {value!r}.")
    return tuple(sorted({float(value) for value in listed}))
