"""How often the statistics of riskkit are right, measured on planted truths: ``python -m benchmarks.calibration``.

Each row is a procedure, a setting, the probability that is claimed, what is required of it, and what was observed in
seeded trials. A row is accepted unless the observed count has a binomial probability below ``FALSE_ALARM`` on either
side of the required range, so a procedure that meets the requirement is refused with that probability at most.
``tests/test_calibration.py`` asserts this with fewer trials; ``docs/statistics.md`` shows the whole table.

Errors are made like those of an optimiser: ||z||^2 / d for Gaussian z in R^d (cv^2 = 2/d; d = 2 is exponential), log
normal, or Pareto with 3.5 moments. Checkpoints of one run: z is autoregressive along the axis with correlation .9.
Common random numbers: z has correlation .9 between any two points.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable

import numpy as np
from scipy import special, stats

from riskkit.judges.exponent import judge_exponent
from riskkit.judges.identity import judge_identity
from riskkit.judges.level import judge_level
from riskkit.judges.outcome import Outcome, adjust
from riskkit.judges.rate import judge_rate
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.jackknife import Floats
from riskkit.stats.paired import paired_ratio
from riskkit.stats.planning import replicates_for_precision
from riskkit.stats.slopes import estimate, fit_rate

FALSE_ALARM = 0.001
"""Probability with which a row that just meets its requirement is refused."""

Noise = Callable[[Floats], Floats]


class Dependence(enum.StrEnum):
    """How the points of one replicate hang together."""

    NONE = "independent points"
    RUN = "checkpoints of one run"
    COMMON = "common random numbers"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        procedure, setting: what was done to what.
        replicates, trials: R of each trial, and how many trials.
        nominal: the probability that is claimed.
        count: how often it happened.
        least, most: the probability that is required.
    """

    procedure: str
    setting: str
    replicates: int
    trials: int
    nominal: float
    count: int
    least: float
    most: float

    @property
    def observed(self) -> float:
        return self.count / self.trials

    @property
    def band(self) -> tuple[float, float]:
        """The frequencies that are accepted."""
        low = stats.binom.ppf(FALSE_ALARM, self.trials, self.least) / self.trials
        high = stats.binom.isf(FALSE_ALARM, self.trials, self.most) / self.trials
        return float(low), float(high)

    @property
    def accepted(self) -> bool:
        low, high = self.band
        return low <= self.observed <= high


def squared(d: int) -> tuple[str, int, Noise]:
    """||z||^2 / d, z Gaussian in R^d: mean 1, cv^2 = 2/d."""
    return f"|z|^2, d = {d}", d, lambda z: np.mean(z**2, axis=-1)


def lognormal() -> tuple[str, int, Noise]:
    """exp(z - 1/2): mean 1, cv^2 = 1.72, skewness 6.2."""
    return "log normal", 1, lambda z: np.exp(z[..., 0] - 0.5)


def pareto(index: float) -> tuple[str, int, Noise]:
    """Pareto with ``index`` moments, mean 1."""
    name = f"Pareto {index:g}"
    return name, 1, lambda z: np.exp(-special.log_ndtr(-z[..., 0]) / index) * (index - 1) / index


Population = tuple[str, int, Noise]


def draw(rng: np.random.Generator, population: Population, R: int, P: int, dependence: Dependence) -> Floats:
    """Errors (R, P) of mean 1."""
    _, d, noise = population
    z = rng.standard_normal((R, P, d))
    if dependence is Dependence.RUN:
        for p in range(1, P):
            z[:, p] = 0.9 * z[:, p - 1] + math.sqrt(1 - 0.81) * z[:, p]
    if dependence is Dependence.COMMON:
        z = math.sqrt(0.9) * rng.standard_normal((R, 1, d)) + math.sqrt(0.1) * z
    return noise(z)


GRID = 2.0 ** np.arange(8)


def slopes(trials: int) -> list[Row]:
    """Coverage of the 95% interval of an exponent, truth -1 over 8 points; required .93 to .965."""
    four, one, exponential = squared(4), squared(1), squared(2)
    settings: list[tuple[Population, Dependence, int]] = [
        (population, dependence, R)
        for R in (16, 32, 64, 128)
        for population, dependence in (
            (four, Dependence.NONE),
            (four, Dependence.RUN),
            (exponential, Dependence.COMMON),
            (lognormal(), Dependence.RUN),
        )
    ]
    settings += [(one, Dependence.RUN, 32), (one, Dependence.NONE, 128)]
    settings += [(pareto(3.5), Dependence.NONE, 64), (pareto(3.5), Dependence.COMMON, 128)]
    settings += [(exponential, Dependence.RUN, 1536)]
    rows = []
    for number, (population, dependence, R) in enumerate(settings):
        rng = np.random.default_rng([1, number])
        count = trials if R < 1000 else trials // 4
        hits = 0
        for _ in range(count):
            fit = fit_rate(draw(rng, population, R, GRID.size, dependence) / GRID, GRID)
            hits += fit.low <= -1 <= fit.high
        rows.append(Row("slope, jackknife-t", f"{population[0]}, {dependence}", R, count, 0.95, hits, 0.93, 0.965))
    return rows


def plain_slopes(trials: int) -> list[Row]:
    """What is not done, and why: ordinary regression on the checkpoints of one run. It must fail: below .75."""
    rng = np.random.default_rng(2)
    u, hits = np.log(GRID), 0
    for _ in range(trials):
        found = stats.linregress(u, np.log(draw(rng, squared(4), 128, GRID.size, Dependence.RUN).mean(axis=0)))
        hits += abs(found.slope) <= stats.t.isf(0.025, GRID.size - 2) * found.stderr
    setting = f"|z|^2, d = 4, {Dependence.RUN}"
    return [Row("slope, ordinary regression (not used)", setting, 128, trials, 0.95, int(hits), 0.0, 0.75)]


def looks(trials: int) -> list[Row]:
    """Coverage of the interval at which replicates stopped being added, its width reached; required .93 to .965."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(trials):
        values = draw(rng, squared(4), 1024, GRID.size, Dependence.RUN) / GRID
        look = replicates_for_precision(values, GRID, 0.04)
        fit = fit_rate(values[: look.replicates], GRID)
        hits += look.reached and fit.low <= -1 <= fit.high
    setting = "stopped at half width .04, looks at 32, 64, ..., |z|^2, d = 4, checkpoints of one run"
    return [Row("slope, jackknife-t", setting, 1024, trials, 0.95, hits, 0.93, 0.965)]


def means(trials: int) -> list[Row]:
    """Coverage of the t interval of a single mean, and of a paired ratio; required .93 to .965.

    But for the t interval of few skewed errors, which is what a table shows and no verdict uses: .9 is required there.
    """
    rows = []
    for R, population, low in ((16, squared(4), 0.9), (32, squared(2), 0.9), (128, squared(2), 0.93)):
        rng = np.random.default_rng([4, R])
        found = estimate(draw(rng, population, R, trials, Dependence.NONE))
        hits = int(np.sum((found.low <= 1) & (found.high >= 1)))
        rows.append(Row("mean, t interval", population[0], R, trials, 0.95, hits, low, 0.965))
    for R in (32, 128):
        rng = np.random.default_rng([5, R])
        pairs = np.stack([draw(rng, squared(2), R, 2, Dependence.COMMON) for _ in range(trials)], axis=1)
        ratio = paired_ratio(pairs[:, :, 0], pairs[:, :, 1])
        hits = int(np.sum((ratio.low <= 1) & (ratio.high >= 1)))
        setting = f"|z|^2, d = 2, {Dependence.COMMON}"
        rows.append(Row("paired ratio, jackknife-t", setting, R, trials, 0.95, hits, 0.93, 0.965))
    return rows


def bands(trials: int) -> list[Row]:
    """Simultaneous coverage of the 95% sup-t band; required .93 to .97.

    Where skewed errors in many independent cells meet few replicates the bootstrap is conservative: .99 is allowed.
    """
    rows = []
    settings: list[tuple[Population, Dependence, int, int, float]] = [
        (squared(4), Dependence.RUN, 32, 8, 0.97),
        (squared(4), Dependence.RUN, 128, 40, 0.97),
        (squared(2), Dependence.RUN, 64, 8, 0.97),
        (squared(2), Dependence.NONE, 128, 8, 0.97),
        (squared(2), Dependence.NONE, 128, 40, 0.97),
        (squared(2), Dependence.COMMON, 256, 20, 0.97),
        (squared(2), Dependence.NONE, 32, 40, 0.99),
        (lognormal(), Dependence.NONE, 128, 40, 0.99),
    ]
    for number, (population, dependence, R, P, high) in enumerate(settings):
        rng = np.random.default_rng([6, number])
        hits = 0
        for _ in range(trials):
            band = simultaneous_band(draw(rng, population, R, P, dependence))
            hits += bool(np.all((band.low <= 1) & (band.high >= 1)))
        setting = f"{P} points, {population[0]}, {dependence}"
        rows.append(Row("sup-t band, bootstrap-t", setting, R, trials, 0.95, hits, 0.93, high))
    return rows


def outcomes(trials: int) -> list[Row]:
    """False assertions where the truth lies on the edge of what is asserted.

    TIGHT is tested one-sided at .05 on the margin; LOOSE and REFUTED two-sided, so at .025 on their side of it.
    """
    x, R = 2.0 ** np.arange(4, 12), 128
    edges = (
        (Outcome.TIGHT, 0.05, 0.05, None),
        (Outcome.TIGHT, -0.05, 0.05, None),
        (Outcome.LOOSE, -0.05, 0.025, None),
        (Outcome.REFUTED, 0.05, 0.025, 1e-3 / x),
    )
    rows = []
    for number, (outcome, edge, nominal, explicit) in enumerate(edges):
        rng = np.random.default_rng([7, number])
        false = 0
        for _ in range(trials):
            values = draw(rng, squared(8), R, x.size, Dependence.RUN) * x ** (edge - 1)
            found = judge_rate(values, x, 1 / x, explicit, None, subject="", quantity="optimization", axis="T")
            false += found.outcome is outcome
        setting = f"true slope of measured / claim {edge:+g}, margin .05"
        rows.append(Row(f"false {outcome}", setting, R, trials, nominal, false, 0.0, nominal))
    return rows


def levels(trials: int) -> list[Row]:
    """False VIOLATED where the mean equals the bound in 12 cells, false HOLDS where one mean is the tolerance above it.

    And false DISAGREES of an identity over 12 cells. At most .05 is required of each.
    """
    rows = []
    for R in (32, 128):
        rng = np.random.default_rng([8, R])
        false = [0, 0, 0]
        for _ in range(trials):
            values = draw(rng, squared(2), R, 12, Dependence.RUN)
            false[0] += judge_level(values, 1.0, None, subject="").outcome is Outcome.VIOLATED
            limit = np.where(np.arange(12) == 5, 1 / 1.02, 4.0)
            false[1] += judge_level(values, limit, None, subject="").outcome is Outcome.HOLDS
            false[2] += judge_identity(values, np.ones(12), subject="").outcome is Outcome.DISAGREES
        setting = f"12 cells, |z|^2, d = 2, {Dependence.RUN}"
        for name, count in zip(("VIOLATED", "HOLDS", "DISAGREES (identity)"), false, strict=True):
            rows.append(Row(f"false {name}", setting, R, trials, 0.05, count, 0.0, 0.05))
    return rows


def families(trials: int) -> list[Row]:
    """Any false alarm in a family of 40 true nulls, with Holm and without; at most .05 with it is required."""
    R, members = 128, 40
    rng = np.random.default_rng(9)
    raw = adjusted = 0
    for _ in range(trials):
        family = []
        for _ in range(members):
            values = draw(rng, squared(4), R, GRID.size, Dependence.RUN) / GRID
            family.append(judge_exponent(values, GRID, 1 / GRID, subject="", axis="T", margin=0.0))
        raw += any(found.outcome is Outcome.DISAGREES for found in family)
        adjusted += any(found.outcome is Outcome.DISAGREES for found in adjust(family))
    rng = np.random.default_rng(10)
    levels = 0
    for _ in range(trials):
        values = draw(rng, squared(2), R, members, Dependence.NONE)
        family = [judge_level(values[:, [m]], 1.0, None, subject="") for m in range(members)]
        levels += any(found.outcome is Outcome.VIOLATED for found in adjust(family))
    name = "40 exponents equal to the oracle's"
    return [
        Row("any false alarm, uncorrected (not used)", name, R, trials, 1 - 0.95**members, raw, 0.8, 0.95),
        Row("any false alarm, Holm", name, R, trials, 0.05, adjusted, 0.0, 0.05),
        Row("any false alarm, Holm", "40 levels equal to the bound", R, trials, 0.05, levels, 0.0, 0.05),
    ]


def planted(trials: int) -> list[Row]:
    """Truths whose limit no finite grid shows: how often a verdict asserts the wrong thing; at most .05 is required.

    The axis is T = 16 .. 4096; errors |z|^2, d = 4, checkpoints of one run.
    """
    x: Floats = np.exp2(np.arange(4.0, 13.0))
    wrong_rate = (Outcome.LOOSE, Outcome.REFUTED)
    slower = (Outcome.TIGHT, Outcome.LOOSE)
    faster = (Outcome.TIGHT, Outcome.REFUTED)
    truths: list[tuple[str, Floats, Floats, Floats | None, tuple[Outcome, ...]]] = [
        ("1/T, claim 1/T", 1 / x, 1 / x, 2 / x, wrong_rate),
        ("T^-.85, claim 1/T", np.power(x, -0.85), 1 / x, 1 / x, slower),
        ("T^-1.15, claim 1/T", np.power(x, -1.15), 1 / x, 2 / x, faster),
        ("curved: 1/T + 30/T^2, claim 1/T", 1 / x + 30 / x**2, 1 / x, 2 / x + 60 / x**2, wrong_rate),
        ("curved: 1/T + 300/T^2, claim 1/T", 1 / x + 300 / x**2, 1 / x, 2 / x + 600 / x**2, wrong_rate),
        ("mixed: T^-.5 + 3/T, claim T^-.5", x**-0.5 + 3 / x, x**-0.5, 2 * x**-0.5 + 6 / x, wrong_rate),
        ("offset: 1/(T + 500), claim 1/T, bound holds", 1 / (x + 500), 1 / x, 1 / x, wrong_rate),
        ("floor: 1/T + .001, claim 1/T, bound with it", 1 / x + 1e-3, 1 / x, 2 / x + 1e-3, slower),
        ("log T / T, claim 1/T, no bound", np.log(x) / x, 1 / x, None, slower),
    ]
    rows = []
    for R in (32, 128, 512):
        for number, (name, mean, claim, explicit, wrong) in enumerate(truths):
            rng = np.random.default_rng([11, R, number])
            false = 0
            for _ in range(trials):
                values = draw(rng, squared(4), R, x.size, Dependence.RUN) * mean
                found = judge_rate(values, x, claim, explicit, None, subject="", quantity="optimization", axis="T")
                false += found.outcome in wrong
            rows.append(Row(f"false {' or '.join(wrong)}", name, R, trials, 0.05, false, 0.0, 0.05))
    return rows


def recovered(trials: int) -> list[Row]:
    """The same truths, and a bound 2% under the truth: how often the right thing is said; at least .8 is required.

    Where the truth is not in the grid, the right thing is to say so.
    """
    x: Floats = np.exp2(np.arange(4.0, 13.0))
    transient = (Outcome.PRE_ASYMPTOTIC,)
    truths: list[tuple[int, str, Floats, Floats | None, tuple[Outcome, ...]]] = [
        (512, "1/T, claim 1/T", 1 / x, 2 / x, (Outcome.TIGHT,)),
        (512, "T^-.85, claim 1/T, bound violated", np.power(x, -0.85), 1 / x, (Outcome.REFUTED,)),
        (512, "T^-1.15, claim 1/T", np.power(x, -1.15), 2 / x, (Outcome.LOOSE,)),
        (512, "curved: 1/T + 300/T^2, claim 1/T", 1 / x + 300 / x**2, 2 / x + 600 / x**2, transient),
        (512, "offset: 1/(T + 500), claim 1/T, bound holds", 1 / (x + 500), 1 / x, transient),
        (512, "floor: 1/T + .001, claim 1/T, bound violated", 1 / x + 1e-3, 2 / x, (Outcome.REFUTED,)),
        (4096, "curved: 1/T + 30/T^2, claim 1/T", 1 / x + 30 / x**2, 2 / x + 60 / x**2, (Outcome.TIGHT, *transient)),
    ]
    rows = []
    for number, (R, name, mean, explicit, right) in enumerate(truths):
        rng = np.random.default_rng([12, number])
        hits = 0
        for _ in range(trials):
            values = draw(rng, squared(4), R, x.size, Dependence.RUN) * mean
            found = judge_rate(values, x, 1 / x, explicit, None, subject="", quantity="optimization", axis="T")
            hits += found.outcome in right
        rows.append(Row(" or ".join(right), name, R, trials, 0.8, hits, 0.8, 1.0))
    for R, outcome, least in ((10, Outcome.INCONCLUSIVE, 1.0), (40_000, Outcome.VIOLATED, 0.8)):
        rng = np.random.default_rng([13, R])
        hits, count = 0, max(trials // 10, 20)
        for _ in range(count):
            values = draw(rng, squared(4), R, 8, Dependence.RUN)
            hits += judge_level(values, 0.98, None, subject="").outcome is outcome
        rows.append(Row(outcome, "8 cells, bound 2% under the mean", R, count, least, hits, least, 1.0))
    return rows


STUDIES: dict[Callable[[int], list[Row]], int] = {
    slopes: 5000,
    plain_slopes: 1000,
    looks: 1000,
    means: 5000,
    bands: 2000,
    outcomes: 2000,
    levels: 2000,
    families: 600,
    planted: 400,
    recovered: 400,
}
"""The studies, and how many trials of each make the table: about five minutes on one core."""


def table(rows: list[Row]) -> str:
    """The rows in Markdown; what lies outside the requirement itself is in bold, accepted or not."""
    lines = ["| procedure | setting | R | trials | nominal | observed | required |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        required = f"{row.least:.3g} to {row.most:.3g}" if row.least > 0 else f"at most {row.most:.3g}"
        met = row.least <= row.observed <= row.most
        observed = f"{row.observed:.3f}" if met else f"**{row.observed:.3f}**"
        setting = row.setting.replace("|z|", "\\|z\\|")
        lines.append(
            f"| {row.procedure} | {setting} | {row.replicates} | {row.trials} | {row.nominal:.3g} | {observed} | "
            f"{required}{'' if row.accepted else ', refused'} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table([row for study, trials in STUDIES.items() for row in study(trials)]))
