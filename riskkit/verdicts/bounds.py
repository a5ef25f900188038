"""Every bound against the measurements: as a level over all points, as a rate along the axis of each grid."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.experiment.plan import Cell, Plan
from riskkit.experiment.point import held
from riskkit.experiment.readings import COMPARATIVE
from riskkit.judges.level import judge_level
from riskkit.judges.outcome import Outcome, Verdict, counted, not_covered, undecided
from riskkit.judges.rate import UNBOUNDED_AXES, judge_rate
from riskkit.stats import slopes
from riskkit.theory.bound import Bound, Floats, Form, total
from riskkit.verdicts.data import Data, excludes, listed, losses, nothing_left, sound, subject, with_losses
from riskkit.verdicts.finding import Finding, finding


def bound_findings(data: Data) -> list[Finding]:
    """For every bound and every judged algorithm that it covers: a level for each form with constants, and a rate for
    each line of each grid. A bound that covers none says so once, of the first."""
    found: list[Finding] = []
    experiment = data.plan.experiment
    for bound in experiment.bounds:
        cells = {name: data.named(name) for name in experiment.judged}
        covered = [name for name, own in cells.items() if any(excludes(bound, cell) is None for cell in own)]
        for name in covered or list(cells)[:1]:
            found += _levels(data, bound, name, cells[name])
            found += _rates(data, bound, name)
    return found


def _levels(data: Data, bound: Bound, name: str, cells: Sequence[Cell]) -> list[Finding]:
    about = f"{subject(bound.quantity, bound.output, name, cells)} {getattr(bound, 'scope', '')}".rstrip()
    forms: list[Form] = [form for form in bound.forms if form != "claim"] or ["proved"]
    found = [
        finding(
            bound.name,
            dataclasses.replace(
                _level(data, bound, form, cells, about),
                against=f"the {form} bound of {bound.title}" if len(forms) > 1 else bound.title,
            ),
            title=bound.title,
            algorithm=name,
            form=form,
            quantity=bound.quantity,
            output=bound.output,
        )
        for form in forms
    ]
    if len(forms) == 1:
        return found
    return [
        one._replace(over_proved=_over_proved(data, bound, cells)) if one.form == "published" else one for one in found
    ]


def _over_proved(data: Data, bound: Bound, cells: Sequence[Cell]) -> tuple[float, float] | None:
    """The least and the most of published / proved."""
    level = data.level(bound, sound(data, cells)[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        share = level.published / level.proved
    share = share[np.isfinite(share)]
    return (float(share.min()), float(share.max())) if share.size else None


def _level(data: Data, bound: Bound, form: Form, cells: Sequence[Cell], about: str) -> Verdict:
    good, bad = sound(data, cells)
    level = data.level(bound, good)
    limit: Floats = getattr(level, form)
    covered = [p for p in range(len(good)) if level.reasons[p] is None and np.isfinite(limit[p])]
    if not covered:
        reason = next((reason for reason in level.reasons if reason), None)
        if bad and reason is None:
            return nothing_left("level", about, data, cells)
        return not_covered("level", reason or "no explicit bound is proved for this output", subject=about)
    known = [good[p] for p in covered]
    values = data.values(known, bound.quantity, bound.output)
    trivial = data.trivial(bound.quantity, known)
    judged = judge_level(
        values,
        limit[covered],
        trivial,
        subject=about,
        bound_errors=data.bound_errors(bound, form, known),
        start=data.at_start(bound.quantity, known),
    )
    return with_losses(judged, data, _under(data, bound, cells) if losses(data, cells) else ())


def _under(data: Data, bound: Bound, cells: Sequence[Cell]) -> list[Cell]:
    """The cells at which the bound says something, whatever became of them."""
    found: list[Cell] = []
    for group in data.alike(cell for cell in cells if excludes(bound, cell) is None):
        # Whether there is a number, not which: what was not measured stands as 1.
        at = dataclasses.replace(data.at(group), D2=1.0, f0=1.0, g2=0.0, path_moment=np.ones(len(group)))
        at = dataclasses.replace(at, measured=dict.fromkeys(at.measured, np.ones(len(group))))
        known = [total(bound.evaluate(form, at), at, bound.name) for form in bound.forms]
        found += [cell for p, cell in enumerate(group) if any(np.isfinite(part[p]) for part in known)]
    return found


def _rates(data: Data, bound: Bound, name: str) -> list[Finding]:
    found: list[Finding] = []
    if "claim" not in bound.forms:
        return found
    for grid in data.plan.size.grids:
        for line in grid.lines():
            cells = on_line(data.plan, line, name)
            if len(cells) < 2:
                continue
            where = held(line, grid.along)
            about = f"{subject(bound.quantity, bound.output, name, cells)} ({listed(where)})"
            judged = _rate(data, bound, cells, grid.along, about)
            if judged is None:
                continue
            if grid.along == "T":
                limit = data.plan.experiment.asymptote(bound.quantity, where)
                judged = dataclasses.replace(judged, asymptote=limit, asymptote_distance=judged.slope - limit)
            found.append(
                finding(
                    bound.name,
                    dataclasses.replace(judged, against=bound.title),
                    title=bound.title,
                    algorithm=name,
                    form="claim",
                    axis=grid.along,
                    where=where,
                    quantity=bound.quantity,
                    output=bound.output,
                )
            )
    return found


def on_line(plan: Plan, line: Sequence[Any], name: str) -> list[Cell]:
    """The cells of an algorithm at the points of a line; those where it does not run are left out."""
    return [cell for point in line if (cell := plan.cell(point, name)) is not None]


def _rate(data: Data, bound: Bound, line: Sequence[Cell], axis: str, about: str) -> Verdict | None:
    """None where the source claims nothing of such steps, which is no statement that could be judged."""
    good, bad = sound(data, line)
    level = data.level(bound, good)
    covered = [p for p in range(len(good)) if level.reasons[p] is None and np.isfinite(level.claim[p])]
    # A power of the coordinate has no value at 0: momentum 0, say, is a point of the level but of no slope.
    placed = [p for p in covered if good[p].point[axis] > 0]
    aside = len(covered) - len(placed)
    covered = placed
    # Where the explicit bound speaks of some points only (whole passes, say), the rate is read at those.
    spoken = [p for p in covered if np.isfinite(level.proved[p])]
    unspoken = len(covered) - len(spoken) if spoken else 0
    covered = spoken or covered
    if len(covered) < 2:
        reason = next((reason for reason in level.reasons if reason), None)
        if reason is None and not np.isfinite(level.claim).all():
            return None
        if bad and reason is None:
            return nothing_left("rate", about, data, line, axis=axis)
        if reason is None and covered:
            draft = undecided("rate", about, data.replicates, axis=axis, points=len(covered))
            return draft.concluded(Outcome.TOO_FEW_POINTS, "one point only, and a rate needs 4")
        return not_covered("rate", reason or "nothing is claimed along this axis", subject=about)
    known = [good[p] for p in covered]
    judged = judge_rate(
        data.values(known, bound.quantity, bound.output),
        np.array([cell.point[axis] for cell in known], dtype=float),
        level.claim[covered],
        level.proved[covered],
        data.trivial(bound.quantity, known),
        subject=about,
        quantity=bound.quantity,
        axis=axis,
        bound_errors=data.bound_errors(bound, "proved", known) if "proved" in bound.forms else None,
    )
    if aside:
        said = f"{judged.finding}; {counted(aside, 'point')} left out where {axis} is not positive"
        judged = dataclasses.replace(judged, finding=said)
    if unspoken:
        said = f"{judged.finding}; {counted(unspoken, 'point')} left out where the explicit bound says nothing"
        judged = dataclasses.replace(judged, finding=said)
    return with_losses(judged, data, [cell for cell in line if excludes(bound, cell) is None])


def half_width(data: Data) -> float:
    """The widest 95% interval's half width among the exponents along axes with a limit, of the bounds' quantities, that
    can be fitted over all sound points of a line; NaN if none can. Precision on demand stops on this and nothing else.
    """
    widths: list[float] = []
    experiment = data.plan.experiment
    for quantity, output in dict.fromkeys((b.quantity, b.output) for b in experiment.bounds):
        for name in experiment.judged:
            for grid in data.plan.size.grids:
                for line in grid.lines() if grid.along in UNBOUNDED_AXES else []:
                    cells, _ = sound(data, on_line(data.plan, line, name))
                    if len(cells) < 4:
                        continue
                    x = np.array([cell.point[grid.along] for cell in cells], dtype=float)
                    fit = slopes.fit_rate(data.values(cells, quantity, output), x)
                    if fit.fitted:
                        widths.append((fit.high - fit.low) / 2)
    return max(widths, default=math.nan)


class RunningExponents(NamedTuple):
    """The exponents of one line between neighbouring points, W of them: measured with 95% intervals, and the claim's
    own (NaN where it is not known).

    ``spans`` are the pairs of points; the numbers are NaN where a mean is not positive.
    """

    algorithm: str
    axis: str
    where: dict[str, float]
    quantity: str
    output: str
    spans: list[tuple[float, float]]
    slope: Floats
    low: Floats
    high: Floats
    claim_slope: Floats

    def to_json(self) -> dict[str, Any]:
        numbers = {
            name: [float(x) if math.isfinite(x) else None for x in getattr(self, name)]
            for name in ("slope", "low", "high", "claim_slope")
        }
        return {**self._asdict(), **numbers}


def running(data: Data) -> list[RunningExponents]:
    """Along every line of an axis with a limit, for each quantity and output that has a bound, over the sound cells."""
    found: list[RunningExponents] = []
    experiment = data.plan.experiment
    bounds = {(bound.quantity, bound.output): bound for bound in reversed(experiment.bounds)}
    for (quantity, output), bound in reversed(bounds.items()):
        for name in experiment.judged:
            for grid in data.plan.size.grids:
                for line in grid.lines() if grid.along in UNBOUNDED_AXES else []:
                    cells, _ = sound(data, on_line(data.plan, line, name))
                    if len(cells) < 2 or data.replicates < 2:
                        continue
                    x = np.array([cell.point[grid.along] for cell in cells], dtype=float)
                    _, slope, low, high = slopes.running_exponents(data.values(cells, quantity, output), x)
                    claim = data.level(bound, cells).claim
                    with np.errstate(divide="ignore", invalid="ignore"):
                        claimed = np.diff(np.log(claim)) / np.diff(np.log(x))
                    spans = list(itertools.pairwise(x.tolist()))
                    where = held(line, grid.along)
                    found.append(
                        RunningExponents(name, grid.along, where, quantity, output, spans, slope, low, high, claimed)
                    )
    return found


def refusal(made: Plan) -> str | None:
    """Why no bound of the experiment covers any cell of it (the first reason of each bound), or None: some bound does,
    or there is something to say whatever the bounds cover."""
    experiment = made.experiment
    if any(isinstance(reading, COMPARATIVE) for reading in experiment.readings) or experiment.read is not None:
        return None
    reasons: dict[str, None] = {}
    for bound in experiment.bounds:
        for cell in made.cells:
            if cell.name in experiment.judged:
                reason = excludes(bound, cell)
                if reason is None:
                    return None
                reasons.setdefault(reason)
    return next(iter(reasons), None) and " ".join(list(reasons)[:2])
