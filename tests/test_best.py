"""Best alphas: planted minima, the set of possible minimisers, and the advice of the bounds against closed forms."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy import stats

import riskkit
from problems import MeanEstimation
from riskkit import SLRLA, Best, Constant, InverseTime, Lookahead, Stage, simulate
from riskkit.execution.conclusion import gather
from riskkit.execution.tasks import Request, compute, missing_tasks
from riskkit.experiment import Grid, Size, study
from riskkit.judges.outcome import Outcome, undecided
from riskkit.problem import Constants
from riskkit.stats.minimiser import minimiser
from riskkit.stats.several import fit_exponents
from riskkit.store.shards import Store
from riskkit.sweep import main
from riskkit.theory import exact_moments
from riskkit.theory.zhou2021 import convex, polyak_lojasiewicz, strongly_convex
from riskkit.theory.zhou2021.setting import Setting
from riskkit.verdicts.best import best_findings, best_values, judge_best_exponent, judge_condition
from riskkit.verdicts.data import Data


def test_the_vertex_of_a_parabola_is_exact():
    x = np.array([0.1, 0.2, 0.4, 0.8])
    y = 1 + (np.log(x) - math.log(0.27)) ** 2
    shared = np.linspace(-1, 1, 64)[:, None]  # common to all columns: paired away
    found = minimiser(y + shared, x)
    assert (found.at, found.low, found.high) == (0.2, 0.2, 0.2)
    assert found.vertex == pytest.approx(0.27, rel=1e-12)
    assert found.vertex_high - found.vertex_low < 1e-9


def test_a_minimum_at_the_end_has_no_vertex():
    x = np.array([0.25, 0.5, 1.0])
    found = minimiser(np.array([3.0, 2.0, 1.0]) + np.zeros((40, 1)), x)
    assert (found.at, found.low, found.high) == (1.0, 1.0, 1.0)
    assert math.isnan(found.vertex)
    assert math.isnan(minimiser(np.array([3.0, 2.0, 1.0]) + np.zeros((20, 1)), x).low)  # too few for a verdict
    with pytest.raises(ValueError, match="x must be positive and strictly increasing"):
        minimiser(np.zeros((40, 2)), [1.0, 0.5])


def test_the_set_of_possible_minimisers_covers_the_true_one():
    """200 trials of a 95% set: fewer than 178 covers happen once in 1,500; the set is not everything either."""
    rng = np.random.default_rng(2)
    x = np.array([0.1, 0.2, 0.4, 0.7, 1.0])
    truth = np.array([1.3, 1.05, 1.0, 1.04, 1.4])
    covered = narrow = 0
    for _ in range(200):
        values = truth * rng.gamma(2, 1 / 2, (64, 1)) + 0.3 * rng.normal(size=(64, 5))
        found = minimiser(values, x)
        covered += found.low <= 0.4 <= found.high
        narrow += found.low > 0.1 and found.high < 1
    assert covered >= 178
    assert narrow > 100


def test_the_interval_of_a_vertex_covers(monkeypatch):
    """200 trials of a 95% interval: fewer than 178 covers happen once in 1,500. The jackknife's covered 161."""
    monkeypatch.setattr("riskkit.stats.minimiser.MINIMUM_VERDICT", 1000)  # the set of minimisers is not asked for
    rng = np.random.default_rng(4)
    x = np.array([0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0])
    hits = inner = 0
    for _ in range(200):
        found = minimiser((0.3 / x + x / 0.3) * rng.gamma(2, 1 / 2, (256, x.size)), x)
        hits += found.vertex_low <= 0.3 <= found.vertex_high
        inner += found.vertex_low > 0.1
    assert hits >= 178
    assert inner > 100


def test_a_curvature_that_is_barely_known_has_a_wide_interval():
    """The interval ends at the grid's ends, however far the algebra puts them."""
    rng = np.random.default_rng(6)
    x = np.array([0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0])
    for _ in range(300):
        found = minimiser((0.3 / x + x / 0.3) * rng.gamma(2, 1 / 2, (20, x.size)), x)  # 20: no bands, so fast
        assert math.isnan(found.vertex) or x[0] <= found.vertex_low <= found.vertex <= found.vertex_high <= x[-1]


def test_two_coordinates_have_two_exponents_and_a_test_of_fit():
    """c n^.75 (kT)^-.32 with 2% errors: both exponents, and no lack of fit; with a bend, a lack of it. One parameter,
    n/(kT), has other exponents on other grids."""
    rng = np.random.default_rng(5)
    at = np.array([(n, kT) for n in (20, 80, 320) for kT in (512, 2048, 8192)], dtype=float)
    truth = 0.3 * (at[:, 0] / 80) ** 0.75 * (at[:, 1] / 2048) ** -0.32
    noise = 0.02 * 256**0.5 * rng.standard_normal((256, 9))
    sizes = np.ones(256, dtype=np.int64)
    leaves = list((np.log(truth) + (noise.sum(0) - noise) / 255).T)
    fit = fit_exponents(truth * np.exp(noise.mean(0)), leaves, sizes, at)
    for c, exponent in enumerate((0.75, -0.32)):
        low, high = fit.interval(c, 0.99)
        assert low < exponent < high
        assert high - low < 0.1
    assert fit.lack_of_fit > 0.05
    bend = 0.1 * np.log(at[:, 0] / 80) ** 2
    leaves = list((np.log(truth) + bend + (noise.sum(0) - noise) / 255).T)
    bent = fit_exponents(truth * np.exp(bend + noise.mean(0)), leaves, sizes, at)
    assert bent.lack_of_fit < 0.001
    draft = dataclasses.replace(undecided("minimiser", "s", 256, axis="n", points=9), claim_slope=0.75)
    assert judge_best_exponent(draft, fit, 0, at[:, 0]).outcome is Outcome.AGREES
    told = judge_best_exponent(draft, fit, 0, at[:, 0])
    half = {level: stats.t.ppf(0.5 + level / 2, fit.df) * fit.se[0] for level in (0.95, 0.90)}
    interval = (told.slope_low, told.slope_high, told.difference_low, told.difference_high)
    gap = fit.exponents[0] - draft.claim_slope
    sides = [fit.exponents[0] - half[0.95], fit.exponents[0] + half[0.95], gap - half[0.90], gap + half[0.90]]
    assert interval == pytest.approx(sides, rel=1e-9)
    said = judge_best_exponent(draft, bent, 0, at[:, 0])
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "which does not fit" in said.sentence
    other = dataclasses.replace(draft, claim_slope=0.5)
    assert judge_best_exponent(other, fit, 0, at[:, 0]).outcome is Outcome.DISAGREES
    with pytest.raises(ValueError, match="do not tell 2 coordinates apart"):
        fit_exponents(truth[:3], leaves[:3], sizes, at[:3])


def test_a_sufficient_condition_is_contradicted_only_where_it_holds():
    """p-values against each of three values being the least; the last is the largest."""
    below, last, open_ = np.array([0.9, 0.5, 1e-4]), np.array([1e-5, 1e-4, 0.9]), np.array([0.4, 0.9, 0.3])
    draft = undecided("minimiser", "s", 256)
    assert judge_condition(draft, "f", [below, below]).outcome is Outcome.AGREES
    assert judge_condition(draft, "f", [below, last]).outcome is Outcome.DISAGREES
    assert judge_condition(draft, "f", [below, open_]).outcome is Outcome.INCONCLUSIVE
    assert judge_condition(draft, "f", [below, last], everywhere=False).outcome is Outcome.AGREES
    assert judge_condition(draft, "f", [last, last], everywhere=False).outcome is Outcome.INCONCLUSIVE
    assert judge_condition(draft, "f", [last, open_], everywhere=False).outcome is Outcome.INCONCLUSIVE
    assert judge_condition(draft, "f", [last] * 600 + [below], everywhere=False).outcome is Outcome.INCONCLUSIVE


def asked(data):
    """The experiment's question about the best alpha."""
    (reading,) = [reading for reading in data.plan.experiment.readings if isinstance(reading, Best)]
    return reading


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Data of a small grid of an experiment."""

    def of(name, **axes):
        request = Request(str(study.folder()), name, axes=tuple(axes.items()), replicates=64)
        store = Store(tmp_path_factory.mktemp(name))
        store.prepare()
        for task in missing_tasks(request, {}):
            store.put(compute(task).measured)
        return gather(request, store, {})

    return of


def test_the_explicit_minimiser_is_theorem_1s_closed_form(data):
    found = data("theorem1_power_law", n=(20.0, 80.0))
    lines = best_values(found, asked(found))
    assert lines
    for line in lines:
        n, kT = line.where["n"], line.where["kT"]
        cell = next(c for c in found.plan.cells if c.point.n == n and c.point.kT == kT)
        D = math.sqrt(found.dataset(cell, "start_distance").mean())
        T, k = kT // 8, 8
        eta = 1.0 / math.sqrt(kT)
        expected = convex.best_alpha_average(n, k, T, eta, found.plan.experiment.problem.constants.G, D)
        assert line.proved == pytest.approx(float(expected), abs=1e-5)
        assert line.claim == pytest.approx(float(convex.best_alpha_claim(n, k, T)), abs=1e-5)


@pytest.mark.parametrize(("name", "axes"), [("theorem1_power_law", {}), ("theorem2_alpha", {"n": (5.0, 50.0)})])
def test_lines_that_lost_cells_are_counted_in_the_sentence(data, name, axes):
    """One run lost: its line is left out, and the sentence says so; all of them: nothing is left to judge."""
    found = data(name, **axes)
    bound = next(b for b in found.plan.experiment.bounds if b.quantity == "excess")
    cells = [cell for cell in found.plan.cells if cell.name == "Lookahead"]
    for lost in (cells[:1], cells):
        addresses = {cell.address for cell in lost}
        left = {where: run for where, run in found.measured.items() if where not in addresses}
        holed = Data(found.plan, left, dict.fromkeys(addresses, ("failed", "its worker died")))
        found_of_them = best_findings(holed, asked(holed), best_values(holed, asked(holed)))
        assert [judged.axis for judged in found_of_them] == (["n", "kT"] if name == "theorem1_power_law" else [None])
        for judged in found_of_them:
            assert judged.output == bound.output
            assert " failed)" in judged.verdict.sentence
            if len(lost) == len(cells):
                assert judged.verdict.outcome is Outcome.INCONCLUSIVE
                assert "too few cells are left to judge: its worker died" in judged.verdict.sentence


def test_equation_7_stands_beside_the_measured_minimiser(tmp_path, unpresented):
    assert main(["theorem2_alpha", "--n", "5", "50", "--replicates", "96", "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "theorem2_alpha" / "verdict.json").read_text())
    assert record["best"]
    for line in record["best"]:
        assert line["condition"] == bool(strongly_convex.equation7(line["n"], line["k"], line["T"], 0.1).first)
        assert line["low"] <= line["at"] <= line["high"]
    (judged,) = [v for v in record["verdicts"] if v["bound"] == "theorem2.equation 7"]
    holds = [line for line in record["best"] if line["condition"]]
    assert judged["points"] == len(holds)
    confirmed = sum(line["excludes_last"] for line in holds)
    assert f"holds in {len(holds)} of {len(record['best'])} lines: {confirmed} confirm it" in judged["sentence"]
    if confirmed == len(holds):
        assert judged["outcome"] == ("AGREES" if holds else "TOO FEW POINTS")


UNIT = Constants(L=1, G=1, lam=1, lam_example=1, mu=1, M=1)


@pytest.mark.parametrize(("alpha", "k", "T", "n"), [(0.5, 4, 10, 20), (1.0, 1, 7, 3), (0.1, 20, 2, 100)])
def test_stability_bounds_by_hand(alpha, k, T, n):
    """delta is the generalization bound over G; at one example in n replaced, 2 eta G/n a step."""
    doubled = Constants(L=1, G=2, lam=1, lam_example=1, mu=1, M=1)
    setting = Setting(doubled, Constant(0.3), n=n, T=T, k=k, alpha=alpha)
    assert float(convex.STABILITY_LAST.explicit(setting)[0]) == pytest.approx(2 * alpha * 0.3 * 2 * k * T / n)
    average = 0.3 * 2 / n * (alpha * k * (T - 1) + k - 1)
    assert float(convex.STABILITY_AVERAGE.explicit(setting)[0]) == pytest.approx(average)
    step = InverseTime(1.0, 3.0)
    steady, expanding = 0.0, 0.0
    for t in range(T):
        fast, wild = steady, expanding
        for tau in range(k):
            eta = 1 / (t * k + tau + 3)
            fast = (1 - eta) * fast + 2 * eta * 2 / n
            wild = (1 + (1 - 1 / n) * eta) * wild + 2 * eta * 2 / n
        steady, expanding = (1 - alpha) * steady + alpha * fast, (1 - alpha) * expanding + alpha * wild
    setting = Setting(doubled, step, n=n, T=T, k=k, alpha=alpha, f0=1.0)
    assert float(strongly_convex.STABILITY.explicit(setting)[0]) == pytest.approx(steady, rel=1e-12)
    assert float(polyak_lojasiewicz.STABILITY.explicit(setting)[0]) == pytest.approx(expanding, rel=1e-12)


def test_moments_of_slrla_with_an_anchor():
    """Against 8,000 replicates at every stage's end, |z| < 4 (a false alarm once in 5,000 seeds), errors to 3%."""
    first, second = Stage(6, 5, 0.5, Constant(0.3), 0.7), Stage(8, 3, 0.8, Constant(0.2), 0.4)
    plan = SLRLA([first, second, Stage(9, 2, 1.0, Constant(0.1), 0.0)])
    n = 12
    known = exact_moments.staged_moments(plan, 1.0)
    m = simulate(MeanEstimation(dim=3), plan, n=n, replicates=8000, seed=5, rounds=[6, 14, 23])
    for q, rounds in enumerate((6, 14, 23)):
        exact = (known.m2[q] * (1 + 1 / n) + known.u[q] * (1 - 1 / n)) / 2
        values = m.at("optimization", T=rounds)
        sem = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - exact) < 4 * sem
        assert sem < 0.03 * exact
    plain = exact_moments.staged_moments(Lookahead(9, 4, 0.3, Constant(0.1)), 2.0)
    assert np.allclose(plain.u, exact_moments.step_moments(Constant(0.1), 2.0, 4, 0.3, [9]).u)


def step_by_step(plan, curvature):
    """(m, u) of both outputs after each round: means and covariances of (v, theta, anchor, sum of v), step by step."""
    mean, cov, found = np.array([1.0, 1.0, 1.0, 0.0]), np.zeros((4, 4)), []

    def apply(matrix, mean, cov):
        return matrix @ mean, matrix @ cov @ matrix.T

    for stage in plan.stages:
        taken = 0
        for j, eta in enumerate(np.asarray(stage.step.sizes(stage.T, stage.k)), start=1):
            adds, fast, mixes = np.eye(4), np.eye(4), np.eye(4)
            adds[3, 0] = 1
            fast[0, [0, 2]] = 1 - curvature * eta - eta * stage.beta, eta * stage.beta
            mean, cov = apply(fast @ adds, mean, cov)
            cov[0, 0] += (curvature * eta) ** 2
            taken += 1
            if j % stage.k == 0:
                mixes[:2, :2] = [stage.alpha, 1 - stage.alpha]
                mean, cov = apply(mixes, mean, cov)
                found.append((mean[1], cov[1, 1], mean[3] / taken, cov[3, 3] / taken**2))
        ends = np.zeros((4, 4))
        ends[:3] = [0, 1, 0, 0] if stage.output == "last" else [0, 0, 0, 1 / taken]
        mean, cov = apply(ends, mean, cov)
    return np.array(found).T


@pytest.mark.parametrize("output", ["last", "average"])
def test_moments_of_both_outputs_are_those_of_a_loop_over_steps(output):
    first, second = Stage(7, 3, 0.4, Constant(0.3), 0.5, output), Stage(5, 4, 0.7, InverseTime(2.0, 4.0), 0.0, output)
    plan = SLRLA([first, second, Stage(6, 1, 1.0, Constant(0.1), 0.9, output)])
    found = exact_moments.round_moments(plan, 1.3)
    for got, wanted in zip((*found.last[::2], *found.average[::2]), step_by_step(plan, 1.3), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)
    ends = exact_moments.staged_moments(plan, 1.3)
    for got, wanted in zip((ends.m, ends.u), step_by_step(plan, 1.3)[:2, plan.stage_ends - 1], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)
    assert np.array_equal(ends.m2, ends.m**2)


def test_best_values_of_expectations_are_exact_however_few_the_replicates():
    experiment = study.experiment("theorem1_best_alpha")
    grid = Grid("alpha", n=(10, 20), k=10, alpha=(0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75), kT=(1600, 6400))
    result = riskkit.run(experiment, Size(grid, replicates=8), progress=False)
    found = {f.axis: f.verdict for f in result.verdicts}
    assert {axis: one.outcome for axis, one in found.items()} == {"n": Outcome.DISAGREES, "kT": Outcome.AGREES}
    assert all(one.exact and "(exact expectations) over 4 lines" in one.sentence for one in found.values())
    # The best alpha is n/sqrt(kT) but for terms of relative order 1/(alpha sqrt(kT)) and 1/n.
    assert found["n"].slope == pytest.approx(1, abs=0.15)
