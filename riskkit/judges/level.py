"""Is the mean under the bound in every cell?

HOLDS: the simultaneous band lies under bound * (1 + tolerance) in every cell that is judged. VIOLATED: it lies above
the bound somewhere. VACUOUS: the bound exceeds what is true of every run, in every cell.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.identity import label, short
from riskkit.judges.arrays import all_cells, as_cells, aside_text
from riskkit.judges.outcome import Outcome, Verdict, afford, caveat, counted, starved, undecided
from riskkit.stats.bands import Band, simultaneous_band
from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import MINIMUM_VERDICT, SEEN

TOLERANCE = 0.02
"""HOLDS allows the mean this fraction above the bound: some bounds are equalities, and a strict comparison with an
equality stays undecided for ever."""


def judge_level(
    values: npt.ArrayLike | Columns,
    bound: npt.ArrayLike,
    trivial: npt.ArrayLike | None,
    *,
    subject: str,
    labels: Sequence[str] = (),
    bound_errors: npt.ArrayLike | Columns | None = None,
    start: npt.ArrayLike | None = None,
    tolerance: float = TOLERANCE,
    alpha: float = 0.05,
) -> Verdict:
    """Is |mean| under the bound in every cell? values (R, P), bound and trivial (P,); trivial None if nothing is known.

    ``trivial`` is what no run exceeds, the range of the quantity. Cells whose bound is at or above it are left out and
    counted. A cell that diverged (non-finite values) forbids HOLDS. ``bound_errors`` (R, P): how much of the bound
    comes from each replicate less the mean over them, to first order, where its inputs are means over the same
    replicates; the bound is then compared with its error. ``start`` (P,) is the mean before the first step: how many
    bounds are no smaller is a remark. ``tolerance``: the part of the bound that the band may exceed it by and HOLD;
    ``alpha``: the significance level. ``labels`` (P,) name the cells in the sentence. Raises ValueError for shapes that
    do not match.

    Fewer than ``SEEN`` replicates may miss values that are rare and large, and then the band is too low. They let a
    bound HOLD only if the range leaves no room for that: values of a probability p that were not seen, (1 - p)^R > .05,
    add at most p times the range.
    """
    columns, limit, known = as_cells("judge_level", values, bound, trivial)
    replicates, cells = columns.shape
    if bound_errors is not None:
        columns = paired_with_bound("judge_level", columns, bound_errors)
    if labels and len(labels) != cells:
        raise ValueError(f"judge_level: labels must name each of the {cells} cells; got {len(labels)}.")
    live, finite = limit < known, columns.finite
    judged = live & finite
    exact = bool(judged.any()) and columns.columns(judged).constant
    draft = undecided("level", subject, replicates, points=int(judged.sum()), exact=exact)
    if not live.any():
        return draft.concluded(
            Outcome.VACUOUS, f"the bound is at or above what is true of every run in {all_cells(cells)}"
        )
    diverged = int(np.count_nonzero(live & ~finite))
    aside = aside_text(int(np.count_nonzero(~live)), diverged)
    at_start = np.asarray(math.inf if start is None else start, dtype=np.float64)
    if no_better := int(np.count_nonzero((limit >= at_start) & judged)):
        aside += f"; in {no_better} of them the bound is no better than not starting"
    if not judged.any():
        return draft.concluded(Outcome.INCONCLUSIVE, f"no cell is left to judge{aside}")
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    band, limit, known = simultaneous_band(columns.columns(judged), 1 - alpha), limit[judged], known[judged]
    stated, limit = limit, np.where((band.mean == 0) & (band.sem == 0), 1.0, limit)  # 0 is under a bound of 0
    test = level_test(band, limit, tolerance)
    ratios = _over(np.abs(band.mean), limit)
    draft = dataclasses.replace(draft, ratio=float(ratios.max()))
    percent = f"{label(100 * (1 - alpha))}%"
    if test.p_violated <= alpha:
        lows = _over(np.maximum(band.low, -band.high), limit)
        worst = int(np.argmax(lows))
        named = [label for label, keep in zip(labels, judged, strict=True) if keep] if labels else []
        place = f" at {named[worst]}" if named else ""
        draft = dataclasses.replace(draft, exceeded=int(np.count_nonzero(lows > 1)))
        lower = "" if exact else f" and its simultaneous {percent} lower band {short(lows[worst], 4)}"
        return draft.concluded(
            Outcome.VIOLATED,
            f"the mean exceeds the bound in {draft.exceeded} of "
            f"{counted(ratios.size, 'cell')}, most clearly{place}, where measured / bound is {short(ratios[worst])}"
            f"{lower} ({draft.basis}{aside}): a bug, a "
            "hypothesis that fails, or a bound that is false",
            test.p_violated,
        )
    reach = _over(np.maximum(np.abs(band.low), np.abs(band.high)), limit)
    upper = "" if exact else f", and its simultaneous {percent} upper band {short(reach.max(), 4)},"
    found = (
        f"measured / bound is at most {short(ratios.max())}{upper} "
        f"in {all_cells(ratios.size)} ({draft.basis}; declared tolerance {label(100 * tolerance)}%{aside})"
    )
    if test.p_holds <= alpha and not diverged and replicates < SEEN and not exact:
        with np.errstate(divide="ignore"):  # room for the whole range
            unseen = float(np.max(np.log1p(-np.clip(stated * (1 + tolerance - reach) / known, 0, 1))))
        if unseen * replicates > math.log(alpha):
            found += f"; a value seen in 1 of 40 replicates may be missing from so few ({SEEN} are needed)"
            return draft.concluded(Outcome.INCONCLUSIVE, found, test.p_holds, SEEN)
    if test.p_holds <= alpha and not diverged:
        return draft.concluded(Outcome.HOLDS, f"{found}; {caveat(draft, 'bound')}", test.p_holds)
    if diverged:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{found}; a diverged cell forbids HOLDS", test.p_violated)
    needed = max(float(SEEN), _level_replicates(band, limit, tolerance))
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(test.p_violated, test.p_holds), needed)


def _over(value: Floats, limit: Floats) -> Floats:
    """value / limit; infinite over a bound of 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(value == 0, 0.0, value / limit)


def paired_with_bound(owner: str, columns: Columns, bound_errors: npt.ArrayLike | Columns) -> Columns:
    """The values less the errors of the bound, replicate by replicate: the same mean, and the spread of measured -
    bound (measured + bound where the mean is negative)."""
    errors = Columns.of(bound_errors)
    if errors.shape != columns.shape:
        raise ValueError(
            f"{owner}: bound_errors must have the shape {columns.shape} of the values; got {errors.shape}."
        )
    return columns.shifted(np.where(columns.mean() < 0, -1.0, 1.0) * errors.deviations(errors.mean()))


class LevelTest(NamedTuple):
    """The p-values of the two things that can be said of a level."""

    p_violated: float
    p_holds: float


def level_test(band: Band, limit: Floats, tolerance: float) -> LevelTest:
    """|mean| against the bound, two-sided: each side of the band has half the error probability."""
    wide = limit * (1 + tolerance)
    return LevelTest(
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
