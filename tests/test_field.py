"""The field's theorems: bounds against values by hand and by enumeration, oracles against one another, hypotheses."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
import torch

from riskkit.algorithms import SGD, Constant, HeavyBall, InverseTime, LocalSGD, Lookahead, SuffixSGD
from riskkit.measure import expectations, simulate
from riskkit.measure.own import PATH_RISK
from riskkit.problem import Constants
from riskkit.problems import (
    AbsoluteLocation,
    ConcaveOnBall,
    HarveyMaximum,
    KinkedAtoms,
    LinearOnBall,
    Logistic,
    MeanEstimation,
    Ridge,
    SparseMean,
    WarpedMean,
)
from riskkit.rng.streams import Stream
from riskkit.theory import exact_moments
from riskkit.theory.bound import At, total
from riskkit.theory.field import (
    bassily2020,
    bousquet2002,
    gradient_descent,
    hardt2016,
    heavy_ball,
    karimi2016,
    koren2022,
    li2025,
    moments,
    shamir2013,
    vansover2025,
    zhang2022,
)
from riskkit.theory.field.setting import averaged


def at(problem, algorithm, n, rounds=None, D2=1.0):
    rounds = np.array([algorithm.steps] if rounds is None else rounds)
    return At(problem, algorithm, n, rounds, D2=D2)


def value(bound, form, where):
    return total(bound.evaluate(form, where), where, bound.name)


def reshuffled(steps, eta):
    return dataclasses.replace(SGD(steps, Constant(eta)), sampling="without replacement")


def full_batches(steps, eta, n=4):
    return dataclasses.replace(SGD(steps, Constant(eta), batch=n), sampling="without replacement")


LINEAR, ABSOLUTE = LinearOnBall(dim=2, radius=2.0), AbsoluteLocation(dim=4)
EDGE = KinkedAtoms(((math.hypot(2.0, 1.6) - 1.6 - 1e-8, 1.0, 1.0),), (1.0,), 1.6, 0.0, 1.0, -0.9999)
"""One loss that is least at the edge of Theta, where it is 1e-8 and its slope 0.18: on R it becomes negative."""


def test_stability_of_hardt_et_al_by_hand():
    run = at(LINEAR, SGD(3, Constant(0.1)), n=10, rounds=[1, 2, 3])
    assert value(hardt2016.CONVEX_STABILITY, "proved", run) == pytest.approx([0.02, 0.04, 0.06])
    assert value(hardt2016.CONVEX_GENERALIZATION, "published", run) == pytest.approx([0.02, 0.04, 0.06])
    mean = MeanEstimation(dim=2, lam=0.5)  # G = 1, contraction 1 - 0.1
    run = at(mean, SGD(2, Constant(0.2)), n=4, rounds=[1, 2])
    assert value(hardt2016.STRONGLY_CONVEX_STABILITY, "proved", run) == pytest.approx([0.1, 0.19])
    long = at(mean, SGD(4000, Constant(0.2)), n=4)
    assert value(hardt2016.STRONGLY_CONVEX_STABILITY, "proved", long) == pytest.approx([2 * 1 / (0.5 * 4)])


def test_nonconvex_stability_is_the_best_burn_in_of_a_plain_loop():
    problem, n = ConcaveOnBall(dim=2, curvature=0.7, radius=1.0), 7
    run = at(problem, SGD(9, InverseTime(2.0, 1)), n, rounds=[1, 4, 9])
    c, found = problem.constants, []
    for J in run.rounds:
        best = math.inf
        for burn in range(J + 1):
            delta = 0.0
            for j in range(burn, J):
                eta = 1 / (2 * (j + 1))
                delta = (1 - 1 / n) * (1 + eta * c.L) * delta + (delta + 2 * eta * c.G) / n
            best = min(best, c.M * burn / n + c.G * delta)
        found.append(best)
    assert hardt2016.nonconvex_proved(run) == pytest.approx(found, rel=1e-12)
    power = 1 / (c.L * 0.5 + 1)
    printed = c.M * (1 + 1 / (0.5 * c.L)) / 6 * (2 * 0.5 * c.G**2 / c.M) ** power * 9 ** (0.5 * c.L * power)
    assert hardt2016.nonconvex_published(run)[-1] == pytest.approx(printed, rel=1e-12)


def test_the_printed_step_of_several_passes_makes_the_sum_least():
    problem, n, J = Logistic(dim=4, radius=2.0), 20, 60
    D, G = hardt2016.reach(problem), problem.constants.G
    eta = hardt2016.multipass_step(problem, n, J)

    def printed_sum(size):
        return D**2 / (2 * size * J) + size * G**2 / 2 + size * G**2 * J / n

    assert printed_sum(eta) == pytest.approx(D * G / math.sqrt(n) * math.sqrt((n + 2 * J) / J))
    assert printed_sum(eta) < min(printed_sum(1.02 * eta), printed_sum(0.98 * eta))
    run = at(problem, SGD(J, Constant(eta)), n, rounds=[J // 2, J], D2=D**2)
    published = value(hardt2016.MULTIPASS_EXCESS, "published", run)
    assert published[0] > printed_sum(eta)
    assert published[1] == pytest.approx(printed_sum(eta))
    assert value(hardt2016.MULTIPASS_EXCESS, "proved", run)[1] < published[1]


def test_nonsmooth_recursions_lie_under_their_closed_form_and_over_every_order():
    eta, n, J = 0.3, 3, 12
    run = at(ABSOLUTE, SGD(J, Constant(eta)), n)
    r, steps = bassily2020.distances(run), np.arange(J + 1)
    assert (r <= 2 * eta * np.sqrt(steps) + 4 * eta * steps / n + 1e-12).all()
    assert r[1] == pytest.approx(2 * eta)
    assert r[2] ** 2 == pytest.approx(r[1] ** 2 + 4 * eta / n * r[1] + 4 * eta**2)
    worst = np.zeros(7)
    for places in itertools.product(range(n), repeat=2):  # where the replaced example stands in each of two passes
        square, path = 0.0, [0.0]
        for j in range(2 * n):
            here = places[j // n] == j % n
            square = (math.sqrt(square) + 2 * eta) ** 2 if here else square + (2 * eta) ** 2 * (square > 0)
            path.append(math.sqrt(square))
        worst = np.maximum(worst, path)
    bound = bassily2020.permuted_distances(at(ABSOLUTE, reshuffled(2 * n, eta), n))
    assert (worst <= bound + 1e-12).all()
    assert bound[2 * n] <= 1.5 * worst[2 * n]
    assert averaged(np.array([0.0, 1.0, 3.0])) == pytest.approx([0.0, 0.0, 0.5])


def test_the_order_of_a_pass_costs_what_its_double_sum_says():
    for n in (1, 2, 9):
        double = sum(math.sqrt(t - s) for t in range(n) for s in range(t)) / n**2
        assert koren2022.order_constant(n, smooth=False) == pytest.approx(double)
        assert koren2022.order_constant(n, smooth=True) == pytest.approx((n - 1) / (2 * n))
    run = at(LINEAR, reshuffled(12, 0.1), n=4, rounds=[4, 6, 12], D2=2.0)
    found = value(koren2022.OPTIMIZATION, "proved", run)
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx([2 / 0.8 + 0.05 + 0.2 * 3 / 8, 2 / 2.4 + 0.05 + 0.2 * 3 / 8])
    assert value(koren2022.OPTIMIZATION, "published", run)[0] == pytest.approx(2 / 0.8 + 0.05 + 0.4)


def test_one_order_for_all_passes_costs_what_its_triple_sum_says():
    for n, K in ((2, 1), (5, 3)):
        # Two places exchanged, s and t: how many steps have met different examples before step t of pass p.
        met = [2 * p + (s < t) for p in range(K) for t in range(n) for s in range(n) if s != t]
        found = koren2022.one_order_constant(n, np.array([float(K)]), smooth=True)
        assert found == pytest.approx([sum(met) / (n * n * K)])
        kinks = sum(math.sqrt(p * n + t) + 2 * (2 * p + 1) for p in range(K) for t in range(n)) / (n * K)
        rough = koren2022.one_order_constant(n, np.array([float(K)]), smooth=False)[0]
        assert kinks <= rough <= 1.6 * kinks
    algorithm = dataclasses.replace(SGD(12, Constant(0.1)), sampling="one shuffle")
    run = at(LINEAR, algorithm, n=4, rounds=[4, 6, 12], D2=2.0)
    found = value(koren2022.ONE_SHUFFLE, "proved", run)
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx([2 / 0.8 + 0.05 + 0.2 * 3 / 8, 2 / 2.4 + 0.05 + 0.2 * 15 / 8])
    published = value(koren2022.ONE_SHUFFLE, "published", run)
    assert published[2] == pytest.approx(2 / 2.4 + 0.05 + 0.8 * (math.sqrt(12) + 3))


def test_full_batches_by_hand():
    full = full_batches(6, 0.5)
    run = at(Logistic(dim=2, radius=2.0), full, n=4, rounds=[1, 6], D2=3.0)
    G = run.constants.G
    assert value(gradient_descent.STABILITY, "proved", run) == pytest.approx([G / 4, 6 * G / 4])
    assert value(gradient_descent.OPTIMIZATION, "proved", run) == pytest.approx([3.0, 0.5])
    assert value(gradient_descent.EXCESS, "proved", run) == pytest.approx([3 + G**2 / 4, 0.5 + 6 * G**2 / 4])
    assert np.isnan(value(gradient_descent.STABILITY, "proved", at(run.problem, full, n=8))).all()
    kinks = at(ABSOLUTE, full, n=4, rounds=[1, 2])
    assert value(bassily2020.FULL_STABILITY, "proved", kinks) == pytest.approx([1.0, math.sqrt(1 + 0.5 + 1)])


def test_the_excess_of_several_passes_is_the_sum_of_its_two_parts():
    run = at(ABSOLUTE, SGD(2, Constant(0.5)), n=4, rounds=[1, 2], D2=2.0)
    r1 = 2 * 0.5  # r_0 = 0 for the first gradient, r_1 for the second
    assert value(vansover2025.EXCESS, "proved", run) == pytest.approx([2 + 0.25, 1 + 0.25 + r1 / 2])
    run = at(ABSOLUTE, reshuffled(2, 0.5), n=2, rounds=[1, 2], D2=2.0)
    found = value(vansover2025.PERMUTED_EXCESS, "proved", run)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(1 + 0.25 + 2 * 0.5 * 1 / 4 + r1 / 2)


def test_the_last_iterate_by_hand():
    assert shamir2013.squared_distances(1.0, 1.0, 4)[1:] == pytest.approx([1, 1, 1 / 4, 1 / 12 + 1 / 9])
    # T = 2: s = 2 gives r_2/2 + (H_2 - H_1)/2 = 3/4; s = 1 gives H_2/4 + (H_2 - H_0)/4 = 3/4.
    assert shamir2013.last_strongly_convex(1.0, 1.0, 1) == pytest.approx(0.75)
    # T = 3, r_3 = 1/4: the suffixes from s = 3, 2, 1 on, and what the last iterate pays beside each.
    by_s = [1 / 4 + 1 / 6, 11 / 24 + 5 / 24, 11 / 36 + 5 / 24 + 11 / 72]
    assert shamir2013.last_strongly_convex(1.0, 1.0, 2) == pytest.approx(min(by_s))
    found = shamir2013.suffix(1.0, 1.0, 3)[3:0:-1] + np.array([0, 5 / 24, 5 / 24 + 11 / 72])
    assert found == pytest.approx(by_s)
    assert shamir2013.last_strongly_convex(1.0, 9.0, 60) == pytest.approx(by_loops(1.0, 9.0, 61))
    assert shamir2013.last_strongly_convex(2.0, 3.0, 40) == pytest.approx(
        9 / 2 * shamir2013.last_strongly_convex(1.0, 1.0, 40)
    )
    run = at(ABSOLUTE, SGD(2, Constant(0.5)), n=4, rounds=[1, 2], D2=2.0)
    by_hand = [2 / (2 * 0.5 * 2) + 0.25 * 2, 2 / (2 * 0.5 * 3) + 0.25 * (1 + 1.5)]
    assert value(shamir2013.CONVEX_LAST, "proved", run) == pytest.approx(by_hand)


def by_loops(lam, G, T):
    """The least over s of the bound on the last iterate, from its definition."""
    r, bounds = [math.nan, (G / lam) ** 2, (G / lam) ** 2], []
    for t in range(2, T):
        r.append((1 - 2 / t) * r[t] + (G / (lam * t)) ** 2)
    for s in range(1, T + 1):
        m = T - s + 1
        suffix = (lam * (s - 1) * r[s] / 2 + G**2 / (2 * lam) * sum(1 / t for t in range(s, T + 1))) / m
        steps = (sum(1 / t for t in range(T - i, T + 1)) / (i * (i + 1)) for i in range(1, m))
        bounds.append(suffix + G**2 / (2 * lam) * sum(steps))
    return min(bounds)


@pytest.mark.parametrize("dim", [8, 64])
def test_harveys_maximum_keeps_the_logarithm_and_its_suffix_does_not(dim):
    problem, theta, path = HarveyMaximum(dim), torch.zeros(1, 1, dim, dtype=torch.float64), []
    for j in range(dim):
        path.append(theta)
        theta = theta - problem.gradient(theta, theta.new_zeros(1, 1, 1)) / (j + 1)
        theta = theta / max(1.0, float(theta.norm()))
    last = float(problem.population_risk(theta))
    suffix = float(problem.population_risk(torch.stack(path[dim // 2 :]).mean(0)))
    G = problem.constants.G
    assert math.log(dim) / (4 * dim) <= last <= shamir2013.last_strongly_convex(1.0, G, dim)
    assert suffix <= shamir2013.suffix(1.0, G, dim)[dim // 2 + 1]
    assert suffix < last


def test_the_origin_minimises_harveys_maximum():
    problem = HarveyMaximum(12)
    h = np.stack([problem.slope(i) for i in range(13)])
    weights = np.ones(13)
    for j in range(11, -1, -1):
        weights[j] = h[12, j] * weights[j + 1 :].sum()
    assert np.abs(weights @ h).max() < 1e-14
    assert weights.min() > 0
    theta = torch.randn(1, 50, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theta = theta / theta.norm(dim=-1, keepdim=True).clamp(min=1)
    assert (problem.population_risk(theta) >= 0).all()
    direct = (theta @ torch.as_tensor(h).mT).amax(-1) + theta.square().sum(-1) / 2
    assert torch.allclose(problem.population_risk(theta), direct, atol=1e-14)
    assert np.linalg.norm(h[:-1], axis=1).max() + 1 <= problem.constants.G


def test_suffix_sgd_averages_its_last_iterates():
    method = SuffixSGD(5, Constant(0.5), share=0.5)
    state, seen = method.init(torch.ones(1, 1, 1, dtype=torch.float64)), []
    for j in range(5):
        seen.append(float(method.query(state)))
        state = method.step(state, method.query(state), j)
    assert method.first == 3
    assert float(method.output(state)["average"]) == pytest.approx(np.mean(seen[3:]))
    assert float(method.output(state)["last"]) == pytest.approx(0.5**5)
    with pytest.raises(ValueError, match="share must lie in"):
        SuffixSGD(5, Constant(0.5), share=0.0)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.6])
def test_moments_of_batches_are_those_of_one_example_with_less_noise(alpha):
    h, k, rounds = 0.2, 4, np.array([1, 3, 50])
    square, u = moments.lookahead_moments(h, k, alpha, 1, rounds)
    known = exact_moments.quadratic_moments(np.full((50, k), h), alpha, rounds)
    assert square == pytest.approx(known.m2, rel=1e-12)
    assert u == pytest.approx(known.u, rel=1e-12)
    assert moments.lookahead_moments(h, k, alpha, 8, rounds)[1] == pytest.approx(u / 8)
    far = moments.lookahead_moments(h, k, alpha, 1, [10**5])[1]
    assert far == pytest.approx([moments.floor(h, k, alpha)])
    ratio = moments.floor(h, k, alpha) / moments.floor(h, k, 1.0)
    assert moments.floor_ratio(h, k, alpha) == pytest.approx(ratio)
    assert (ratio < 1) == (alpha < 1)


def test_heavy_balls_distance_is_the_mean_over_all_index_sequences():
    h, momentum, n, J = 0.05, 0.5, 2, 7
    distances = []
    for draws in itertools.product(range(n), repeat=J):
        c = m = 0.0
        for drawn in draws:
            m = momentum * m + h * (c - (drawn == 0))
            c -= m
        distances.append(abs(c))
    assert heavy_ball.quadratic_distance(h, momentum, n, [J]) == pytest.approx([np.mean(distances)], rel=1e-12)
    assert np.isnan(heavy_ball.quadratic_distance(0.5, 0.9, n, [J])).all()
    assert heavy_ball.quadratic_distance(h, 0.0, n, [J]) == pytest.approx([(1 - (1 - h) ** J) / n])
    assert moments.mean_distance_on_sphere(2) == pytest.approx(4 / math.pi)
    assert moments.mean_distance_on_sphere(3) == pytest.approx(4 / 3)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_is_sgd_with_a_longer_step_averaged_twice(momentum):
    r, eta, rng = math.sqrt(momentum), 0.3, np.random.default_rng(1)
    A = rng.normal(size=(3, 3))
    v = u = before = rng.normal(size=3)
    for _ in range(6):
        after = v + momentum * (v - before) - eta * np.tanh(A @ v)
        u = r * u + (1 - r) * (v - eta / (1 - r) ** 2 * np.tanh(A @ v))
        v, before = r * v + (1 - r) * u, v
        assert v == pytest.approx(after, abs=1e-12)


def test_the_stability_of_heavy_ball_by_hand():
    J, n, m, eta = 7, 5, 0.64, 0.01  # sqrt m = 0.8
    run = at(LinearOnBall(dim=2, radius=9.0), HeavyBall(J, Constant(eta), m), n, rounds=[1, 4, J])
    G = run.constants.G
    by_hand = [2 * G * eta / n * sum((1 - m**i) / (1 - m) for i in range(1, steps + 1)) for steps in (1, 4, J)]
    assert value(heavy_ball.STABILITY, "proved", run) == pytest.approx(by_hand)
    assert 2 * G * heavy_ball.linear_distance(eta, m, n, [1, 4, J]) == pytest.approx(by_hand)
    curved = at(MeanEstimation(dim=2), HeavyBall(4000, Constant(eta), m), n)
    assert value(heavy_ball.STRONGLY_CONVEX_STABILITY, "proved", curved) == pytest.approx([2 * 2 / n])
    # u_1 = 0.2 * 4/5 * 0.01/0.04, delta_1 = 0.2 u_1; then a = 1 - 0.25.
    u1 = 0.2 * 0.2
    u2 = 0.8 * u1 + 0.2 * (0.75 * 0.2 * u1 + 0.2)
    curved = at(MeanEstimation(dim=2), HeavyBall(2, Constant(eta), m), n, rounds=[1, 2])
    found = value(heavy_ball.STRONGLY_CONVEX_STABILITY, "proved", curved)
    assert found == pytest.approx([0.2 * u1, 0.8 * 0.2 * u1 + 0.2 * u2])
    plain = at(MeanEstimation(dim=2), HeavyBall(3, Constant(0.2), 0.0), n, rounds=[1, 3])
    as_sgd = at(MeanEstimation(dim=2), SGD(3, Constant(0.2)), n, rounds=[1, 3])
    assert value(heavy_ball.STRONGLY_CONVEX_STABILITY, "proved", plain) == pytest.approx(
        value(hardt2016.STRONGLY_CONVEX_STABILITY, "proved", as_sgd)
    )


def test_curvature_that_comes_and_goes_makes_long_steps_of_heavy_ball_grow():
    assert heavy_ball.mean_square_growth(0.3, 0.0, 0.4) == pytest.approx(0.4 * 0.7**2 + 0.6)
    h, m, share, J = 1.0, 0.9, 0.5, 12
    squares = np.zeros(J + 1)
    for told in itertools.product((0.0, 1.0), repeat=J):
        d, before = 1.0, 0.0
        for j, x in enumerate(told):
            d, before = (1 + m - h * x) * d - m * before, d
            squares[j + 1] += d * d / 2**J if j == J - 1 else 0.0
    pair = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(J):
        pair = sum(
            chance * np.kron(M, M) @ pair
            for chance, M in ((share, np.array([[m, -m], [1, 0]])), (1 - share, np.array([[1 + m, -m], [1, 0]])))
        )
    assert pair[0] == pytest.approx(squares[J])
    assert heavy_ball.mean_square_growth(h, m, share) > 1.2
    assert heavy_ball.mean_square_growth(0.1, m, share) < 1
    assert heavy_ball.mean_square_growth((1 - math.sqrt(m)) ** 2, m, share) < 1


@pytest.mark.parametrize("outer", [0.5, 1.5])
def test_local_sgd_of_one_worker_is_lookahead_and_of_many_a_batch_to_second_order(outer):
    problem, step = MeanEstimation(dim=2), Constant(0.2)
    one = simulate(problem, LocalSGD(4, 3, 1, outer, step), n=5, replicates=32, rounds=[2, 4])
    same = simulate(problem, Lookahead(4, 3, outer, step), n=5, replicates=32, rounds=[2, 4])
    for name in ("optimization", "stability", "path_moment"):
        assert one.values[name] == pytest.approx(same.values[name], abs=1e-13)
    many = expectations(problem, LocalSGD(4, 3, 6, outer, step), 5, [1, 4])
    batch = expectations(problem, Lookahead(4, 3, outer, step, batch=6), 5, [1, 4])
    assert many["optimization"][:, 0] == pytest.approx(batch["optimization"][:, 0])
    by_hand = ReferenceLocal(4, 3, 6, outer)
    assert simulate(problem, LocalSGD(4, 3, 6, outer, step), n=5, replicates=32).theta[:, -1, 0] == pytest.approx(
        by_hand.last(problem, 0.2), abs=1e-13
    )
    for wrong in ({"workers": 0}, {"outer": 2.5}, {"radius": 1.0, "outer": 1.5}):
        with pytest.raises(ValueError, match="LocalSGD"):
            dataclasses.replace(LocalSGD(4, 3, 6, outer, step), **wrong)


class ReferenceLocal(NamedTuple):
    """Local SGD as three loops."""

    T: int
    k: int
    M: int
    outer: float

    def last(self, problem, eta):
        stream = Stream(0, range(32))
        data, drawn = problem.sample(stream, 5), stream.indices(5, 0, self.T * self.k * self.M)
        theta = torch.as_tensor(problem.start).expand(32, -1)
        for t in range(self.T):
            ends = []
            for m in range(self.M):
                v = theta
                for tau in range(self.k):
                    i = drawn[:, (t * self.k + tau) * self.M + m]
                    v = v - eta * (v - data[torch.arange(32), i])
                ends.append(v)
            theta = (1 - self.outer) * theta + self.outer * sum(ends) / self.M
        return theta.numpy()


def test_lower_bounds_lie_under_exact_values_and_those_under_upper_bounds():
    n, apart = 5, moments.mean_distance_on_sphere(3)
    linear = at(LinearOnBall(dim=3), SGD(4, Constant(0.1)), n, rounds=[1, 4])
    exact = zhang2022.distance(linear, 0.0, 1.0, apart)
    assert exact == pytest.approx([0.1 * apart / n, 0.4 * apart / n])
    assert zhang2022.convex_lower(linear) == pytest.approx([0.1 / 10, 0.4 / 10])
    assert (zhang2022.convex_lower(linear) <= exact).all()
    assert (exact <= value(hardt2016.CONVEX_STABILITY, "proved", linear)).all()
    mean = at(MeanEstimation(dim=3, lam=0.5), SGD(4, Constant(0.2)), n, rounds=[1, 4])
    exact = zhang2022.distance(mean, 0.5, 0.5, apart)
    assert exact == pytest.approx(apart / n * (1 - 0.9 ** np.array([1, 4])))
    lower = zhang2022.strongly_convex_lower(mean)
    assert lower == pytest.approx(1 / n * (1 - 0.9 ** np.array([1, 4])))
    assert (lower <= exact).all()
    assert (exact <= value(hardt2016.STRONGLY_CONVEX_STABILITY, "proved", mean)).all()
    assert np.isnan(zhang2022.distance(mean, 20.0, 0.5, apart)).all()
    concave = at(ConcaveOnBall(dim=3), SGD(2, InverseTime(2.0, 1)), n, rounds=[1, 2])
    grown = [0.5 * apart / n, (0.5 * 1.25 + 0.25) * apart / n]
    assert zhang2022.distance(concave, -1.0, 1.0, apart) == pytest.approx(grown)


def test_the_high_probability_bound_by_hand():
    problem, n, eta, delta = Logistic(dim=2, radius=2.0), 4, 0.5, 0.1
    G, M = problem.constants.G, problem.constants.M
    for algorithm, rounds in (
        (reshuffled(8, eta), [4, 6, 8]),
        (dataclasses.replace(SGD(8, Constant(eta)), sampling="one shuffle"), [4, 6, 8]),
    ):
        found = bousquet2002.generalization(at(problem, algorithm, n, rounds=rounds), delta)
        beta = 2 * G**2 * eta * np.array([4, 8]) / n
        by_hand = beta + (2 * n * beta + M) * math.sqrt(math.log(10) / 8)
        assert found[[0, 2]] == pytest.approx(by_hand)
        assert np.isnan(found[1])
        assert bousquet2002.excludes(problem, algorithm) is None
    assert np.isfinite(bousquet2002.generalization(at(problem, full_batches(3, eta), n, rounds=[1, 3]), delta)).all()
    assert np.isnan(bousquet2002.generalization(at(problem, full_batches(3, eta), n=8), delta)).all()
    assert "equally often" in bousquet2002.excludes(problem, SGD(4, STEP))


def test_convergence_under_pl_by_hand():
    problem = WarpedMean(dim=2, spread=0.5, initial=0.25)
    c, eta = problem.constants, 0.05
    run = dataclasses.replace(at(problem, SGD(3, Constant(eta)), n=4, rounds=[1, 3]), f0=0.3)
    added = c.L * eta**2 * c.G**2 / 2
    one = (1 - 2 * eta) * 0.3 + added
    three = (1 - 2 * eta) * ((1 - 2 * eta) * one + added) + added
    assert value(karimi2016.CONSTANT, "proved", run) == pytest.approx([one, three])
    floor = c.L * c.G**2 * eta / 4
    assert (value(karimi2016.CONSTANT, "proved", run) <= (1 - 2 * eta) ** np.array([1, 3]) * 0.3 + floor).all()
    run = dataclasses.replace(at(problem, SGD(2, InverseTime(1.0, 20)), n=4, rounds=[1, 2]), f0=0.3)
    one = 0.9 * 0.3 + c.L * c.G**2 / 800
    two = (1 - 2 / 21) * one + c.L * c.G**2 / 2 / 21**2
    assert value(karimi2016.DECREASING, "proved", run) == pytest.approx([one, two])
    run = dataclasses.replace(at(problem, full_batches(2, eta), n=4, rounds=[1, 2]), f0=0.3)
    assert value(karimi2016.FULL, "proved", run) == pytest.approx([0.95 * 0.3, 0.95**2 * 0.3])


def test_stability_on_average_by_hand():
    n, J, alpha, eta, b = 4, 6, 0.5, 0.2, 2
    algorithm = Lookahead(3, 2, alpha, Constant(eta), batch=b)
    run = dataclasses.replace(
        at(MeanEstimation(dim=2), algorithm, n, rounds=[1, 3], D2=2.0),
        measured={"path_risk": np.array([0.5, 0.32]), "path_root_risk": np.array([0.7, 0.5])},
    )
    l1 = [2 * math.sqrt(2) * alpha * eta * steps * root / n for steps, root in ((2, 0.7), (6, 0.5))]
    assert value(li2025.L1, "proved", run) == pytest.approx(l1)
    delta = eta * (J * math.sqrt(8 * 0.32) / n + math.sqrt(J * 8 * 0.32 / (n * b)))
    assert value(li2025.L2, "proved", run)[1] == pytest.approx((alpha * delta) ** 2)
    generalization = math.sqrt(2 * 0.32) * delta + delta**2 / 2
    assert value(li2025.GENERALIZATION, "proved", run)[1] == pytest.approx(generalization)
    optimization = 2 / (2 * alpha * eta * J) + eta * 0.32
    assert value(li2025.EXCESS, "proved", run)[1] == pytest.approx(generalization + optimization)
    claim = (alpha * eta) ** 2 * (J * 0.32 / (n * b) + J**2 * 0.32 / n**2)
    assert value(li2025.L2, "claim", run)[1] == pytest.approx(claim)
    assert np.isnan(value(li2025.L1, "proved", at(MeanEstimation(dim=2), algorithm, n, rounds=[3]))).all()


def test_the_l2_recursion_lies_under_its_closed_form():
    rng, n, b, eta = np.random.default_rng(0), 5, 3, 0.2
    A = rng.uniform(0, 2, size=30)
    s = 0.0
    for a in A:
        s = math.sqrt((s + eta * a / n) ** 2 + (eta * a) ** 2 / (n * b))
    closed = eta * A.sum() / n + math.sqrt((eta * A) @ (eta * A) / (n * b))
    assert s <= closed <= eta * (30 * math.sqrt((A @ A) / 30) / n + math.sqrt(A @ A / (n * b)))
    assert closed < 1.5 * s


STEP = Constant(0.1)


@pytest.mark.parametrize(
    ("bound", "problem", "algorithm", "words"),
    [
        (hardt2016.CONVEX_STABILITY, LINEAR, Lookahead(4, 2, 0.5, STEP), "alpha = 0.5"),
        (hardt2016.CONVEX_STABILITY, LINEAR, HeavyBall(4, STEP), "heavy ball"),
        (hardt2016.CONVEX_STABILITY, LINEAR, SGD(4, STEP, batch=2), "batches of 2"),
        (hardt2016.CONVEX_STABILITY, LINEAR, reshuffled(4, 0.1), "without replacement"),
        (hardt2016.CONVEX_STABILITY, ABSOLUTE, SGD(4, STEP), "finite smoothness"),
        (hardt2016.CONVEX_STABILITY, Logistic(dim=2), SGD(4, Constant(50.0)), "step sizes <= 2/L"),
        (hardt2016.CONVEX_STABILITY, ConcaveOnBall(), SGD(4, STEP), "needs convexity"),
        (hardt2016.STRONGLY_CONVEX_STABILITY, LINEAR, SGD(4, STEP), "strongly convex"),
        (hardt2016.STRONGLY_CONVEX_STABILITY, MeanEstimation(), SGD(4, Constant(1.2)), "step sizes <= 1"),
        (hardt2016.NONCONVEX_GENERALIZATION, ABSOLUTE, SGD(4, STEP), "finite smoothness"),
        (hardt2016.MULTIPASS_EXCESS, LINEAR, SGD(4, InverseTime(1.0)), "constant step size"),
        (hardt2016.MULTIPASS_EXCESS, MeanEstimation(), SGD(4, STEP), "Theta in a ball"),
        (bassily2020.STABILITY, ConcaveOnBall(), SGD(4, STEP), "needs convexity"),
        (bassily2020.PERMUTED_STABILITY, ABSOLUTE, SGD(4, STEP), "without replacement; got with replacement"),
        (koren2022.OPTIMIZATION, ABSOLUTE, SGD(4, STEP), "without replacement; got with replacement"),
        (koren2022.ONE_SHUFFLE, ABSOLUTE, reshuffled(4, 0.1), "one shuffle; got without replacement"),
        (gradient_descent.STABILITY, LINEAR, SGD(4, STEP), "full gradients"),
        (gradient_descent.OPTIMIZATION, Logistic(dim=2), full_batches(4, 5.0), "step sizes <= 1/L = 4"),
        (vansover2025.EXCESS, ABSOLUTE, SGD(4, InverseTime(1.0)), "constant step size"),
        (karimi2016.CONSTANT, LINEAR, SGD(4, STEP), "PL constant"),
        (karimi2016.DECREASING, WarpedMean(), SGD(4, Constant(0.01)), "is about the step 1/"),
        (karimi2016.FULL, WarpedMean(spread=0.5, initial=0.25), full_batches(4, 0.4), "step sizes <= 1/L"),
        (karimi2016.CONSTANT, Ridge(), SGD(4, STEP), "without projection"),
        (li2025.L1, LINEAR, SGD(4, STEP), "not negative"),
        (li2025.EXCESS, EDGE, SGD(8, Constant(1e-3)), "not negative on R"),
        (li2025.L2, MeanEstimation(), Lookahead(4, 2, 1.5, STEP), "alpha in"),
        (li2025.L1, MeanEstimation(), reshuffled(4, 0.1), "drawn with replacement"),
        (li2025.L1, MeanEstimation(), HeavyBall(4, STEP), "about Lookahead and SGD"),
        (li2025.EXCESS, Ridge(), SGD(4, Constant(1.9)), "step sizes <= 2/L"),
        (heavy_ball.STABILITY, SparseMean(), SGD(4, STEP), "about heavy ball"),
        (heavy_ball.STABILITY, SparseMean(), HeavyBall(4, Constant(0.01), 0.9), "needs step sizes <= 0.002633"),
        (heavy_ball.STABILITY, LINEAR, HeavyBall(999, STEP, 0.9), "cannot leave Theta"),
        (heavy_ball.STABILITY, SparseMean(), HeavyBall(4, STEP, 0.0, radius=1.0), "without projection"),
        (heavy_ball.STABILITY, SparseMean(), HeavyBall(4, STEP, 0.0, batch=2), "batches of 2"),
        (heavy_ball.STRONGLY_CONVEX_STABILITY, SparseMean(), HeavyBall(4, STEP, 0.0), "strongly convex"),
        (shamir2013.STRONGLY_CONVEX_LAST, ABSOLUTE, SGD(4, STEP), "strong convexity"),
        (shamir2013.STRONGLY_CONVEX_LAST, HarveyMaximum(4), SGD(4, InverseTime(1.0, 2)), "InverseTime\\(1, 1\\)"),
        (shamir2013.STRONGLY_CONVEX_SUFFIX, HarveyMaximum(4), SuffixSGD(4, InverseTime(1.0, 1)), "radius"),
        (shamir2013.STRONGLY_CONVEX_SUFFIX, HarveyMaximum(4), SGD(4, InverseTime(1.0, 1)), "average of its last"),
        (shamir2013.CONVEX_LAST, ABSOLUTE, SGD(4, InverseTime(1.0)), "constant step size"),
    ],
)
def test_a_bound_of_the_field_names_the_hypothesis_that_fails(bound, problem, algorithm, words):
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(bound.excludes(problem, algorithm))


@pytest.mark.parametrize(
    ("bound", "problem", "algorithm"),
    [
        (hardt2016.CONVEX_STABILITY, LINEAR, SGD(4, STEP)),
        (hardt2016.NONCONVEX_GENERALIZATION, ConcaveOnBall(), SGD(4, InverseTime(1.0, 1))),
        (bassily2020.STABILITY, ABSOLUTE, SGD(4, STEP)),
        (bassily2020.PERMUTED_STABILITY, ABSOLUTE, reshuffled(4, 0.1)),
        (koren2022.OPTIMIZATION, LINEAR, reshuffled(4, 0.1)),
        (koren2022.ONE_SHUFFLE, LINEAR, dataclasses.replace(SGD(4, STEP), sampling="one shuffle")),
        (karimi2016.CONSTANT, WarpedMean(), SGD(4, Constant(0.01))),
        (li2025.L2, Ridge(), Lookahead(4, 2, 0.5, STEP, batch=3)),
        (heavy_ball.STABILITY, LINEAR, HeavyBall(4, STEP, 0.5)),
        (heavy_ball.STABILITY, SparseMean(), HeavyBall(4, Constant(0.0026), 0.9)),
        (gradient_descent.EXCESS, LINEAR, full_batches(4, 0.1)),
        (bassily2020.FULL_STABILITY, ABSOLUTE, full_batches(4, 0.1)),
        (vansover2025.PERMUTED_EXCESS, ABSOLUTE, reshuffled(4, 0.1)),
        (shamir2013.STRONGLY_CONVEX_LAST, HarveyMaximum(4), SGD(4, InverseTime(1.0, 1))),
        (shamir2013.STRONGLY_CONVEX_SUFFIX, HarveyMaximum(4), SuffixSGD(4, InverseTime(1.0, 1), radius=1.0)),
        (shamir2013.CONVEX_LAST, ABSOLUTE, SGD(4, STEP)),
    ],
)
def test_a_bound_of_the_field_covers_what_it_was_proved_for(bound, problem, algorithm):
    assert bound.excludes(problem, algorithm) is None


def test_bounds_scale_with_the_loss():
    """l -> 3 l, eta -> eta/3: the path stays, so that stability stays and risks are tripled."""

    @dataclasses.dataclass(frozen=True)
    class Scaled:
        by: float
        name = "scaled"
        radius = 1.0

        @property
        def constants(self):
            return Constants(
                L=2 * self.by, G=1.5 * self.by, lam=0.5 * self.by, lam_example=0.5 * self.by, M=3 * self.by
            )

    for bound, form in [
        (hardt2016.CONVEX_STABILITY, "proved"),
        (hardt2016.STRONGLY_CONVEX_STABILITY, "proved"),
        (hardt2016.NONCONVEX_GENERALIZATION, "proved"),
        (hardt2016.NONCONVEX_GENERALIZATION, "published"),
        (bassily2020.STABILITY, "proved"),
        (bassily2020.GENERALIZATION, "published"),
        (shamir2013.CONVEX_LAST, "proved"),
        (koren2022.OPTIMIZATION, "proved"),
    ]:
        algorithm = dataclasses.replace(SGD(6, Constant(0.3)), sampling="without replacement")
        one = value(bound, form, at(Scaled(1.0), algorithm, n=3))
        smaller = dataclasses.replace(SGD(6, Constant(0.1)), sampling="without replacement")
        three = value(bound, form, at(Scaled(3.0), smaller, n=3))
        assert three == pytest.approx((1 if bound.quantity == "stability" else 3) * one, rel=1e-12), bound.name


def test_li_and_lei_need_losses_that_bound_their_gradients_and_not_only_losses_above_zero_on_theta():
    """An attack found the instance: the loss is not negative on Theta, and the bound on the excess risk is broken."""
    eta, steps = 0.0835, 8
    c = EDGE.constants
    assert c.l_max >= c.M
    run = simulate(EDGE, SGD(steps, Constant(eta)), n=50, replicates=4, rounds=(steps,), quantities=(PATH_RISK,))
    path = run.values["path_risk"].mean(axis=0)[0].max()
    explicit = (EDGE.initial + 1) ** 2 / (2 * eta * steps) + eta * c.L * path
    delta = eta * (steps * math.sqrt(8 * c.L * path) / 50 + math.sqrt(steps * 8 * c.L * path / 50))
    assert run.values["excess"][0, 0, 1] > 3 * (explicit + c.L / 2 * delta**2 + math.sqrt(2 * c.L * path) * delta)
    assert not EDGE.self_bounding


def test_kinked_atoms_bound_their_gradients_exactly_where_they_say_so():
    """||l'||^2 <= 2 L l on a grid of Theta, for 200 losses drawn at random, of which a good part has it."""
    generator = np.random.default_rng(3)
    t = torch.linspace(-1, 1, 4001, dtype=torch.float64)
    said = 0
    for p, y, s, width, lam in generator.uniform([-1, -1, 0, 0.1, 0], [1, 1, 1, 1, 0.5], (200, 5)):
        problem = KinkedAtoms(((p, y, s),), (1.0,), width, lam, 1.0, 0.0)
        z = torch.tensor([[p, y, s]], dtype=torch.float64)
        most = float((problem.slopes(t, z).square() - 2 * problem.constants.L * problem.losses(t, z)).max())
        assert problem.self_bounding == (most <= 1e-9)
        said += problem.self_bounding
    assert 5 < said < 195
    # At the edge t = -1, where these are least: l' is p - 2/sqrt(6.56), l is sqrt(6.56) - 1.6 - p, and L = 1/1.6.
    edges = {p: KinkedAtoms(((p, 1.0, 1.0),), (1.0,), 1.6).self_bounding for p in (0.935, 0.945)}
    assert edges == {0.935: True, 0.945: False}
