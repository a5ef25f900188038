"""What a plan can decide of means, before it runs: levels, exact values, counts, comparisons.

Known before any run: whether a bound has a number at any cell, and whether that lies below what is true of every run;
whether all means are expectations. The rest is a matter of variances, which stored replicates of the same runs give,
scaled to the replicates of the plan. The declared widths are those of ``riskkit.verdicts.widths``; ratios of two
algorithms that are nearer to 1 than 5% may stay undecided. A level is decided where the band leaves it below the bound,
or the mean's band above.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.experiment.expected import Expected
from riskkit.experiment.plan import Cell, Plan
from riskkit.experiment.readings import Exact, GradientsTo
from riskkit.judges.level import TOLERANCE
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.columns import Columns
from riskkit.stats.jackknife import SEEN
from riskkit.theory.bound import Floats, Form
from riskkit.verdicts.comparisons import comparisons
from riskkit.verdicts.counts import counted_lines, fitted_groups, growth_over_claim
from riskkit.verdicts.data import Data, excludes, listed, subject
from riskkit.verdicts.exact_values import known_cells
from riskkit.verdicts.foreseen import Word, known_forms
from riskkit.verdicts.widths import replicates_for_agreement, replicates_for_growth, replicates_for_ratios

Kind = Literal["level", "exact value", "count", "comparison"]


class Outlook(NamedTuple):
    """What is expected of one verdict or comparison.

    ``key``: bound (or what stands for it), algorithm (and what it is compared with), form and axis, where there are
    such. ``cells``: of which something can be said; ``replicates``: for the declared width, nan where that is unknown.
    """

    kind: Kind
    about: str
    key: tuple[str, ...]
    word: Word
    cells: int
    replicates: float


def outlooks(plan: Plan, stored: Data | None = None) -> list[Outlook]:
    """Of all but rates; ``stored``: replicates of the same runs. Comparisons and counts are told where there are."""
    data = Data(plan, {}, {})
    found = [*_levels(data, stored), *_exact_values(data, stored)]
    return found if stored is None else [*found, *_counts(data, stored), *_comparisons(data, stored)]


def _word(data: Data, replicates: float) -> Word:
    if math.isnan(replicates):
        return "unknown"
    return "decided" if replicates <= data.replicates else "few replicates"


def _exact(cells: Sequence[Cell], quantity: str) -> bool:
    return all(isinstance(cell.run, Expected) for cell in cells) and quantity != "stability"


def _levels(data: Data, stored: Data | None) -> Iterator[Outlook]:
    for bound in data.plan.experiment.bounds:
        forms: list[Form] = [form for form in bound.forms if form != "claim"] or ["proved"]
        for name in data.plan.experiment.judged:
            cells = [cell for cell in data.named(name) if excludes(bound, cell) is None]
            if not cells:
                continue
            known, trivial = known_forms(data, bound, cells, stored), data.trivial(bound.quantity, cells)
            for form in forms:
                limit = known.values[form]
                about = f"{subject(bound.quantity, bound.output, name, cells)}, {bound.title} ({form})"
                key = (bound.name, name, form)
                spoken = np.isfinite(limit)
                live = spoken & (limit < trivial)
                count = int(live.sum())
                if known.waits:
                    yield Outlook("level", about, key, "unknown", len(cells), math.nan)
                elif not spoken.any():
                    yield Outlook("level", about, key, "not covered", 0, math.inf)
                elif not count:
                    yield Outlook("level", about, key, "vacuous", 0, math.inf)
                else:
                    left = [cell for cell, keep in zip(cells, live.tolist(), strict=True) if keep]
                    needed = 0.0 if _exact(left, bound.quantity) else math.nan
                    if math.isnan(needed) and stored is not None:
                        values = stored.values(left, bound.quantity, bound.output)
                        needed = _for_level(values, limit[live], bool(np.isfinite(trivial[live]).all()))
                    yield Outlook("level", about, key, _word(data, needed), count, needed)


def _for_level(values: npt.ArrayLike | Columns, limit: Floats, bounded: bool) -> float:
    """Replicates at which the band leaves every mean below its limit, or one above it, the variance falling like 1/R;
    at least as many as show what is rare, unless the range is known. nan where a value is not finite."""
    columns = Columns.of(values)
    if not columns.finite.all() or columns.replicates < 2:
        return math.nan
    band = simultaneous_band(columns)
    mean = np.abs(band.mean)
    half = np.maximum(band.high - band.mean, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        under = np.where(half == 0, 0.0, (half / np.maximum((1 + TOLERANCE) * limit - mean, 0)) ** 2)
        above = np.where(half == 0, np.inf, (half / np.maximum(mean - limit, 0)) ** 2)
    needed = columns.replicates * float(
        min(np.where(mean <= (1 + TOLERANCE) * limit, under, np.inf).max(), above.min())
    )
    return needed if bounded else max(needed, float(SEEN))


def _exact_values(data: Data, stored: Data | None) -> Iterator[Outlook]:
    for reading in data.plan.experiment.readings:
        for name in (reading.algorithms or data.plan.experiment.judged) if isinstance(reading, Exact) else ():
            cells = data.named(name)
            if not cells:
                continue
            needed = 0.0 if _exact(cells, reading.quantity) else math.nan
            if math.isnan(needed) and stored is not None:
                exact = known_cells(stored, reading, name)
                values = stored.values(list(exact), reading.quantity, reading.output)
                if exact and values.finite.all():
                    needed = replicates_for_agreement(values, np.array(list(exact.values())))
            key = (f"exact {reading.quantity}.{reading.output}", name)
            about = f"{subject(reading.quantity, reading.output, name, cells)} against its exact value"
            yield Outlook("exact value", about, key, _word(data, needed), len(cells), needed)


def _counts(data: Data, stored: Data) -> Iterator[Outlook]:
    for reading in data.plan.experiment.readings:
        counts = counted_lines(stored, reading) if isinstance(reading, GradientsTo) else []
        for group, axis, where, least in fitted_groups(reading, counts) if counts else ():
            head = group[0]
            title = "count" if head.said is None else head.said.name
            about = f"gradients of {head.line.head.name} ({head.output} iterate) to reach eps ({listed(where)})"
            key = (title, head.line.head.name, head.output, axis, listed(dict(sorted(where.items()))))
            gaps = growth_over_claim(group, axis, least)
            if gaps is None:
                if any(math.isfinite(count.claim) or math.isfinite(count.proved) for count in group):
                    yield Outlook("count", about, key, "few points", len(group), math.inf)
                continue
            needed = replicates_for_growth(gaps, stored.replicates)
            yield Outlook("count", about, key, _word(data, needed), gaps[0][0].points, needed)


def _comparisons(data: Data, stored: Data) -> Iterator[Outlook]:
    groups: dict[tuple[str, ...], list[float]] = {}
    for one in comparisons(stored):
        if one.ratio > 0 and math.isfinite(one.low) and math.isfinite(one.high):
            pair = (one.algorithm, one.against, one.quantity, one.output)
            groups.setdefault(pair, []).append((one.high - one.low) / 2 / one.ratio)
    for named, halves in groups.items():
        about = f"{named[0]} / {named[1]}, {named[2]} ({named[3]} iterate)"
        needed = replicates_for_ratios(halves, stored.replicates)
        yield Outlook("comparison", about, named, _word(data, needed), len(halves), needed)
