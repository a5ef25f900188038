"""How many replicates: for a slope of given precision, before a run and during one, and for choosing a window."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.jackknife import MINIMUM_INTERVAL, MINIMUM_VERDICT
from riskkit.stats.slopes import as_points, fit_rate


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


def selecting_replicates(replicates: int) -> int:
    """How many of the replicates, the first quarter, choose the window; the rest are fitted.

    Choosing and fitting on the same replicates would make the fit a jump function of the data, and its jackknife wrong.
    """
    return replicates // 4


def replicates_needed(
    half_width: float, x: npt.ArrayLike, cv2: float, *, correlation: float = 0.0, level: float = 0.95
) -> int:
    """Replicates for a slope known to +- half_width, before any run: a planning formula.

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
    """Look at first, 2 first, 4 first, ... replicates; stop at the first look whose slope interval is narrow enough.

    The width alone decides, never the slope: stopping at significance has a type I error of .21 after six looks, this
    leaves the coverage at .94. Look i reads the first replicates alone, so later replicates never change its answer.
    values (R, P), x (P,). Raises ValueError for other shapes, a half width <= 0 and too small a first look.
    """
    array, x = as_points("replicates_for_precision", values, x)
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
