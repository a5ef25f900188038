"""Are means the values that are known exactly? AGREES, DISAGREES; of a planted fault MISSED, DETECTED.

AGREES is an equivalence within a margin that is declared beforehand: the simultaneous band of the cells contains every
exact value, and every mean lies within the margin of its own. DISAGREES: the 99% band leaves out an exact value. A
noisy mean agrees with anything, and so does neither.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.identity import label, short
from riskkit.judges.arrays import as_cells
from riskkit.judges.outcome import Outcome, Verdict, afford, counted, starved, undecided
from riskkit.stats.bands import ROUNDING, Band, simultaneous_band
from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import MINIMUM_VERDICT, SEEN
from riskkit.stats.multiplicity import cautious, p_text

AGREEMENT = 0.05
"""The margin of an equivalence, as a part of the exact value. Half of it, 2.5%, is what the bounds' own tolerance
amounts to, and twice, 10%, is a difference that a reader would call one: a truth that is 10% off must not agree."""

DOUBT = 0.01
"""The level of DISAGREES. An identity has a proof, and a sweep tests dozens: at .05 a family, one of them would be
doubted by chance in most sweeps. Between the two levels nothing is said."""


def judge_identity(
    values: npt.ArrayLike | Columns,
    expected: npt.ArrayLike,
    *,
    subject: str,
    margin: float = AGREEMENT,
    scale: npt.ArrayLike | None = None,
    alpha: float = 0.05,
) -> Verdict:
    """Are the means the exact values? values (R, P), expected (P,).

    AGREES if no exact value lies outside the simultaneous band and every mean is equivalent to its own within
    ``margin`` of ``scale`` (default |expected|): two one-sided tests in each cell, all of which must pass. DISAGREES if
    the band leaves one out at the level DOUBT, and its p-value counts alpha / DOUBT times in a family. The band, not
    Holm over t tests of the cells, guards the family: far in the tail the t distribution is wrong by orders of
    magnitude for skewed errors (4 standard errors below the truth happen to .0056 of all means of 32 exponentials, not
    to .0002). AGREES needs ``SEEN`` replicates, for fewer may miss what is rare.
    Raises ValueError if the scale is not positive.
    """
    found = _compared("judge_identity", values, expected, subject, margin, scale)
    if isinstance(found, Verdict):
        return found
    draft, said = found.draft, found.said
    doubt = min(1.0, cautious(found.p_off) * alpha / DOUBT)
    if doubt <= alpha:
        said += "" if draft.exact else f"; {p_text(found.p_off)} over all cells"
        judged = draft.concluded(Outcome.DISAGREES, said, doubt)
        return judged if draft.exact else dataclasses.replace(judged, p_value=doubt, p_adjusted=doubt)
    if not draft.exact:
        reach = short(100 * found.reach, 2)
        where = (
            f"{reach}% from the exact values" if scale is None else f"{reach}% of the compared means from the exact 0"
        )
        said += f"; the simultaneous 95% band reaches {where}, and the margin of agreement is {label(100 * margin)}%"
    if found.p_off <= alpha:
        said += f"; an exact value lies outside that band ({p_text(found.p_off)}), but not outside the 99% band"
        return draft.concluded(Outcome.INCONCLUSIVE, said, 1.0, 2.0 * draft.replicates)
    if found.p_within <= alpha:
        return draft.concluded(Outcome.AGREES, said, found.p_within)
    needed = max(float(SEEN), found.needed) if math.isfinite(found.needed) else math.inf
    return draft.concluded(Outcome.INCONCLUSIVE, said + afford(needed), min(found.p_off, found.p_within), needed)


def judge_control(
    values: npt.ArrayLike | Columns,
    pretended: npt.ArrayLike,
    *,
    subject: str,
    margin: float = AGREEMENT,
    scale: npt.ArrayLike | None = None,
    alpha: float = 0.05,
) -> Verdict:
    """Is a planted fault told from what it pretends to be? DETECTED if the band leaves out one of the pretended values,
    MISSED if the means are equivalent to all of them within the margin. Arguments as of ``judge_identity``."""
    found = _compared("judge_control", values, pretended, subject, margin, scale)
    if isinstance(found, Verdict):
        return found
    if found.p_off <= alpha:
        tested = "" if found.draft.exact else f"; {p_text(found.p_off)} over all cells"
        return found.draft.concluded(Outcome.DETECTED, f"{found.said}{tested}", found.p_off)
    if found.p_within <= alpha:
        return found.draft.concluded(Outcome.MISSED, found.said, found.p_within)
    return found.draft.concluded(Outcome.INCONCLUSIVE, found.said, min(found.p_off, found.p_within), found.needed)


class _Compared(NamedTuple):
    """Means and exact values.

    ``p_off``: against equality in all cells; ``p_within``: against a difference of the margin in any cell; ``reach``:
    how far the band reaches from the exact values, in parts of the scale; ``needed``: replicates that would decide.
    """

    draft: Verdict
    said: str
    p_off: float
    p_within: float
    reach: float
    needed: float


def _compared(
    owner: str,
    values: npt.ArrayLike | Columns,
    expected: npt.ArrayLike,
    subject: str,
    margin: float,
    scale: npt.ArrayLike | None,
) -> _Compared | Verdict:
    columns, exact, _ = as_cells(owner, values, expected, None)
    size = np.abs(exact) if scale is None else np.broadcast_to(np.asarray(scale, dtype=np.float64), exact.shape)
    if not np.all(size > 0):
        raise ValueError(f"{owner}: scale must be > 0 in every cell; give it where an expected value is 0.")
    replicates, cells = columns.shape
    draft = undecided("identity", subject, replicates, points=cells, exact=columns.constant)
    if replicates < MINIMUM_VERDICT:
        return starved(draft)
    if not columns.finite.all():
        diverged = int(np.count_nonzero(~columns.finite))
        return draft.concluded(Outcome.INCONCLUSIVE, f"{diverged} of {counted(cells, 'cell')} diverged")
    band = simultaneous_band(columns)
    mean, sem = band.mean, band.sem
    # What differs from the exact value by rounding in every replicate is equal, though its rounding has a mean.
    off = np.maximum(np.abs(columns.least - exact), np.abs(columns.most - exact))
    equal = off <= ROUNDING * size
    aim = np.where(equal, mean, exact)
    z = np.where(sem > 0, (mean - aim) / np.where(sem > 0, sem, 1.0), np.where(equal, 0.0, np.inf))
    worst = int(np.argmax(np.abs(z)))
    draft = dataclasses.replace(draft, ratio=float(mean[worst] / exact[worst]) if exact[worst] else math.nan)
    said = (
        f"the largest deviation over {counted(cells, 'cell')} is {abs(z[worst]):.2f} standard errors (measured "
        f"{short(mean[worst], 4)}, exact {short(exact[worst], 4)}, standard error {short(sem[worst], 2)}, "
        f"{draft.basis})"
    )
    if draft.exact:
        part = float((np.abs(mean - aim) / size).max())
        over = f"over {counted(cells, 'cell')} is {short(part, 2)} of the exact value"
        said = f"the largest deviation of {draft.basis} {over}"
    return _Compared(
        draft,
        said,
        p_off=min(1.0, 2 * min(band.p_above(aim), band.p_below(aim))),
        p_within=max(band.p_all_below(aim + margin * size), band.p_all_above(aim - margin * size)),
        reach=float((np.maximum(band.high - aim, aim - band.low) / size).max()),
        needed=_needed(band, aim, margin * size),
    )


def _needed(band: Band, aim: Floats, allowed: Floats) -> float:
    """Replicates at which the band would lie within what is allowed, or leave out a value, if the means stayed where
    they are."""
    off = np.abs(band.mean - aim)
    half = np.maximum(band.high - band.mean, band.mean - band.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(off < allowed, (half / (allowed - off)) ** 2, np.inf)
        outside = np.where((off > allowed) & (half > 0), (half / off) ** 2, np.inf)
    factor = min(float(inside.max()), float(outside.min()))
    return float(np.ceil(band.replicates * factor)) if math.isfinite(factor) else math.inf
