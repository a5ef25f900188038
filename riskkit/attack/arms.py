"""An arm of a search: a family of problems, a kind of algorithm and the sample size, with all that may vary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskkit.attack.evaluation import Instance
from riskkit.attack.parameters import Parameter, Range
from riskkit.problem import Problem

Chosen = Mapping[str, Any]
"""Name of a parameter -> what was chosen."""


class UnfitError(ValueError):
    """Choices that make no instance: a run too long to be looked at, say."""


@dataclasses.dataclass(frozen=True)
class Family:
    """Problems that differ in some numbers.

    Attributes:
        name: in words, as an answer says what was searched.
        parameters: what may vary.
        make: a problem from the choices; UnfitError or ValueError where they make none.
        steps: gradients that a run may take at most.
        examples: sample sizes, least and largest.
    """

    name: str
    parameters: tuple[Parameter, ...]
    make: Callable[[Chosen], Problem]
    steps: int
    examples: tuple[int, int] = (2, 50)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Algorithms that differ in some numbers.

    Attributes:
        name: in words.
        parameters: what may vary, given how many gradients a run may take at most.
        make: an algorithm from the problem, the sample size, the choices and the most gradients; ValueError where they
            make none.
        examples: the largest sample size, where that is less than the family's.
    """

    name: str
    parameters: Callable[[int], tuple[Parameter, ...]]
    make: Callable[[Problem, int, Chosen, int], Any]
    examples: int | None = None


@dataclasses.dataclass(frozen=True)
class Arm:
    """A family and a schedule."""

    family: Family
    schedule: Schedule

    @property
    def name(self) -> str:
        """Of the family and of the schedule."""
        return f"{self.family.name}; {self.schedule.name}"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """n first, then those of the family and of the schedule."""
        low, high = self.family.examples
        high = max(low, min(high, self.schedule.examples or high))
        own = self.schedule.parameters(self.family.steps)
        return (Range("n", low, high, log=True, whole=True), *self.family.parameters, *own)

    def choices(self, coordinates: Sequence[float]) -> dict[str, Any]:
        """What coordinates in [0, 1] stand for."""
        return {one.name: one.at(float(u)) for one, u in zip(self.parameters, coordinates, strict=True)}

    def instance(self, coordinates: Sequence[float]) -> Instance:
        """At ``coordinates`` in [0, 1], one a parameter. Raises ValueError where the choices make no instance."""
        chosen = self.choices(coordinates)
        problem, n = self.family.make(chosen), int(chosen["n"])
        return Instance(problem, self.schedule.make(problem, n, chosen, self.family.steps), n)
