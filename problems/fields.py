"""Validation of a problem's fields, before anything is computed. Each raises ValueError with one line."""

from __future__ import annotations

import math
import numbers


def whole(owner: str, name: str, value: object, least: int = 1) -> None:
    """The field must be an int >= least (a float such as 4.0 would be another identity in the store)."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{owner}: {name} must be a whole number >= {least}; got {value!r}.")


def finite(owner: str, name: str, value: object, *, above: float = -math.inf, least: float = -math.inf) -> None:
    """The field must be a finite number > above and >= least."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and value > above and value >= least):  # type: ignore[arg-type, operator]
        need = f" > {above:g}" if above > -math.inf else f" >= {least:g}" if least > -math.inf else ""
        raise ValueError(f"{owner}: {name} must be a finite number{need}; got {value!r}.")


def between(owner: str, name: str, value: object, least: float, most: float) -> None:
    """The field must lie in [least, most]."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and least <= value <= most):  # type: ignore[operator]
        raise ValueError(f"{owner}: {name} must lie in [{least:g}, {most:g}]; got {value!r}.")
