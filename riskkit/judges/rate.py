"""Does measured / claim stay constant along the axis?

TIGHT: its slope is equivalent to 0, over the window and at its end: the 90% interval of the one lies inside +- margin
(two one-sided tests at .05), that of the other, which has half the points, inside +- twice the margin. LOOSE: it falls
by more than the margin, over the window and at its end; along an axis without a limit it grows or falls by more than
the margin, or by more than twice the margin over one of its halves: loose where it is smaller. REFUTED:
it grows by more than the margin at the end of the window, where the explicit bound is not vacuous and proportional to
the claim, and is itself violated.
NOT DECAYING: the claim does not decrease where an error bound ought to. TOO FEW POINTS: fewer than four are left.
PRE-ASYMPTOTIC: what they show is a transient, along an axis with a limit.

A growing ratio alone refutes nothing: a bound that starts too high is approached from below, and the ratio grows while
the bound holds throughout.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.identity import label
from riskkit.judges.arrays import as_cells, slope_text
from riskkit.judges.level import TOLERANCE, level_test, paired_with_bound
from riskkit.judges.outcome import Outcome, Verdict, afford, caveat, counted, starved, undecided
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.columns import Columns, Floats, selecting_replicates
from riskkit.stats.jackknife import MINIMUM_VERDICT, t_quantile
from riskkit.stats.slopes import (
    MARGIN,
    MINIMUM_POINTS,
    RateFit,
    choose_window,
    curvature,
    fit_curve,
    fit_rate,
)

FLAT = 0.05
"""explicit / claim is proportional where its slope is smaller: 1/(kT + j0) against 1/(kT) is, from kT = 20 j0 on."""

END_MARGIN = 2.0
"""The margin of the slope at the end of a window, in margins: .1, which half the points of a window can decide. A rate
whose end bends away by as much is called TIGHT at the level of the test, .05."""

OF_ENDS = 0.2
"""The share of the level that goes to the two ends, along an axis without a limit, where the whole may be loose or, if
it is not, an end of it: a ratio that falls and then grows is not constant, though its slope over the whole is 0."""

UNBOUNDED_AXES = frozenset({"n", "T", "k", "kT"})
"""Axes with a limit that a rate speaks about. Along any other, such as alpha in (0, 1], a claim can be followed
(TIGHT) or be loose at one end (LOOSE), never refuted: an O(.) with another constant always holds there."""

OUGHT_TO_DECREASE = frozenset(
    {("optimization", "T"), ("optimization", "kT"), ("distance", "T"), ("distance", "kT"), ("generalization", "n")}
)
"""(quantity, axis) pairs whose claim is VACUOUS unless it decreases. Not among them: generalization along T, whose
claim grows; the optimization error along n, which may be constant; and sums of both."""


def judge_rate(
    values: npt.ArrayLike | Columns,
    x: npt.ArrayLike,
    claim: npt.ArrayLike,
    explicit: npt.ArrayLike | None,
    trivial: npt.ArrayLike | None,
    *,
    subject: str,
    quantity: str,
    axis: str,
    margin: float = MARGIN,
    bound_errors: npt.ArrayLike | Columns | None = None,
    flat: float = FLAT,
    alpha: float = 0.05,
    floor: float = 0.0,
) -> Verdict:
    """Does the mean follow the claim along the axis? values (R, P), x, claim, explicit, trivial (P,).

    Points where the explicit bound is at or above the trivial value, which no run exceeds, are left out. The window is
    chosen on the first quarter of the replicates, the slope of measured / claim estimated on the rest. ``quantity`` and
    ``axis`` decide whether the claim ought to decrease (OUGHT_TO_DECREASE) and whether the axis has a limit
    (UNBOUNDED_AXES; all points and replicates are used on the others). Where ``explicit`` is None, or nan
    throughout, the transient cannot be told
    from the rate, and nothing is REFUTED. Means that are all negative (a signed generalization error) are judged by
    their absolute value. A mean at or under the numerical ``floor`` leaves no verdict: nothing is dropped.
    ``bound_errors`` as of ``judge_level``. ``margin``: slopes of measured / claim within it of 0 are TIGHT; ``flat``: a
    claim of a smaller slope is NOT DECAYING; ``alpha``: the significance level.

    Raises ValueError for shapes that do not match and for a claim that is not positive and finite.
    """
    columns, curve, _ = as_cells("judge_rate", values, claim, None)
    grid = np.asarray(x, dtype=np.float64)
    if grid.shape != curve.shape:
        raise ValueError(f"judge_rate: x must have shape {curve.shape}; got {grid.shape}.")
    if not (np.all(curve > 0) and np.all(np.isfinite(curve))):
        raise ValueError("judge_rate: the claim must be positive and finite everywhere; leave the other points out.")
    proved: Floats | None = None
    kept = np.ones(grid.size, dtype=bool)
    if explicit is not None and not np.isnan(np.asarray(explicit, dtype=np.float64)).all():
        _, proved, known = as_cells("judge_rate", columns, explicit, trivial)
        kept = proved < known
        proved = proved[kept]
    replicates, left = columns.replicates, int(kept.sum())
    aside = "" if kept.all() else f"; {counted(grid.size - left, 'point')} left out where the bound is vacuous"
    levels = columns if bound_errors is None else paired_with_bound("judge_rate", columns, bound_errors)
    columns, levels, grid, curve = columns.columns(kept), levels.columns(kept), grid[kept], curve[kept]
    draft = undecided("rate", subject, replicates, axis=axis, points=left, exact=bool(left) and columns.constant)
    if left < MINIMUM_POINTS:
        return draft.concluded(
            Outcome.TOO_FEW_POINTS,
            f"{counted(left, 'point')} along {axis}{aside}, and a rate needs {MINIMUM_POINTS}",
        )
    if (quantity, axis) in OUGHT_TO_DECREASE:
        last = window_end(grid.size)
        falls = fit_curve(curve[last:], grid[last:]).slope
        if falls > -margin:
            return dataclasses.replace(_measured(draft, columns, grid, proved), claim_slope=falls).concluded(
                Outcome.NOT_DECAYING,
                f"the claim itself does not decrease along {axis}: its slope at the end of the grid is {falls:+.3f}",
            )
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    if columns.finite.all() and np.all(columns.mean() < 0):
        columns, levels = -columns, -levels
    usable = fit_rate(columns, grid, floor=floor)
    if not usable.fitted:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{usable.reason} ({replicates} replicates)")
    if axis not in UNBOUNDED_AXES:
        seen = _rate_fit(draft, columns, grid, curve, proved, aside, margin, 0, 0)
        return _judge_bounded(seen, columns.over(curve), margin, alpha)
    selecting = selecting_replicates(replicates)
    start = choose_window(columns.part(0, selecting).over(curve), grid, margin=margin).start
    # Without a straight window the end of the grid is still read: a ratio that grows there may refute.
    straight = start is not None
    first = start if start is not None else grid.size - MINIMUM_POINTS
    seen = _rate_fit(draft, columns, grid, curve, proved, aside, margin, first, selecting)
    if not (seen.fit.fitted and seen.tail.fitted):
        reason = seen.fit.reason or seen.tail.reason
        return draft.concluded(Outcome.INCONCLUSIVE, f"{reason} ({replicates} replicates)")
    if 2 * seen.tail.p_above(margin) <= alpha:
        return _judge_growth(seen, levels.columns(slice(first + seen.last, None)), margin, flat, alpha)
    if not straight:
        return seen.draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{seen.found}; measured / claim bends on every window of {MINIMUM_POINTS} or more points",
        )
    return _judge_decay(seen, margin, flat, alpha)


def _measured(draft: Verdict, columns: Columns, grid: Floats, proved: Floats | None) -> Verdict:
    """With the measured slope over all points and the explicit bound's on the same ruler, where they can be had: a
    vacuous claim leaves them as what there is to report."""
    fit = fit_rate(columns, grid) if columns.replicates >= MINIMUM_VERDICT else None
    if fit is None or not fit.fitted:
        return draft
    explicit = math.nan if proved is None else fit_curve(proved, grid, fit.weights).slope
    return dataclasses.replace(draft, slope=fit.slope, slope_low=fit.low, slope_high=fit.high, explicit_slope=explicit)


class _RateFit(NamedTuple):
    """What a rate is judged on: measured / claim over the window and over its end.

    ``proved`` (W,) is the explicit bound in the window, ``last`` where its end begins; ``bend`` is the lower limit of
    the ratio's curvature; ``moves``, ``moves_last``, ``moves_whole`` are the slopes of explicit / claim over the
    window, over its end and over all points left (nan without an explicit bound).
    """

    draft: Verdict
    found: str
    fit: RateFit
    tail: RateFit
    proved: Floats | None
    last: int
    bend: float
    moves: float
    moves_last: float
    moves_whole: float


def _rate_fit(
    draft: Verdict,
    columns: Columns,
    grid: Floats,
    curve: Floats,
    proved: Floats | None,
    aside: str,
    margin: float,
    start: int,
    selecting: int,
) -> _RateFit:
    moves = moves_last = moves_whole = math.nan
    if proved is not None:
        moves_whole = fit_curve(proved / curve, grid).slope
        proved = proved[start:]
    columns, grid, curve = columns.columns(slice(start, None)), grid[start:], curve[start:]
    last = window_end(grid.size)
    ratios = columns.part(selecting).over(curve)
    fit, tail = fit_rate(ratios, grid), fit_rate(ratios.columns(slice(last, None)), grid[last:])
    bend = curvature(ratios, grid)[1] if fit.fitted else math.nan
    if proved is not None and fit.fitted and tail.fitted:
        moves = fit_curve(proved / curve, grid, fit.weights).slope
        moves_last = fit_curve(proved[last:] / curve[last:], grid[last:], tail.weights).slope
    claimed = fit_curve(curve, grid, fit.weights if fit.fitted else None).slope
    low, high = fit.interval(0.90)
    draft = dataclasses.replace(
        draft,
        slope=fit.slope + claimed,
        slope_low=fit.low + claimed,
        slope_high=fit.high + claimed,
        claim_slope=claimed,
        explicit_slope=claimed + moves,
        difference=fit.slope,
        difference_low=low,
        difference_high=high,
        start=float(grid[0]),
        stop=float(grid[-1]),
        points=grid.size,
        ratio=float(columns.columns([-1]).mean()[0] / curve[-1]),
    )
    found = (
        f"measured / claim has slope {slope_text(fit.slope, low, high, 90)} against a declared margin of "
        f"{label(margin)} for {draft.axis} from {label(grid[0])} to {label(grid[-1])} "
        f"({grid.size} points, {draft.basis}{aside}); the measured exponent is {draft.slope:+.3f}, "
        f"the claimed one {claimed:+.3f}"
    )
    return _RateFit(draft, found, fit, tail, proved, last, bend, moves, moves_last, moves_whole)


def equivalent(fit: RateFit, ends: Sequence[RateFit], margin: float) -> float:
    """p-value against a slope of ``fit`` outside +- margin, or of one of the ends outside +- END_MARGIN margins; 1 if
    one of them has no slope."""
    tests = [(fit, margin), *((end, END_MARGIN * margin) for end in ends)]
    if not all(one.fitted for one, _ in tests):
        return 1.0
    return max(max(one.p_above(-width), one.p_below(width)) for one, width in tests)


def _judge_bounded(seen: _RateFit, ratios: Columns, margin: float, alpha: float) -> Verdict:
    """Along an axis without a limit: followed over the whole and at both ends, or loose at one end."""
    draft, found, fit = seen.draft, seen.found, seen.fit
    half = ratios.shape[1] - window_end(ratios.shape[1])
    ends = (fit_rate(ratios.columns(slice(half)), fit.x[:half]), seen.tail)
    p_attained = equivalent(fit, ends, margin)
    p_whole = _off(fit, margin) / (1 - OF_ENDS)
    p_ends = [2 * _off(end, END_MARGIN * margin) / OF_ENDS for end in ends]
    p_loose = min(1.0, p_whole, *p_ends)
    if p_attained <= alpha:
        return draft.concluded(Outcome.TIGHT, f"{found}; {caveat(draft, 'rate')}", p_attained)
    if p_loose <= alpha and p_whole == p_loose:
        place = "small" if fit.slope > 0 else "large"
        return draft.concluded(
            Outcome.LOOSE, f"{found}; the claim is loose at one end, for {place} {draft.axis}", p_loose
        )
    if p_loose <= alpha:
        first, last = (slope_text(end.slope, *end.interval(0.90), 90) for end in ends)
        reason = f"measured / claim bends, with slope {first} over the first half and {last} over the last"
        return draft.concluded(Outcome.LOOSE, f"{found}; {reason}: the claim is loose where it is smaller", p_loose)
    needed = max(
        rate_replicates(one, width, draft.replicates)
        for one, width in ((fit, margin), *((end, END_MARGIN * margin) for end in ends))
        if one.fitted
    )
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_attained, p_loose), needed)


def _off(fit: RateFit, margin: float) -> float:
    """p-value against a slope inside +- margin, of a two-sided test; 1 where there is no slope."""
    return min(1.0, 2 * min(fit.p_above(margin), fit.p_below(-margin))) if fit.fitted else 1.0


def _judge_growth(seen: _RateFit, end: Columns, margin: float, flat: float, alpha: float) -> Verdict:
    """The ratio grows at the end of the window: a refutation only if nothing else explains it. ``end``: the values
    there, less the errors of the bound."""
    draft, tail = seen.draft, seen.tail
    grows = f"{seen.found}; at the end of the window it grows, slope {slope_text(tail.slope, tail.low, tail.high, 95)}"
    if seen.proved is None:
        return draft.concluded(
            Outcome.INCONCLUSIVE, f"{grows}, but no explicit bound tells a transient from the asymptotic rate"
        )
    if abs(seen.moves_last) > flat:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{grows}, but explicit / claim still moves there, slope {seen.moves_last:+.3f}",
        )
    band = simultaneous_band(end, 1 - alpha)
    test = level_test(band, seen.proved[seen.last :], TOLERANCE)
    p_value = max(2 * tail.p_above(margin), test.p_violated)
    if test.p_violated <= alpha:
        return draft.concluded(
            Outcome.REFUTED,
            f"{grows}, where explicit / claim is flat (slope {seen.moves_last:+.3f}) and the explicit bound is "
            "violated",
            p_value,
        )
    if test.p_holds <= alpha:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC, f"{grows}, towards an explicit bound of the claimed rate that holds there"
        )
    return draft.concluded(
        Outcome.INCONCLUSIVE,
        f"{grows}, and whether the explicit bound of the claimed rate holds there is undecided",
        p_value,
    )


def _judge_decay(seen: _RateFit, margin: float, flat: float, alpha: float) -> Verdict:
    """The ratio does not grow at the end of the window: constant, falling, or undecided."""
    draft, found, fit, tail = seen.draft, seen.found, seen.fit, seen.tail
    p_attained = equivalent(fit, (tail,), margin)
    p_slack = 2 * max(fit.p_below(-margin), tail.p_below(-margin))
    if p_attained <= alpha:
        if seen.proved is not None and abs(seen.moves) > flat:
            return draft.concluded(
                Outcome.PRE_ASYMPTOTIC,
                f"{found}; but explicit / claim still moves there, slope {seen.moves:+.3f}",
            )
        return draft.concluded(Outcome.TIGHT, f"{found}; {caveat(draft, 'rate')}", p_attained)
    if p_slack <= alpha:
        # A transient of a faster power looks slack while it lasts; its decay slows down.
        if seen.moves_whole + flat < seen.moves_last < -flat:
            return draft.concluded(
                Outcome.PRE_ASYMPTOTIC,
                f"{found}; but so far explicit / claim falls too, ever more slowly: slope {seen.moves_whole:+.3f} "
                f"over the grid, {seen.moves_last:+.3f} at the end of the window",
            )
        if seen.bend * math.log(draft.stop / draft.start) > margin:
            return draft.concluded(Outcome.PRE_ASYMPTOTIC, f"{found}; but its decay slows down within the window")
        return draft.concluded(Outcome.LOOSE, f"{found}: the mean falls faster than the claim", p_slack)
    off = 2 * min(fit.p_below(-margin), fit.p_above(margin)) <= alpha
    if off and not tail.low <= fit.slope <= tail.high:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{found}; the end of the window contradicts it, slope {slope_text(tail.slope, tail.low, tail.high, 95)}",
        )
    needed = rate_replicates(tail if off else fit, margin, draft.replicates)
    if not off and tail.fitted:
        needed = max(needed, rate_replicates(tail, END_MARGIN * margin, draft.replicates))
        found += f"; at the end of the window the slope is {slope_text(tail.slope, *tail.interval(0.90), 90)}"
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_attained, p_slack), needed)


def rate_replicates(fit: RateFit, margin: float, replicates: int) -> float:
    """Replicates at which the interval of the slope would clear the margin if the slope stayed where it is."""
    gap = abs(abs(fit.slope) - margin)
    if fit.se == 0:
        return math.inf
    half = t_quantile(0.90 if abs(fit.slope) < margin else 0.95, fit.df) * fit.se
    return math.inf if gap == 0 else float(math.ceil(replicates * (half / gap) ** 2))


def window_end(points: int) -> int:
    """Where the end of a window of that many points begins: its second half, at least MINIMUM_POINTS points."""
    return points - max(MINIMUM_POINTS, math.ceil(points / 2))
