"""Real data as problems: F is a sum over rows, opt + gen = excess to the last bit, constants certified by search."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from experiments import real_theorem4
from experiments._pairs import PAIRS, pair
from riskkit import (
    SGD,
    SLRLA,
    Constant,
    Grid,
    HeavyBall,
    InverseTime,
    Lookahead,
    Size,
    Stage,
    Stream,
    optim,
    run,
    simulate,
)
from riskkit.algorithms import MomentumLookahead
from riskkit.conformance.problems import check
from riskkit.data import Population, auto_mpg, digits
from riskkit.identity import address
from riskkit.problem import parameters
from riskkit.problems import FinitePopulation
from riskkit.theory.zhou2021 import slrla

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(7, 3))
TARGETS = {"squared": RNG.normal(size=7), "logistic": [0, 1, 1, 0, 1, 0, 0], "softmax": [0, 1, 2, 2, 0, 1, 3]}
NOISE = {"squared": 0.3, "logistic": 0.2, "softmax": 0.4}


def small(loss: str, **fields: object) -> FinitePopulation:
    made = {"ridge": 0.2, "radius": 3.0, **fields}
    return FinitePopulation(Population(ROWS, TARGETS[loss], noise=NOISE[loss]), loss, **made)


def one_loss(problem: FinitePopulation, theta: np.ndarray, x: np.ndarray, y: float) -> float:
    """The loss with the ridge, term by term; y as the population has it."""
    W = theta.reshape(-1, len(x))
    scores = [math.fsum(w * v for w, v in zip(row, x, strict=True)) for row in W]
    if problem.loss == "squared":
        value = (scores[0] - y) ** 2 / 2
    elif problem.loss == "logistic":
        value = math.log1p(math.exp(-(2 * y - 1) * scores[0]))
    else:
        value = math.log(math.fsum(math.exp(u) for u in scores)) - scores[int(y)]
    return value + problem.ridge / 2 * math.fsum(t * t for t in theta)


def atoms(problem: FinitePopulation):
    """(probability, x, y) of every row and label."""
    population = problem.population
    for row in range(len(population)):
        x, y = population.features[row], population.targets[row]
        if population.classes:
            for label in range(population.classes):
                q = population.noise / population.classes + (label == y) * (1 - population.noise)
                yield q / len(population), x, label
        else:
            for sign in (-1, 1):
                yield 0.5 / len(population), x, y + sign * population.noise


@pytest.mark.parametrize("loss", TARGETS)
def test_the_population_risk_is_the_sum_over_rows_and_labels(loss):
    problem = small(loss)
    thetas = RNG.normal(size=(4, problem.dim))
    expected = [math.fsum(p * one_loss(problem, t, x, y) for p, x, y in atoms(problem)) for t in thetas]
    found = problem.population_risk(torch.from_numpy(thetas)).numpy()
    assert found == pytest.approx(expected, rel=1e-12)
    assert problem.population_risk(torch.from_numpy(thetas.reshape(2, 2, -1))).numpy().ravel() == pytest.approx(
        found, rel=1e-14
    )


@pytest.mark.parametrize("loss", TARGETS)
def test_the_population_risk_agrees_with_draws_of_another_generator(loss):
    """200,000 draws by numpy; within 5 standard errors, and these below 1% of the risk. False-alarm rate 6e-7 each."""
    problem = small(loss)
    theta = RNG.normal(size=problem.dim)
    terms = [(p, one_loss(problem, theta, x, y)) for p, x, y in atoms(problem)]
    probability, losses = map(np.array, zip(*terms, strict=True))
    drawn = losses[np.random.default_rng(5).choice(len(losses), 200_000, p=probability)]
    error = drawn.std() / math.sqrt(len(drawn))
    exact = float(problem.population_risk(torch.from_numpy(theta)))
    assert abs(drawn.mean() - exact) < 5 * error
    assert error < 0.01 * exact
    clean = dataclasses.replace(problem, population=problem.population.with_noise(0.0))
    assert abs(drawn.mean() - float(clean.population_risk(torch.from_numpy(theta)))) > 5 * error, "noise is seen"


@pytest.mark.parametrize("loss", TARGETS)
def test_optimization_plus_generalization_is_excess_to_the_last_bit(loss):
    problem = small(loss)
    m = simulate(problem, Lookahead(8, 3, 0.5, Constant(0.1)), n=5, replicates=64, rounds=(1, 4, 8))
    for quantity in (m.values["optimization"], m.values["generalization"], m.values["excess"]):
        assert np.isfinite(quantity).all()
    assert np.array_equal(m.values["optimization"] + m.values["generalization"], m.values["excess"])
    assert (m.values["optimization"] > -1e-14).all()


@pytest.mark.parametrize("loss", TARGETS)
def test_over_all_samples_the_empirical_risk_averages_to_the_population_risk(loss):
    """By exact enumeration of the 3^2 samples of 2 rows from 3; the empirical minimum averages to less."""
    rows, targets = ROWS[:3], TARGETS[loss][:3]
    problem = FinitePopulation(Population(rows, targets), loss, ridge=0.2, radius=3.0)
    labels = problem.population.targets
    coded = 2 * labels - 1 if loss == "logistic" else labels
    S = torch.tensor([[[*rows[i], coded[i]] for i in pair] for pair in itertools.product(range(3), repeat=2)])
    minimum = problem.empirical_risk(problem.empirical_minimiser(S)[:, None], S)
    best = torch.from_numpy(problem.population_minimiser())
    assert float(minimum.mean()) < float(problem.population_risk(best))
    at = best.expand(9, 1, -1)
    assert float(problem.empirical_risk(at, S).mean()) == pytest.approx(float(problem.population_risk(best)), rel=1e-12)


@pytest.mark.parametrize(("loss", "radius"), list(itertools.product(TARGETS, (None, 3.0, 0.5))))
def test_minimisers_agree_with_scipy(loss, radius):
    """Of F and of F_S, by SLSQP: no lower value, to 1e-9."""
    problem = small(loss, radius=radius)
    data = problem.sample(Stream(0, range(1)), 6)

    def lowest(risk) -> float:
        def both(t):
            theta = torch.from_numpy(t).requires_grad_(True)
            value = risk(theta)
            (slope,) = torch.autograd.grad(value, theta)
            return value.item(), slope.numpy()

        ball = [] if radius is None else [{"type": "ineq", "fun": lambda t: radius**2 - t @ t, "jac": lambda t: -2 * t}]
        found = minimize(both, np.zeros(problem.dim), jac=True, method="SLSQP", constraints=ball, tol=1e-14)
        return float(found.fun)

    best = torch.from_numpy(problem.population_minimiser())
    assert float(problem.population_risk(best)) == pytest.approx(lowest(problem.population_risk), abs=1e-9)
    own = problem.empirical_risk(problem.empirical_minimiser(data)[:, None], data)
    assert float(own) == pytest.approx(
        lowest(lambda t: problem.empirical_risk(t.reshape(1, 1, -1), data).sum()), abs=1e-9
    )


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=[pytest.mark.slow] if number in (1, 3, 5) else []) for number in PAIRS]
)
def test_five_pairs_of_data_and_loss_conform(number):
    report = check(pair(number), sizes=(2, 20, 60), draws=50_000)
    assert report.faults == []


@pytest.mark.parametrize("radius", [None, 3.0])
def test_softmax_conforms(radius):
    assert check(small("softmax", radius=radius), draws=50_000).faults == []


@pytest.mark.slow
def test_softmax_on_all_ten_digits_conforms():
    assert check(FinitePopulation(digits(4).with_intercept().in_unit_ball(), "softmax", 0.01, None)).faults == []


class NoNoise(FinitePopulation):
    """A population risk that forgets the kernel."""

    def population_risk(self, theta):
        clean = FinitePopulation(self.population.with_noise(0.0), self.loss, self.ridge, self.radius)
        return clean.population_risk(theta)


class Rescaled(FinitePopulation):
    name_of, factor = "L", 0.9

    @property
    def constants(self):
        right = super().constants
        return dataclasses.replace(right, **{self.name_of: self.factor * getattr(right, self.name_of)})


class SmallG(Rescaled):
    name_of = "G"


class LargeLam(Rescaled):
    name_of, factor = "lam_example", 0.9

    @property
    def constants(self):
        return dataclasses.replace(super().constants, lam=1.2 * self.ridge, mu=1.2 * self.ridge)


@pytest.mark.parametrize(
    ("kind", "fault"), [(NoNoise, "population_risk"), (Rescaled, "L ="), (SmallG, "G ="), (LargeLam, "lam =")]
)
def test_planted_faults_are_found(kind, fault):
    right = small("logistic")
    faults = check(kind(right.population, "logistic", 0.2, 3.0), sizes=(2, 7), draws=50_000).faults
    assert any(fault in line for line in faults), faults


def test_constants_are_attained_where_they_are_said_to_be():
    problem = small("squared")
    c, B = problem.constants, problem.radius
    x, y = problem.population.features, problem.population.targets
    sizes = np.linalg.norm(x, axis=1)
    signs = np.sign(y)[:, None]
    theta = torch.from_numpy(-signs * B * x / sizes[:, None])[:, None]
    z = torch.from_numpy(np.column_stack([x, y + np.sign(y) * problem.population.noise]))[:, None]
    assert float(problem.gradient(theta, z).norm(dim=-1).max()) == pytest.approx(c.G, rel=1e-12)
    assert float(problem.empirical_risk(theta, z).max()) == pytest.approx(c.l_max, rel=1e-12)
    problem = small("logistic")
    theta = torch.from_numpy(problem.radius * x / sizes[:, None])[:, None]
    z = torch.from_numpy(np.column_stack([x, -np.ones(len(x))]))[:, None]
    assert float(problem.gradient(theta, z).norm(dim=-1).max()) == pytest.approx(problem.constants.G, rel=1e-12)


def test_no_step_leaves_the_ball_that_stands_for_theta_on_all_of_space():
    for loss in TARGETS:
        problem = small(loss, radius=None)
        m = simulate(problem, SGD(200, Constant(problem.largest_step)), n=5, replicates=64)
        assert np.linalg.norm(m.theta, axis=-1).max() <= problem.diameter / 2
        assert (m.values["path_moment"] <= problem.constants.G**2).all()


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_fused_engine_runs_what_has_a_formula(loss):
    problem = small(loss)
    algorithm = Lookahead(10, 3, 0.5, Constant(0.2))
    fused, reference = (simulate(problem, algorithm, n=5, replicates=40, engine=e) for e in ("auto", "reference"))
    assert fused.engine.engine == "fused_cpu"
    assert fused.theta == pytest.approx(reference.theta, abs=1e-13)
    softmax = simulate(small("softmax"), algorithm, n=5, replicates=4)
    assert "has no formula" in softmax.engine.reason


def test_the_content_of_the_rows_is_part_of_the_identity():
    def place(problem):
        return address({"fields": parameters(problem)})

    problem = small("squared")
    rows = problem.population.features.copy()
    rows[0, 0] += 1e-12
    other = dataclasses.replace(problem, population=Population(rows, TARGETS["squared"], noise=NOISE["squared"]))
    renamed = dataclasses.replace(problem, population=Population(ROWS, TARGETS["squared"], noise=0.3, name="other"))
    assert place(problem) == place(renamed) == place(pickle.loads(pickle.dumps(problem)))
    assert len({place(problem), place(other), place(dataclasses.replace(problem, radius=2.0))}) == 3


def test_minibatches_and_momentum_run_on_real_data():
    problem = pair(4)
    m = simulate(problem, HeavyBall(40, Constant(0.05), 0.9, radius=problem.radius, batch=4), n=20, replicates=8)
    assert (m.optimization > 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FinitePopulation(digits(4), "logistic"), "for two classes; take softmax, .* has 10 classes"),
        (lambda: FinitePopulation(digits(4), "squared"), "for a regression; .* has 10 classes"),
        (lambda: FinitePopulation(auto_mpg(), "softmax"), "for classes; .* auto mpg is a regression"),
        (lambda: FinitePopulation(digits(4), "hinge"), "loss must be one of squared, logistic, softmax; got 'hinge'"),
        (lambda: FinitePopulation(ROWS, "squared"), "population must be a riskkit.data.Population; got ndarray"),
        (lambda: small("squared", radius=None, ridge=0.0), "give ridge > 0 or a radius"),
        (lambda: small("squared", radius=-1.0), "radius must be a finite number > 0"),
        (lambda: small("squared", limit=1), "limit must be a whole number >= 2"),
        (lambda: FinitePopulation.of(ROWS, [1] * 7, "logistic"), "all 7 are 1"),
        (lambda: FinitePopulation.of(ROWS * np.nan, [1] * 7, "logistic"), "features must be finite"),
        (lambda: simulate(small("squared"), SGD(5, Constant(0.1)), n=8), "n must be at most 7 on .*; got 8"),
        (lambda: simulate(small("squared", limit=4), SGD(5, Constant(0.1)), n=5), "n must be at most 4 on "),
        (lambda: small("squared").sample(Stream(0, range(1)), 8), "n must be at most 7"),
    ],
)
def test_what_makes_no_problem_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_declared_limit_admits_more_draws_than_rows():
    m = simulate(small("squared", limit=50), SGD(5, Constant(0.1)), n=50, replicates=4)
    assert np.isfinite(m.excess).all()


STAGES = (Stage(4, 3, 0.6, Constant(0.1), 0.3), Stage(3, 2, 0.8, Constant(0.05), 0.3))


def test_without_momentum_it_is_staged_lookahead():
    problem = small("softmax")
    plain = SLRLA(STAGES)
    own = MomentumLookahead(STAGES, momentum=0.0, radius=problem.radius)
    one, other = (simulate(problem, a, n=5, replicates=8, rounds=(2, 4, 6, 7)) for a in (plain, own))
    assert own.rounds == plain.rounds
    assert other.theta == pytest.approx(one.theta, abs=1e-14)


def test_with_one_stage_and_alpha_1_it_is_heavy_ball():
    problem = small("logistic")
    own = MomentumLookahead((Stage(12, 1, 1.0, InverseTime(0.5, 4.0)),), 0.9, radius=problem.radius, batch=3)
    ball = HeavyBall(12, InverseTime(0.5, 4.0), 0.9, radius=problem.radius, batch=3)
    one, other = (simulate(problem, a, n=5, replicates=8) for a in (ball, own))
    assert np.array_equal(one.theta[:, :, 0], other.theta[:, :, 0])
    assert other.theta == pytest.approx(one.theta, abs=1e-14), "the average is a sum over the steps, not a running mean"


def test_it_is_what_the_torch_optimizer_does():
    """Momentum, weight decay, rounds, stages and anchors, against ``riskkit.optim.SLRLA`` around torch's SGD."""
    problem, replicate = small("softmax", radius=None), 3
    stages = tuple(dataclasses.replace(stage, step=Constant(0.1)) for stage in STAGES)
    own = MomentumLookahead(stages, momentum=0.9, weight_decay=0.01, batch=2)
    found = simulate(problem, own, n=5, replicates=replicate + 1)
    stream = Stream(0, [replicate])
    data, drawn = problem.sample(stream, 5), stream.indices(5, 0, 2 * own.steps).reshape(-1, 2)
    theta = torch.zeros(problem.dim, dtype=torch.float64, requires_grad=True)
    optimiser = None
    j = 0
    for stage in stages:
        if optimiser is None:
            inner = torch.optim.SGD([theta], lr=0.1, momentum=0.9, weight_decay=0.01)
            optimiser = optim.SLRLA(inner, k=stage.k, alpha=stage.alpha, beta=stage.beta)
        else:
            optimiser.next_stage()
            for group in optimiser.param_groups:
                group["lookahead_k"] = stage.k
                group["lookahead_alpha"] = stage.alpha
        for _ in range(stage.steps):
            optimiser.zero_grad()
            z = data[:, drawn[j]].transpose(0, 1)
            problem.empirical_risk(theta.reshape(1, 1, -1), z.transpose(0, 1)).sum().backward()
            optimiser.step()
            j += 1
    assert found.theta[replicate, -1, 0] == pytest.approx(theta.detach().numpy(), abs=1e-12)


def test_the_mean_gradient_is_the_mean_of_gradients():
    for loss in TARGETS:
        problem = small(loss)
        z, theta = problem.sample(Stream(0, range(4)), 6), torch.from_numpy(RNG.normal(size=(4, 1, problem.dim)))
        each = torch.stack([problem.gradient(theta, z[:, i : i + 1]) for i in range(6)])
        assert problem.mean_gradient(theta, z).numpy() == pytest.approx(each.mean(0).numpy(), abs=1e-14)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stages": ()}, "at least one Stage"),
        ({"stages": (Stage(1, 1, 1.0, Constant(0.1), output="average"),)}, "pass on its last iterate"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\)"),
        ({"weight_decay": -1.0}, "weight_decay must be a finite number >= 0"),
    ],
)
def test_a_momentum_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        MomentumLookahead(**{"stages": STAGES, **fields})


def test_theorem_4_covers_the_schedule_on_the_pairs_with_a_ridge():
    """And eps_0 is at least the largest loss of a row at theta_0."""
    for number in (3, 4, 5):
        problem = pair(number)
        point = real_theorem4.EXPERIMENT.sizes["paper"].grids[0].points()[0].watched(set(), problem)
        algorithm = real_theorem4.staged(point, problem.constants.lam / 16)
        assert slrla.optimization_excluded(problem, algorithm) is None
        assert slrla.stability_excluded(problem.constants, algorithm) is None
        S = problem.sample(Stream(0, range(64)), 200)
        losses = torch.cat(
            [problem.empirical_risk(S.new_zeros(64, 1, problem.dim), S[:, i : i + 1]) for i in range(50)]
        )
        assert float(losses.max()) <= real_theorem4.largest_loss_at_zero(problem) + 1e-15


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("FinitePopulation.of([[float('nan')], [1.0]], [0, 1], 'logistic', radius=1.0)", "features must be finite"),
        ("FinitePopulation.of([[0.0], [1.0]], [0, 1], 'logistic', radius=1.0)", "n must be at most 2 on population"),
    ],
)
def test_a_sweep_refuses_them_with_status_2_before_computing(line, message, tmp_path):
    folder = tmp_path / "experiments"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "mine.py").write_text(
        "from riskkit import SGD, Constant, Experiment, Grid, Size\nfrom riskkit.problems import FinitePopulation\n"
        f"EXPERIMENT = Experiment(question='Is it refused?', problem={line}, "
        "algorithms={'SGD': lambda p: SGD(p.T, Constant(0.1))}, sizes={'laptop': Size(Grid(n=3, T=4), 2)})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "riskkit.sweep"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
    )
    assert done.returncode == 2, done.stderr
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("module", "grid"),
    [
        ("digits_softmax", Grid(n=30, classes=3, side=4, gradients=300)),
        ("real_data", Grid(n=20, k=5, alpha=0.5, pair=(2, 4), T=(2, 4, 8))),
    ],
)
def test_experiments_on_real_data_run_and_are_drawn(module, grid):
    """The share seen stands in the table; excess risks are sums there; all methods are on the page."""
    experiment = importlib.import_module(f"experiments.{module}").EXPERIMENT
    result = run(experiment, Size(grid, 32), jobs=1, progress=False)
    table = result.table
    assert (table["status"] == "ok").all()
    N = {"digits_softmax": 539, "real_data": 392}[module]
    assert table["seen"].unique() == pytest.approx([1 - (1 - 1 / N) ** table["n"].iloc[0]])
    drawn = result.figure(importlib.import_module(f"figures.{module}").draw).records
    shown = {row["algorithm"] for row in drawn if row["kind"] == "measured"}
    assert shown == ({"Lookahead", "SLA", "SLRLA"} if module == "digits_softmax" else {"Lookahead"})
    covered = {found.bound for found in result.verdicts if found.verdict.outcome != "NOT COVERED"}
    assert (
        covered
        >= {
            "digits_softmax": {
                "theorem1.optimization.average",
                "theorem2.generalization.last",
                "theorem4.optimization.average",
                "theorem4.generalization.average",
            },
            "real_data": {"theorem1.optimization.average", "theorem2.optimization.last"},
        }[module]
    )
