"""The reference engine against golden trajectories, hand-written loops and itself in other company."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from problems import LinearOnBall, Logistic, MeanEstimation
from riskkit import SGD, SLRLA, Constant, Constants, InverseTime, Lookahead, Regime, SLRLAAsCoded, Stage
from riskkit import simulate as simulate_on_any_engine
from riskkit.measure.blocks import block_size
from riskkit.measure.blocks import measure_block as measure_block_on_any_engine

simulate = functools.partial(simulate_on_any_engine, engine="reference")
measure_block = functools.partial(measure_block_on_any_engine, engine="reference")

GOLDEN = json.loads((Path(__file__).parent / "reference" / "trajectories.json").read_text())


@dataclasses.dataclass(frozen=True)
class Given:
    """Squared or logistic loss plus (lam/2)||theta||^2 on given examples; its risks play no part."""

    loss: str
    lam: float
    dim: int = 3
    name: str = "given"
    regime: Regime = Regime.CONVEX
    radius: None = None

    @property
    def constants(self):
        return Constants(L=1.0, G=1.0)

    @property
    def start(self):
        return np.zeros(self.dim)

    def sample(self, stream, n):
        raise AssertionError("the examples are given")

    def gradient(self, theta, z):
        x, y = z[..., :-1], z[..., -1]
        u = (x * theta).sum(-1)
        slope = u - y if self.loss == "squared" else -y * torch.sigmoid(-y * u)
        return slope[..., None] * x + self.lam * theta

    def empirical_risk(self, theta, data):
        return theta.square().sum(-1)

    def empirical_minimiser(self, data):
        return torch.zeros_like(data[:, 0, :-1])

    def population_risk(self, theta):
        return theta.square().sum(-1)

    def population_minimiser(self):
        return np.zeros(self.dim)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['loss']}-{c['lam']}-{len(c['stages'])}stages")
def test_trajectories_meet_the_golden_ones(case):
    data = np.column_stack([GOLDEN["X"], GOLDEN["y"]])
    stages = [
        Stage(s["T"], s["k"], s["alpha"], Constant(s["eta"]), s["beta"], output=s["output"]) for s in case["stages"]
    ]
    algorithm = SLRLA(stages)
    m = simulate(
        Given(case["loss"], case["lam"]),
        algorithm,
        data=data,
        indices=GOLDEN["indices"][: algorithm.steps],
        replicates=1,
        rounds=range(1, algorithm.rounds + 1),
    )
    np.testing.assert_allclose(m.theta[0, :, 0], case["slow"], rtol=0, atol=1e-12)
    ends = np.cumsum([s["T"] for s in case["stages"]]) - 1
    outputs = [
        m.theta[0, end, ("last", "average").index(s["output"])] for end, s in zip(ends, case["stages"], strict=True)
    ]
    np.testing.assert_allclose(outputs, case["stage_outputs"], rtol=0, atol=1e-12)


def plain_sgd(problem, data, indices, etas):
    """SGD as anyone would write it; the average is over the weights before each step."""
    theta = torch.as_tensor(np.array(problem.start), dtype=torch.float64)[None, None]
    total = torch.zeros_like(theta)
    for j, eta in enumerate(etas):
        total = total + theta
        theta = theta - eta * problem.gradient(theta, data[:, indices[j]][:, None, :])
        if problem.radius is not None:
            norm = (theta * theta).sum(-1, keepdim=True).sqrt()
            theta = theta * (problem.radius / norm).clamp(max=1)
    return theta[0, 0], total[0, 0] / len(etas)


@pytest.mark.parametrize("problem", [MeanEstimation(dim=4), LinearOnBall(dim=4, radius=0.5), Logistic(dim=4)])
@pytest.mark.parametrize("k", [1, 5])
def test_alpha_one_is_sgd_bit_for_bit(problem, k):
    rng = np.random.default_rng(1)
    m = simulate(problem, Lookahead(60 // k, k, 1.0, InverseTime(1.0, 2)), n=20, replicates=1)
    from riskkit import Stream

    data = problem.sample(Stream(0, range(1)), 20)
    indices = Stream(0, range(1)).indices(20, 0, 60)[0]
    last, average = plain_sgd(problem, data, indices, InverseTime(1.0, 2).sizes(60, 1))
    assert rng is not None
    assert torch.equal(torch.as_tensor(m.theta[0, -1, 0]), last)
    assert torch.equal(torch.as_tensor(m.theta[0, -1, 1]), average)


def test_one_stage_without_penalty_is_lookahead_bit_for_bit():
    problem, step = Logistic(dim=5), Constant(0.7)
    one = simulate(problem, Lookahead(12, 5, 0.3, step), n=30, replicates=8)
    two = simulate(problem, SLRLA([Stage(12, 5, 0.3, step, beta=0.0)]), n=30, replicates=8)
    beside = measure_block(
        problem,
        30,
        [SLRLA([Stage(3, 5, 0.5, step, beta=0.4), Stage(4, 5, 0.5, step)]), Lookahead(12, 5, 0.3, step)],
        [np.array([7]), np.array([12])],
        ["a", "b"],
        seed=0,
        first=0,
    )
    assert np.array_equal(one.theta, two.theta)
    assert np.array_equal(beside[1].values["excess"][:8], one.values["excess"])


def test_slrla_as_coded_is_the_authors_loop():
    """Penalty beta ||theta - anchor||^2, anchor copied from the fast weights every K steps, whatever the rounds."""
    problem, eta, alpha, k, K, beta = MeanEstimation(dim=3), 0.2, 0.5, 4, 6, 0.3
    data = np.random.default_rng(5).normal(size=(7, 3))
    indices = np.random.default_rng(6).integers(0, 7, 24)
    v = slow = np.array(problem.start)
    for j, i in enumerate(indices):
        if j % K == 0:
            anchor = v.copy()
        v = v - eta * (v - data[i] + 2 * beta * (v - anchor))
        if (j + 1) % k == 0:
            slow = v = (1 - alpha) * slow + alpha * v
    coded = SLRLAAsCoded([Stage(6, k, alpha, Constant(eta), beta)], anchor_every=K)
    m = simulate(problem, coded, data=data, indices=indices, replicates=1)
    np.testing.assert_allclose(m.theta[0, -1, 0], slow, rtol=0, atol=1e-14)


def test_a_run_has_the_same_bits_whatever_runs_beside_it():
    problem = Logistic(dim=7)
    algorithms = [
        Lookahead(T, k, a, InverseTime(0.5, 4)) for T, k in [(16, 5), (40, 2), (9, 1)] for a in (0.2, 0.55, 1.0)
    ]
    rounds = [np.array([3, a.rounds]) for a in algorithms]
    names = [str(i) for i in range(len(algorithms))]
    together = measure_block(problem, 25, algorithms, rounds, names, seed=3, first=0)
    for i, algorithm in enumerate(algorithms):
        (alone,) = measure_block(problem, 25, [algorithm], [rounds[i]], ["x"], seed=3, first=0)
        for quantity, values in alone.values.items():
            assert np.array_equal(values, together[i].values[quantity]), (i, quantity)


def test_replicates_do_not_depend_on_how_many_or_in_which_batches():
    problem, algorithm = Logistic(dim=4), Lookahead(10, 3, 0.5, Constant(0.5))

    def excess(first, replicates):
        return simulate(problem, algorithm, n=20, first=first, replicates=replicates).excess

    whole = excess(0, 60)
    assert np.array_equal(whole, np.concatenate([excess(0, 30), excess(30, 30)]))
    assert np.array_equal(whole, np.concatenate([excess(0, 7), excess(7, 53)]))
    over = block_size(problem, 20) - 5
    assert np.array_equal(excess(over, 20), np.concatenate([excess(over, 5), excess(over + 5, 15)]))


def test_a_problem_says_how_many_replicates_a_block_may_hold():
    class Dear(Logistic):
        together = 32

    class Wrong(Logistic):
        together = 100

    assert (block_size(Logistic(dim=4), 20), block_size(Dear(dim=4), 20)) == (256, 32)
    expected = "logistic: together must be one of 32, 64, 128, 256; got 100."
    with pytest.raises(ValueError, match=re.escape(expected)):
        simulate(Wrong(dim=4), Lookahead(10, 3, 0.5, Constant(0.5)), n=20, replicates=5)


def test_divergence_is_flagged_with_its_step_and_leaves_the_others_alone():
    """h = eta lam = 4: the error grows by 3 a step, so it leaves the range after ln(limit) / ln 3 steps."""
    problem = MeanEstimation(dim=4)
    algorithms = [Lookahead(1000, 1, 1.0, Constant(4.0)), Lookahead(1000, 1, 1.0, Constant(0.1))]
    rounds = [np.array([100, 250, 1000])] * 2
    wild, tame = measure_block(problem, 10, algorithms, rounds, ["a", "b"], seed=0, first=0)
    limit = np.finfo(np.float64).max ** 0.5 * 1e-4
    predicted = np.log(limit) / np.log(3)
    assert (np.abs(wild.diverged_at - predicted) < 5).all()
    assert (tame.diverged_at == -1).all()
    assert np.isfinite(tame.values["excess"]).all()
    assert np.isfinite(wild.values["excess"][:, :2]).all()  # sound until then
    assert np.isnan(wild.values["excess"][:, 2]).all()


def test_a_replicate_that_diverges_in_the_middle_of_a_run_is_named_alone():
    """One example is not a number: only replicates that draw it are lost, from that step on."""
    problem = MeanEstimation(dim=2)
    data = np.zeros((3, 5, 2))
    data[1, 4] = 1e300
    indices = np.tile(np.arange(5), 120)[:600]
    m = simulate(
        problem, Lookahead(600, 1, 1.0, Constant(0.5)), data=data, indices=indices, replicates=3, rounds=[4, 600]
    )
    assert m.diverged_at.tolist() == [-1, 5, -1]
    assert np.isfinite(m.at("distance", T=4)[[0, 2]]).all()
    assert np.isnan(m.optimization[1])


@dataclasses.dataclass(frozen=True)
class MySGD:
    """SGD as a user would write it for the engine."""

    eta: float
    steps: int
    name: str = "my SGD"

    def init(self, theta):
        return (theta.clone(), torch.zeros_like(theta))

    def query(self, state):
        return state[0]

    def step(self, state, gradient, j):
        theta, total = state
        return (theta - self.eta * gradient, total + theta)

    def output(self, state):
        return {"last": state[0], "average": state[1] / self.steps}


def test_a_method_of_ones_own_runs_on_an_explicit_state():
    problem = MeanEstimation(dim=4)
    own = simulate(problem, MySGD(0.1, 50), n=20, replicates=40)
    ours = simulate(problem, SGD(50, Constant(0.1)), n=20, replicates=40)
    assert np.array_equal(own.theta, ours.theta)
    assert np.array_equal(own.excess, ours.excess)


def test_float32_follows_float64():
    problem, algorithm = Logistic(dim=6), Lookahead(40, 5, 0.5, Constant(0.5))
    double = simulate(problem, algorithm, n=50, replicates=16)
    single = simulate(problem, algorithm, n=50, replicates=16, dtype="float32")
    np.testing.assert_allclose(single.theta, double.theta, rtol=0, atol=2e-5)
    assert not np.array_equal(single.theta, double.theta)


def test_the_excess_risk_is_the_sum_of_its_parts():
    m = simulate(Logistic(dim=6), Lookahead(8, 5, 0.5, Constant(0.5)), n=50, replicates=16, rounds=[2, 8])
    for output in ("last", "average"):
        for T in (2, 8):
            parts = m.at("optimization", T, output) + m.at("generalization", T, output)
            np.testing.assert_allclose(m.at("excess", T, output), parts, rtol=0, atol=1e-14)
    assert (m.optimization > 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("problem", [MeanEstimation(dim=4), LinearOnBall(dim=4), Logistic(dim=6)])
def test_cuda_agrees_with_the_cpu(problem):
    algorithm = Lookahead(100, 5, 0.5, Constant(0.5))
    cpu = simulate(problem, algorithm, n=50, replicates=64)
    gpu = simulate(problem, algorithm, n=50, replicates=64, device="cuda")
    np.testing.assert_allclose(gpu.theta, cpu.theta, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 1}, "n must be a whole number >= 2; got 1."),
        ({"n": 20, "replicates": 0}, "replicates must be a whole number >= 1; got 0."),
        ({"n": 20, "rounds": [5, 11]}, "rounds must lie between 1 and the algorithm's 10; got 5 .. 11."),
        ({"n": 20, "rounds": [5, 5]}, "rounds must be ascending whole numbers; got [5, 5]."),
        ({"n": 20, "dtype": "float16"}, "dtype must be one of float64, float32; got 'float16'."),
        ({"data": np.zeros((5, 4)), "indices": np.full(20, 5)}, "indices must lie in 0 .. 4; got 5 .. 5."),
        ({"data": np.full((5, 4), np.nan)}, "data must be finite; got nan or inf among the examples."),
    ],
)
def test_simulate_refuses_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message) + "$"):
        simulate(MeanEstimation(dim=4), Lookahead(10, 2, 0.5, Constant(0.1)), **{"replicates": 1, **arguments})
