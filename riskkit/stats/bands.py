"""Simultaneous bands by sup-t: one statement about all points of a curve, or all cells of a table, at once.

The band reaches from mean - c_low sem to mean + c_high sem, with the same two numbers for all points, chosen so that
the largest studentised error on either side is exceeded with half the error probability. Its distribution is that of
the bootstrap: whole replicates are drawn with replacement, all points together, and every draw is studentised with its
own standard errors.

Two things in this are there because the plainer ones fail. Each draw has its own standard error, for errors of
optimization are skewed: where a sample misses the tail, mean and standard error are both too small. And the sides are
separate, for the same reason. Gaussian multipliers with t margins cover .71 where they say .95 (40 independent
exponential cells, 32 replicates), and every miss is an upper band that is too low, a false HOLDS; this band covers .97.

What is drawn are runs of replicates, DRAWN of them at most; standard errors of the band itself leave out as many groups
as everywhere. What the draws add to a t quantile is the skewness of a mean, in its first order, and that is the same
for replicates as for their sums over runs, as are all correlations; fewer groups cost a t quantile with 255 degrees of
freedom, larger by half a percent than with 1,023, and draws are the dearest part of judging.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from riskkit.stats.columns import Columns, Floats
from riskkit.stats.jackknife import leave_out, standard_error

DRAWS = 4095
"""Bootstrap draws; the Monte Carlo error of a .95 coverage is then .0034."""

DRAWN = 256
"""Groups that are drawn, at most: contiguous runs of those that are left out."""

SEED = 20211206
"""Of the draws: bands are functions of the data alone."""

TOGETHER = 256
"""Points whose draws are made together: they stay in cache."""

RESOLVED = 0.01
"""Tail probability down to which the draws are counted; beyond, a t tail is carried on from there."""

ROUNDING = 1e-9
"""A column whose standard error is below this fraction of its mean is a constant; bounds are compared to it with the
same allowance."""


@dataclasses.dataclass(frozen=True)
class Side:
    """One side of a band: how large the largest studentised error gets there.

    Attributes:
        suprema: (DRAWS,) sorted; infinite for a draw in which a varying column is constant.
        points, df: varying columns, and the degrees of freedom of each.
    """

    suprema: Floats
    points: int
    df: int

    def critical(self, tail: float) -> float:
        """What is exceeded with probability ``tail``; 0 if no column varies, inf if the replicates cannot tell."""
        if self.points == 0:
            return 0.0
        # The (1 - tail)(B + 1)-th of B draws: exact for exchangeable draws, where an interpolated quantile is not.
        rank = int(np.ceil((1 - tail) * (self.suprema.size + 1)))
        return float(self.suprema[min(rank, self.suprema.size) - 1])

    def tail(self, statistic: float) -> float:
        """The probability that the largest studentised error reaches ``statistic``."""
        if np.isinf(statistic) or self.points == 0:
            return float(statistic <= 0)
        resolved = self.critical(RESOLVED)
        if statistic <= resolved or not np.isfinite(resolved):
            count = self.suprema.size - int(np.searchsorted(self.suprema, statistic, side="left"))
            return (1 + count) / (1 + self.suprema.size)
        # Beyond the draws: the union bound over t tails, its argument scaled so that it passes through the last
        # quantile that the draws resolve. The scale holds what correlation takes away and what skewness adds.
        scale = resolved / -float(special.stdtrit(self.df, RESOLVED / self.points))
        return float(min(RESOLVED, self.points * special.stdtr(self.df, -statistic / scale)))


@dataclasses.dataclass(frozen=True)
class Band:
    """A simultaneous band over P points.

    Attributes:
        mean, sem, low, high: (P,); sem is 0 for a column that does not vary.
        level: the simultaneous coverage.
        replicates: R.
        over, under: the distribution of sup (mean - truth) / sem, which the lower limit needs, and of
            sup (truth - mean) / sem, which the upper one needs.
    """

    mean: Floats
    sem: Floats
    low: Floats
    high: Floats
    level: float
    replicates: int
    over: Side
    under: Side

    def p_above(self, value: Floats) -> float:
        """p-value against ``truth <= value`` at all points: small if the lower limit clears some of them."""
        return self.over.tail(float(self._studentised(self.mean - value, value).max()))

    def p_below(self, value: Floats) -> float:
        """p-value against ``truth >= value`` at all points: small if the upper limit clears some of them."""
        return self.under.tail(float(self._studentised(value - self.mean, value).max()))

    def p_all_below(self, value: Floats) -> float:
        """p-value against ``truth >= value`` at any point: small if the upper limit clears all of them."""
        return self.under.tail(float(self._studentised(value - self.mean, value).min()))

    def p_all_above(self, value: Floats) -> float:
        """p-value against ``truth <= value`` at any point: small if the lower limit clears all of them."""
        return self.over.tail(float(self._studentised(self.mean - value, value).min()))

    def _studentised(self, difference: Floats, value: Floats) -> Floats:
        """difference / sem; for a constant column +-inf, and at equality up to rounding 0."""
        varies = self.sem > 0
        equal = np.abs(difference) <= ROUNDING * np.abs(value)
        exact = np.where(equal, 0.0, np.copysign(np.inf, difference))
        return np.where(varies, difference / np.where(varies, self.sem, 1.0), exact)


def simultaneous_band(values: npt.ArrayLike | Columns, level: float = 0.95) -> Band:
    """The band of confidence ``level`` over the columns of values (R, P); ValueError for a non-finite value or fewer
    than two replicates.

    Columns that do not vary, up to rounding, have a band of no width and take no part in the suprema. A column that
    varies in a replicate or two alone gets an infinite limit, for many draws miss them: so little cannot bound a mean.
    """
    columns = Columns.of(values)
    return simultaneous_bands(columns, [np.arange(columns.shape[1])], level)[0]


def simultaneous_bands(
    values: npt.ArrayLike | Columns, sets: Sequence[npt.NDArray[np.int64]], level: float = 0.95
) -> list[Band]:
    """The band over each of several sets of the columns of values (R, P), given by their places: as
    ``simultaneous_band``, with the draws of all sets made at once."""
    columns = Columns.of(values)
    if columns.replicates < 2 or not all(map(len, sets)) or not columns.finite.all():
        raise ValueError(f"simultaneous_band: values must be (R, P), finite, with R >= 2; got shape {columns.shape}.")
    left = leave_out(columns)
    sem = standard_error(left.full, left.partial, left.sizes)
    sem = np.where(sem > ROUNDING * np.abs(left.full), sem, 0.0)
    drawn = _drawn(left.sums)
    varying = [places[sem[places] > 0] for places in sets]
    found = []
    for places, moving, suprema in zip(sets, varying, _suprema(drawn, varying), strict=True):
        over, under = (Side(one, len(moving), len(drawn) - 1) for one in suprema)
        mean, error = left.full[places], sem[places]
        tail = (1 - level) / 2
        # Not 0 * inf: a column that does not vary stays where it is.
        low, high = (np.where(error > 0, side.critical(tail), 0.0) * error for side in (over, under))
        found.append(Band(mean, error, mean - low, mean + high, level, left.replicates, over, under))
    return found


def _drawn(sums: Floats) -> Floats:
    """Sums (G, P) over the groups that are left out as sums over those that are drawn, contiguous runs of them."""
    run = -(-len(sums) // DRAWN)
    return sums if run == 1 else np.add.reduceat(sums, np.arange(0, len(sums), run), axis=0)


def _suprema(residuals: Floats, sets: Sequence[npt.NDArray[np.int64]]) -> list[tuple[Floats, Floats]]:
    """Of each set of columns, sorted draws of the largest and of minus the smallest studentised mean of groups drawn
    with replacement; a single 0 for a set of none.

    residuals (G, P) are sums over groups that add up to 0.
    """
    groups, edges = len(residuals), np.cumsum([0, *map(len, sets)]).tolist()
    if not edges[-1]:
        return [(np.zeros(1), np.zeros(1)) for _ in sets]
    order = np.concatenate(sets)
    counts = _draws(groups).T
    above, below = np.full((2, len(sets), DRAWS), -np.inf)
    for first in range(0, edges[-1], TOGETHER):
        part = residuals[:, order[first : first + TOGETHER]]
        part = (part / np.sqrt(np.sum(part**2, axis=0))).T
        # One product for both, with the draws, of which there are thousands, last: (2P, DRAWS), twice as fast.
        both = np.concatenate([part, part**2]) @ counts
        studentised, squares = both[: len(part)], both[len(part) :]
        squares -= studentised**2 / groups
        squares *= groups / (groups - 1)
        constant = squares <= ROUNDING
        studentised[constant] = np.copysign(np.inf, studentised[constant])
        squares[constant] = 1.0
        studentised /= np.sqrt(squares, out=squares)
        for s, (begin, end) in enumerate(itertools.pairwise(edges)):
            own = studentised[max(begin - first, 0) : max(end - first, 0)]
            if len(own):
                np.maximum(above[s], own.max(axis=0), out=above[s])
                np.maximum(below[s], -own.min(axis=0), out=below[s])
    nothing = np.zeros(1)
    return [
        (np.sort(up), np.sort(down)) if len(places) else (nothing, nothing)
        for up, down, places in zip(above, below, sets, strict=True)
    ]


@functools.lru_cache(maxsize=4)
def _draws(groups: int) -> Floats:
    """How often each group is drawn, (DRAWS, groups); kept, for the bands of one table share their replicates: 32 MiB
    at most."""
    drawn = np.random.default_rng(SEED).integers(0, groups, (DRAWS, groups)) + groups * np.arange(DRAWS)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=DRAWS * groups).reshape(DRAWS, groups).astype(np.float64)
    counts.setflags(write=False)
    return counts
