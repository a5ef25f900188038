"""SGD's weighted average: by hand, against exact second moments, and its bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from problems import AnisotropicMean, LinearOnBall, MeanEstimation
from riskkit import SGD, Constant, InverseTime, WeightedSGD, simulate
from riskkit.problem import Constants
from riskkit.theory import sgd_averaging


def test_two_steps_by_hand():
    """l = (t - z)^2 / 2 from t = 1, z = 3 then 7, eta = 1/2, 1/3: v = 1, 2, 11/3; the average of 1, 2 with 2, 3."""
    data, indices = np.array([[3.0], [7.0]]), np.array([0, 1])
    problem = MeanEstimation(dim=1, lam=1.0)
    m = simulate(problem, WeightedSGD(2, InverseTime(1.0, 2)), data=data, indices=indices, replicates=1, rounds=[1, 2])
    assert tuple(problem.start) == (1.0,)
    assert np.allclose(m.theta[0, :, 0, 0], [2, 11 / 3])
    assert np.allclose(m.theta[0, :, 1, 0], [1, (2 * 1 + 3 * 2) / 5])


def moments(h, weights):
    """E of the squared weighted average of e_{j+1} = (1 - h_j) e_j + h_j xi_j, as (from e_0 = 1, from noise of variance
    1), by the joint second moments of e and of the weighted sum so far."""
    found = []
    for start, noise in ((1.0, 0.0), (0.0, 1.0)):
        ee, es, ss = start, 0.0, 0.0
        for hj, w in zip(h, weights, strict=True):
            es, ss = es + w * ee, ss + 2 * w * es + w * w * ee
            ee, es = (1 - hj) ** 2 * ee + hj**2 * noise, (1 - hj) * es
        found.append(ss / weights.sum() ** 2)
    return found


def test_the_exact_moments_of_the_weighted_average():
    """Against 8,000 replicates: |z| < 4, a false alarm once in 8,000 seeds at two checkpoints; errors to 3%."""
    n, step = 12, InverseTime(0.5, 3)
    m = simulate(MeanEstimation(dim=3, lam=1.0), WeightedSGD(60, step), n=n, replicates=8000, seed=4, rounds=[10, 60])
    for J in (10, 60):
        start, noise = moments(step.sizes(J, 1), np.arange(J) + 3.0)
        exact = (start * (1 + 1 / n) + noise * (1 - 1 / n)) / 2
        values = m.at("optimization", T=J, output="average")
        sem = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - exact) < 4 * sem
        assert sem < 0.03 * exact


def constants(lam, G):
    return Constants(L=4 * lam, G=G, lam=lam, mu=lam, M=1.0)


@pytest.mark.parametrize(
    ("lam", "G", "j0", "J", "D2", "bound"),
    [
        (1.0, 1.0, 2, 1, 5.0, 0.5),  # A = 0, W = 2: 1/2
        (2.0, 3.0, 4, 3, 1.0, (4 + 13.5) / 15),  # A = 2 4 2 / 4 = 4; 3 9 / 2; W = 4 + 5 + 6
        (0.5, 2.0, 1, 10, 7.0, 80 / 55),  # A = max(0, -1/8); 10 4 / .5; W = 1 + .. + 10
    ],
)
def test_the_bound_by_hand(lam, G, j0, J, D2, bound):
    assert math.isclose(
        sgd_averaging.optimization(constants(lam, G), InverseTime(lam / 2, j0), J, D2), bound, rel_tol=1e-12
    )


SCALE = st.floats(0.1, 10)


@given(lam=SCALE, G=SCALE, j0=st.floats(1, 100), D2=SCALE, eps=st.floats(1e-4, 1), c=SCALE)
def test_the_bound_falls_scales_with_the_loss_and_is_inverted_exactly(lam, G, j0, D2, eps, c):
    one, step = constants(lam, G), InverseTime(lam / 2, j0)
    J = np.array([1, 2, 5, 17, 1000, 10**6])
    values = sgd_averaging.optimization(one, step, J, D2)
    assert (np.diff(values) < 0).all()
    # c l has constants c lam and c G, and the same iterates with steps 1/c times as long.
    scaled = sgd_averaging.optimization(constants(c * lam, c * G), InverseTime(c * lam / 2, j0), J, D2)
    assert np.allclose(scaled, c * values, rtol=1e-9)
    count = sgd_averaging.gradients(one, step, eps, D2)
    assert sgd_averaging.optimization(one, step, count, D2) <= eps * (1 + 1e-9)
    assert count == 1 or sgd_averaging.optimization(one, step, count - 1, D2) > eps * (1 - 1e-9)
    far = sgd_averaging.optimization(one, step, 1e14, D2)
    assert math.isclose(far, 2 * G**2 / (lam * 1e14), rel_tol=1e-4)  # 2 G^2 / (lam J)


def test_the_bound_holds_and_a_hundredth_of_it_does_not():
    easy = AnisotropicMean((1.0, 0.25))
    algorithm = WeightedSGD(512, InverseTime(0.125, 8.0))
    assert sgd_averaging.excluded(easy, algorithm) is None
    rounds = [1, 8, 64, 512]
    m = simulate(easy, algorithm, n=30, replicates=500, rounds=rounds)
    bound = sgd_averaging.optimization(
        easy.constants, algorithm.step_sizes, rounds, float(m.dataset["start_distance"].mean())
    )
    means = np.array([m.at("optimization", T=T, output="average").mean() for T in rounds])
    assert (means < bound).all()
    assert (means > bound / 100).any()


@pytest.mark.parametrize(
    ("given", "algorithm", "says"),
    [
        (LinearOnBall(), WeightedSGD(9, InverseTime(0.5, 2)), "needs strong convexity; linear on a ball is convex"),
        (AnisotropicMean(), WeightedSGD(9, InverseTime(0.1, 20)), "with lam <= 0.1, InverseTime(0.05) or longer"),
        (AnisotropicMean(), WeightedSGD(9, InverseTime(0.05, 2)), "needs step sizes <= 1 on anisotropic mean"),
        (AnisotropicMean(), WeightedSGD(9, InverseTime(0.05, 20), radius=1.0), "needs the radius of anisotropic mean"),
    ],
)
def test_what_the_bound_does_not_cover(given, algorithm, says):
    assert says in sgd_averaging.excluded(given, algorithm)


def test_steps_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="WeightedSGD: step_sizes must be an InverseTime; got Constant"):
        WeightedSGD(4, Constant(0.1))
    with pytest.raises(ValueError, match="WeightedSGD: steps must be a whole number >= 1; got 0"):
        WeightedSGD(0, InverseTime(1.0))


def test_its_iterates_are_those_of_sgd_projection_included():
    ball, step = LinearOnBall(dim=3, radius=0.3), InverseTime(1.0, 2)
    own = simulate(ball, WeightedSGD(40, step, radius=0.3), n=10, replicates=64, rounds=[20, 40])
    sgd = simulate(ball, SGD(40, step), n=10, replicates=64, rounds=[20, 40], engine="reference")
    assert np.allclose(own.theta[:, :, 0], sgd.theta[:, :, 0], rtol=1e-12, atol=1e-13)
