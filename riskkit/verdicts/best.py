"""The best value of a coordinate: where a measured mean is least along each line, beside what bounds advise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.experiment.readings import Best
from riskkit.judges.outcome import Outcome, Verdict, counted, undecided
from riskkit.stats import slopes
from riskkit.stats.first_passage import growth
from riskkit.stats.minimiser import Minimiser, minimiser
from riskkit.stats.slopes import MARGIN
from riskkit.theory.bound import Form
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.evidence import Evidence, nothing_left, sound, with_losses, words
from riskkit.verdicts.finding import Finding, finding

MINIMUM_VALUES = 4
"""A line with fewer values of the coordinate has no minimizer to speak of."""


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
        measured = {name: value for name, value in self.found._asdict().items() if name not in ("leaves", "sizes")}
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


def best_values(evidence: Evidence, reading: Best) -> list[BestValue]:
    """Every line along the coordinate; lines with a cell that is not sound are left out."""
    found: list[BestValue] = []
    bound = reading.bound
    for name in evidence.plan.experiment.judged if evidence.replicates >= 2 else ():
        for line, cells in _lines(evidence, reading, name):
            if sound(evidence, cells)[1] or len(cells) < MINIMUM_VALUES:
                continue
            values = evidence.values(cells, bound.quantity, bound.output)
            measured = minimiser(values, np.array([cell.point[reading.coordinate] for cell in cells]))
            at = evidence.at(cells[-1:])
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


def _lines(evidence: Evidence, reading: Best, name: str) -> list[tuple[Sequence[Any], list[Cell]]]:
    grids = [grid for grid in evidence.plan.size.grids if grid.along == reading.coordinate]
    lines = [line for grid in grids for line in grid.lines()]
    return [(line, on_line(evidence.plan, line, name)) for line in lines]


def best_findings(evidence: Evidence, reading: Best, lines: Sequence[BestValue]) -> list[Finding]:
    """How the best value goes with the reading's scale, and whether its condition tells when it is the largest. Cells
    without a value, which cost their line, are counted in the sentences."""
    found: list[Finding] = []
    bound, source = reading.bound, reading.bound.name.partition(".")[0]
    for name in evidence.plan.experiment.judged if evidence.replicates >= 2 else ():
        own = [line for line in lines if line.algorithm == name]
        every = [cells for _, cells in _lines(evidence, reading, name) if len(cells) >= MINIMUM_VALUES]
        cells = [cell for line in every for cell in line]
        _, lost = sound(evidence, cells)
        for asked, key, axis, least in (
            (reading.scale, f"best {reading.coordinate}", reading.scale and reading.scale.name, 3),
            (reading.condition, reading.condition and reading.condition.name, None, 1),
        ):
            if asked is None or not cells:
                continue
            problem = cells[0].run.about()["problem"]
            if len(own) >= least:
                judged = _rate(evidence, reading, own, problem) if axis else _condition(evidence, reading, own, problem)
                judged = with_losses(judged, evidence, cells)
            elif lost:
                about = f"{key} ({bound.output} iterate) on {problem}"
                judged = nothing_left("minimiser", about, evidence, cells, axis=axis or "")
            else:
                continue
            found.append(
                finding(
                    f"{source}.{key}",
                    judged,
                    title=bound.title,
                    algorithm=name,
                    form="claim",
                    axis=axis,
                    quantity=bound.quantity,
                    output=bound.output,
                )
            )
    return found


def _rate(evidence: Evidence, reading: Best, lines: Sequence[BestValue], problem: str) -> Verdict:
    """The exponent of the best value in the scale over the lines whose minimizer lies inside the grid."""
    scale = reading.scale
    assert scale is not None
    inside = [line for line in lines if math.isfinite(line.found.vertex)]
    about = (
        f"the {reading.coordinate} with the smallest {words(reading.bound.quantity)} "
        f"({reading.bound.output} iterate) on {problem}"
    )
    draft = dataclasses.replace(
        undecided("minimiser", about, evidence.replicates, axis=scale.name, points=len(inside)),
        claim_slope=scale.exponent,
    )
    x = np.array([scale.value(line.where) for line in inside])
    if len(inside) < 3 or np.ptp(x) == 0:
        return draft.concluded(
            Outcome.TOO_FEW_POINTS,
            f"{counted(len(inside), 'line')} of {len(lines)} has its minimiser inside the grid, and a rate needs 3",
        )
    grown = growth([i.found.vertex for i in inside], [i.found.leaves for i in inside], inside[0].found.sizes, x)
    gap = grown.slope - scale.exponent
    ratios = [line.found.vertex / r**scale.exponent for line, r in zip(inside, x, strict=True)]
    draft = dataclasses.replace(
        draft,
        slope=grown.slope,
        slope_low=grown.low,
        slope_high=grown.high,
        difference=gap,
        difference_low=grown.narrow_low - scale.exponent,
        difference_high=grown.narrow_high - scale.exponent,
        start=float(x.min()),
        stop=float(x.max()),
    )
    said = (
        f"it goes like ({scale.name})^{grown.slope:.3f} [{grown.low:.3f}, {grown.high:.3f}] over "
        f"{counted(grown.points, 'line')} (claimed {scale.exponent:g}), and c in c ({scale.name})^{scale.exponent:g} "
        f"lies between {min(ratios):.3g} and {max(ratios):.3g}"
    )
    within = max(slopes.tail(MARGIN - gap, grown.se, grown.df), slopes.tail(MARGIN + gap, grown.se, grown.df))
    off = 2 * min(slopes.tail(gap, grown.se, grown.df), slopes.tail(-gap, grown.se, grown.df))
    if within <= 0.05:
        return draft.concluded(Outcome.TIGHT, said, within)
    if off <= 0.05:
        return draft.concluded(Outcome.DISAGREES, said, off)
    return draft.concluded(Outcome.INCONCLUSIVE, said, min(within, off))


def _condition(evidence: Evidence, reading: Best, lines: Sequence[BestValue], problem: str) -> Verdict:
    """A condition says when the best value is not the largest. It is contradicted where it holds although the largest
    beats all others (the set of possible minimizers is that alone), or fails although the largest is beaten."""
    condition = reading.condition
    assert condition is not None
    last = lines[0].last
    about = (
        f"{condition.name}'s prediction of the best {reading.coordinate} ({reading.bound.output} iterate) on {problem}"
    )
    holds = [line for line in lines if line.condition]
    fails = [line for line in lines if not line.condition]
    wrong_when_true = sum(line.found.low == line.last for line in holds)
    wrong_when_false = sum(line.excludes_last for line in fails)
    draft = undecided("minimiser", about, evidence.replicates, points=len(lines))
    name = reading.coordinate
    said = (
        f"its first form holds at {name} = {last:g} in {len(holds)} of {counted(len(lines), 'line')}; there the best "
        f"{name} is below {last:g} in {sum(line.excludes_last for line in holds)} and {last:g} in {wrong_when_true}; "
        f"where it fails, the best {name} is below {last:g} all the same in {wrong_when_false} of {len(fails)} (each a "
        "95% statement)"
    )
    wrong = wrong_when_true + wrong_when_false
    decided = sum(line.found.low == line.last or line.excludes_last for line in lines)
    if not decided:
        return draft.concluded(Outcome.INCONCLUSIVE, said)
    if wrong > _by_chance(len(lines)):
        return draft.concluded(Outcome.DISAGREES, said)
    if wrong == 0 and decided == len(lines):
        return draft.concluded(Outcome.AGREES, said)
    return draft.concluded(Outcome.INCONCLUSIVE, said)


def _by_chance(lines: int) -> int:
    """The most wrong sets that 95% statements about so many lines produce with probability above .05, at worst
    independent: the .95 quantile of a binomial."""
    return int(stats.binom.ppf(0.95, lines, 0.05))
