"""How many replicates: for a slope or a mean of given precision, a power, and for choosing a window."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.jackknife import MINIMUM_INTERVAL, MINIMUM_VERDICT, t_quantile
from riskkit.stats.slopes import as_points, fit_rate

LEAST_PILOT = 8
"""Fewer pilot replicates say too little of a spread."""

MOST_PLANNED = 2**40
"""A plan for more replicates than this is none."""


class Look(NamedTuple):
    """Where a run stands that adds replicates until an interval is narrow enough.

    Attributes:
        reached: the width was reached at this look.
        replicates: at this look if reached, else how many the next look needs.
        half_width: at this look.
    """

    reached: bool
    replicates: int
    half_width: float


def replicates_needed(
    half_width: float, x: npt.ArrayLike, cv2: float, *, correlation: float = 0.0, level: float = 0.95
) -> int:
    """Replicates for a slope known to +- half_width with confidence ``level``, before any run: a planning formula.

    Each log mean has variance cv2 / R, neighbouring points a common part ``correlation`` of it that cancels from a
    slope, so that Var(slope) = (1 - correlation) cv2 / (R sum (log x - mean)^2). x (P,) are the points. Raises
    ValueError for numbers outside of their ranges.
    """
    for name, value, least in (("half_width", half_width, 0.0), ("cv2", cv2, 0.0)):
        if not least < value < math.inf:
            raise ValueError(f"replicates_needed: {name} must be a finite number > 0; got {value!r}.")
    if not 0 <= correlation < 1:
        raise ValueError(f"replicates_needed: correlation must lie in [0, 1); got {correlation!r}.")
    log = np.log(np.asarray(x, dtype=np.float64))
    spread = float(np.sum((log - log.mean()) ** 2))
    z = float(special.ndtri(0.5 + level / 2))
    return max(MINIMUM_INTERVAL, math.ceil(z**2 * (1 - correlation) * cv2 / (spread * half_width**2)))


def replicates_for_precision(
    values: npt.ArrayLike,
    x: npt.ArrayLike,
    half_width: float,
    *,
    first: int = MINIMUM_VERDICT,
    level: float = 0.95,
    floor: float = 0.0,
) -> Look:
    """Look at first, 2 first, 4 first, ... replicates; stop at the first look whose slope interval, of confidence
    ``level``, is at most ``half_width`` to each side. ``floor`` as of ``fit_rate``.

    The width alone decides, never the slope: stopping at significance has a type I error of .21 after six looks, this
    leaves the coverage at .94. Look i reads the first replicates alone, so later replicates never change its answer.
    values (R, P), x (P,). Raises ValueError for other shapes, a half width <= 0 and too small a first look.
    """
    array = np.asarray(values, dtype=np.float64)
    _, x = as_points("replicates_for_precision", array, x)
    if not half_width > 0:
        raise ValueError(f"replicates_for_precision: half_width must be > 0; got {half_width!r}.")
    if first < MINIMUM_INTERVAL:
        raise ValueError(f"replicates_for_precision: first must be >= {MINIMUM_INTERVAL}; got {first}.")
    look, half = first, math.nan
    while look <= array.shape[0]:
        fit = fit_rate(array[:look], x, level=level, floor=floor)
        half = (fit.high - fit.low) / 2
        if half <= half_width:
            return Look(True, look, half)
        look *= 2
    return Look(False, look, half)


class Pilot(NamedTuple):
    """What pilot replicates say of the spread of what is to be estimated: a mean, or the difference of two.

    Attributes:
        mean, sd: of the replicates, or of their differences; for two groups that are no pairs, the difference of the
            means and the root of the sum of both variances.
        replicates: R (of the smaller group).
        groups: 1, or 2 where they are no pairs.
    """

    mean: float
    sd: float
    replicates: int
    groups: int = 1

    @property
    def df(self) -> int:
        return self.groups * (self.replicates - 1)

    def assured_sd(self, assurance: float = 0.8) -> float:
        """The standard deviation is at most this with that confidence, for Gaussian errors. A plan made with ``sd`` as
        it is falls short half of the time."""
        return self.sd * math.sqrt(self.df / float(special.chdtri(self.df, assurance)))


def pilot(first: npt.ArrayLike, second: npt.ArrayLike | None = None, *, paired: bool = True) -> Pilot:
    """Of one column (R,), or of the difference of two. Raises ValueError for fewer than LEAST_PILOT replicates, pairs
    that are not complete, and numbers that do not vary."""
    a = np.asarray(first, dtype=np.float64)
    b = None if second is None else np.asarray(second, dtype=np.float64)
    fewest = len(a) if b is None else min(len(a), len(b))
    if fewest < LEAST_PILOT:
        raise ValueError(f"a plan needs at least {LEAST_PILOT} pilot replicates; got {fewest}.")
    if b is not None and paired and len(a) != len(b):
        raise ValueError(f"pairs need as many of the one as of the other; got {len(a)} and {len(b)}.")
    if b is not None and not paired:
        found = Pilot(float(a.mean() - b.mean()), math.sqrt(a.var(ddof=1) + b.var(ddof=1)), fewest, 2)
    else:
        values = a if b is None else a - b
        found = Pilot(float(values.mean()), float(values.std(ddof=1)), fewest)
    if not found.sd > 0:
        raise ValueError("the pilot replicates do not vary: there is no spread to plan with.")
    return found


def replicates_for_width(sd: float, half_width: float, *, groups: int = 1, level: float = 0.95) -> int:
    """Replicates (in each group) at which the t interval of a mean, or of a difference, is +- half_width wide."""
    return _least(lambda r: t_quantile(level, groups * (r - 1)) * sd / math.sqrt(r) <= half_width)


def replicates_for_power(sd: float, difference: float, power: float, *, groups: int = 1, alpha: float = 0.05) -> int:
    """Replicates (in each group) at which a two-sided t test of level alpha sees a difference with that probability."""

    def seen(r: int) -> bool:
        df, shift = groups * (r - 1), abs(difference) / sd * math.sqrt(r)
        if df > 10**4:
            return float(special.ndtr(shift - special.ndtri(1 - alpha / 2))) >= power
        return 1 - float(special.nctdtr(df, shift, t_quantile(1 - alpha, df))) >= power

    return _least(seen)


def _least(enough: Callable[[int], bool]) -> int:
    """The smallest number of replicates that is enough, at least 2; every larger number is enough too."""
    high = 2
    while not enough(high):
        if high > MOST_PLANNED:
            raise ValueError(f"more than {MOST_PLANNED} replicates would be needed; ask for less.")
        high *= 2
    low = max(high // 2, 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
