"""Quantiles over replicates, with intervals that hold for any distribution.

The number of R independent values at or below the p-quantile is binomial, B(R, p): the order statistics whose ranks are
quantiles of B(R, p) enclose it with at least the stated probability, whatever the distribution.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]


class Quantile(NamedTuple):
    """Of each column, (P,): the empirical p-quantile, and the ends of its interval; an end is infinite where so few
    replicates leave it open."""

    value: Floats
    low: Floats
    high: Floats


def quantile(values: npt.ArrayLike, p: float, confidence: float = 0.95) -> Quantile:
    """values (R, P), p in (0, 1). Raises ValueError for another p, and without values."""
    array = np.sort(np.asarray(values, dtype=np.float64), axis=0)
    if not 0 < p < 1:
        raise ValueError(f"quantile: p must lie in (0, 1); got {p!r}.")
    if array.ndim != 2 or not array.size:
        raise ValueError(f"quantile: values must be (R, P), R >= 1; got shape {array.shape}.")
    R, tail = len(array), (1 - confidence) / 2
    # P(rank r <= quantile) = P(B >= r): the largest r with P(B < r) <= tail; likewise from above.
    reached = special.bdtr(np.arange(R + 1.0), R, p)
    below, above = int(np.searchsorted(reached, tail)), int(np.searchsorted(reached, 1 - tail)) + 1
    open_end = np.full(array.shape[1], np.inf)
    return Quantile(
        array[min(R, int(np.ceil(p * R))) - 1],
        array[below - 1] if below >= 1 else -open_end,
        array[above - 1] if above <= R else open_end,
    )


def exceedance(values: npt.ArrayLike, limit: npt.ArrayLike, share: float) -> tuple[Floats, Floats]:
    """Is limit (P,) exceeded with a probability of at most ``share``? The p-values, (P,) each, of "it is exceeded more
    often" (small: at most ``share``) and of "it is not" (small: more often), exact binomial tests of values (R, P)."""
    array = np.asarray(values, dtype=np.float64)
    count, R = (array > np.asarray(limit, dtype=np.float64)).sum(axis=0), len(array)
    # P(B >= 0) = 1, of which the tail knows nothing.
    often = np.where(count > 0, special.bdtrc(np.maximum(count, 1) - 1.0, R, share), 1.0)
    return special.bdtr(count.astype(np.float64), R, share), often
