"""Confronts an experiment's measurements with what its bounds say: the verdicts of a grid of Lookahead."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms.staged import OUTPUTS, Lookahead
from riskkit.experiment.grid import Axis, Cell, Plan, Point, Role
from riskkit.experiment.race import Race
from riskkit.stats import slopes
from riskkit.stats.paired import paired_ratio
from riskkit.stats.slopes import MINIMUM_POINTS
from riskkit.theory.bound import Bound, Floats
from riskkit.verdicts import best, judges
from riskkit.verdicts.evidence import (
    Comparison,
    Evidence,
    Finding,
    Level,
    clause,
    effective,
    held,
    listed,
    losses,
    nothing_left,
    setting_at,
    sound,
    two_estimators,
    with_losses,
    words,
)
from riskkit.verdicts.judges import Verdict
from riskkit.verdicts.outcome import counted


def level_at(evidence: Evidence, bound: Bound, cells: Sequence[Cell]) -> Level:
    """The bound at each cell, its measured inputs being means over the same replicates."""
    problem = evidence.plan.experiment.problem
    reasons: list[str | None] = []
    for cell in cells:
        T, k, alpha = effective(cell)
        reasons.append(bound.excludes(problem, Lookahead(T, k, alpha, cell.step)))
    claim, explicit, trivial = np.full((3, len(cells)), np.nan)
    result = Level(claim, explicit, trivial, reasons)
    groups: dict[Any, list[int]] = {}
    for p, cell in enumerate(cells):
        if reasons[p] is None and evidence.of(cell) is not None:
            groups.setdefault(cell.step, []).append(p)
    for places in groups.values():
        setting = setting_at(evidence, [cells[p] for p in places])
        result.claim[places] = sum(bound.claim(setting))
        result.explicit[places] = sum(bound.explicit(setting))
        result.trivial[places] = bound.trivial(setting)
    return result


def exact_at(evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str) -> Floats:
    """(P,) expectations known in closed form, NaN where none is."""
    known = evidence.plan.experiment.exact.get((quantity, output))
    answer = np.full(len(cells), np.nan)
    if known is not None:
        groups: dict[Any, list[int]] = {}
        for p, cell in enumerate(cells):
            groups.setdefault(cell.step, []).append(p)
        for step, places in groups.items():
            points = [Point(cells[p].point.n, *effective(cells[p])) for p in places]
            answer[places] = known(evidence.plan.experiment.problem, step, points)
    return answer


def level(evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str) -> Level | None:
    """The first of the experiment's bounds on the quantity and output, for the table."""
    bounds = [b for b in evidence.plan.experiment.bounds if (b.quantity, b.output) == (quantity, output)]
    return level_at(evidence, bounds[0], cells) if bounds else None


def findings(evidence: Evidence, alphas: Sequence[best.BestAlpha]) -> list[Finding]:
    """All verdicts of the experiment, Holm-adjusted as one family.

    A level verdict for each bound over all cells of Lookahead that it covers; along the axis of each sweep a rate
    verdict for each bound and line; where the expectation is known in closed form, an identity verdict over all
    cells, and an exponent verdict along each line in T; what the best alpha does; and whether the two estimators of the
    generalization error agree.
    """
    experiment, size = evidence.plan.experiment, evidence.plan.size
    cells = [cell for cell in evidence.plan.cells if cell.role == "Lookahead"]
    found: list[Finding] = []
    for bound in experiment.bounds:
        subject = f"the {words(bound.quantity)} of Lookahead ({bound.output} iterate) on {experiment.problem.name}"
        found.append(
            Finding(bound.name, None, {}, bound.quantity, bound.output, _level(evidence, bound, cells, subject))
        )
        for sweep in size.sweeps:
            for line in sweep.lines():
                if len(line) >= 2:
                    on_line = [evidence.plan.cell(point) for point in line]
                    where = held(line, sweep.axis)
                    about = f"{subject} ({listed(where)})"
                    judged = _rate(evidence, bound, on_line, sweep.axis, about)
                    if sweep.axis == "T":
                        limit = experiment.asymptote(bound.quantity, where)
                        judged = dataclasses.replace(judged, asymptote=limit, asymptote_distance=judged.slope - limit)
                    found.append(Finding(bound.name, sweep.axis, where, bound.quantity, bound.output, judged))
    for (quantity, output), _ in experiment.exact.items():
        subject = f"the {words(quantity)} of Lookahead ({output} iterate) on {experiment.problem.name}"
        found += _against_exact(evidence, cells, quantity, output, subject)
        found += _edge(evidence, quantity, output, subject)
    found += best.findings(evidence, alphas)
    found += two_estimators(evidence, evidence.plan.cells)
    adjusted = judges.adjust([finding.verdict for finding in found])
    return [finding._replace(verdict=v) for finding, v in zip(found, adjusted, strict=True)]


def _level(evidence: Evidence, bound: Bound, cells: Sequence[Cell], subject: str) -> Verdict:
    good, bad = sound(evidence, cells)
    level = level_at(evidence, bound, good)
    covered = [p for p in range(len(good)) if level.reasons[p] is None and np.isfinite(level.explicit[p])]
    if not covered:
        reason = next((reason for reason in level.reasons if reason), None)
        if bad and reason is None:
            return nothing_left("level", subject, evidence, cells)
        return judges.not_covered("level", reason or "no explicit bound is proved for this output", subject=subject)
    values = evidence.values([good[p] for p in covered], bound.quantity, bound.output)
    judged = judges.judge_level(values, level.explicit[covered], level.trivial[covered], subject=subject)
    return with_losses(judged, evidence, _under(bound, cells))


def _under(bound: Bound, cells: Sequence[Cell]) -> list[Cell]:
    """The cells that the bound covers, whatever became of them."""
    return [cell for cell in cells if bound.excludes(cell.run.problem, Lookahead(*effective(cell), cell.step)) is None]


def _rate(evidence: Evidence, bound: Bound, line: Sequence[Cell], axis: Axis, subject: str) -> Verdict:
    good, bad = sound(evidence, line)
    level = level_at(evidence, bound, good)
    covered = [p for p in range(len(good)) if level.reasons[p] is None and np.isfinite(level.claim[p])]
    if len(covered) < 2:
        reason = next((reason for reason in level.reasons if reason), None)
        if reason is None and not np.isfinite(level.claim).all():
            reason = "nothing is claimed for such step sizes"
        if bad and reason is None:
            return nothing_left("rate", subject, evidence, line, axis=axis)
        return judges.not_covered("rate", reason or "one point only", subject=subject)
    values = evidence.values([good[p] for p in covered], bound.quantity, bound.output)
    x = np.array([getattr(good[p].point, axis) for p in covered], dtype=float)
    judged = judges.judge_rate(
        values,
        x,
        level.claim[covered],
        level.explicit[covered],
        level.trivial[covered],
        subject=subject,
        quantity=bound.quantity,
        axis=axis,
    )
    return with_losses(judged, evidence, _under(bound, line))


def _edge(evidence: Evidence, quantity: str, output: str, subject: str) -> list[Finding]:
    """Whether the ratio of Lookahead's mean to matched SGD's is the exact one, where both are known: E[a] - r E[b] = 0,
    with a and b from the same replicates."""
    if "matched SGD" not in evidence.plan.experiment.controls:
        return []
    pairs = _pairs(evidence, "matched SGD")
    mine, other = (exact_at(evidence, [pair[side] for pair in pairs], quantity, output) for side in (0, 1))
    known = np.flatnonzero(np.isfinite(mine) & np.isfinite(other) & (other > 0))
    if not known.size:
        return []
    ratio = mine[known] / other[known]
    subject = f"{subject} less its exact multiple of matched SGD's ({ratio.min():.3g} to {ratio.max():.3g})"
    judged_cells = [cell for p in known for cell in pairs[p]]
    there = [p for p in known if all(evidence.status(cell)[0] == "ok" for cell in pairs[p])]
    if there:
        a, b = (evidence.values([pairs[p][side] for p in there], quantity, output) for side in (0, 1))
        judged = judges.judge_identity(
            a - mine[there] / other[there] * b, np.zeros(len(there)), subject=subject, scale=mine[there]
        )
        judged = with_losses(judged, evidence, judged_cells)
    else:
        judged = nothing_left("identity", subject, evidence, judged_cells)
    return [Finding(f"exact ratio {quantity}.{output}", None, {}, quantity, output, judged)]


def _against_exact(
    evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str, subject: str
) -> list[Finding]:
    at = exact_at(evidence, cells, quantity, output)
    exact = {cell.point: value for cell, value in zip(cells, at, strict=True)}
    known = [cell for cell in cells if np.isfinite(exact[cell.point])]
    found: list[Finding] = []
    if known:
        good, _ = sound(evidence, known)
        if good:
            values, expected = evidence.values(good, quantity, output), np.array([exact[cell.point] for cell in good])
            judged = with_losses(judges.judge_identity(values, expected, subject=subject), evidence, known)
        else:
            judged = nothing_left("identity", subject, evidence, known)
        found.append(Finding(f"exact {quantity}.{output}", None, {}, quantity, output, judged))
    for sweep in evidence.plan.size.sweeps:
        if sweep.axis != "T":
            continue
        for line in sweep.lines():
            on_line = [evidence.plan.cell(point) for point in line]
            if len(on_line) < MINIMUM_POINTS or not all(np.isfinite(exact[cell.point]) for cell in on_line):
                continue
            where = held(line, "T")
            about = f"{subject} ({listed(where)})"
            good, _ = sound(evidence, on_line)
            if len(good) < MINIMUM_POINTS:
                judged = nothing_left("exponent", about, evidence, on_line, axis="T")
            else:
                judged = judges.judge_exponent(
                    evidence.values(good, quantity, output),
                    np.array([cell.point.T for cell in good], dtype=float),
                    np.array([exact[cell.point] for cell in good]),
                    subject=about,
                    axis="T",
                    asymptote=evidence.plan.experiment.asymptote(quantity, where),
                )
                judged = with_losses(judged, evidence, on_line)
            found.append(Finding(f"exact {quantity}.{output}", "T", where, quantity, output, judged))
    return found


def comparisons(evidence: Evidence) -> list[Comparison]:
    """Every cell of Lookahead (alpha < 1) against SGD and matched SGD, Holm-adjusted as one family.

    The means are those of the table, positive quantities only: optimization error and excess risk of both outputs. A
    cell that is not sound (``uncompared``), or whose mean is not positive in every leave-out, is left out.
    """
    found: list[Comparison] = []
    for against in evidence.plan.experiment.controls:
        pairs = [pair for pair in _pairs(evidence, against) if not losses(evidence, pair)]
        if not pairs or evidence.replicates < 2:
            continue
        ours, theirs = zip(*pairs, strict=True)
        for quantity in ("optimization", "excess"):
            for output in OUTPUTS:
                ratio = paired_ratio(evidence.values(ours, quantity, output), evidence.values(theirs, quantity, output))
                for p, cell in enumerate(ours):
                    if np.isfinite(ratio.ratio[p]):
                        r, low, high, p_value = (
                            float(part[p]) for part in (ratio.ratio, ratio.low, ratio.high, ratio.p_value)
                        )
                        found.append(Comparison(cell.point, against, quantity, output, r, low, high, p_value, math.nan))
    adjusted = judges.holm([comparison.p_value for comparison in found])
    return [c._replace(p_adjusted=float(p)) for c, p in zip(found, adjusted, strict=True)]


def uncompared(evidence: Evidence) -> list[str]:
    """A sentence for each control that cells of Lookahead could not be compared with."""
    found = []
    for against in evidence.plan.experiment.controls:
        pairs = _pairs(evidence, against)
        gone = [pair for pair in pairs if losses(evidence, pair)]
        if gone:
            lost = losses(evidence, (cell for pair in gone for cell in pair))
            found.append(
                f"Lookahead / {against}: {len(gone)} of {counted(len(pairs), 'pair')} not compared; {clause(lost)}"
            )
    return found


def _pairs(evidence: Evidence, against: Role) -> list[tuple[Cell, Cell]]:
    """The cells of Lookahead (alpha < 1), each with its control's."""
    return [
        (cell, evidence.plan.cell(cell.point, against))
        for cell in evidence.plan.cells
        if cell.role == "Lookahead" and cell.point.alpha < 1
    ]


def half_width(evidence: Evidence) -> float:
    """The widest 95% interval's half width among the exponents along T, n and k of the bounds' quantities that can be
    fitted over all sound points of a line; NaN if none can. Precision on demand stops on this and nothing else."""
    widths: list[float] = []
    if isinstance(evidence.plan.experiment, Race):
        return math.nan  # its counts are not fitted along a grid
    for quantity, output in dict.fromkeys((b.quantity, b.output) for b in evidence.plan.experiment.bounds):
        for sweep in evidence.plan.size.sweeps:
            for line in sweep.lines():
                cells, _ = sound(evidence, [evidence.plan.cell(point) for point in line])
                if sweep.axis == "alpha" or len(cells) < 4:
                    continue
                x = np.array([getattr(cell.point, sweep.axis) for cell in cells], dtype=float)
                fit = slopes.fit_rate(evidence.values(cells, quantity, output), x)
                if fit.fitted:
                    widths.append((fit.high - fit.low) / 2)
    return max(widths, default=math.nan)


class RunningExponents(NamedTuple):
    """The exponents of one line between neighbouring points, W of them: measured with 95% intervals, and the claim's
    own (NaN where it is not known).

    ``spans`` are the pairs of points; the numbers are NaN where a mean is not positive.
    """

    axis: Axis
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


def running(evidence: Evidence) -> list[RunningExponents]:
    """Along every line in T, k and n, for each quantity and output that has a bound, over the sound cells."""
    found: list[RunningExponents] = []
    bounds = {(bound.quantity, bound.output): bound for bound in reversed(evidence.plan.experiment.bounds)}
    for (quantity, output), bound in reversed(bounds.items()):
        for sweep in evidence.plan.size.sweeps:
            for line in sweep.lines() if sweep.axis != "alpha" else []:
                cells, _ = sound(evidence, [evidence.plan.cell(point) for point in line])
                if len(cells) < 2 or evidence.replicates < 2:
                    continue
                x = np.array([getattr(cell.point, sweep.axis) for cell in cells], dtype=float)
                _, slope, low, high = slopes.running_exponents(evidence.values(cells, quantity, output), x)
                claim = level_at(evidence, bound, cells).claim
                with np.errstate(divide="ignore", invalid="ignore"):
                    claimed = np.diff(np.log(claim)) / np.diff(np.log(x))
                spans = list(itertools.pairwise(x.tolist()))
                where = held(line, sweep.axis)
                found.append(RunningExponents(sweep.axis, where, quantity, output, spans, slope, low, high, claimed))
    return found


def refusal(made: Plan) -> str | None:
    """Why no bound of the experiment covers any cell of Lookahead in it (the first reason of each bound), or None."""
    if isinstance(made.experiment, Race):
        return None  # its entries are compared with each other whatever a theorem covers
    problem = made.experiment.problem
    reasons: dict[str, None] = {}
    for bound in made.experiment.bounds:
        for cell in made.cells:
            if cell.role == "Lookahead":
                reason = bound.excludes(problem, Lookahead(*effective(cell), cell.step))
                if reason is None:
                    return None
                reasons.setdefault(reason)
    return next(iter(reasons), None) and " ".join(list(reasons)[:2])
