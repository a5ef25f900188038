"""Real data as problems: F is a sum over rows, opt + gen = excess to the last bit, constants certified by search."""

from __future__ import annotations

import dataclasses
import itertools
import math
import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from experiments.real_data import PAIRS, pair
from riskkit import SGD, Constant, HeavyBall, Lookahead, Stream, simulate
from riskkit.conformance.problems import check
from riskkit.data import Population, auto_mpg, digits
from riskkit.identity import address
from riskkit.problem import parameters
from riskkit.problems import FinitePopulation

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
    "number", [pytest.param(number, marks=[pytest.mark.slow] if number in (1, 3) else []) for number in PAIRS]
)
def test_five_pairs_of_data_and_loss_conform(number):
    report = check(pair(number), sizes=(2, 20, 60), draws=50_000)
    assert report.faults == []


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
