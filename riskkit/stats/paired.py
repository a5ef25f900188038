"""Ratios and differences of two means on common random numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.jackknife import MINIMUM_INTERVAL, Floats, leave_out, standard_error, t_quantile
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


def paired_ratio(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Ratio:
    """mean(a) / mean(b) for two algorithms on the same replicates, shape (R, ...) each; jackknife-t on the log ratio,
    of confidence ``level``.

    Raises ValueError for shapes that differ or fewer than 2 replicates.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim < 1 or first.shape[0] < 2:
        raise ValueError(
            f"paired_ratio: a and b must have one shape (R, ...), R >= 2; got {first.shape} and {second.shape}."
        )
    replicates, shape = first.shape[0], first.shape[1:]
    above, below = leave_out(first.reshape(replicates, -1)), leave_out(second.reshape(replicates, -1))
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


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Difference:
    """mean(a) - mean(b) for two algorithms on the same replicates, (R, ...) each; t interval of the paired mean."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim < 1 or first.shape[0] < 2:
        raise ValueError(
            f"paired_difference: a and b must have one shape (R, ...), R >= 2; got {first.shape} and {second.shape}."
        )
    found = estimate(first - second, level)
    df = first.shape[0] - 1
    p_value = np.vectorize(lambda mean, sem: 2 * tail(abs(mean), sem, df), otypes=[np.float64])(found.mean, found.sem)
    return Difference(found.mean, found.low, found.high, p_value)
