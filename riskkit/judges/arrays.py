"""What all judges share: checked arrays, and clauses of their sentences."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from riskkit.judges.outcome import counted
from riskkit.stats.columns import Columns, Floats


def as_cells(
    owner: str, values: npt.ArrayLike | Columns, bound: npt.ArrayLike, trivial: npt.ArrayLike | None
) -> tuple[Columns, Floats, Floats]:
    """values (R, P), bound (P,), trivial (P,) as float64; ValueError if they do not match or a curve is nan."""
    array = values if isinstance(values, Columns) else np.asarray(values, dtype=np.float64)
    if len(array.shape) != 2 or array.shape[0] < 1 or array.shape[1] < 1:
        raise ValueError(f"{owner}: values must be (R, P) with R, P >= 1; got shape {array.shape}.")
    shape = (array.shape[1],)
    limit = np.asarray(bound, dtype=np.float64)
    known = np.asarray(math.inf if trivial is None else trivial, dtype=np.float64)
    if limit.shape not in ((), shape) or known.shape not in ((), shape):
        raise ValueError(f"{owner}: curves must be numbers or have shape {shape}; got {limit.shape}, {known.shape}.")
    if np.isnan(limit).any() or np.isnan(known).any():
        raise ValueError(f"{owner}: a curve is nan; judge covered cells alone, and report the others as not_covered().")
    return Columns.of(array), np.broadcast_to(limit, shape), np.broadcast_to(known, shape)


def slope_text(slope: float, low: float, high: float, percent: int) -> str:
    """With its interval, unless that is the number itself."""
    return f"{slope:+.3f}" + ("" if low == high else f" ({percent}% interval [{low:+.3f}, {high:+.3f}])")


def all_cells(cells: int) -> str:
    return "the one cell tested" if cells == 1 else f"all {cells} cells"


def aside_text(vacuous: int, diverged: int) -> str:
    parts = []
    if vacuous:
        parts.append(f"; {counted(vacuous, 'cell')} left out where the bound is vacuous")
    if diverged:
        parts.append(f"; {counted(diverged, 'cell')} diverged")
    return "".join(parts)
