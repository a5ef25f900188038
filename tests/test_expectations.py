"""Expectations without simulation: the moments engine against closed forms and simulations, and in the judges."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from problems import AnisotropicMean, LinearOnBall, MeanEstimation
from riskkit import InverseTime, Lookahead, Stream, simulate
from riskkit.algorithms import (
    SGD,
    SLRLA,
    Constant,
    HeavyBall,
    LinearDecay,
    SqrtHorizon,
    Stage,
    SuffixSGD,
    WeightedSGD,
)
from riskkit.algorithms.linear import LinearMaps, Steps
from riskkit.cli.main import main
from riskkit.engines import moments, trial
from riskkit.experiment import Exact, Experiment, Grid, Paired, Size, doubling
from riskkit.experiment.expected import Expected
from riskkit.experiment.runs import Simulated
from riskkit.interactive.answering import run
from riskkit.measure import expectations, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.expectation import Drawn, given_dataset, measure_expected
from riskkit.theory import exact_moments
from riskkit.theory.field import heavy_ball
from riskkit.theory.field import moments as field_moments
from riskkit.theory.zhou2021 import strongly_convex

# Against the closed forms, which share no code with the engine.


def test_moments_are_the_closed_forms():
    """Mean estimation (with batches and outer steps above 1), staged plans, their averages, heavy ball's stability and
    the linear loss: the largest relative error."""
    worst = 0.0

    def compare(got: Any, expected: Any) -> None:
        nonlocal worst
        got, expected = np.asarray(got), np.asarray(expected)
        worst = max(worst, float(np.abs(got / expected - 1).max()))

    n, rounds = 20, np.array([1, 2, 7, 30])
    for alpha, k, offset, lam in itertools.product((0.1, 0.5, 1.0), (1, 5), (2.0, 20.0), (1.0, 0.3)):
        step = InverseTime(1.0, offset)
        problem, algorithm = MeanEstimation(3, lam), Lookahead(30, k, alpha, step)
        known = exact_moments.step_moments(step, lam, k, alpha, rounds)
        found = moments.responses(problem, algorithm, n, rounds)
        compare(found.spread[:, 0, 0], known.u)
        compare(1 + found.start[:, 0, 0], 1 + known.m)
        values = expectations(problem, algorithm, n, rounds)
        compare(
            values["generalization"][:, 0],
            exact_moments.mean_estimation_generalization(known.m, lam, 1.0, n),
        )
        square = known.m2 * (1 + 1 / n) + known.u * (1 - 1 / n)
        compare(values["optimization"][:, 0], lam / 2 * square)
        compare(values["distance"][:, 0], square)
    for alpha, k, batch in itertools.product((0.3, 1.6), (1, 4), (1, 8)):
        m2, u = field_moments.lookahead_moments(0.3, k, alpha, batch, rounds)
        found = moments.responses(MeanEstimation(3), Lookahead(30, k, alpha, Constant(0.3), batch=batch), n, rounds)
        compare(found.spread[:, 0, 0], u)
        compare(found.start[:, 0, 0] ** 2, m2)
    for output, curvature in itertools.product(("last", "average"), (1.0, 0.1)):
        stages = [Stage(6, 5, 0.4, Constant(0.3 / 2**q), 0.3, output) for q in range(4)]
        known = exact_moments.round_moments(SLRLA(stages), curvature)
        found = moments.responses(AnisotropicMean((curvature,)), SLRLA(stages), n, np.arange(1, 25))
        for o, expected in enumerate((known.last, known.average)):
            compare(found.spread[6 * (o == 1) :, o, 0], expected.u[6 * (o == 1) :])
            compare(1 + found.start[:, o, 0], 1 + expected.m)
        compare(found.start[[5, 11, 17, 23], 0, 0], exact_moments.staged_moments(SLRLA(stages), curvature).m)
    for m in (0.3, 0.9):
        problem, h = MeanEstimation(3), 0.9 * (1 - m**0.5) ** 2
        values = expectations(problem, HeavyBall(30, Constant(h), m), n, rounds)["stability"][:, 0]
        compare(values, heavy_ball.quadratic_distance(h, m, n, rounds) * problem.quadratic.apart)
    for k, alpha in itertools.product((1, 4), (0.25, 1.0)):
        algorithm = Lookahead(16, k, alpha, SqrtHorizon(1.0))
        values = expectations(LinearOnBall(16, 100.0), algorithm, n, [16])["generalization"][0]
        eta = (16 * k) ** -0.5
        compare(values[0], exact_moments.linear_generalization_last(eta, n, 16, k, alpha, 100.0))
        compare(values[1], exact_moments.linear_generalization_average(eta, n, 16, k, alpha, 100.0))
    assert worst < 1e-12


def answers(sizes: np.ndarray, m: float, h: float) -> np.ndarray:
    """(J, J): what of an input of 1 at draw i is in v_{j+1}, from the recursion v, p of heavy ball itself."""
    J = len(sizes)
    v, p, found = np.zeros(J), np.zeros(J), np.zeros((J, J))
    for j, eta in enumerate(sizes):
        p = m * p + h * v - np.eye(J)[j]
        v = v - eta * p
        found[j] = v
    return found


@pytest.mark.parametrize("m", [0.0, 0.3, 0.9])
def test_heavy_ball_answers_with_one_sign_up_to_its_step(m):
    """Constant and falling steps; the stability then is the sum of the answers over n, times E||z - z'||. Longer steps
    answer with both signs."""
    n, J, lam = 20, 400, 0.7
    problem, longest = MeanEstimation(3, lam), (1 - m**0.5) ** 2 / lam
    apart = problem.quadratic.apart
    for step in (Constant(longest), InverseTime(1.0, 1 / longest), LinearDecay(longest)):
        algorithm = HeavyBall(J, step, m)
        found = answers(step.sizes(J, 1), m, lam)
        assert found.min() > -1e-12
        got = expectations(problem, algorithm, n, [1, 7, J])["stability"]
        want = lam * apart / n * found.sum(1)
        assert np.allclose(got[:, 0], want[[0, 6, J - 1]], rtol=1e-9)
        assert np.allclose(got[:, 1], [want[: t - 1].sum() / t for t in (1, 7, J)], rtol=1e-9)
    if m > 0:
        assert answers(np.full(J, 1.1 * longest), m, lam).min() < -1e-6
        assert not moments.responses(problem, HeavyBall(J, Constant(1.1 * longest), m), n, np.array([J])).one_sign


class Creeping(NamedTuple):
    """.05, of which every third step grows by a rounding or two."""

    by: float

    def sizes(self, T: int, k: int) -> np.ndarray:
        return np.where(np.arange(T * k) % 3 == 1, 0.05 * (1 + self.by), 0.05)


def test_heavy_ball_has_the_same_moments_in_either_coordinates():
    """A step that grows leaves the coordinates v and p, in which no sign is seen."""
    problem, rounds = MeanEstimation(3, 0.7), np.array([1, 2, 50])
    seen, unseen = (
        moments.responses(problem, HeavyBall(50, Creeping(by), 0.5, batch=2), 20, rounds) for by in (0.0, 1e-14)
    )
    assert seen.one_sign
    assert not unseen.one_sign
    for part in ("start", "mean", "spread", "squares"):
        assert np.allclose(getattr(seen, part), getattr(unseen, part), rtol=1e-11, atol=1e-13)


def test_long_runs_lose_no_digits():
    """T = 2^17: the second moment of SGD's average with constant step, sum over j of its coefficients squared / J^2."""
    J, h = 2**17, 0.05
    found = moments.responses(MeanEstimation(1), SGD(J, Constant(h)), 20, np.array([J]))
    j = np.arange(J)
    coefficients = (1 - (1 - h) ** (J - 1 - j)) / J  # of draw j in the mean of v_0 .. v_{J-1}
    assert found.spread[0, 1, 0] == pytest.approx(float((coefficients**2).sum()), rel=1e-11)
    assert found.spread[0, 0, 0] == pytest.approx(h / (2 - h), rel=1e-12)


# Given S, against simulation (of expectations see test_moments_simulated).

SETTINGS = ((MeanEstimation(3, 0.7), 5), (AnisotropicMean((1.0, 0.2, 0.2), 0.8), 20), (LinearOnBall(3, radius=50.0), 5))


@pytest.mark.parametrize(("problem", "n"), SETTINGS)
def test_the_expectation_given_the_dataset_is_nearer_to_each_replicate(problem, n):
    """E[. | S]: the rest of a replicate has mean 0 and is uncorrelated with it, at 5 standard errors, 256 replicates;
    and its mean over S is the expectation."""
    algorithm = Lookahead(30, 5, 0.5, Constant(0.1))
    rounds = np.array([3, 30])
    stream = Stream(11, range(256))
    pair = Pair.of(problem, stream, problem.sample(stream, n))
    given = given_dataset(problem, algorithm, rounds, Drawn.of(pair, GroundTruth.of(problem, pair)))
    (run_,) = measure_block(problem, n, [algorithm], [rounds], ["x"], seed=11, first=0)
    exact = expectations(problem, algorithm, n, rounds.tolist())
    assert set(given) >= {"optimization", "generalization", "excess", "distance", "replace_one", "path_moment"}
    for name, values in given.items():
        rest = run_.values[name] - values
        for part, target in ((rest, 0.0), (rest * (values - values.mean(0)), 0.0), (values, exact.get(name))):
            if target is not None:
                sem = part.std(0, ddof=1) / 16
                assert (np.abs(part.mean(0) - target) <= 5 * sem + 1e-12).all(), name


# What problems, and methods of one's own, say of themselves.


@pytest.mark.parametrize("problem", [MeanEstimation(3, 0.7), AnisotropicMean((1.0, 0.2)), LinearOnBall(4)])
def test_what_a_problem_says_of_its_quadratic_losses_is_true(problem):
    """The gradient to rounding; mean, variance, mean distance at 5 standard errors of 4,096 examples."""
    law = problem.quadratic
    z = problem.sample(Stream(3, range(2)), 4096)
    theta = torch.linspace(-1, 1, problem.dim, dtype=torch.float64)
    expected = torch.tensor(law.curvatures) * theta - torch.tensor(law.pulls) * z[:, :1]
    assert torch.allclose(problem.gradient(theta[None, None], z[:, :1]), expected.double(), atol=1e-12)
    a, b = z[0].numpy(), z[1].numpy()
    apart = np.linalg.norm(a - b, axis=1)
    for values, target in ((a, law.mean), ((a - law.mean) ** 2, law.variance), (apart[:, None], law.apart)):
        assert (np.abs(values.mean(0) - target) < 5 * values.std(0) / 64 + 1e-12).all()
    assert np.linalg.norm(a, axis=1).max() <= law.longest * (1 + 1e-12)


@dataclasses.dataclass(frozen=True)
class Damped:
    """SGD with the step .2, its output pulled half way to theta_0: a method of one's own, and its maps."""

    steps: int
    name: str = "damped"

    def init(self, theta):
        return (theta.clone(), theta.clone())

    def query(self, state):
        return state[0]

    def step(self, state, gradient, j):
        return (state[0] - 0.2 * gradient, state[1])

    def output(self, state):
        return {"last": state[0], "average": (state[0] + state[1]) / 2}

    def linear_maps(self):
        def steps(first, count):
            eye, v = np.tile(np.eye(2), (count, 1, 1)), np.tile([1.0, 0.0], (count, 1))
            return Steps(eye, -0.2 * v, v, v.copy(), np.full(count, -0.2))

        outputs = np.array([[1.0, 0.0], [0.5, 0.5]])
        return LinearMaps(np.ones(2), steps, lambda taken: np.tile(outputs, (len(taken), 1, 1)))


def test_a_method_of_ones_own_has_expectations_if_it_says_its_maps():
    """At 5 standard errors of 512 replicates."""
    problem, method, rounds = MeanEstimation(2), Damped(12), np.array([1, 12])
    exact = expectations(problem, method, 10, rounds.tolist())
    blocks = [measure_block(problem, 10, [method], [rounds], ["x"], seed=2, first=first) for first in (0, 256)]
    for name, value in exact.items():
        values = np.concatenate([block[0].values[name] for block in blocks])
        assert (np.abs(values.mean(0) - value) < 5 * values.std(0) / 512**0.5 + 1e-12).all(), name


@dataclasses.dataclass(frozen=True)
class Altered(Damped):
    """The same method, with one thing of its maps not as it is."""

    part: str = "none"

    def linear_maps(self):
        maps = super().linear_maps()

        def steps(first, count):
            made = maps.steps(first, count)
            if self.part in made._fields:
                getattr(made, self.part)[...] *= 1.001
            if self.part == "count":
                made.push[-1] *= 1 + count
            if self.part == "shape":
                made = made._replace(fall=made.push)
            return made

        outputs = {"average": 1.001}.get(self.part, 1.0)
        start = np.array([1.0, 1.001]) if self.part == "start" else maps.start
        return LinearMaps(start, steps, lambda taken: maps.outputs(taken) * np.array([1.0, outputs])[:, None])


@dataclasses.dataclass(frozen=True)
class Halved(HeavyBall):
    """Takes half of each step, and inherits the maps of whole ones."""

    def step(self, state, gradient, j):
        return super().step(state, gradient / 2, j)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (Damped(6), None),
        (Altered(6), None),
        (Altered(6, part="transition"), "after 1 steps of the same gradients their query is"),
        (Altered(6, part="push"), "after 1 steps of the same gradients their query is"),
        (Altered(6, part="query"), "after 0 steps of the same gradients their query is"),
        (Altered(6, part="average"), "after 3 steps of the same gradients their output average is"),
        (Altered(6, part="start"), "after 3 steps of the same gradients their output average is"),
        (Altered(6, part="count"), "must not depend on count; push does"),
        (Altered(6, part="shape"), "must give fall of shape (6,); got (6, 2)"),
        (HeavyBall(6, InverseTime(1.0, 2)), None),
        (Halved(6, InverseTime(1.0, 2)), "after 1 steps of the same gradients their query is"),
        (SuffixSGD(6, Constant(0.1)), None),
        (WeightedSGD(6, InverseTime(1.0, 2)), None),
    ],
)
@pytest.mark.parametrize(("start", "radius"), [([0.5, 0.25], None), ([0.0, 0.0], None), ([0.6, 0.8], 1.0)])
def test_maps_are_held_against_the_methods_first_steps(method, said, start, radius):
    found = trial._maps_fault(method, torch.tensor(start, dtype=torch.float64).expand(2, 1, -1), radius, 6, [3, 6])
    if start == [0.0, 0.0]:  # What multiplies theta_0 is not seen from 0, and what multiplies the state a step later.
        part = getattr(method, "part", "")
        said = None if part == "start" else "after 1 steps" if part == "query" else said
        said = "after 2 steps" if part == "transition" else said
    if said is None:
        assert found is None
    else:
        assert found is not None
        assert said in found[0]
        assert found[1] == "linear_maps"


@pytest.mark.parametrize(
    ("problem", "algorithm", "reason"),
    [
        (LinearOnBall(3, radius=0.5), SGD(100, Constant(0.1)), "projected"),
        (
            MeanEstimation(2),
            dataclasses.replace(SGD(9, Constant(0.1)), sampling="one stream for all"),
            "share their draws",
        ),
        # Its one fast step ends at 0.1, inside Theta, and its slow weights at 0.2, outside.
        (LinearOnBall(3, radius=0.15), Lookahead(1, 1, 2.0, Constant(0.1)), "alpha > 1 would leave Theta, a ball"),
    ],
)
def test_what_has_no_known_moments_says_why(problem, algorithm, reason):
    assert reason in str(moments.refusal(problem, algorithm, 10))
    with pytest.raises(ValueError, match=f"^the expectations of .* are not known: .*{reason}"):
        expectations(problem, algorithm, 10, [1])


@dataclasses.dataclass(frozen=True)
class Ball(MeanEstimation):
    """Mean estimation on a ball, of which it says that its losses are quadratic."""

    distance: float = 0.1
    radius: float = 1.0

    def empirical_minimiser(self, data):
        mean = data.mean(1)
        return mean * (self.radius / mean.norm(dim=-1, keepdim=True)).clamp(max=1)


def test_a_minimiser_on_the_boundary_of_theta_has_no_expectation_in_closed_form():
    """No step leaves the small ball; the mean of two examples does, and the closed form is that of R^d."""
    few = Lookahead(3, 2, 0.5, Constant(0.02))
    known = expectations(Ball(), few, 2, [3])["optimization"][0, 0]
    assert "a minimiser of F_S may lie outside of Theta" in str(moments.refusal(Ball(radius=0.5), few, 2))
    for radius, right in ((1.0, True), (0.5, False)):
        found = simulate(Ball(radius=radius), few, n=2, replicates=4096).optimization
        z = (found.mean() - known) / (found.std() / 64)
        assert (abs(z) < 4) == right, z
        assert found.std() / 64 < 0.03 * known


# Experiments.


def experiment(**changes) -> Experiment:
    """Theorem 2 on mean estimation, which attains it."""
    step = InverseTime(1.0, 2)

    def optimization(at):
        known = exact_moments.step_moments(step, 1.0, 5, at.algorithm.stages[0].alpha, at.rounds)
        return (known.m2 * (1 + 1 / at.n) + known.u * (1 - 1 / at.n)) / 2

    given = {
        "question": "Is it attained?",
        "problem": MeanEstimation(4),
        "algorithms": {
            "Lookahead": lambda p: Lookahead(p.T, 5, p.alpha, step),
            "SGD": lambda p: SGD(5 * p.T, step),
        },
        "bounds": (strongly_convex.OPTIMIZATION, strongly_convex.STABILITY),
        "readings": (Exact("optimization", "last", optimization, ("Lookahead",)), Paired("Lookahead", ("SGD",))),
        "controls": ("SGD",),
        "sizes": {"laptop": Size(Grid("T", n=50, alpha=0.25, T=doubling(32, 4096)), replicates=64)},
    }
    return Experiment(**{**given, **changes})


@pytest.fixture(scope="module")
def answered():
    return run(experiment())


def test_verdicts_on_expectations_are_exact(answered):
    words = {}
    for one in answered.verdicts:
        assert one.verdict.exact, one.verdict.sentence
        assert np.isnan(one.verdict.p_value)
        assert "replicates" not in one.verdict.sentence
        assert "interval" not in one.verdict.sentence
        assert "exact" in one.verdict.sentence
        words.setdefault((one.verdict.kind, one.quantity), []).append(str(one.verdict.outcome))
    assert words["level", "optimization"] == ["HOLDS"]
    assert words["rate", "optimization"] == ["TIGHT"]
    assert words["level", "stability"] == ["HOLDS"]
    assert words["identity", "optimization"] == ["AGREES"]
    assert words["exponent", "optimization"] == ["AGREES"]
    assert {comparison.outcome for comparison in answered.comparisons} <= {"smaller", "larger"}


def test_the_table_says_what_is_exact(answered):
    table = answered.table.set_index(["quantity", "output"])
    for quantity in ("optimization", "generalization", "excess", "distance", "stability"):
        part = table.loc[(quantity, "last")]
        assert (part["estimator"] == "exact").all()
        assert (part["sem"] == 0).all()
    simulated = run(experiment(), replicates=32, engine="fused").table.set_index("quantity")
    assert (simulated.loc["optimization", "estimator"] == "simulated").all()
    assert (simulated.loc["generalization", "estimator"] == "controlled").all()


def test_moments_are_taken_where_they_are_known_and_simulations_where_they_are_asked_for():
    size = Size(Grid("T", n=50, alpha=0.5, T=(4, 8)), replicates=32)

    def kinds(made: Experiment, engine: str = "auto", dtype: str = "float64") -> set[type]:
        return {type(one) for one in made.plan(size, dtype, engine).runs.values()}

    assert kinds(experiment()) == {Expected}
    assert kinds(experiment(), "moments") == {Expected}
    assert kinds(experiment(), "fused") == kinds(experiment(), "reference") == {Simulated}
    assert kinds(experiment(), dtype="float32") == {Simulated}
    assert kinds(experiment(simulated=True)) == {Simulated}
    assert kinds(experiment(simulated=True), "moments") == {Expected}
    addresses = [set(experiment().plan(size, "float64", engine).runs) for engine in ("auto", "fused")]
    assert not addresses[0] & addresses[1]
    with pytest.raises(ValueError, match=r"^engine moments: its steps may leave Theta and be projected; use auto"):
        experiment().on(LinearOnBall(2, 0.1)).plan(size, "float64", "moments")


def test_stability_without_a_closed_form_is_simulated_beside_the_expectations():
    """Two curvatures: a norm of two different sums of hits."""
    problem, algorithm = AnisotropicMean((1.0, 0.1)), Lookahead(20, 5, 0.5, Constant(0.3))
    arguments = {"seed": 3, "first": 0}
    (one,) = measure_expected(problem, 20, [algorithm], [np.array([20])], ["x"], coupled=True, **arguments)
    (simulated,) = measure_block(problem, 20, [algorithm], [np.array([20])], ["x"], **arguments)
    assert np.array_equal(one.values["stability"], simulated.values["stability"])
    assert np.ptp(one.values["optimization"], axis=0).max() == 0
    (alone,) = measure_expected(problem, 20, [algorithm], [np.array([20])], ["x"], coupled=False, **arguments)
    assert "stability" not in alone.values


def test_a_dry_run_counts_the_cells_that_need_no_replicates(tmp_path, capsys):
    call = [
        "sweep",
        "theorem2_edge",
        "--dry-run",
        "--T",
        "1",
        "2",
        "--k",
        "5",
        "--alpha",
        "0.1",
        "--out",
        str(tmp_path),
    ]
    assert main(call) == 0
    assert " by exact moments, which no replicates change)" in capsys.readouterr().out


def test_runs_of_one_company_have_the_same_quantities():
    """A step above 1/L answers draws with both signs: its stability has no closed form, and stands in no shard with
    those that have one."""
    algorithms = {"short": lambda p: SGD(p.T, Constant(0.5)), "long": lambda p: SGD(p.T, Constant(1.5))}
    changes = {"algorithms": algorithms, "bounds": (), "readings": (), "controls": ()}
    size = Size(Grid(n=10, T=4), 64)
    runs = list(experiment(**changes).plan(size).runs.values())
    assert len({one.company for one in runs}) == 2
    found = run(experiment(**changes), size, progress=False).table.set_index(["algorithm", "quantity", "output"])
    assert found.loc[("short", "stability", "last"), "estimator"] == "exact"
    assert np.isnan(found.loc[("long", "stability", "last"), "mean"])


def test_moments_that_leave_the_range_of_the_numbers_are_a_divergence_not_a_number():
    """h = 8: every step multiplies the error by -7, whose square is infinite after 183 steps."""
    rounds = [np.array([10, 100, 200, 400])]
    problem, algorithm = MeanEstimation(dim=2), SGD(400, Constant(8.0))
    (found,) = measure_expected(problem, 5, [algorithm], rounds, ["a"], seed=0, first=0, coupled=False)
    assert set(found.diverged_at.tolist()) == {200}
    assert np.isfinite(found.values["optimization"][:, :2]).all()
    (kept,) = measure_expected(problem, 5, [SGD(400, Constant(0.1))], rounds, ["b"], seed=0, first=0, coupled=False)
    assert set(kept.diverged_at.tolist()) == {-1}
