"""Comparisons of tuned algorithms: steps by exact moments, cells of several budgets, and what a comparison must say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import riskkit
from experiments._lookahead import contraction_matched_sgd
from experiments._tuning import exact_excess, least
from experiments.theorem2_tuned import tuned
from riskkit.algorithms import SGD, Constant, InverseTime, LinearDecay, Lookahead
from riskkit.experiment import Experiment, Grid, Own, Paired, Point, Size, Tuned
from riskkit.problems import AnisotropicMean, MeanEstimation


def test_linear_decay_by_hand():
    step = LinearDecay(0.4)
    np.testing.assert_allclose(step.sizes(2, 2), [0.4, 0.3, 0.2, 0.1], rtol=1e-15)
    assert step.first(2, 2) == 0.4
    np.testing.assert_allclose(step.scaled(0.5).sizes(2, 2), [0.2, 0.15, 0.1, 0.05], rtol=1e-15)
    with pytest.raises(ValueError, match="eta0"):
        LinearDecay(0.0)


def test_the_exact_excess_of_one_step_by_hand():
    """From theta_0 = (s, s), one step eta: theta_i = (1 - eta h_i) s + eta h_i z_i, with
    E z_i^2 = 1/2 over S and draws, and E F_S(theta*_S) = sum h_i (1 - 1/n)/4."""
    problem, eta, n = AnisotropicMean((1.0, 0.25)), 0.6, 8
    expected = 0.0
    for h, s in zip(problem.curvatures, problem.start, strict=True):
        expected += h / 2 * (((1 - eta * h) * s) ** 2 + (eta * h) ** 2 / 2 + 0.5) - h * (1 - 1 / n) / 4
    assert exact_excess(problem, SGD(1, Constant(eta)), n) == pytest.approx(expected, rel=1e-13)


def test_the_minimizer_is_found_where_it_is_known():
    assert least(lambda x: (np.log(x / 0.3)) ** 2, (0.01, 1.0)) == pytest.approx((0.3,), rel=2e-3)
    valley = least(lambda x, y: np.log(x * y) ** 2 + np.log(y / 2) ** 2, (0.01, 10.0), (0.1, 50.0))
    assert valley == pytest.approx((0.5, 2.0), rel=5e-3)
    assert least(lambda x: x, (0.01, 1.0)) == (0.01,)


def test_the_best_falling_step_of_an_isotropic_quadratic_is_one_over_lam_j():
    """eta_j = 1/(lam (j + j0)) is the running mean, which no linear estimate of one pass beats."""
    best = tuned(AnisotropicMean((1.0, 1.0)), 50, 1200, 1.0, "c/(j + j0)")
    assert isinstance(best.stages[0].step, InverseTime)
    assert best.stages[0].step.lam == pytest.approx(1, rel=1e-3)


def test_the_known_advantage_over_the_best_constant_step():
    """At lam = .1, kT = 1200, n = 200 the exact ratio is .879 (alpha = .1, k = 20)."""
    problem = AnisotropicMean((1.0, 0.1))
    ours, theirs = (
        exact_excess(problem, tuned(problem, 200, 1200, alpha, "constant step"), 200) for alpha in (0.1, 1.0)
    )
    assert ours == pytest.approx(0.00464, abs=5e-6)
    assert theirs == pytest.approx(0.00528, abs=5e-6)


def question(**changes: object) -> Experiment:
    asked = Experiment(
        question="Who?",
        problem=MeanEstimation(dim=4),
        algorithms={
            "Lookahead": Own(lambda p: Lookahead(p.gradients // 4, 4, 0.5, Constant(p.eta)), eta=(0.02, 0.1, 0.9)),
            "SGD": Own(lambda p: SGD(p.gradients, Constant(p.eta), k=4), eta=(0.01, 0.05, 0.3, 0.9)),
        },
        readings=(Tuned("Lookahead", ("SGD",), of=(("optimization", "last"),)),),
        sizes={"laptop": Size(Grid(n=50, gradients=(64, 256)), 256)},
    )
    return dataclasses.replace(asked, **changes)  # type: ignore[arg-type]


def test_each_budget_is_tuned_for_itself_and_unequal_grids_are_named():
    found = riskkit.run(question()).comparisons
    assert sorted(c.where["gradients"] for c in found) == [64, 256]
    assert all("over 3 and 4 settings" in c.note for c in found)


def test_two_ways_to_write_one_algorithm_are_not_told_apart():
    """(1 - .9^(1/1)) and .1 differ in the last bit, and so do all errors: the same to rounding, at any number of
    replicates."""
    one, other = 0.1, float(np.nextafter(0.1, 1))
    same = question(
        algorithms={
            "Lookahead": lambda p: SGD(p.gradients, Constant(one), k=4),
            "SGD": lambda p: SGD(p.gradients, Constant(other), k=4),
        },
        readings=(Paired("Lookahead", ("SGD",)),),
    )
    found = riskkit.run(same).comparisons
    assert found
    assert {c.outcome for c in found} == {"undecided"}


def test_contraction_matched_sgd_is_refused_off_its_hypotheses():
    point = Point({"n": 50, "T": 4, "k": 5, "alpha": 0.5})
    assert contraction_matched_sgd(0.1)(point.watched(set(), MeanEstimation(dim=4))).stages[0].step.eta < 0.1
    with pytest.raises(ValueError, match="needs losses with the Hessian lam I"):
        contraction_matched_sgd(0.1)(point.watched(set(), AnisotropicMean((1.0, 0.5))))
