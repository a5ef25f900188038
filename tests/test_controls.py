"""Control variates: no bias at any number of replicates, the variance they save, and never a loss that counts."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from problems import (
    AbsoluteLocation,
    ConcaveOnBall,
    Logistic,
    MeanEstimation,
    SinePerturbedQuadratic,
    WarpedMean,
)
from riskkit import SGD, Constant, InverseTime, Lookahead, Stream, simulate
from riskkit.measure import expectations, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.quantities import FOLLOWED, followed
from riskkit.stats.controls import FOLDS, LEAST, affordable, regressed
from riskkit.stats.jackknife import leave_out
from riskkit.verdicts.estimates import controls_of, estimate

SETTINGS = [(0.1, 8, 100.0), (0.1, 64, 30.0), (0.25, 64, 3.0), (1.0, 64, 0.95)]
"""alpha, T, and the least gain over the control at theta* alone, which does nothing where theta* = 0 is the mean."""


def estimates(problem, alpha, T, replicates, seed=1):
    """Generalization errors with the control at theta* alone, and regressed."""
    found = simulate(problem, Lookahead(T, 5, alpha, InverseTime(1.0, 20)), 50, replicates, seed)
    plain = (found.generalization - found.dataset["control"])[:, None]
    controls = np.column_stack([found.dataset["control"], found.dataset["control_start"]])
    return plain, regressed(plain, controls)


@pytest.mark.parametrize(("alpha", "T", "least"), SETTINGS)
def test_the_mean_stays_and_the_variance_falls(alpha, T, least):
    """Mean estimation, whose generalization error is known exactly: within 4.5 standard errors of 1,024 replicates (a
    false alarm once in 30,000 seeds)."""
    plain, better = estimates(MeanEstimation(4), alpha, T, 1024)
    exact = expectations(MeanEstimation(4), Lookahead(T, 5, alpha, InverseTime(1.0, 20)), 50, [T])["generalization"]
    assert abs(better.mean() - exact[0, 0]) < 4.5 * better.std() / 32
    assert plain.var() / better.var() > least


def test_a_nonconvex_problem_gains_too():
    plain, better = estimates(WarpedMean(dim=2, spread=0.1, initial=0.1), 0.1, 8, 512)
    assert plain.var() / better.var() > 10


def test_coefficients_come_from_other_replicates():
    """With controls that say nothing, 400 samples of 64 replicates: the mean is off by no more than 4.5 standard
    errors, though the noise is skewed and depends on the controls' squares (a fit to all replicates would be biased);
    the variance of the mean grows by 5% at most; and its estimate is right within 10%."""
    rng = np.random.default_rng(5)
    means, variances, before = [], [], []
    for _ in range(400):
        x = rng.normal(size=(LEAST, 2))
        y = (x[:, :1] ** 2 - 1) * rng.exponential(size=(LEAST, 1)) + rng.exponential(size=(LEAST, 1)) - 1
        better = regressed(y, x)
        means.append(better.mean())
        variances.append(better.var(ddof=1) / LEAST)
        before.append(y.mean())
    means = np.array(means)
    assert abs(means.mean()) < 4.5 * means.std() / 20
    assert means.var() < 1.15 * np.var(before)  # .05, and the error of both variances
    assert np.mean(variances) == pytest.approx(means.var(), rel=0.25)


def cross_fitted(y, x, kept):
    """The mean over the replicates ``kept`` of y less its regression on x, each fold with the others' coefficients."""
    total, edges = 0.0, np.linspace(0, len(y), FOLDS + 1).astype(int)
    for a, b in itertools.pairwise(edges.tolist()):
        fit = [r for r in kept if not a <= r < b]
        own = [r for r in kept if a <= r < b]
        design = np.column_stack([np.ones(len(fit)), x[fit]])
        coefficients = np.linalg.lstsq(design, y[fit], rcond=None)[0][1:]
        total = total + (y[own] - x[own] @ coefficients).sum(axis=0)
    return total / len(kept)


def test_the_jackknife_refits_the_coefficients():
    """Leave-one-out means of what is returned, against fits without the replicate: equal but for their mean, so that
    every standard error by the jackknife is the one that refits."""
    rng = np.random.default_rng(3)
    R = LEAST + 11  # folds of several sizes
    x = rng.normal(size=(R, 3)) ** 3
    y = np.column_stack([x[:, 0] * rng.exponential(size=R), rng.exponential(size=R)])
    found = regressed(y, x)
    refitted = np.array([cross_fitted(y, x, [r for r in range(R) if r != out]) for out in range(R)])
    assert found.mean(axis=0) == pytest.approx(cross_fitted(y, x, range(R)), rel=1e-12)
    partial = leave_out(found).partial
    assert np.allclose(partial - partial.mean(axis=0), refitted - refitted.mean(axis=0), rtol=1e-9, atol=1e-14)


def test_no_more_controls_are_fitted_than_may_cost_a_twentieth():
    """C/(m - C - 2), m being the replicates of the other folds; the first are taken, and constant ones are none."""
    for R in (64, 65, 75, 100, 128, 1024):
        m = R - -(-R // FOLDS)
        most = affordable(R)
        assert most / (m - most - 2) <= 0.05 < (most + 1) / (m - most - 3)
    assert affordable(LEAST) == 2
    assert affordable(LEAST - 1) == 0
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(LEAST, 4)), rng.normal(size=(LEAST, 1))
    x[:, 1] = 7.0
    assert np.allclose(regressed(y, x), regressed(y, x[:, [0, 2]]), rtol=1e-12)
    assert not np.allclose(regressed(y, x), regressed(y, x[:, [0, 3]]), rtol=1e-12)


def test_columns_with_controls_of_their_own_are_regressed_as_each_alone():
    """To the last bit: some of the controls say nothing, so that columns differ in how many are fitted."""
    rng = np.random.default_rng(8)
    values, controls = rng.exponential(size=(128, 6)), rng.normal(size=(6, 128, 3))
    controls[1, :, 0] = 5.0
    controls[3] = 0.0
    controls[4, 7, 2] = np.inf
    found = regressed(values, controls)
    alone = [regressed(values[:, [p]], controls[p])[:, 0] for p in range(6)]
    assert np.array_equal(found, np.stack(alone, axis=1))
    assert np.array_equal(found[:, 3:5], values[:, 3:5])
    assert not np.array_equal(found[:, 1], values[:, 1])


def test_what_cannot_be_regressed_stays_as_it_is():
    y = np.arange(8.0)[:, None]
    assert np.array_equal(regressed(y, np.ones((8, 2))), y)
    rng = np.random.default_rng(6)
    values, rounding = rng.exponential(size=(128, 1)), 1e-17 * rng.integers(3, 5, size=(128, 1))
    assert np.array_equal(regressed(values, rounding), values)  # not of mean 0, and no control
    many = np.tile(y, (16, 1))
    assert np.array_equal(regressed(many, np.zeros((128, 2))), many)
    broken = np.full((128, 1), np.nan)
    both = regressed(np.hstack([many, broken]), np.random.default_rng(0).normal(size=(128, 2)))
    assert np.isfinite(both[:, 0]).all()
    assert np.isnan(both[:, 1]).all()
    with pytest.raises(ValueError, match="must be"):
        regressed(y, np.zeros((7, 2)))
    with pytest.raises(ValueError, match="must be"):
        regressed(y, np.zeros((8, 1, 2)))


def test_pairs_of_gradients_are_what_a_double_sum_says_and_have_mean_zero():
    """Logistic regression, 512 datasets: within 4.5 standard errors (a false alarm once in 150,000 seeds). Where the
    minimiser of F lies on the edge of Theta, or the loss has kinks, a gradient there need not vanish: no control."""
    problem = Logistic(dim=3, radius=4.0)
    stream = Stream(3, range(512))
    pair = Pair.of(problem, stream, problem.sample(stream, 20))
    found = GroundTruth.of(problem, pair).dataset()["control_pairs"]
    best = torch.as_tensor(problem.population_minimiser()).expand(20, 1, 3)
    gradients = problem.gradient(best, pair.data[7][:, None, :].double())[:, 0].numpy()
    products = gradients @ gradients.T
    assert found[7] == pytest.approx((products.sum() - np.trace(products)) / 20**2, rel=1e-12)
    assert abs(found.mean()) < 4.5 * found.std() / 512**0.5
    for other in (ConcaveOnBall(dim=4), AbsoluteLocation(dim=4)):
        pair = Pair.of(other, stream, other.sample(stream, 20))
        assert "control_pairs" not in GroundTruth.of(other, pair).dataset()


def beside(problem, algorithm, replicates=512, n=30):
    """A run's values at its end, the controls of its companion among them, output last."""
    at = np.array([algorithm.rounds])
    blocks = [
        measure_block(problem, n, [algorithm], [at], ["run"], seed=2, first=first)[0]
        for first in range(0, replicates, 256)
    ]
    return {name: np.concatenate([one.values[name][:, 0, 0] for one in blocks]) for name in blocks[0].values}


@pytest.mark.parametrize(
    "problem", [WarpedMean(dim=2, spread=0.5, initial=0.25), SinePerturbedQuadratic(dim=2, initial=0.2)]
)
def test_the_companions_controls_have_mean_zero_and_save_what_they_should(problem):
    """Mean 0 within 4.5 standard errors, four quantities (a false alarm once in 35,000 seeds); at alpha = 1 the
    optimization error's variance falls by a factor of 20 at least. A companion whose expectation is that of another
    dataset size, or whose draws are others, fails the one or the other."""
    values = beside(problem, Lookahead(100, 5, 1.0, InverseTime(problem.constants.mu, 20)))
    for quantity in FOLLOWED:
        control = values[followed(quantity)]
        assert control.std() > 0
        assert abs(control.mean()) < 4.5 * control.std(ddof=1) / 512**0.5
    plain = values["optimization"][:, None]
    better = regressed(plain, values[followed("optimization")][:, None])
    assert plain.var() / better.var() > 20
    assert abs(better.mean() - plain.mean()) < 4.5 * plain.std() / 512**0.5


def test_a_method_whose_moments_are_not_known_has_no_companion():
    """One index stream for all replicates: controls are nan, and estimates stay as measured."""
    algorithm = dataclasses.replace(SGD(50, InverseTime(1.0, 20)), sampling="one stream for all")
    values = beside(WarpedMean(dim=2, spread=0.5, initial=0.25), algorithm, 256)
    assert all(np.isnan(values[followed(quantity)]).all() for quantity in FOLLOWED)


def test_the_two_estimates_of_the_generalization_error_are_combined():
    """Absolute location, 1,024 replicates: less variance than either alone, with one neighbour of S and with 8; and the
    means with and without the replace-one estimate differ by no more than 4.5 standard errors of their difference (a
    false alarm once in 75,000 seeds). What is an expectation stays as it is."""
    problem, algorithm = AbsoluteLocation(dim=4), Lookahead(64, 5, 0.5, Constant(0.1))
    saved = []
    for neighbours in (1, 8):
        blocks = [
            measure_block(
                problem, 50, [algorithm], [np.array([64])], ["run"], seed=4, first=first, neighbours=neighbours
            )
            for first in range(0, 1024, 256)
        ]
        run = dataclasses.replace(
            blocks[0][0],
            values={name: np.concatenate([own.values[name] for (own,) in blocks]) for name in blocks[0][0].values},
            dataset={name: np.concatenate([own.dataset[name] for (own,) in blocks]) for name in blocks[0][0].dataset},
        )
        combined, direct = (estimate(run, 0, "generalization", "last", paired=paired) for paired in (True, False))
        assert combined.how == direct.how == "regressed"
        apart = np.asarray(combined.values) - np.asarray(direct.values)
        assert abs(apart.mean()) < 4.5 * apart.std(ddof=1) / 32
        alone = run.values["replace_one"][:, 0, 0].var()
        saved.append(min(float(direct.values.variance()[0]), alone) / float(combined.values.variance()[0]))
    assert saved[0] > 1.25
    assert saved[1] > 1.25
    assert list(controls_of(run, 0, "generalization", "last")) == ["control_start", "replace-one", "control"]
    constant = dataclasses.replace(run, engine="moments", values={"generalization": np.full((1024, 1, 2), 0.25)})
    assert estimate(constant, 0, "generalization", "last").values.constant
