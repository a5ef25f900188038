"""First passage: the gradient count at which a mean error first falls under a target, and how it grows.

The mean over replicates is read at checkpoints and joined by straight lines in log-log coordinates; the passage is
where the joined curve first reaches the target. Interval and exponents are jackknife-t over whole replicates, each
leave-out curve having its own passage.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.jackknife import MINIMUM_INTERVAL, Floats, leave_out, standard_error, t_quantile


class PassageStatus(enum.StrEnum):
    """Whether there is a passage, or why not."""

    REACHED = "reached"
    AT_ONCE = "under the target at the first checkpoint"
    NOT_REACHED = "not reached within the budget"
    BY_GRACE = "reached by the grace of single replicates"
    NOT_FINITE = "not finite"
    LOST = "not measured"


class Passage(NamedTuple):
    """Where a mean first reaches a target.

    Attributes:
        at, low, high: the count and its interval; nan where the status forbids.
        leaves: log count of each leave-out, (G,).
        sizes: replicates in each group, (G,).
        status: REACHED, or why there is no count.
    """

    at: float
    low: float
    high: float
    leaves: Floats
    sizes: npt.NDArray[np.int64]
    status: PassageStatus


def first_passages(
    values: npt.ArrayLike, x: npt.ArrayLike, targets: npt.ArrayLike, *, level: float = 0.95
) -> list[Passage]:
    """One Passage for each target: values (R, P) at counts x (P,), ascending and positive.

    Raises ValueError for shapes that do not match, fewer than two replicates, or a target that is not positive.
    """
    array, grid = np.asarray(values, dtype=np.float64), np.asarray(x, dtype=np.float64)
    aims = np.asarray(targets, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 2 or grid.shape != (array.shape[1],) or not np.all(np.diff(grid) > 0):
        raise ValueError(
            f"first_passages: values must be (R, P), R >= 2, and x (P,) ascending; got {array.shape} and {grid.shape}."
        )
    if not np.all(aims > 0) or not np.all(grid > 0):
        raise ValueError("first_passages: targets and x must be positive.")
    left = leave_out(array)
    finite = bool(np.isfinite(array).all())
    found = []
    for aim in aims.ravel():
        if not finite:
            found.append(_none(left.sizes, PassageStatus.NOT_FINITE))
            continue
        (at,), leaves = _crossing(left.full[None], grid, float(aim)), _crossing(left.partial, grid, float(aim))
        if np.isnan(at):
            found.append(_none(left.sizes, PassageStatus.NOT_REACHED))
        elif left.full[0] <= aim:
            found.append(_none(left.sizes, PassageStatus.AT_ONCE))
        elif np.isnan(leaves).any():
            found.append(_none(left.sizes, PassageStatus.BY_GRACE))
        else:
            error = float(standard_error(np.array([at]), leaves[:, None], left.sizes)[0])
            half = t_quantile(level, left.df) * error if left.replicates >= MINIMUM_INTERVAL else math.nan
            low, high = math.exp(at - half), math.exp(at + half)
            found.append(Passage(math.exp(at), low, high, leaves, left.sizes, PassageStatus.REACHED))
    return found


class Growth(NamedTuple):
    """The exponent of something positive (counts, minimisers) in a coordinate, by least squares in log-log coordinates.

    Attributes:
        slope, low, high: with its 95% interval; ``narrow_low``, ``narrow_high`` the 90% one.
        se: jackknife standard error.
        points: how many were fitted.
    """

    slope: float
    low: float
    high: float
    narrow_low: float
    narrow_high: float
    se: float
    df: int
    points: int


def growth(
    at: npt.ArrayLike, leaves: Sequence[Floats], sizes: npt.NDArray[np.int64], coordinate: npt.ArrayLike
) -> Growth:
    """The slope of log ``at`` against log ``coordinate``, (P,) each, at least two different ones.

    ``leaves``: P arrays (G,) of log ``at`` with one group of replicates left out, ``sizes`` (G,) their sizes; one set
    of replicates throughout. Raises ValueError for shapes that do not match and for numbers that are not positive.
    """
    y, u = np.log(np.asarray(at, dtype=np.float64)), np.log(np.asarray(coordinate, dtype=np.float64))
    if u.shape != y.shape or y.shape != (len(leaves),) or len(leaves) < 2 or np.ptp(u) == 0:
        raise ValueError(f"growth: at least two points at different coordinates are needed; got {len(leaves)}.")
    each = np.stack(leaves, axis=1)
    if not (np.isfinite(y).all() and np.isfinite(u).all() and np.isfinite(each).all()):
        raise ValueError("growth: every point must be positive and known in each leave-out; leave the others out.")
    weights = (u - u.mean()) / np.sum((u - u.mean()) ** 2)
    slope = float(weights @ y)
    se = float(standard_error(np.array([slope]), (each @ weights)[:, None], sizes)[0])
    df = sizes.size - 1
    wide, narrow = (t_quantile(level, df) * se for level in (0.95, 0.90))
    return Growth(slope, slope - wide, slope + wide, slope - narrow, slope + narrow, se, df, len(leaves))


def _none(sizes: npt.NDArray[np.int64], status: PassageStatus) -> Passage:
    return Passage(math.nan, math.nan, math.nan, np.full(sizes.size, math.nan), sizes, status)


def _crossing(means: Floats, x: Floats, aim: float) -> Floats:
    """log x at which each row of means (G, P) first reaches the aim; nan where it does not.

    Between the last checkpoint above and the first at or under it, the logarithms are interpolated; a mean that is
    not positive counts as reached at its checkpoint.
    """
    under = means <= aim
    first = np.argmax(under, axis=1)
    before = np.maximum(first - 1, 0)
    rows = np.arange(len(means))
    high, low = means[rows, before], means[rows, first]
    u = np.log(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.log(high / aim) / np.log(high / low)
    part = np.where((low > 0) & (first > 0), part, 1.0)
    return np.where(under.any(axis=1), u[before] + part * (u[first] - u[before]), np.nan)
