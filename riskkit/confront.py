"""Confronts what is stored with what the bounds say: the long-form table and the verdicts of one experiment.

The estimates of generalization and excess use the control variate F(theta*) - F_S(theta*), whose expectation is 0 at
the fixed point theta*: same mean, less noise. ``load_replicates`` gives the raw values.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit import rates, verdict
from riskkit.algorithm import OUTPUTS, Lookahead
from riskkit.bands import simultaneous_band
from riskkit.experiment import Axis, Cell, Plan, Point, Role, describe
from riskkit.jackknife import MINIMUM_INTERVAL
from riskkit.measure import DATASET, QUANTITIES, Measured
from riskkit.theory.bound import Bound, Floats, Setting
from riskkit.theory.inequality import first_size
from riskkit.verdict import Verdict

REPORTED = tuple(name for name in QUANTITIES if name != "path_moment")
CONTROLLED = ("generalization", "excess")


class Level(NamedTuple):
    """A bound evaluated at cells, (P,) each; NaN where it does not cover the cell, and why."""

    claim: Floats
    explicit: Floats
    trivial: Floats
    reasons: list[str | None]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """A plan and what was measured: everything the table, the verdicts and the figures are made of.

    ``measured`` holds the runs that are complete; ``failures`` has the status and the reason of the others, by address.
    """

    plan: Plan
    measured: dict[str, Measured]
    failures: dict[str, tuple[str, str]]

    @property
    def replicates(self) -> int:
        return self.plan.size.replicates

    def of(self, cell: Cell) -> tuple[Measured, int] | None:
        """The cell's run and its checkpoint's place in it; None if it failed."""
        found = self.measured.get(self.plan.addresses[cell.run])
        return None if found is None else (found, int(np.searchsorted(found.rounds, cell.rounds)))

    def values(self, cells: Sequence[Cell], quantity: str, output: str) -> Floats:
        """(R, P), with the control variate where it applies; NaN columns for cells that failed or diverged."""
        columns = np.full((self.replicates, len(cells)), np.nan)
        for p, cell in enumerate(cells):
            if (found := self.of(cell)) is not None:
                run, slot = found
                columns[:, p] = run.values[quantity][:, slot, OUTPUTS.index(output)]
                if quantity in CONTROLLED:
                    columns[:, p] -= run.dataset["control"]
        return columns

    def diverged(self, cell: Cell) -> tuple[int, int]:
        """How many replicates had diverged at the cell's checkpoint, and the first of their steps (-1: none)."""
        found = self.of(cell)
        if found is None:
            return 0, -1
        run, _ = found
        gradients = int(cell.run.algorithm.gradients(np.array([cell.rounds]))[0])
        steps = run.diverged_at[(run.diverged_at >= 0) & (run.diverged_at <= gradients)]
        return len(steps), int(steps.min()) if len(steps) else -1

    def status(self, cell: Cell) -> tuple[str, str]:
        """("ok" | "diverged" | "non-finite" | "no minimiser" | "failed", reason)."""
        if self.of(cell) is None:
            return self.failures.get(self.plan.addresses[cell.run], ("failed", "not computed"))
        count, first = self.diverged(cell)
        if count:
            return "diverged", f"{count} of {self.replicates} replicates diverged, the first after {first} gradients"
        if not all(np.isfinite(self.values([cell], q, o)).all() for q in REPORTED for o in OUTPUTS):
            return "non-finite", "a risk, or the run on S with one example replaced, left the range of the numbers"
        return "ok", ""

    def level(self, bound: Bound, cells: Sequence[Cell]) -> Level:
        """The bound at each cell, its measured inputs being means over the same replicates."""
        problem = self.plan.experiment.problem
        reasons: list[str | None] = []
        for cell in cells:
            T, k, alpha = effective(cell)
            reasons.append(bound.excludes(problem, Lookahead(T, k, alpha, cell.step)))
        claim, explicit, trivial = np.full((3, len(cells)), np.nan)
        result = Level(claim, explicit, trivial, reasons)
        groups: dict[Any, list[int]] = {}
        for p, cell in enumerate(cells):
            if reasons[p] is None and self.of(cell) is not None:
                groups.setdefault(cell.step, []).append(p)
        for step, places in groups.items():
            grid = np.array([effective(cells[p]) for p in places])
            inputs = {name: np.array([self.dataset(cells[p], name).mean() for p in places]) for name in DATASET}
            setting = Setting(
                constants=problem.constants,
                step=step,
                n=np.array([cells[p].point.n for p in places]),
                T=grid[:, 0].astype(np.int64),
                k=grid[:, 1].astype(np.int64),
                alpha=grid[:, 2],
                D2=inputs["start_distance"],
                f0=inputs["start_gap"],
                g2=inputs["gradient_at_minimiser"],
                path_moment=np.array([self.path_moment(cells[p]) for p in places]),
            )
            result.claim[places] = sum(bound.claim(setting))
            result.explicit[places] = sum(bound.explicit(setting))
            result.trivial[places] = bound.trivial(setting)
        return result

    def path_moment(self, cell: Cell) -> float:
        """Mean over the run's gradients and the replicates of ||grad l(v_j; z_j)||^2."""
        return float(self.values([cell], "path_moment", "last").mean())

    def dataset(self, cell: Cell, name: str) -> Floats:
        """(R,) values of a dataset-level quantity for the cell's sample size."""
        found = self.of(cell)
        assert found is not None
        return found[0].dataset[name]

    def exact(self, cells: Sequence[Cell], quantity: str, output: str) -> Floats:
        """(P,) expectations known in closed form, NaN where none is."""
        known = self.plan.experiment.exact.get((quantity, output))
        answer = np.full(len(cells), np.nan)
        if known is not None:
            groups: dict[Any, list[int]] = {}
            for p, cell in enumerate(cells):
                groups.setdefault(cell.step, []).append(p)
            for step, places in groups.items():
                points = [Point(cells[p].point.n, *effective(cells[p])) for p in places]
                answer[places] = known(self.plan.experiment.problem, step, points)
        return answer


def effective(cell: Cell) -> tuple[int, int, float]:
    """T, k, alpha of the run behind a cell: SGD takes kT rounds of one step with alpha = 1."""
    if cell.role == "Lookahead":
        return cell.point.T, cell.point.k, cell.point.alpha
    return cell.point.T * cell.point.k, 1, 1.0


def labels(cell: Cell) -> dict[str, Any]:
    """The columns that tell cells apart; SGD's alpha is 1 wherever it stands in the grid."""
    return {
        "algorithm": cell.role,
        "n": cell.point.n,
        "T": cell.point.T,
        "k": cell.point.k,
        "alpha": cell.point.alpha if cell.role == "Lookahead" else 1.0,
        "matched_alpha": cell.matched_alpha,
    }


def table(evidence: Evidence) -> dict[str, list[Any]]:
    """The long-form table, column by column: one row = one cell x output x quantity."""
    made = evidence.plan
    experiment, constants = made.experiment, made.experiment.problem.constants
    cells = made.cells
    states = [evidence.status(cell) for cell in cells]
    counts = [evidence.diverged(cell)[0] for cell in cells]
    columns: dict[str, list[Any]] = {}

    def add(**values: Any) -> None:
        for name, value in values.items():
            columns.setdefault(name, []).append(value)

    for quantity in REPORTED:
        for output in OUTPUTS:
            values = evidence.values(cells, quantity, output)
            ok = np.array([state == "ok" for state, _ in states])
            values[:, ~ok] = np.nan
            estimate = rates.estimate(values)
            band_low, band_high = _bands(values, cells)
            bounds = [b for b in experiment.bounds if b.quantity == quantity and b.output == output]
            level = evidence.level(bounds[0], cells) if bounds else None
            exact = evidence.exact(cells, quantity, output)
            agreement = np.full(len(cells), np.nan)
            if quantity == "generalization":
                gap = rates.estimate(values - evidence.values(cells, "replace_one", output))
                agreement = np.where(gap.mean == 0, 0.0, gap.mean / np.where(gap.sem > 0, gap.sem, np.nan))
            for p, cell in enumerate(cells):
                T, k, _ = effective(cell)
                uncovered = level.reasons[p] if level is not None else None
                add(
                    experiment=experiment.name,
                    problem=experiment.problem.name,
                    **labels(cell),
                    output=output,
                    quantity=quantity,
                    mean=float(estimate.mean[p]),
                    sem=float(estimate.sem[p]),
                    low=float(estimate.low[p]),
                    high=float(estimate.high[p]),
                    band_low=float(band_low[p]),
                    band_high=float(band_high[p]),
                    replicates=evidence.replicates,
                    diverged=counts[p],
                    claim=float(level.claim[p]) if level is not None else math.nan,
                    explicit=float(level.explicit[p]) if level is not None else math.nan,
                    trivial=float(level.trivial[p]) if level is not None else math.nan,
                    exact=float(exact[p]),
                    z_replace_one=float(agreement[p]),
                    step=describe(cell.step),
                    eta=first_size(cell.step, T, k),
                    beta=0.0,
                    lam=constants.lam,
                    mu=constants.mu,
                    L=constants.L,
                    G=constants.G,
                    d=experiment.problem.dim,
                    seed=str(experiment.seed),
                    dtype=made.dtype,
                    engine=found[0].engine if (found := evidence.of(cell)) is not None else "",
                    run_id=made.addresses[cell.run],
                    status=states[p][0],
                    reason=states[p][1] or (f"not covered: {uncovered}" if uncovered else ""),
                )
    return columns


def _bands(values: Floats, cells: Sequence[Cell]) -> tuple[Floats, Floats]:
    """(P,) ends of the 95% band that is simultaneous over the sound cells of an algorithm; NaN for other cells."""
    low, high = np.full((2, len(cells)), np.nan)
    sound = np.isfinite(values).all(axis=0)
    for role in dict.fromkeys(cell.role for cell in cells):
        places = np.flatnonzero(sound & np.array([cell.role == role for cell in cells]))
        if len(places) and len(values) >= MINIMUM_INTERVAL:
            band = simultaneous_band(values[:, places])
            low[places], high[places] = band.low, band.high
    return low, high


class Finding(NamedTuple):
    """A verdict and what it is about."""

    bound: str
    axis: Axis | None
    where: dict[str, float]
    quantity: str
    output: str
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        about = {"bound": self.bound, "axis": self.axis, "where": self.where}
        return {**about, "quantity": self.quantity, "output": self.output, **self.verdict.to_json()}


def findings(evidence: Evidence) -> list[Finding]:
    """All verdicts of the experiment, Holm-adjusted as one family.

    A level verdict for each bound over all cells of Lookahead that it covers; along the axis of each sweep a rate
    verdict for each bound and line; where the expectation is known in closed form, an identity verdict over all
    cells, and an exponent verdict along each line in T; and whether the two estimators of the generalization error
    agree.
    """
    experiment, size = evidence.plan.experiment, evidence.plan.size
    cells = [cell for cell in evidence.plan.cells if cell.role == "Lookahead"]
    found: list[Finding] = []
    for bound in experiment.bounds:
        subject = f"the {_words(bound.quantity)} of Lookahead ({bound.output} iterate) on {experiment.problem.name}"
        found.append(
            Finding(bound.name, None, {}, bound.quantity, bound.output, _level(evidence, bound, cells, subject))
        )
        for sweep in size.sweeps:
            for line in sweep.lines():
                if len(line) >= 2:
                    on_line = [evidence.plan.cell(point) for point in line]
                    where = _held(line, sweep.axis)
                    about = f"{subject} ({_listed(where)})"
                    judged = _rate(evidence, bound, on_line, sweep.axis, about)
                    found.append(Finding(bound.name, sweep.axis, where, bound.quantity, bound.output, judged))
    for (quantity, output), _ in experiment.exact.items():
        subject = f"the {_words(quantity)} of Lookahead ({output} iterate) on {experiment.problem.name}"
        found += _against_exact(evidence, cells, quantity, output, subject)
    found += two_estimators(evidence)
    adjusted = verdict.adjust([finding.verdict for finding in found])
    return [finding._replace(verdict=v) for finding, v in zip(found, adjusted, strict=True)]


ESTIMATOR_PRECISION = 0.5
"""The two estimators of the generalization error agree only if 4 standard errors of their difference are at most this
part of the largest generalization error among the cells."""


def two_estimators(evidence: Evidence) -> list[Finding]:
    """For each output whether F - F_S and the replace-one identity have the same mean in every cell of every algorithm:
    two estimators that share nothing but the trajectory."""
    good, _ = sound(evidence, evidence.plan.cells)
    found = []
    for output in OUTPUTS if good else ():
        direct, other = (evidence.values(good, name, output) for name in ("generalization", "replace_one"))
        subject = f"replace-one estimate less the direct one of the generalization error ({output} iterate)"
        scale = max(float(np.abs(direct.mean(axis=0)).max()), np.finfo(float).tiny)
        judged = verdict.judge_identity(
            other - direct, np.zeros(len(good)), subject=subject, precision=ESTIMATOR_PRECISION, scale=scale
        )
        found.append(Finding("replace-one identity", None, {}, "replace_one", output, judged))
    return found


def _words(quantity: str) -> str:
    return {
        "optimization": "optimization error",
        "generalization": "generalization error",
        "excess": "excess risk",
        "population_excess": "population excess risk",
        "distance": "squared distance to the empirical minimiser",
    }[quantity]


def _held(line: Sequence[Point], axis: Axis) -> dict[str, float]:
    """The coordinates that do not change along the line; kT if T and k both do."""
    held = {}
    for name in ("n", "T", "k", "alpha"):
        values = {getattr(point, name) for point in line}
        if len(values) == 1 and name != axis:
            held[name] = values.pop()
    products = {point.k * point.T for point in line}
    if len(products) == 1 and "T" not in held and "k" not in held:
        held["kT"] = products.pop()
    return held


def _listed(where: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in where.items())


def sound(evidence: Evidence, cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """The cells that were measured, and for the others one reason each."""
    good, bad = [], []
    for cell in cells:
        state, reason = evidence.status(cell)
        if state == "ok":
            good.append(cell)
        else:
            bad.append(reason)
    return good, bad


def _level(evidence: Evidence, bound: Bound, cells: Sequence[Cell], subject: str) -> Verdict:
    good, bad = sound(evidence, cells)
    level = evidence.level(bound, good)
    covered = [p for p in range(len(good)) if level.reasons[p] is None and np.isfinite(level.explicit[p])]
    if not covered:
        reason = next((reason for reason in level.reasons if reason), None)
        reason = reason or (bad[0] if bad else "no explicit bound is proved for this output")
        return verdict.not_covered("level", reason, subject=subject)
    values = evidence.values([good[p] for p in covered], bound.quantity, bound.output)
    return verdict.judge_level(values, level.explicit[covered], level.trivial[covered], subject=subject)


def _rate(evidence: Evidence, bound: Bound, line: Sequence[Cell], axis: Axis, subject: str) -> Verdict:
    good, bad = sound(evidence, line)
    level = evidence.level(bound, good)
    covered = [p for p in range(len(good)) if level.reasons[p] is None]
    if len(covered) < 2:
        reason = next((reason for reason in level.reasons if reason), None) or (bad[0] if bad else "one point only")
        return verdict.not_covered("rate", reason, subject=subject)
    values = evidence.values([good[p] for p in covered], bound.quantity, bound.output)
    x = np.array([getattr(good[p].point, axis) for p in covered], dtype=float)
    return verdict.judge_rate(
        values,
        x,
        level.claim[covered],
        level.explicit[covered],
        level.trivial[covered],
        subject=subject,
        quantity=bound.quantity,
        axis=axis,
    )


def _against_exact(
    evidence: Evidence, cells: Sequence[Cell], quantity: str, output: str, subject: str
) -> list[Finding]:
    good, _ = sound(evidence, cells)
    exact = evidence.exact(good, quantity, output)
    known = [p for p in range(len(good)) if np.isfinite(exact[p])]
    found: list[Finding] = []
    if known:
        values = evidence.values([good[p] for p in known], quantity, output)
        judged = verdict.judge_identity(values, exact[known], subject=subject)
        found.append(Finding(f"exact {quantity}.{output}", None, {}, quantity, output, judged))
    for sweep in evidence.plan.size.sweeps:
        if sweep.axis != "T":
            continue
        for line in sweep.lines():
            on_line, _ = sound(evidence, [evidence.plan.cell(point) for point in line])
            curve = evidence.exact(on_line, quantity, output)
            if len(on_line) >= 4 and np.isfinite(curve).all():
                where = _held(line, "T")
                values = evidence.values(on_line, quantity, output)
                x = np.array([cell.point.T for cell in on_line], dtype=float)
                judged = verdict.judge_exponent(
                    values,
                    x,
                    curve,
                    subject=f"{subject} ({_listed(where)})",
                    axis="T",
                    asymptote=evidence.plan.experiment.asymptote(quantity, where),
                )
                found.append(Finding(f"exact {quantity}.{output}", "T", where, quantity, output, judged))
    return found


class Comparison(NamedTuple):
    """Lookahead against another algorithm at one cell: ratio of means on common random numbers, with its interval."""

    point: Point
    against: Role
    quantity: str
    output: str
    ratio: float
    low: float
    high: float
    p_value: float
    p_adjusted: float

    @property
    def outcome(self) -> str:
        """ "smaller" or "larger" if the adjusted p-value is at most .05, else "undecided"."""
        if not self.p_adjusted <= 0.05:
            return "undecided"
        return "smaller" if self.ratio < 1 else "larger"

    def to_json(self) -> dict[str, Any]:
        fields = {name: value for name, value in self._asdict().items() if name != "point"}
        return {**self.point._asdict(), **fields, "outcome": self.outcome}


def comparisons(evidence: Evidence) -> list[Comparison]:
    """Every cell of Lookahead (alpha < 1) against SGD and matched SGD, Holm-adjusted as one family.

    The means are those of the table, positive quantities only: optimization error and excess risk of both outputs. A
    cell that is not sound, or whose mean is not positive in every leave-out, is left out.
    """
    found: list[Comparison] = []
    for against in evidence.plan.experiment.controls:
        pairs = [
            (cell, evidence.plan.cell(cell.point, against))
            for cell in evidence.plan.cells
            if cell.role == "Lookahead" and cell.point.alpha < 1
        ]
        pairs = [pair for pair in pairs if all(evidence.status(cell)[0] == "ok" for cell in pair)]
        if not pairs or evidence.replicates < 2:
            continue
        ours, theirs = zip(*pairs, strict=True)
        for quantity in ("optimization", "excess"):
            for output in OUTPUTS:
                ratio = rates.paired_ratio(
                    evidence.values(ours, quantity, output), evidence.values(theirs, quantity, output)
                )
                for p, cell in enumerate(ours):
                    if np.isfinite(ratio.ratio[p]):
                        r, low, high, p_value = (
                            float(part[p]) for part in (ratio.ratio, ratio.low, ratio.high, ratio.p_value)
                        )
                        found.append(Comparison(cell.point, against, quantity, output, r, low, high, p_value, math.nan))
    adjusted = verdict.holm([comparison.p_value for comparison in found])
    return [c._replace(p_adjusted=float(p)) for c, p in zip(found, adjusted, strict=True)]


def half_width(evidence: Evidence) -> float:
    """The widest 95% interval's half width among the exponents along T, n and k of the bounds' quantities that can be
    fitted over all sound points of a line; NaN if none can. Precision on demand stops on this and nothing else."""
    widths = []
    for quantity, output in dict.fromkeys((b.quantity, b.output) for b in evidence.plan.experiment.bounds):
        for sweep in evidence.plan.size.sweeps:
            for line in sweep.lines():
                cells, _ = sound(evidence, [evidence.plan.cell(point) for point in line])
                if sweep.axis == "alpha" or len(cells) < 4:
                    continue
                x = np.array([getattr(cell.point, sweep.axis) for cell in cells], dtype=float)
                fit = rates.fit_rate(evidence.values(cells, quantity, output), x)
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
                _, slope, low, high = rates.running_exponents(evidence.values(cells, quantity, output), x)
                claim = evidence.level(bound, cells).claim
                with np.errstate(divide="ignore", invalid="ignore"):
                    claimed = np.diff(np.log(claim)) / np.diff(np.log(x))
                spans = list(itertools.pairwise(x.tolist()))
                where = _held(line, sweep.axis)
                found.append(RunningExponents(sweep.axis, where, quantity, output, spans, slope, low, high, claimed))
    return found


def refusal(made: Plan) -> str | None:
    """Why no bound of the experiment covers any cell of Lookahead in it (the first reason of each bound), or None."""
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
