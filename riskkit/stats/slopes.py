"""Means and exponents with their intervals: what was measured, before anything is judged.

Bounds are on expectations, so the exponent is that of the *mean*: log(mean over replicates) is fitted against log x,
never the mean of logs (by Jensen's inequality that one has another slope: -.74 where the truth is -1). The points of
one run share their noise, so every interval is a jackknife-t over whole replicates; ordinary regression on such points
covers .54 where it says .95.

The weights of the fit are 1 / Var(log mean) by the delta method, that is mean^2 / sem^2, and they are part of the
statistic: each leave-out fit estimates its own. With weights held fixed the intervals cover .89 instead of .95 at 16
heavy-tailed replicates, for weights and means are estimated from the same draws.

Shapes: values (R, P), R replicates of P points; x (P,) strictly increasing and positive.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.columns import Columns, Floats, group_starts
from riskkit.stats.jackknife import MINIMUM_INTERVAL, LeaveOut, leave_out, standard_error, t_quantile

MINIMUM_POINTS = 4
"""Fewer points than this show no rate: PRE-ASYMPTOTIC."""

MARGIN = 0.05
"""Exponents closer than this are the same for every purpose of riskkit; declared here, before any data."""

ROUNDING = 1e-12
"""A column whose spread is below this fraction of its mean is a constant: what varies there is arithmetic."""


class Estimate(NamedTuple):
    """A mean over replicates; every field but ``replicates`` has the trailing shape of the values.

    Attributes:
        mean, sem: the mean and its standard error (nan for one replicate).
        low, high: the t interval; nan below MINIMUM_INTERVAL replicates.
        replicates: R.
    """

    mean: Floats
    sem: Floats
    low: Floats
    high: Floats
    replicates: int


class FitStatus(enum.StrEnum):
    """Why a fit has no slope, or no interval."""

    FITTED = "fitted"
    STARVED = "too few replicates"
    PRE_ASYMPTOTIC = "pre-asymptotic"
    FLOOR = "mean under the floor"
    NOT_FINITE = "not finite"


@dataclasses.dataclass(frozen=True)
class RateFit:
    """A weighted least-squares line of log mean against log x.

    Attributes:
        slope, intercept: of the line, the intercept at x = 1 (natural logs); nan where no fit can be made.
        se, df: jackknife standard error of the slope and its degrees of freedom.
        low, high, level: the jackknife-t interval of the slope; nan below MINIMUM_INTERVAL replicates.
        x, means, sems, weights: (P,) the points and their weights, which sum to 1.
        replicates: R.
        status, reason: FITTED and an empty reason, or what is missing and why.
    """

    slope: float
    intercept: float
    se: float
    df: int
    low: float
    high: float
    level: float
    x: Floats
    means: Floats
    sems: Floats
    weights: Floats
    replicates: int
    status: FitStatus = FitStatus.FITTED
    reason: str = ""

    @property
    def fitted(self) -> bool:
        """True if there are a slope and an interval."""
        return self.status is FitStatus.FITTED

    def interval(self, level: float) -> tuple[float, float]:
        """The jackknife-t interval at another level."""
        if not self.fitted:
            return math.nan, math.nan
        half = t_quantile(level, self.df) * self.se
        return self.slope - half, self.slope + half

    def p_above(self, value: float) -> float:
        """p-value against ``slope <= value``: small if the slope is larger."""
        return tail(self.slope - value, self.se, self.df)

    def p_below(self, value: float) -> float:
        """p-value against ``slope >= value``: small if the slope is smaller."""
        return tail(value - self.slope, self.se, self.df)


class CurveFit(NamedTuple):
    """The line through a noiseless curve, on a given ruler (points and weights)."""

    slope: float
    intercept: float


class Running(NamedTuple):
    """Exponents over short windows of neighbouring points.

    Attributes:
        x: (W,) geometric middle of each window.
        slope, low, high: (W,); nan where a mean is not positive, intervals nan below MINIMUM_INTERVAL replicates.
    """

    x: Floats
    slope: Floats
    low: Floats
    high: Floats


class Window(NamedTuple):
    """The points from which an exponent is read: those from ``start`` on.

    Attributes:
        start: index of the first point, or None if no window of MINIMUM_POINTS points is straight.
        curvature: (S,) quadratic coefficient of the line for each start tried, in order.
        low, high: (S,) its interval.
    """

    start: int | None
    curvature: Floats
    low: Floats
    high: Floats


def estimate(values: npt.ArrayLike | Columns, level: float = 0.95) -> Estimate:
    """Mean over replicates with its standard error and t interval of confidence ``level``; values of shape (R, ...).

    Above GROUPS replicates the standard error is that of leaving out groups of them. A non-finite value makes its
    column nan; nothing is dropped. Raises ValueError for an array without replicates.
    """
    if isinstance(values, Columns):
        columns, shape = values, values.shape[1:]
    else:
        array = np.asarray(values, dtype=np.float64)
        if array.ndim < 1 or array.shape[0] < 1:
            raise ValueError(f"estimate: values must be (R, ...) with R >= 1; got shape {array.shape}.")
        columns, shape = Columns.of(array.reshape(len(array), -1)), array.shape[1:]
    replicates = columns.replicates
    missing = np.full(shape, np.nan)
    if replicates < 2:
        return Estimate(columns.mean().reshape(shape), missing, missing, missing, replicates)
    return _estimate(leave_out(columns), level, shape)


def _estimate(left: LeaveOut, level: float, shape: tuple[int, ...]) -> Estimate:
    mean, missing = left.full.reshape(shape), np.full(shape, np.nan)
    sem = standard_error(left.full, left.partial, left.sizes).reshape(shape)
    if left.replicates < MINIMUM_INTERVAL:
        return Estimate(mean, sem, missing, missing, left.replicates)
    half = t_quantile(level, left.df) * sem
    return Estimate(mean, sem, mean - half, mean + half, left.replicates)


def fit_rate(values: npt.ArrayLike | Columns, x: npt.ArrayLike, *, level: float = 0.95, floor: float = 0.0) -> RateFit:
    """The exponent of the mean in x; values (R, P), x (P,); its interval has confidence ``level``.

    A mean at or under ``floor`` (the numerical floor of the quantity) stops the fit with the status FLOOR: dropping
    such points would flatten the slope. Likewise a non-finite value (a diverged replicate) stops it.
    Raises ValueError for shapes that do not match and for x that is not positive and strictly increasing.
    """
    columns, x = as_points("fit_rate", values, x)
    replicates, points = columns.shape
    means = _Means(columns)
    status, reason = _unfit(means, x, floor)
    if status in (FitStatus.FITTED, FitStatus.STARVED) and points < MINIMUM_POINTS:
        status, reason = FitStatus.PRE_ASYMPTOTIC, f"{points} points, and a rate needs {MINIMUM_POINTS}"
    if status in (FitStatus.FITTED, FitStatus.STARVED) and replicates >= 2:
        coefficients, se, df, weights = _polynomial(means.left, x, 1)
        half = t_quantile(level, df) * se[1] if replicates >= MINIMUM_INTERVAL else math.nan
        slope, intercept = float(coefficients[1]), float(coefficients[0])
        error = float(se[1])
    else:
        slope = intercept = error = half = math.nan
        df, weights = max(group_starts(replicates).size - 1, 0), np.full(points, np.nan)
    known = estimate(columns) if replicates < 2 else _estimate(means.left, level, (points,))
    return RateFit(
        slope=slope,
        intercept=intercept,
        se=error,
        df=df,
        low=slope - half,
        high=slope + half,
        level=level,
        x=x,
        means=known.mean,
        sems=known.sem,
        weights=weights,
        replicates=replicates,
        status=status,
        reason=reason,
    )


def fit_curve(y: npt.ArrayLike, x: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> CurveFit:
    """The same line through a noiseless curve y (P,) > 0 (a claim, a bound, an oracle) over x (P,), on the ruler of a
    RateFit.

    ``weights`` are those of the measured fit; None weighs all points alike. Raises ValueError for other shapes, a curve
    that is not positive, and fewer than two positive weights.
    """
    columns, x = as_points("fit_curve", np.asarray(y, dtype=np.float64)[None], x)
    array = columns.sums
    if not (np.all(array > 0) and np.all(np.isfinite(array))):
        raise ValueError("fit_curve: y must be positive and finite everywhere; leave the other points out beforehand.")
    w = np.ones(x.size) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape != x.shape or not np.all(w >= 0) or np.count_nonzero(w) < 2:
        raise ValueError(f"fit_curve: weights must be {x.size} numbers >= 0, two of them positive; got {w}.")
    coefficients = _solve(np.log(array), np.log(x), w[None], 1)[0]
    return CurveFit(slope=float(coefficients[1]), intercept=float(coefficients[0]))


def fit_ratio(
    values: npt.ArrayLike | Columns, curve: npt.ArrayLike, x: npt.ArrayLike, *, level: float = 0.95, floor: float = 0.0
) -> RateFit:
    """The exponent of measured / curve: how much faster the mean grows than the curve, on one ruler.

    The delta-method weights do not change when a column is divided by a constant, so this slope is the measured slope
    minus the curve's own, fitted on the same points with the same weights; and its interval is the measured one.
    values (R, P), curve and x (P,); ``level`` and ``floor`` as of ``fit_rate``. Raises ValueError for other shapes and
    a curve that is not positive.
    """
    columns, x = as_points("fit_ratio", values, x)
    y = np.asarray(curve, dtype=np.float64)
    if y.shape != x.shape or not (np.all(y > 0) and np.all(np.isfinite(y))):
        raise ValueError(f"fit_ratio: curve must be {x.size} positive finite numbers; got {y}.")
    return fit_rate(columns.over(y), x, level=level, floor=floor)


def running_exponents(
    values: npt.ArrayLike | Columns, x: npt.ArrayLike, *, width: int = 2, level: float = 0.95
) -> Running:
    """Exponents over each ``width`` neighbouring points (2: between neighbours), with jackknife-t intervals of
    confidence ``level``.

    values (R, P), x (P,). Raises ValueError for other shapes, fewer than 2 replicates and a width outside 2 .. P.
    """
    columns, x = as_points("running_exponents", values, x)
    replicates, points = columns.shape
    if not 2 <= width <= points:
        raise ValueError(f"running_exponents: width must lie in 2 .. {points} (the points); got {width}.")
    if replicates < 2:
        raise ValueError(f"running_exponents: at least 2 replicates are needed; got {replicates}.")
    windows, means = points - width + 1, _Means(columns)
    slope, half = np.full(windows, np.nan), np.full(windows, np.nan)
    for first in range(windows):
        part = slice(first, first + width)
        here = means.columns(part)
        if _unfit(here, x[part], 0.0)[0] in (FitStatus.FITTED, FitStatus.STARVED):
            coefficients, se, df, _ = _polynomial(here.left, x[part], 1)
            slope[first] = coefficients[1]
            if replicates >= MINIMUM_INTERVAL:
                half[first] = t_quantile(level, df) * se[1]
    middle = np.sqrt(x[:windows] * x[width - 1 :])
    return Running(middle, slope, slope - half, slope + half)


def choose_window(
    values: npt.ArrayLike | Columns, x: npt.ArrayLike, *, margin: float = MARGIN, level: float = 0.95
) -> Window:
    """The smallest start from which log mean against log x shows no bend, with confidence ``level``; values of the
    selecting replicates alone.

    A start passes if the interval of the quadratic coefficient c contains 0; or if the interval is so narrow and so
    near 0 that the local slopes b + 2 c (log x - middle) stay within ``margin`` of the middle one, which lets very
    precise data pass that are straight for every purpose. values (R, P), x (P,). Raises ValueError for other shapes and
    fewer than 2 replicates.
    """
    columns, x = as_points("choose_window", values, x)
    if columns.replicates < 2:
        raise ValueError(f"choose_window: at least 2 replicates are needed; got {columns.replicates}.")
    means = _Means(columns)
    tried: list[tuple[float, float, float]] = []
    for start in range(x.size - MINIMUM_POINTS + 1):
        here = means.columns(slice(start, None))
        if _unfit(here, x[start:], 0.0)[0] not in (FitStatus.FITTED, FitStatus.STARVED):
            tried.append((math.nan, math.nan, math.nan))
            continue
        bend, low, high = _curvature(here, x[start:], level)
        tried.append((bend, low, high))
        allowed = margin / math.log(x[-1] / x[start])
        if low <= 0 <= high or max(-low, high) <= allowed:
            return Window(start, *np.array(tried).T)
    return Window(None, *(np.array(tried).T if tried else np.empty((3, 0))))


def curvature(values: npt.ArrayLike | Columns, x: npt.ArrayLike, *, level: float = 0.95) -> tuple[float, float, float]:
    """The coefficient of (log x)^2 in a weighted parabola through log mean, with its jackknife-t interval of
    confidence ``level``.

    values (R, P), x (P,). Positive: the curve bends upwards, a decay slows down. Raises ValueError for fewer than 2
    replicates or a mean that is not positive.
    """
    columns, x = as_points("curvature", values, x)
    means = _Means(columns)
    status, reason = _unfit(means, x, 0.0)
    if status not in (FitStatus.FITTED, FitStatus.STARVED) or columns.replicates < 2 or x.size < MINIMUM_POINTS:
        raise ValueError(
            f"curvature: 2 replicates and {MINIMUM_POINTS} points with positive means are needed; got shape "
            f"{columns.shape}{', ' + reason if reason else ''}."
        )
    return _curvature(means, x, level)


def _curvature(means: _Means, x: Floats, level: float) -> tuple[float, float, float]:
    coefficients, se, df, _ = _polynomial(means.left, x, 2)
    bend, half = float(coefficients[2]), t_quantile(level, df) * float(se[2])
    return bend, bend - half, bend + half


def as_points(owner: str, values: npt.ArrayLike | Columns, x: npt.ArrayLike) -> tuple[Columns, Floats]:
    """The two as columns and float64 array; ValueError unless (R, P) and (P,), x positive and strictly increasing."""
    array = values if isinstance(values, Columns) else np.asarray(values, dtype=np.float64)
    grid = np.asarray(x, dtype=np.float64)
    if len(array.shape) != 2 or grid.ndim != 1 or array.shape[1] != grid.size or array.shape[0] < 1:
        raise ValueError(f"{owner}: values must be (R, P) and x (P,); got {array.shape} and {grid.shape}.")
    if not (np.all(grid > 0) and np.all(np.isfinite(grid)) and np.all(np.diff(grid) > 0)):
        raise ValueError(f"{owner}: x must be positive, finite and strictly increasing; got {grid}.")
    return Columns.of(array), grid


class _Means:
    """What a fit reads of columns; what leaves out groups is made once for all windows, where it is asked for."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @property
    def replicates(self) -> int:
        return self._columns.replicates

    @functools.cached_property
    def finite(self) -> npt.NDArray[np.bool_]:
        """(P,) whether all values are."""
        return self._columns.finite

    @functools.cached_property
    def left(self) -> LeaveOut:
        return leave_out(self._columns)

    @functools.cached_property
    def mean(self) -> Floats:
        """(P,)"""
        return self.left.full if self.replicates >= 2 else self._columns.mean()

    def columns(self, which: slice) -> _Means:
        """Those of some of the columns."""
        found = _Means(self._columns.columns(which))
        if self.replicates >= 2 and self.finite.all():
            found.left = self.left.columns(which)
        return found


def _unfit(means: _Means, x: Floats, floor: float) -> tuple[FitStatus, str]:
    """Whether a log mean exists at every point and in every leave-out."""
    replicates = means.replicates
    bad = ~means.finite
    if bad.any():
        return FitStatus.NOT_FINITE, f"non-finite values at x = {_listed(x[bad])}"
    low = np.asarray(means.mean <= floor)
    if low.any():
        return FitStatus.FLOOR, f"the mean is not above the floor {floor:g} at x = {_listed(x[low])}"
    if replicates >= 2:
        low = np.asarray((means.left.partial <= floor).any(axis=0))
        if low.any():
            return FitStatus.FLOOR, (
                f"the mean is above the floor {floor:g} by the grace of single replicates at x = {_listed(x[low])}"
            )
    if replicates < MINIMUM_INTERVAL:
        return FitStatus.STARVED, f"{replicates} replicates, and an interval needs {MINIMUM_INTERVAL}"
    return FitStatus.FITTED, ""


def _listed(x: Floats) -> str:
    shown = ", ".join(f"{value:g}" for value in x[:4])
    return shown if x.size <= 4 else f"{shown} and {x.size - 4} more"


def _polynomial(left: LeaveOut, x: Floats, degree: int) -> tuple[Floats, Floats, int, Floats]:
    """Weighted fit of log mean in log x: coefficients (degree + 1,), their jackknife standard errors, df, weights.

    The coefficients are of powers of log x for a line; for the quadratic, the last is that of (log x)^2.
    """
    if np.all(left.partial_variance > (ROUNDING * left.full) ** 2):
        weights, partial_weights = left.full**2 / left.variance, left.partial**2 / left.partial_variance
    else:
        # A constant column has an infinite weight; with one among the points every point counts the same.
        weights, partial_weights = np.ones(x.size), np.ones(left.partial.shape)
    log = np.log(x)
    full = _solve(np.log(left.full)[None], log, weights[None], degree)[0]
    leaves = _solve(np.log(left.partial), log, partial_weights, degree)
    return full, standard_error(full, leaves, left.sizes), left.df, weights / weights.sum()


def _solve(y: Floats, u: Floats, weights: Floats, degree: int) -> Floats:
    """Weighted least squares of each row of y (G, P) on 1, u, .., u^degree: (G, degree + 1)."""
    # Centred and scaled, the normal equations of a line or parabola are well conditioned; the powers of u are restored
    # by expanding the square: c2 (u - m)^2 = c2 u^2 - 2 c2 m u + c2 m^2.
    middle, scale = u.mean(), np.ptp(u) / 2
    v = (u - middle) / scale
    design = v[:, None] ** np.arange(degree + 1)
    products = (design[:, :, None] * design[:, None, :]).reshape(u.size, -1)
    normal = (weights @ products).reshape(-1, degree + 1, degree + 1)
    local = np.linalg.solve(normal, ((weights * y) @ design)[..., None])[..., 0] / scale ** np.arange(degree + 1)
    restore = np.zeros((degree + 1, degree + 1))
    for power in range(degree + 1):
        for lower in range(power + 1):
            restore[power, lower] = math.comb(power, lower) * (-middle) ** (power - lower)
    return np.asarray(local @ restore)


def tail(excess: float, se: float, df: int) -> float:
    """P(t_df > excess / se); for a noiseless statistic 0, 1 or (at equality) 1/2."""
    if se > 0:
        return float(special.stdtr(df, -excess / se))
    if math.isnan(excess) or math.isnan(se):
        return math.nan
    return 0.5 if excess == 0 else float(excess < 0)
