"""What a plan can decide, before it runs: for each line of each bound whether a word about the rate can be expected.

Known before any run: how many points the bound says something at; whether its claim decreases; whether explicit / claim
is flat at the line's end, without which a transient cannot be told from the rate. The bounds' inputs D^2, f_0, g^2 are
means over one block of datasets, and the path moment is its limit G^2; a bound that reads other means along the path
waits for stored replicates. How many replicates the declared widths take (``riskkit.verdicts.widths``) needs variances,
which stored replicates of the same runs give; without any it is unknown. A transient is foreseen where the error
follows its explicit bound; one that falls faster may be LOOSE all the same. ``riskkit.verdicts.foreseen_means`` is
about what else is judged.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from riskkit.experiment.expected import Expected
from riskkit.experiment.plan import Cell, Plan
from riskkit.judges.rate import FLAT, OUGHT_TO_DECREASE, UNBOUNDED_AXES, window_end
from riskkit.measure.blocks import dataset_means
from riskkit.problem import constants_of
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS, fit_curve
from riskkit.theory.bound import FORMS, Bound, Floats, Form, total
from riskkit.verdicts.data import Data, excludes
from riskkit.verdicts.widths import Line, lines, replicates_for_widths

Word = Literal["decided", "few points", "transient", "few replicates", "vacuous", "not covered", "unknown"]


class Foreseen(NamedTuple):
    """What is expected of one line: ``decided``, why not, or ``unknown`` where that depends on variances.

    ``points``: at which the bound says something; ``moves``: the slope of explicit / claim at the line's end;
    ``replicates``: for the declared widths, nan where that is unknown.
    """

    line: Line
    word: Word
    points: int
    moves: float
    replicates: float


def foreseen(plan: Plan, stored: Data | None = None) -> list[Foreseen]:
    """Of every line; ``stored``: replicates of the same runs, for their variances."""
    data = Data(plan, {}, {})
    return [_line(data, line, stored) for line in lines(data)]


def _line(data: Data, line: Line, stored: Data | None) -> Foreseen:
    forms = known_forms(data, line.bound, line.cells, stored)
    claim, proved = forms.values["claim"], forms.values["proved"]
    if forms.waits:
        return Foreseen(line, "unknown", len(line.cells), math.nan, math.nan)
    kept = np.isfinite(claim)
    if np.isfinite(proved[kept]).any():
        kept &= np.isfinite(proved) & (proved < data.trivial(line.bound.quantity, line.cells))
    points = int(kept.sum())
    if points < MINIMUM_POINTS:
        return Foreseen(line, "few points", points, math.nan, math.inf)
    x, claim, proved = line.x[kept], claim[kept], proved[kept]
    end = window_end(points)
    ought = (line.bound.quantity, line.axis) in OUGHT_TO_DECREASE
    if ought and fit_curve(claim[end:], x[end:]).slope > -MARGIN:
        return Foreseen(line, "decided", points, math.nan, 0.0)  # NOT DECAYING, whatever is measured
    moves = math.nan
    if np.isfinite(proved).all() and line.axis in UNBOUNDED_AXES:
        moves = fit_curve((proved / claim)[end:], x[end:]).slope
    cells = [cell for cell, keep in zip(line.cells, kept.tolist(), strict=True) if keep]
    replicates = _replicates(line, cells, x, stored)
    if moves > FLAT:
        return Foreseen(line, "transient", points, moves, replicates)
    enough: dict[bool, Word] = {True: "decided", False: "few replicates"}
    word: Word = "unknown" if math.isnan(replicates) else enough[replicates <= data.replicates]
    return Foreseen(line, word, points, moves, replicates)


def _replicates(line: Line, cells: list[Cell], x: Floats, stored: Data | None) -> float:
    if all(isinstance(cell.run, Expected) for cell in cells) and line.bound.quantity != "stability":
        return 0.0  # an expectation, or nearly one
    if stored is not None:
        values = stored.values(cells, line.bound.quantity, line.bound.output)
        if values.finite.all():
            return replicates_for_widths(values, x)
    return math.nan


class Forms(NamedTuple):
    """A bound at cells before it is judged: form -> (P,), nan where it has no such form or no number; ``waits``: its
    numbers rest on what is measured along the path."""

    values: dict[Form, Floats]
    waits: bool


def known_forms(data: Data, bound: Bound, cells: Sequence[Cell], stored: Data | None) -> Forms:
    """By stored replicates where they cover the cells, else by means over one block of datasets."""
    if stored is not None:
        level = stored.level(bound, cells)
        if np.isfinite([level.claim, level.published, level.proved]).any():
            return Forms({"claim": level.claim, "published": level.published, "proved": level.proved}, waits=False)
    found: dict[Form, Floats] = {form: np.full(len(cells), np.nan) for form in FORMS}
    place, waits = {(cell.point, cell.name): p for p, cell in enumerate(cells)}, False
    for group in data.alike(cell for cell in cells if excludes(bound, cell) is None):
        at = data.at(group)
        means = dataset_means(at.problem, at.n)
        at = dataclasses.replace(
            at,
            path_moment=np.full(len(group), constants_of(at.problem).G ** 2),
            D2=means.get("start_distance", math.nan),
            f0=means.get("start_gap", math.nan),
            g2=means.get("gradient_at_minimiser", math.nan),
        )
        ones = dataclasses.replace(at, measured=dict.fromkeys(at.measured, np.ones(len(group))))
        for form in bound.forms:
            values = total(bound.evaluate(form, at), at, bound.name)
            waits |= bool((np.isnan(values) & np.isfinite(total(bound.evaluate(form, ones), ones, bound.name))).any())
            for cell, value in zip(group, values, strict=True):
                found[form][place[cell.point, cell.name]] = value
    return Forms(found, waits)
