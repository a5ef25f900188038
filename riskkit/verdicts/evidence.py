"""What was measured, as the table, the verdicts and the figures read it: cells, their values, their status.

The estimates of generalization and excess use the control variate F(theta*) - F_S(theta*), whose expectation is 0 at
the fixed point theta*: same mean, less noise. ``load_replicates`` gives the raw values.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import OUTPUTS
from riskkit.experiment.grid import Axis, Cell, Plan, Point, describe
from riskkit.measure.quantities import DATASET, QUANTITIES, Measured
from riskkit.problem import constants_of
from riskkit.stats import slopes
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.jackknife import MINIMUM_INTERVAL
from riskkit.theory.bound import Floats, Setting
from riskkit.verdicts import judges
from riskkit.verdicts.judges import Verdict
from riskkit.verdicts.outcome import Kind, Outcome, undecided

RAN_AWAY = frozenset({"diverged", "non-finite"})
"""The statuses that an algorithm itself brings about."""

LARGEST = 1e150
"""A value from here on has no variance in float64: the sum of 2^17 squares of differences would be infinite."""

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
        found = self.measured.get(cell.address)
        return None if found is None else (found, self._slots[cell.address][cell.rounds])

    @functools.cached_property
    def _slots(self) -> dict[str, dict[int, int]]:
        """Run -> checkpoint -> its place; looked up once for every cell, quantity and output."""
        return {
            address: {int(rounds): slot for slot, rounds in enumerate(found.rounds)}
            for address, found in self.measured.items()
        }

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
        steps = run.diverged_at[(run.diverged_at >= 0) & (run.diverged_at <= cell.gradients)]
        return len(steps), int(steps.min()) if len(steps) else -1

    def status(self, cell: Cell) -> tuple[str, str]:
        """("ok" | "diverged" | "non-finite" | "no minimiser" | "failed", reason)."""
        place = (cell.address, cell.rounds)
        if place not in self._statuses:
            self._statuses[place] = self._status(cell)
        return self._statuses[place]

    @functools.cached_property
    def _statuses(self) -> dict[tuple[str, int], tuple[str, str]]:
        return {}

    def _status(self, cell: Cell) -> tuple[str, str]:
        found = self.of(cell)
        if found is None:
            return self.failures.get(cell.address, ("failed", "not computed"))
        count, first = self.diverged(cell)
        if count:
            return "diverged", f"{count} of {self.replicates} replicates diverged, the first after {first} gradients"
        if not self._finite(found[0])[found[1]]:
            return "non-finite", "a risk, or the run on S with one example replaced, left the range of the numbers"
        return "ok", ""

    def _finite(self, run: Measured) -> npt.NDArray[np.bool_]:
        """(K,) whether everything reported is in range in all replicates at each checkpoint; looked at once a run."""
        if run.run not in self._looked:
            parts = [(np.abs(run.values[name]) < LARGEST).all(axis=(0, 2)) for name in REPORTED]
            self._looked[run.run] = np.logical_and.reduce(parts)
        return self._looked[run.run]

    @functools.cached_property
    def _looked(self) -> dict[str, npt.NDArray[np.bool_]]:
        return {}

    def path_moment(self, cell: Cell) -> float:
        """Mean over the run's gradients and the replicates of ||grad l(v_j; z_j)||^2."""
        return float(self.values([cell], "path_moment", "last").mean())

    def dataset(self, cell: Cell, name: str) -> Floats:
        """(R,) values of a dataset-level quantity for the cell's sample size."""
        found = self.of(cell)
        assert found is not None
        return found[0].dataset[name]


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
        "alpha": cell.alpha,
        "matched_alpha": cell.matched_alpha,
        "gradients": cell.gradients,
        "eta": cell.eta,
        "beta": cell.beta,
        "lam": constants_of(cell.run.problem).lam,
        "mu": constants_of(cell.run.problem).mu,
    }


COLUMNS = (
    *("experiment", "problem", "algorithm", "n", "T", "k", "alpha", "matched_alpha", "gradients", "eta", "beta"),
    *("lam", "mu", "output", "quantity", "mean", "sem", "low", "high", "band_low", "band_high", "replicates"),
    *("diverged", "diverged_at", "claim", "explicit", "trivial", "exact", "z_replace_one", "step", "L", "G", "d"),
    *("seed", "dtype", "engine", "run_id", "status", "reason"),
)
"""Of the table, in its order."""


class Judge(NamedTuple):
    """What is known of cells beside their measurements, by quantity and output: bounds (None: none) and exact values,
    (P,) NaN where there is none; and for which quantities simultaneous bands are wanted."""

    level: Callable[[Evidence, Sequence[Cell], str, str], Level | None]
    exact: Callable[[Evidence, Sequence[Cell], str, str], Floats]
    banded: tuple[str, ...] = REPORTED


def table(evidence: Evidence, judge: Judge) -> dict[str, list[Any] | npt.NDArray[Any]]:
    """The long-form table, column by column: one row = one cell x output x quantity, the cells running fastest."""
    experiment, cells = evidence.plan.experiment, evidence.plan.cells
    states = [evidence.status(cell) for cell in cells]
    ok = np.array([state == "ok" for state, _ in states])
    same = _of_cells(evidence, states)
    parts: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for quantity in REPORTED:
        for output in OUTPUTS:
            values = evidence.values(cells, quantity, output)
            values[:, ~ok] = np.nan
            estimate = slopes.estimate(values)
            band_low, band_high = np.full((2, len(cells)), np.nan)
            if quantity in judge.banded:
                band_low, band_high = _bands(values, cells)
            nothing = np.full(len(cells), np.nan)
            level = judge.level(evidence, cells, quantity, output)
            level = level or Level(nothing, nothing, nothing, [None] * len(cells))
            agreement = nothing
            if quantity == "generalization":
                gap = slopes.estimate(values - evidence.values(cells, "replace_one", output))
                with np.errstate(invalid="ignore", divide="ignore"):
                    agreement = np.where(gap.mean == 0, 0.0, gap.mean / np.where(gap.sem > 0, gap.sem, np.nan))
            part: dict[str, list[Any] | Floats] = {
                "experiment": [experiment.name] * len(cells),
                **same,
                "output": [output] * len(cells),
                "quantity": [quantity] * len(cells),
                "mean": estimate.mean,
                "sem": estimate.sem,
                "low": estimate.low,
                "high": estimate.high,
                "band_low": band_low,
                "band_high": band_high,
                "claim": level.claim,
                "explicit": level.explicit,
                "trivial": level.trivial,
                "exact": judge.exact(evidence, cells, quantity, output),
                "z_replace_one": agreement,
                "reason": [
                    reason or (f"not covered: {uncovered}" if uncovered else "")
                    for (_, reason), uncovered in zip(states, level.reasons, strict=True)
                ],
            }
            for name in COLUMNS:
                parts[name].append(part[name])
    return {
        name: np.concatenate(column) if isinstance(column[0], np.ndarray) else list(itertools.chain(*column))
        for name, column in parts.items()
    }


def _of_cells(evidence: Evidence, states: Sequence[tuple[str, str]]) -> dict[str, list[Any]]:
    """The columns that are the same for every quantity and output."""
    cells = evidence.plan.cells
    about = [labels(cell) for cell in cells]
    diverged = [evidence.diverged(cell) for cell in cells]
    constants = [constants_of(cell.run.problem) for cell in cells]
    found = [evidence.of(cell) for cell in cells]
    return {
        **{name: [one[name] for one in about] for name in about[0]},
        "problem": [cell.run.problem.name for cell in cells],
        "replicates": [evidence.replicates] * len(cells),
        "diverged": [count for count, _ in diverged],
        "diverged_at": [step for _, step in diverged],
        "step": [describe(cell) for cell in cells],
        "L": [one.L for one in constants],
        "G": [one.G for one in constants],
        "d": [cell.run.problem.dim for cell in cells],
        "seed": [str(evidence.plan.experiment.seed)] * len(cells),
        "dtype": [evidence.plan.dtype] * len(cells),
        "engine": [one[0].engine if one is not None else "" for one in found],
        "run_id": [cell.address for cell in cells],
        "status": [state for state, _ in states],
    }


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
    axis: str | None
    where: dict[str, float]
    quantity: str
    output: str
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        about = {"bound": self.bound, "axis": self.axis, "where": self.where}
        return {**about, "quantity": self.quantity, "output": self.output, **self.verdict.to_json()}


class Comparison(NamedTuple):
    """An algorithm against another at one cell: ratio of means on common random numbers, with its interval.

    ``about``: further coordinates, where n, T, k and alpha do not say all.
    """

    point: Point
    against: str
    quantity: str
    output: str
    ratio: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    algorithm: str = "Lookahead"
    about: dict[str, float] = {}  # noqa: RUF012 (never written to)

    @property
    def outcome(self) -> str:
        """ "smaller" or "larger" if the adjusted p-value is at most .05, else "undecided"."""
        if not self.p_adjusted <= 0.05:
            return "undecided"
        return "smaller" if self.ratio < 1 else "larger"

    def to_json(self) -> dict[str, Any]:
        fields = {name: value for name, value in self._asdict().items() if name not in ("point", "about")}
        return {**self.point._asdict(), **self.about, **fields, "outcome": self.outcome}


ESTIMATOR_PRECISION = 0.5
"""The two estimators of the generalization error agree only if 4 standard errors of their difference are at most this
part of the largest generalization error among the cells."""


def two_estimators(evidence: Evidence, cells: Sequence[Cell]) -> list[Finding]:
    """For each output whether F - F_S and the replace-one identity have the same mean in every one of the cells: two
    estimators that share nothing but the trajectory."""
    good, _ = sound(evidence, cells)
    found = []
    for output in OUTPUTS:
        subject = f"replace-one estimate less the direct one of the generalization error ({output} iterate)"
        if good:
            direct, other = (evidence.values(good, name, output) for name in ("generalization", "replace_one"))
            scale = max(float(np.abs(direct.mean(axis=0)).max()), np.finfo(float).tiny)
            judged = judges.judge_identity(
                other - direct, np.zeros(len(good)), subject=subject, precision=ESTIMATOR_PRECISION, scale=scale
            )
            judged = with_losses(judged, evidence, cells)
        else:
            judged = nothing_left("identity", subject, evidence, cells)
        found.append(Finding("replace-one identity", None, {}, "replace_one", output, judged))
    return found


def setting_at(evidence: Evidence, cells: Sequence[Cell]) -> Setting:
    """Where a bound is evaluated for cells of one step, with what was measured of their datasets."""
    grid = np.array([effective(cell) for cell in cells])
    inputs = {name: np.array([evidence.dataset(cell, name).mean() for cell in cells]) for name in DATASET}
    return Setting(
        constants=evidence.plan.experiment.problem.constants,
        step=cells[0].step,
        n=np.array([cell.point.n for cell in cells]),
        T=grid[:, 0].astype(np.int64),
        k=grid[:, 1].astype(np.int64),
        alpha=grid[:, 2],
        D2=inputs["start_distance"],
        f0=inputs["start_gap"],
        g2=inputs["gradient_at_minimiser"],
        path_moment=np.array([evidence.path_moment(cell) for cell in cells]),
    )


def held(line: Sequence[Point], axis: Axis) -> dict[str, float]:
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


def words(quantity: str) -> str:
    return {
        "optimization": "optimization error",
        "generalization": "generalization error",
        "excess": "excess risk",
        "population_excess": "population excess risk",
        "distance": "squared distance to the empirical minimiser",
        "replace_one": "replace-one estimate of the generalization error",
        "stability": "distance between runs on S and on S with one example replaced",
        "path_stability": "largest distance so far between runs on S and on S with one example replaced",
    }[quantity]


def listed(where: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in where.items())


def losses(evidence: Evidence, cells: Iterable[Cell]) -> Counter[str]:
    """How many of the cells have no value, by status."""
    return Counter(state for state, _ in map(evidence.status, cells) if state != "ok")


def clause(lost: Counter[str]) -> str:
    """``3 cells have no value (1 diverged, 2 failed)``."""
    states = ", ".join(f"{count} {state}" for state, count in sorted(lost.items()))
    return f"{'1 cell has' if lost.total() == 1 else f'{lost.total()} cells have'} no value ({states})"


def with_losses(judged: Verdict, evidence: Evidence, cells: Iterable[Cell]) -> Verdict:
    """The verdict, with those of its cells that have no value counted in the sentence; if one diverged, none HOLDS and
    none AGREES: what is said of all of them is not true of that one."""
    lost = losses(evidence, cells)
    if not lost:
        return judged
    ran_away = judged.outcome in (Outcome.HOLDS, Outcome.AGREES) and not RAN_AWAY.isdisjoint(lost)
    return dataclasses.replace(
        judged,
        outcome=Outcome.INCONCLUSIVE if ran_away else judged.outcome,
        finding=f"{judged.finding}; {clause(lost)}",
    )


def nothing_left(kind: Kind, subject: str, evidence: Evidence, cells: Sequence[Cell], *, axis: str = "") -> Verdict:
    """The verdict where too many of the cells have no value for a judgement of the others."""
    _, bad = sound(evidence, cells)
    draft = undecided(kind, subject, evidence.replicates, axis=axis)
    judged = draft.concluded(Outcome.INCONCLUSIVE, f"too few cells are left to judge: {bad[0].rstrip('. ')}")
    return with_losses(judged, evidence, cells)


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
