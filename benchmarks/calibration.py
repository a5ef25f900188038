"""How often the statistics of riskkit are right, measured on planted truths: ``python -m benchmarks.calibration``
prints the table, with ``--write`` into docs/statistics.md.

Each row is a procedure, a setting, the probability that is claimed, what is required of it, and what was observed in
seeded trials. A row is accepted unless the observed count has a binomial probability below ``FALSE_ALARM`` on either
side of the required range, so a procedure that meets the requirement is refused with that probability at most.
``tests/test_calibration.py`` asserts this with fewer trials; ``docs/statistics.md`` shows the whole table.

Errors are those of ``benchmarks.planted``.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import calibration_words as words
from benchmarks.calibration_estimates import regressions
from benchmarks.planted import GRID, Dependence, Population, Row, draw, lognormal, pareto, squared
from riskkit.cli.common import Parser
from riskkit.judges.exponent import judge_exponent
from riskkit.judges.identity import judge_control, judge_identity
from riskkit.judges.level import judge_level
from riskkit.judges.outcome import Outcome, adjust, undecided
from riskkit.judges.rate import judge_rate
from riskkit.stats.bands import simultaneous_band
from riskkit.stats.first_passage import Growth, Passage, first_passages, growth
from riskkit.stats.jackknife import Floats
from riskkit.stats.minimiser import minimiser, vertex_of
from riskkit.stats.multiplicity import cautious, holm
from riskkit.stats.paired import paired_ratio
from riskkit.stats.planning import replicates_for_precision
from riskkit.stats.several import Exponents, fit_exponents
from riskkit.stats.slopes import estimate, fit_rate
from riskkit.verdicts.best import judge_condition
from riskkit.verdicts.counts import judge_growth


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
        (squared(2), Dependence.RUN, 1024, 20, 0.97),
        (lognormal(), Dependence.NONE, 1024, 20, 0.99),
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

    At most .05 is required of each. With equality in all cells, HOLDS is right (within the tolerance), and VIOLATED is
    not; where the bound is itself a mean of the same replicates, or of others, it is compared with its error.
    """
    rows = []
    for R in (32, 128):
        rng = np.random.default_rng([8, R])
        false = [0, 0]
        for _ in range(trials):
            values = draw(rng, squared(2), R, 12, Dependence.RUN)
            false[0] += judge_level(values, 1.0, None, subject="").outcome is Outcome.VIOLATED
            limit = np.where(np.arange(12) == 5, 1 / 1.02, 4.0)
            false[1] += judge_level(values, limit, None, subject="").outcome is Outcome.HOLDS
        setting = f"12 cells, |z|^2, d = 2, {Dependence.RUN}"
        for name, count in zip(("VIOLATED", "HOLDS"), false, strict=True):
            rows.append(Row(f"false {name}", setting, R, trials, 0.05, count, 0.0, 0.05))
    for number, (setting, same) in enumerate((("of the same replicates", 0.9), ("of a law of its own", 0.0))):
        rng = np.random.default_rng([14, number])
        false = [0, 0]
        for _ in range(trials):
            z = rng.standard_normal((128, 12, 2))
            own = (z**2).mean(axis=-1)
            inputs = ((math.sqrt(same) * z + math.sqrt(1 - same) * rng.standard_normal(z.shape)) ** 2).mean(axis=-1)
            for place, (factor, outcome) in enumerate(((1.0, Outcome.VIOLATED), (1 / 1.02, Outcome.HOLDS))):
                limit, errors = factor * inputs.mean(axis=0), factor * (inputs - inputs.mean(axis=0))
                found = judge_level(own, limit, None, subject="", bound_errors=errors)
                false[place] += found.outcome is outcome
        for name, count in zip(("VIOLATED", "HOLDS"), false, strict=True):
            about = f"12 cells at the edge, the bound an estimate {setting}"
            rows.append(Row(f"false {name}", about, 128, trials, 0.05, count, 0.0, 0.05))
    return rows


def identities(trials: int) -> list[Row]:
    """AGREES where the truth is the margin, or 10%, off; DISAGREES where it is the truth; at most .05 and .01.

    And how often a truth agrees, and a fault of 20% is detected, where the replicates suffice; at least .8. One cell of
    eight is off.
    """
    laws = ((squared(8), 4096), (squared(2), 1024), (lognormal(), 1024))
    rows = []
    for number, (population, R) in enumerate(laws):
        rng = np.random.default_rng([15, number])
        edge = tenth = wrong = 0
        for _ in range(trials):
            values = draw(rng, population, R, 8, Dependence.RUN)
            for off in (0.05, 0.1):
                exact = np.where(np.arange(8) == 3, 1 / (1 + off), 1.0)
                said = judge_identity(values, exact, subject="").outcome is Outcome.AGREES
                edge, tenth = edge + said * (off == 0.05), tenth + said * (off == 0.1)
            wrong += judge_identity(values, np.ones(8), subject="").outcome is Outcome.DISAGREES
        setting = f"8 cells, {population[0]}, {Dependence.RUN}"
        rows.append(Row("false AGREES (identity), truth 5% off", setting, R, trials, 0.05, edge, 0.0, 0.05))
        rows.append(Row("false AGREES (identity), truth 10% off", setting, R, trials, 0.05, tenth, 0.0, 0.05))
        rows.append(Row("false DISAGREES (identity)", setting, R, trials, 0.01, wrong, 0.0, 0.015))
    rng = np.random.default_rng(16)
    right = told = missed = 0
    for _ in range(trials):
        values = draw(rng, squared(8), 4096, 8, Dependence.RUN)
        right += judge_identity(values, np.ones(8), subject="").outcome is Outcome.AGREES
        told += judge_control(values[:1024], np.full(8, 0.8), subject="").outcome is Outcome.DETECTED
        missed += (
            judge_control(values, np.where(np.arange(8) == 3, 1 / 1.05, 1.0), subject="").outcome is Outcome.MISSED
        )
    setting = f"8 cells, {squared(8)[0]}, {Dependence.RUN}"
    rows.append(Row("AGREES (identity)", setting, 4096, trials, 0.8, right, 0.8, 1.0))
    rows.append(Row("DETECTED", f"{setting}, 20% off", 1024, trials, 0.8, told, 0.8, 1.0))
    rows.append(Row("false MISSED, truth 5% off", setting, 4096, trials, 0.05, missed, 0.0, 0.05))
    return rows


def exponents(trials: int) -> list[Row]:
    """Of an exponent against an oracle: AGREES on the edge of the margin, and where its end is twice the margin off;
    DISAGREES on the edge; at most .05. Of a rate: TIGHT where its end is .1 off."""
    rows = []
    bent = GRID**-1.0 * np.where(GRID > 8, GRID / 8, 1.0) ** 0.1
    truths: tuple[tuple[str, Floats, Outcome], ...] = (
        ("true difference .05", np.power(GRID, -0.95), Outcome.AGREES),
        ("true difference .05", np.power(GRID, -0.95), Outcome.DISAGREES),
        ("difference 0, then .1 from the middle on", bent, Outcome.AGREES),
    )
    for number, (name, mean, outcome) in enumerate(truths):
        rng = np.random.default_rng([17, number])
        false = 0
        for _ in range(trials):
            values = draw(rng, squared(8), 256, GRID.size, Dependence.RUN) * mean
            false += judge_exponent(values, GRID, 1 / GRID, subject="", axis="T").outcome is outcome
        rows.append(Row(f"false {outcome} (exponent)", name, 256, trials, 0.05, false, 0.0, 0.05))
    for number, (R, axis) in enumerate(((512, "T"), (4096, "T"), (512, "alpha"), (4096, "alpha"))):
        rng = np.random.default_rng([18, number])
        false, count = 0, trials if R < 1000 else max(trials // 4, 60)
        for _ in range(count):
            values = draw(rng, squared(8), R, GRID.size, Dependence.RUN) * bent
            found = judge_rate(values, GRID, 1 / GRID, None, None, subject="", quantity="optimization", axis=axis)
            false += found.outcome is Outcome.TIGHT
        name = f"along {axis}: slope of measured / claim 0, then .1 from the middle on"
        rows.append(Row("false TIGHT", name, R, count, 0.05, false, 0.0, 0.05))
    return rows


def rare(trials: int) -> list[Row]:
    """A law with rare large values, here 100 with probability 1/40, else about 1/2: few replicates miss them all.

    The mean is 3, the bound 1: HOLDS is false, and so is AGREES with 1/2. At most .05 is required, with and without a
    known range. Nothing protects against values that are much rarer than 1/R, but a range.
    """
    rows = []
    settings = (
        (32, 40, None, "range not known"),
        (32, 40, 100.0, "range 100 known"),
        (64, 40, None, "range not known"),
        (128, 40, None, "range not known"),
        (512, 40, None, "range not known"),
    )
    for number, (R, one_in, known, about) in enumerate(settings):
        rng = np.random.default_rng([19, number])
        false = agrees = 0
        for _ in range(trials):
            values = 0.5 + 0.02 * rng.standard_normal((R, 4))
            values[rng.random(R) < 1 / one_in] = 100.0
            trivial = None if known is None else np.full(4, known)
            false += judge_level(values, np.ones(4), trivial, subject="").outcome is Outcome.HOLDS
            agrees += judge_identity(values, np.full(4, 0.5), subject="").outcome is Outcome.AGREES
        setting = f"4 cells, 100 with probability 1/{one_in}, {about}"
        rows.append(Row("false HOLDS", setting, R, trials, 0.05, false, 0.0, 0.05))
        rows.append(Row("false AGREES (identity)", setting, R, trials, 0.05, agrees, 0.0, 0.05))
    rng = np.random.default_rng(20)
    held = 0
    for _ in range(trials):
        held += judge_level(rng.random((32, 4)), np.ones(4), np.ones(4) * 1.01, subject="").outcome is Outcome.HOLDS
    rows.append(Row("HOLDS", "4 cells, uniform on [0, 1], range 1.01 known", 32, trials, 0.8, held, 0.8, 1.0))
    return rows


COUNTED = np.exp2(np.arange(0, 61) / 6)
EPS = (0.2, 0.1, 0.05, 0.025, 0.0125)


def counts(trials: int) -> list[Row]:
    """First passages of 2/x at five targets, six checkpoints an octave: coverage of all five intervals of one band,
    with the width in octaves, and of the exponent of the counts; and words on the edge of the margin.

    At least .94 and .93 is required of the coverage; false TIGHT and LOOSE at most .05 and .025.
    """
    rows = []
    for number, (R, dependence, population) in enumerate(
        (R, dependence, population)
        for R in (64, 128)
        for dependence in Dependence
        for population in (squared(4), lognormal())
    ):
        rng = np.random.default_rng([21, number])
        hits = near = fitted = 0
        width = []
        for _ in range(trials):
            found = first_passages(draw(rng, population, R, COUNTED.size, dependence) * 2 / COUNTED, COUNTED, EPS)
            known = [(p, eps) for p, eps in zip(found, EPS, strict=True) if not math.isnan(p.at)]
            hits += all(p.low <= 2 / eps <= p.high for p, eps in known)
            width += [math.log2(p.high / p.low) for p, _ in known if math.isfinite(p.high)]
            good = [(p, eps) for p, eps in known if np.isfinite(p.leaves).all()]
            if len(good) >= 4:
                fitted += 1
                grown = growth(
                    [math.exp(p.smooth) for p, _ in good],
                    [p.leaves for p, _ in good],
                    good[0][0].sizes,
                    [1 / eps for _, eps in good],
                )
                near += grown.low <= 1 <= grown.high
        setting = f"{population[0]}, {dependence}"
        wide = f"{setting}; median width {np.median(width):.2f} octaves"
        rows.append(Row("counts, one band", wide, R, trials, 0.95, hits, 0.94, 1.0))
        rows.append(Row("exponent of counts, jackknife-t", setting, R, fitted, 0.95, near, 0.93, 1.0))
    for number, (edge, outcome, nominal) in enumerate(
        ((0.05, Outcome.TIGHT, 0.05), (-0.05, Outcome.TIGHT, 0.05), (-0.05, Outcome.LOOSE, 0.025))
    ):
        rng = np.random.default_rng([22, number])
        false = 0
        for _ in range(trials):
            values = draw(rng, squared(4), 128, COUNTED.size, Dependence.RUN) * 2 / COUNTED
            found = first_passages(values, COUNTED, EPS)
            good = [(p, eps) for p, eps in zip(found, EPS, strict=True) if np.isfinite(p.leaves).all()]
            x = [1 / eps for _, eps in good]
            draft = dataclasses.replace(undecided("count", "", 128, axis="eps"), claim_slope=1 - edge)
            gap, end = (_beyond(good[first:], x[first:], 1 - edge) for first in (0, len(good) - 3))
            false += judge_growth(draft, gap, end, "the claim").outcome is outcome
        setting = f"true exponent of counts / claim {edge:+g}, margin .05"
        rows.append(Row(f"false {outcome} (counts)", setting, 128, trials, nominal, false, 0.0, nominal))
    return rows


def _beyond(good: list[tuple[Passage, float]], x: list[float], claimed: float) -> Growth:
    at = [math.exp(p.smooth) / u**claimed for (p, _), u in zip(good, x, strict=True)]
    leaves = [p.leaves - claimed * math.log(u) for (p, _), u in zip(good, x, strict=True)]
    return growth(at, leaves, good[0][0].sizes, x)


ALPHAS = np.array([0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0])


VALLEYS = ((256, Dependence.NONE), (256, Dependence.COMMON), (1024, Dependence.COMMON), (64, Dependence.COMMON))
"""Replicates and dependence of the points of a/x + x/a."""


def vertices(trials: int) -> list[Row]:
    """Coverage of the vertex of a/x + x/a, where the least mean is not at an end; at least .93."""
    rows = []
    for number, (R, dependence) in enumerate(VALLEYS):
        rng = np.random.default_rng([23, number])
        hits = inside = 0
        for _ in range(trials):
            values = draw(rng, squared(4), R, ALPHAS.size, dependence) * _valley(0.3)
            vertex, low, high, _ = vertex_of(values, ALPHAS)
            inside, hits = inside + math.isfinite(vertex), hits + (low <= 0.3 <= high)
        setting = f"8 values, |z|^2, d = 4, {dependence}"
        rows.append(Row("vertex, Fieller", setting, R, inside, 0.95, hits, 0.93, 1.0))
    return rows


def best_values(trials: int) -> list[Row]:
    """The best value of a/x + x/a: that the set of possible ones holds the nearest; at least .93. Of the exponents of
    nine best values in two coordinates: coverage at least .93, lack of fit at most .05. Of a condition in three lines,
    on its edges: at most .05."""
    rows = []
    for number, (R, dependence) in enumerate(VALLEYS):
        rng = np.random.default_rng([23, number])
        kept = 0
        for _ in range(trials):
            values = draw(rng, squared(4), R, ALPHAS.size, dependence) * _valley(0.3)
            found = minimiser(values, ALPHAS)
            kept += found.low <= 0.25 <= found.high
        setting = f"8 values, |z|^2, d = 4, {dependence}"
        rows.append(Row("possible best values", setting, R, trials, 0.95, kept, 0.93, 1.0))
    places = np.array([(n, kT) for n in (20, 80, 320) for kT in (512, 2048, 8192)], dtype=np.float64)
    rng = np.random.default_rng(24)
    covered = lacking = fitted = 0
    for _ in range(max(trials // 4, 25)):
        best = [
            minimiser(draw(rng, squared(4), 512, ALPHAS.size, Dependence.COMMON) * _valley(2 * (n / kT) ** 0.5), ALPHAS)
            for n, kT in places
        ]
        inner = [p for p, one in enumerate(best) if math.isfinite(one.vertex)]
        fit = fit_exponents(
            [best[p].vertex for p in inner], [best[p].leaves for p in inner], best[0].sizes, places[inner]
        )
        fitted += 1
        covered += sum(low <= truth <= high for truth, (low, high) in zip((0.5, -0.5), _both(fit), strict=True))
        lacking += fit.lack_of_fit <= 0.05 and fit.residual > math.log(1.05)
    setting = f"best values in n and kT, {Dependence.COMMON}"
    rows.append(Row("exponents of best values, jackknife-t", setting, 512, 2 * fitted, 0.95, covered, 0.93, 1.0))
    rows.append(Row("false lack of fit", setting, 512, fitted, 0.05, lacking, 0.0, 0.05))
    for number, (outcome, mean) in enumerate(
        ((Outcome.AGREES, np.array([2.0, 1.2, 1.0, 1.0])), (Outcome.DISAGREES, np.array([2.0, 1.2, 1.0, 1.0])))
    ):
        rng = np.random.default_rng([25, number])
        false = 0
        for _ in range(trials):
            lines = [
                minimiser(draw(rng, squared(4), 128, 4, Dependence.COMMON) * mean, [0.25, 0.5, 0.75, 1.0]).p_least
                for _ in range(3)
            ]
            false += judge_condition(undecided("minimiser", "", 128), "", lines).outcome is outcome
        rows.append(
            Row(f"false {outcome} (condition)", "3 lines, the two largest alike", 128, trials, 0.05, false, 0.0, 0.05)
        )
    return rows


def _both(fit: Exponents) -> list[tuple[float, float]]:
    return [fit.interval(c, 0.95) for c in range(2)]


def _valley(at: float) -> Floats:
    return np.asarray(at / ALPHAS + ALPHAS / at)


def tails(trials: int) -> list[Row]:
    """What small p-values are worth: how often a p-value of a level, or of a comparison, under the null is below .001,
    and any false word in families of 177 levels and of 40 comparisons, after Holm. Skewed laws, independent members.

    At most .001 and .05 is required.
    """
    rows = []
    for number, (R, population) in enumerate(((32, squared(2)), (128, squared(2)), (128, lognormal()))):
        rng = np.random.default_rng([26, number])
        raw = small = 0
        members = 20 * trials
        for _ in range(members // 40):
            values = draw(rng, population, R, 40, Dependence.NONE)
            for m in range(40):
                band = simultaneous_band(values[:, [m]])
                p = 2 * min(band.p_above(np.ones(1)), band.p_below(np.ones(1)))
                raw, small = raw + (p < 1e-3), small + (cautious(min(p, 1.0)) < 1e-3)
        setting = f"a level, {population[0]}"
        rows.append(Row("p < .001, nominal (not used)", setting, R, members, 0.001, raw, 0.0, 0.02))
        rows.append(Row("p < .001", setting, R, members, 0.001, small, 0.0, 0.001))
    rng = np.random.default_rng(27)
    false, families = 0, max(trials // 10, 20)
    for _ in range(families):
        values = draw(rng, squared(2), 128, 177, Dependence.NONE)
        family = adjust([judge_level(values[:, [m]], 1.0, None, subject="") for m in range(177)])
        false += any(one.outcome is Outcome.VIOLATED for one in family)
    setting = "177 levels equal to the bound, |z|^2, d = 2"
    rows.append(Row("any false alarm, Holm", setting, 128, families, 0.05, false, 0.0, 0.05))
    rng = np.random.default_rng(28)
    told = 0
    for _ in range(families):
        values = draw(rng, squared(2), 128, 177, Dependence.NONE)
        limit = np.where(np.arange(177) == 0, 0.5, 1.0)
        told += adjust([judge_level(values[:, [m]], limit[m], None, subject="") for m in range(177)])[0].outcome is (
            Outcome.VIOLATED
        )
    setting = "in a family of 177, mean / bound 2"
    rows.append(Row("VIOLATED, Holm", setting, 128, families, 0.8, told, 0.8, 1.0))
    for number, (R, population, dependence) in enumerate(
        (R, population, dependence)
        for R in (32, 128)
        for population, dependence in ((squared(2), Dependence.COMMON), (lognormal(), Dependence.NONE))
    ):
        rng = np.random.default_rng([29, number])
        single = false = power = less = 0
        for _ in range(trials):
            a, b = draw(rng, population, R, 80, dependence).reshape(R, 2, 40).transpose(1, 0, 2)
            p = np.array([cautious(one) for one in paired_ratio(a, b).p_value])
            single += int((p <= 0.05).sum())
            false += bool((holm(p) <= 0.05).any())
            power += bool(holm([cautious(one) for one in paired_ratio(3 * a, b).p_value])[0] <= 0.05)
            less += bool(holm([cautious(one) for one in paired_ratio(a, 3 * b).p_value])[0] <= 0.05)
        setting = f"{population[0]}, {dependence}"
        rows.append(Row("false smaller or larger", setting, R, 40 * trials, 0.05, single, 0.0, 0.06))
        rows.append(Row("any false comparison of 40, Holm", setting, R, trials, 0.05, false, 0.0, 0.05))
        if R == 128:
            about = f"{setting}, true ratio 3, one of 40 after Holm"
            rows.append(Row("larger", about, R, trials, 0.8, power, 0.8, 1.0))
            rows.append(Row("smaller", about.replace("ratio 3", "ratio 1/3"), R, trials, 0.8, less, 0.8, 1.0))
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
    slopes: 2500,
    plain_slopes: 1000,
    looks: 500,
    means: 5000,
    regressions: 4000,
    bands: 800,
    outcomes: 800,
    levels: 400,
    identities: 100,
    exponents: 600,
    rare: 400,
    counts: 300,
    vertices: 1500,
    best_values: 100,
    tails: 60,
    families: 150,
    planted: 200,
    recovered: 200,
    words.rates: 200,
    words.decided: 400,
    words.limits: 200,
    words.controls: 100,
    words.grown: 150,
    words.bests: 60,
    words.exceeded: 400,
    words.unseen: 200,
}
"""The studies, and how many trials of each make the table: about twelve minutes on one core."""


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


PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"


def written(page: str, rows: str) -> str:
    """The page with another table, which is the last thing on it."""
    return page[: page.index("| procedure | setting |")] + rows + "\n"


def main(words: list[str]) -> None:
    """``--write``: all rows, into the page; else printed, those of some studies by name, or all."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="by name; default: all")
    parser.add_argument("--write", action="store_true", help="all of them into docs/statistics.md")
    given = parser.parse_args(words)
    asked = given.studies
    if unknown := set(asked) - {study.__name__ for study in STUDIES}:
        parser.error(f"no study is called {', '.join(sorted(unknown))}.")
    chosen = {study: trials for study, trials in STUDIES.items() if not asked or study.__name__ in asked}
    made = table([row for study, trials in chosen.items() for row in study(trials)])
    if given.write and not asked:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main(sys.argv[1:])
