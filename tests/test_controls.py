"""Control variates: no bias at any number of replicates, the variance they save, and never a loss that counts."""

from __future__ import annotations

import numpy as np
import pytest

from problems import MeanEstimation, WarpedMean
from riskkit import InverseTime, Lookahead, simulate
from riskkit.measure import expectations
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
