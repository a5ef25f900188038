"""Simultaneous bands by sup-t: one statement about all points of a curve, or all cells of a table, at once.

The band is mean +- c sem with one c for all points, chosen so that the largest studentised error lies under it with
the stated probability. Its distribution is that of the maximum of dependent t variables; the dependence is resampled
with whole replicates as the unit (Gaussian multipliers on the replicates' residuals), and the multiplier maximum, which
is Gaussian, is carried over to t margins: c is the t quantile at the tail probability that the Gaussian quantile has
at a single point. For one point, or for perfectly dependent ones, that is exactly the t interval; for independent
ones the Sidak interval.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
from scipy import stats

from riskkit.jackknife import Floats, group_starts, leave_out, standard_error

DRAWS = 4095
"""Multiplier draws; the Monte Carlo error of a .95 coverage is then .0034."""

SEED = 20211206
"""Of the multipliers: bands are functions of the data alone."""

ROUNDING = 1e-9
"""A column whose standard error is below this fraction of its mean is a constant; bounds are compared to it with the
same allowance."""


@dataclasses.dataclass(frozen=True)
class Band:
    """A simultaneous band over P points.

    Attributes:
        mean, sem, low, high: (P,).
        critical: half width in standard errors; 0 if all columns are constant.
        level: the simultaneous coverage asked for.
        replicates: R.
        suprema: (DRAWS,) sorted draws of the largest Gaussian statistic.
        df: degrees of freedom of the margins.
    """

    mean: Floats
    sem: Floats
    low: Floats
    high: Floats
    critical: float
    level: float
    replicates: int
    suprema: Floats
    df: int

    def p_value(self, statistic: float) -> float:
        """P(the largest studentised error exceeds ``statistic``)."""
        if not statistic > 0:
            return 1.0
        margin = 2 * float(stats.t.sf(statistic, self.df))
        gaussian = float(stats.norm.isf(margin / 2))
        exceeding = self.suprema.size - int(np.searchsorted(self.suprema, gaussian, side="left"))
        varying = int(np.count_nonzero(self.sem))
        # Bonferroni bounds the probability from above, which the draws cannot resolve in the far tail.
        return min(1.0, (1 + exceeding) / (1 + self.suprema.size), max(varying, 1) * margin)

    def critical_at(self, level: float) -> float:
        """The half width in standard errors at another level."""
        return _critical(self.suprema, level, self.df)


def simultaneous_band(values: npt.ArrayLike, level: float = 0.95) -> Band:
    """The band over the columns of values (R, P); ValueError for a non-finite value or fewer than two replicates.

    Columns that do not vary, up to rounding, have a band of no width and take no part in the supremum.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 1 or not np.isfinite(array).all():
        raise ValueError(f"simultaneous_band: values must be (R, P), finite, with R >= 2; got shape {array.shape}.")
    left = leave_out(array)
    sem = standard_error(left.full, left.partial, left.sizes)
    sem = np.where(sem > ROUNDING * np.abs(left.full), sem, 0.0)
    varying = sem > 0
    residuals = np.add.reduceat(array[:, varying] - left.full[varying], group_starts(array.shape[0]), axis=0)
    suprema = _suprema(residuals)
    critical = _critical(suprema, level, left.df)
    half = critical * sem
    return Band(left.full, sem, left.full - half, left.full + half, critical, level, left.replicates, suprema, left.df)


def _suprema(residuals: Floats) -> Floats:
    """Sorted draws of max_p |N_p|, N normal with the correlations of the residuals (G, P')."""
    if residuals.shape[1] == 0:
        return np.zeros(1)
    scaled = residuals / np.sqrt(np.sum(residuals**2, axis=0))
    multipliers = np.random.default_rng(SEED).standard_normal((DRAWS, residuals.shape[0]))
    return np.sort(np.abs(multipliers @ scaled).max(axis=1))


def _critical(suprema: Floats, level: float, df: int) -> float:
    if suprema[-1] == 0:
        return 0.0
    gaussian = float(np.quantile(suprema, level, method="higher"))
    return float(stats.t.isf(stats.norm.sf(gaussian), df))
