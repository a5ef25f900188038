"""Families of tests: adjusted p-values, and how far into its tail a test is believed.

A statistic of skewed errors is far in the tail more often than its reference distribution says: with nominal p-values
under .0001, ten times as often (32 to 128 replicates, exponential and log-normal errors). A family of 177 tests decides
at .05/177, so this cannot be left alone: a p-value below ``BELIEVED`` is replaced by its geometric mean with it, and
nothing below ``LEAST`` is printed.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from riskkit.stats.jackknife import Floats

BELIEVED = 0.01
"""The smallest p-value that is taken at its word."""

LEAST = 0.001
"""Smaller ones are printed as ``p < 0.001``."""


def cautious(p_value: float) -> float:
    """sqrt(BELIEVED p) for p < BELIEVED, a tail ten times heavier at .0001; p itself above, and nan for nan."""
    return math.sqrt(BELIEVED * p_value) if p_value < BELIEVED else p_value


def p_text(p_value: float) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    return f"p = {p_value:.2g}" if p_value >= LEAST else f"p < {LEAST:g}"


def holm(p_values: npt.ArrayLike) -> Floats:
    """Holm's step-down adjustment of ``p_values`` (M,), in the order given; nan (no test) stays nan and is not counted.

    Raises ValueError for what are no numbers in [0, 1]. Source: Holm, A simple sequentially rejective multiple test
    procedure, 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or np.any((p < 0) | (p > 1)):
        raise ValueError(f"holm: p_values must be (m,) numbers in [0, 1] or nan; got {p}.")
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(order.size, 0, -1)))
    return adjusted
