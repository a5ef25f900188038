"""Batches, momentum and weighted averages on the fused CPU engine, against the reference engine and against itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import problems
from problems import Logistic, MeanEstimation, PowerLawLeastSquares
from riskkit import SGD, Constant, InverseTime, Lookahead, Stage, simulate
from riskkit.algorithms import HeavyBall, MomentumLookahead, Scheme, SuffixSGD, WeightedSGD
from riskkit.engines import reference, trial
from riskkit.engines.numba import engine as fused_cpu
from riskkit.engines.numba import schemes
from riskkit.measure import measure_block
from riskkit.measure.runs import drawn_indices
from riskkit.rng.streams import Stream
from tests.test_fused import FAST, ROUNDS, SINGLE, STAGED, agree, both, same_bits_alone

RADIUS = 0.3
QUICK = ("Logistic", "MeanEstimation")
"""Compiled by the default tests; the others are slow."""

MADE = [
    dataclasses.replace(STAGED[0], batch=3),
    dataclasses.replace(STAGED[3], batch=3),
    dataclasses.replace(STAGED[5], batch=3),
    SGD(200, InverseTime(1.0, 20.0), batch=8),
    SGD(90, Constant(0.02), batch=2),
    SGD(40, Constant(0.02), batch=300),
    HeavyBall(300, Constant(0.02), 0.9),
    HeavyBall(300, InverseTime(1.0, 20.0), 0.7, batch=3),
    HeavyBall(300, Constant(0.02), 0.9, radius=RADIUS),
    SuffixSGD(500, Constant(0.05), 0.5),
    WeightedSGD(500, InverseTime(0.5, 10.0), radius=RADIUS),
    MomentumLookahead(
        (
            Stage(30, 4, 0.5, Constant(0.05), 0.3),
            Stage(10, 5, 1.0, Constant(0.02), 0.1),
            Stage(9, 5, 0.7, Constant(0.02)),
        ),
        0.8,
        0.01,
        radius=RADIUS,
        batch=5,
    ),
]
READ = [ROUNDS[0], ROUNDS[3], ROUNDS[5]]
READ += [
    np.array(rounds)
    for rounds in (
        *([1, 77, 200], [1, 90], [1, 2, 40], [3, 300], [3, 300], [3, 300]),
        *([1, 249, 250, 251, 400, 500], [1, 2, 500], [1, 30, 31, 40, 49]),
    )
]


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in FAST])
def test_the_engines_agree_in_double_precision(name):
    """Every output, stages, anchors, projection, momentum, batches and weights: on a linear formula and on one that is
    given coordinate by coordinate; the others are slow to compile."""
    problem = getattr(problems, name)()
    expected, found = both(problem, MADE, READ, n=8 if name == "MonotoneLink" else 30)
    agree(expected, found, 1e-10)
    felt = [float(path.theta[:, :, 0].norm(dim=-1).max()) for path in expected[8:]]
    assert name != "MeanEstimation" or max(felt) >= RADIUS * (1 - 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE)
def test_the_engines_agree_in_single_precision(name):
    agree(*both(getattr(problems, name)(), MADE, READ, dtype=torch.float32), 5e-6)


def test_a_run_has_the_same_bits_in_any_company_chunks_and_on_any_number_of_threads(monkeypatch):
    """Alone it shares a vector among replicates; with two of each kind it does not."""
    problem = Logistic(dim=20)
    plain, ends = [STAGED[0], *MADE], [ROUNDS[0][-1:], *(own[-1:] for own in READ)]
    _, together = both(problem, plain * 2 + MADE * 2, [ROUNDS[0], *READ] * 2 + READ * 2, replicates=13)
    monkeypatch.setattr(schemes, "TABLE", 1)
    _, threaded = both(problem, plain, ends, replicates=13, threads=3)
    same_bits_alone(problem, plain, ends, (together[: 2 * len(plain)], threaded))


@pytest.mark.parametrize("sampling", ["without replacement", "one shuffle"])
def test_batches_without_replacement(sampling):
    """Through all examples in turn, across the ends of passes; a batch of all of them is gradient descent."""
    problem, n, R = Logistic(dim=20), 30, 5
    stream = Stream(3, range(R))
    data, draw = problem.sample(stream, n), drawn_indices(stream, n, sampling)
    made = [dataclasses.replace(SGD(40, Constant(0.5), batch=b), sampling=sampling) for b in (4, 7, n)]
    rounds = [np.array([3, 40])] * 3
    with reference.one_thread():
        expected = reference.run(problem, made, data, draw, rounds)
    found = fused_cpu.run(problem, made, data, draw, rounds)
    agree(expected, found, 1e-10)
    theta = torch.zeros(R, 1, problem.dim, dtype=torch.float64)
    for _ in range(40):
        theta = theta - 0.5 * torch.stack([problem.gradient(theta, data[:, i, None]) for i in range(n)]).mean(0)
    torch.testing.assert_close(found[2].theta[:, 1, 0], theta[:, 0], rtol=1e-12, atol=0)


def test_several_replaced_neighbours_are_coupled_as_by_the_reference_engine():
    problem, step = Logistic(dim=20), Constant(0.1)
    made = [Lookahead(6, 5, 0.5, step, batch=3), HeavyBall(20, step), SuffixSGD(20, step), Lookahead(6, 5, 0.5, step)]
    rounds = [np.array([2, 6])] * 4

    def measured(engine):
        return measure_block(problem, 30, made, rounds, list("abcd"), seed=1, first=0, engine=engine, neighbours=3)

    for one, other in zip(measured("auto"), measured("reference"), strict=True):
        assert (one.engine, other.engine) == ("fused_cpu", "reference")
        for name, values in other.values.items():
            np.testing.assert_allclose(one.values[name], values, rtol=1e-8, atol=1e-13, err_msg=name)
        assert (other.values["stability"] > 0).any()


def test_divergence_is_named_as_by_the_reference_engine():
    problem = MeanEstimation(dim=4)
    data = torch.as_tensor(np.random.default_rng(0).normal(size=(5, 30, 4)))
    data[3, 7] = 1e300
    made = [
        *(HeavyBall(1000, Constant(h), 0.5, batch=3) for h in (4.0, 0.1)),
        Lookahead(300, 3, 0.5, Constant(40.0), batch=100),
    ]
    expected, found = both(problem, made, [np.array([100, 250, 1000])] * 2 + [np.array([10, 300])], data=data)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.diverged_at, other.diverged_at)
    assert (found[0].diverged_at > 0).all()
    assert found[1].diverged_at.ge(0).tolist() == [False, False, False, True, False]


@dataclasses.dataclass(frozen=True)
class Halves:
    """A method of one's own: SGD whose average has the weights of a geometric mean of time; ``wrong``: not its own."""

    steps: int
    step_sizes: Constant
    wrong: str = ""
    batch: int = 2
    name: str = "halves"
    outputs = ("average",)

    def init(self, theta):
        return theta.clone(), theta.clone()

    def query(self, state):
        return state[0]

    def step(self, state, gradient, j):
        v, average = state
        return v - self.step_sizes.eta * gradient, average + 0.5 ** (j > 0) * (v - average)

    def output(self, state):
        return {"average": state[1]}

    def scheme(self):
        if self.wrong == "type":
            return 3
        weights = 0.5 ** (np.arange(self.steps) > 0)
        eta = Constant(self.step_sizes.eta * (1.001 if self.wrong == "size" else 1))
        batch = 1 if self.wrong == "batch" else self.batch
        return Scheme(
            (Stage(self.steps, 1, 1.0, eta),), batch=batch, weights=weights * (0.9 if self.wrong == "weight" else 1)
        )


def test_a_method_of_ones_own_with_a_scheme_runs_fused():
    problem = Logistic(dim=20)
    fast = simulate(problem, Halves(50, Constant(0.1)), n=20, replicates=40)
    slow = simulate(problem, Halves(50, Constant(0.1)), n=20, replicates=40, engine="reference")
    assert (fast.engine[0], slow.engine[0]) == ("fused_cpu", "reference")
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=1e-12, equal_nan=True)
    assert np.isnan(fast.theta[:, :, 0]).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", None),
        ("type", "scheme must return a Scheme; got int"),
        ("batch", "scheme must be the method itself; it has 1 examples a step, the method 2"),
        ("size", "scheme must be the method itself; after 1 steps of the same gradients its iterate is "),
        ("weight", "scheme must be the method itself; after 2 steps of the same gradients its output average is "),
    ],
)
def test_a_scheme_that_is_not_the_method_is_a_fault(wrong, said):
    found = trial.fault(Halves(9, Constant(0.1), wrong), (0.3, 0.1, 0.2), None, np.inf, 9, [2, 9])
    assert (found is None) if said is None else found[0].startswith(said)
    assert found is None or found[1] == "scheme"


@pytest.mark.parametrize("made", [a for a in MADE if not hasattr(a, "sampling")], ids=lambda made: made.name)
def test_the_schemes_of_the_algorithms_are_the_algorithms(made):
    steps = min(int(made.steps), 300)
    assert trial.fault(made, (0.1, 0.05), 0.3 if made.radius else None, 0.2, steps, list(range(1, steps + 1))) is None


def test_weights_are_one_finite_number_a_step():
    stage = Stage(3, 1, 1.0, Constant(0.1))
    with pytest.raises(ValueError, match="weights must be 3 finite numbers, one a step"):
        Scheme((stage,), weights=np.ones(2))


def test_a_plain_run_beside_schemes_takes_the_loop_of_plain_runs(monkeypatch):
    problem = PowerLawLeastSquares(dim=4, radius=None)
    monkeypatch.setattr(schemes, "run", None)
    both(problem, STAGED[:1], ROUNDS[:1])
