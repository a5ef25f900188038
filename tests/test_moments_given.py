"""Moments given S on squared losses: against sums over all sequences of draws, closed forms, another recursion and
simulation; errors planted in the engine; how far a run may go; and experiments that ask for it.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import math
import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from linear_algorithms import ALGORITHMS, RATE, SHORT, Pairs, checkpoints, judged, sequences, without

from problems import FinitePopulation, MeanEstimation, PowerLawLeastSquares, Ridge
from riskkit import InverseTime, Lookahead, Stream
from riskkit.algorithms import SGD, SLRLA, Constant, HeavyBall, SLRLAAsCoded, Stage, traits
from riskkit.conformance import gradients
from riskkit.conformance.problems import CHECKS
from riskkit.data import auto_mpg
from riskkit.engines import moments, reference
from riskkit.engines.moments import maps, reach, regression_kernel
from riskkit.experiment import Experiment, Grid, Size
from riskkit.experiment.expected import GivenSample
from riskkit.experiment.runs import Simulated
from riskkit.interactive.answering import run
from riskkit.measure import given, measure_block
from riskkit.measure.coupled import Pair, Paths
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.own import SQUARED_STABILITY, Quantity
from riskkit.measure.runs import gradients_at
from riskkit.problem import Problem, Squared
from riskkit.theory import exact_moments
from riskkit.theory.zhou2021 import strongly_convex

regression = importlib.import_module("riskkit.engines.moments.regression")

LINEAR = [algorithm for algorithm in ALGORITHMS if traits.sampling(algorithm) == "with replacement"]
DRAWN = [(algorithm, draws) for algorithm, draws in SHORT if traits.sampling(algorithm) == "with replacement"]


FEW = ((Lookahead(2, 2, 0.3, InverseTime(1.0, 2)), 4), (SGD(2, Constant(0.4), batch=2), 4))
"""For what is interpreted."""


@dataclasses.dataclass(frozen=True)
class Started(Ridge):
    """Ridge regression from another theta_0, on a ball that no run leaves."""

    radius: float = 1e3

    @property
    def start(self) -> np.ndarray:
        return np.linspace(0.6, -0.4, self.dim)


# Against all sequences of draws.


def off_the_sums(dims: tuple[int, ...], drawn: Sequence[tuple[Any, int]] = DRAWN) -> float:
    """The largest difference from what the reference engine gives over all sequences of draws on three examples: means
    and covariances of both outputs, mean squares of gradients, and covariances with the run on a sample that differs in
    one example. With 3 examples the sums over them are made once for d = 2 (3 pairs), and by weights for d = 4."""
    worst = 0.0
    for d in dims:
        problem = Started(d, 0.3)
        data = np.random.default_rng(d).normal(size=(2, 3, d + 1))
        others = data.copy()
        others[:, 1] = np.random.default_rng(9).normal(size=(2, d + 1))
        law = Squared(0.3, (), math.inf, math.inf)
        for algorithm, draws in drawn:
            rounds = np.arange(1, traits.rounds(algorithm) + 1)
            every = sequences(3, draws, algorithm)
            (found,) = regression.given([algorithm], law, problem.start, data, [rounds])
            (joint,) = regression.between([algorithm], law, problem.start, data, others, [rounds])
            with reference.one_thread():
                paths = [
                    reference.run(
                        problem,
                        [algorithm],
                        torch.as_tensor(np.stack([sample[r]] * len(every))),
                        lambda j, count, every=every: every[:, j : j + count],
                        [rounds],
                    )[0]
                    for r in range(2)
                    for sample in (data, others)
                ]
            for r in range(2):
                own, other = (path.theta.numpy() for path in paths[2 * r : 2 * r + 2])
                apart, beside = own - own.mean(0), other - other.mean(0)
                for measured, expected in (
                    (own.mean(0), found.mean[r]),
                    (np.einsum("skoa,skob->koab", apart, apart) / len(every), found.covariance[r]),
                    (np.einsum("skoa,skob->koab", apart, beside) / len(every), joint[r]),
                    (paths[2 * r].path_moment.mean(0).numpy(), found.squares[r]),
                ):
                    worst = max(worst, float(np.abs(measured - expected).max() / np.abs(measured).max()))
    return worst


def test_moments_are_the_means_over_all_sequences_of_draws():
    """Algorithms and batches of every kind: to rounding, and nothing is random."""
    assert off_the_sums((2,)) < 1e-12
    assert off_the_sums((4,), FEW) < 1e-12


def off_the_quantities() -> float:
    """The largest difference of a quantity from its mean over all sequences of draws, on 4 samples of 3 examples."""
    problem, worst = Ridge(2, 0.3, radius=1e3), 0.0
    stream = Stream(5, range(4))
    pair = Pair.of(problem, stream, problem.sample(stream, 3))
    algorithm = Lookahead(3, 2, 0.3, InverseTime(1.0, 2))
    rounds, every = np.arange(1, 4), sequences(3, 6, algorithm)
    (found,) = given.measure_given(
        problem, 3, [algorithm], [rounds], ["x"], seed=5, first=0, coupled=False, quantities=(SQUARED_STABILITY,)
    )
    for r in range(4):
        samples = [part[r].expand(len(every), -1, -1) for part in (pair.data, *pair.coupled)]
        with reference.one_thread():
            paths = [
                reference.run(problem, [algorithm], sample, lambda j, count: every[:, j : j + count], [rounds])[0]
                for sample in samples
            ]
        same = (part[r].expand(len(every), *part[r].shape) for part in pair)
        ground = GroundTruth.of(problem, Pair(*same))
        values = ground.decompose(
            problem, Paths(paths[0], (paths[1],)), gradients_at(algorithm, rounds), (SQUARED_STABILITY,)
        )
        for name, value in found.values.items():
            exact = values[name].mean(0)
            worst = max(worst, float((np.abs(value[r] - exact) / (np.abs(exact) + 1e-3)).max()))
    assert set(found.values) == set(values) - {"replace_one", "stability", "path_stability"}
    return worst


def test_quantities_are_the_means_over_all_sequences_of_draws():
    """All that is measured of an output, and the squared stability; risks lose a few digits to F_S*."""
    assert off_the_quantities() < 1e-12


# Against closed forms, which share no code with the engine, and a recursion that goes through the examples.


def test_with_one_hessian_moments_are_the_closed_forms_of_mean_estimation():
    """x = +-1 in one dimension: the curvature is 1 + lam for every example, and z = x y/(1 + lam) is what is drawn."""
    n, lam = 7, 0.3
    g = np.random.default_rng(0)
    x, y = g.choice([-1.0, 1.0], size=(3, n, 1)), g.normal(size=(3, n, 1))
    z = (x * y)[..., 0] / (1 + lam)
    stages = [Stage(6, 5, 0.4, Constant(0.3 / 2**q), 0.3, "average") for q in range(4)]
    start, law = np.array([0.7]), Squared(lam, ((1.0,),), 1.0, math.inf)
    for algorithm in (Lookahead(200, 5, 0.3, InverseTime(1.0, 4.0)), SLRLA(stages)):
        rounds = np.arange(1, traits.rounds(algorithm) + 1)
        (found,) = regression.given([algorithm], law, start, np.concatenate([x, y], -1), [rounds])
        for o, known in enumerate(exact_moments.round_moments(algorithm, 1 + lam)):
            offset = known.m * (start - z.mean(1, keepdims=True)) + z.mean(1, keepdims=True)
            assert np.abs(found.mean[:, :, o, 0] - offset).max() < 1e-12 * np.abs(offset).max()
            variance = known.u * z.var(1, keepdims=True)
            np.testing.assert_allclose(found.covariance[:, :, o, 0, 0], variance, rtol=1e-12)


def test_equal_examples_leave_gradient_descent():
    """No draw changes anything: the covariance is rounding, and the mean that of steps (1 - eta H) on one example."""
    row, eta = np.array([0.6, -0.8, 0.5]), 0.2
    algorithm, rounds = Lookahead(20, 3, 0.5, Constant(eta), batch=2), np.array([1, 7, 20])
    data = np.broadcast_to(row, (1, 4, 3))
    (found,) = regression.given([algorithm], Squared(0.1, (), 1.0, 1.0), np.ones(2), data, [rounds])
    H, b = np.outer(row[:2], row[:2]) + 0.1 * np.eye(2), row[2] * row[:2]
    slow = np.ones(2)
    for T in range(1, 21):
        fast = slow
        for _ in range(3):
            fast = fast - eta * (H @ fast - b)
        slow = slow + 0.5 * (fast - slow)
        if T in rounds:
            np.testing.assert_allclose(found.mean[0, list(rounds).index(T), 0], slow, rtol=1e-12)
    assert np.abs(found.covariance).max() < 1e-16


def test_long_runs_are_those_of_a_recursion_that_goes_through_the_examples():
    """With z = (v, theta, sum of v, 1) a step on example i is z <- B_i z, so that E z z' is the mean of B_i E z z' B_i'
    over the examples: 1,500 steps in coordinates that are not rotated. To 1e-12, rounding of 1,500 steps included."""
    g, d, n, lam, alpha, k, T = np.random.default_rng(3), 3, 6, 0.2, 0.4, 5, 300
    x, y, start = g.normal(size=(n, d)), g.normal(size=n), g.normal(size=d)
    step = InverseTime(1.0, 12.0)
    eta, size = step.sizes(T, k), 3 * d + 1
    V, slow, total, one = slice(0, d), slice(d, 2 * d), slice(2 * d, 3 * d), 3 * d
    z = np.concatenate([start, start, np.zeros(d), [1.0]])
    second = np.outer(z, z)
    for j in range(T * k):
        parts = []
        for i in range(n):
            B = np.eye(size)
            B[total, V] = np.eye(d)
            B[V, V] = np.eye(d) - eta[j] * (np.outer(x[i], x[i]) + lam * np.eye(d))
            B[V, one] = eta[j] * y[i] * x[i]
            if (j + 1) % k == 0:
                B[V] *= alpha
                B[V, slow] += (1 - alpha) * np.eye(d)
                B[slow] = B[V]
            parts.append(B @ second @ B.T)
        second = np.mean(parts, axis=0)
    data = np.concatenate([x, y[:, None]], axis=1)[None]
    algorithm, law = Lookahead(T, k, alpha, step), Squared(lam, (), 9.0, 9.0)
    (found,) = regression.given([algorithm], law, start, data, [np.array([T])])
    for o, (part, scale) in enumerate(((slow, 1.0), (total, 1 / (T * k)))):
        mean = second[part, one] * scale
        np.testing.assert_allclose(found.mean[0, 0, o], mean, rtol=1e-12)
        covariance = second[part, part] * scale**2 - np.outer(mean, mean)
        np.testing.assert_allclose(found.covariance[0, 0, o], covariance, rtol=0, atol=1e-12 * np.abs(mean).max() ** 2)


def test_a_sample_has_the_same_bits_in_any_company(monkeypatch):
    """However many samples there are, and however many of them are gone through together."""
    data = np.random.default_rng(0).normal(size=(19, 6, 3))
    arguments = [LINEAR[0]], Squared(0.3, (), 9.0, 9.0), np.ones(2)
    (whole,) = regression.given(*arguments, data, [np.array([3, 12])])
    monkeypatch.setattr(regression, "HELD", 1)
    for part in (slice(0, 1), slice(7, 19)):
        (alone,) = regression.given(*arguments, data[part], [np.array([3, 12])])
        for one, other in zip(alone, whole, strict=True):
            assert np.array_equal(one, other[part])


# Against simulation.


def cars() -> FinitePopulation:
    rows = auto_mpg().standardized().with_intercept().in_unit_ball()
    return FinitePopulation(rows.targets_within(1.0), "squared", 0.1, radius=50.0)


PROBLEMS = (Ridge(3, 0.3, radius=1e6), PowerLawLeastSquares(4, radius=None), cars())
SIZES = ((4, 16), (4, 16), (8,))
SAMPLED = [(problem, n) for problem, sizes in zip(PROBLEMS, SIZES, strict=True) for n in sizes]


def beside(problem: Problem, n: int, replicates: int, seed: int) -> list[Pairs]:
    """What was measured in simulations beside its expectation given the same data sets."""
    covered = [algorithm for algorithm in LINEAR if moments.refusal_given(problem, algorithm) is None]
    rounds = [checkpoints(algorithm) for algorithm in covered]
    arguments: Any = (problem, n, covered, rounds, ["x"] * len(covered))
    drawn, known = [], []
    for first in range(0, replicates, 256):
        drawn.append(measure_block(*arguments, seed=seed, first=first, quantities=(SQUARED_STABILITY,)))
        known.append(
            given.measure_given(*arguments, seed=seed, first=first, coupled=False, quantities=(SQUARED_STABILITY,))
        )
    found = []
    for i, algorithm in enumerate(covered):
        for name in known[0][i].values:
            labels = [(problem.name, n, algorithm, int(t), name, o) for t in rounds[i] for o in range(2)]
            parts = (np.concatenate([block[i].values[name] for block in blocks]) for blocks in (drawn, known))
            found.append(Pairs(*parts, labels))
    return found


@pytest.fixture(scope="module")
def replicates() -> list[list[Pairs]]:
    """256 of each problem and n."""
    return [beside(problem, n, 256, seed) for seed, (problem, n) in enumerate(SAMPLED)]


def test_expectations_given_s_agree_with_simulation(replicates):
    """165 cells of 256 replicates, seven quantities and two outputs; a false alarm in one seed of 100, as far as means
    of 256 are normal."""
    assert sum(len(group) for group in replicates) == 7 * 55
    assert sum(len(pairs.labels) for group in replicates for pairs in group) == 7 * 2 * 165
    found = judged(replicates)
    assert found.agrees(RATE), (found.largest, found.whole, found.labels[int(np.argmax(np.abs(found.z)))])


@pytest.mark.slow
def test_expectations_given_s_agree_with_many_replicates():
    """The same cells, 8,192 replicates, other draws; a false alarm in one seed of 100."""
    found = judged([beside(problem, n, 8192, 100 + seed) for seed, (problem, n) in enumerate(SAMPLED)])
    assert found.agrees(RATE), (found.largest, found.whole, found.labels[int(np.argmax(np.abs(found.z)))])


# Errors planted in the engine, one at a time.


class Planted(NamedTuple):
    """A passage of a module's source and another in its place."""

    name: str
    module: ModuleType
    right: str
    wrong: str


ERRORS = (
    Planted("1/b", regression_kernel, "share = 1.0 / batch", "share = 1.0"),
    Planted("the mean gradient's variance stays in", regression_kernel, "- bend * there", "- 0.9 * bend * there"),
    Planted(
        "the mean gradient's square stays in",
        regression_kernel,
        "- load(at, a * LANES) *",
        "- 0.9 * load(at, a * LANES) *",
    ),
    Planted("the residual without the distance", regression_kernel, "v - load(centre, a * LANES))", "v)"),
    Planted("features without the spread of v", regression_kernel, "* LANES), found))", "* LANES), 0.0 * found))"),
    Planted(
        "one side's curvature",
        regression_kernel,
        "h = load(curvatures, (right + peek(second, p)) * LANES)",
        "h = 1.1 * h",
    ),
    Planted(
        "the moment without the ridge",
        regression_kernel,
        "total + g * g + h * h * there",
        "total + g * g + bend * there",
    ),
    Planted(
        "the mean moves late", regression_kernel, "v = spread_at(pushed, o) * g", "v = 0.9 * spread_at(pushed, o) * g"
    ),
    Planted(
        "pairs counted once", regression, "np.where(first == second, 1.0, 2.0)", "np.where(first == second, 1.0, 1.0)"
    ),
    Planted("left for right residuals", regression, "-left.x * right.e[..., None]", "-left.x * left.e[..., None]"),
    Planted(
        "a part that is needed is left out", regression, "needed |= (made.query != 0)", "needed &= (made.query != 0)"
    ),
    Planted("the mixing keeps too much", maps, "mixed[:, SLOW] += 1 - stage.alpha", "mixed[:, SLOW] += 1"),
    Planted("F_S's curvature for F's", given, "+ (beyond - on_sample)", "+ 0.0 * beyond"),
    Planted("stability without the shared draws", given, "- 2 * shared_draws", "- 1.9 * shared_draws"),
    Planted("a risk without the ridge", given, "+ law.ridge * total", "+ 0.0 * total"),
)
LANES = regression_kernel.LANES


def numbers(made: ModuleType) -> None:
    """The vectors' functions on numpy arrays, in the place of those that only compiled code calls."""
    own: dict[str, Any] = {
        "load": lambda array, at: array[at : at + LANES].copy(),
        "peek": lambda array, at: array[at],
        "spread": lambda number, like: np.full(LANES, number),
        "spread_at": lambda array, at: np.full(LANES, array[at]),
        "fma": lambda a, b, c: a * b + c,
        "store": lambda array, at, lanes: array.__setitem__(slice(at, at + LANES), lanes),
        "put": lambda array, at, number: array.__setitem__(at, number),
    }
    for name, function in own.items():
        setattr(made, name, function)


HOLDERS = {
    regression_kernel: ((regression, "advance"),),
    maps: ((regression, "linear_maps"),),
    regression: ((regression, "given"), (regression, "between"), (moments, "given"), (moments, "between")),
    given: ((given, "measure_given"),),
}
"""Where what a module gives is called from, and its name."""


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name.replace(" ", "_"))
def test_a_planted_error_is_caught(monkeypatch, error):
    """By the sums over all sequences of draws."""
    plant(monkeypatch, error)
    caught = off_the_quantities() if error.module is given else off_the_sums((2,), FEW)
    assert caught > 1e-6


def test_the_engine_as_it_is_interpreted_passes_where_errors_are_caught(monkeypatch):
    plant(monkeypatch, Planted("none", regression_kernel, "share = 1.0 / batch", "share = 1.0 / batch"))
    assert off_the_sums((2,), FEW) < 1e-12


def plant(monkeypatch, error: Planted) -> None:
    source = inspect.getsource(error.module)
    assert source.count(error.right) == 1
    # Interpreted: the error is in the recursion, not in how it is compiled.
    source = (
        source.replace(error.right, error.wrong)
        .replace("@inlined", "")
        .replace('numba.njit(cache=True, nogil=True, error_model="numpy")', "lambda f: f")
    )
    made = ModuleType("planted")
    monkeypatch.setitem(sys.modules, "planted", made)  # dataclasses look their module up
    exec(compile(source, "planted", "exec"), made.__dict__)
    if error.module is regression_kernel:
        numbers(made)
    for holder, name in HOLDERS[error.module]:
        monkeypatch.setattr(holder, name, getattr(made, name))


# How far a run may go.


def test_no_choice_of_examples_leaves_the_ball_that_is_named():
    """Steps on the examples that take v farthest, by a search: within the bound, and for steps of one size near it."""
    law, eta = Squared(0.5, (), 1.0, 2.5), 2 / 3
    g = np.random.default_rng(0)
    for step, near in ((Constant(eta), 0.99), (Constant(0.1), 0.97), (InverseTime(0.5, 3.0), 0.0)):
        algorithm, v, worst = SGD(60, step), np.zeros(2), 0.0
        for size in step.sizes(60, 1):
            x = g.normal(size=(1000, 2))
            x *= (g.uniform(size=(1000, 1)) ** 0.2) / np.linalg.norm(x, axis=1, keepdims=True)
            y = 2.5 * np.sign(g.normal(size=1000))
            landed = (1 - 0.5 * size) * v - size * (x @ v - y)[:, None] * x
            v = landed[np.argmax((landed**2).sum(1))]
            worst = max(worst, float(np.linalg.norm(v)))
        far = reach.farthest(Ridge(2), law, algorithm)
        assert near * far <= worst <= far


def test_the_bound_of_one_step_holds_wherever_it_starts():
    g = np.random.default_rng(1)
    for _ in range(300):
        c, f, B, lam, X, Y = g.normal(), g.normal(), *np.abs(g.normal(size=4))
        x, v = g.normal(size=(2, 200, 2))
        x *= X / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), X)
        v *= B / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), B)
        y = Y * np.sign(g.normal(size=200))
        for size in (c, abs(c)):
            landed = size * v + f * (((x * v).sum(1) - y)[:, None] * x + lam * v)
            assert np.linalg.norm(landed, axis=1).max() <= reach._bound(size, f, B, lam, X, Y) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("problem", "algorithm", "reason"),
    [
        (Ridge(4, 0.5, signal=2.0, radius=1.0), SGD(100, InverseTime(0.5, 3)), "none leaves the radius 1.87"),
        (PowerLawLeastSquares(4, features="gaussian"), SGD(9, Constant(0.1)), "whose radius is 2, and be projected$"),
        (Ridge(radius=50.0), without(SGD(9, Constant(0.1))), "its draws depend on each other"),
        (Ridge(radius=50.0), Lookahead(9, 2, 1.5, Constant(0.1)), "alpha > 1 would leave Theta"),
        (MeanEstimation(2), SGD(9, Constant(0.1)), "does not say that its losses are squared"),
    ],
)
def test_what_has_no_known_moments_given_s_says_why(problem, algorithm, reason):
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(moments.refusal_given(problem, algorithm))
    assert moments.refusal_given(Ridge(4, 0.5, signal=2.0, radius=1.9), SGD(100, InverseTime(0.5, 3))) is None


def test_momentum_and_anchors_stay_where_they_are_said_to():
    """The largest norm of a fast weight in 128 replicates is below the bound, which is finite."""
    problem = Ridge(2, 0.5, radius=1e6)
    stages = (Stage(4, 3, 0.5, Constant(0.3), 0.2), Stage(4, 3, 0.7, InverseTime(1.0, 5.0), 0.2, "average"))
    farthest = Quantity("far", lambda problem, theta, data: theta.norm(dim=-1), "path")
    for algorithm in (SLRLA(stages), SLRLAAsCoded(stages, 5), HeavyBall(30, Constant(0.05), 0.5)):
        (found,) = measure_block(
            problem, 4, [algorithm], [checkpoints(algorithm)], ["x"], seed=1, first=0, quantities=(farthest,)
        )
        assert found.values["far"].max() <= reach.farthest(problem, problem.squared, algorithm) < 100


# Problems and experiments.


@pytest.mark.parametrize("problem", [Ridge(3), PowerLawLeastSquares(3), PowerLawLeastSquares(3, radius=None), cars()])
def test_what_a_problem_says_of_its_squared_losses_is_true(problem):
    """The gradient to rounding, bounds of x and y, and E x x' by second differences of the population risk."""
    law, z = problem.squared, problem.sample(Stream(3, range(2)), 64)
    x, y = z[..., :-1], z[..., -1:]
    theta = torch.linspace(-1, 1, problem.dim, dtype=torch.float64)
    expected = ((x[:, :1] * theta).sum(-1, keepdim=True) - y[:, :1]) * x[:, :1] + law.ridge * theta
    assert torch.allclose(problem.gradient(theta[None, None], z[:, :1]), expected, atol=1e-12)
    assert float(x.norm(dim=-1).max()) <= law.longest * (1 + 1e-12)
    assert float(y.abs().max()) <= law.largest * (1 + 1e-12)
    axes = torch.eye(problem.dim, dtype=torch.float64)
    F = problem.population_risk
    second = [[F(a + b) - F(a) - F(b) + F(0 * a) for b in axes] for a in axes]
    known = torch.tensor(law.second_moment, dtype=torch.float64) + law.ridge * axes
    assert torch.allclose(torch.tensor(second, dtype=torch.float64), known, atol=1e-12)


def experiment(**changes) -> Experiment:
    step = InverseTime(0.5, 3)
    given = {
        "question": "How tight is it?",
        "problem": Ridge(dim=4, lam=0.5, signal=2.0, radius=1.9),
        "algorithms": {"Lookahead": lambda p: Lookahead(p.T, 2, p.alpha, step), "SGD": lambda p: SGD(2 * p.T, step)},
        "bounds": (strongly_convex.OPTIMIZATION, strongly_convex.GENERALIZATION),
        "sizes": {"laptop": Size(Grid("T", n=100, alpha=0.5, T=(32, 64)), replicates=256)},
    }
    return Experiment(**{**given, **changes})


def test_a_table_of_expectations_given_s():
    """``given S``, the dataset's variance alone in the standard errors, and the means of the simulation: at 5 standard
    errors of the difference, whose variance is that of the draws."""
    ours, drawn = (run(experiment(), engine=engine).table for engine in ("moments", "auto"))
    key = ["algorithm", "T", "output", "quantity"]
    both = ours.merge(drawn, on=key, suffixes=("", "_drawn"))
    both = both[both["quantity"].isin(["optimization", "distance", "path_moment"])]
    assert set(both["estimator"]) == {"given S"}
    assert set(both["engine"]) == {"moments"}
    assert (both["sem"] < both["sem_drawn"]).all()
    assert (
        both[both["quantity"] != "path_moment"]["sem"] < both["sem_drawn"][both["quantity"] != "path_moment"] / 4
    ).all()
    assert (both["mean"] - both["mean_drawn"]).abs().le(5 * both["sem_drawn"]).all()


def test_moments_given_s_are_taken_where_they_are_asked_for():
    def kinds(made: Experiment, engine: str) -> set[type]:
        return {type(one) for one in made.plan(made.sizes["laptop"], "float64", engine).runs.values()}

    assert kinds(experiment(), "moments") == {GivenSample}
    assert kinds(experiment(), "auto") == {Simulated}
    assert kinds(experiment(quantities=(SQUARED_STABILITY,)), "moments") == {GivenSample}
    for changes, reason in (
        ({"problem": Ridge(dim=4, lam=0.5, signal=2.0, radius=1.0)}, "none leaves the radius 1.83; use auto"),
        (
            {"quantities": (Quantity("norm", lambda problem, theta, data: theta.norm(dim=-1)),)},
            "quantities of one's own",
        ),
        ({"neighbours": 2}, "several neighbours"),
    ):
        with pytest.raises(ValueError, match=f"^engine moments: .*{reason}"):
            kinds(experiment(**changes), "moments")


def test_stability_is_simulated_beside_the_expectations_given_s():
    made = experiment(bounds=(strongly_convex.STABILITY, strongly_convex.OPTIMIZATION))
    table = run(made, engine="moments").table.set_index("quantity")
    assert set(table.loc["optimization", "estimator"]) == {"given S"}
    assert set(table.loc["stability", "estimator"]) <= {"simulated", "regressed"}
    assert set(table["engine"]) == {"moments + fused_cpu"}


def test_a_run_that_diverges_has_no_value_from_there_on():
    problem, algorithm = PowerLawLeastSquares(3, radius=None), SGD(4000, Constant(3.0))
    (found,) = given.measure_given(
        problem, 8, [algorithm], [np.array([1, 4000])], ["x"], seed=0, first=0, coupled=False
    )
    assert np.isfinite(found.values["optimization"][:, 0]).all()
    assert np.isnan(found.values["optimization"][:, 1]).all()
    assert (found.diverged_at == 4000).all()


@dataclasses.dataclass(frozen=True)
class Claiming(Ridge):
    """Ridge regression on a large ball that says something else of itself."""

    radius: float = 1e3
    wrong: str = "ridge"

    @property
    def squared(self) -> Squared:
        claims = {"ridge": 0.2, "second_moment": ((1.0, 0.0), (0.0, 1.0)), "longest": 0.9, "largest": 0.1}
        return super().squared._replace(**{self.wrong: claims[self.wrong]})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("ridge", "squared contradicts gradient"),
        ("second_moment", "squared contradicts population_risk"),
        ("longest", "longest = 0.9, and an example has 1"),
        ("largest", "largest = 0.1, and an example has"),
    ],
)
def test_what_is_said_of_squared_losses_and_is_not_so_is_seen(wrong, reason):
    """Before a run, and by ``riskkit check``."""
    problem = Claiming(2, wrong=wrong)
    made = experiment(problem=problem)
    with pytest.raises(ValueError, match=rf"^engine moments: squared .*{reason.removeprefix('squared ')}"):
        made.plan(made.sizes["laptop"], "float64", "moments")
    assert ("squared", gradients.squared) in CHECKS
    assert len(gradients.squared(SimpleNamespace(problem=problem)).faults) == 1
    assert gradients.squared(SimpleNamespace(problem=Ridge(2))).faults == []
