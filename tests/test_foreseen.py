"""What a plan can decide before it runs, and the replicates that are added before a verdict is read."""

from __future__ import annotations

import collections
import dataclasses
import functools
import math

import numpy as np
import pytest

import riskkit
from problems import Logistic, MeanEstimation, SinePerturbedQuadratic
from riskkit import SGD, Constant, GradientsTo, InverseTime, per_octave
from riskkit.execution import growing
from riskkit.execution.tasks import Request
from riskkit.experiment import Exact, Experiment, Grid, Paired, Size, study
from riskkit.judges.rate import END_MARGIN, window_end
from riskkit.stats.columns import Columns
from riskkit.stats.first_passage import growth
from riskkit.stats.slopes import MARGIN, fit_rate
from riskkit.theory.field import hardt2016
from riskkit.theory.zhou2021 import slrla
from riskkit.verdicts import deciding, foreseen_means
from riskkit.verdicts.foreseen import foreseen
from riskkit.verdicts.foreseen_means import outlooks
from riskkit.verdicts.widths import SHARE, replicates_for_growth, replicates_for_level, replicates_for_widths

X = 2.0 ** np.arange(8)


def sgd(point, eta):
    return SGD(point.T, Constant(eta))


def errors(R, seed):
    return (np.random.default_rng(seed).standard_normal((R, len(X), 4)) ** 2).mean(-1) / X


def test_the_replicates_that_are_added_reach_the_declared_widths():
    """From the variances of 128 replicates: over 20 samples the half widths come out at the declared ones or less, on
    average, to within 15%, and half of the replicates do not reach them."""
    wide, few = [], []
    for seed in range(20):
        needed = math.ceil(replicates_for_widths(errors(128, seed), X))
        for R, widths in ((needed, wide), (needed // 2, few)):
            values = errors(R, 1000 + seed)
            end = window_end(len(X))
            parts = ((fit_rate(values, X), MARGIN), (fit_rate(values[:, end:], X[end:]), END_MARGIN * MARGIN))
            halves = [(fit.interval(0.90)[1] - fit.interval(0.90)[0]) / 2 / (SHARE * margin) for fit, margin in parts]
            widths.append(max(halves))
    assert np.mean(wide) < 1.15
    assert np.mean(few) > 1.2


def test_a_mean_that_may_be_negative_needs_more_than_any_number():
    assert replicates_for_widths(errors(64, 0) - errors(64, 1), X) == math.inf


@pytest.mark.parametrize("needed", [128, 4096])
def test_replicates_are_added_once_and_the_first_ones_stay(monkeypatch, needed):
    request = Request(str(study.folder()), "theorem2_ridge", replicates=128)
    beyond = collections.Counter({"rate": 2, "level": 1})
    monkeypatch.setattr(growing, "replicates_to_decide", lambda pilot, replicates, budget: (needed, beyond))
    assert growing.pilot(request) == request._replace(replicates=32)
    more, told = growing.enough(None, request, 4096)
    assert more == (None if needed == 128 else request._replace(replicates=needed))
    assert "more than 4096 would be needed by 2 rates, 1 level" in told[0]
    monkeypatch.undo()
    more, told = growing.enough(planted(1.0, replicates=4), request, 4096)
    assert more is None
    assert "has 4 replicates, and variances need 8" in told[0]


@functools.cache
def measured(replicates):
    experiment = Experiment(
        question="Which replicates do planted variances take?",
        problem=Logistic(dim=2, radius=2.0),
        algorithms={name: functools.partial(sgd, eta=eta) for name, eta in (("long", 0.5), ("short", 0.02))},
        bounds=(hardt2016.CONVEX_GENERALIZATION,),
        readings=(
            Exact("optimization", "last", lambda at: 1 / at.rounds, ("long",)),
            Paired("long", ("short",), of=(("optimization", "last"),)),
        ),
        sizes={"laptop": Size(Grid("T", n=20, T=(4, 8, 16, 32)), replicates=replicates)},
    )
    return riskkit.run(experiment, progress=False).data


def planted(scale, replicates=1024):
    """In place of what was measured: optimization errors of mean 1/T, generalization errors of mean .01, with normal
    noise of ``scale`` times 10% of the mean, independent from cell to cell."""
    data = dataclasses.replace(measured(replicates))
    noise = np.random.default_rng(0).standard_normal((replicates, 2, len(data.plan.cells)))
    place = {cell: p for p, cell in enumerate(data.plan.cells)}

    def values(cells, quantity, output):
        del output
        of = noise[:, int(quantity == "optimization"), [place[cell] for cell in cells]]
        mean = [1 / cell.point["T"] if quantity == "optimization" else 0.01 for cell in cells]
        return Columns.of(np.array(mean) * (1 + 0.1 * scale * of))

    object.__setattr__(data, "values", values)
    return data


def test_every_kind_of_line_takes_the_replicates_of_its_declared_width():
    """Of normal noise of 10% of the mean. A ratio of independent means has the standard error sqrt(2) 10%/sqrt(R); a
    band of four cells the critical value 2.50; a slope that of least squares. Half of the spread takes a quarter."""
    found, less = (deciding.needed(planted(scale)) for scale in (1.0, 0.5))
    kinds = {kind: [one.replicates for one in found if one.kind == kind] for kind in {one.kind for one in found}}
    assert {kind: len(of) for kind, of in kinds.items()} == {
        "rate": 2,
        "exponent": 1,
        "level": 2,
        "exact value": 1,
        "comparison": 4,
    }
    (exact,), ratios = kinds["exact value"], kinds["comparison"]
    assert exact == pytest.approx((2.50 * 0.1 / 0.025) ** 2, rel=0.15)
    assert np.mean(ratios) == pytest.approx((1.96 * math.sqrt(2) * 0.1 / 0.025) ** 2, rel=0.1)
    slope = 0.1 / math.sqrt(float(np.sum((np.log(X[:4]) - np.log(X[:4]).mean()) ** 2)))
    assert kinds["exponent"] == pytest.approx([(1.645 * slope / 0.025) ** 2], rel=0.15)
    assert all(level < 1 for level in kinds["level"])  # bounds lie far above .01, and the range is known
    for one, other in zip(found, less, strict=True):
        assert other.kind == one.kind
        assert other.replicates == pytest.approx(one.replicates / 4, rel=0.1)


def test_lines_beyond_the_budget_have_no_say():
    pilot = planted(1.0)
    most = {one.kind: one.replicates for one in deciding.needed(pilot)}
    assert most["comparison"] > most["exact value"] > most["exponent"]
    number, beyond = deciding.replicates_to_decide(pilot, 64, 10**6)
    assert number == math.ceil(max(one.replicates for one in deciding.needed(pilot)))
    assert not beyond
    number, beyond = deciding.replicates_to_decide(pilot, 64, math.ceil(most["exact value"]))
    assert number == math.ceil(most["exact value"])
    assert beyond == {"comparison": 4}


def test_a_level_takes_a_band_of_half_its_bound_and_shows_what_is_rare():
    values = 5 + np.random.default_rng(0).standard_normal((1024, 3))
    limit = np.array([10.0, 1.0, 0.1])
    needed = replicates_for_level(values, limit, ranged=True)
    assert needed == pytest.approx((2.39 / 0.05) ** 2, rel=0.1)  # the tightest of three cells
    assert replicates_for_level(values + 100, limit, ranged=True) == pytest.approx(needed)  # the mean is not read
    assert replicates_for_level(values, 1000 * limit, ranged=False) == 119
    assert replicates_for_level(values[:1], limit, ranged=True) == math.inf
    values[0, 0] = np.nan
    assert replicates_for_level(values, limit, ranged=True) == math.inf


def counting(problem):
    return Experiment(
        question="How many gradients?",
        problem=problem,
        algorithms={"SGD": lambda p: SGD(p.gradients, InverseTime(1.0, 4))},
        read=per_octave(2),
        readings=(GradientsTo(eps=(0.4, 0.2, 0.1, 0.05), counts=slrla.GRADIENTS),),
        sizes={"laptop": Size(Grid(n=20, gradients=256), replicates=64)},
    )


def test_counts_take_replicates_unless_they_are_exact():
    """Half widths of one margin, where half of it is declared, take four times the replicates; a point without a slope
    more than any number."""
    gap = growth([1.0, 2.0, 4.0], [np.array([-0.1, 0.1]) * q for q in range(3)], np.array([1, 1]), [1.0, 2.0, 4.0])
    half = (gap.narrow_high - gap.narrow_low) / 2
    assert replicates_for_growth([(gap, half), (gap, 2 * half)], 64) == pytest.approx(4 * 64)
    assert replicates_for_growth([(gap._replace(narrow_low=math.nan), half)], 64) == math.inf
    noisy = riskkit.run(counting(SinePerturbedQuadratic(dim=2, c=1.05)), progress=False).data
    wanted = [one.replicates for one in deciding.needed(noisy) if one.kind == "count"]
    assert wanted
    assert wanted == [one.replicates for one in outlooks(noisy.plan, noisy) if one.kind == "count"]
    exact = riskkit.run(counting(MeanEstimation(dim=2, lam=1.0)), progress=False).data
    assert [one for one in outlooks(exact.plan, exact) if one.kind == "count"]
    assert not deciding.needed(exact)


def test_a_bound_that_reads_means_along_the_path_waits_for_them():
    found = foreseen(Request(str(study.folder()), "lookahead_stability").plan())
    assert {one.word for one in found} == {"unknown"}


def test_levels_are_foreseen_from_the_bounds_alone():
    """A bound above the range of the loss in every cell, one without a proof, and expectations; the rest waits."""

    def of(name, **axes):
        made = Request(str(study.folder()), name, axes=tuple(axes.items())).plan()
        return {one.key: one.word for one in outlooks(made)}

    passes = of("sgd_passes")
    assert passes["koren2022.one shuffle.optimization.average", "SGD, one shuffle", "published"] == "vacuous"
    assert passes["koren2022.one shuffle.optimization.average", "SGD, one shuffle", "proved"] == "unknown"
    assert of("theorem1_attained_optimization")["theorem1.optimization.last", "Lookahead", "proved"] == "not covered"
    exact = of("theorem2_exponents", T=(64, 128), alpha=(0.5,))
    assert exact["theorem2.optimization.last", "Lookahead", "proved"] == "decided"
    assert exact["exact optimization.last", "Lookahead"] == "decided"


def test_what_variances_decide_of_levels_counts_and_comparisons_comes_true():
    """From 128 replicates of a small experiment whose means stand far below their bounds and far apart."""
    experiment = Experiment(
        question="Is one step better than another?",
        problem=Logistic(dim=2, radius=2.0),
        algorithms={name: functools.partial(sgd, eta=eta) for name, eta in (("long", 0.5), ("short", 0.02))},
        bounds=(hardt2016.CONVEX_GENERALIZATION,),
        readings=(Paired("long", ("short",), of=(("optimization", "last"),)),),
        sizes={"laptop": Size(Grid("T", n=20, T=(16, 64)), replicates=128)},
    )
    result = riskkit.run(experiment, progress=False)
    found = {one.key: one for one in outlooks(result.data.plan, result.data)}
    level = found["hardt2016.convex.generalization.last", "long", "published"]
    (said,) = [f for f in result.verdicts if (f.algorithm, f.form) == ("long", "published")]
    assert (level.word, str(said.verdict.outcome)) == ("decided", "HOLDS")
    pair = found["long", "short", "optimization", "last"]
    assert pair.cells == 2
    widths = [(c.high - c.low) / 2 / c.ratio for c in result.comparisons]
    assert pair.replicates == pytest.approx(128 * (max(widths) / (SHARE * MARGIN)) ** 2)
    # A quarter of the variance takes a quarter of the replicates.
    values = errors(256, 0)
    limit = 1.2 * values.mean(axis=0)
    needed = foreseen_means._for_level(values, limit, True)
    shrunk = values.mean(axis=0) + (values - values.mean(axis=0)) / 2
    assert foreseen_means._for_level(shrunk, limit, True) == pytest.approx(needed / 4)
    assert foreseen_means._for_level(values, limit / 2, False) >= 119


def test_what_no_replicates_decide_is_foreseen():
    """Bounds that say something at too few points; an explicit bound that still moves against the claim; a claim that
    does not decrease. The rest is a matter of variances, which are not known."""

    def of(name, alpha):
        return foreseen(Request(str(study.folder()), name, axes=(("alpha", alpha),)).plan())

    ridge = of("theorem2_ridge", (0.25, 1.0))
    words = {(one.line.bound.quantity, one.line.axis, one.line.where.get("alpha")): one.word for one in ridge}
    assert words["excess", "T", 0.25] == "transient"
    assert words["optimization", "T", 1.0] == "unknown"
    law = of("theorem1_power_law", (0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0))
    (short,) = [one for one in law if one.line.where["n"] == 80 and one.line.where["T"] == 1024]
    assert short.word == "few points"
    assert short.points == 2
    warped = foreseen(Request(str(study.folder()), "theorem3_exponents").plan())
    assert {one.word for one in warped if one.line.where["alpha"] <= 0.5} == {"decided"}
