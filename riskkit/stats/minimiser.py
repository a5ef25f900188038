"""Where a curve of means is least, on a grid, with the set of grid points that may be: paired over whole replicates.

A point p is left out of the set if some other point is better by more than chance allows: if the simultaneous lower
band of mean(p) - mean(q), over all q, clears 0. The true minimiser of the grid stays in with the stated probability.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.bands import simultaneous_bands
from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import MINIMUM_VERDICT, LeaveOut, covariance, leave_out, t_quantile


class Minimiser(NamedTuple):
    """The least point of a curve.

    Attributes:
        at: the grid point with the smallest mean.
        low, high: the smallest and the largest grid point that may be it; nan for too few replicates.
        vertex, vertex_low, vertex_high: of the parabola in log x through the means at ``at`` and its neighbours, with a
            Fieller interval: the values at which a t test does not reject that the parabola's slope is 0. A jackknife-t
            interval covers .75 to .89, for the vertex is a ratio. The ends of the grid where the replicates do not tell
            its curvature from 0; nan where ``at`` is an end.
        p_least: p-value against each point being the least, (P,); nan for too few replicates.
        leaves: log vertex of each leave-out through the same three points, (G,).
        sizes: replicates in each group, (G,).
    """

    at: float
    low: float
    high: float
    vertex: float
    vertex_low: float
    vertex_high: float
    p_least: Floats
    leaves: Floats
    sizes: npt.NDArray[np.int64]


def minimiser(values: npt.ArrayLike | Columns, x: npt.ArrayLike, *, level: float = 0.95) -> Minimiser:
    """values (R, P) at x (P,), ascending and positive. Raises ValueError for shapes that do not match, non-finite
    values, or fewer than two replicates or points."""
    array = values if isinstance(values, Columns) else np.asarray(values, dtype=np.float64)
    columns, grid = Columns.of(array) if len(array.shape) == 2 else None, np.asarray(x, dtype=np.float64)
    if columns is None or grid.shape != (array.shape[1],) or min(array.shape) < 2 or not columns.finite.all():
        raise ValueError(
            f"minimiser: values must be (R, P), finite, R >= 2 and P >= 2, and x (P,); got {array.shape}, {grid.shape}."
        )
    if not (np.all(grid > 0) and np.all(np.diff(grid) > 0)):
        raise ValueError(f"minimiser: x must be positive and strictly increasing; got {grid}.")
    left = leave_out(columns)
    best = int(np.argmin(left.full))
    low = high = math.nan
    p_least = np.full(grid.size, math.nan)
    if columns.replicates >= MINIMUM_VERDICT:
        p_least = _p_least(columns)
        kept = np.flatnonzero(p_least > 1 - level)
        low, high = float(grid[min(kept)]), float(grid[max(kept)])
    vertex, below, above, leaves = _vertex_of(left, grid, level)
    return Minimiser(float(grid[best]), low, high, vertex, below, above, p_least, leaves, left.sizes)


def vertex_of(values: npt.ArrayLike | Columns, x: Floats, *, level: float = 0.95) -> tuple[float, float, float, Floats]:
    """``vertex``, ``vertex_low``, ``vertex_high`` and ``leaves`` of ``minimiser``, without its sets of points."""
    return _vertex_of(leave_out(values), x, level)


def _vertex_of(left: LeaveOut, x: Floats, level: float) -> tuple[float, float, float, Floats]:
    best, vertex, below, above = int(np.argmin(left.full)), math.nan, math.nan, math.nan
    leaves = np.full(left.sizes.size, math.nan)
    if 0 < best < x.size - 1:
        three = slice(best - 1, best + 2)
        here = left.columns(three)
        (middle,), leaves = _vertex(here.full[None], x[three]), _vertex(here.partial, x[three])
        if np.isfinite(leaves).all():
            vertex = math.exp(middle)
            below, above = _fieller(here, x[three], t_quantile(level, left.df))
            below, above = max(below, float(x[0])), min(above, float(x[-1]))
    return vertex, below, above, leaves


def _p_least(columns: Columns) -> Floats:
    """(P,) p-value against each column being the least: small if some other column is smaller beyond chance."""
    P = columns.shape[1]
    each, other = np.nonzero(~np.eye(P, dtype=bool))
    sets = np.arange(each.size).reshape(P, P - 1)
    bands = simultaneous_bands(columns.columns(each).less(columns.columns(other)), list(sets))
    return np.array([band.p_above(np.zeros(P - 1)) for band in bands])


def _fieller(left: LeaveOut, x: Floats, t: float) -> tuple[float, float]:
    """The x at which the slope of the parabola through three means, linear in them, is within t standard errors of 0; 0
    and inf where that is no interval."""
    u = np.log(x)
    first = np.array([-1.0, 1.0, 0.0]) / (u[1] - u[0])
    bend = 2 * (np.array([0.0, -1.0, 1.0]) / (u[2] - u[1]) - first) / (u[2] - u[0])
    mean, errors = left.full, covariance(left.full, left.partial, left.sizes)
    # slope(w) = a + b w at w = log x - middle, of variance aa + 2 w ab + w^2 bb: a quadratic inequality in w.
    (a, b), middle = (first @ mean, bend @ mean), (u[0] + u[1]) / 2
    aa, ab, bb = (t**2 * p @ errors @ q for p, q in ((first, first), (first, bend), (bend, bend)))
    if b <= 0 or b**2 <= bb:
        return 0.0, math.inf
    root = math.sqrt(max((a * b - ab) ** 2 - (b**2 - bb) * (a**2 - aa), 0.0))
    low, high = np.clip(middle + (ab - a * b + np.array([-root, root])) / (b**2 - bb), -700.0, 700.0)
    return math.exp(low), math.exp(high)


def _vertex(y: Floats, x: Floats) -> Floats:
    """log x at the vertex of the parabola through three points of each row, (G, 3) -> (G,), kept between the outer
    two; nan for a row that is not convex."""
    u = np.log(x)
    first, second = (y[:, 1] - y[:, 0]) / (u[1] - u[0]), (y[:, 2] - y[:, 1]) / (u[2] - u[1])
    bend = (second - first) / (u[2] - u[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = (u[0] + u[1]) / 2 - first / (2 * bend)
    return np.where(bend > 0, np.clip(at, u[0], u[2]), np.nan)
