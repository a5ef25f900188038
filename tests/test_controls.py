"""Control variates: no bias at any number of replicates, the variance they save, and never a loss that counts."""

from __future__ import annotations

import dataclasses

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
from riskkit import SGD, InverseTime, Lookahead, Stream, simulate
from riskkit.measure import expectations, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.quantities import FOLLOWED, followed
from riskkit.stats.controls import LEAST, regressed

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


def test_what_cannot_be_regressed_stays_as_it_is():
    y = np.arange(8.0)[:, None]
    assert np.array_equal(regressed(y, np.ones((8, 2))), y)
    many = np.tile(y, (16, 1))
    assert np.array_equal(regressed(many, np.zeros((128, 2))), many)
    broken = np.full((128, 1), np.nan)
    both = regressed(np.hstack([many, broken]), np.random.default_rng(0).normal(size=(128, 2)))
    assert np.isfinite(both[:, 0]).all()
    assert np.isnan(both[:, 1]).all()
    with pytest.raises(ValueError, match="must be"):
        regressed(y, np.zeros((7, 2)))


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
