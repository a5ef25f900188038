"""Confronts a race with Theorem 4 and its entries with each other: counts, growth, levels, duels.

A *line* is one entry on one problem and sample size: the cells of one run, in the order of their gradients.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output
from riskkit.algorithms.weighted_average import WeightedSGD
from riskkit.experiment.grid import Cell, Run
from riskkit.experiment.race import Race, stage_ends
from riskkit.problem import constants_of
from riskkit.stats import slopes
from riskkit.stats.first_passage import Growth, Passage, PassageStatus, first_passages, growth
from riskkit.stats.paired import Ratio, paired_ratio
from riskkit.stats.planning import selecting_replicates
from riskkit.stats.slopes import MARGIN, MINIMUM_POINTS
from riskkit.theory import sgd_averaging
from riskkit.theory.bound import Floats, Setting
from riskkit.theory.zhou2021 import polyak_lojasiewicz, slrla, strongly_convex
from riskkit.verdicts import judges
from riskkit.verdicts.evidence import (
    RAN_AWAY,
    Comparison,
    Evidence,
    Finding,
    Level,
    clause,
    listed,
    losses,
    nothing_left,
    sound,
    two_estimators,
    with_losses,
    words,
)
from riskkit.verdicts.judges import Verdict
from riskkit.verdicts.outcome import Outcome, counted, undecided

FRACTIONS = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Of the budget: where duels are fought."""


class Proved(NamedTuple):
    """Explicit bounds after some of a run's rounds, (Q,); nan throughout where ``reason`` says why there is none."""

    rounds: np.ndarray
    values: Floats
    reason: str | None


def excluded(run: Run, quantity: str, output: str) -> str | None:
    """Why nothing is proved of a run's error, or None."""
    if isinstance(run.algorithm, WeightedSGD) and (quantity, output) == ("optimization", "average"):
        return sgd_averaging.excluded(run.problem, run.algorithm)
    if not isinstance(run.algorithm, Algorithm):
        return f"nothing is proved here about {run.algorithm.name}"
    if {stage.output for stage in run.algorithm.stages} != {output}:
        return f"the stages do not pass on their {output} iterate"
    if quantity == "optimization":
        return slrla.optimization_excluded(run.problem, run.algorithm)
    if quantity in ("generalization", "stability"):
        return slrla.stability_excluded(constants_of(run.problem), run.algorithm)
    return f"Theorem 4 says nothing of the {words(quantity)}"


def proved_after(run: Run) -> np.ndarray:
    """The rounds for which bounds are proved: a staged run's stages' ends, any of a weighted average's."""
    return np.array(run.rounds) if isinstance(run.algorithm, WeightedSGD) else stage_ends(run.algorithm)


def proved(run: Run, quantity: str, output: str, D2: float, f0: float) -> Proved:
    """Theorem 4's recursions for the optimization error, the generalization error and the stability of a staged run,
    which speak of the output that a stage passes on; and what is proved of SGD's weighted average. ``D2``:
    E||theta_0 - theta*_S||^2; ``f0``: E[F_S(theta_0) - F_S*]."""
    ends = proved_after(run)
    reason = excluded(run, quantity, output)
    if isinstance(run.algorithm, WeightedSGD) and not reason:
        return Proved(
            ends, sgd_averaging.optimization(constants_of(run.problem), run.algorithm.step_sizes, ends, D2), None
        )
    if reason or not isinstance(run.algorithm, Algorithm):
        return Proved(ends, np.full(len(ends), math.nan), reason)
    if quantity == "optimization":
        return Proved(ends, slrla.optimization(run.problem, run.algorithm, f0), None)
    constants = constants_of(run.problem)
    delta = slrla.stability(constants, run.algorithm, run.n)
    return Proved(ends, constants.G * delta if quantity == "generalization" else delta, None)


class Counts(NamedTuple):
    """Gradients to reach each target, (E,): as the slides claim and as proved; nan where nothing is said."""

    claim: Floats
    explicit: Floats


def counts(run: Run, targets: Floats, D2: float, f0: float, g2: float) -> Counts:
    """Theorem 4's counts for an entry: SLRLA's where it has stages, else Lookahead's, whose alpha = 1 is SGD; and the
    proved ones of SGD's weighted average, of which the slides claim nothing.

    The explicit count of a staged plan is the end of the first stage whose recursion is at most eps, that of Lookahead
    the first round at which Theorem 2's or 3's explicit bound is; inf where neither gets there.
    """
    algorithm, constants = run.algorithm, constants_of(run.problem)
    nothing = np.full(len(targets), math.nan)
    modulus = constants.lam or constants.mu
    if isinstance(algorithm, WeightedSGD) and sgd_averaging.excluded(run.problem, algorithm) is None:
        return Counts(nothing, sgd_averaging.gradients(constants, algorithm.step_sizes, targets, D2))
    if not isinstance(algorithm, Algorithm) or not modulus:
        return Counts(nothing, nothing)
    first = algorithm.stages[0]
    if len(algorithm.stages) > 1:
        claim = slrla.claimed_slrla_gradients(targets, first.alpha, modulus)
        reached = proved(run, "optimization", "average", D2, f0)
        if reached.reason:
            return Counts(claim, nothing)
        ends = algorithm.gradients(reached.rounds)
        # The schedule makes the recursion equal to eps up to a rounding.
        hits = [np.flatnonzero(reached.values <= eps * (1 + 1e-9)) for eps in targets]
        return Counts(claim, np.array([float(ends[hit[0]]) if hit.size else math.inf for hit in hits]))
    if constants.lam > 0:
        claim = np.sum(slrla.claimed_lookahead_gradients(targets, first.alpha, modulus), axis=0)
    else:
        claim = slrla.claimed_lookahead_gradients_pl(targets, first.alpha, modulus)
    bound = strongly_convex.OPTIMIZATION if constants.lam > 0 else polyak_lojasiewicz.OPTIMIZATION
    if bound.excludes(run.problem, algorithm):
        return Counts(claim, nothing)
    setting = Setting(constants, first.step, n=run.n, T=1, k=first.k, alpha=first.alpha, D2=D2, f0=f0, g2=g2)
    return Counts(claim, np.array([float(slrla.lookahead_gradients(bound, setting, float(eps))) for eps in targets]))


# For the table.


def level(evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str) -> Level | None:
    """What is proved of the cells: Theorem 4's recursions where they end a stage."""
    if quantity not in ("optimization", "generalization", "stability"):
        return None
    claim, explicit, trivial = np.full((3, len(cells)), np.nan)
    reasons: list[str | None] = [None] * len(cells)
    found: dict[str, Proved] = {}
    for p, cell in enumerate(cells):
        if evidence.of(cell) is None:
            continue
        if cell.address not in found:
            D2, f0 = (float(evidence.dataset(cell, name).mean()) for name in ("start_distance", "start_gap"))
            found[cell.address] = proved(cell.run, quantity, output, D2, f0)
        known = found[cell.address]
        reasons[p] = known.reason
        at = np.flatnonzero(known.rounds == cell.rounds)
        if at.size:
            explicit[p] = known.values[at[0]]
        if quantity == "optimization":
            trivial[p] = evidence.dataset(cell, "start_gap").mean()
        elif quantity == "generalization":
            trivial[p] = constants_of(cell.run.problem).M
    return Level(claim, explicit, trivial, reasons)


def exact(evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str) -> Floats:
    """(P,) expectations known in closed form, NaN where none is; a planted fault has what it pretends to be."""
    answer = np.full(len(cells), np.nan)
    for p, cell in enumerate(cells):
        known = evidence.plan.experiment.exact.get(cell.role)
        if known is not None and (known.quantity, known.output) == (quantity, output):
            answer[p] = known.expected(cell.run.problem, cell.run.n, np.array([cell.gradients]))[0]
    return answer


# Lines.


@dataclasses.dataclass(frozen=True)
class Line:
    """The cells of one run, ascending; none where a checkpoint is not sound, and then the reason."""

    run: Run
    cells: tuple[Cell, ...]
    reason: str

    @property
    def head(self) -> Cell:
        return self.cells[0]

    @property
    def where(self) -> dict[str, float]:
        """The coordinates that tell it from other lines."""
        head, constants = self.head, constants_of(self.run.problem)
        found = {"n": float(head.point.n), "k": float(head.point.k), "alpha": head.alpha, "beta": head.beta}
        found |= {"eta": head.eta}
        found |= {"lam": constants.lam} if constants.lam > 0 else {"mu": constants.mu}
        return {name: value for name, value in found.items() if not math.isnan(value)}

    @property
    def gradients(self) -> np.ndarray:
        return self.run.gradients([cell.rounds for cell in self.cells])


def lines(evidence: Evidence) -> list[Line]:
    """Every run of the plan."""
    groups: dict[str, list[Cell]] = {}
    for cell in evidence.plan.cells:
        groups.setdefault(cell.address, []).append(cell)
    found = []
    for cells in groups.values():
        good, bad = sound(evidence, cells)
        found.append(Line(cells[0].run, tuple(cells), "" if len(good) == len(cells) else bad[0]))
    return found


LOST = Passage(math.nan, math.nan, math.nan, np.empty(0), np.empty(0, dtype=np.int64), PassageStatus.LOST)
"""Of a line that is not sound."""


class Count(NamedTuple):
    """The gradients after which one entry's mean optimization error is first under eps.

    ``generalization`` (with its 95% interval) is the error at the first checkpoint under eps. A line that is not sound
    has no count, and says why.
    """

    line: Line
    output: Output
    eps: float
    passage: Passage
    claim: float
    explicit: float
    generalization: float
    generalization_low: float
    generalization_high: float

    def to_json(self) -> dict[str, Any]:
        return {
            "algorithm": self.line.head.role,
            **self.line.where,
            "output": self.output,
            "eps": self.eps,
            "gradients": self.passage.at,
            "low": self.passage.low,
            "high": self.passage.high,
            "status": str(self.passage.status),
            "reason": self.line.reason,
            "claim": self.claim,
            "explicit": self.explicit,
            "generalization": self.generalization,
            "generalization_low": self.generalization_low,
            "generalization_high": self.generalization_high,
        }


def counted_lines(evidence: Evidence) -> list[Count]:
    """Every line, output and target."""
    race: Race = evidence.plan.experiment
    targets = np.array(sorted(race.targets, reverse=True))
    found: list[Count] = []
    if not targets.size or evidence.replicates < 2:
        return found
    for line in lines(evidence):
        if line.reason:
            found += [Count(line, output, eps, LOST, *[math.nan] * 5) for output in OUTPUTS for eps in targets.tolist()]
            continue
        D2, f0, g2 = (
            float(evidence.dataset(line.head, name).mean())
            for name in ("start_distance", "start_gap", "gradient_at_minimiser")
        )
        said = counts(line.run, targets, D2, f0, g2)
        for output in OUTPUTS:
            values = evidence.values(line.cells, "optimization", output)
            passages = first_passages(values, line.gradients, targets)
            under = values.mean(axis=0)[:, None] <= targets
            generalization = slopes.estimate(evidence.values(line.cells, "generalization", output))
            for e, passage in enumerate(passages):
                at = int(np.argmax(under[:, e]))
                seen = [math.nan] * 3
                if passage.status is PassageStatus.REACHED:
                    seen = [float(part[at]) for part in (generalization.mean, generalization.low, generalization.high)]
                claim, explicit = float(said.claim[e]), float(said.explicit[e])
                if isinstance(line.run.algorithm, WeightedSGD) and output == "last":
                    claim = explicit = math.nan  # what is proved speaks of the average
                found.append(Count(line, output, float(targets[e]), passage, claim, explicit, *seen))
    return found


# Verdicts.


def findings(evidence: Evidence, counts: Sequence[Count]) -> list[Finding]:
    """All verdicts of the race, Holm-adjusted as one family: Theorem 4's levels at the stages' ends, the growth of the
    counts in 1/eps and in 1/lam (or mu), what is known in closed form, planted faults, and the two estimators of the
    generalization error."""
    race: Race = evidence.plan.experiment
    planted = {role for role, known in race.exact.items() if known.kind == "planted"}
    real = [cell for cell in evidence.plan.cells if cell.role not in planted]
    found = [*_levels(evidence), *_growths(evidence, counts), *_known(evidence), *two_estimators(evidence, real)]
    adjusted = judges.adjust([finding.verdict for finding in found])
    judged = [finding._replace(verdict=v) for finding, v in zip(found, adjusted, strict=True)]
    return [_caught(finding) if finding.bound.removeprefix("planted ") in planted else finding for finding in judged]


def _levels(evidence: Evidence) -> list[Finding]:
    found: list[Finding] = []
    groups: dict[str, list[Line]] = {}
    for line in lines(evidence):
        groups.setdefault(line.head.role, []).append(line)
    for quantity in ("optimization", "generalization", "stability"):
        for output in OUTPUTS:
            for role, group in groups.items():
                covered = [line for line in group if excluded(line.run, quantity, output) is None]
                cells = [cell for line in covered for cell in line.cells if cell.rounds in proved_after(line.run)]
                if not cells:
                    continue
                weighted = isinstance(cells[0].run.algorithm, WeightedSGD)
                source, where = ("weighted average", "") if weighted else ("theorem4", " at its stages' ends")
                subject = f"the {words(quantity)} of {role} ({output} iterate){where}"
                judged = _level(evidence, cells, quantity, output, subject)
                found.append(Finding(f"{source}.{quantity}.{output} of {role}", None, {}, quantity, output, judged))
    return found


def _level(evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str, subject: str) -> Verdict:
    good, _ = sound(evidence, cells)
    if not good:
        return nothing_left("level", subject, evidence, cells)
    known = level(evidence, good, quantity, output)
    assert known is not None
    trivial = None if quantity == "stability" else known.trivial
    values = evidence.values(good, quantity, output)
    return with_losses(judges.judge_level(values, known.explicit, trivial, subject=subject), evidence, cells)


def _growths(evidence: Evidence, counts: Sequence[Count]) -> list[Finding]:
    """Along eps a verdict for each line and output, along the race's axis one for each role, output and eps, from the
    counts that were reached; lines that are not sound are counted in the sentence."""
    race: Race = evidence.plan.experiment
    found: list[Finding] = []
    along_eps: dict[tuple[Any, ...], list[Count]] = {}
    along_axis: dict[tuple[Any, ...], list[Count]] = {}
    for count in counts:
        where = count.line.where
        along_eps.setdefault((count.line.run, count.output), []).append(count)
        rest = tuple((name, value) for name, value in where.items() if name not in (race.axis, "eta", "beta"))
        along_axis.setdefault((count.line.head.role, rest, count.output, count.eps), []).append(count)
    for group in along_eps.values():
        found += _growth(evidence, group, "eps", dict(group[0].line.where), MINIMUM_POINTS)
    for group in along_axis.values():
        moduli = [count.line.where[race.axis] for count in group if race.axis in count.line.where]
        if len(set(moduli)) == len(group):
            where = {name: v for name, v in group[0].line.where.items() if name not in (race.axis, "eta", "beta")}
            found += _growth(evidence, group, race.axis, {**where, "eps": group[0].eps}, MINIMUM_POINTS - 1)
    return found


def _growth(
    evidence: Evidence, group: Sequence[Count], axis: str, where: dict[str, float], least: int
) -> list[Finding]:
    """The exponent of the counts in 1/eps or 1/lam, and what claim and explicit bound have on the same points; nothing
    where fewer than ``least`` targets were reached, unless that is because cells have no value."""
    role, output = group[0].line.head.role, group[0].output
    reached = [count for count in group if count.passage.status is PassageStatus.REACHED]
    lost = [count for count in group if count.line.reason]
    cells = list(dict.fromkeys(cell for count in lost for cell in count.line.cells))
    subject = f"gradients of {role} ({output} iterate) to reach eps ({listed(where)})"
    source = "weighted average" if isinstance(group[0].line.run.algorithm, WeightedSGD) else "theorem4"
    about = (f"{source}.count.{role}", axis, where, "gradients", output)
    if len(reached) < least:
        if len(reached) + len(lost) < least or not lost:
            return []
        return [Finding(*about, nothing_left("count", subject, evidence, cells, axis=axis))]
    coordinate = [1 / (count.eps if axis == "eps" else count.line.where[axis]) for count in reached]
    passages = [count.passage for count in reached]
    claim, explicit = (_curve_slope([getattr(c, what) for c in reached], coordinate) for what in ("claim", "explicit"))
    if math.isnan(claim) and math.isnan(explicit):
        return []
    grown = growth([p.at for p in passages], [p.leaves for p in passages], passages[0].sizes, coordinate)
    draft = dataclasses.replace(
        undecided("count", subject, evidence.replicates, axis=axis, points=grown.points),
        slope=grown.slope,
        slope_low=grown.low,
        slope_high=grown.high,
        claim_slope=explicit if math.isnan(claim) else claim,
        explicit_slope=explicit,
        ratio=reached[-1].passage.at / (reached[-1].explicit if math.isnan(claim) else reached[-1].claim),
        start=min(coordinate),
        stop=max(coordinate),
    )
    rival = "the proved counts" if math.isnan(claim) else "the claim"
    return [Finding(*about, with_losses(_judge_growth(draft, grown, axis, rival), evidence, cells))]


def _judge_growth(draft: Verdict, grown: Growth, axis: str, rival: str) -> Verdict:
    """``rival``: what the counts are held against, the claim or, where the slides state none, the proved counts."""
    said = f"the counts grow like (1/{axis})^{grown.slope:.3f} [{grown.low:.3f}, {grown.high:.3f}]"
    gap = grown.slope - draft.claim_slope
    draft = dataclasses.replace(
        draft,
        difference=gap,
        difference_low=grown.narrow_low - draft.claim_slope,
        difference_high=grown.narrow_high - draft.claim_slope,
    )
    found = f"{said}, {rival} like (1/{axis})^{draft.claim_slope:.3f} on the same {counted(draft.points, 'point')}"
    if rival == "the claim" and math.isfinite(draft.explicit_slope):
        found += f", the proved counts like (1/{axis})^{draft.explicit_slope:.3f}"
    if grown.se > 0:
        below, above = (float(slopes.tail(side, grown.se, grown.df)) for side in (-gap, gap))
        within = max(slopes.tail(MARGIN - gap, grown.se, grown.df), slopes.tail(MARGIN + gap, grown.se, grown.df))
    else:
        below, above, within = float(gap >= 0), float(gap <= 0), float(abs(gap) >= MARGIN)
    if within <= 0.05:
        return draft.concluded(Outcome.ATTAINED, found, within)
    if gap < 0 and slopes.tail(-gap - MARGIN, grown.se, grown.df) <= 0.05:
        fewer = "fewer than claimed" if rival == "the claim" else "fewer than proved"
        return draft.concluded(Outcome.SLACK, f"{found}: {fewer}", below)
    if gap > 0 and slopes.tail(gap - MARGIN, grown.se, grown.df) <= 0.05:
        # An O(.) on a bounded window is not refuted by a steeper slope.
        reason = f"steeper than {rival} on this window, which bounds what happens as eps -> 0 only"
        return draft.concluded(Outcome.PRE_ASYMPTOTIC, f"{found}: {reason}")
    return draft.concluded(Outcome.INCONCLUSIVE, found, min(below, above, within))


def _curve_slope(values: Sequence[float], coordinate: Sequence[float]) -> float:
    y, u = np.asarray(values, dtype=np.float64), np.log(coordinate)
    if not (np.isfinite(y).all() and (y > 0).all()):
        return math.nan
    return float(np.polyfit(u, np.log(y), 1)[0])


def _known(evidence: Evidence) -> list[Finding]:
    race: Race = evidence.plan.experiment
    found = []
    for role, known in race.exact.items():
        own = [cell for cell in evidence.plan.cells if cell.role == role]
        curve = exact(evidence, own, known.quantity, known.output)
        cells = [cell for cell, value in zip(own, curve, strict=True) if math.isfinite(value)]
        good, _ = sound(evidence, cells)
        subject = f"the {words(known.quantity)} of {role} ({known.output} iterate)"
        if not cells:
            judged = judges.not_covered("identity", "its expectation is not known at any checkpoint", subject=subject)
        elif not good:
            judged = nothing_left("identity", subject, evidence, cells)
        else:
            values, expected = (
                evidence.values(good, known.quantity, known.output),
                exact(evidence, good, known.quantity, known.output),
            )
            judged = with_losses(judges.judge_identity(values, expected, subject=subject), evidence, cells)
        ran_away = [reason for state, reason in map(evidence.status, own) if state in RAN_AWAY]
        if known.kind == "planted" and ran_away:
            judged = judged.concluded(Outcome.CAUGHT, f"flagged by the engine: {ran_away[0]}")
            judged = with_losses(judged, evidence, own)
        found.append(Finding(f"{known.kind} {role}", None, {}, known.quantity, known.output, judged))
    return found


def _caught(finding: Finding) -> Finding:
    """A planted fault that disagrees with what it pretends to be is caught; one that agrees has been missed."""
    v = finding.verdict
    if v.outcome is Outcome.DISAGREES:
        return finding._replace(verdict=dataclasses.replace(v, outcome=Outcome.CAUGHT))
    if v.outcome is Outcome.AGREES:
        return finding._replace(verdict=dataclasses.replace(v, outcome=Outcome.MISSED))
    return finding


# Comparisons.


def comparisons(evidence: Evidence) -> list[Comparison]:
    """Duels at fractions of the budget and tuned comparisons at its end, Holm-adjusted as one family."""
    found = [*_duels(evidence), *_tuned(evidence)] if evidence.replicates >= 2 else []
    adjusted = judges.holm([comparison.p_value for comparison in found])
    return [c._replace(p_adjusted=float(p)) for c, p in zip(found, adjusted, strict=True)]


def uncompared(evidence: Evidence) -> list[str]:
    """A sentence for each duel, and each tuning, in which lines that are not sound had no part."""
    race: Race = evidence.plan.experiment
    found = []
    for ours, theirs in race.duels:
        pairs = _pairs(evidence, ours, theirs)
        gone = [pair for pair in pairs if pair[0].reason or pair[1].reason]
        if gone:
            cells = dict.fromkeys(cell for pair in gone for line in pair for cell in line.cells)
            said_of = f"{len(gone)} of {counted(len(pairs), 'pair')} of lines not compared"
            found.append(f"{ours} / {theirs}: {said_of}; {clause(losses(evidence, cells))}")
    for role in race.tuned:
        own = [line for line in lines(evidence) if line.head.role == role]
        gone_lines = [line for line in own if line.reason]
        if gone_lines:
            lost = losses(evidence, (cell for line in gone_lines for cell in line.cells))
            said_of = f"{len(gone_lines)} of {counted(len(own), 'line')} had no part in the tuning"
            found.append(f"{role}: {said_of}; {clause(lost)}")
    return found


def _duels(evidence: Evidence) -> list[Comparison]:
    found: list[Comparison] = []
    for ours, theirs in evidence.plan.experiment.duels:
        for a, b in _pairs(evidence, ours, theirs):
            if not (a.reason or b.reason):
                found += _duel(evidence, a, b)
    return found


def _pairs(evidence: Evidence, ours: str, theirs: str) -> list[tuple[Line, Line]]:
    """The lines of two roles on one problem and sample size, with one alpha or against SGD."""
    every = lines(evidence)
    return [
        (a, b)
        for a in every
        if a.head.role == ours
        for b in every
        if b.head.role == theirs
        and (a.run.problem, a.run.n) == (b.run.problem, b.run.n)
        and b.head.alpha in (a.head.alpha, 1.0)
    ]


def _duel(evidence: Evidence, a: Line, b: Line) -> list[Comparison]:
    race: Race = evidence.plan.experiment
    budget = min(int(a.gradients[-1]), int(b.gradients[-1]))
    found = []
    for fraction in FRACTIONS:
        ours, theirs = (_last_within(line, fraction * budget) for line in (a, b))
        if ours is None or theirs is None:
            continue
        for quantity, output in race.compared:
            ratio = paired_ratio(evidence.values([ours], quantity, output), evidence.values([theirs], quantity, output))
            found += _compared(ours, theirs, quantity, output, ratio, {"gradients": float(ours.gradients)})
    return found


def _last_within(line: Line, gradients: float) -> Cell | None:
    within = [cell for cell in line.cells if cell.gradients <= gradients]
    return within[-1] if within else None


def _tuned(evidence: Evidence) -> list[Comparison]:
    """Each role at its best step size, chosen on the first quarter of the replicates, compared on the rest. A best size
    at an end of its grid may not be the best there is: such a comparison says so, and decides nothing."""
    race: Race = evidence.plan.experiment
    found: list[Comparison] = []
    if not race.tuned:
        return found
    good = [line for line in lines(evidence) if not line.reason]
    chosen = selecting_replicates(evidence.replicates)
    for quantity, output in race.compared:
        best: dict[tuple[Any, ...], tuple[float, Line]] = {}
        tried: dict[tuple[Any, ...], list[float]] = {}
        for line in good:
            head = line.head
            if head.role in race.tuned:
                key = (line.run.problem, line.run.n, head.role, head.alpha, head.beta, head.point.k)
                mean = float(evidence.values([line.cells[-1]], quantity, output)[:chosen].mean())
                tried.setdefault(key, []).append(head.eta)
                if key not in best or mean < best[key][0]:
                    best[key] = (mean, line)
        inside = {key: min(tried[key]) < line.head.eta < max(tried[key]) for key, (_, line) in best.items()}
        for mine, (_, ours) in best.items():
            for yours, (_, theirs) in best.items():
                if mine[2] == race.tuned[0] and yours[2] in race.tuned[1:] and mine[:2] == yours[:2]:
                    a, b = ours.cells[-1], theirs.cells[-1]
                    values = evidence.values([a, b], quantity, output)[chosen:]
                    ratio = paired_ratio(values[:, :1], values[:, 1:])
                    about = {"gradients": float(a.gradients), "eta": a.eta, "against_eta": b.eta}
                    note = " (both tuned)"
                    if not (inside[mine] and inside[yours]):
                        ratio = ratio._replace(p_value=np.ones_like(ratio.p_value))
                        note = " (both tuned; a best step ends its grid)"
                    found += _compared(a, b, quantity, output, ratio, about, note)
    return found


def _compared(
    ours: Cell,
    theirs: Cell,
    quantity: str,
    output: str,
    ratio: Ratio,
    about: dict[str, float],
    note: str = "",
) -> list[Comparison]:
    r, low, high, p = (float(part[0]) for part in (ratio.ratio, ratio.low, ratio.high, ratio.p_value))
    if not math.isfinite(r):
        return []
    constants = constants_of(ours.run.problem)
    where = {**about, "beta": ours.beta, "against_beta": theirs.beta, "against_alpha": theirs.alpha}
    where |= {"lam": constants.lam} if constants.lam > 0 else {"mu": constants.mu}
    return [Comparison(ours.point, theirs.role + note, quantity, output, r, low, high, p, math.nan, ours.role, where)]
