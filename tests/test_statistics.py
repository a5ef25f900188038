"""The statistics against independent libraries and on planted truths. Seeds are fixed; false-alarm rates are stated."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.multitest import multipletests

from riskkit import Constant, Lookahead, SqrtHorizon, simulate
from riskkit.judges.exponent import judge_exponent
from riskkit.judges.identity import judge_control, judge_identity
from riskkit.judges.level import judge_level
from riskkit.judges.outcome import Outcome, adjust, not_covered
from riskkit.judges.rate import judge_rate
from riskkit.stats import slopes
from riskkit.stats.bands import simultaneous_band, simultaneous_bands
from riskkit.stats.multiplicity import cautious, holm
from riskkit.stats.paired import paired_difference, paired_ratio
from riskkit.stats.planning import replicates_for_precision, replicates_needed
from riskkit.stats.power_sums import Floor, fit_powers

X = 2.0 ** np.arange(3, 11)


def errors(mean, R, seed=0, correlation=0.0, d=4):
    """(R, P) chi-square errors with the given means; neighbouring columns correlated."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((R, 1, d))
    z = correlation**0.5 * common + (1 - correlation) ** 0.5 * rng.standard_normal((R, len(mean), d))
    return (z**2).mean(-1) * mean


class TestOracles:
    """Equal, to rounding, with what scipy and statsmodels compute."""

    def test_slope_is_weighted_least_squares(self):
        values = errors(3 / X, 200)
        fit = slopes.fit_rate(values, X)
        model = sm.WLS(np.log(values.mean(0)), sm.add_constant(np.log(X)), weights=fit.weights).fit()
        assert fit.slope == pytest.approx(model.params[1], rel=1e-10)
        assert fit.intercept == pytest.approx(model.params[0], rel=1e-10)
        sem = values.std(0, ddof=1) / values.mean(0)  # the delta method: sd of log mean, up to sqrt(R)
        np.testing.assert_allclose(fit.weights, sem**-2 / (sem**-2).sum(), rtol=1e-10)

    def test_jackknife_is_leaving_out_one_replicate_at_a_time(self):
        values = errors(3 / X, 40, seed=1)
        fit = slopes.fit_rate(values, X)
        found = []
        for r in range(40):
            left = np.delete(values, r, axis=0)
            weights = (left.std(0) / left.mean(0)) ** -2
            found.append(sm.WLS(np.log(left.mean(0)), sm.add_constant(np.log(X)), weights=weights).fit().params[1])
        se = (39 / 40 * np.sum((np.array(found) - np.mean(found)) ** 2)) ** 0.5
        assert fit.se == pytest.approx(se, rel=1e-6)
        half = stats.t.ppf(0.975, 39) * fit.se
        assert (fit.low, fit.high) == pytest.approx((fit.slope - half, fit.slope + half), rel=1e-10)

    def test_mean_interval_is_the_t_interval(self):
        values = errors(np.ones(3), 50, seed=2)
        found = slopes.estimate(values)
        low, high = stats.t.interval(0.95, 49, loc=values.mean(0), scale=stats.sem(values, axis=0))
        np.testing.assert_allclose([found.low, found.high], [low, high], rtol=1e-12)

    def test_holm(self):
        p = np.random.default_rng(3).uniform(size=30) ** 3
        np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12)

    def test_paired_ratio_against_the_delta_method(self):
        a, b = errors(np.array([2.0]), 4000, seed=4)[:, 0], errors(np.array([1.0]), 4000, seed=4)[:, 0] + 0.1
        found = paired_ratio(a, b)
        influence = a / a.mean() - b / b.mean()
        assert float(found.log_se) == pytest.approx(influence.std(ddof=1) / 4000**0.5, rel=0.15)
        assert float(found.ratio) == pytest.approx(a.mean() / b.mean(), rel=1e-12)

    def test_paired_p_values_are_two_sided_t_tests(self):
        """Of the log ratio over its jackknife error, and of scipy's paired t test."""
        a, b = errors(np.array([1.02]), 400, seed=4)[:, 0], errors(np.array([1.0]), 400, seed=5)[:, 0]
        ratio, apart = paired_ratio(a, b), paired_difference(a, b)
        t = abs(np.log(float(ratio.ratio))) / float(ratio.log_se)
        assert float(ratio.p_value) == pytest.approx(2 * stats.t.sf(t, 399), rel=1e-9)
        assert float(apart.p_value) == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)
        assert 0.05 < float(ratio.p_value) < 1

    def test_one_column_band_is_a_t_interval_for_normal_values(self):
        values = np.random.default_rng(5).normal(1, 1, (400, 1))
        band = simultaneous_band(values)
        half = stats.t.ppf(0.975, 399) * stats.sem(values[:, 0])
        assert band.high[0] - band.mean[0] == pytest.approx(half, rel=0.1)
        assert band.mean[0] - band.low[0] == pytest.approx(half, rel=0.1)

    def test_bands_over_sets_of_columns_are_the_bands_over_each(self):
        values = errors(np.ones(300), 40, seed=6)
        values[:, 7] = 2.0
        sets = [np.arange(3, 290), np.array([7]), np.array([5, 7, 290]), np.array([299])]
        for places, band in zip(sets, simultaneous_bands(values, sets), strict=True):
            alone = simultaneous_band(values[:, places])
            for name in ("mean", "sem", "low", "high"):
                np.testing.assert_allclose(getattr(band, name), getattr(alone, name), rtol=1e-12)
            for mine, theirs in ((band.over, alone.over), (band.under, alone.under)):
                assert (mine.points, mine.df) == (theirs.points, theirs.df)
                np.testing.assert_allclose(mine.suprema, theirs.suprema, rtol=1e-9)


class TestPlantedTruths:
    """With power: a verdict that is asserted is the right one. Each single seed was not chosen, only fixed."""

    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize(("exponent", "outcome"), [(-1.0, "TIGHT"), (-1.3, "LOOSE")])
    def test_exponents(self, seed, exponent, outcome):
        """False assertions at .05 each are excluded by power at 1,000 replicates (se of the slope about .008)."""
        values = errors(X**exponent, 1000, seed, correlation=0.8)
        found = judge_rate(values, X, 1 / X, 5 / X, np.full(8, 9.0), subject="s", quantity="optimization", axis="T")
        assert found.outcome == outcome
        assert found.slope_low < exponent < found.slope_high or abs(found.slope - exponent) < 0.03

    def test_growth_without_a_bound_that_holds_is_refuted_and_with_one_is_not(self):
        values = errors(X**-0.7, 1000, correlation=0.8)
        arguments = {"subject": "s", "quantity": "optimization", "axis": "T"}
        trivial = np.full(8, 9.0)
        assert judge_rate(values, X, 1 / X, 1 / X, trivial, **arguments).outcome is Outcome.REFUTED
        held = judge_rate(values, X, 1 / X, 100 / X, trivial, **arguments).outcome
        assert held not in (Outcome.REFUTED, Outcome.TIGHT, Outcome.LOOSE)

    def test_a_claim_that_does_not_decrease_is_not_decaying(self):
        values = errors(1 / X, 100)
        found = judge_rate(
            values, X, np.ones(8), np.ones(8), np.full(8, 9.0), subject="s", quantity="optimization", axis="T"
        )
        assert found.outcome is Outcome.NOT_DECAYING

    def test_levels(self):
        values = errors(1 / X, 40_000, correlation=0.9)
        judge = {"trivial": np.full(8, 9.0), "subject": "s"}
        assert judge_level(values, 1.2 / X, **judge).outcome is Outcome.HOLDS
        assert judge_level(values, 0.98 / X, **judge).outcome is Outcome.VIOLATED
        assert judge_level(values[:10], 0.98 / X, **judge).outcome is Outcome.INCONCLUSIVE
        assert judge_level(values, 1 / X, **judge).outcome is Outcome.HOLDS  # an equality, within the tolerance
        # A mean that is 0 in every replicate is under a bound of 0, and is neither an infinite share of it nor a nan.
        nothing = np.where(np.arange(X.size) == 0, 0.0, 1.0)
        assert judge_level(values * nothing, 1.2 / X * nothing, **judge).outcome is Outcome.HOLDS
        assert judge_level(values * nothing, 0.98 / X * nothing, **judge).outcome is Outcome.VIOLATED
        assert judge_level(values, 1.2 / X * nothing, **judge).outcome is Outcome.VIOLATED
        assert judge_level(values, np.full(8, 10.0), **judge).outcome is Outcome.VACUOUS
        # Under a bound that leaves room for the whole range, within the tolerance, few replicates are enough.
        assert judge_level(1e-9 * values[:64], np.full(8, 8.99), **judge).outcome is Outcome.HOLDS
        starved = judge_level(values[:64], 1.01 / X, **judge)
        assert starved.outcome is Outcome.INCONCLUSIVE
        assert starved.replicates_needed > 64

    def test_a_signed_error_is_judged_by_its_modulus(self):
        values = -errors(1 / X, 2000)
        assert judge_level(values, 0.5 / X, np.full(8, 9.0), subject="s").outcome is Outcome.VIOLATED
        assert judge_level(values, 1.5 / X, np.full(8, 9.0), subject="s").outcome is Outcome.HOLDS

    def test_a_diverged_cell_forbids_holds(self):
        values = errors(1 / X, 200)
        values[3, 5] = np.nan
        assert judge_level(values, 5 / X, np.full(8, 9.0), subject="s").outcome is Outcome.INCONCLUSIVE

    def test_exponent_and_identity_against_an_oracle(self):
        curve = 1 / X + 30 / X**2
        values = errors(curve, 2000, correlation=0.8)
        agrees = judge_exponent(values, X, curve, subject="s", axis="T", asymptote=-1.0)
        assert agrees.outcome is Outcome.AGREES
        assert agrees.slope < -1.1  # pre-asymptotic, and yet the oracle's
        assert judge_exponent(values, X, 1 / X, subject="s", axis="T").outcome is Outcome.DISAGREES
        assert judge_identity(values, curve, subject="s").outcome is Outcome.INCONCLUSIVE  # its band is wider than 5%
        assert judge_identity(values, curve, subject="s", margin=0.1).outcome is Outcome.AGREES
        assert judge_identity(values, 1.2 * curve, subject="s").outcome is Outcome.DISAGREES
        assert judge_identity(values[:40], curve, subject="s").outcome is Outcome.INCONCLUSIVE

    def test_checkpoints_of_one_run_give_one_independent_unit(self):
        """Repeating every column does not narrow the interval."""
        values = errors(1 / X, 100)
        once = slopes.fit_rate(values, X)
        twice = slopes.fit_rate(np.repeat(values, 2, axis=1), np.repeat(X, 2) * np.tile([1, 1 + 1e-9], 8))
        assert twice.se == pytest.approx(once.se, rel=1e-3)

    def test_a_mean_under_the_floor_is_a_status_not_a_hole(self):
        values = errors(1 / X, 100)
        values[:, 3] -= values[:, 3].mean() + 0.1
        fit = slopes.fit_rate(values, X)
        assert not fit.fitted
        assert np.isnan(fit.slope)
        assert fit.reason

    def test_log_of_the_mean_not_mean_of_logs(self):
        rng = np.random.default_rng(7)
        sigma = np.linspace(0.1, 1.5, 8)  # the spread grows along the axis: mean logs would bend the slope
        values = np.exp(sigma * rng.standard_normal((4000, 8)) - sigma**2 / 2) / X
        fit = slopes.fit_rate(values, X)
        assert fit.low < -1 < fit.high
        assert abs(np.polyfit(np.log(X), np.log(values).mean(0), 1)[0] + 1) > 0.1

    def test_sums_of_powers_are_taken_apart(self):
        n, T = (np.array(a, dtype=float).ravel() for a in zip(*itertools.product(X[:5], X), strict=True))
        truth = 4 / n + 2 * T**-0.5 + 0.01
        found = fit_powers(errors(truth, 4000, correlation=0.99), [n, T], floor=Floor.FREE)
        assert (found.exponents_low < [-1, -0.5]).all()
        assert (found.exponents_high > [-1, -0.5]).all()
        np.testing.assert_allclose(found.exponents, [-1, -0.5], atol=0.1)


class TestPrecisionAndFamilies:
    def test_looks_read_prefixes_and_stop_on_width(self):
        values = errors(1 / X, 4096)
        look = replicates_for_precision(values, X, 0.02)
        assert look.reached
        again = replicates_for_precision(values[: look.replicates], X, 0.02)
        assert again.replicates == look.replicates
        fit = slopes.fit_rate(values[: look.replicates], X)
        assert (fit.high - fit.low) / 2 <= 0.02
        assert not replicates_for_precision(values[:64], X, 0.001).reached

    def test_planning_formula_foresees_the_width(self):
        needed = replicates_needed(0.02, X, cv2=0.5)
        widths = []
        for seed in range(20):
            fit = slopes.fit_rate(errors(1 / X, needed, seed), X)
            widths.append((fit.high - fit.low) / 2)
        assert np.mean(widths) == pytest.approx(0.02, rel=0.1)

    def test_a_family_is_adjusted_and_weak_assertions_withdrawn(self):
        strong = judge_level(errors(1 / X, 5000), 0.5 / X, np.full(8, 9.0), subject="s")
        weak = dataclasses.replace(strong, p_value=0.02, p_adjusted=0.02)
        family = adjust([weak, *[dataclasses.replace(strong, p_value=0.6)] * 9, strong])
        assert family[0].outcome is Outcome.INCONCLUSIVE
        assert family[-1].outcome is Outcome.VIOLATED
        assert family[0].family == 11
        assert family[0].p_adjusted == pytest.approx(
            holm([v.p_value for v in [weak, *[weak] * 0]] + [0.6] * 9 + [strong.p_value])[0]
        )

    def test_every_outcome_is_one_sentence_and_plain_json(self):
        verdicts = [
            judge_level(errors(1 / X, 100), 5 / X, np.full(8, 9.0), subject="The error of A"),
            judge_rate(errors(1 / X, 20), X, 1 / X, 5 / X, None, subject="The error of A", quantity="excess", axis="T"),
            not_covered("level", "Theorem 2 needs strong convexity; logistic is convex.", subject="The error of A"),
        ]
        for verdict in verdicts:
            assert verdict.sentence.startswith("The error of A: ")
            assert verdict.sentence.endswith(".")
            assert "\n" not in verdict.sentence
            assert "prove" not in verdict.sentence or "never proves" in verdict.sentence
            assert json.loads(json.dumps(verdict.to_json(), allow_nan=False))["outcome"] == verdict.outcome


class TestNegativeControls:
    """What must be caught, on problems whose truth is known. (Bound / 10: test_sweep.py.)"""

    def test_a_step_above_two_over_L_breaks_the_stability_bound(self):
        """h = 2.4 > 2: distances to the neighbour's run grow by 1.4 a step, and so does the generalization error."""
        from problems import MeanEstimation
        from riskkit.theory.zhou2021 import convex
        from riskkit.theory.zhou2021.setting import Setting

        problem = MeanEstimation(dim=4)
        algorithm = Lookahead(24, 1, 1.0, Constant(2.4))
        assert "step sizes <= 1 " in convex.GENERALIZATION_LAST.excludes(problem, algorithm)
        m = simulate(problem, algorithm, n=50, replicates=2000)
        setting = Setting(problem.constants, Constant(2.4), n=50, T=24, k=1, alpha=1.0)
        bound = np.sum(convex.GENERALIZATION_LAST.explicit(setting), axis=0)
        found = judge_level(m.generalization[:, None], [float(bound)], None, subject="s")
        assert found.outcome is Outcome.VIOLATED

    def test_alpha_on_the_wrong_weights_disagrees_with_the_oracle(self):
        """alpha theta + (1-alpha) v: Lookahead with 1 - alpha in the place of alpha."""
        from problems import LinearOnBall

        problem, step = LinearOnBall(dim=8, radius=100.0), SqrtHorizon(1.0)
        for alpha, outcome in ((0.3, Outcome.AGREES), (0.7, Outcome.DISAGREES)):
            m = simulate(problem, Lookahead(50, 4, alpha, step), n=20, replicates=2000)
            exact = 0.3 * (1 / 200**0.5) * 200 / 20
            assert judge_identity(m.generalization[:, None], [exact], subject="s").outcome is outcome

    def test_one_index_stream_for_all_replicates_is_caught_by_the_second_moment(self):
        """With one stream the replicates keep a common error: the spread of blocks of means gives it away."""
        from problems import MeanEstimation
        from riskkit import Stream
        from riskkit.theory import exact_moments

        problem, algorithm = MeanEstimation(dim=2), Lookahead(30, 5, 0.5, Constant(0.3))
        data = np.array([[1.0, 0.0], [-1.0, 0.0]])
        shared = Stream(3, [0]).indices(2, 0, 150)[0].numpy()
        moments = exact_moments.quadratic_moments(np.full((30, 5), 0.3), 0.5, [30])
        exact = [float(0.5 * (moments.m2[0] + moments.u[0]))]  # D_S = V_S = 1
        one = simulate(problem, algorithm, data=data, indices=shared, replicates=500)
        assert judge_identity(one.optimization[:, None], exact, subject="s").outcome is Outcome.DISAGREES
        own = simulate(problem, algorithm, data=data, replicates=16000)
        assert judge_identity(own.optimization[:, None], exact, subject="s").outcome is Outcome.AGREES


def test_rounding_is_no_disagreement():
    """Differences of 1e-16 of the scale have a mean and a tiny spread, and say nothing; differences of 1e-6 do."""
    noise = np.random.default_rng(5).normal(size=(128, 3))
    alike = judge_identity(1e-16 * (5 + noise), np.zeros(3), subject="a", scale=np.ones(3))
    assert alike.outcome is Outcome.AGREES
    apart = judge_identity(1e-6 * (5 + noise), np.zeros(3), subject="a", scale=np.ones(3))
    assert apart.outcome is Outcome.DISAGREES
    assert "% of the compared means from the exact 0, and the margin" in alike.finding


class TestAgreement:
    """An identity is an equivalence: what is said lies inside the margin, and no word stands beside its refutation."""

    def test_a_truth_a_tenth_off_does_not_agree(self):
        """100 trials at 1,024 replicates, cv 1: AGREES at 4 standard errors passed 88 of them."""
        said = [
            judge_identity(1.1 * errors(np.ones(1), 1024, seed, d=2), np.ones(1), subject="s").outcome
            for seed in range(100)
        ]
        assert Outcome.AGREES not in said
        wide = errors(1.1 * np.ones(1), 100_000, 2, d=8)  # AGREES is withheld once in 20 seeds, as with seed 1
        assert judge_identity(wide, np.ones(1), subject="s").outcome is Outcome.DISAGREES
        assert judge_identity(wide, 1.1 * np.ones(1), subject="s").outcome is Outcome.AGREES

    def test_what_the_band_leaves_out_does_not_agree_however_near(self):
        """3.9 standard errors are a hundredth of the margin here."""
        noise = np.random.default_rng(0).standard_normal((1000, 1))
        noise = 1e-4 * (noise - noise.mean()) / noise.std(ddof=1)
        found = judge_identity(1 + noise + 3.9e-4 / 1000**0.5, np.ones(1), subject="s")
        assert found.outcome is Outcome.DISAGREES
        assert judge_identity(1 + noise, np.ones(1), subject="s").outcome is Outcome.AGREES

    def test_a_fault_is_told_by_the_band_and_its_sentence_has_no_precision(self):
        values = errors(np.ones(3), 2000, d=8)
        found = judge_control(values, 1.2 * np.ones(3), subject="s")
        assert found.outcome is Outcome.DETECTED
        assert "%" not in found.sentence
        assert judge_control(values, np.ones(3), subject="s").outcome is Outcome.MISSED
        assert judge_control(values[100:164], np.ones(3), subject="s").outcome is Outcome.INCONCLUSIVE


class TestWhatIsNotKnown:
    def test_no_p_value_below_a_thousandth_is_printed_or_stored(self):
        strong = judge_level(errors(1 / X, 5000), 0.5 / X, None, subject="s")
        (found,) = adjust([strong])
        assert "p < 0.001 after Holm" in found.sentence
        assert found.to_json()["p_value"] == found.to_json()["p_adjusted"] == 0.001

    def test_far_tails_are_believed_less(self):
        assert [cautious(p) for p in (0.5, 0.01, 0.0)] == [0.5, 0.01, 0.0]
        assert cautious(1e-4) == pytest.approx(1e-3)
        assert cautious(1e-6) == pytest.approx(1e-4)
        assert np.isnan(cautious(np.nan))

    def test_what_a_few_replicates_may_have_missed_forbids_holds_unless_the_range_leaves_no_room(self):
        values = errors(0.5 * np.ones(4), 64, d=40)
        assert judge_level(values, np.ones(4), None, subject="s").outcome is Outcome.INCONCLUSIVE
        assert judge_level(values, np.ones(4), np.full(4, 100.0), subject="s").outcome is Outcome.INCONCLUSIVE
        assert judge_level(values, np.ones(4), np.full(4, 2.0), subject="s").outcome is Outcome.HOLDS
        more = errors(0.5 * np.ones(4), 128, d=40)
        assert judge_level(more, np.ones(4), None, subject="s").outcome is Outcome.HOLDS
        assert judge_level(values[:, :1], [0.4], None, subject="s").outcome is Outcome.VIOLATED

    def test_a_bound_that_is_an_estimate_is_compared_with_its_error(self):
        """Bound and mean on the same replicates: of two alike the ratio is known; of two apart it is not."""
        rng = np.random.default_rng(3)
        own, other = rng.gamma(1, 1, (2, 400, 1))
        alone = judge_level(own, [other.mean()], None, subject="s")
        errs = other - other.mean()
        against = judge_level(own, [other.mean()], None, subject="s", bound_errors=errs)
        paired = judge_level(own, [1.05 * own.mean()], None, subject="s", bound_errors=1.05 * (own - own.mean()))
        assert paired.outcome is Outcome.HOLDS
        assert against.p_value > alone.p_value
        with pytest.raises(ValueError, match="bound_errors must have the shape"):
            judge_level(own, [1.0], None, subject="s", bound_errors=errs[:9])

    def test_a_bound_no_better_than_not_starting_is_a_remark(self):
        values = errors(1 / X, 2000)
        found = judge_level(values, np.full(8, 2.0), np.full(8, 3.0), subject="s", start=np.full(8, 1.5))
        assert found.outcome is Outcome.HOLDS
        assert "in 8 of them the bound is no better than not starting" in found.sentence


class TestTheEndOfTheWindow:
    def test_an_end_that_bends_away_is_not_tight(self):
        """The whole window within the margin, its end .15 off: with replicates enough to know it."""
        bent = 1 / X * np.where(X > 64, (X / 64) ** 0.15, 1.0)
        arguments = {"subject": "s", "quantity": "optimization", "axis": "T", "margin": 0.15}
        values = errors(bent, 4000, correlation=0.9)
        arguments["margin"] = 0.09  # the whole window's slope is .08
        found = judge_rate(values, X, 1 / X, None, None, **arguments)
        assert found.outcome is not Outcome.TIGHT
        along = judge_rate(values, X, 1 / X, None, None, **{**arguments, "axis": "alpha", "margin": 0.05})
        assert along.outcome is not Outcome.TIGHT

    def test_loose_along_an_axis_without_a_limit_says_at_which_end(self):
        values = errors(X**-1.5, 1000, correlation=0.9)
        found = judge_rate(values, X, 1 / X, None, None, subject="s", quantity="optimization", axis="alpha")
        assert found.outcome is Outcome.LOOSE
        assert "loose at one end, for large alpha" in found.sentence


def test_a_ratio_that_bends_along_alpha_is_loose_though_its_slope_is_zero():
    """measured / claim falls like x^-.2 and then grows like x^.2: over the whole flat, in its halves beyond the margin.
    Straight lines at both edges of the margin stay without the word, and few replicates are told how many would do."""
    x = np.geomspace(0.1, 1, 8)
    kink = np.exp(0.2 * np.abs(np.log(x / np.sqrt(0.1))))
    arguments = {"subject": "s", "quantity": "excess", "axis": "alpha"}
    found = judge_rate(errors(kink, 2048), x, np.ones(8), None, None, **arguments)
    assert found.outcome is Outcome.LOOSE
    assert "bends" in found.finding
    for slope in (-0.05, 0.05):
        straight = judge_rate(errors(x**slope, 2048), x, np.ones(8), None, None, **arguments)
        assert straight.outcome is Outcome.INCONCLUSIVE
    few = judge_rate(errors(kink, 128), x, np.ones(8), None, None, **arguments)
    assert few.outcome is Outcome.LOOSE or few.replicates_needed > 128


def test_the_wider_side_of_a_band_is_that_of_the_long_tail():
    """The studentised mean of skewed draws errs further to the low side, so that the mean may lie far above it: seed 1,
    and the same draws with the sign changed."""
    draws = np.random.default_rng(1).exponential(size=(64, 3))
    band, mirrored = simultaneous_band(draws), simultaneous_band(-draws)
    assert ((band.high - band.mean) > 1.2 * (band.mean - band.low)).all()
    np.testing.assert_allclose(band.high, -mirrored.low, rtol=1e-12)


@pytest.mark.parametrize(("replicates", "df"), [(64, 63), (256, 255), (512, 255), (600, 199), (1024, 255)])
def test_at_most_256_groups_are_drawn(replicates, df):
    """600 replicates in runs of three."""
    band = simultaneous_band(np.random.default_rng(2).normal(size=(replicates, 2)))
    assert (band.over.df, band.under.df) == (df, df)
