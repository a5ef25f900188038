"""How many replicates all lines of an experiment take for their declared widths, from variances alone.

The variances are those of *pilot* replicates, the first quarter, and of them nothing else is read: neither on which
side of a bound a mean lies nor what a verdict would say. So the replicates may be added and everything judged once.
Which lines there are follows from the plan, and from where a bound says something. An expectation needs no replicates.

Not counted: planted faults, which are large; estimators held against each other; best values, whose set has no width.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from riskkit.experiment.plan import Cell
from riskkit.experiment.readings import Exact, GradientsTo
from riskkit.judges.level import paired_with_bound
from riskkit.stats.planning import LEAST_PILOT
from riskkit.stats.slopes import MINIMUM_POINTS
from riskkit.theory.bound import Floats, Form
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.comparisons import comparisons
from riskkit.verdicts.counts import counted_lines, fitted_groups, growth_over_claim
from riskkit.verdicts.data import Data, excludes, sound
from riskkit.verdicts.exact_values import known_cells
from riskkit.verdicts.widths import (
    lines,
    replicates_for_agreement,
    replicates_for_growth,
    replicates_for_level,
    replicates_for_ratios,
    replicates_for_widths,
)

Kind = Literal["rate", "exponent", "level", "exact value", "count", "comparison"]


class Wanted(NamedTuple):
    """The replicates that one line takes; inf where no number of them is known to do."""

    kind: Kind
    replicates: float


def replicates_to_decide(pilot: Data, replicates: int, budget: int) -> tuple[int, Counter[Kind]]:
    """How many of them the lines take, as far as the budget reaches, never fewer than the ``replicates`` there are; and
    how many lines of each kind take more than the budget. Raises ValueError for a pilot that is too small."""
    if pilot.replicates < LEAST_PILOT:
        raise ValueError(f"the first quarter has {pilot.replicates} replicates, and variances need {LEAST_PILOT}")
    wanted = needed(pilot)
    within = [math.ceil(one.replicates) for one in wanted if one.replicates <= budget]
    return max([replicates, *within]), Counter(one.kind for one in wanted if not one.replicates <= budget)


def needed(pilot: Data) -> list[Wanted]:
    """Of every line whose means are not exact."""
    return [*_rates(pilot), *_levels(pilot), *_exact_values(pilot), *_counts(pilot), *_comparisons(pilot)]


def _rates(pilot: Data) -> Iterator[Wanted]:
    for line in lines(pilot):
        found = _slope(pilot, line.cells, line.axis, line.bound.quantity, line.bound.output)
        if found is not None:
            yield Wanted("rate", found)


def _slope(pilot: Data, cells: Sequence[Cell], axis: str, quantity: str, output: str) -> float | None:
    """None for too few sound cells and for expectations."""
    good, _ = sound(pilot, cells)
    if len(good) < MINIMUM_POINTS or pilot.exact_cells(good, quantity, output):
        return None
    x = np.array([cell.point[axis] for cell in good], dtype=float)
    return replicates_for_widths(pilot.values(good, quantity, output), x)


def _levels(pilot: Data) -> Iterator[Wanted]:
    for bound in pilot.plan.experiment.bounds:
        forms: list[Form] = [form for form in bound.forms if form != "claim"]
        for name in pilot.plan.experiment.judged if forms else ():
            cells, _ = sound(pilot, [cell for cell in pilot.named(name) if excludes(bound, cell) is None])
            numbers, trivial = pilot.level(bound, cells), pilot.trivial(bound.quantity, cells)
            for form in forms:
                limit: Floats = getattr(numbers, form)
                live = np.isfinite(limit) & (limit < trivial)
                left = [cell for cell, keep in zip(cells, live.tolist(), strict=True) if keep]
                if not left or pilot.exact_cells(left, bound.quantity, bound.output):
                    continue
                values = pilot.values(left, bound.quantity, bound.output)
                if (errors := pilot.bound_errors(bound, form, left)) is not None:
                    values = paired_with_bound("needed", values, errors)
                ranged = bool(np.isfinite(trivial[live]).all())
                yield Wanted("level", replicates_for_level(values, limit[live], ranged=ranged))


def _exact_values(pilot: Data) -> Iterator[Wanted]:
    experiment = pilot.plan.experiment
    for reading in experiment.readings:
        if not isinstance(reading, Exact) or reading.planted:
            continue
        for name in reading.algorithms or experiment.judged:
            exact = known_cells(pilot, reading, name)
            good, _ = sound(pilot, list(exact))
            if good and not pilot.exact_cells(good, reading.quantity, reading.output):
                values = pilot.values(good, reading.quantity, reading.output)
                scale = np.array([exact[cell] for cell in good])
                yield Wanted("exact value", replicates_for_agreement(values, scale))
            for grid in pilot.plan.size.grids:
                for points in grid.lines() if grid.along == "T" else []:
                    cells = on_line(pilot.plan, points, name)
                    found = _slope(pilot, cells, "T", reading.quantity, reading.output)
                    if found is not None and all(cell in exact for cell in cells):
                        yield Wanted("exponent", found)


def _counts(pilot: Data) -> Iterator[Wanted]:
    for reading in pilot.plan.experiment.readings:
        counts = counted_lines(pilot, reading) if isinstance(reading, GradientsTo) else []
        for group, axis, _, least in fitted_groups(reading, counts) if counts else ():
            cells = [cell for count in group for cell in count.line.cells]
            gaps = growth_over_claim(group, axis, least)
            if gaps is not None and not pilot.exact_cells(cells, reading.quantity, group[0].output):
                yield Wanted("count", replicates_for_growth(gaps, pilot.replicates))


def _comparisons(pilot: Data) -> Iterator[Wanted]:
    for one in comparisons(pilot):
        if one.ratio > 0 and one.high > one.low:
            half = (one.high - one.low) / 2 / one.ratio
            yield Wanted("comparison", replicates_for_ratios([half], pilot.replicates))
