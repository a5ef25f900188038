"""Means with less noise: regression on controls, numbers of each replicate whose expectation is known to be 0.

With any coefficients that do not depend on a replicate, its value less coefficients times controls has the expectation
of the value alone. So each fold of replicates is corrected with coefficients that the other folds give, and the
correction is unbiased at any number of replicates. (Coefficients of a fit to all replicates are not: they know each.)

The jackknife refits: what is returned are pseudo-values. With c the corrected values of R replicates, C their sum, and
m_r what C changes by, apart from c_r, when the coefficients are fitted without replicate r, the mean without r is
(C - c_r + m_r)/(R - 1), and the numbers c_r - m_r + mean(m) have the mean C/R and, up to the mean of all of them, those
means with one left out. So every jackknife over them, of a mean or of a function of means, is the one that refits. In a
fold with the sums X_f of its controls, the coefficients change by A^{-1} x_r e_r/(1 - h_r) without r, A being the
others' centred Gram matrix, e_r the residual and h_r the leverage: m_r is the sum of X_f' A^{-1} x_r e_r/(1 - h_r) over
the folds that r is not in.

Source: Hickernell, Lemieux, Owen, "Control variates for quasi-Monte Carlo", 2005, on the fit; Chernozhukov et al.,
"Double/debiased machine learning", 2018, on folds; Cook, "Detection of influential observation in linear regression",
1977, on leaving one out.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from riskkit.stats.jackknife import Floats

FOLDS = 8

LEAST = 64
"""Fewer replicates fit no coefficients."""

COST = 0.05
"""Controls that say nothing may raise the variance by this part."""


ROUNDING = 1e-9
"""A control whose spread is this part of the largest, or of the values, is what rounding left of a constant, which need
not have mean 0."""


def affordable(replicates: int) -> int:
    """How many controls may be fitted. Coefficients of C controls that say nothing, fitted to m replicates with normal
    controls, raise the variance by the part C/(m - C - 2); m is R - R/8."""
    if replicates < LEAST:
        return 0
    fitted = replicates - -(-replicates // FOLDS)
    return int(COST * (fitted - 2) / (1 + COST))


def regressed(values: npt.ArrayLike, controls: npt.ArrayLike) -> Floats:
    """values (R, P) less their regression on controls of expectation 0, cross-fitted by fold, as pseudo-values; as they
    are below LEAST replicates. Controls are (R, C), the same for all columns, or (P, R, C), of each column its own. Of
    more than ``affordable`` controls the first are taken. Folds are contiguous runs of replicates. Raises ValueError
    for shapes that do not match."""
    y, x = np.asarray(values, dtype=np.float64), np.asarray(controls, dtype=np.float64)
    if y.ndim != 2 or x.ndim not in (2, 3) or x.shape[:-1] not in (y.shape[:1], y.shape[::-1]):
        raise ValueError(
            f"regressed: values must be (R, P) and controls (R, C) or (P, R, C); got {y.shape} and {x.shape}."
        )
    if len(y) < LEAST:
        return y
    if x.ndim == 2:
        return _regressed_each(y[None], x[None])[0]
    return np.ascontiguousarray(_regressed_each(y.T[:, :, None], x)[:, :, 0].T)


def _regressed_each(y: Floats, x: Floats) -> Floats:
    """y (B, R, P) less its regression on x (B, R, C), for each of B sets; those with as many controls that say
    something are fitted together."""
    finite = np.isfinite(x)
    if not finite.all():
        x = np.where(finite.all(axis=(1, 2), keepdims=True), x, 0.0)
    spread = x.std(axis=1)
    largest = np.maximum(spread.max(axis=1, initial=0.0), np.nanmax(np.abs(y), axis=(1, 2), initial=0.0))
    says = spread > ROUNDING * largest[:, None]
    says &= np.cumsum(says, axis=1) <= affordable(y.shape[1])
    counts, found = says.sum(axis=1), y.copy()
    for count in np.unique(counts[counts > 0]).tolist():
        alike = np.flatnonzero(counts == count)
        kept = np.nonzero(says[alike])[1].reshape(len(alike), 1, count)
        scaled = (
            np.take_along_axis(x[alike], kept, axis=2) / np.take_along_axis(spread[alike], kept[:, 0], axis=1)[:, None]
        )
        found[alike] = _pseudo_values(y[alike], scaled)
    return found


def _pseudo_values(y: Floats, x: Floats) -> Floats:
    """Of y (B, R, P) on x (B, R, C), for each of B sets."""
    B, R, C = x.shape
    centred = y - y.mean(axis=1, keepdims=True)  # sums of squares keep their digits, however large the mean is
    edges = np.linspace(0, R, FOLDS + 1).astype(int)
    starts, counts = edges[:-1], np.diff(edges)
    folds = list(itertools.pairwise(edges.tolist()))
    home = np.repeat(np.arange(FOLDS), counts)
    # Of each fold's others: how many they are, their means, centred Gram matrix and products.
    sums, means = np.add.reduceat(x, starts, axis=1), np.add.reduceat(centred, starts, axis=1)
    others = (R - counts)[:, None]
    middle = (sums.sum(axis=1, keepdims=True) - sums) / others
    average = (means.sum(axis=1, keepdims=True) - means) / others
    both = np.concatenate([x, centred], axis=2)
    products = np.stack([x[:, a:b].transpose(0, 2, 1) @ both[:, a:b] for a, b in folds], axis=1)
    less = others[:, :, None] * middle[..., :, None] * np.concatenate([middle, average], axis=2)[..., None, :]
    products = products.sum(axis=1, keepdims=True) - products - less
    inverse = np.linalg.pinv(products[..., :C], rcond=1e-10, hermitian=True)  # (B, F, C, C)
    coefficients = inverse @ products[..., C:]  # (B, F, C, P)
    corrected = y - np.concatenate([x[:, a:b] @ coefficients[:, f] for f, (a, b) in enumerate(folds)], axis=1)
    # What leaving out a replicate changes in the sums of the other folds. With m the middle of a fold's others and A
    # its inverse, the leverage is 1/others + x' A x - 2 x' A m + m' A m.
    shifted = (inverse @ middle[..., None])[..., 0]
    pairs = (x[..., :, None] * x[..., None, :]).reshape(B, R, C * C)
    squares = pairs @ inverse.reshape(B, FOLDS, C * C).transpose(0, 2, 1)
    leverage = 1 / others[:, 0] + squares - 2 * (x @ shifted.transpose(0, 2, 1))
    leverage += (middle * shifted).sum(axis=2)[:, None]
    ways = (inverse @ sums[..., None])[..., 0]
    reach = (x @ ways.transpose(0, 2, 1) - (middle * ways).sum(axis=2)[:, None]) / np.maximum(1 - leverage, 1e-6)
    reach[:, np.arange(R), home] = 0.0
    constants = average - np.einsum("bfc,bfcp->bfp", middle, coefficients)
    moved = reach.sum(axis=2)[..., None] * centred - reach @ constants
    for c in range(C):
        moved -= x[..., c : c + 1] * (reach @ coefficients[:, :, c])
    return np.asarray(corrected - moved + moved.mean(axis=1, keepdims=True))
