"""Ratios and differences of two means on common random numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import MINIMUM_INTERVAL, leave_out, standard_error, t_quantile
from riskkit.stats.slopes import estimate, tail


class Ratio(NamedTuple):
    """A ratio of two means on common random numbers.

    Attributes:
        ratio, low, high: of the trailing shape of the values; nan where a mean is not positive.
        log_se: jackknife standard error of the log ratio.
        p_value: two-sided, against a ratio of one.
        replicates: R.
    """

    ratio: Floats
    low: Floats
    high: Floats
    log_se: Floats
    p_value: Floats
    replicates: int


def paired_ratio(a: npt.ArrayLike | Columns, b: npt.ArrayLike | Columns, level: float = 0.95) -> Ratio:
    """mean(a) / mean(b) for two algorithms on the same replicates, shape (R, ...) each; jackknife-t on the log ratio,
    of confidence ``level``.

    Raises ValueError for shapes that differ or fewer than 2 replicates.
    """
    first, second, shape = _both("paired_ratio", a, b)
    replicates = first.replicates
    above, below = leave_out(first), leave_out(second)
    fit = (above.full > 0) & (below.full > 0) & (above.partial > 0).all(axis=0) & (below.partial > 0).all(axis=0)
    log = np.full(fit.shape, np.nan)
    partial = np.full(above.partial.shape, np.nan)
    log[fit] = np.log(above.full[fit] / below.full[fit])
    partial[:, fit] = np.log(above.partial[:, fit] / below.partial[:, fit])
    se = standard_error(log, partial, above.sizes)
    half = t_quantile(level, above.df) * se if replicates >= MINIMUM_INTERVAL else np.full(se.shape, np.nan)
    p_value = np.array([2 * tail(abs(v), s, above.df) for v, s in zip(log, se, strict=True)])
    return Ratio(
        ratio=np.exp(log).reshape(shape),
        low=np.exp(log - half).reshape(shape),
        high=np.exp(log + half).reshape(shape),
        log_se=se.reshape(shape),
        p_value=p_value.reshape(shape),
        replicates=replicates,
    )


class Difference(NamedTuple):
    """A difference of two means on common random numbers.

    Attributes:
        difference, low, high: of the trailing shape of the values, with its interval.
        p_value: two-sided, against 0.
    """

    difference: Floats
    low: Floats
    high: Floats
    p_value: Floats


def paired_difference(a: npt.ArrayLike | Columns, b: npt.ArrayLike | Columns, level: float = 0.95) -> Difference:
    """mean(a) - mean(b) for two algorithms on the same replicates, (R, ...) each; t interval of the paired mean."""
    first, second, shape = _both("paired_difference", a, b)
    apart = first.less(second)
    found, df = estimate(apart, level), leave_out(apart).df
    p_value = [2 * tail(abs(mean), sem, df) for mean, sem in zip(found.mean, found.sem, strict=True)]
    parts = (found.mean, found.low, found.high, np.array(p_value, dtype=np.float64))
    return Difference(*(part.reshape(shape) for part in parts))


def _both(
    owner: str, a: npt.ArrayLike | Columns, b: npt.ArrayLike | Columns
) -> tuple[Columns, Columns, tuple[int, ...]]:
    """The two as columns, and the trailing shape that they had."""
    first, second = (one if isinstance(one, Columns) else np.asarray(one, dtype=np.float64) for one in (a, b))
    shape = first.shape
    if shape != second.shape or len(shape) < 1 or shape[0] < 2:
        raise ValueError(f"{owner}: a and b must have one shape (R, ...), R >= 2; got {shape} and {second.shape}.")
    both = [one if isinstance(one, Columns) else Columns.of(one.reshape(shape[0], -1)) for one in (first, second)]
    return both[0], both[1], shape[1:]
