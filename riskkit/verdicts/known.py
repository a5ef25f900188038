"""Statements of a source judged on expectations that are known exactly: no replicates, no test, no chance.

HOLDS: the first algorithm's expectation is the smaller one in every setting, or a lower bound is reached in every one;
VIOLATED: it is the larger one in some, or the bound is not reached.
TIGHT, LOOSE, PRE-ASYMPTOTIC: as of a rate, by the slopes themselves. A window is finite: a ratio that grows on it
contradicts no O(.).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.experiment.readings import Follows, Reaches, Smaller
from riskkit.judges.outcome import Outcome, Verdict, counted, not_covered, undecided
from riskkit.judges.rate import END_MARGIN, UNBOUNDED_AXES, window_end
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS, fit_curve
from riskkit.theory.bound import Floats
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.data import Data, excludes, listed, subject, words
from riskkit.verdicts.finding import Finding, finding

ROUNDING = 1e-9
"""Two expectations that differ by no more than this part are the same to rounding."""


def smaller_findings(data: Data, reading: Smaller) -> list[Finding]:
    """One verdict over all points that both algorithms have."""
    plan = data.plan
    pairs = [(c, other) for c in data.named(reading.algorithm) if (other := plan.cell(c.point, reading.than))]
    mine, theirs = (_known(data, reading, [pair[side] for pair in pairs]) for side in (0, 1))
    met = [(a, b) for a, b in pairs if math.isfinite(mine[a]) and theirs[b] > 0]
    about = f"the {words(reading.quantity)} of {reading.algorithm}, compared with {reading.than}'s{_scope(reading)}"
    if not met:
        judged = not_covered("level", "the expectations are known at no common setting", subject=about)
    else:
        ratios = np.array([mine[a] / theirs[b] for a, b in met])
        draft = dataclasses.replace(
            undecided("level", about, data.replicates, points=len(met), exact=True), ratio=float(ratios.max())
        )
        judged = _compared(draft, ratios)
    return [
        finding(
            reading.name,
            judged,
            title=reading.title,
            algorithm=reading.algorithm,
            form="claim",
            quantity=reading.quantity,
            output="",
        )
    ]


def reaches_findings(data: Data, reading: Reaches) -> list[Finding]:
    """One verdict over all points of the algorithm at which both are known."""
    cells = data.named(reading.algorithm)
    exact, lower = _known(data, reading, cells), dict.fromkeys(cells, math.nan)
    for group in data.alike(cells):
        lower |= dict(zip(group, np.asarray(reading.lower(data.at(group)), dtype=np.float64).tolist(), strict=True))
    met = [cell for cell in cells if exact[cell] > 0 and math.isfinite(lower[cell])]
    about = f"{subject(reading.quantity, reading.output, reading.algorithm, cells)}, against a lower bound"
    if not met:
        judged = not_covered("level", "the expectation is known at no setting", subject=about)
    else:
        shares = np.array([lower[cell] / exact[cell] for cell in met])
        draft = dataclasses.replace(
            undecided("level", about, data.replicates, points=len(met), exact=True), ratio=float(shares.max())
        )
        found = f"lower bound / exact is {shares.min():.4g} to {shares.max():.4g} in {counted(len(met), 'setting')}"
        judged = draft.concluded(Outcome.HOLDS if shares.max() <= 1 + ROUNDING else Outcome.VIOLATED, found)
    return [
        finding(
            reading.name,
            dataclasses.replace(judged, against=reading.title),
            title=reading.title,
            algorithm=reading.algorithm,
            form=reading.form,
            quantity=reading.quantity,
            output=reading.output,
        )
    ]


def _scope(reading: Smaller | Follows) -> str:
    return f" {reading.scope}" if reading.scope else ""


def _known(data: Data, reading: Smaller | Follows | Reaches, cells: Sequence[Cell]) -> dict[Cell, float]:
    found: dict[Cell, float] = {}
    for group in data.alike(dict.fromkeys(cells)):
        found |= dict(zip(group, data.expected(reading, group).tolist(), strict=True))
    return found


def _compared(draft: Verdict, ratios: Floats) -> Verdict:
    larger, smaller = int((ratios > 1 + ROUNDING).sum()), int((ratios < 1 - ROUNDING).sum())
    found = (
        f"the exact ratio is {ratios.min():.4g} to {ratios.max():.4g} in {counted(len(ratios), 'setting')}, smaller "
        f"than 1 in {smaller} and larger in {larger}"
    )
    return draft.concluded(Outcome.VIOLATED if larger else Outcome.HOLDS, found)


def follows_findings(data: Data, reading: Follows) -> list[Finding]:
    """A verdict for each line of each grid on which the claim is known at four points or more."""
    found: list[Finding] = []
    bound = reading.bound
    for grid in data.plan.size.grids:
        for line in grid.lines():
            cells = on_line(data.plan, line, reading.algorithm)
            reasons = [excludes(bound, cell) for cell in cells]
            covered = [cell for cell, reason in zip(cells, reasons, strict=True) if reason is None]
            exact = _known(data, reading, covered)
            claim = {cell: float(value) for cell, value in zip(covered, data.level(bound, covered).claim, strict=True)}
            at = [cell for cell in covered if exact[cell] > 0 and claim[cell] > 0]
            where = held(line, grid.along)
            about = f"{subject(bound.quantity, bound.output, reading.algorithm, cells)}{_scope(reading)}"
            draft = undecided(
                "rate", f"{about} ({listed(where)})", data.replicates, axis=grid.along, points=len(at), exact=True
            )
            x = np.array([cell.point[grid.along] for cell in at], dtype=float)
            found.append(
                finding(
                    bound.name,
                    judge_known(draft, x, np.array([exact[c] for c in at]), np.array([claim[c] for c in at])),
                    title=bound.title,
                    algorithm=reading.algorithm,
                    form="claim",
                    axis=grid.along,
                    where=where,
                    quantity=bound.quantity,
                    output=bound.output,
                )
            )
    return found


def judge_known(draft: Verdict, x: Floats, exact: Floats, claim: Floats, *, margin: float = MARGIN) -> Verdict:
    """Does an exact curve follow a claim? x, exact, claim (P,), all positive; ``draft`` has the axis."""
    if x.size < MINIMUM_POINTS:
        return draft.concluded(Outcome.TOO_FEW_POINTS, f"{counted(x.size, 'point')}, and a rate needs {MINIMUM_POINTS}")
    axis, ratio, half = draft.axis, exact / claim, window_end(x.size)
    whole, end, start = (fit_curve(r, at).slope for r, at in ((ratio, x), (ratio[half:], x[half:]), _first(ratio, x)))
    slope, claimed = fit_curve(exact, x).slope, fit_curve(claim, x).slope
    draft = dataclasses.replace(
        draft,
        slope=slope,
        claim_slope=claimed,
        difference=whole,
        start=float(x.min()),
        stop=float(x.max()),
        ratio=float(ratio[-1]),
    )
    found = (
        f"the exact exponent in {axis} is {slope:+.3f} for {axis} from {x.min():g} to {x.max():g} "
        f"({counted(x.size, 'point')}), the claimed one {claimed:+.3f}; exact / claim is {ratio[0]:.3g} at the first "
        f"and {ratio[-1]:.3g} at the last"
    )
    limit = axis in UNBOUNDED_AXES
    ends = (end,) if limit else (start, end)
    if abs(whole) <= margin and all(abs(one) <= END_MARGIN * margin for one in ends):
        return draft.concluded(Outcome.TIGHT, found)
    if not limit and abs(whole) > margin:
        where = "small" if whole > 0 else "large"
        return draft.concluded(Outcome.LOOSE, f"{found}: the claim is loose at one end, for {where} {axis}")
    if limit and whole < -margin and end < -margin:
        return draft.concluded(Outcome.LOOSE, f"{found}: the mean falls faster than the claim")
    return draft.concluded(Outcome.PRE_ASYMPTOTIC, f"{found}; the ratio still moves at an end of the window")


def _first(ratio: Floats, x: Floats) -> tuple[Floats, Floats]:
    """The first half of a window, as long as its end."""
    half = x.size - window_end(x.size)
    return ratio[:half], x[:half]
