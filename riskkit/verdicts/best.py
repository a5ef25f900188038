"""The best value of a coordinate: where a measured mean is least along each line, beside what bounds advise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.experiment.readings import Best
from riskkit.identity import label, short
from riskkit.judges.outcome import Outcome, Verdict, counted, starved, undecided
from riskkit.stats import slopes
from riskkit.stats.jackknife import MINIMUM_VERDICT, Floats
from riskkit.stats.minimiser import Minimiser, minimiser
from riskkit.stats.multiplicity import p_text
from riskkit.stats.several import Exponents, fit_exponents
from riskkit.stats.slopes import MARGIN
from riskkit.theory.bound import Form, Scale
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.data import Data, nothing_left, sound, with_losses, words
from riskkit.verdicts.finding import Finding, finding

MINIMUM_VALUES = 4
"""A line with fewer values of the coordinate has no minimizer to speak of."""

LACK = 0.05
"""A product of powers that comes within this of every line fits, however small the errors are."""


class BestValue(NamedTuple):
    """One line: the measured minimizer of a quantity, and the minimizers of a bound's forms.

    ``where``: what is held, n and kT among it. ``condition``: whether the stated condition holds at the line's largest
    value (None where there is none). ``excludes_last``: whether the largest value of the grid is beaten beyond chance.
    """

    algorithm: str
    coordinate: str
    where: dict[str, float]
    quantity: str
    output: str
    found: Minimiser
    proved: float
    claim: float
    condition: bool | None
    last: float

    @property
    def excludes_last(self) -> bool:
        return self.found.high < self.last

    def to_json(self) -> dict[str, Any]:
        measured = {
            name: value for name, value in self.found._asdict().items() if name not in ("p_least", "leaves", "sizes")
        }
        return {
            "algorithm": self.algorithm,
            "coordinate": self.coordinate,
            **self.where,
            "quantity": self.quantity,
            "output": self.output,
            **measured,
            "proved": self.proved,
            "claim": self.claim,
            "condition": self.condition,
            "excludes_last": self.excludes_last,
        }


def best_values(data: Data, reading: Best) -> list[BestValue]:
    """Every line along the coordinate; lines with a cell that is not sound are left out."""
    found: list[BestValue] = []
    bound = reading.bound
    for name in data.plan.experiment.judged if data.replicates >= 2 else ():
        for line, cells in _lines(data, reading, name):
            if sound(data, cells)[1] or len(cells) < MINIMUM_VALUES:
                continue
            values = data.values(cells, bound.quantity, bound.output)
            measured = minimiser(values, np.array([cell.point[reading.coordinate] for cell in cells]))
            at = data.at(cells[-1:])
            least: dict[Form, float] = {"proved": math.nan, "claim": math.nan}
            if hasattr(bound, "least"):
                least = {form: bound.least(form, at, reading.coordinate) for form in least}
            holds = None if reading.condition is None else bool(reading.condition.holds(at))
            where = held(line, reading.coordinate)
            where |= {key: line[0][key] for key in ("n", "kT") if key == "n" or {"T", "k"} <= set(line[0])}
            found.append(
                BestValue(
                    name,
                    reading.coordinate,
                    where,
                    bound.quantity,
                    bound.output,
                    measured,
                    least["proved"],
                    least["claim"],
                    holds,
                    float(cells[-1].point[reading.coordinate]),
                )
            )
    return found


def _lines(data: Data, reading: Best, name: str) -> list[tuple[Sequence[Any], list[Cell]]]:
    grids = [grid for grid in data.plan.size.grids if grid.along == reading.coordinate]
    lines = [line for grid in grids for line in grid.lines()]
    return [(line, on_line(data.plan, line, name)) for line in lines]


def best_findings(data: Data, reading: Best, lines: Sequence[BestValue]) -> list[Finding]:
    """The exponent of the best value in each coordinate of the reading's scale, and whether its condition tells when it
    is not the largest. Cells without a value, which cost their line, are counted in the sentences."""
    found: list[Finding] = []
    bound, source = reading.bound, reading.bound.name.partition(".")[0]
    for name in data.plan.experiment.judged if data.replicates >= 2 else ():
        own = [line for line in lines if line.algorithm == name]
        every = [cells for _, cells in _lines(data, reading, name) if len(cells) >= MINIMUM_VALUES]
        cells = [cell for line in every for cell in line]
        if not cells:
            continue
        _, lost = sound(data, cells)
        problem = cells[0].run.about()["problem"]
        where = f"({bound.output} iterate) on {problem}"
        judged: list[tuple[str, str | None, Verdict]] = []
        if reading.scale is not None and (own or lost):
            about = f"the {reading.coordinate} with the smallest {words(bound.quantity)} {where}"
            key = f"best {reading.coordinate}"
            if own:
                exact = data.exact_cells(cells, bound.quantity, bound.output)
                judged += [(key, axis, one) for axis, one in _exponents(data, reading.scale, own, about, exact).items()]
            else:
                judged += [
                    (key, axis, nothing_left("minimiser", about, data, cells, axis=axis))
                    for axis in reading.scale.powers
                ]
        if reading.condition is not None and (own or lost):
            key = reading.condition.name
            about = f"{key}'s prediction of the best {reading.coordinate} {where}"
            one = _condition(data, reading, own, about) if own else nothing_left("minimiser", about, data, cells)
            judged.append((key, None, one))
        for key, axis, verdict in judged:
            found.append(
                finding(
                    f"{source}.{key}",
                    with_losses(verdict, data, cells) if own else verdict,
                    title=f"{bound.title}'s {key}",
                    algorithm=name,
                    form="claim",
                    axis=axis,
                    quantity=bound.quantity,
                    output=bound.output,
                )
            )
    return found


def _exponents(data: Data, scale: Scale, lines: Sequence[BestValue], about: str, exact: bool) -> dict[str, Verdict]:
    """For each coordinate of the scale the exponent of the best value in it, all fitted together over the lines whose
    minimizer lies inside the grid. ``exact``: the means are expectations.

    AGREES if it is equivalent to the claimed one within the margin and a product of powers fits; DISAGREES if it is off
    by more than the margin. A product of powers fits if what it leaves over is chance, or under 5%.
    """
    inside = [line for line in lines if math.isfinite(line.found.vertex)]
    names = [name for name in scale.powers if all(name in line.where for line in lines)]
    x = np.array([[line.where[name] for name in names] for line in inside]).reshape(len(inside), len(names))
    # A coordinate that does not vary has no exponent.
    varied = [c for c in range(len(names)) if len(inside) and np.ptp(x[:, c]) > 0]
    found: dict[str, Verdict] = {}
    for name in scale.powers:
        draft = undecided("minimiser", about, data.replicates, axis=name, points=len(inside), exact=exact)
        found[name] = draft.concluded(
            Outcome.TOO_FEW_POINTS,
            f"{counted(len(inside), 'line')} of {len(lines)} has its minimizer inside the grid, and "
            f"{len(varied) + 2} that differ in {name} are needed",
        )
    design = np.column_stack([np.ones(len(inside)), np.log(x[:, varied])])
    if not varied or len(inside) < len(varied) + 2 or np.linalg.matrix_rank(design) < design.shape[1]:
        return found
    if data.replicates < MINIMUM_VERDICT and not exact:
        return {name: starved(draft) for name, draft in found.items()}
    best = [line.found for line in inside]
    fit = fit_exponents([b.vertex for b in best], [b.leaves for b in best], best[0].sizes, x[:, varied])
    for c, place in enumerate(varied):
        name = names[place]
        draft = dataclasses.replace(found[name], claim_slope=scale.powers[name])
        found[name] = judge_best_exponent(draft, fit, c, x[:, place])
    return found


def judge_best_exponent(draft: Verdict, fit: Exponents, c: int, x: Floats) -> Verdict:
    """The verdict on one exponent of a fit; ``draft`` has the claimed one, ``x`` the coordinate of its points."""
    slope, claimed, se = float(fit.exponents[c]), draft.claim_slope, float(fit.se[c])
    gap, (low, high), narrow = slope - claimed, fit.interval(c, 0.95), fit.interval(c, 0.90)
    draft = dataclasses.replace(
        draft,
        slope=slope,
        slope_low=low,
        slope_high=high,
        difference=gap,
        difference_low=narrow[0] - claimed,
        difference_high=narrow[1] - claimed,
        start=float(x.min()),
        stop=float(x.max()),
    )
    lacking = not fit.lack_of_fit > 0.05 and fit.residual > math.log1p(LACK)
    interval = " (exact expectations)" if draft.exact else f" [{low:.3f}, {high:.3f}]"
    said = (
        f"its exponent in {draft.axis} is {slope:.3f}{interval} over {counted(fit.points, 'line')}, "
        f"{label(claimed)} claimed, and the lines lie within {short(100 * math.expm1(fit.residual), 2)}% of a product "
        "of powers"
    )
    if math.isfinite(fit.lack_of_fit):
        said += f" (lack of fit {p_text(fit.lack_of_fit)})"
    if lacking:
        said += ", which does not fit: the exponent is an average over the lines"
    within = max(slopes.tail(MARGIN - gap, se, fit.df), slopes.tail(MARGIN + gap, se, fit.df))
    off = 2 * min(slopes.tail(gap - MARGIN, se, fit.df), slopes.tail(-gap - MARGIN, se, fit.df))
    if within <= 0.05 and not lacking:
        return draft.concluded(Outcome.AGREES, said, within)
    if off <= 0.05:
        return draft.concluded(Outcome.DISAGREES, said, off)
    return draft.concluded(Outcome.INCONCLUSIVE, said, min(max(within, float(lacking)), off))


def _condition(data: Data, reading: Best, lines: Sequence[BestValue], about: str) -> Verdict:
    """A sufficient condition says when the best value is not the largest. A line in which it holds confirms it where
    the largest value is beaten, and contradicts it where the largest beats all others; where it fails it is silent.

    AGREES if every line in which it holds confirms it, DISAGREES if one contradicts it after Bonferroni over them. One
    that is stated of some setting only: AGREES if a line confirms it after Bonferroni; nothing contradicts it.
    """
    condition, name = reading.condition, reading.coordinate
    assert condition is not None
    last = lines[0].last
    holds = [line for line in lines if line.condition]
    silent = [line for line in lines if not line.condition]
    confirmed, contradicted = (sum(map(ask, holds)) for ask in (_below_last, _at_last))
    draft = undecided("minimiser", about, data.replicates, points=len(holds))
    if data.replicates < MINIMUM_VERDICT:
        return starved(draft)
    stated = "" if condition.everywhere else "in some setting, "
    said = (
        f"it is {stated}a sufficient condition for a best {name} below {label(last)}, and holds in {len(holds)} of "
        f"{counted(len(lines), 'line')}: {confirmed} confirm it, {contradicted} contradict it, "
        f"{len(holds) - confirmed - contradicted} are undecided; it is silent in the other {len(silent)}, where the "
        f"best {name} is below {label(last)} in {sum(map(_below_last, silent))}"
    )
    if not holds:
        return draft.concluded(Outcome.TOO_FEW_POINTS, said)
    return judge_condition(draft, said, [line.found.p_least for line in holds], everywhere=condition.everywhere)


def judge_condition(draft: Verdict, said: str, p_least: Sequence[Floats], *, everywhere: bool = True) -> Verdict:
    """``p_least``: for each line in which the condition holds, the p-values against each value being the least.
    ``everywhere``: whether all of these lines must confirm it, or one."""
    below, last = [float(p[-1]) for p in p_least], [float(p[:-1].max()) for p in p_least]
    p_confirmed = max(below) if everywhere else _of_one(below)
    p_contradicted = _of_one(last) if everywhere else 1.0
    if p_contradicted <= 0.05:
        return draft.concluded(Outcome.DISAGREES, said, p_contradicted)
    if p_confirmed <= 0.05:
        return draft.concluded(Outcome.AGREES, said, p_confirmed)
    return draft.concluded(Outcome.INCONCLUSIVE, said, min(p_contradicted, p_confirmed))


def _of_one(p_values: Sequence[float]) -> float:
    """Bonferroni: that one of several is so."""
    return min(1.0, len(p_values) * min(p_values))


def _below_last(line: BestValue) -> bool:
    return line.excludes_last


def _at_last(line: BestValue) -> bool:
    return line.found.low == line.last
