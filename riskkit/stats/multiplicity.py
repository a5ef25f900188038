"""Families of tests: adjusted p-values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskkit.stats.jackknife import Floats


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's step-down adjustment, (m,) in the order given; nan (no test) stays nan and is not counted."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or np.any((p < 0) | (p > 1)):
        raise ValueError(f"holm: p_values must be (m,) numbers in [0, 1] or nan; got {p}.")
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)))
    return adjusted
