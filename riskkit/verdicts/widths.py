"""The widths that decide: how narrow the slope of every line must be known, and how many replicates that takes.

A word about a rate needs the slope's 90% interval on one side of a margin (``riskkit.judges``). The declared width is
half of the margin, and at the end of a window half of the end's margin: a slope at the claim is then TIGHT, and one
three margins below it LOOSE, with a probability of .8 at least (docs/statistics.md). Replicates are computed from
variances alone, before any verdict is read, so that what is judged afterwards is judged once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.judges.rate import END_MARGIN, window_end
from riskkit.stats.planning import selecting_replicates
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS, RateFit, fit_rate
from riskkit.theory.bound import Bound, Floats
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.data import Data, excludes, sound

SHARE = 0.5
"""The declared half width of a 90% interval, in margins."""


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


def replicates_for_widths(values: Floats, x: Floats) -> float:
    """How many replicates the declared widths take on a line, from the variances of pilot ones: values (R, P), x (P,).
    inf where no slope can be fitted."""
    if np.isfinite(values).all() and (values.mean(axis=0) < 0).all():
        values = -values
    last = window_end(x.size)
    whole, end = fit_rate(values, x), fit_rate(values[:, last:], x[last:])
    return max(_needed(whole, MARGIN), _needed(end, END_MARGIN * MARGIN))


def needed(data: Data) -> list[float]:
    """Of every line with MINIMUM_POINTS sound cells whose means are not exact, from the first quarter of the replicates
    there are."""
    pilot = selecting_replicates(data.replicates)
    found = []
    for line in lines(data):
        good, _ = sound(data, line.cells)
        quantity, output = line.bound.quantity, line.bound.output
        if len(good) < MINIMUM_POINTS or data.exact_cells(good, quantity, output):
            continue
        x = np.array([cell.point[line.axis] for cell in good], dtype=float)
        found.append(replicates_for_widths(data.values(good, quantity, output)[:pilot], x))
    return found


def replicates_to_decide(data: Data, budget: int) -> tuple[int, int]:
    """How many replicates the lines need for their declared widths, as far as the budget reaches, never fewer than
    there are; and how many lines need more than the budget."""
    wanted = needed(data)
    within = [math.ceil(number) for number in wanted if number <= budget]
    return max([data.replicates, *within]), len(wanted) - len(within)


def _needed(fit: RateFit, margin: float) -> float:
    """Replicates at which half of the 90% interval is SHARE margins, the variance falling like 1/R."""
    low, high = fit.interval(0.90)
    half = (high - low) / 2
    return fit.replicates * (half / (SHARE * margin)) ** 2 if math.isfinite(half) else math.inf
