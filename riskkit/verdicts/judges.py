"""Verdicts: what a simulation can say about a bound, a rate or an oracle, in one word and one sentence.

Every outcome is an assertion with a stated error probability, or an admission:

level (``judge_level``: is the mean under the explicit bound in every cell?)
    HOLDS           the simultaneous band lies under bound * (1 + tolerance) in every cell that is judged
    VIOLATED        the simultaneous band lies above the bound somewhere
    VACUOUS         the bound exceeds what is true without it, in every cell
rate (``judge_rate``: does measured / claim stay constant along the axis?)
    ATTAINED        its slope is equivalent to 0: the 90% interval lies inside +- margin (two one-sided tests at .05)
    SLACK           it falls by more than the margin, over the window and at its end: the error decays faster
    REFUTED         it grows by more than the margin at the end of the window, where the explicit bound is below the
                    trivial value and proportional to the claim, and is itself violated
    VACUOUS         the claim does not decrease where an error bound ought to
    PRE-ASYMPTOTIC  fewer than four points are left, or what they show is a transient
exponent, identity (``judge_exponent``, ``judge_identity``: does the measurement agree with an exact oracle?)
    AGREES, DISAGREES
all of them
    INCONCLUSIVE    the replicates do not decide; with how many would
    NOT COVERED     a hypothesis fails; which

A growing ratio alone refutes nothing: a bound that starts above the trivial value is approached from below, and the
ratio grows while the bound holds throughout. Simulation never proves a bound, and no sentence here says so.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.stats.bands import ROUNDING, Band, simultaneous_band
from riskkit.stats.jackknife import MINIMUM_VERDICT, Floats, t_quantile
from riskkit.stats.multiplicity import holm
from riskkit.stats.planning import selecting_replicates
from riskkit.stats.slopes import (
    MARGIN,
    MINIMUM_POINTS,
    RateFit,
    choose_window,
    curvature,
    fit_curve,
    fit_rate,
    fit_ratio,
)
from riskkit.verdicts.outcome import Kind, Outcome, Verdict, adjust, afford, counted, not_covered, starved, undecided

__all__ = [
    "FLAT",
    "OUGHT_TO_DECREASE",
    "TOLERANCE",
    "UNBOUNDED_AXES",
    "Kind",
    "Outcome",
    "Verdict",
    "adjust",
    "holm",
    "judge_exponent",
    "judge_identity",
    "judge_level",
    "judge_rate",
    "not_covered",
]

TOLERANCE = 0.02
"""HOLDS allows the mean this fraction above the bound: some bounds are equalities, and a strict comparison with an
equality stays undecided for ever."""

FLAT = 0.05
"""explicit / claim is proportional where its slope is smaller: 1/(kT + j0) against 1/(kT) is, from kT = 20 j0 on."""

UNBOUNDED_AXES = frozenset({"n", "T", "k", "kT"})
"""Axes with a limit that a rate speaks about. Along any other, such as alpha in (0, 1], a claim can be followed
(ATTAINED) or be loose at one end (SLACK), never refuted: an O(.) with another constant always holds there."""

OUGHT_TO_DECREASE = frozenset(
    {("optimization", "T"), ("optimization", "kT"), ("distance", "T"), ("distance", "kT"), ("generalization", "n")}
)
"""(quantity, axis) pairs whose claim is VACUOUS unless it decreases. Not among them: generalization along T, whose
claim grows; the optimization error along n, which may be constant; and sums of both."""


def judge_level(
    values: npt.ArrayLike,
    bound: npt.ArrayLike,
    trivial: npt.ArrayLike | None,
    *,
    subject: str,
    labels: Sequence[str] = (),
    tolerance: float = TOLERANCE,
    alpha: float = 0.05,
) -> Verdict:
    """Is |mean| under the bound in every cell? values (R, P), bound and trivial (P,); trivial None if nothing is known.

    Cells whose bound is at or above the trivial value are left out and counted. A cell that diverged (non-finite
    values) forbids HOLDS. ``labels`` (P,) name the cells in the sentence. Raises ValueError for shapes that do not
    match.
    """
    array, limit, known = _cells("judge_level", values, bound, trivial)
    replicates, cells = array.shape
    if labels and len(labels) != cells:
        raise ValueError(f"judge_level: labels must name each of the {cells} cells; got {len(labels)}.")
    live, finite = limit < known, np.isfinite(array).all(axis=0)
    judged = live & finite
    draft = undecided("level", subject, replicates, points=int(judged.sum()))
    if not live.any():
        return draft.concluded(Outcome.VACUOUS, f"the bound is at or above the trivial value in {_all(cells)}")
    diverged = int(np.count_nonzero(live & ~finite))
    aside = _aside(int(np.count_nonzero(~live)), diverged)
    if not judged.any():
        return draft.concluded(Outcome.INCONCLUSIVE, f"no cell is left to judge{aside}")
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    band, limit = simultaneous_band(array[:, judged], 1 - alpha), limit[judged]
    test = _level_test(band, limit, tolerance)
    ratios = np.abs(band.mean) / limit
    draft = dataclasses.replace(draft, ratio=float(ratios.max()))
    percent = f"{100 * (1 - alpha):g}%"
    if test.p_violated <= alpha:
        lows = np.maximum(band.low, -band.high) / limit
        worst = int(np.argmax(lows))
        named = [label for label, keep in zip(labels, judged, strict=True) if keep] if labels else []
        place = f" at {named[worst]}" if named else ""
        return draft.concluded(
            Outcome.VIOLATED,
            f"the mean exceeds the bound in {np.count_nonzero(lows > 1)} of "
            f"{counted(ratios.size, 'cell')}, most clearly{place}, where measured / bound is {ratios[worst]:.3g} and "
            f"its simultaneous {percent} lower band {lows[worst]:.4g} ({replicates} replicates{aside}): a bug, or a "
            "hypothesis that fails",
            test.p_violated,
        )
    reach = np.maximum(np.abs(band.low), np.abs(band.high)) / limit
    found = (
        f"measured / bound is at most {ratios.max():.3g}, and its simultaneous {percent} upper band {reach.max():.4g}, "
        f"in {_all(ratios.size)} ({replicates} replicates; declared tolerance {100 * tolerance:g}%{aside})"
    )
    if test.p_holds <= alpha and not diverged:
        return draft.concluded(Outcome.HOLDS, f"{found}; simulation never proves a bound", test.p_holds)
    if diverged:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{found}; a diverged cell forbids HOLDS", test.p_violated)
    needed = _level_replicates(band, limit, tolerance)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(test.p_violated, test.p_holds), needed)


def judge_rate(
    values: npt.ArrayLike,
    x: npt.ArrayLike,
    claim: npt.ArrayLike,
    explicit: npt.ArrayLike | None,
    trivial: npt.ArrayLike | None,
    *,
    subject: str,
    quantity: str,
    axis: str,
    margin: float = MARGIN,
    flat: float = FLAT,
    alpha: float = 0.05,
    floor: float = 0.0,
) -> Verdict:
    """Does the mean follow the claim along the axis? values (R, P), x, claim, explicit, trivial (P,).

    Points where the explicit bound is at or above the trivial value are left out. The window is chosen on the first
    quarter of the replicates, the slope of measured / claim estimated on the rest. ``quantity`` and ``axis`` decide
    whether the claim ought to decrease (OUGHT_TO_DECREASE) and whether the axis has a limit (UNBOUNDED_AXES; all points
    and replicates are used on the others). Where ``explicit`` is None, or nan throughout, the transient cannot be told
    from the rate, and nothing is REFUTED. Means that are all negative (a signed generalization error) are judged by
    their absolute value. A mean at or under the numerical ``floor`` leaves no verdict: nothing is dropped.

    Raises ValueError for shapes that do not match and for a claim that is not positive and finite.
    """
    array, curve, _ = _cells("judge_rate", values, claim, None)
    grid = np.asarray(x, dtype=np.float64)
    if grid.shape != curve.shape:
        raise ValueError(f"judge_rate: x must have shape {curve.shape}; got {grid.shape}.")
    if not (np.all(curve > 0) and np.all(np.isfinite(curve))):
        raise ValueError("judge_rate: the claim must be positive and finite everywhere; leave the other points out.")
    proved: Floats | None = None
    kept = np.ones(grid.size, dtype=bool)
    if explicit is not None and not np.isnan(np.asarray(explicit, dtype=np.float64)).all():
        _, proved, known = _cells("judge_rate", array, explicit, trivial)
        kept = proved < known
        proved = proved[kept]
    replicates, left = array.shape[0], int(kept.sum())
    aside = "" if kept.all() else f"; {counted(grid.size - left, 'point')} left out where the bound is above trivial"
    array, grid, curve = array[:, kept], grid[kept], curve[kept]
    draft = undecided("rate", subject, replicates, axis=axis, points=left)
    if left < MINIMUM_POINTS:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{counted(left, 'point')} along {axis}{aside}, and a rate needs {MINIMUM_POINTS}",
        )
    if (quantity, axis) in OUGHT_TO_DECREASE:
        last = _end(grid.size)
        falls = fit_curve(curve[last:], grid[last:]).slope
        if falls > -margin:
            return dataclasses.replace(_measured(draft, array, grid, proved), claim_slope=falls).concluded(
                Outcome.VACUOUS,
                f"the claim itself does not decrease along {axis}: its slope at the end of the grid is {falls:+.3f}",
            )
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    if np.isfinite(array).all() and np.all(array.mean(axis=0) < 0):
        array = -array
    usable = fit_rate(array, grid, floor=floor)
    if not usable.fitted:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{usable.reason} ({replicates} replicates)")
    if axis not in UNBOUNDED_AXES:
        evidence = _rate_evidence(draft, array, grid, curve, proved, aside, margin, 0, 0)
        return _judge_bounded(evidence, margin, alpha)
    selecting = selecting_replicates(replicates)
    start = choose_window(array[:selecting] / curve, grid, margin=margin).start
    # Without a straight window the end of the grid is still read: a ratio that grows there may refute.
    straight = start is not None
    first = start if start is not None else grid.size - MINIMUM_POINTS
    evidence = _rate_evidence(draft, array, grid, curve, proved, aside, margin, first, selecting)
    if not (evidence.fit.fitted and evidence.tail.fitted):
        reason = evidence.fit.reason or evidence.tail.reason
        return draft.concluded(Outcome.INCONCLUSIVE, f"{reason} ({replicates} replicates)")
    if 2 * evidence.tail.p_above(margin) <= alpha:
        return _judge_growth(evidence, margin, flat, alpha)
    if not straight:
        return evidence.draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{evidence.found}; measured / claim bends on every window of {MINIMUM_POINTS} or more points",
        )
    return _judge_decay(evidence, margin, flat, alpha)


def _measured(draft: Verdict, array: Floats, grid: Floats, proved: Floats | None) -> Verdict:
    """With the measured slope over all points and the explicit bound's on the same ruler, where they can be had: a
    vacuous claim leaves them as what there is to report."""
    fit = fit_rate(array, grid) if array.shape[0] >= MINIMUM_VERDICT else None
    if fit is None or not fit.fitted:
        return draft
    explicit = math.nan if proved is None else fit_curve(proved, grid, fit.weights).slope
    return dataclasses.replace(draft, slope=fit.slope, slope_low=fit.low, slope_high=fit.high, explicit_slope=explicit)


def judge_exponent(
    values: npt.ArrayLike,
    x: npt.ArrayLike,
    reference: npt.ArrayLike,
    *,
    subject: str,
    axis: str,
    asymptote: float = math.nan,
    margin: float = MARGIN,
    alpha: float = 0.05,
) -> Verdict:
    """Is the measured exponent that of an exact oracle on the same points with the same weights? reference (P,) > 0.

    AGREES if the 90% interval of the difference lies inside +- margin, DISAGREES if the 95% interval lies outside it.
    ``asymptote`` is the oracle's exponent in the limit, which no finite grid need show; the verdict carries the
    distance to it.
    """
    fit = fit_ratio(values, reference, x)
    draft = undecided("exponent", subject, fit.replicates, axis=axis, points=fit.x.size)
    if fit.x.size < MINIMUM_POINTS:
        return draft.concluded(Outcome.PRE_ASYMPTOTIC, fit.reason)
    if fit.replicates < MINIMUM_VERDICT:
        return starved(draft)
    if not fit.fitted:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{fit.reason} ({fit.replicates} replicates)")
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
    where = f"for {axis} from {fit.x[0]:g} to {fit.x[-1]:g} ({fit.x.size} points, {fit.replicates} replicates)"
    found = (
        f"the measured exponent is {_slope(draft.slope, draft.slope_low, draft.slope_high, 95)}, the oracle's on the "
        f"same points {oracle:+.3f}, the difference {_slope(fit.slope, low, high, 90)} against a declared margin of "
        f"{margin:g} {where}"
    )
    if math.isfinite(asymptote):
        found += f"; {distance:+.3f} from the asymptote {asymptote:+g}"
    p_agrees = max(fit.p_above(-margin), fit.p_below(margin))
    p_disagrees = 2 * min(fit.p_above(margin), fit.p_below(-margin))
    if p_agrees <= alpha:
        return draft.concluded(Outcome.AGREES, found, p_agrees)
    if p_disagrees <= alpha:
        return draft.concluded(Outcome.DISAGREES, found, p_disagrees)
    needed = _rate_replicates(fit, margin, fit.replicates)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_agrees, p_disagrees), needed)


def judge_identity(
    values: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    subject: str,
    precision: float = 0.2,
    scale: npt.ArrayLike | None = None,
    alpha: float = 0.05,
) -> Verdict:
    """Are the means the exact values of an oracle? values (R, P), expected (P,).

    DISAGREES if some cell lies 4 standard errors off and outside the simultaneous band of the cells; AGREES if all lie
    within 4 standard errors *and* 4 standard errors are at most ``precision`` of ``scale`` (default |expected|) in
    every cell, for a noisy mean agrees with anything. The band, not Holm over t tests of the cells, guards the family:
    far in the tail the t distribution is wrong by orders of magnitude for skewed errors (4 standard errors below the
    truth happen to .0056 of all means of 32 exponentials, not to .0002). Raises ValueError if the scale is not
    positive.
    """
    array, exact, _ = _cells("judge_identity", values, expected, None)
    size = np.abs(exact) if scale is None else np.broadcast_to(np.asarray(scale, dtype=np.float64), exact.shape)
    if not np.all(size > 0):
        raise ValueError("judge_identity: scale must be > 0 in every cell; give it where an expected value is 0.")
    replicates, cells = array.shape
    draft = undecided("identity", subject, replicates, points=cells)
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    if not np.isfinite(array).all():
        diverged = int(np.count_nonzero(~np.isfinite(array).all(axis=0)))
        return draft.concluded(Outcome.INCONCLUSIVE, f"{diverged} of {counted(cells, 'cell')} diverged")
    band = simultaneous_band(array, 1 - alpha)
    mean, sem = band.mean, band.sem
    # What differs from the exact value by rounding in every replicate is equal, though its rounding has a mean.
    equal = (np.abs(array - exact) <= ROUNDING * size).all(axis=0)
    aim = np.where(equal, mean, exact)
    z = np.where(sem > 0, (mean - aim) / np.where(sem > 0, sem, 1.0), np.where(equal, 0.0, np.inf))
    p_value = min(1.0, 2 * min(band.p_above(aim), band.p_below(aim)))
    worst, coarse = int(np.argmax(np.abs(z))), float((4 * sem / size).max())
    draft = dataclasses.replace(draft, ratio=float(mean[worst] / exact[worst]) if exact[worst] else math.nan)
    found = (
        f"the largest |z| over {counted(cells, 'cell')} is {abs(z[worst]):.2f} (measured {mean[worst]:.4g}, exact "
        f"{exact[worst]:.4g}, standard error {sem[worst]:.2g}, {replicates} replicates, p = {p_value:.2g} over all "
        f"cells), and 4 standard errors are at most {100 * coarse:.2g}% of the exact values"
    )
    if abs(z[worst]) >= 4 and p_value <= alpha:
        return draft.concluded(Outcome.DISAGREES, found, p_value)
    if abs(z[worst]) < 4 and coarse <= precision:
        return draft.concluded(Outcome.AGREES, found, p_value)
    needed = float(math.ceil(replicates * max(2.0 if abs(z[worst]) >= 4 else 1.0, (coarse / precision) ** 2)))
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), p_value, needed)


class _LevelTest(NamedTuple):
    """The p-values of the two things that can be said of a level."""

    p_violated: float
    p_holds: float


def _level_test(band: Band, limit: Floats, tolerance: float) -> _LevelTest:
    """|mean| against the bound, two-sided: each side of the band has half the error probability."""
    wide = limit * (1 + tolerance)
    return _LevelTest(
        p_violated=min(1.0, 2 * min(band.p_above(limit), band.p_below(-limit))),
        p_holds=min(1.0, 2 * max(band.p_all_below(wide), band.p_all_above(-wide))),
    )


def _level_replicates(band: Band, limit: Floats, tolerance: float) -> float:
    """Replicates at which the level would be decided if every mean stayed where it is; inf if never."""
    size = np.abs(band.mean)
    over, under = size - limit, limit * (1 + tolerance) - size
    up, down = band.high - band.mean, band.mean - band.low
    outward, inward = np.where(band.mean >= 0, up, down), np.where(band.mean >= 0, down, up)
    # Cells past the tolerance will show the violation, the nearest first; without any, the last cell to clear counts.
    past = under <= 0
    with np.errstate(divide="ignore"):
        factor = np.min((inward[past] / over[past]) ** 2) if past.any() else np.max((outward / under) ** 2)
    return float(np.ceil(band.replicates * factor))


class _RateEvidence(NamedTuple):
    """What a rate is judged on: measured / claim over the window and over its end.

    ``values`` (R, W), ``proved`` (W,) are the measured values and the explicit bound of the window, ``last`` where its
    end begins; ``bend`` is the lower limit of the ratio's curvature; ``moves``, ``moves_last``, ``moves_whole`` are the
    slopes of explicit / claim over the window, over its end and over all points left (nan without an explicit bound).
    """

    draft: Verdict
    found: str
    fit: RateFit
    tail: RateFit
    values: Floats
    proved: Floats | None
    last: int
    bend: float
    moves: float
    moves_last: float
    moves_whole: float


def _rate_evidence(
    draft: Verdict,
    array: Floats,
    grid: Floats,
    curve: Floats,
    proved: Floats | None,
    aside: str,
    margin: float,
    start: int,
    selecting: int,
) -> _RateEvidence:
    moves = moves_last = moves_whole = math.nan
    if proved is not None:
        moves_whole = fit_curve(proved / curve, grid).slope
        proved = proved[start:]
    array, grid, curve = array[:, start:], grid[start:], curve[start:]
    last = _end(grid.size)
    ratios = array[selecting:] / curve
    fit, tail = fit_rate(ratios, grid), fit_rate(ratios[:, last:], grid[last:])
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
        ratio=float(array[:, -1].mean() / curve[-1]),
    )
    found = (
        f"measured / claim has slope {_slope(fit.slope, low, high, 90)} against a declared margin of {margin:g} for "
        f"{draft.axis} from {grid[0]:g} to {grid[-1]:g} ({grid.size} points, {draft.replicates} replicates{aside}); "
        f"the measured exponent is {draft.slope:+.3f}, the claimed one {claimed:+.3f}"
    )
    return _RateEvidence(draft, found, fit, tail, array, proved, last, bend, moves, moves_last, moves_whole)


def _judge_bounded(evidence: _RateEvidence, margin: float, alpha: float) -> Verdict:
    """Along an axis without a limit: followed, or loose at one end."""
    draft, found, fit = evidence.draft, evidence.found, evidence.fit
    p_attained = max(fit.p_above(-margin), fit.p_below(margin))
    p_loose = 2 * min(fit.p_above(margin), fit.p_below(-margin))
    if p_attained <= alpha:
        return draft.concluded(Outcome.ATTAINED, f"{found}; simulation never proves a rate", p_attained)
    if p_loose <= alpha:
        end = "small" if fit.slope > 0 else "large"
        return draft.concluded(Outcome.SLACK, f"{found}; the claim is loose at {end} {draft.axis}", p_loose)
    needed = _rate_replicates(fit, margin, draft.replicates)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_attained, p_loose), needed)


def _judge_growth(evidence: _RateEvidence, margin: float, flat: float, alpha: float) -> Verdict:
    """The ratio grows at the end of the window: a refutation only if nothing else explains it."""
    draft, tail = evidence.draft, evidence.tail
    grows = f"{evidence.found}; at the end of the window it grows, slope {_slope(tail.slope, tail.low, tail.high, 95)}"
    if evidence.proved is None:
        return draft.concluded(
            Outcome.INCONCLUSIVE, f"{grows}, but no explicit bound tells a transient from the asymptotic rate"
        )
    if abs(evidence.moves_last) > flat:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{grows}, but explicit / claim still moves there, slope {evidence.moves_last:+.3f}",
        )
    band = simultaneous_band(evidence.values[:, evidence.last :], 1 - alpha)
    test = _level_test(band, evidence.proved[evidence.last :], TOLERANCE)
    p_value = max(2 * tail.p_above(margin), test.p_violated)
    if test.p_violated <= alpha:
        return draft.concluded(
            Outcome.REFUTED,
            f"{grows}, where explicit / claim is flat (slope {evidence.moves_last:+.3f}) and the explicit bound is "
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


def _judge_decay(evidence: _RateEvidence, margin: float, flat: float, alpha: float) -> Verdict:
    """The ratio does not grow at the end of the window: constant, falling, or undecided."""
    draft, found, fit, tail = evidence.draft, evidence.found, evidence.fit, evidence.tail
    p_attained = max(fit.p_above(-margin), fit.p_below(margin))
    p_slack = 2 * max(fit.p_below(-margin), tail.p_below(-margin))
    if p_attained <= alpha:
        if evidence.proved is not None and abs(evidence.moves) > flat:
            return draft.concluded(
                Outcome.PRE_ASYMPTOTIC,
                f"{found}; but explicit / claim still moves there, slope {evidence.moves:+.3f}",
            )
        return draft.concluded(Outcome.ATTAINED, f"{found}; simulation never proves a rate", p_attained)
    if p_slack <= alpha:
        # A transient of a faster power looks slack while it lasts; its decay slows down.
        if evidence.moves_whole + flat < evidence.moves_last < -flat:
            return draft.concluded(
                Outcome.PRE_ASYMPTOTIC,
                f"{found}; but so far explicit / claim falls too, ever more slowly: slope {evidence.moves_whole:+.3f} "
                f"over the grid, {evidence.moves_last:+.3f} at the end of the window",
            )
        if evidence.bend * math.log(draft.stop / draft.start) > margin:
            return draft.concluded(Outcome.PRE_ASYMPTOTIC, f"{found}; but its decay slows down within the window")
        return draft.concluded(Outcome.SLACK, f"{found}: the mean falls faster than the claim", p_slack)
    off = 2 * min(fit.p_below(-margin), fit.p_above(margin)) <= alpha
    if off and not tail.low <= fit.slope <= tail.high:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{found}; the end of the window contradicts it, slope {_slope(tail.slope, tail.low, tail.high, 95)}",
        )
    needed = _rate_replicates(tail if off else fit, margin, draft.replicates)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(p_attained, p_slack), needed)


def _rate_replicates(fit: RateFit, margin: float, replicates: int) -> float:
    """Replicates at which the interval of the slope would clear the margin if the slope stayed where it is."""
    gap = abs(abs(fit.slope) - margin)
    half = t_quantile(0.90 if abs(fit.slope) < margin else 0.95, fit.df) * fit.se
    return math.inf if gap == 0 else float(math.ceil(replicates * (half / gap) ** 2))


def _end(points: int) -> int:
    """Where the end of a window of that many points begins: its second half, at least MINIMUM_POINTS points."""
    return points - max(MINIMUM_POINTS, math.ceil(points / 2))


def _cells(
    owner: str, values: npt.ArrayLike, bound: npt.ArrayLike, trivial: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """values (R, P), bound (P,), trivial (P,) as float64; ValueError if they do not match or a curve is nan."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 1:
        raise ValueError(f"{owner}: values must be (R, P) with R, P >= 1; got shape {array.shape}.")
    shape = (array.shape[1],)
    limit = np.asarray(bound, dtype=np.float64)
    known = np.asarray(math.inf if trivial is None else trivial, dtype=np.float64)
    if limit.shape not in ((), shape) or known.shape not in ((), shape):
        raise ValueError(f"{owner}: curves must be numbers or have shape {shape}; got {limit.shape}, {known.shape}.")
    if np.isnan(limit).any() or np.isnan(known).any():
        raise ValueError(f"{owner}: a curve is nan; judge covered cells alone, and report the others as not_covered().")
    return array, np.broadcast_to(limit, shape), np.broadcast_to(known, shape)


def _slope(slope: float, low: float, high: float, percent: int) -> str:
    return f"{slope:+.3f} ({percent}% interval [{low:+.3f}, {high:+.3f}])"


def _all(cells: int) -> str:
    return "the one cell" if cells == 1 else f"all {cells} cells"


def _aside(vacuous: int, diverged: int) -> str:
    parts = []
    if vacuous:
        parts.append(f"; {counted(vacuous, 'cell')} left out where the bound is at or above the trivial value")
    if diverged:
        parts.append(f"; {counted(diverged, 'cell')} diverged")
    return "".join(parts)
