"""Is a measured exponent the one that is known exactly, on the same points? AGREES, DISAGREES.

Against an exponent that is known in the limit only: AGREES, or PRE-ASYMPTOTIC, since what a finite window shows
contradicts no limit.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from riskkit.identity import label
from riskkit.judges.arrays import slope_text
from riskkit.judges.outcome import Outcome, Verdict, afford, starved, undecided
from riskkit.judges.rate import equivalent, rate_replicates, window_end
from riskkit.stats.columns import Columns
from riskkit.stats.jackknife import MINIMUM_VERDICT
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS, RateFit, fit_curve, fit_ratio


def judge_exponent(
    values: npt.ArrayLike | Columns,
    x: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    subject: str,
    axis: str,
    asymptote: float = math.nan,
    margin: float = MARGIN,
    alpha: float = 0.05,
) -> Verdict:
    """Is the measured exponent that of an exact oracle on the same points with the same weights?

    values (R, P), x (P,) and reference (P,) are positive; alpha: the significance level.

    AGREES if the 90% interval of the difference lies inside +- margin, and at the end of the grid inside +- twice the
    margin; DISAGREES if the 95% interval lies outside the margin.
    ``asymptote`` is the oracle's exponent in the limit, which no finite grid need show; the verdict carries the
    distance to it.
    """
    columns = Columns.of(values)
    fit = fit_ratio(columns, reference, x)
    draft = undecided("exponent", subject, fit.replicates, axis=axis, points=fit.x.size, exact=columns.constant)
    if (nothing := _unfitted(draft, fit)) is not None:
        return nothing
    oracle = fit_curve(reference, fit.x, fit.weights).slope
    low, high = fit.interval(0.90)
    distance = fit.slope + oracle - asymptote
    draft = dataclasses.replace(
        draft,
        slope=fit.slope + oracle,
        slope_low=fit.low + oracle,
        slope_high=fit.high + oracle,
        claim_slope=oracle,
        difference=fit.slope,
        difference_low=low,
        difference_high=high,
        asymptote=asymptote,
        asymptote_distance=distance,
        start=float(fit.x[0]),
        stop=float(fit.x[-1]),
    )
    where = f"for {axis} from {label(fit.x[0])} to {label(fit.x[-1])} ({fit.x.size} points, {draft.basis})"
    found = (
        f"the measured exponent is {slope_text(draft.slope, draft.slope_low, draft.slope_high, 95)}, the exact one on "
        f"the same points {oracle:+.3f}, the difference {slope_text(fit.slope, low, high, 90)} against a declared "
        f"margin of {label(margin)} {where}"
    )
    if math.isfinite(asymptote):
        found += f"; {distance:+.3f} from the asymptote {asymptote:+g}"
    last = window_end(fit.x.size)
    curve = np.asarray(reference, dtype=np.float64)
    end = fit_ratio(columns.columns(slice(last, None)), curve[last:], fit.x[last:])
    p_agrees = equivalent(fit, (end,), margin)
    p_disagrees = 2 * min(fit.p_above(margin), fit.p_below(-margin))
    if p_agrees <= alpha:
        return draft.concluded(Outcome.AGREES, found, p_agrees)
    if p_disagrees <= alpha:
        return draft.concluded(Outcome.DISAGREES, found, p_disagrees)
    needed = rate_replicates(fit, margin, fit.replicates)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_agrees, p_disagrees), needed)


def _unfitted(draft: Verdict, fit: RateFit) -> Verdict | None:
    """The verdict where there is no exponent to judge, or None."""
    if fit.x.size < MINIMUM_POINTS:
        return draft.concluded(Outcome.TOO_FEW_POINTS, fit.reason)
    if fit.replicates < MINIMUM_VERDICT:
        return starved(draft)
    if not fit.fitted:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{fit.reason} ({fit.replicates} replicates)")
    return None


def judge_limit(
    values: npt.ArrayLike | Columns,
    x: npt.ArrayLike,
    limit: float,
    *,
    subject: str,
    axis: str,
    margin: float = MARGIN,
    alpha: float = 0.05,
) -> Verdict:
    """Is the measured exponent on these points the one that is stated for x without end?

    AGREES if the 90% interval of the difference lies inside +- margin, and at the end of the grid inside +- twice the
    margin; PRE-ASYMPTOTIC if the 95% interval lies outside the margin, on whichever side.
    """
    columns, points = Columns.of(values), np.asarray(x, dtype=np.float64)
    curve = points**limit
    fit = fit_ratio(columns, curve, points)
    draft = undecided("limit", subject, fit.replicates, axis=axis, points=fit.x.size, exact=columns.constant)
    if (nothing := _unfitted(draft, fit)) is not None:
        return nothing
    low, high = fit.interval(0.90)
    draft = dataclasses.replace(
        draft,
        slope=fit.slope + limit,
        slope_low=fit.low + limit,
        slope_high=fit.high + limit,
        claim_slope=limit,
        difference=fit.slope,
        difference_low=low,
        difference_high=high,
        asymptote=limit,
        asymptote_distance=fit.slope,
        start=float(fit.x[0]),
        stop=float(fit.x[-1]),
    )
    found = (
        f"the measured exponent is {slope_text(draft.slope, draft.slope_low, draft.slope_high, 95)}, the limit "
        f"{limit:+g}, the difference {slope_text(fit.slope, low, high, 90)} against a declared margin of "
        f"{label(margin)} for {axis} from {label(fit.x[0])} to {label(fit.x[-1])} ({fit.x.size} points, {draft.basis})"
    )
    last = window_end(fit.x.size)
    end = fit_ratio(columns.columns(slice(last, None)), curve[last:], points[last:])
    p_within = equivalent(fit, (end,), margin)
    p_off = 2 * min(fit.p_above(margin), fit.p_below(-margin))
    if p_within <= alpha:
        return draft.concluded(Outcome.AGREES, f"{found}; no finite window proves a limit", p_within)
    if p_off <= alpha:
        side = "slower" if fit.slope > 0 else "faster"
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC, f"{found}: on this window the mean falls {side} than in the limit"
        )
    needed = rate_replicates(fit, margin, fit.replicates)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_within, p_off), needed)
