"""Calibration of single words: how often each judge says it where it is false, and where it is true.

False words are counted on the edge of what they deny, at most at their level; true ones well inside, at least .8. And
how often any word is said of a law whose rare large values 32 replicates may miss. ``PROCEDURES`` names a row for every
word that a judge may say of chance.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from benchmarks.planted import GRID, Dependence, Row, draw, squared
from riskkit.judges.exponent import judge_exponent, judge_limit
from riskkit.judges.identity import judge_control, judge_identity
from riskkit.judges.outcome import ASSERTIONS, Outcome, undecided
from riskkit.judges.rate import judge_rate
from riskkit.stats.first_passage import first_passages, growth
from riskkit.stats.jackknife import Floats
from riskkit.stats.minimiser import minimiser
from riskkit.stats.several import fit_exponents
from riskkit.verdicts.best import judge_best_exponent, judge_condition
from riskkit.verdicts.counts import judge_growth
from riskkit.verdicts.quantiles import judge_exceedance
from riskkit.verdicts.widths import replicates_for_widths

PROCEDURES: dict[tuple[str, str], tuple[str, ...]] = {
    ("judge_level", "HOLDS"): ("false HOLDS", "HOLDS"),
    ("judge_level", "VIOLATED"): ("false VIOLATED", "VIOLATED"),
    ("_judge_decay", "TIGHT"): ("false TIGHT", "TIGHT"),
    ("_judge_decay", "LOOSE"): ("false LOOSE", "LOOSE"),
    ("_judge_decay", "PRE_ASYMPTOTIC"): ("PRE-ASYMPTOTIC",),
    ("_judge_growth", "REFUTED"): ("false REFUTED", "REFUTED"),
    ("_judge_growth", "PRE_ASYMPTOTIC"): ("PRE-ASYMPTOTIC",),
    ("judge_rate", "PRE_ASYMPTOTIC"): ("PRE-ASYMPTOTIC",),
    ("_judge_bounded", "TIGHT"): ("false TIGHT (along alpha)", "TIGHT (along alpha)"),
    ("_judge_bounded", "LOOSE"): ("false LOOSE (along alpha)", "LOOSE (along alpha)"),
    ("judge_exponent", "AGREES"): ("false AGREES (exponent)", "AGREES (exponent)"),
    ("judge_exponent", "DISAGREES"): ("false DISAGREES (exponent)", "DISAGREES (exponent)"),
    ("judge_limit", "AGREES"): ("false AGREES (limit)", "AGREES (limit)"),
    ("judge_limit", "PRE_ASYMPTOTIC"): ("false PRE-ASYMPTOTIC (limit)", "PRE-ASYMPTOTIC (limit)"),
    ("judge_identity", "AGREES"): ("false AGREES (identity)", "AGREES (identity)"),
    ("judge_identity", "DISAGREES"): ("false DISAGREES (identity)", "DISAGREES (identity)"),
    ("judge_control", "DETECTED"): ("false DETECTED", "DETECTED"),
    ("judge_control", "MISSED"): ("false MISSED, truth 5% off", "MISSED"),
    ("judge_growth", "TIGHT"): ("false TIGHT (counts)", "TIGHT (counts)"),
    ("judge_growth", "LOOSE"): ("false LOOSE (counts)", "LOOSE (counts)"),
    ("judge_growth", "PRE_ASYMPTOTIC"): ("false PRE-ASYMPTOTIC (counts)", "PRE-ASYMPTOTIC (counts)"),
    ("judge_best_exponent", "AGREES"): ("false AGREES (best value)", "AGREES (best value)"),
    ("judge_best_exponent", "DISAGREES"): ("false DISAGREES (best value)", "DISAGREES (best value)"),
    ("judge_condition", "AGREES"): ("false AGREES (condition)", "AGREES (condition)"),
    ("judge_condition", "DISAGREES"): ("false DISAGREES (condition)", "DISAGREES (condition)"),
    ("judge_exceedance", "HOLDS"): ("false HOLDS (quantile)", "HOLDS (quantile)"),
    ("judge_exceedance", "VIOLATED"): ("false VIOLATED (quantile)", "VIOLATED (quantile)"),
    ("comparison", "smaller"): ("false smaller or larger", "smaller"),
    ("comparison", "larger"): ("false smaller or larger", "larger"),
}
"""(judge, word) -> the rows of the table that it must have. Words without chance (VACUOUS, NOT DECAYING, TOO FEW
POINTS, NOT COVERED, and whatever is said of exact expectations) need none."""


def said(name: str, setting: str, R: int, trials: int, level: float, count: int) -> Row:
    """A false word at most at its level; a true one at least .8."""
    if name.startswith("false"):
        return Row(name, setting, R, trials, level, count, 0.0, level)
    return Row(name, setting, R, trials, 0.8, count, 0.8, 1.0)


def rates(trials: int) -> list[Row]:
    """Along an axis without a limit, and of an exponent: the words on the edge of the margin and well inside."""
    rows = []
    for number, (word, off, R) in enumerate(
        (
            ("false TIGHT (along alpha)", 0.05, 512),
            ("false TIGHT (along alpha)", -0.05, 512),
            ("false LOOSE (along alpha)", 0.05, 512),
            ("TIGHT (along alpha)", 0.0, 2048),
            ("LOOSE (along alpha)", 0.15, 512),
            ("AGREES (exponent)", 0.0, 2048),
            ("DISAGREES (exponent)", 0.15, 512),
        )
    ):
        rng = np.random.default_rng([30, number])
        count, outcome = 0, word.removeprefix("false ").split(" ")[0]
        for _ in range(trials):
            values = draw(rng, squared(8), R, GRID.size, Dependence.RUN) * GRID ** (off - 1)
            if "exponent" in word:
                found = judge_exponent(values, GRID, 1 / GRID, subject="", axis="T")
            else:
                found = judge_rate(values, GRID, 1 / GRID, None, None, subject="", quantity="", axis="alpha")
            count += found.outcome == outcome
        rows.append(said(word, f"true slope of measured / claim {off:+g}, margin .05", R, trials, 0.05, count))
    return rows


def decided(trials: int) -> list[Row]:
    """Words after ``--decide``: of 256 replicates the first quarter's variances say how many are judged, once."""
    rows = []
    for number, (word, off) in enumerate(
        (("false TIGHT", 0.05), ("false TIGHT", -0.05), ("false LOOSE", -0.05), ("TIGHT", 0.0), ("LOOSE", -0.15))
    ):
        rng = np.random.default_rng([31, number])
        count = 0
        for _ in range(trials):
            values = draw(rng, squared(4), MOST_DECIDING, GRID.size, Dependence.RUN) * GRID ** (off - 1)
            wanted = replicates_for_widths(values[: FEWEST // 4], GRID)
            judged = min(max(FEWEST, math.ceil(wanted)), MOST_DECIDING)
            found = judge_rate(
                values[:judged], GRID, 1 / GRID, 5 / GRID, None, subject="", quantity="optimization", axis="T"
            )
            count += found.outcome == word.removeprefix("false ")
        level = 0.025 if "LOOSE" in word else 0.05
        setting = (
            f"true slope of measured / claim {off:+g}, replicates added from the variances of a quarter of {FEWEST}"
        )
        rows.append(said(word, setting, MOST_DECIDING, trials, level, count))
    return rows


FEWEST, MOST_DECIDING = 256, 4096
"""Replicates before any are added, and the budget."""


def limits(trials: int) -> list[Row]:
    """A limit of -1: the words on the edge of the margin and well inside."""
    rows = []
    for number, (word, exponent, R) in enumerate(
        (
            ("false AGREES (limit)", -0.95, 512),
            ("false AGREES (limit)", -1.05, 512),
            ("false PRE-ASYMPTOTIC (limit)", -0.95, 512),
            ("AGREES (limit)", -1.0, 2048),
            ("PRE-ASYMPTOTIC (limit)", -1.15, 512),
        )
    ):
        rng = np.random.default_rng([31, number])
        count, outcome = 0, word.removeprefix("false ").split(" ")[0]
        for _ in range(trials):
            values = draw(rng, squared(8), R, GRID.size, Dependence.RUN) * GRID**exponent
            count += judge_limit(values, GRID, -1.0, subject="", axis="T").outcome == outcome
        rows.append(said(word, f"true exponent {exponent:g}, limit -1, margin .05", R, trials, 0.05, count))
    return rows


def controls(trials: int) -> list[Row]:
    """DISAGREES of a truth 20% off; a fault that is none: how often it is DETECTED, and MISSED."""
    rng, setting = np.random.default_rng(32), f"8 cells, {squared(8)[0]}, {Dependence.RUN}"
    off = false = missed = 0
    for _ in range(trials):
        values = draw(rng, squared(8), 4096, 8, Dependence.RUN)
        off += judge_identity(values[:1024], np.full(8, 0.8), subject="").outcome is Outcome.DISAGREES
        false += judge_control(values[:1024], np.ones(8), subject="").outcome is Outcome.DETECTED
        missed += judge_control(values, np.ones(8), subject="").outcome is Outcome.MISSED
    return [
        said("DISAGREES (identity)", f"{setting}, 20% off", 1024, trials, 0.05, off),
        said("false DETECTED", f"{setting}, the method itself", 1024, trials, 0.05, false),
        said("MISSED", f"{setting}, the method itself", 4096, trials, 0.05, missed),
    ]


COUNTED = np.exp2(np.arange(0, 61) / 6)
EPS = (0.2, 0.1, 0.05, 0.025, 0.0125)


def counted(values: Floats, claimed: float) -> Outcome | None:
    """What is said of the growth of counts in 1/eps, five targets, against a claimed exponent; None: nothing."""
    found = first_passages(values, COUNTED, EPS)
    good = [(p, 1 / eps) for p, eps in zip(found, EPS, strict=True) if np.isfinite(p.leaves).all()]
    if len(good) < 4:
        return None

    def grown(some: Sequence[tuple[object, float]]) -> object:
        at = [math.exp(p.smooth) / u**claimed for p, u in some]  # type: ignore[attr-defined]
        leaves = [p.leaves - claimed * math.log(u) for p, u in some]  # type: ignore[attr-defined]
        return growth(at, leaves, good[0][0].sizes, [u for _, u in some])

    draft = dataclasses.replace(undecided("count", "", len(values), axis="eps"), claim_slope=claimed)
    gap, end = grown(good), grown(good[-3:])
    return judge_growth(draft, gap, end, "the claim").outcome  # type: ignore[arg-type]


def grown(trials: int) -> list[Row]:
    """Counts that grow like 1/eps against claimed exponents: PRE-ASYMPTOTIC on the edge, and all words well inside."""
    rows = []
    for number, (word, off, R, nominal) in enumerate(
        (
            ("false PRE-ASYMPTOTIC (counts)", 0.05, 128, 0.025),
            ("TIGHT (counts)", 0.0, 8192, 0.05),
            ("LOOSE (counts)", -0.3, 1024, 0.05),
            ("PRE-ASYMPTOTIC (counts)", 0.3, 1024, 0.05),
        )
    ):
        rng = np.random.default_rng([33, number])
        count, asked = 0, trials if R < 8000 else max(trials // 4, 20)
        outcome = word.removeprefix("false ").split(" ")[0]
        for _ in range(asked):
            values = draw(rng, squared(8), R, COUNTED.size, Dependence.RUN) * 2 / COUNTED
            count += counted(values, 1 - off) == outcome
        rows.append(said(word, f"true exponent of counts / claim {off:+g}, margin .05", R, asked, nominal, count))
    return rows


ALPHAS = np.array([0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0])
PLACES = np.array([(n, kT) for n in (20, 80, 320) for kT in (512, 2048, 8192)], dtype=np.float64)


def best_exponent(rng: np.random.Generator, R: int, claimed: float) -> Outcome:
    """What is said of the exponent in n of the best value 2 (n/kT)^(1/2) of a/x + x/a at nine places."""
    best = [
        minimiser(draw(rng, squared(4), R, ALPHAS.size, Dependence.COMMON) * (ALPHAS / at + at / ALPHAS) / 2, ALPHAS)
        for at in 2 * np.sqrt(PLACES[:, 0] / PLACES[:, 1])
    ]
    inner = [p for p, one in enumerate(best) if math.isfinite(one.vertex)]
    fit = fit_exponents([best[p].vertex for p in inner], [best[p].leaves for p in inner], best[0].sizes, PLACES[inner])
    draft = dataclasses.replace(undecided("minimiser", "", R, axis="n"), claim_slope=claimed)
    return judge_best_exponent(draft, fit, 0, PLACES[inner][:, 0]).outcome


def bests(trials: int) -> list[Row]:
    """Exponents of best values on the edge of the margin and well inside; conditions, of every setting and of some."""
    rows = []
    for number, (word, claimed, R) in enumerate(
        (
            ("false AGREES (best value)", 0.55, 256),
            ("false DISAGREES (best value)", 0.45, 256),
            ("AGREES (best value)", 0.5, 2048),
            ("DISAGREES (best value)", 0.8, 512),
        )
    ):
        rng = np.random.default_rng([34, number])
        count = sum(best_exponent(rng, R, claimed) == word.removeprefix("false ").split(" ")[0] for _ in range(trials))
        rows.append(said(word, f"true exponent .5, claimed {claimed:g}, margin .05", R, trials, 0.05, count))
    shapes = {
        "the two largest alike": np.array([2.0, 1.2, 1.0, 1.0]),
        "the largest beaten": np.array([1.2, 1.0, 1.5, 2.5]),
        "the largest best": np.array([2.5, 2.0, 1.5, 1.0]),
    }
    for number, (outcome, shape, everywhere) in enumerate(
        (
            ("false AGREES", "the two largest alike", False),
            ("AGREES", "the largest beaten", True),
            ("DISAGREES", "the largest best", True),
            ("AGREES", "the largest beaten", False),
        )
    ):
        rng = np.random.default_rng([35, number])
        count = 0
        for _ in range(4 * trials):
            lines = [
                minimiser(
                    draw(rng, squared(4), 128, 4, Dependence.COMMON) * shapes[shape], [0.25, 0.5, 0.75, 1]
                ).p_least
                for _ in range(3)
            ]
            draft = undecided("minimiser", "", 128)
            found = judge_condition(draft, "", lines, everywhere=everywhere)
            count += found.outcome == outcome.removeprefix("false ")
        about = f"3 lines, {shape}; stated of {'every' if everywhere else 'some'} setting"
        rows.append(said(f"{outcome} (condition)", about, 128, 4 * trials, 0.05, count))
    return rows


def exceeded(trials: int) -> list[Row]:
    """A limit that 1 in 20 may exceed, in 8 cells of an exponential law: where one cell, or all, are exceeded as often;
    where all are exceeded five times less often; where one is three times as often."""
    rows, share = [], 0.05
    for number, (word, others, one, R) in enumerate(
        (
            ("false HOLDS (quantile)", 0.001, share, 512),
            ("false VIOLATED (quantile)", share, share, 512),
            ("HOLDS (quantile)", share / 5, share / 5, 512),
            ("VIOLATED (quantile)", share, 3 * share, 512),
        )
    ):
        rng = np.random.default_rng([37, number])
        limit = -np.log(np.where(np.arange(8) == 3, one, others))
        count, outcome = 0, word.removeprefix("false ").split(" ")[0]
        for _ in range(trials):
            values = draw(rng, squared(2), R, 8, Dependence.RUN)
            count += judge_exceedance(values, limit, np.full(8, np.inf), share, "", None).outcome == outcome
        about = (
            f"8 cells, |z|^2, d = 2, checkpoints of one run, one exceeded with probability {one:g}, others {others:g}"
        )
        rows.append(said(word, about, R, trials, 0.05, count))
    return rows


def unseen(trials: int) -> list[Row]:
    """A law of mean 1 of which .9 is carried, from the middle of the axis on, by events of probability 1/40 that touch
    all points of a replicate: 32 replicates that miss them see a mean that falls tenfold. No word may be said."""
    rng = np.random.default_rng(36)
    R, words = 32, {"rate": 0, "exponent": 0, "limit": 0, "identity": 0, "counts": 0}
    rises = GRID[GRID.size // 2 - 1] < GRID
    late = COUNTED > 32
    for _ in range(trials):
        happens = (rng.random(R) < 1 / 40)[:, None]
        noise = 1 + 0.02 * rng.standard_normal((R, GRID.size))
        values = noise * np.where(rises, 0.1 + 36 * happens, 1.0) / GRID
        about = {"subject": "", "axis": "T"}
        found = {
            "rate": judge_rate(values, GRID, 1 / GRID, 1 / GRID, None, quantity="optimization", **about).outcome,
            "exponent": judge_exponent(values, GRID, 1 / GRID, **about).outcome,
            "limit": judge_limit(values, GRID, -1.0, **about).outcome,
            "identity": judge_identity(values, 1 / GRID, subject="").outcome,
            "counts": counted(
                (1 + 0.02 * rng.standard_normal((R, COUNTED.size)))
                * np.where(late, 0.1 + 36 * happens, 1)
                * 2
                / COUNTED,
                1.0,
            ),
        }
        for name, outcome in found.items():
            words[name] += outcome in ASSERTIONS
    setting = "nine tenths of the late means carried by 1 in 40, range not known"
    return [said(f"false word ({name})", setting, R, trials, 0.05, count) for name, count in words.items()]
