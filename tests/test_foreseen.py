"""What a plan can decide before it runs, and the replicates that are added before a verdict is read."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import riskkit
from problems import Logistic
from riskkit import SGD, Constant
from riskkit.execution import loop
from riskkit.execution.tasks import Request
from riskkit.experiment import Experiment, Grid, Paired, Size, study
from riskkit.judges.rate import END_MARGIN, window_end
from riskkit.stats.slopes import MARGIN, fit_rate
from riskkit.theory.field import hardt2016
from riskkit.verdicts import foreseen_means
from riskkit.verdicts.foreseen import foreseen
from riskkit.verdicts.foreseen_means import outlooks
from riskkit.verdicts.widths import SHARE, replicates_for_widths

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
def test_replicates_are_added_once_and_the_first_ones_stay(monkeypatch, needed, capsys):
    request = Request(str(study.folder()), "theorem2_ridge", replicates=128)

    class Stored:
        replicates = 128

    monkeypatch.setattr(loop, "replicates_to_decide", lambda data, budget: (needed, 2))
    more = loop._enough(Stored(), request, 4096)
    assert more == (None if needed == 128 else request._replace(replicates=needed))
    assert "2 lines would need more than 4096" in capsys.readouterr().err


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
