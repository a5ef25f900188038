"""Is the mean under the bound in every cell?

HOLDS: the simultaneous band lies under bound * (1 + tolerance) in every cell that is judged. VIOLATED: it lies above
the bound somewhere. VACUOUS: the bound exceeds what is true without it, in every cell.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.judges.arrays import all_cells, as_cells, aside_text
from riskkit.judges.outcome import Outcome, Verdict, afford, counted, starved, undecided
from riskkit.stats.bands import Band, simultaneous_band
from riskkit.stats.jackknife import MINIMUM_VERDICT, Floats

TOLERANCE = 0.02
"""HOLDS allows the mean this fraction above the bound: some bounds are equalities, and a strict comparison with an
equality stays undecided for ever."""


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
    array, limit, known = as_cells("judge_level", values, bound, trivial)
    replicates, cells = array.shape
    if labels and len(labels) != cells:
        raise ValueError(f"judge_level: labels must name each of the {cells} cells; got {len(labels)}.")
    live, finite = limit < known, np.isfinite(array).all(axis=0)
    judged = live & finite
    draft = undecided("level", subject, replicates, points=int(judged.sum()))
    if not live.any():
        return draft.concluded(Outcome.VACUOUS, f"the bound is at or above the trivial value in {all_cells(cells)}")
    diverged = int(np.count_nonzero(live & ~finite))
    aside = aside_text(int(np.count_nonzero(~live)), diverged)
    if not judged.any():
        return draft.concluded(Outcome.INCONCLUSIVE, f"no cell is left to judge{aside}")
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    band, limit = simultaneous_band(array[:, judged], 1 - alpha), limit[judged]
    test = level_test(band, limit, tolerance)
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
        f"in {all_cells(ratios.size)} ({replicates} replicates; declared tolerance {100 * tolerance:g}%{aside})"
    )
    if test.p_holds <= alpha and not diverged:
        return draft.concluded(Outcome.HOLDS, f"{found}; simulation never proves a bound", test.p_holds)
    if diverged:
        return draft.concluded(Outcome.INCONCLUSIVE, f"{found}; a diverged cell forbids HOLDS", test.p_violated)
    needed = _level_replicates(band, limit, tolerance)
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), min(test.p_violated, test.p_holds), needed)


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
