"""The delete-a-group jackknife over whole replicates: the one resampling unit of every interval in riskkit.

A replicate is one dataset and one index stream, read at every checkpoint and in every configuration, so the columns of
a replicate are dependent and are left out together. Up to ``GROUPS`` replicates each group is one replicate; above,
groups are contiguous runs of ceil(R / GROUPS) replicates, the last one possibly shorter.

Unequal groups follow Busing, Meijer and van der Leeden (1999), whose variance is exactly unbiased for a mean whatever
the group sizes, and is the ordinary jackknife for equal ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.columns import Columns
from riskkit.stats.columns import Floats as Floats

MINIMUM_INTERVAL = 16
"""Fewer replicates than this get no interval."""

MINIMUM_VERDICT = 32
"""Fewer replicates than this get no verdict."""

SEEN = 119
"""Of so many replicates one at least, with probability .95, shows an event that happens to 1 in 40. Fewer say nothing
about the largest values of a law whose range is not known, and so nothing of its mean from above."""


class LeaveOut(NamedTuple):
    """Means and variances of R replicates with one group left out at a time.

    Attributes:
        full: (P,) mean over all replicates.
        partial: (G, P) row g is the mean over the replicates outside group g.
        variance, partial_variance: sample variances of the same replicates; nan where one replicate is left.
        sizes: (G,) replicates in each group.
        sums: (G, P) of each group's values less ``full``.
    """

    full: Floats
    partial: Floats
    variance: Floats
    partial_variance: Floats
    sizes: npt.NDArray[np.int64]
    sums: Floats

    def columns(self, which: slice) -> LeaveOut:
        """Those of some of the columns."""
        full, variance = self.full[which], self.variance[which]
        return LeaveOut(
            full, self.partial[:, which], variance, self.partial_variance[:, which], self.sizes, self.sums[:, which]
        )

    @property
    def replicates(self) -> int:
        return int(self.sizes.sum())

    @property
    def df(self) -> int:
        """Degrees of freedom of a jackknife t: groups - 1, that is R - 1 up to GROUPS replicates."""
        return self.sizes.size - 1


def leave_out(values: npt.ArrayLike | Columns) -> LeaveOut:
    """Leave-one-group-out means and variances of values (R, P); ValueError for fewer than two replicates. Variances are
    nan for differences of columns of which only sums are kept."""
    columns = Columns.of(values)
    replicates = columns.replicates
    if replicates < 2:
        raise ValueError(f"leave_out: values must be (R, P) with R >= 2; got shape {columns.shape}.")
    full = columns.mean()
    # Sums of deviations, not of values: the leave-out moments then keep full precision however large the mean is.
    sums, sizes = columns.grouped(columns.deviations(full))
    squares, _ = columns.grouped(columns.squared_deviations(full))
    count = (replicates - sizes)[:, None]
    shift = sums / count
    total = squares.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        partial_variance = ((total - squares) - count * shift**2) / (count - 1)
    return LeaveOut(full, full - shift, total / (replicates - 1), partial_variance, sizes, sums)


def standard_error(full: Floats, partial: Floats, sizes: npt.NDArray[np.int64]) -> Floats:
    """Jackknife standard error of a statistic from its full value, of any shape, and its leave-out values ``partial``
    (G, ...).

    ``sizes`` (G,): replicates in each group.
    """
    groups = sizes.size
    h = (sizes.sum() / sizes).reshape((groups,) + (1,) * (partial.ndim - 1))
    # Pseudo-values minus the full value; centring them at their own mean is the bias correction of the centre.
    pseudo = (h - 1) * (full - partial)
    corrected = np.sum((1 - 1 / h) * (full - partial), axis=0)
    return np.asarray(np.sqrt(np.mean((pseudo - corrected) ** 2 / (h - 1), axis=0)))


def covariance(full: Floats, partial: Floats, sizes: npt.NDArray[np.int64]) -> Floats:
    """(Q, Q), that of a vector (Q,) from its leave-out values ``partial`` (G, Q), by the same jackknife."""
    h = (sizes.sum() / sizes)[:, None]
    shift = full - partial
    scaled = ((h - 1) * shift - np.sum((1 - 1 / h) * shift, axis=0)) / np.sqrt(h - 1)
    return np.asarray(scaled.T @ scaled / sizes.size)


def t_quantile(level: float, df: float) -> float:
    """Half width, in standard errors, of a two-sided t interval of confidence ``level`` with ``df`` degrees of
    freedom."""
    return float(special.stdtrit(df, 0.5 + level / 2))
