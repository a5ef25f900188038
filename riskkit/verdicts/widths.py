"""The widths that decide: how narrow a line's number must be known, and how many replicates that takes.

A word about a rate or an exponent needs the slope's 90% interval on one side of a margin (``riskkit.judges``). The
declared width is half of the margin, and at the end of a window half of the end's margin: a slope at the claim is then
TIGHT, and one three margins below it LOOSE, with a probability of .8 at least (docs/statistics.md). The same of the
growth of counts. An exact value's simultaneous band is to be half of the margin of agreement wide, to either side; the
95% interval of a ratio of two algorithms half of the margin MARGIN, so that ratios 5% from 1 are told. A level's band
is to be half of the bound: a mean of at most half of its bound then HOLDS, and one and a half times the bound is
VIOLATED. Replicates are computed from variances (``riskkit.verdicts.deciding``), the variance of a mean falling like
1/R.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.judges.identity import AGREEMENT
from riskkit.judges.rate import END_MARGIN, window_end
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.columns import Columns
from riskkit.stats.first_passage import Growth
from riskkit.stats.jackknife import SEEN
from riskkit.stats.slopes import MARGIN, RateFit, fit_rate
from riskkit.theory.bound import Bound, Floats
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.data import Data, excludes

SHARE = 0.5
"""The declared half width, in margins (of a level: in bounds)."""


class Line(NamedTuple):
    """A line along which a bound's claim is judged: the cells of which the bound speaks, at positive values ``x`` (P,)
    of the coordinate ``axis``."""

    bound: Bound
    algorithm: str
    axis: str
    where: dict[str, float]
    cells: list[Cell]
    x: Floats


def lines(data: Data) -> Iterator[Line]:
    """Every line of every bound with a claim, for the judged algorithms."""
    experiment = data.plan.experiment
    for bound in experiment.bounds:
        for name in experiment.judged if "claim" in bound.forms else ():
            for grid in data.plan.size.grids:
                for points in grid.lines():
                    cells = [cell for cell in on_line(data.plan, points, name) if excludes(bound, cell) is None]
                    cells = [cell for cell in cells if cell.point[grid.along] > 0]
                    if len(cells) >= 2:
                        x = np.array([cell.point[grid.along] for cell in cells], dtype=float)
                        yield Line(bound, name, grid.along, held(points, grid.along), cells, x)


def replicates_for_widths(values: npt.ArrayLike | Columns, x: Floats) -> float:
    """How many replicates the declared widths take on a line, from the variances of pilot ones: values (R, P), x (P,).
    inf where no slope can be fitted."""
    columns = Columns.of(values)
    if columns.finite.all() and (columns.mean() < 0).all():
        columns = -columns
    last = window_end(x.size)
    whole, end = fit_rate(columns, x), fit_rate(columns.columns(slice(last, None)), x[last:])
    return max(_needed(whole, MARGIN), _needed(end, END_MARGIN * MARGIN))


def replicates_for_band(values: npt.ArrayLike | Columns, half_widths: Floats) -> float:
    """How many replicates a simultaneous 95% band takes that reaches ``half_widths`` (P,) to either side of the means
    at most, from pilot ones: values (R, P). inf where a value is not finite, or one replicate has no variance."""
    columns = Columns.of(values)
    if columns.replicates < 2 or not columns.finite.all():
        return math.inf
    band = simultaneous_band(columns)
    reach = np.maximum(band.high - band.mean, band.mean - band.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(reach == 0, 0.0, reach / half_widths)
    return columns.replicates * float(share.max(initial=0.0)) ** 2


def replicates_for_level(values: npt.ArrayLike | Columns, limit: Floats, *, ranged: bool) -> float:
    """For a level: values (R, P), bounds ``limit`` (P,). ``ranged``: the range of every cell is known; where it is not,
    at least as many as show what is rare and large."""
    needed = replicates_for_band(values, SHARE * limit)
    return needed if ranged else max(needed, float(SEEN))


def replicates_for_agreement(values: npt.ArrayLike | Columns, scale: Floats) -> float:
    """For exact values: values (R, P), and what the margin of agreement is a part of, ``scale`` (P,)."""
    return replicates_for_band(values, SHARE * AGREEMENT * np.abs(scale))


def replicates_for_growth(gaps: Sequence[tuple[Growth, float]], replicates: int) -> float:
    """For the growth of counts / claim, over all points and at the end, each with its margin, by so many pilot
    replicates."""
    half = max((gap.narrow_high - gap.narrow_low) / 2 / margin for gap, margin in gaps)
    return replicates * (half / SHARE) ** 2 if math.isfinite(half) else math.inf


def replicates_for_ratios(half_widths: Sequence[float], replicates: int) -> float:
    """For ratios of two algorithms, from the half widths of their 95% intervals as parts of the ratios."""
    return replicates * (max(half_widths) / (SHARE * MARGIN)) ** 2


def _needed(fit: RateFit, margin: float) -> float:
    """Replicates at which half of the 90% interval is SHARE margins, the variance falling like 1/R."""
    low, high = fit.interval(0.90)
    half = (high - low) / 2
    return fit.replicates * (half / (SHARE * margin)) ** 2 if math.isfinite(half) else math.inf
