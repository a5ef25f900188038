"""Checks of numbers that are given, before anything is computed with them."""

from __future__ import annotations

import math
import numbers


def number(value: object) -> float:
    """The value as a float, NaN if it is no real number (a bool is none)."""
    if type(value) in (int, float):  # isinstance of an abstract class is slow, and a large grid asks often
        return float(value)  # type: ignore[arg-type]
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else math.nan


def whole(owner: str, name: str, value: object, least: int) -> int:
    """The value as an int; ValueError with one line if it is no whole number >= least."""
    given = number(value)
    if not (least <= given < math.inf and given == math.floor(given)):
        raise ValueError(f"{owner}: {name} must be a whole number >= {least}; got {value!r}.")
    return int(given)


def positive(owner: str, name: str, value: object) -> None:
    """ValueError with one line if the value is no finite number > 0."""
    if not 0 < number(value) < math.inf:
        raise ValueError(f"{owner}: {name} must be a finite number > 0; got {value!r}.")
