"""First passage: the gradient count at which a mean error first falls under a target, and how it grows.

The mean over replicates is read at checkpoints and joined by straight lines in log-log coordinates; the passage is
where the joined curve first reaches the target.

A first passage is a minimum over checkpoints: that of a noisy mean is too early, and a jackknife does not see it (its
95% intervals cover .44 to .89 where the noise is not common to the checkpoints, 128 replicates). So the interval is
read off a band about the whole curve: from where the band's lower edge first reaches the target to the first checkpoint
at which its upper edge has. One simultaneous band serves every target; a count whose upper edge never comes down has no
upper end, and decides nothing.

How counts grow is fitted to the passages of a smoothed curve, for the same reason: at each checkpoint, the value of a
straight line through the log means within half an octave of it. Its passages move with the replicates as smoothly as
the jackknife needs (without it, 95% intervals of an exponent cover .85 where checkpoints are independent).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.bands import simultaneous_band
from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import MINIMUM_INTERVAL, leave_out, standard_error, t_quantile


class PassageStatus(enum.StrEnum):
    """Whether there is a passage, or why not."""

    REACHED = "reached"
    AT_ONCE = "under the target at the first checkpoint"
    NOT_REACHED = "not reached within the budget"
    UNDECIDED = "reached by the mean, not by its upper band"
    NOT_FINITE = "not finite"
    LOST = "not measured"


class Passage(NamedTuple):
    """Where a mean first reaches a target.

    Attributes:
        at, low, high: the count and its interval, all of one level together; nan where the status forbids, and ``high``
            inf where it is UNDECIDED.
        smooth, leaves: log count on the smoothed curve, and on that of each leave-out, (G,).
        sizes: replicates in each group, (G,).
        status: REACHED, or why there is no count.
    """

    at: float
    low: float
    high: float
    smooth: float
    leaves: Floats
    sizes: npt.NDArray[np.int64]
    status: PassageStatus


def first_passages(
    values: npt.ArrayLike | Columns, x: npt.ArrayLike, targets: npt.ArrayLike, *, level: float = 0.95
) -> list[Passage]:
    """One Passage for each of the targets (E,): values (R, P) at counts x (P,), ascending and positive; intervals of
    confidence ``level``.

    Raises ValueError for shapes that do not match, fewer than two replicates, or a target that is not positive.
    """
    array = values if isinstance(values, Columns) else np.asarray(values, dtype=np.float64)
    grid = np.asarray(x, dtype=np.float64)
    aims = np.asarray(targets, dtype=np.float64)
    if len(array.shape) != 2 or array.shape[0] < 2 or grid.shape != (array.shape[1],) or not np.all(np.diff(grid) > 0):
        raise ValueError(
            f"first_passages: values must be (R, P), R >= 2, and x (P,) ascending; got {array.shape} and {grid.shape}."
        )
    if not np.all(aims > 0) or not np.all(grid > 0):
        raise ValueError("first_passages: targets and x must be positive.")
    columns = Columns.of(array)
    left = leave_out(columns)
    finite = bool(columns.finite.all())
    means = _smoothed(np.concatenate([left.full[None], left.partial]), grid) if finite else None
    band = simultaneous_band(columns, level) if finite and left.replicates >= MINIMUM_INTERVAL else None
    found = []
    for aim in aims.ravel():
        if means is None:
            found.append(_none(left.sizes, PassageStatus.NOT_FINITE))
            continue
        (at,) = _crossing(left.full[None], grid, float(aim))
        if np.isnan(at):
            found.append(_none(left.sizes, PassageStatus.NOT_REACHED))
        elif left.full[0] <= aim:
            found.append(_none(left.sizes, PassageStatus.AT_ONCE))
        else:
            low = high = math.nan
            if band is not None:
                low = math.exp(min(at, float(_crossing(band.low[None], grid, float(aim), early=True)[0])))
                under = np.flatnonzero(band.high <= aim)
                high = float(grid[under[0]]) if under.size else math.inf
            status = PassageStatus.UNDECIDED if math.isinf(high) else PassageStatus.REACHED
            smooth, *leaves = _crossing(means, grid, float(aim))
            found.append(Passage(math.exp(at), low, high, float(smooth), np.array(leaves), left.sizes, status))
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


def _smoothed(means: Floats, x: Floats) -> Floats:
    """Each row of means (G, P) with lines through its logarithms within half an octave in place of its points; nan
    throughout a row in which a mean is not positive, and as they are where the points lie farther apart."""
    u = np.log2(x)
    near = np.abs(u[:, None] - u) <= 0.5 * (1 + 1e-9)
    count = near.sum(axis=1, keepdims=True)
    centre = (near * u).sum(axis=1, keepdims=True) / count
    off = np.where(near, u - centre, 0.0)
    spread = (off**2).sum(axis=1, keepdims=True)
    line = near / count + np.where(spread > 0, (u[:, None] - centre) / np.where(spread > 0, spread, 1.0), 0.0) * off
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.exp(np.log(means) @ line.T))


def _none(sizes: npt.NDArray[np.int64], status: PassageStatus) -> Passage:
    return Passage(math.nan, math.nan, math.nan, math.nan, np.full(sizes.size, math.nan), sizes, status)


def _crossing(means: Floats, x: Floats, aim: float, *, early: bool = False) -> Floats:
    """log x at which each row of means (G, P) first reaches the aim; nan where it does not.

    Between the last checkpoint above and the first at or under it, the logarithms are interpolated; a mean that is
    not positive counts as reached at its checkpoint or, ``early``, at the one before.
    """
    under = means <= aim
    first = np.argmax(under, axis=1)
    before = np.maximum(first - 1, 0)
    rows = np.arange(len(means))
    high, low = means[rows, before], means[rows, first]
    u = np.log(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.log(high / aim) / np.log(high / low)
    part = np.where((low > 0) & (first > 0), part, 0.0 if early else 1.0)
    return np.where(under.any(axis=1), u[before] + part * (u[first] - u[before]), np.nan)
