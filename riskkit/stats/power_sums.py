"""Sums of powers, ``C1 n^a + C2 T^b + floor``: exponents that a single line through a mixture would blur.

For given exponents the coefficients are linear, so the search runs over the exponents alone (variable projection,
Golub and Pereyra 1973) and cannot be trapped by a bad start of a coefficient. Intervals are jackknife-t over whole
replicates, each leave-out fit running to convergence from the full one.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize

from riskkit.stats.jackknife import MINIMUM_INTERVAL, Floats, leave_out, standard_error, t_quantile

STARTS = np.linspace(-3.0, 1.0, 17)
"""Exponents tried for each term before the search; the search itself is unbounded."""

ITERATIONS = 100
"""Of the leave-out fits; one that has not converged by then makes the fit UNIDENTIFIED."""


class Floor(enum.StrEnum):
    """Whether the model has a constant term."""

    ABSENT = "absent"
    FREE = "free"


class PowerStatus(enum.StrEnum):
    """Why a sum of powers has no fit, or no intervals."""

    FITTED = "fitted"
    STARVED = "too few replicates"
    UNIDENTIFIED = "not identified"
    NOT_FINITE = "not finite"


@dataclasses.dataclass(frozen=True)
class PowerSum:
    """A fitted sum of m powers, nan where the status forbids.

    Attributes:
        exponents, exponents_low, exponents_high: (m,) with jackknife-t intervals.
        coefficients, coefficients_low, coefficients_high: (m,) the value of each term where its coordinate is 1;
            intervals on the log scale, nan for a coefficient that is not positive in every leave-out fit.
        floor, floor_low, floor_high: the constant term; 0 with Floor.ABSENT.
        residuals: (P,) measured minus fitted mean, in standard errors.
        level, replicates, status, reason: as in a RateFit.
    """

    exponents: Floats
    exponents_low: Floats
    exponents_high: Floats
    coefficients: Floats
    coefficients_low: Floats
    coefficients_high: Floats
    floor: float
    floor_low: float
    floor_high: float
    residuals: Floats
    level: float
    replicates: int
    status: PowerStatus
    reason: str


def fit_powers(
    values: npt.ArrayLike,
    coordinates: Sequence[npt.ArrayLike],
    *,
    floor: Floor = Floor.ABSENT,
    level: float = 0.95,
) -> PowerSum:
    """``mean = sum_i C_i x_i^a_i (+ floor)`` by weighted least squares with weights 1 / sem^2; values (R, P);
    intervals of confidence ``level``.

    ``coordinates`` holds one array (P,) of positive numbers for each term, 1 to 3 of them; a coordinate given twice
    makes a mixture of two powers of it, whose terms come back with ascending exponents. The points need not be a grid.
    Raises ValueError for shapes that do not match, for more terms than 3, and for fewer points than parameters + 1.
    """
    array = np.asarray(values, dtype=np.float64)
    x = np.array([np.asarray(c, dtype=np.float64) for c in coordinates])
    if not 1 <= x.shape[0] <= 3:
        raise ValueError(f"fit_powers: coordinates must hold 1 to 3 arrays; got {x.shape[0]}.")
    if array.ndim != 2 or array.shape[0] < 2 or x.shape[1:] != array.shape[1:]:
        raise ValueError(
            f"fit_powers: values must be (R, P) with R >= 2 and coordinates (P,); got {array.shape} and {x.shape[1:]}."
        )
    if not (np.all(x > 0) and np.all(np.isfinite(x))):
        raise ValueError("fit_powers: coordinates must be positive and finite.")
    terms, constant = x.shape[0], int(floor is Floor.FREE)
    replicates, points = array.shape
    unknown = 2 * terms + constant
    if points <= unknown:
        raise ValueError(f"fit_powers: {unknown} parameters need at least {unknown + 1} points; got {points}.")
    if not np.isfinite(array).all():
        return _unfitted(terms, points, level, replicates, PowerStatus.NOT_FINITE, "some values are not finite")
    left = leave_out(array)
    if not np.all(left.partial_variance > 0):
        return _unfitted(terms, points, level, replicates, PowerStatus.UNIDENTIFIED, "a column does not vary")
    # Logarithms centred at the middle of the points: coefficients and exponents then hardly depend on each other.
    u = np.log(x)
    middle = u.mean(axis=1)
    u = u - middle[:, None]
    sem = np.sqrt(left.variance / replicates)
    start = _project(left.full, sem, u, constant)
    theta, converged = _refine(left.full[None], 1 / sem[None] ** 2, u, start[None])
    left_over = (replicates - left.sizes)[:, None]
    leaves, all_converged = _refine(
        left.partial, left_over / left.partial_variance, u, np.tile(theta, (left.sizes.size, 1))
    )
    if not (converged.all() and all_converged.all()):
        return _unfitted(
            terms,
            points,
            level,
            replicates,
            PowerStatus.UNIDENTIFIED,
            f"{int((~all_converged).sum())} of {left.sizes.size} leave-out fits did not converge: the points do not "
            "tell the terms apart",
        )
    full = theta[0]
    half = t_quantile(level, left.df) if replicates >= MINIMUM_INTERVAL else math.nan
    exponents, exponent_leaves = full[terms : 2 * terms], leaves[:, terms : 2 * terms]
    exponent_se = standard_error(exponents, exponent_leaves, left.sizes)
    coefficients = full[:terms] * np.exp(-exponents * middle)
    with np.errstate(invalid="ignore", divide="ignore"):
        log = np.log(full[:terms]) - exponents * middle
        log_leaves = np.log(leaves[:, :terms]) - exponent_leaves * middle
        log_se = standard_error(log, log_leaves, left.sizes)
    bottom = bottom_half = 0.0
    if constant:
        bottom = float(full[-1])
        bottom_half = half * float(standard_error(full[-1:], leaves[:, -1:], left.sizes)[0])
    order = np.lexsort((exponents, [next(j for j in range(terms) if np.array_equal(x[j], c)) for c in x]))
    starved = replicates < MINIMUM_INTERVAL
    return PowerSum(
        exponents=exponents[order],
        exponents_low=(exponents - half * exponent_se)[order],
        exponents_high=(exponents + half * exponent_se)[order],
        coefficients=coefficients[order],
        coefficients_low=np.exp(log - half * log_se)[order],
        coefficients_high=np.exp(log + half * log_se)[order],
        floor=bottom,
        floor_low=bottom - bottom_half,
        floor_high=bottom + bottom_half,
        residuals=(left.full - _model(theta, u)[0][0]) / sem,
        level=level,
        replicates=replicates,
        status=PowerStatus.STARVED if starved else PowerStatus.FITTED,
        reason=f"{replicates} replicates, and an interval needs {MINIMUM_INTERVAL}" if starved else "",
    )


def _unfitted(terms: int, points: int, level: float, replicates: int, status: PowerStatus, reason: str) -> PowerSum:
    missing = np.full(terms, math.nan)
    return PowerSum(
        exponents=missing,
        exponents_low=missing,
        exponents_high=missing,
        coefficients=missing,
        coefficients_low=missing,
        coefficients_high=missing,
        floor=math.nan,
        floor_low=math.nan,
        floor_high=math.nan,
        residuals=np.full(points, math.nan),
        level=level,
        replicates=replicates,
        status=status,
        reason=reason,
    )


def _project(y: Floats, sem: Floats, u: Floats, constant: int) -> Floats:
    """Parameters (C_1 .., a_1 .., floor) by variable projection from the best point of a grid of exponents."""

    def linear(exponents: Floats) -> tuple[Floats, Floats]:
        columns = np.exp(exponents[:, None] * u)
        design = np.vstack([columns, np.ones((constant, y.size))]).T / sem[:, None]
        coefficients = np.asarray(np.linalg.lstsq(design, y / sem, rcond=None)[0], dtype=np.float64)
        misfit: Floats = design @ coefficients - y / sem
        return coefficients, misfit

    def residual(exponents: Floats) -> Floats:
        return linear(exponents)[1]

    # A constant is the power 0: with a free floor that start would be singular.
    tried = STARTS[STARTS != 0] if constant else STARTS
    starts = (np.array(start) for start in itertools.product(tried, repeat=u.shape[0]))
    best = min(starts, key=lambda start: float(np.sum(residual(start) ** 2)))
    exponents = np.asarray(optimize.least_squares(residual, best, x_scale=0.1, xtol=1e-12, ftol=1e-12, gtol=1e-12).x)
    coefficients = linear(exponents)[0]
    terms = u.shape[0]
    return np.concatenate([coefficients[:terms], exponents, coefficients[terms:]])


def _model(theta: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Fitted means (G, P) and their derivatives (G, P, q) at parameters theta (G, q)."""
    terms = u.shape[0]
    powers = np.exp(theta[:, terms : 2 * terms, None] * u)
    parts = theta[:, :terms, None] * powers
    slopes = [powers, parts * u]
    if theta.shape[1] > 2 * terms:
        slopes.append(np.ones((theta.shape[0], 1, u.shape[1])))
    bottom = theta[:, 2 * terms :].sum(axis=1)[:, None]
    return np.asarray(parts.sum(axis=1) + bottom), np.concatenate(slopes, axis=1).transpose(0, 2, 1)


def _refine(y: Floats, weights: Floats, u: Floats, theta: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Levenberg-Marquardt for all rows of y (G, P) at once: parameters (G, q), and which rows converged.

    At a stationary point of the joint problem the coefficients are the projected ones, so this finishes the projection.
    """
    theta = theta.copy()
    damping = np.full(y.shape[0], 1e-6)
    done = np.zeros(y.shape[0], dtype=bool)
    fitted, slopes = _model(theta, u)
    loss = np.sum(weights * (y - fitted) ** 2, axis=1)
    for _ in range(ITERATIONS):
        normal = np.einsum("gpi,gp,gpj->gij", slopes, weights, slopes)
        gradient = np.einsum("gpi,gp->gi", slopes, weights * (y - fitted))
        scale = np.sqrt(np.einsum("gii->gi", normal))
        with np.errstate(invalid="ignore", divide="ignore"):
            unit = normal / scale[:, :, None] / scale[:, None, :] + damping[:, None, None] * np.eye(theta.shape[1])
            if not np.isfinite(unit).all():
                return theta, done
            step = np.linalg.solve(unit, (gradient / scale)[..., None])[..., 0] / scale
        with np.errstate(over="ignore", invalid="ignore"):
            trial = theta + step
            new_fitted, new_slopes = _model(trial, u)
            new_loss = np.sum(weights * (y - new_fitted) ** 2, axis=1)
        # A step that is small in every standard error ends the row; the loss itself then only moves by rounding.
        done |= np.max(np.abs(step) * scale, axis=1) <= 1e-6
        better = (new_loss <= loss) & ~done
        theta[better], loss[better] = trial[better], new_loss[better]
        fitted[better], slopes[better] = new_fitted[better], new_slopes[better]
        damping = np.where(better, damping / 10, damping * 10)
        if done.all():
            break
    return theta, done
