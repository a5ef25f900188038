"""The best alpha: where the measured excess risk is least along each line in alpha, beside what the theorems advise.

The slides end Theorem 1 with a best alpha of order min(1, sqrt(n/(kT))), Theorem 2 with equation 7, a condition under
which it is not 1, and Theorem 3 with "by properly choosing alpha". Each is confronted with the minimiser measured on
common random numbers.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from riskkit.stats import slopes
from riskkit.stats.first_passage import growth
from riskkit.stats.minimiser import Minimiser, minimiser
from riskkit.stats.slopes import MARGIN
from riskkit.theory.bound import Bound, Floats
from riskkit.theory.hypotheses import minimise_over_alpha
from riskkit.theory.zhou2021 import strongly_convex
from riskkit.verdicts.evidence import Evidence, Finding, held, nothing_left, setting_at, sound, with_losses
from riskkit.verdicts.judges import Verdict
from riskkit.verdicts.outcome import Outcome, counted, undecided

MINIMUM_ALPHAS = 4
"""A line with fewer values of alpha has no minimiser to speak of."""


class BestAlpha(NamedTuple):
    """One line in alpha: the measured minimiser of the excess risk, and the minimisers of bound and claim.

    ``equation7``: whether its first form holds at alpha = 1 (None where the theorem is not the second).
    ``excludes_one``: whether alpha = 1 is beaten beyond chance.
    """

    where: dict[str, float]
    output: str
    n: int
    gradients: int
    found: Minimiser
    explicit: float
    claim: float
    equation7: bool | None

    @property
    def excludes_one(self) -> bool:
        return self.found.high < 1

    def to_json(self) -> dict[str, Any]:
        measured = {name: value for name, value in self.found._asdict().items() if name not in ("leaves", "sizes")}
        return {
            **self.where,
            "output": self.output,
            "kT": self.gradients,
            **measured,
            "explicit": self.explicit,
            "claim": self.claim,
            "equation7": self.equation7,
            "excludes_one": self.excludes_one,
        }


def best_alphas(evidence: Evidence) -> list[BestAlpha]:
    """Every line in alpha, for each bound of the experiment on the excess risk; lines with a cell that is not sound are
    left out."""
    experiment = evidence.plan.experiment
    found: list[BestAlpha] = []
    for bound in experiment.bounds:
        if bound.quantity != "excess" or evidence.replicates < 2:
            continue
        for sweep in evidence.plan.size.sweeps:
            for line in sweep.lines() if sweep.axis == "alpha" else []:
                cells, bad = sound(evidence, [evidence.plan.cell(point) for point in line])
                if bad or len(cells) < MINIMUM_ALPHAS:
                    continue
                values = evidence.values(cells, "excess", bound.output)
                point = line[0]
                measured = minimiser(values, np.array([cell.point.alpha for cell in cells]))
                setting = setting_at(evidence, cells[-1:])
                kinds = {name: _least(bound, setting, name) for name in ("explicit", "claim")}
                holds = None
                if bound.theorem == 2:
                    lam = experiment.problem.constants.lam
                    holds = bool(strongly_convex.equation7(point.n, point.k, point.T, lam).first)
                where = held(line, "alpha")
                found.append(
                    BestAlpha(where, bound.output, point.n, point.k * point.T, measured, **kinds, equation7=holds)
                )
    return found


def _least(bound: Bound, setting: Any, kind: str) -> float:
    """The alpha at which the claim or the explicit bound is least; nan where it is not known."""

    def total(alpha: Floats) -> Floats:
        there = dataclasses.replace(setting, alpha=alpha, path_moment=math.nan)
        return np.sum(bound.explicit(there) if kind == "explicit" else bound.claim(there), axis=0)

    return math.nan if np.isnan(total(np.array([0.5]))).any() else minimise_over_alpha(total)


def findings(evidence: Evidence, lines: Sequence[BestAlpha]) -> list[Finding]:
    """How the best alpha goes with n/(kT) (Theorem 1), and whether equation 7 predicts it (Theorem 2). Cells without a
    value, which cost their line, are counted in the sentences."""
    plan = evidence.plan
    along = [line for sweep in plan.size.sweeps if sweep.axis == "alpha" for line in sweep.lines()]
    cells = [plan.cell(point) for line in along if len(line) >= MINIMUM_ALPHAS for point in line]
    _, lost = sound(evidence, cells)
    found: list[Finding] = []
    for bound in plan.experiment.bounds if evidence.replicates >= 2 else ():
        if bound.quantity != "excess" or bound.theorem not in (1, 2):
            continue
        own = [line for line in lines if line.output == bound.output]
        what, axis = ("best alpha", "n/(kT)") if bound.theorem == 1 else ("equation 7", None)
        if len(own) >= (3 if bound.theorem == 1 else 1):
            judged = with_losses((_rate if bound.theorem == 1 else _equation7)(evidence, bound, own), evidence, cells)
        elif lost:
            subject = f"{what} ({bound.output} iterate) on {plan.experiment.problem.name}"
            judged = nothing_left("minimiser", subject, evidence, cells, axis=axis or "")
        else:
            continue
        found.append(Finding(f"theorem{bound.theorem}.{what}", axis, {}, "excess", bound.output, judged))
    return found


def _rate(evidence: Evidence, bound: Bound, lines: list[BestAlpha]) -> Verdict:
    """The exponent of the best alpha in n/(kT) over the lines whose minimiser lies inside the grid: claimed 1/2."""
    inside = [line for line in lines if math.isfinite(line.found.vertex)]
    subject = (
        f"the alpha with the smallest excess risk ({bound.output} iterate) on {evidence.plan.experiment.problem.name}"
    )
    draft = dataclasses.replace(
        undecided("minimiser", subject, evidence.replicates, axis="n/(kT)", points=len(inside)), claim_slope=0.5
    )
    x = np.array([line.n / line.gradients for line in inside])
    if len(inside) < 3 or np.ptp(x) == 0:
        return draft.concluded(
            Outcome.PRE_ASYMPTOTIC,
            f"{counted(len(inside), 'line')} of {len(lines)} has its minimiser inside the grid, and a rate needs 3",
        )
    grown = growth([i.found.vertex for i in inside], [i.found.leaves for i in inside], inside[0].found.sizes, x)
    gap = grown.slope - 0.5
    ratios = [line.found.vertex / math.sqrt(r) for line, r in zip(inside, x, strict=True)]
    draft = dataclasses.replace(
        draft,
        slope=grown.slope,
        slope_low=grown.low,
        slope_high=grown.high,
        difference=gap,
        difference_low=grown.narrow_low - 0.5,
        difference_high=grown.narrow_high - 0.5,
        start=float(x.min()),
        stop=float(x.max()),
    )
    said = (
        f"it goes like (n/(kT))^{grown.slope:.3f} [{grown.low:.3f}, {grown.high:.3f}] over "
        f"{counted(grown.points, 'line')} (claimed 1/2), and c in c sqrt(n/(kT)) lies between "
        f"{min(ratios):.3g} and {max(ratios):.3g}"
    )
    within = max(slopes.tail(MARGIN - gap, grown.se, grown.df), slopes.tail(MARGIN + gap, grown.se, grown.df))
    off = 2 * min(slopes.tail(gap, grown.se, grown.df), slopes.tail(-gap, grown.se, grown.df))
    if within <= 0.05:
        return draft.concluded(Outcome.ATTAINED, said, within)
    if off <= 0.05:
        return draft.concluded(Outcome.DISAGREES, said, off)
    return draft.concluded(Outcome.INCONCLUSIVE, said, min(within, off))


def _equation7(evidence: Evidence, bound: Bound, lines: list[BestAlpha]) -> Verdict:
    """Equation 7 says when the best alpha is not 1. It is contradicted where it holds although 1 beats all others (the
    set of possible minimisers is {1}), or fails although 1 is beaten."""
    subject = (
        f"equation 7's prediction of the best alpha ({bound.output} iterate) on {evidence.plan.experiment.problem.name}"
    )
    holds = [line for line in lines if line.equation7]
    fails = [line for line in lines if not line.equation7]
    wrong_when_true = sum(line.found.low == 1 for line in holds)
    wrong_when_false = sum(line.excludes_one for line in fails)
    draft = undecided("minimiser", subject, evidence.replicates, points=len(lines))
    said = (
        f"its first form holds at alpha = 1 in {len(holds)} of {counted(len(lines), 'line')}; there the best alpha is "
        f"below 1 in {sum(line.excludes_one for line in holds)} and 1 in {wrong_when_true}; where it fails, the best "
        f"alpha is below 1 all the same in {wrong_when_false} of {len(fails)} (each a 95% statement)"
    )
    wrong = wrong_when_true + wrong_when_false
    decided = sum(line.found.low == 1 or line.excludes_one for line in lines)
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
