"""What a search may choose: named numbers in ranges, each reached from a coordinate in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

END = 0.04
"""Share of the coordinates that stands for each end of a range: what is largest there is reached exactly."""


@dataclass(frozen=True)
class Range:
    """A number in [low, high], on a logarithmic scale if ``log``; a whole one if ``whole``. Raises ValueError for an
    empty range."""

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        if not (self.low <= self.high and math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(
                f"{self.name}: a range needs low <= high, both finite; got {self.low!r} and {self.high!r}."
            )
        if self.log and not self.low > 0:
            raise ValueError(f"{self.name}: a logarithmic range needs low > 0; got {self.low!r}.")

    def at(self, coordinate: float) -> float | int:
        """The number at a coordinate."""
        share = min(max((coordinate - END) / (1 - 2 * END), 0.0), 1.0)
        low, high = self.low, self.high + (1 if self.whole else 0)
        if share in (0.0, 1.0):
            value = self.low if share == 0 else self.high
        elif self.log:
            value = low * (high / low) ** share
        else:
            value = low + (high - low) * share
        return min(math.floor(value), int(self.high)) if self.whole else float(value)

    def __str__(self) -> str:
        return f"{self.name} {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Choice:
    """One of the ``options``, each with an equal share of [0, 1]. Raises ValueError without any."""

    name: str
    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError(f"{self.name}: a choice needs at least one option; got none.")

    def at(self, coordinate: float) -> Any:
        """The option at a coordinate."""
        return self.options[min(int(max(coordinate, 0.0) * len(self.options)), len(self.options) - 1)]

    def __str__(self) -> str:
        return f"{self.name} {', '.join(map(str, self.options))}"


Parameter = Range | Choice
