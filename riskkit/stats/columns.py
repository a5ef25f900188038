"""Replicates as the statistics read them: sums over parts, so that memory does not grow with their number.

Everything here that is resampled is resampled by groups of whole replicates (``riskkit.stats.jackknife``), of which
there are GROUPS at most; what a statistic needs of a group are the sums of its values and of their squares. The groups
of all replicates, those of the first quarter, which selects, and those of the rest, which is judged, begin at other
replicates: *parts* run from each of these starts to the next. Up to GROUPS replicates every part is one replicate, and
the sums are the values themselves.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

GROUPS = 1024
"""Above this many replicates the jackknife leaves out groups of them."""


def group_starts(replicates: int) -> Places:
    """First replicate of each group, (G,): contiguous runs of ceil(R / GROUPS) replicates, the last one possibly
    shorter."""
    return np.arange(0, replicates, math.ceil(replicates / GROUPS), dtype=np.int64)


def selecting_replicates(replicates: int) -> int:
    """How many of the replicates, the first quarter, choose the window; the rest are fitted.

    Choosing and fitting on the same replicates would make the fit a jump function of the data, and its jackknife wrong.
    """
    return replicates // 4


@functools.lru_cache(maxsize=64)
def part_starts(replicates: int) -> Places:
    """First replicate of each part, (A,): wherever a group begins, of all replicates, of the selecting ones or of the
    rest."""
    chosen = selecting_replicates(replicates)
    starts = [group_starts(replicates), chosen + group_starts(replicates - chosen)]
    found = np.unique(np.concatenate([*starts, group_starts(chosen)] if chosen else starts))
    found.setflags(write=False)
    return found


def parts(replicates: int) -> int:
    """How many parts there are, or, of more replicates than can be counted, at most are."""
    return len(part_starts(replicates)) if replicates < 2**40 else 3 * GROUPS


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """P columns of R replicates, as sums over A parts.

    Attributes:
        starts: (A,) the first replicate of each part.
        replicates: R.
        sums: (A, P) of values less ``centre``.
        centre: (P,) what is taken off every value; None where the sums are the values themselves.
        squares: (A, P) of (values less centre)^2; None for values, and for differences of columns, which have no
            variance of single replicates here.
        ends: (P,) the least and the largest value, of a difference of the means of its parts; None for values.
    """

    starts: Places
    replicates: int
    sums: Floats
    centre: Floats | None = None
    squares: Floats | None = None
    ends: tuple[Floats, Floats] | None = None

    @staticmethod
    def of(values: npt.ArrayLike | Columns) -> Columns:
        """Of values (R, P); what is one already stays as it is. ValueError for another shape."""
        if isinstance(values, Columns):
            return values
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 2 or array.shape[0] < 1:
            raise ValueError(f"values must be (R, P) with R >= 1; got shape {array.shape}.")
        starts = part_starts(len(array))
        if len(starts) == len(array):
            return Columns(starts, len(array), array)
        with np.errstate(invalid="ignore", over="ignore"):  # a run that diverged
            least, most = array.min(axis=0), array.max(axis=0)
            centre = np.where(least == most, least, array.mean(axis=0))  # an expectation is off by no rounding
            deviations = array - centre
            sums = np.add.reduceat(deviations, starts, axis=0)
            squares = np.add.reduceat(np.square(deviations, out=deviations), starts, axis=0)
        return Columns(starts, len(array), sums, centre, squares, (least, most))

    @staticmethod
    def of_deviations(sums: Floats, replicates: int) -> Columns:
        """Of sums (A, P) over parts, of values about 0."""
        starts = part_starts(replicates)
        if len(starts) == replicates:
            return Columns(starts, replicates, sums)
        nothing = Columns(starts, replicates, sums, np.zeros(sums.shape[1]))
        return nothing._of_sums(sums, nothing.centre)

    @property
    def shape(self) -> tuple[int, int]:
        """(R, P)."""
        return self.replicates, self.sums.shape[1]

    @property
    def least(self) -> Floats:
        """(P,)"""
        return np.asarray(self.sums.min(axis=0)) if self.ends is None else self.ends[0]

    @property
    def most(self) -> Floats:
        """(P,)"""
        return np.asarray(self.sums.max(axis=0)) if self.ends is None else self.ends[1]

    @property
    def sizes(self) -> Places:
        """(A,) replicates in each part."""
        return np.diff(np.append(self.starts, self.replicates))

    @property
    def finite(self) -> npt.NDArray[np.bool_]:
        """(P,) whether all values are."""
        return np.asarray(np.isfinite(self.sums).all(axis=0))

    @property
    def constant(self) -> bool:
        """Whether no column varies over the replicates: expectations, which stand in each of them."""
        return self.replicates > 1 and bool((self.least == self.most).all())

    def mean(self) -> Floats:
        """(P,)"""
        if self.centre is None:
            return np.asarray(self.sums.mean(axis=0))
        return np.asarray(self.centre + self.sums.sum(axis=0) / self.replicates)

    def variance(self) -> Floats:
        """(P,) the mean of (values less mean)^2; ValueError for a difference of columns."""
        if self.centre is None:
            return np.asarray(self.sums.var(axis=0))
        if self.squares is None:
            raise ValueError("Columns: of a difference only the means of parts are known.")
        return np.asarray(self.squares.sum(axis=0) / self.replicates - (self.sums.sum(axis=0) / self.replicates) ** 2)

    def deviations(self, mean: npt.ArrayLike) -> Floats:
        """(A, P) sums of values less ``mean``, () or (P,)."""
        middle = np.asarray(mean, dtype=np.float64)
        if self.centre is None:
            return np.asarray(self.sums - middle)
        return np.asarray(self.sums - self.sizes[:, None] * (middle - self.centre))

    def squared_deviations(self, mean: Floats) -> Floats:
        """(A, P) sums of (values less ``mean`` (P,))^2; nan for a difference of columns."""
        if self.centre is None:
            return np.asarray((self.sums - mean) ** 2)
        if self.squares is None:
            return np.full_like(self.sums, np.nan)
        moved = mean - self.centre
        return np.asarray(self.squares - 2 * moved * self.sums + self.sizes[:, None] * moved**2)

    def columns(self, which: Any) -> Columns:
        """Those of the columns, by a mask, places or a slice."""
        return dataclasses.replace(
            self,
            sums=self.sums[:, which],
            centre=None if self.centre is None else self.centre[which],
            squares=None if self.squares is None else self.squares[:, which],
            ends=None if self.ends is None else (self.ends[0][which], self.ends[1][which]),
        )

    def part(self, first: int = 0, stop: int | None = None) -> Columns:
        """The replicates from ``first`` to before ``stop``, which are all, the selecting ones, or the rest; any where
        parts are single replicates. ValueError for others. ``least`` and ``most`` stay those of all."""
        stop = self.replicates if stop is None else min(stop, self.replicates)
        a, b = (int(np.searchsorted(self.starts, at)) for at in (first, stop))
        edges = np.append(self.starts, self.replicates)
        if not 0 <= first < stop or edges[a] != first or edges[b] != stop:
            raise ValueError(f"Columns: replicates {first}..{stop - 1} are no run of whole parts.")
        return dataclasses.replace(
            self,
            starts=self.starts[a:b] - first,
            replicates=stop - first,
            sums=self.sums[a:b],
            squares=None if self.squares is None else self.squares[a:b],
        )

    def over(self, curve: npt.ArrayLike) -> Columns:
        """Each value divided by ``curve`` (P,)."""
        y = np.asarray(curve, dtype=np.float64)
        ends = None if self.ends is None else (self.ends[0] / y, self.ends[1] / y)
        return dataclasses.replace(
            self,
            sums=self.sums / y,
            centre=None if self.centre is None else self.centre / y,
            squares=None if self.squares is None else self.squares / y**2,
            ends=None if ends is None else (np.minimum(*ends), np.maximum(*ends)),
        )

    def __neg__(self) -> Columns:
        return dataclasses.replace(
            self,
            sums=-self.sums,
            centre=None if self.centre is None else -self.centre,
            ends=None if self.ends is None else (-self.ends[1], -self.ends[0]),
        )

    def less(self, other: Columns, factor: npt.ArrayLike = 1.0) -> Columns:
        """Each value less ``factor`` (P,) times the other's of the same replicate. ValueError for other shapes."""
        if self.shape != other.shape:
            raise ValueError(f"Columns: both must have one shape (R, P); got {self.shape} and {other.shape}.")
        times = np.asarray(factor, dtype=np.float64)
        centre = None
        if self.centre is not None and other.centre is not None:
            centre = self.centre - times * other.centre
        return self._of_sums(self.sums - times * other.sums, centre)

    def shifted(self, sums: Floats) -> Columns:
        """With sums (A, P) over parts taken off."""
        return self._of_sums(self.sums - sums, self.centre)

    def _of_sums(self, sums: Floats, centre: Floats | None) -> Columns:
        """The same parts with other sums, of which no single values are known unless parts are single replicates."""
        if centre is None:
            return dataclasses.replace(self, sums=sums)
        means = sums / self.sizes[:, None] + centre
        ends = means.min(axis=0), means.max(axis=0)
        return dataclasses.replace(self, sums=sums, centre=centre, squares=None, ends=ends)

    def without(self, which: npt.NDArray[np.bool_]) -> Columns:
        """nan in place of some columns, by a mask (P,)."""
        lost = np.where(which, np.nan, 0.0)
        return dataclasses.replace(
            self,
            sums=self.sums + lost,
            centre=None if self.centre is None else self.centre + lost,
            squares=None if self.squares is None else self.squares + lost,
            ends=None if self.ends is None else (self.ends[0] + lost, self.ends[1] + lost),
        )

    def equals(self, other: Columns) -> bool:
        """Whether both have the same sums."""
        same = np.array_equal(self.sums, other.sums)
        if self.centre is None or other.centre is None:
            return same
        return same and np.array_equal(self.centre, other.centre)

    def grouped(self, sums: Floats) -> tuple[Floats, Places]:
        """Sums over parts, (A, P), added up to sums over groups, (G, P); and the sizes of groups (G,)."""
        starts = group_starts(self.replicates)
        sizes = np.diff(np.append(starts, self.replicates))
        if len(starts) == len(self.starts):
            return np.ascontiguousarray(sums), sizes
        return np.add.reduceat(sums, np.searchsorted(self.starts, starts), axis=0), sizes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """(R, P); ValueError where single values are no longer known."""
        if self.centre is not None:
            raise ValueError(f"Columns: of {self.replicates} replicates only sums over {len(self.starts)} are kept.")
        return np.array(self.sums, dtype=dtype, copy=copy)


def reduced(values: Floats) -> Columns:
    """The one column of values (R,)."""
    return Columns.of(values[:, None])


def joined(columns: Sequence[Columns | None], replicates: int) -> Columns:
    """Columns side by side, of as many replicates each; nan for None."""
    starts = part_starts(replicates)
    values = np.full((len(starts), len(columns)), np.nan)
    for p, one in enumerate(columns):
        if one is not None:
            values[:, p] = one.sums[:, 0]
    if len(starts) == replicates:
        return Columns(starts, replicates, values)
    centre, least, most = np.full((3, len(columns)), np.nan)
    squares = np.full_like(values, np.nan)
    for p, one in enumerate(columns):
        if one is not None and one.centre is not None and one.squares is not None:
            centre[p], squares[:, p] = one.centre[0], one.squares[:, 0]
            least[p], most[p] = one.least[0], one.most[0]
    return Columns(starts, replicates, values, centre, squares, (least, most))
