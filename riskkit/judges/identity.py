"""Are means the values that are known exactly? AGREES, DISAGREES."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from riskkit.judges.arrays import as_cells
from riskkit.judges.outcome import Outcome, Verdict, afford, counted, starved, undecided
from riskkit.stats.bands import ROUNDING, simultaneous_band
from riskkit.stats.jackknife import MINIMUM_VERDICT


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
    array, exact, _ = as_cells("judge_identity", values, expected, None)
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
        f"cells), and 4 standard errors are at most {100 * coarse:.2g}% of "
        f"{'the exact values' if scale is None else 'the scale of the measured values'}"
    )
    if abs(z[worst]) >= 4 and p_value <= alpha:
        return draft.concluded(Outcome.DISAGREES, found, p_value)
    if abs(z[worst]) < 4 and coarse <= precision:
        return draft.concluded(Outcome.AGREES, found, p_value)
    needed = float(math.ceil(replicates * max(2.0 if abs(z[worst]) >= 4 else 1.0, (coarse / precision) ** 2)))
    return draft.concluded(Outcome.INCONCLUSIVE, found + afford(needed), p_value, needed)
