"""Contraction-matched SGD: its step, the two floors, and the theorem that Lookahead's is the higher one."""

from __future__ import annotations

import numpy as np
import pytest

from riskkit.theory import exact_moments
from riskkit.theory.contraction import contraction_matched, floor_ratio, forgetting_ratio, lookahead_floor


def test_the_numbers_of_one_setting_by_hand():
    """h = .1, k = 50, alpha = .1: p = .9^50, c = .9 + .1 p, h' = 1 - c^(1/50)."""
    p = 0.9**50
    c = 0.9 + 0.1 * p
    assert contraction_matched(0.1, 50, 0.1) == pytest.approx(1 - c ** (1 / 50), rel=1e-12)
    assert lookahead_floor(0.1, 50, 0.1) == pytest.approx(0.01 * 0.1 * (1 - p**2) / 1.9 / (1 - c**2), rel=1e-12)
    slow = 1 - c ** (1 / 50)
    assert lookahead_floor(slow, 1, 1.0) == pytest.approx(slow / (2 - slow), rel=1e-12)
    expected = lookahead_floor(0.1, 50, 0.1) / lookahead_floor(slow, 1, 1.0)
    assert floor_ratio(0.1, 50, 0.1) == pytest.approx(float(expected), rel=1e-10)
    assert forgetting_ratio(0.1, 50, 0.1) == pytest.approx(np.log(0.99) / (np.log(c) / 50), rel=1e-10)


def test_both_have_the_same_mean_error_after_every_round_and_the_floors_in_the_end():
    h, k, alpha, T = 0.2, 7, 0.3, 400
    rounds = np.arange(1, T + 1)
    ours = exact_moments.quadratic_moments(np.full((T, k), h), alpha, rounds)
    slow = float(contraction_matched(h, k, alpha))
    theirs = exact_moments.quadratic_moments(np.full((T * k, 1), slow), 1.0, rounds * k)
    np.testing.assert_allclose(ours.m, theirs.m, rtol=1e-10, atol=1e-300)
    assert ours.u[-1] == pytest.approx(float(lookahead_floor(h, k, alpha)), rel=1e-10)
    assert theirs.u[-1] == pytest.approx(float(lookahead_floor(slow, 1, 1.0)), rel=1e-10)
    assert (ours.u > theirs.u).all()  # not only in the limit


def test_the_floor_of_lookahead_is_the_higher_one_in_200000_settings():
    rng = np.random.default_rng(0)
    size = 200_000
    h, alpha = rng.uniform(1e-6, 1 - 1e-6, size), rng.uniform(1e-3, 1 - 1e-6, size)
    k = rng.integers(2, 200, size)
    ratio = floor_ratio(h, k, alpha)
    assert ratio.min() > 1 - 1e-9
    np.testing.assert_allclose(floor_ratio(h[:1000], 1, alpha[:1000]), 1, rtol=1e-9)
    np.testing.assert_allclose(floor_ratio(h[:1000], k[:1000], 1.0), 1, rtol=1e-9)


def test_a_step_outside_the_setting_is_refused():
    with pytest.raises(ValueError, match="must lie in"):
        contraction_matched(1.0, 5, 0.5)
