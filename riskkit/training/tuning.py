"""Tuning by a search on replicates of its own, the same number of configurations for every method.

The numbers that are tuned lie on a lattice: geometric, and for some 0 below it, where the method is another one without
the number. A *look* trains a fixed number of configurations at once on the selecting replicates, which are of another
family than those that are judged. The first look is spread around a center. Every later one takes the configurations
nearest to the best so far that were not tried, its neighbors first: a best value at an end of what was tried is
followed beyond it. The number of looks is fixed beforehand. If the best then still lacks a neighbor in some number, it
*ends its grid*, and a comparison with it decides nothing.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from riskkit.algorithms.arguments import positive, whole
from riskkit.data import Population
from riskkit.rng.streams import Stream
from riskkit.training.recipe import Recipe
from riskkit.training.training import train

FAMILY = "selecting "
"""Of the streams of the replicates on which a search selects."""

Place = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Axis:
    """A number that is tuned: ``start`` times ``ratio`` to a whole power; with ``zero`` also 0, below the start.

    Raises ValueError for a start that is not positive and a ratio that is not above 1.
    """

    name: Literal["lr", "weight_decay", "beta"]
    start: float
    ratio: float
    zero: bool = False

    def __post_init__(self) -> None:
        positive("Axis", "start", self.start)
        if not 1 < self.ratio < math.inf:
            raise ValueError(f"Axis: ratio must be a finite number > 1; got {self.ratio!r}.")

    def value(self, i: int) -> float | None:
        """The i-th value, as it is written with 12 digits; None beyond 0."""
        if self.zero and i < 0:
            return 0.0 if i == -1 else None
        return float(f"{self.start * self.ratio**i:.12g}")


@dataclasses.dataclass(frozen=True)
class Search:
    """What is tuned, and how long: ``looks`` times ``size`` configurations on ``replicates`` selecting replicates, by
    the mean of a quantity of the recipe's output at the end. ``axes``: the numbers; ValueError without any."""

    axes: tuple[Axis, ...]
    looks: int = 3
    size: int = 6
    replicates: int = 8
    by: Literal["excess", "error"] = "excess"

    def __post_init__(self) -> None:
        for name, least in (("looks", 1), ("size", 2), ("replicates", 2)):
            whole("Search", name, getattr(self, name), least)
        if not self.axes:
            raise ValueError("Search: axes must hold at least one Axis; got none.")

    @property
    def configurations(self) -> int:
        """How many are tried in all."""
        return self.looks * self.size

    def recipe(self, template: Recipe, place: Place) -> Recipe | None:
        """The template with the numbers of a place of the lattice; None for a place that has none."""
        values = self.values(place)
        if values is None:
            return None
        numbers: dict[str, Any] = dict(zip((axis.name for axis in self.axes), values, strict=True))
        return dataclasses.replace(template, **numbers)

    def near(self, center: Place) -> Iterator[Place]:
        """Places in the order of their distance, which is the sum of the steps along the axes; without end."""
        for distance in itertools.count():
            reach = range(-distance, distance + 1)
            for step in itertools.product(reach, repeat=len(self.axes)):
                place = tuple(c + s for c, s in zip(center, step, strict=True))
                if sum(map(abs, step)) == distance and self.values(place) is not None:
                    yield place

    def values(self, place: Place) -> list[float] | None:
        """The numbers of a place of the lattice; None where it has none."""
        values = [axis.value(i) for axis, i in zip(self.axes, place, strict=True)]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else None

    def inside(self, place: Place, tried: set[Place]) -> bool:
        """Whether both neighbors along every axis were tried; 0 has none below it."""
        for a, axis in enumerate(self.axes):
            for side in (-1, 1):
                other = (*place[:a], place[a] + side, *place[a + 1 :])
                if axis.value(other[a]) is not None and other not in tried:
                    return False
        return True


class Chosen(NamedTuple):
    """The best recipe that a search found, the mean it was chosen by, and whether it lies inside of what was tried."""

    recipe: Recipe
    mean: float
    inside: bool
    tried: dict[Recipe, float]


@functools.lru_cache(maxsize=256)
def tune(
    population: Population, network: Any, n: int, template: Recipe, search: Search, seed: int, device: str = "cpu"
) -> Chosen:
    """Carries out a search for a template's numbers. A configuration that diverges is never chosen, unless all do."""
    stream = Stream(seed, range(search.replicates), device=device, family=FAMILY)
    center: Place = tuple(0 for _ in search.axes)
    scores: dict[Place, float] = {}
    for _ in range(search.looks):
        fresh = list(itertools.islice((place for place in search.near(center) if place not in scores), search.size))
        recipes = [recipe for place in fresh if (recipe := search.recipe(template, place)) is not None]
        for place, one in zip(
            fresh,
            train(population, network, n, recipes, [template.steps], stream, quantities=(search.by,)),
            strict=True,
        ):
            mean = float(one.values[search.by][:, -1, 0].mean())
            scores[place] = mean if math.isfinite(mean) else math.inf
        center = min(scores, key=lambda place: (scores[place], place))
    best = search.recipe(template, center)
    assert best is not None
    tried = {recipe: mean for place, mean in scores.items() if (recipe := search.recipe(template, place)) is not None}
    return Chosen(best, scores[center], search.inside(center, set(scores)), tried)
