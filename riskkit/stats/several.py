"""Exponents of something positive in several coordinates at once, and whether a product of powers fits at all.

A law of two coordinates that is summarised by one, such as n/(kT), has intervals that contradict each other from one
grid to the next. So each coordinate has its own exponent, by least squares in log-log coordinates with jackknife-t
intervals, and what is left over is tested: residuals beyond their jackknife covariance are a lack of fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.columns import Floats
from riskkit.stats.jackknife import covariance, standard_error, t_quantile


class Exponents(NamedTuple):
    """A product of powers fitted to P points.

    Attributes:
        exponents, se: of each coordinate, (C,).
        df: of the jackknife t.
        lack_of_fit: p-value against a product of powers; nan where no point is left over, or nothing varies.
        residual: the largest |log of measured / fitted|.
        points: P.
    """

    exponents: Floats
    se: Floats
    df: int
    lack_of_fit: float
    residual: float
    points: int

    def interval(self, c: int, level: float) -> tuple[float, float]:
        half = t_quantile(level, self.df) * float(self.se[c])
        return float(self.exponents[c]) - half, float(self.exponents[c]) + half


def fit_exponents(
    at: npt.ArrayLike, leaves: Sequence[Floats], sizes: npt.NDArray[np.int64], coordinates: npt.ArrayLike
) -> Exponents:
    """at (P,) > 0 at coordinates (P, C) > 0; ``leaves``: P arrays (G,) of log ``at`` with one group of replicates left
    out, ``sizes`` (G,). Raises ValueError for shapes that do not match, for numbers that are not positive, and where
    the points do not tell the coordinates apart."""
    y, x = np.log(np.asarray(at, dtype=np.float64)), np.log(np.asarray(coordinates, dtype=np.float64))
    if x.ndim != 2 or y.shape != (len(x),) or len(leaves) != len(x):
        raise ValueError(f"fit_exponents: at must be (P,) and coordinates (P, C); got {y.shape} and {x.shape}.")
    each = np.stack(leaves, axis=1)
    if not (np.isfinite(y).all() and np.isfinite(x).all() and np.isfinite(each).all()):
        raise ValueError("fit_exponents: every point must be positive and known in each leave-out.")
    design = np.column_stack([np.ones(len(x)), x - x.mean(axis=0)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(f"fit_exponents: {len(x)} points do not tell {x.shape[1]} coordinates apart.")
    solve = np.linalg.pinv(design)
    full, partial = solve @ y, each @ solve.T
    se = standard_error(full, partial, sizes)
    # An orthonormal basis of what the fit leaves over.
    rest = np.linalg.qr(design, mode="complete")[0][:, design.shape[1] :]
    return Exponents(
        full[1:],
        se[1:],
        sizes.size - 1,
        _hotelling(rest.T @ y, each @ rest, sizes),
        float(np.abs(rest @ (rest.T @ y)).max()),
        len(x),
    )


def _hotelling(full: Floats, partial: Floats, sizes: npt.NDArray[np.int64]) -> float:
    """p-value against a vector (Q,) with mean 0, its covariance that of the jackknife over groups: Hotelling's T^2."""
    groups, q = partial.shape
    if q == 0 or groups - 1 <= q:
        return np.nan
    errors = covariance(full, partial, sizes)
    if np.linalg.matrix_rank(errors) < q:
        return np.nan
    squared = float(full @ np.linalg.solve(errors, full))
    df = groups - 1
    return float(special.fdtrc(q, df - q + 1, squared * (df - q + 1) / (df * q)))
