"""Hypotheses of bounds against the lines of their proofs, in both directions: what is covered, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from riskkit import SGD, SLRLA, At, Constant, InverseTime, Lookahead, Stage, WeightedSGD, simulate
from riskkit.problem import Regime
from riskkit.problems import AnisotropicMean, MeanEstimation, Ridge, WarpedMean
from riskkit.theory import sgd_averaging
from riskkit.theory.bound import total
from riskkit.theory.zhou2021 import convex, polyak_lojasiewicz, slrla, strongly_convex

LONG = Constant(1.5)
"""Longer than 1/L = 1, up to which the gradients of MeanEstimation are bounded on the set that iterates reach."""


@dataclasses.dataclass(frozen=True)
class Rising:
    """eta_j = (j + 1)/4."""

    def sizes(self, T, k):
        return np.arange(1, T * k + 1) / 4


def test_theorem_1_bounds_the_optimization_error_at_any_constant_step():
    """Its proof needs convexity and the mean of E||g_j||^2 alone: with the path moment it holds at eta = 1.5 > 1/L."""
    problem, algorithm = MeanEstimation(dim=3), Lookahead(20, 3, 0.5, LONG)
    assert convex.OPTIMIZATION_AVERAGE.excludes(problem, algorithm) is None
    m = simulate(problem, algorithm, n=30, replicates=2000, seed=3, rounds=[20])
    moment, D2 = m.at("path_moment", T=20).mean(), m.dataset["start_distance"].mean()
    at = At(problem, algorithm, 30, np.array([20]), D2=D2, path_moment=np.array([moment]))
    (bound,) = total(convex.OPTIMIZATION_AVERAGE.evaluate("proved", at), at, "")
    assert 0 < m.at("optimization", T=20, output="average").mean() < bound < math.inf
    unmeasured = dataclasses.replace(at, path_moment=math.nan)  # G, a bound on a set that is left, does not stand in
    assert np.isinf(total(convex.OPTIMIZATION_AVERAGE.evaluate("proved", unmeasured), at, "")).all()


@pytest.mark.parametrize(
    "bound",
    [convex.GENERALIZATION_LAST, convex.EXCESS_AVERAGE, slrla.GENERALIZATION_LAST, slrla.STABILITY_LAST],
    ids=lambda bound: bound.name,
)
def test_stability_needs_a_gradient_bound_where_the_iterates_are(bound):
    """AnisotropicMean: 2/(L + lam) = 1.8 lets a step contract, but G holds up to 1/L = 1 only."""
    problem = AnisotropicMean((1.0, 0.1))
    assert bound.excludes(problem, SGD(10, Constant(1.0))) is None
    assert "for which its constants hold" in bound.excludes(problem, SGD(10, Constant(1.4)))


def test_a_step_that_rises_is_judged_by_its_longest():
    problem = AnisotropicMean((1.0, 0.1))
    assert slrla.STABILITY_LAST.excludes(problem, SGD(4, Rising())) is None
    assert slrla.STABILITY_LAST.excludes(problem, SGD(8, Rising())) is not None


def test_a_later_stage_and_its_regularizer_count():
    """A stage's step is a mixture of its anchor and a step eta/(1 - eta beta) on the loss."""
    problem = AnisotropicMean((1.0, 0.1))

    def plan(eta, beta):
        return SLRLA([Stage(2, 2, 0.5, Constant(s), b) for s, b in ((0.1, 0.0), (eta, beta))])

    assert slrla.STABILITY_LAST.excludes(problem, plan(0.8, 0.2)) is None
    assert slrla.STABILITY_LAST.excludes(problem, plan(0.8, 0.3)) is not None
    assert slrla.STABILITY_LAST.excludes(problem, plan(1.2, 0.0)) is not None


def test_on_a_ball_the_schedules_proof_asks_nothing_of_eta_beta():
    """G + beta diam bounds the gradients of F_q on Theta, which the projection keeps."""
    problem = Ridge(dim=3, lam=1.0)
    assert problem.radius is not None
    plan = SLRLA([Stage(4, 5, 0.5, Constant(12.0), 0.1, "average")])
    assert slrla.optimization_excluded(problem, plan) is None
    bare = AnisotropicMean((1.0, 0.1))
    assert "constants hold" in slrla.optimization_excluded(bare, plan)


@dataclasses.dataclass(frozen=True)
class Uncertain(MeanEstimation):
    """Said to be PL only: nothing is known of the convexity of its losses, while that of F_S is."""

    @property
    def regime(self):
        return Regime.PL


def test_convexity_of_the_empirical_risk_is_none_of_the_losses():
    """Stability contracts where every l(.; z) is convex; rho = 0 says it of F_S alone."""
    algorithm, rounds = SGD(20, Constant(0.1)), np.array([20])
    convex_losses, other = (
        slrla.STABILITY_LAST.evaluate("proved", At(problem, algorithm, 50, rounds))[0]
        for problem in (MeanEstimation(dim=2), Uncertain(dim=2))
    )
    assert convex_losses < 20 * 2 * 0.1 * 2 / 50
    assert other > 20 * 2 * 0.1 * 2 / 50  # no step contracts: factor 1 + eta L


def test_theorem_3s_stability_asks_nothing_of_the_steps_constant():
    """delta <- (1 + (1-1/n) L eta_j) delta + 2 G eta_j/n does not read mu; the optimization error's proof does."""
    problem = WarpedMean(dim=2, spread=0.5, initial=0.25)
    shorter = Lookahead(8, 2, 0.5, InverseTime(2.0, 20.0))  # mu = 1
    assert polyak_lojasiewicz.STABILITY.excludes(problem, shorter) is None
    assert "lam <= 1" in polyak_lojasiewicz.OPTIMIZATION.excludes(problem, shorter)
    at = At(problem, shorter, 40, np.array([8]))
    delta, L, G = 0.0, problem.constants.L, problem.constants.G
    for t in range(8):
        fast = delta
        for j in (2 * t, 2 * t + 1):
            eta = 1 / (2 * (j + 20))
            fast = (1 + (1 - 1 / 40) * L * eta) * fast + 2 * G * eta / 40
        delta = 0.5 * delta + 0.5 * fast
    assert total(polyak_lojasiewicz.STABILITY.evaluate("proved", at), at, "")[0] == pytest.approx(delta, rel=1e-12)


def test_the_weighted_average_covers_a_step_with_a_smaller_lam():
    problem = MeanEstimation(dim=2)  # lam = 1

    def run(lam):
        return WeightedSGD(16, InverseTime(lam / 2, 4.0 / lam))

    assert sgd_averaging.excluded(problem, run(1.0)) is None
    assert sgd_averaging.excluded(problem, run(0.5)) is None
    assert "lam <= 1" in sgd_averaging.excluded(problem, run(2.0))
    step = run(0.5).step_sizes  # W = 16 (8 + 7.5), lam j0 (j0 - 2)/4 = 6, both with the step's lam = .5
    bound = sgd_averaging.optimization(problem.constants, step, 16, 1.0)
    assert bound == pytest.approx((6 * 1.0 + 16 * problem.constants.G**2 / 0.5) / (16 * 15.5), rel=1e-14)
    assert sgd_averaging.gradients(problem.constants, step, bound, 1.0) == 16


def test_theorem_2_asks_for_losses_that_are_strongly_convex_where_stability_contracts():
    problem, step = AnisotropicMean((1.0, 0.5)), InverseTime(0.5, 2.0)
    run = Lookahead(4, 2, 0.5, step)
    for bound in (strongly_convex.OPTIMIZATION, strongly_convex.GENERALIZATION):
        assert bound.excludes(problem, run) is None
    ridge = Ridge(dim=3, lam=0.5)
    assert "j0 >= 1" in strongly_convex.OPTIMIZATION.excludes(ridge, Lookahead(4, 2, 0.5, InverseTime(0.5, 0.9)))
    assert strongly_convex.OPTIMIZATION.excludes(ridge, run) is None
    assert strongly_convex.GENERALIZATION.excludes(ridge, run) is None  # eta_0 = 1 = 2/(1.5 + .5)
    longer = Lookahead(4, 2, 0.5, InverseTime(0.25, 2.0))
    assert "2/(L + lam)" in strongly_convex.GENERALIZATION.excludes(ridge, longer)
