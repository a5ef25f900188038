"""The paper's theorems as printed: hand-computed values, limits, scaling, the violations and what must not be one.

Every verdict below is at the 5% level over its family (Holm), with the seed of its experiment: a true bound is called
VIOLATED, or a false one HOLDS, with probability at most .05.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import math
import shutil
import types
from pathlib import Path

import numpy as np
import pytest

import riskkit
import riskkit.sweep
from problems import LinearOnBall, Logistic, MeanEstimation, MeanOnBall, Ridge, SinePerturbedQuadratic, WarpedMean
from riskkit import SGD, Constant, Constants, Grid, InverseTime, Lookahead, Size, SqrtHorizon
from riskkit.cli import main as cli
from riskkit.measure.simulation import simulate
from riskkit.report.figures import drawing, plot
from riskkit.theory.bound import At, total
from riskkit.theory.zhou2021 import convex, proof_audits, published, strongly_convex
from riskkit.theory.zhou2021.published import BOUNDS

ROOT = Path(__file__).resolve().parent.parent
UNIT = Constants(L=1.0, G=2.0, lam=1.0, lam_example=1.0, mu=1.0, M=2.0, l_max=2.0)


def at(algorithm, constants=UNIT, n=100, rounds=None, D2=1.0, f0=1.0, **measured):
    """Where a bound is evaluated: nothing but the constants of the problem is read."""
    problem = types.SimpleNamespace(
        name="stub", constants=constants, radius=None, regime="strongly convex", diameter=2.0, largest_step=math.inf
    )
    rounds = [algorithm.rounds] if rounds is None else rounds

    class Here(At):
        @property
        def constants(self):
            return constants

    return Here(problem, algorithm, n, np.array(rounds, dtype=np.int64), D2=D2, f0=f0, **measured)


def value(bound, where, form="published"):
    found = total(bound.evaluate(form, where), where, bound.name)
    return float(found[0]) if found.size == 1 else found


def first(T, k, alpha, constants=UNIT):
    return Lookahead(T, k, alpha, published.first_step(constants))


class TestHandComputed:
    """Three points each, computed on paper from the statement in the module's docstring."""

    def test_theorem1(self):
        # T = 2, k = 4: q = 14, k + 2 = 6, kT + 2 = 10; L = lam = 1, G = 2, D^2 = 1
        quarter = 1.5 * (6 / 14) ** 0.5 + 16 * 4 / (14**0.5 * 0.5)
        half = 1.5 * 6 / 14 + 16 * 4 * math.log(10) / 14
        one = 4 * (6 / 14) ** 2 + 90 * 4 / 10
        for alpha, expected in ((0.25, quarter), (0.5, half), (1.0, one)):
            where = at(first(2, 4, alpha))
            assert value(published.OPTIMIZATION_1, where) == pytest.approx(expected, rel=1e-14)
            assert value(published.DISTANCE_1, where) == pytest.approx(2 * expected, rel=1e-14)

    def test_theorem2_and_corollary1(self):
        # 16 G^2/(n lam) = .64; T = k = 1: q = 4; T = 2, k = 4: ((9)^(1/2) - 1)/14^(1/2); T = 3, k = 1, alpha = 1: 3/6
        for T, k, alpha, grown in ((1, 1, 1.0, 1 / 4), (2, 4, 0.5, 2 / 14**0.5), (3, 1, 1.0, 3 / 6)):
            where = at(first(T, k, alpha))
            assert value(published.GENERALIZATION_2, where) == pytest.approx(0.64 * grown, rel=1e-14)
            assert value(published.STABILITY_2, where) == pytest.approx(0.32 * grown, rel=1e-14)
            printed = value(published.OPTIMIZATION_1, where) + 0.32 * grown
            assert value(published.EXCESS_1, where) == pytest.approx(printed, rel=1e-14)

    def test_theorem3(self):
        for T, k, alpha, eta in ((1, 20, 0.1, 0.02), (8, 4, 0.5, 0.1), (5, 1, 1.0, 0.3)):
            where = at(Lookahead(T, k, alpha, Constant(eta)))
            average = alpha * eta * 4 * k * T / 100
            assert value(published.GENERALIZATION_3, where) == pytest.approx(average, rel=1e-14)
            assert value(published.GENERALIZATION_LAST_3, where) == pytest.approx(2 * average, rel=1e-14)
            fit = 1 / (2 * alpha * eta * k * T) + 2 * eta
            assert value(published.OPTIMIZATION_3, where) == pytest.approx(fit, rel=1e-14)
            assert value(published.EXCESS_3, where) == pytest.approx(fit + average, rel=1e-14)

    def test_theorem3s_own_step_gives_its_optimization_bound(self):
        """G D/sqrt(alpha kT), both terms being equal."""
        for T, k, alpha in ((1, 20, 0.1), (8, 4, 0.5), (100, 1, 1.0)):
            where = at(Lookahead(T, k, alpha, published.horizon_step(3.0, 2.0, alpha)), D2=9.0)
            assert value(published.OPTIMIZATION_3, where) == pytest.approx(6 / math.sqrt(alpha * k * T), rel=1e-14)

    def test_theorem4(self):
        # optimization, T = 2, k = 4: 4/9^(2a) + 2 a 4 (a + 6 (1-a)) / 9^(2a-1)
        for alpha, expected in (
            (0.5, 4 / 9 + 4 * 3.5),
            (0.25, 4 / 3 + 2 * 4.75 * 3),
            (1.0, 4 / 81 + 8 / 9),
        ):
            where = at(Lookahead(2, 4, alpha, published.decay_step(UNIT)))
            assert value(published.OPTIMIZATION_4, where) == pytest.approx(expected, rel=1e-14)
        # generalization, n = 20: g = .95 a; a = 1/.95: not allowed, so a = .5/.95 gives g = 1/2, a = 1 gives .95
        for T, k, alpha, g in ((1, 1, 0.5 / 0.95, 0.5), (16, 4, 0.5 / 0.95, 0.5), (3, 1, 1.0, 0.95)):
            where = at(Lookahead(T, k, alpha, published.divided_step(UNIT, alpha)), n=20)
            expected = (2 * k * T) ** (g / (1 + g)) * (8 * alpha) ** (1 / (1 + g)) / 19
            assert value(published.GENERALIZATION_4, where) == pytest.approx(expected, rel=1e-13)

    def test_theorems5_and_6(self):
        for alpha, S in ((0.05, 5), (0.01, 5), (1.0, 1)):
            where = at(published.stages(UNIT, 2.0, S, alpha, 5), n=20)
            series = (1 - math.exp(-3 * S)) / (1 - math.exp(-3))
            expected = 2 * alpha * 4 / (20 * (1 / 6 + alpha / 2)) * series
            assert value(published.GENERALIZATION_5, where) == pytest.approx(expected, rel=1e-13)
            assert value(published.GENERALIZATION_6, where) == pytest.approx(expected, rel=1e-13)
            assert value(published.OPTIMIZATION_5, where) == pytest.approx(2.0**-S * 2, rel=1e-14)
        # second case at alpha = .1: x = 1/15, 6x/alpha = 4
        where = at(published.stages(UNIT, 2.0, 3, 0.1, 5), n=20)
        expected = 0.8 / (20 / 15) * (1 - math.exp(-12)) / (1 - math.exp(-4))
        assert value(published.GENERALIZATION_6_II, where) == pytest.approx(expected, rel=1e-13)

    def test_theorem5s_count(self):
        """36 G^2/(lam alpha eps) gradients reach eps = eps_0 2^-S, up to the rounds that do not divide."""
        for S, alpha, k in ((1, 1.0, 1), (5, 0.05, 5), (3, 0.3, 7)):
            steps = published.stages(UNIT, 2.0, S, alpha, k).steps
            assert steps <= 36 * 4 / (alpha * 2 * 2.0**-S) + S * k


class TestLimits:
    def test_at_alpha_one_theorem3_knows_kT_only(self):
        for bound in (published.GENERALIZATION_3, published.GENERALIZATION_LAST_3, published.OPTIMIZATION_3):
            rounds = value(bound, at(Lookahead(8, 5, 1.0, Constant(0.1))))
            assert value(bound, at(Lookahead(40, 1, 1.0, Constant(0.1)))) == pytest.approx(rounds, rel=1e-13)

    def test_at_alpha_one_theorem4s_generalization_knows_kT_only(self):
        rounds = value(published.GENERALIZATION_4, at(Lookahead(8, 5, 1.0, published.decay_step(UNIT))))
        single = value(published.GENERALIZATION_4, at(Lookahead(40, 1, 1.0, published.decay_step(UNIT))))
        assert single == pytest.approx(rounds, rel=1e-13)

    def test_theorem4_at_k_one(self):
        """4 f_0/(T+1)^(2a) + 2 a^2 L G^2/(mu^2 (T+1)^(2a-1))."""
        where = at(Lookahead(3, 1, 0.25, published.decay_step(UNIT)))
        assert value(published.OPTIMIZATION_4, where) == pytest.approx(4 / 2 + 2 * 4 * 2 / 16, rel=1e-14)

    def test_one_round_of_one_step(self):
        assert value(published.GENERALIZATION_3, at(Lookahead(1, 1, 0.3, Constant(0.1)))) == pytest.approx(0.0012)
        assert value(published.OPTIMIZATION_1, at(first(1, 1, 1.0))) == pytest.approx(4 * 9 / 16 + 120)

    @pytest.mark.parametrize("bound", [b for b in BOUNDS.values() if b.quantity in ("generalization", "stability")])
    def test_generalization_vanishes_like_one_over_n(self, bound):
        run = ALGORITHMS[bound.name.split(".")[1]](UNIT)
        for form in bound.forms:
            if form == "claim" and "theorem3" in bound.name:
                continue  # stated for another step
            few, many = (value(bound, at(run, n=n), form) for n in (10**5, 10**7))
            assert few / many == pytest.approx(100, rel=2e-3)

    @pytest.mark.parametrize("bound", [b for b in BOUNDS.values() if b.quantity == "optimization"])
    def test_optimization_knows_no_n(self, bound):
        run = ALGORITHMS[bound.name.split(".")[1] + ".optimization"](UNIT)
        assert value(bound, at(run, n=10)) == value(bound, at(run, n=10**6))


ALGORITHMS = {
    "theorem1.optimization": lambda c: first(3, 4, 0.3, c),
    "theorem1": lambda c: first(3, 4, 0.3, c),
    "theorem2": lambda c: first(3, 4, 0.3, c),
    "corollary1": lambda c: first(3, 4, 0.3, c),
    "theorem3": lambda c: Lookahead(3, 4, 0.3, Constant(0.2 / c.L)),
    "theorem3.optimization": lambda c: Lookahead(3, 4, 0.3, Constant(0.2 / c.L)),
    "theorem4": lambda c: Lookahead(3, 4, 0.3, published.decay_step(c)),
    "theorem4.optimization": lambda c: Lookahead(3, 4, 0.3, published.decay_step(c)),
    "theorem5": lambda c: published.stages(c, 2.0 * c.L, 3, 0.1, 4),
    "theorem5.optimization": lambda c: published.stages(c, 2.0 * c.L, 3, 0.1, 4),
    "theorem6": lambda c: published.stages(c, 2.0 * c.L, 3, 0.1, 4),
    "theorem6.optimization": lambda c: published.stages(c, 2.0 * c.L, 3, 0.1, 4),
}


def rescaled(bound, form, scale):
    """The bound for the loss times ``scale`` (the same iterates) over the bound for the loss."""
    values = []
    for c in (1.0, scale):
        constants = Constants(**{name: c * v for name, v in dataclasses.asdict(UNIT).items()})
        run = ALGORITHMS[bound.name.split(".")[1]](constants)
        values.append(value(bound, at(run, constants, f0=c), form))
    return values[1] / values[0]


@pytest.mark.parametrize("scale", [0.1, 10.0])
@pytest.mark.parametrize("name", sorted(set(BOUNDS) - {"paper.corollary1.excess.last"}))
def test_bounds_scale_with_the_loss(name, scale):
    bound = BOUNDS[name]
    expected = 1.0 if bound.quantity in ("distance", "stability") else scale
    for form in ("published", "proved"):
        assert rescaled(bound, form, scale) == pytest.approx(expected, rel=1e-9)


def test_corollary1_does_not_scale_with_the_loss():
    """Its generalization part is printed with 16 G, a distance, where 16 G^2 is a loss."""
    bound = BOUNDS["paper.corollary1.excess.last"]
    assert rescaled(bound, "proved", 100.0) == pytest.approx(100, rel=1e-9)
    run = first(3, 4, 0.3)
    parts = bound.evaluate("published", at(run))
    scaled = Constants(**{name: 100 * v for name, v in dataclasses.asdict(UNIT).items()})
    after = bound.evaluate("published", at(first(3, 4, 0.3, scaled), scaled))
    assert float(after.initial[0] / parts.initial[0]) == pytest.approx(100, rel=1e-12)
    assert float(after.stability[0] / parts.stability[0]) == pytest.approx(1, rel=1e-12)
    assert rescaled(bound, "published", 100.0) < 99.99


class TestProved:
    def test_theorem2s_is_the_slides_where_its_steps_are_short(self):
        """eta_0 <= 2/(L + lam): no burn-in is cheaper than M/n a step, and the recursion is the same."""
        constants = dataclasses.replace(UNIT, M=math.inf)
        for T, k, alpha in ((1, 1, 1.0), (8, 4, 0.3), (50, 2, 0.7)):
            step = InverseTime(1.0, 2.0)
            here = at(Lookahead(T, k, alpha, step), constants)
            expected = value(strongly_convex.GENERALIZATION, here, "proved")
            assert value(published.GENERALIZATION_2, here, "proved") == pytest.approx(expected, rel=1e-12)

    def test_burn_in_is_the_best_one(self):
        rng = np.random.default_rng(3)
        for _ in range(20):
            T, k, alpha = int(rng.integers(1, 8)), int(rng.integers(1, 5)), float(rng.uniform(0.05, 1))
            c = Constants(L=rng.uniform(1, 9), G=1.5, lam=1.0, lam_example=1.0, mu=1.0, M=rng.uniform(0.1, 9))
            step, best = published.first_step(c), math.inf
            eta = step.sizes(T, k)
            for burn in range(k * T + 1):
                delta = 0.0
                for t in range(T):
                    fast = delta
                    for j in range(t * k, (t + 1) * k):
                        if j >= burn:
                            fast = max(1 - eta[j], eta[j] * c.L - 1) * fast + 2 * eta[j] * c.G / 7
                    delta = (1 - alpha) * delta + alpha * fast
                best = min(best, c.M * burn / 7 + c.G * delta)
            here = at(Lookahead(T, k, alpha, step), c, n=7)
            factor, gain = np.maximum(1 - eta, eta * c.L - 1), 2 * eta * c.G / 7
            found = total(published.burn_in(here, factor, gain, alpha, c.M), here, "burn-in")
            assert float(found[0]) == pytest.approx(best, rel=1e-11)
            assert value(published.GENERALIZATION_2, here, "proved") <= best * (1 + 1e-12)

    def test_theorem2s_bound_for_long_steps_equals_its_loop(self):
        rng = np.random.default_rng(6)
        for _ in range(20):
            T, k, alpha, n = int(rng.integers(1, 30)), int(rng.integers(1, 6)), float(rng.uniform(0.05, 1)), 9
            c = Constants(L=rng.uniform(1, 40), G=1.5, lam=1.0, lam_example=1.0, mu=1.0)  # M infinite: one term
            step, delta = published.first_step(c), 0.0
            eta = step.sizes(T, k)
            for t in range(T):
                own = eta[t * k : (t + 1) * k]
                if (own * c.L <= 2).all():
                    fast = delta
                    for e in own:
                        fast = max(1 - e, e * c.L - 1) * fast + 2 * e * c.G / n
                else:
                    square, added, passed = 0.0, 0.0, 1.0
                    for e in own:
                        kept = max(0.0, 1 - 2 * e)
                        square, passed = kept * square + (2 * e * c.G) ** 2, kept * passed
                        added = kept**0.5 * added + 2 * e * c.G / n
                    fast = passed**0.5 * delta + min(1, (t + 1) * k / n) * square**0.5 + added
                delta = (1 - alpha) * delta + alpha * fast
            here = at(Lookahead(T, k, alpha, step), c, n=n)
            assert float(published._monotone2(here)[0]) == pytest.approx(delta, rel=1e-11)

    def test_theorem2s_bound_for_long_steps_covers_the_worst_coupled_runs(self):
        """SGD on a nearly nonsmooth loss, |t - z| rounded at 1/L with a quadratic, two runs that differ in one example:
        their mean distance stays under the recursion at every round (4 standard errors, 4000 pairs, seed 7)."""
        rng, L, n, k, alpha, R = np.random.default_rng(7), 200.0, 10, 5, 0.5, 4000
        c = Constants(L=L, G=3.0, lam=1.0, lam_example=1.0, mu=1.0)
        algorithm = first(20, k, alpha, c)
        eta, z = algorithm.stages[0].step.sizes(20, k), rng.uniform(-0.02, 0.02, (R, n))
        other = z.copy()
        other[:, 0] = rng.uniform(-0.02, 0.02, R)
        slow, distance = np.zeros((2, R)), []
        for t in range(20):
            v = slow.copy()
            for e in eta[t * k : (t + 1) * k]:
                pick = rng.integers(n, size=R)
                at_z = np.stack([z[np.arange(R), pick], other[np.arange(R), pick]])
                v = np.clip(v - e * (v + np.clip((L - 1) * (v - at_z), -2, 2)), -1, 1)
            slow = (1 - alpha) * slow + alpha * v
            gap = np.abs(slow[0] - slow[1])
            distance.append(gap.mean() - 4 * gap.std() / math.sqrt(R))
        bound = published._monotone2(at(algorithm, c, n=n, rounds=list(range(1, 21))))
        assert (np.array(distance) <= bound).all()

    def test_theorem2_is_implied_up_to_a_condition_number_of_ten(self):
        """The printed bound is at least the re-derived one, whatever the distribution: so it is true there."""
        for ratio in (1.0, 3.0, 10.0):
            c = Constants(L=ratio, G=1.0, lam=1.0, lam_example=1.0, mu=1.0)
            for k in (1, 5, 20, 50):
                for alpha in (0.01, 0.1, 0.5, 1.0):
                    where = at(first(256, k, alpha, c), c, n=1000, rounds=[1, 2, 4, 16, 64, 256])
                    printed = value(published.GENERALIZATION_2, where)
                    assert (printed >= value(published.GENERALIZATION_2, where, "proved")).all()

    def test_theorem4s_recursion_equals_its_loop(self):
        rng = np.random.default_rng(4)
        for _ in range(20):
            T, k, alpha = int(rng.integers(1, 30)), int(rng.integers(2, 9)), float(rng.uniform(0.05, 1))
            c = dataclasses.replace(UNIT, L=3.0, rho=0.4)
            f, j = 1.7, 0
            for _ in range(T):
                fast, moved = f, 0.0
                for _ in range(k):
                    eta = 1 / (j + 1)
                    fast = max(0, 1 - 2 * eta) * fast + c.L * eta**2 * c.G**2 / 2
                    moved, j = moved + eta**2 * c.G**2, j + 1
                f = (1 - alpha) * f + alpha * fast + c.rho / 2 * alpha * (1 - alpha) * k * moved
            found = value(
                published.OPTIMIZATION_4, at(Lookahead(T, k, alpha, published.decay_step(c)), c, f0=1.7), "proved"
            )
            assert found == pytest.approx(f, rel=1e-12)

    def test_distances_on_a_ball_equal_their_loop(self):
        """No two iterates are further apart than the diameter; the recursion of rounds and the mean over them."""
        rng, ridge, linear = np.random.default_rng(9), Ridge(dim=2, lam=1.0, radius=1.0), LinearOnBall(radius=2.0)
        for _ in range(10):
            T, k, alpha, n = int(rng.integers(1, 40)), int(rng.integers(1, 6)), float(rng.uniform(0.01, 1)), 9
            c, slow = ridge.constants, 0.0
            run = Lookahead(T, k, alpha, published.divided_step(c, alpha))
            where = At(ridge, run, n, np.array([T], dtype=np.int64))
            eta = run.stages[0].step.sizes(T, k)
            factor, gain = np.maximum(1 - eta, eta * c.L - 1), 2 * c.G * eta / n
            for t in range(T):
                fast = slow
                for j in range(t * k, (t + 1) * k):
                    fast = min(2.0, factor[j] * fast + gain[j])
                slow = (1 - alpha) * slow + alpha * fast
            found = published.kept_near(where, factor, gain, alpha, 2.0)
            assert float(found[0]) == pytest.approx(slow, rel=1e-12)
            assert value(published.GENERALIZATION_4, where, "proved") <= c.G * slow * (1 + 1e-12)
            slow, seen, eta = 0.0, [], float(rng.uniform(0.1, 3))
            for _ in range(T):
                fast = slow
                for _ in range(k):
                    seen.append(fast)
                    fast = min(4.0, fast + 2 * eta / n)
                slow = (1 - alpha) * slow + alpha * fast
            where = At(linear, Lookahead(T, k, alpha, Constant(eta)), n, np.array([T], dtype=np.int64))
            free = eta / n * (alpha * k * (T - 1) + k - 1)
            found = value(published.GENERALIZATION_3, where, "proved")
            assert found == pytest.approx(min(free, float(np.mean(seen))), rel=1e-12, abs=1e-15)

    def test_theorem4s_bound_on_a_ball_covers_coupled_runs(self):
        """Two runs on mean estimation on a ball that differ in one example: their mean distance stays under the
        recursion, in which the example adds at most the diameter (4 standard errors, 4000 pairs, seed 8)."""
        rng, problem, n, k, alpha, R = np.random.default_rng(8), MeanOnBall(dim=2, radius=0.2), 10, 5, 0.3, 4000
        run = Lookahead(20, k, alpha, published.decay_step(problem.constants))
        eta, z = run.stages[0].step.sizes(20, k), rng.standard_normal((R, n + 1, 2))
        z /= np.linalg.norm(z, axis=-1, keepdims=True)
        z[:, n] = -z[:, 0]
        slow, distance = np.zeros((2, R, 2)), []
        for t in range(20):
            v = slow.copy()
            for e in eta[t * k : (t + 1) * k]:
                pick = rng.integers(n, size=R)
                v -= e * (v - np.stack([z[np.arange(R), pick], z[np.arange(R), np.where(pick == 0, n, pick)]]))
                v *= np.minimum(1, 0.2 / np.linalg.norm(v, axis=-1, keepdims=True).clip(1e-300))
            slow = (1 - alpha) * slow + alpha * v
            gap = np.linalg.norm(slow[0] - slow[1], axis=-1)
            distance.append(gap.mean() - 4 * gap.std() / math.sqrt(R))
        where = At(problem, run, n, np.arange(1, 21, dtype=np.int64))
        gain = np.minimum(0.4, 2 * 1.2 * eta) / n
        near = published.kept_near(where, np.maximum(1 - eta, eta - 1), gain, alpha, 0.4)
        assert (np.array(distance) <= near).all()
        assert (np.array(distance) > near / 3).all()
        assert (value(published.GENERALIZATION_4, where, "proved") <= 1.2 * near * (1 + 1e-12)).all()

    def test_a_projected_round_of_one_step_is_no_step_of_sgd(self):
        """theta + alpha (P(theta - eta g) - theta) is not P(theta - alpha eta g): long steps count as they are."""
        ridge = Ridge(dim=2, lam=1.0, radius=1.0)
        where = At(
            ridge,
            Lookahead(1, 1, 0.01, published.divided_step(ridge.constants, 0.01)),
            20,
            np.array([1], dtype=np.int64),
        )
        c = ridge.constants
        assert value(published.GENERALIZATION_4, where, "proved") == pytest.approx(
            min(c.M / 20, c.G * 0.01 * min(2.0, 2 * c.G * 100) / 20), rel=1e-12
        )

    def test_lookahead_with_k_one_is_sgd(self):
        """Theorem 4's bounds for alpha eta are SGD's own, in the two readings of one algorithm."""
        literal = at(Lookahead(9, 1, 0.2, published.divided_step(UNIT, 0.2)), n=20)
        sgd = at(SGD(9, published.decay_step(UNIT)), n=20)
        found = value(published.GENERALIZATION_4, literal, "proved")
        assert found == pytest.approx(value(published.GENERALIZATION_4, sgd, "proved"), rel=1e-12)


@pytest.mark.parametrize(
    ("bound", "problem", "algorithm", "words"),
    [
        (published.OPTIMIZATION_1, MeanEstimation(), Lookahead(8, 4, 0.5, InverseTime(1.0, 2)), "1/(0.5 (j + 2))"),
        (published.OPTIMIZATION_1, Logistic(), Lookahead(8, 4, 0.5, InverseTime(1.0, 2)), "strong convexity"),
        (published.GENERALIZATION_3, Logistic(), Lookahead(8, 4, 0.5, Constant(9.0)), "2/L"),
        (published.GENERALIZATION_3, WarpedMean(), Lookahead(8, 4, 0.5, Constant(0.1)), "convexity"),
        (published.GENERALIZATION_4, MeanEstimation(), Lookahead(8, 4, 0.5, InverseTime(0.5, 1)), "step sizes <= 1"),
        (published.GENERALIZATION_4, MeanEstimation(), Lookahead(8, 4, 0.5, InverseTime(1.0, 2)), "alpha mu"),
        (
            published.GENERALIZATION_4,
            SinePerturbedQuadratic(),
            Lookahead(8, 1, 0.1, InverseTime(SinePerturbedQuadratic().constants.mu, 1)),
            "l_max",
        ),
        (published.GENERALIZATION_5, MeanEstimation(), published.stages(UNIT, 2.0, 2, 0.5, 5, beta=0.2), "m/6"),
        (published.GENERALIZATION_6_II, MeanEstimation(), published.stages(UNIT, 2.0, 2, 0.5, 5), "beta > alpha L"),
        (published.GENERALIZATION_5, MeanEstimation(), Lookahead(8, 4, 0.5, Constant(0.1)), "average"),
    ],
)
def test_a_bound_names_the_hypothesis_that_fails(bound, problem, algorithm, words):
    reason = bound.excludes(problem, algorithm)
    assert words in reason
    assert "\n" not in reason
    assert bound.title.split(",")[0] in reason


@pytest.mark.parametrize(
    ("bound", "problem", "algorithm"),
    [
        (published.GENERALIZATION_2, MeanEstimation(), Lookahead(8, 4, 0.5, InverseTime(0.5, 2))),
        (
            published.GENERALIZATION_2,
            Ridge(lam=0.5),
            Lookahead(8, 4, 0.5, published.first_step(Ridge(lam=0.5).constants)),
        ),
        (published.GENERALIZATION_3, LinearOnBall(), Lookahead(8, 4, 0.5, SqrtHorizon(1.0))),
        (published.GENERALIZATION_4, MeanEstimation(), Lookahead(8, 1, 0.01, InverseTime(0.01, 1))),
        (published.GENERALIZATION_4, MeanEstimation(), Lookahead(8, 5, 0.01, InverseTime(1.0, 1))),
        (published.GENERALIZATION_6_II, MeanEstimation(), published.stages(UNIT, 2.0, 2, 0.01, 5)),
    ],
)
def test_a_bound_covers_what_it_is_stated_for(bound, problem, algorithm):
    assert bound.excludes(problem, algorithm) is None


def test_every_bound_has_a_place_and_both_numbers():
    for bound in BOUNDS.values():
        assert bound.source.place.startswith("supplement, p. ")
        assert "of the paper (slide " in bound.title
        assert {"published", "proved"} <= set(bound.forms)
    assert {name for own in published.SLIDES.values() for name in own} == set(published.TITLES)


# The violations, and what must not be one.


def times(bound, factor, form="published"):
    """The bound with one form multiplied."""
    own = getattr(bound, form)

    def scaled(where):
        return factor * total(own(where), where, bound.name)

    return dataclasses.replace(bound, **{form: scaled})


def outcome(name, bounds, size, algorithm, problem=None):
    """{(bound, form): outcome} of some bounds in an experiment of the study, at a size of the test's own."""
    asked = importlib.import_module(f"experiments.{name}").EXPERIMENT
    asked = dataclasses.replace(asked, bounds=tuple(bounds), algorithms={algorithm: asked.algorithms[algorithm]})
    if problem is not None:
        asked = asked.on(problem)
    found = riskkit.run(asked, size).verdicts
    return {(one.bound, one.form): str(one.verdict.outcome) for one in found if one.form in ("published", "proved")}


def three(bound, factor, divisor):
    """The bound, the printed one times a factor and the re-derived one divided, under names of their own."""
    return (
        bound,
        dataclasses.replace(times(bound, factor), name="larger", proved=None),
        dataclasses.replace(times(bound, 1 / divisor, "proved"), name="smaller", published=None),
    )


CASES = {
    "theorem3": (
        "printed_theorem3",
        published.GENERALIZATION_3,
        8.0,
        3.0,
        Size(Grid(n=20, k=20, alpha=0.1, T=(1, 4)), 1024),
        "Lookahead",
    ),
    "theorem4, 1/(alpha mu (j+1))": (
        "printed_theorem4",
        published.GENERALIZATION_4,
        24.0,
        3.0,
        Size(Grid(n=20, radius=1, condition=1, k=1, alpha=0.01, T=1), 1024),
        "Lookahead, step 1/(alpha mu (j+1))",
    ),
    "theorem4, 1/(mu (j+1))": (
        "printed_theorem4",
        published.GENERALIZATION_4,
        3.0,
        3.0,
        Size(Grid(n=20, radius=0.1, condition=1, k=1, alpha=0.001, T=1000), 2048),
        "Lookahead, step 1/(mu (j+1))",
    ),
    "theorem5": (
        "printed_theorem5",
        published.GENERALIZATION_5,
        4.0,
        3.0,
        Size(Grid(n=1000, radius=0.1, k=1, alpha=0.02, S=3), 512),
        "SLRLA",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_printed_bound_fails_where_the_rederived_one_holds(case):
    """And larger printed ones hold, smaller re-derived ones fail: the verdicts are about the constants."""
    name, bound, factor, divisor, size, algorithm = CASES[case]
    assert outcome(name, three(bound, factor, divisor), size, algorithm) == {
        (bound.name, "published"): "VIOLATED",
        (bound.name, "proved"): "HOLDS",
        ("larger", "published"): "HOLDS",
        ("smaller", "proved"): "VIOLATED",
    }


def test_theorem3_fails_exactly_where_it_is_computed_to():
    """On the linear loss: (alpha k (T-1) + k - 1)/2 > alpha k T; measured one by one, at 4 standard errors."""
    for k, alpha, T in ((20, 0.1, 1), (20, 0.1, 4), (20, 0.1, 12), (5, 0.5, 1), (5, 0.2, 1), (2, 0.1, 1)):
        run = Lookahead(T, k, alpha, Constant(0.02))
        found = simulate(LinearOnBall(dim=4, radius=5.0), run, n=20, replicates=2000, seed=5)
        measured = found.at("generalization", T, "average")
        printed = alpha * 0.02 * k * T / 20
        error = measured.std(ddof=1) / math.sqrt(len(measured))
        gap = (measured.mean() - printed) / error
        exact = 0.02 / 40 * (alpha * k * (T - 1) + k - 1)
        assert bool(published.theorem3_fails(k, alpha, T)) == (exact > printed)
        assert abs(measured.mean() - exact) < 4 * error
        if abs(exact - printed) > 8 * error:
            assert np.sign(gap) == np.sign(exact - printed)


def test_theorem3s_printed_bound_is_below_the_rederived_one_where_alpha_k_is_below_k_minus_1():
    for k, alpha in ((20, 0.1), (20, 0.95), (20, 0.96), (5, 0.8), (5, 0.81), (1, 0.3)):
        for T in (1, 7):
            where = at(Lookahead(T, k, alpha, Constant(0.1)))
            printed, derived = (
                value(published.GENERALIZATION_3, where),
                value(convex.GENERALIZATION_AVERAGE, where, "proved"),
            )
            assert (printed < derived * (1 - 1e-12)) == (alpha * k < (k - 1) * (1 - 1e-12))


# What is said of the proofs, on the command line and in the documents.


def test_every_failing_step_is_confirmed_by_its_computation():
    rows = proof_audits.table()
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        assert row.confirmed, row
        assert "\n" not in row.finding
    refuted = {name for step in proof_audits.STEPS if step.refutes for name in step.theorems}
    assert refuted == {"theorem3", "theorem4", "theorem5", "theorem6"}


NAMES = ["printed_theorem3", "printed_theorem4"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A quick run of two experiments."""
    out = tmp_path_factory.mktemp("printed")
    assert riskkit.sweep.main([*NAMES, "--quick", "--replicates", "32", "--jobs", "1", "--out", str(out)]) == 0
    return out


def explained(capsys, *words):
    assert cli.main(["explain", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", [*published.TITLES])
def test_explain_puts_the_forms_side_by_side(name, capsys):
    printed = explained(capsys, f"paper.{name}", "--T", "4", "--k", "1", "--alpha", "0.1", "--replicates", "32")
    assert "published / proved" in printed
    assert f"{published.TITLES[name]}: steps of the proof that fail" in printed
    assert "What stands: " in printed
    for bound in published.of_theorem(name):
        assert bound.name in printed
        assert bound.source.place in printed


def test_explain_and_the_report_answer_for_a_theorem_from_what_is_stored(stored, capsys):
    """Whether it holds, how far above the measurement and the re-derived bound it lies, what fails, what stands."""
    words = ("--T", "1", "--k", "20", "--alpha", "0.1", "--replicates", "8", "--results", str(stored))
    said = " ".join(explained(capsys, "paper.theorem3", *words).split())
    assert "the printed bound on the generalization error, average of Lookahead is VIOLATED in" in said
    page = (stored / "report.html").read_text()
    for name in ("theorem3", "theorem4"):
        start = page.index(f'id="printed-{name}"')
        part = page[start : page.index("</section>", start)]
        assert "VIOLATED in" in part
        assert "re-derived bounds hold" in part
        assert published.STANDS[name][:20] in part
        assert part.count("<table>") == 2
        for step in proof_audits.STEPS:
            if name in step.theorems:
                assert step.page in part
    assert "#printed-theorem3" in page
    empty = explained(capsys, "paper.theorem5", "--k", "1", "--results", str(stored))
    assert "nothing stored tests it" in empty


def test_forms_have_statements_of_their_own(stored):
    """A caption calls the printed bound printed, and the re-derived one explicit."""
    for bound in BOUNDS.values():
        assert bound.statement
        assert bound.published_statement
        same = bound.name in ("paper.theorem3.optimization.average", "paper.theorem3.generalization.last")
        assert (bound.statement == bound.published_statement) == same
    caption = (stored / "printed_theorem4" / "tables" / "bounds.md").read_text()
    assert "| as printed |" in caption
    text = (stored / "printed_theorem3" / "figures" / "printed_map.txt").read_text()
    own = published.GENERALIZATION_3
    assert f"as printed ${own.published_statement}$; explicit bound ${own.statement}$." in text


def test_explain_of_a_slide_names_the_papers_theorems(capsys):
    for slide, own in published.SLIDES.items():
        printed = explained(capsys, slide, "--T", "4", "--k", "2", "--alpha", "0.5", "--replicates", "32")
        for name in own:
            assert published.TITLES[name] in printed


def test_explain_evaluates_what_the_bounds_say(capsys):
    words = (
        "--problem",
        "MeanEstimation",
        "--T",
        "1",
        "--k",
        "1",
        "--alpha",
        "0.01",
        "--n",
        "20",
        "--replicates",
        "32",
    )
    printed = explained(capsys, "paper.theorem4.generalization", *words)
    row = next(line for line in printed.splitlines() if "0.00434" in line)
    cells = [cell.strip() for cell in row.strip("│ |").replace("│", "|").split("|")]
    assert cells == ["20", "1", "0.01", "1", "0.0005496", "0.00434", "0.1", "0.0434", "2"]


def test_explain_lists_the_failing_steps(capsys):
    printed = explained(capsys, "proofs")
    assert "NOT CONFIRMED" not in printed
    assert printed.count("Theorem 4") >= 6


def test_the_page_has_the_steps_and_what_stands(monkeypatch):
    """Those two tables need no results; ``python docs/refresh_printed.py`` writes them."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    refresh = importlib.import_module("refresh_printed")
    page = (ROOT / "docs" / "printed.md").read_text()
    assert refresh.stands() in page
    assert refresh.proofs() in page
    for _, bound, _ in refresh.ROWS:
        assert bound in published.BOUNDS
    assert page.count("VIOLATED in ") == 7


def test_the_page_is_refused_where_a_sentence_of_it_is_false(stored, tmp_path, monkeypatch):
    """Each kind of sentence, falsified once in a copy of an experiment's verdicts and table."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    refresh = importlib.import_module("refresh_printed")
    name = "printed_theorem3"

    def said(bound, form, outcome):
        def change(levels, cells):
            for one in levels:
                if (one["bound"], one["form"]) == (f"paper.theorem3.{bound}", form):
                    one["outcome"] = outcome

        return change

    def untrue(change=lambda levels, cells: None):
        copy = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        shutil.copytree(stored / name, copy / name, ignore=shutil.ignore_patterns("shards", "figures", "tables"))
        record = json.loads((copy / name / "verdict.json").read_text())
        levels = [one for one in record["verdicts"] if not one["axis"]]
        for one in levels:
            one["outcome"] = "HOLDS" if one["outcome"] == "INCONCLUSIVE" else one["outcome"]
        cells = list(csv.DictReader((copy / name / "table.csv").read_text().splitlines()))
        change(levels, cells)
        (copy / name / "verdict.json").write_text(json.dumps(record))
        with (copy / name / "table.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, cells[0])
            writer.writeheader()
            writer.writerows(cells)
        return refresh.untrue(copy)

    monkeypatch.setattr(refresh, "VIOLATED", {"paper.theorem3.generalization.average"})
    assert untrue() == []
    for bound, outcome in (("generalization.last", "VIOLATED"), ("generalization.average", "HOLDS")):
        (found,) = untrue(said(bound, "published", outcome))
        assert "where the page says paper.theorem3.generalization.average" in found
    found = untrue(said("excess.average", "proved", "VIOLATED"))
    assert found == 2 * ["the re-derived bound paper.theorem3.excess.average does not hold in printed_theorem3"]
    found = untrue(lambda levels, cells: [cell.update(trivial="1e-9") for cell in cells])
    assert any("is vacuous where the printed one is violated: n=20" in one for one in found)
    monkeypatch.setattr(refresh, "ABOVE", {"paper.theorem3.generalization.average"})
    assert any("times the re-derived bound in printed_theorem3" in one for one in untrue())


def test_sgd_that_is_shared_by_grids_of_several_k_is_as_long_as_its_longest_reader():
    """alpha = 1 is one run for every k; the longest in gradients, not in rounds, serves all of them."""
    asked = importlib.import_module("experiments.printed_theorem3").EXPERIMENT
    sizes = Size(
        (Grid(n=20, k=5, alpha=1.0, T=9), Grid(n=20, k=20, alpha=1.0, T=1), Grid(n=20, k=1, alpha=1.0, T=10)), 2
    )
    plan = asked.plan(sizes)
    assert sorted({cell.gradients for cell in plan.cells if cell.name == "Lookahead"}) == [10, 20, 45]


def test_both_figures_are_drawn_from_a_quick_run_with_numbers_of_the_table(stored):
    one = [plot.stored(stored / name) for name in NAMES]
    page = drawing.figure_modules()["printed"].draw(one)
    drawn = [record["y"] for record in page.records if record["kind"] == "measured"]
    known = {value for part in one for value in part.table["mean"]}
    assert len(drawn) >= 12
    assert set(drawn) <= known
    page = drawing.figure_modules()["printed_map"].draw(one[0])
    cells = one[0].rows(quantity="generalization", output="average", algorithm="Lookahead")
    ratios = set((cells["mean"] / cells["published"]).tolist())
    assert len(page.records) > 30
    assert {record["y"] for record in page.records} <= ratios
    for name in ("printed_theorem3/figures/printed_map", "figures/printed"):
        assert (stored / f"{name}.pdf").stat().st_size > 0
