"""Where a curve of means is least, on a grid, with the set of grid points that may be: paired over whole replicates.

A point p is left out of the set if some other point is better by more than chance allows: if the simultaneous lower
band of mean(p) - mean(q), over all q, clears 0. The true minimiser of the grid stays in with the stated probability.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.bands import simultaneous_band
from riskkit.stats.jackknife import MINIMUM_VERDICT, Floats, leave_out, t_quantile


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


def minimiser(values: npt.ArrayLike, x: npt.ArrayLike, *, level: float = 0.95) -> Minimiser:
    """values (R, P) at x (P,), ascending and positive. Raises ValueError for shapes that do not match, non-finite
    values, or fewer than two replicates or points."""
    array, grid = np.asarray(values, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if array.ndim != 2 or grid.shape != (array.shape[1],) or min(array.shape) < 2 or not np.isfinite(array).all():
        raise ValueError(
            f"minimiser: values must be (R, P), finite, R >= 2 and P >= 2, and x (P,); got {array.shape}, {grid.shape}."
        )
    if not (np.all(grid > 0) and np.all(np.diff(grid) > 0)):
        raise ValueError(f"minimiser: x must be positive and strictly increasing; got {grid}.")
    left = leave_out(array)
    best = int(np.argmin(left.full))
    low = high = math.nan
    p_least = np.full(grid.size, math.nan)
    if array.shape[0] >= MINIMUM_VERDICT:
        p_least = np.array([_p_least(array, p) for p in range(grid.size)])
        kept = np.flatnonzero(p_least > 1 - level)
        low, high = float(grid[min(kept)]), float(grid[max(kept)])
    vertex, below, above, leaves = vertex_of(array, grid, level=level)
    return Minimiser(float(grid[best]), low, high, vertex, below, above, p_least, leaves, left.sizes)


def vertex_of(values: Floats, x: Floats, *, level: float = 0.95) -> tuple[float, float, float, Floats]:
    """``vertex``, ``vertex_low``, ``vertex_high`` and ``leaves`` of ``minimiser``, without its sets of points."""
    left = leave_out(values)
    best, vertex, below, above = int(np.argmin(left.full)), math.nan, math.nan, math.nan
    leaves = np.full(left.sizes.size, math.nan)
    if 0 < best < x.size - 1:
        three = slice(best - 1, best + 2)
        (middle,), leaves = _vertex(left.full[None, three], x[three]), _vertex(left.partial[:, three], x[three])
        if np.isfinite(leaves).all():
            vertex = math.exp(middle)
            below, above = _fieller(values[:, three], x[three], t_quantile(level, left.df))
            below, above = max(below, float(x[0])), min(above, float(x[-1]))
    return vertex, below, above, leaves


def _p_least(array: Floats, p: int) -> float:
    """p-value against a column being the least: small if some other column is smaller beyond chance."""
    band = simultaneous_band(array[:, [p]] - np.delete(array, p, axis=1))
    return band.p_above(np.zeros(array.shape[1] - 1))


def _fieller(values: Floats, x: Floats, t: float) -> tuple[float, float]:
    """The x at which the slope of the parabola through three means (R, 3), linear in them, is within t standard errors
    of 0; 0 and inf where that is no interval."""
    u = np.log(x)
    first = np.array([-1.0, 1.0, 0.0]) / (u[1] - u[0])
    bend = 2 * (np.array([0.0, -1.0, 1.0]) / (u[2] - u[1]) - first) / (u[2] - u[0])
    mean, covariance = values.mean(axis=0), np.cov(values.T) / len(values)
    # slope(w) = a + b w at w = log x - middle, of variance aa + 2 w ab + w^2 bb: a quadratic inequality in w.
    (a, b), middle = (first @ mean, bend @ mean), (u[0] + u[1]) / 2
    aa, ab, bb = (t**2 * p @ covariance @ q for p, q in ((first, first), (first, bend), (bend, bend)))
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
