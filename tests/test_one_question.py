"""One kind of question: methods, batches, axes and runs of one's own are judged like everything else."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from riskkit import (
    SGD,
    Constant,
    Exact,
    Experiment,
    Grid,
    HeavyBall,
    Inequality,
    InverseTime,
    Lookahead,
    Size,
    Source,
    doubling,
    load,
    run,
    simulate,
)
from riskkit.algorithms import traits
from riskkit.algorithms.steps import Scaled, described, first_size, horizon_free, scaled
from riskkit.experiment.point import Point
from riskkit.experiment.runs import Run
from riskkit.problems import LinearOnBall, MeanEstimation, Ridge

ROOT = Path(__file__).resolve().parent.parent
ETA = 0.01
HERE = Source("here", "this test", "@misc{here, title = {This test}}", "")


def answered(experiment, replicates=512):
    """What is found of an experiment, and its plan."""
    result = run(experiment, replicates=replicates)
    return result.found, result.data.plan


# Momentum.


def memory(at):
    """sum_{i<T} (1 - m^(T-i)) / (1 - m) for each T, (K,)."""
    m = at.algorithm.momentum
    return np.array([sum((1 - m ** (T - i)) / (1 - m) for i in range(T)) for T in at.rounds.tolist()])


def is_heavy_ball(problem, algorithm):
    return None if isinstance(algorithm, HeavyBall) else f"this is about heavy ball; got {algorithm.name}."


STABILITY = Inequality(
    name="own.generalization.last",
    title="the stability of heavy ball",
    quantity="generalization",
    output="last",
    source=HERE,
    hypotheses=(is_heavy_ball,),
    claim=lambda at: memory(at) / at.n,
    proved=lambda at: 2 * ETA * at.constants.G**2 / at.n * memory(at),
)

MOMENTUM = Experiment(
    question="Has the stability of heavy ball the right dependence on momentum, T and n?",
    problem=LinearOnBall(dim=4, radius=100.0),
    algorithms={"heavy ball": lambda p: HeavyBall(p.T, Constant(ETA), p.momentum, radius=100.0)},
    bounds=(STABILITY,),
    readings=(Exact("generalization", "last", lambda at: ETA / at.n * memory(at)),),
    sizes={
        "laptop": Size(
            [
                Grid("momentum", n=20, momentum=(0.0, 0.3, 0.6, 0.8, 0.9), T=64),
                Grid("T", n=20, momentum=0.5, T=doubling(4, 64)),
                Grid("n", n=(10, 20, 40, 80), momentum=0.5, T=16),
            ],
            replicates=4096,
        )
    },
)


def test_heavy_ball_on_the_linear_loss_is_half_of_its_stability_along_momentum_T_and_n():
    found, made = answered(MOMENTUM, 4096)
    verdicts = {(f.bound, f.axis): f for f in found.findings}
    level = verdicts["own.generalization.last", None]
    assert level.verdict.outcome == "HOLDS"
    assert level.verdict.ratio == pytest.approx(0.5, abs=0.05)
    assert "of heavy ball" in level.verdict.sentence
    assert level.algorithm == "heavy ball"
    assert (level.form, level.group) == ("proved", "rederived")
    for axis in ("momentum", "T", "n"):
        judged = verdicts["own.generalization.last", axis]
        assert judged.verdict.slope - judged.verdict.claim_slope == pytest.approx(0, abs=0.1), axis
        assert (judged.form, judged.group) == ("claim", "source")
    exact = verdicts["exact generalization.last", None].verdict  # AGREES, within 5% in every cell, takes 5e4 replicates
    assert exact.outcome != "DISAGREES"
    assert exact.ratio == pytest.approx(1, abs=0.05)
    assert verdicts["exact generalization.last", "T"].verdict.outcome == "AGREES"
    # A horizon-free schedule: every T of a momentum is read off one run.
    assert len(made.runs) == 5 + 1 + 4 - 1


def test_a_bound_divided_by_three_is_violated():
    low = dataclasses.replace(STABILITY, proved=lambda at: STABILITY.proved(at) / 3)
    found, _ = answered(dataclasses.replace(MOMENTUM, bounds=(low,)), 4096)
    (level,) = [f for f in found.findings if f.bound == "own.generalization.last" and f.axis is None]
    assert level.verdict.outcome == "VIOLATED"


def test_momentum_0_is_sgd_to_the_last_bits():
    problem, step = Ridge(dim=3), InverseTime(0.1, 20.0)
    sgd = simulate(problem, SGD(40, step), n=20, replicates=64, engine="reference")
    ours = simulate(problem, HeavyBall(40, step, 0.0, radius=problem.radius), n=20, replicates=64)
    np.testing.assert_allclose(ours.theta, sgd.theta, rtol=1e-12, atol=1e-14)


def test_heavy_ball_by_hand():
    """One example, loss (1/2)(v - z)^2: v_1 = -eta g_0, v_2 = v_1 - eta (m g_0 + g_1)."""
    problem = MeanEstimation(dim=1, distance=1.0)
    z = np.array([[0.5]])
    found = simulate(problem, HeavyBall(2, Constant(0.1), 0.5), data=np.repeat(z, 2, axis=0), replicates=1)
    v0 = float(np.asarray(problem.start)[0])
    g0 = v0 - 0.5
    v1 = v0 - 0.1 * g0
    g1 = v1 - 0.5
    assert found.theta[0, 0, 0, 0] == pytest.approx(v1 - 0.1 * (0.5 * g0 + g1), rel=1e-14)
    assert found.theta[0, 0, 1, 0] == pytest.approx((v0 + v1) / 2, rel=1e-14)


# Batches.

MINIBATCH = Inequality(
    name="minibatch.generalization.last",
    title="the stability of minibatch SGD",
    quantity="generalization",
    output="last",
    source=HERE,
    claim=lambda at: at.rounds / at.n,
    proved=lambda at: 2 * ETA * at.constants.G**2 * at.rounds / at.n,
)

BATCHES = Experiment(
    question="Does the batch size matter for the stability of SGD on a linear loss?",
    problem=LinearOnBall(dim=4, radius=100.0),
    algorithms={"SGD": lambda p: SGD(p.T, Constant(ETA), batch=p.b)},
    bounds=(MINIBATCH,),
    readings=(Exact("generalization", "last", lambda at: ETA * at.rounds / at.n),),
    sizes={"laptop": Size(Grid("b", n=20, b=(1, 2, 4, 8), T=64), replicates=4096)},
)


def test_minibatch_sgd_on_the_linear_loss_is_eta_T_over_n_for_every_b():
    found, made = answered(BATCHES, 4096)
    verdicts = {(f.bound, f.axis): f.verdict for f in found.findings}
    assert verdicts["minibatch.generalization.last", None].outcome == "HOLDS"
    assert verdicts["minibatch.generalization.last", None].ratio == pytest.approx(0.5, abs=0.03)
    assert verdicts["exact generalization.last", None].outcome == "AGREES"
    along = verdicts["minibatch.generalization.last", "b"]
    assert along.slope == pytest.approx(0, abs=0.03)
    assert along.claim_slope == pytest.approx(0, abs=1e-12)
    assert {cell.gradients for cell in made.cells} == {64, 128, 256, 512}


def test_a_batch_is_the_mean_over_consecutive_words():
    """b words a step: on the linear loss theta_T = theta_0 + eta sum of the means over batches of b draws in a row."""
    problem, T, b, n = LinearOnBall(dim=3, radius=50.0), 7, 3, 11
    rng = np.random.default_rng(0)
    data = rng.normal(size=(n, 3))
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    indices = rng.integers(0, n, T * b)
    found = simulate(problem, SGD(T, Constant(0.1), batch=b), data=data, indices=indices, replicates=1)
    expected = np.asarray(problem.start) + 0.1 * data[indices].reshape(T, b, 3).mean(1).sum(0)
    np.testing.assert_allclose(found.theta[0, 0, 0], expected, rtol=1e-13)


def test_a_batch_of_one_is_todays_bits_and_a_batch_is_another_run():
    problem, step = LinearOnBall(), Constant(0.1)
    one = simulate(problem, SGD(30, step), n=20, replicates=64)
    assert np.array_equal(one.theta, simulate(problem, SGD(30, step, batch=1), n=20, replicates=64).theta)
    two = simulate(problem, SGD(30, step, batch=2), n=20, replicates=64)
    assert two.engine == ("fused_cpu", "the problem has a formula, and the device is cpu")
    assert not np.array_equal(one.theta, two.theta)
    with pytest.raises(ValueError, match="batch must be a whole number >= 1; got 0"):
        SGD(30, step, batch=0)
    mixed = [SGD(30, step, batch=2), Lookahead(10, 3, 0.5, step)]
    from riskkit.measure import measure_block

    together = measure_block(problem, 20, mixed, [np.array([30]), np.array([10])], ["a", "b"], seed=0, first=0)
    alone = measure_block(problem, 20, mixed[:1], [np.array([30])], ["a"], seed=0, first=0)
    assert np.array_equal(together[0].values["excess"], alone[0].values["excess"])


# alpha above 1.


def test_alpha_above_one_steps_beyond_the_fast_weights():
    """theta_1 = (1 - a) theta_0 + a v: one round of one step is SGD with step a eta, on every engine."""
    problem, eta = MeanEstimation(dim=3), 0.2
    far = simulate(problem, Lookahead(1, 1, 1.5, Constant(eta)), n=20, replicates=64)
    sgd = simulate(problem, SGD(1, Constant(1.5 * eta)), n=20, replicates=64)
    np.testing.assert_allclose(far.theta[:, :, 0], sgd.theta[:, :, 0], rtol=1e-12)
    slow = simulate(problem, Lookahead(5, 3, 1.5, Constant(eta)), n=20, replicates=64, engine="reference")
    fast = simulate(problem, Lookahead(5, 3, 1.5, Constant(eta)), n=20, replicates=64)
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=1e-10)
    with pytest.raises(ValueError, match="would leave Theta, a ball"):
        simulate(LinearOnBall(), Lookahead(1, 1, 1.5, Constant(eta)), n=20, replicates=64)


# A schedule of one's own.


@dataclasses.dataclass(frozen=True)
class Root:
    """eta_j = c / sqrt(j + 1): no method but ``sizes``."""

    c: float

    def sizes(self, T, k):
        return self.c / np.sqrt(np.arange(T * k) + 1)


@dataclasses.dataclass(frozen=True)
class FreeRoot(Root):
    horizon_free = True


def test_a_schedule_of_ones_own_has_every_default():
    root = Root(0.5)
    assert not horizon_free(root)
    assert horizon_free(FreeRoot(0.5))
    assert first_size(root, 4, 5) == 0.5
    assert described(root) == repr(root)
    half = scaled(root, 0.5)
    assert half == Scaled(root, 0.5)
    assert described(half) == f"0.5 * {root!r}"
    np.testing.assert_array_equal(half.sizes(2, 3), 0.5 * root.sizes(2, 3))
    assert not horizon_free(half)
    assert horizon_free(scaled(FreeRoot(0.5), 0.5))
    problem = LinearOnBall()
    ours = simulate(problem, SGD(20, root), n=10, replicates=64)
    again = simulate(problem, SGD(20, Scaled(root, 1.0)), n=10, replicates=64)
    assert np.array_equal(ours.theta, again.theta)


@pytest.mark.parametrize(("kind", "runs"), [(Root, 3), (FreeRoot, 1)])
def test_a_schedule_decides_itself_whether_horizons_share_a_run(kind, runs):
    made = Experiment(
        question="One run or three?",
        problem=LinearOnBall(),
        algorithms={"SGD": lambda p: SGD(p.T, kind(0.5))},
        sizes={"laptop": Size(Grid(n=10, T=(4, 8, 16)), 32)},
    )
    plan = made.plan(made.size("laptop"))
    assert len(plan.runs) == runs
    assert [cell.rounds for cell in plan.cells] == [4, 8, 16]


# Points.


def test_a_coordinate_that_no_function_reads_is_refused():
    lost = dataclasses.replace(BATCHES, sizes={"laptop": Size(Grid("b", n=20, b=(1, 2), T=8, dim=(2, 3)), 32)})
    with pytest.raises(ValueError, match="no function of the point reads the coordinate dim"):
        lost.plan(lost.size("laptop"))


@pytest.mark.parametrize(
    "size_of",
    [
        lambda p: p.b if p.T < 16 else p.n,  # what is read depends on what was read
        lambda p: len(repr(p)) + sum(p.values()),
        lambda p: 1 + hash(p) % 97,
        lambda p: sum(value for name, value in p.with_(T=2 * p.T).items() if name in list(p)),
        lambda p: p.problem.dim * (p.b if "b" in p and "lam" not in p else 1),
        lambda p: p.kT + (p == p.with_(b=2)),
    ],
)
def test_a_function_is_asked_again_wherever_it_could_answer_otherwise(size_of):
    """It is asked at one of all points that agree in what it reads; each cell is as the point's own answer has it."""
    made = Experiment(
        question="Its own?",
        problem=lambda p: MeanEstimation(dim=1 if p.n < 30 else 2),
        algorithms={
            "SGD": lambda p: SGD(64, Constant(1 / (1 + size_of(p)))),
            "reads all": lambda p: SGD(64, Constant(1 / (p.b * p.kT))),
        },
        sizes={"laptop": Size(Grid(n=(20, 40, 80), b=(1, 2, 4), T=(8, 16, 32), k=1), 32)},
    )
    plan = dataclasses.replace(made, read=lambda algorithm: (64,)).plan(made.size("laptop"))
    cells = [cell for cell in plan.cells if cell.name == "SGD"]
    assert len(cells) == 27
    for cell in cells:
        problem = MeanEstimation(dim=1 if cell.point.n < 30 else 2)
        point = Point({name: cell.point[name] for name in cell.point if name != "gradients"}).watched(set(), problem)
        (stage,) = cell.algorithm.stages
        assert (cell.run.problem, stage.step) == (problem, Constant(1 / (1 + size_of(point))))


def test_a_point_says_what_it_has():
    wrong = dataclasses.replace(BATCHES, algorithms={"SGD": lambda p: SGD(p.T, Constant(p.eta), batch=p.b)})
    with pytest.raises(ValueError, match=r"SGD could not be made at Point\(n=20, b=1, T=64\).*has no coordinate eta"):
        wrong.plan(wrong.size("laptop"))


def test_a_bound_of_the_wrong_shape_is_refused():
    for claim, said in (
        (lambda at: np.ones(7), "one number for each of the"),
        (lambda at: {"a": np.ones(7)}, "one number for each of the"),
        (lambda at: [1.0], "a bound must be an array, or named terms"),
    ):
        wrong = dataclasses.replace(MINIBATCH, proved=claim)
        with pytest.raises(ValueError, match=said):
            answered(dataclasses.replace(BATCHES, bounds=(wrong,)), 64)


def test_an_array_is_the_bound_and_named_terms_add_up_to_it():
    class Terms(NamedTuple):
        first: np.ndarray
        second: np.ndarray

    whole = MINIBATCH.proved
    forms = (
        whole,
        lambda at: Terms(whole(at) / 4, whole(at) * 3 / 4),
        lambda at: {"first": whole(at) / 4, "second": whole(at) * 3 / 4},
    )
    ratios = []
    for form in forms:
        found, _ = answered(dataclasses.replace(BATCHES, bounds=(dataclasses.replace(MINIBATCH, proved=form),)), 64)
        (level,) = [f.verdict for f in found.findings if f.bound == MINIBATCH.name and f.axis is None]
        ratios.append(level.ratio)
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-12)
    assert ratios[0] == pytest.approx(ratios[2], rel=1e-12)


def test_what_is_asked_of_any_algorithm_has_a_default():
    class Plain:
        steps, name = 7, "plain"

    assert traits.rounds(Plain()) == 7
    assert traits.batch(Plain()) == 1
    assert traits.gradients(Plain(), [3, 7]).tolist() == [3, 7]
    assert traits.stage_ends(Plain()).tolist() == [7]
    assert traits.passed_on(Plain()) == "last"
    assert traits.sampling(Plain()) == "with replacement"
    assert traits.schedule(Plain()) == "its own"
    assert traits.canonical(Plain())[1] == 1


# Runs of the second kind.

STUDY = '''
"""A stub of a trained run: its risks are known numbers plus noise, its minimum lies in an interval."""

import dataclasses

import numpy as np

from riskkit import Experiment, Grid, Paired, Size
from riskkit.engines import Choice
from riskkit.measure import Measured


@dataclasses.dataclass(frozen=True)
class Recipe:
    name: str
    steps: int


@dataclasses.dataclass(frozen=True)
class Trained:
    n: int
    algorithm: Recipe
    gap: float
    rounds: tuple = (10,)
    problem = None
    dim = 3
    block = 32

    @property
    def company(self):
        return ("digits", self.n)

    def identity(self):
        return {"kind": "stub", "n": self.n, "algorithm": self.algorithm, "gap": self.gap, "rounds": self.rounds}

    def about(self):
        return {"problem": "digits", "L": np.nan, "G": np.nan, "lam": np.nan, "mu": np.nan, "d": self.dim}

    def gradients(self, rounds):
        return 8 * np.asarray(rounds)

    def engine(self, device, asked):
        return Choice("stub", "a test")

    def begun(self, steps, checkpoints):
        return self

    def measure(self, together, addresses, *, seed, first, dtype, device, engine):
        found = []
        for run, address in zip(together, addresses):
            rng = np.random.default_rng([seed, first])  # one dataset and minibatches for all of a company
            noise = rng.normal(size=(self.block, len(run.rounds), 1)) * 0.01 + np.zeros((1, 1, 2))
            own = noise + run.gap
            values = {"optimization": own, "generalization": 0.1 + noise, "excess": own + 0.1, "errors": 0.2 + noise}
            dataset = {"minimum_width": np.full(self.block, 0.05)}
            nowhere = np.full(self.block, -1)
            found.append(Measured(address, first, np.array(run.rounds), values, dataset, nowhere, "stub"))
        return found


EXPERIMENT = Experiment(
    question="Is a stub of the second kind measured, stored, compared and told like everything else?",
    algorithms={
        "SGD": lambda p: Trained(p.n, Recipe("SGD", 10), 0.3),
        "Adam": lambda p: Trained(p.n, Recipe("Adam", 10), 0.4),
    },
    readings=(Paired("SGD", ("Adam",), of=(("optimization", "last"), ("excess", "last"))),),
    sizes={"laptop": Size(Grid(n=(50, 100)), 64)},
)
'''


def test_a_run_of_the_second_kind_goes_through_sweep_store_comparison_and_table(tmp_path):
    study = tmp_path / "study"
    (study / "experiments").mkdir(parents=True)
    (study / "experiments" / "stub_trained.py").write_text(STUDY)

    twice = "from riskkit.sweep import main; assert main(['--jobs', '1']) == main(['--jobs', '1']) == 0"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", twice]
    done = subprocess.run(command, cwd=study, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, again = done.stdout.split("blocks computed", 1)
    table = load(study / "results" / "stub_trained")
    rows = table[(table["quantity"] == "optimization") & (table["output"] == "last")]
    assert rows["algorithm"].tolist() == ["SGD", "Adam", "SGD", "Adam"]
    np.testing.assert_allclose(rows["mean"], [0.3, 0.4, 0.3, 0.4], atol=0.01)
    # The minimum is an interval of width .05: a single mean is one too.
    assert ((rows["mean"] - rows["low"]) - (rows["high"] - rows["mean"])).to_numpy() == pytest.approx(0.05, abs=1e-9)
    assert set(table["quantity"]) == {"optimization", "generalization", "excess", "errors"}
    stored = json.loads((study / "results" / "stub_trained" / "verdict.json").read_text())
    assert len(stored["comparisons"]) == 4
    for comparison in stored["comparisons"]:
        assert comparison["ratio"] is None
        assert comparison["difference"] == pytest.approx(-0.1, abs=1e-12)  # exact: noise and minimum cancel
        assert comparison["outcome"] == "smaller"
    assert "SGD - Adam, excess risk: -0.1 to -0.1, smaller in 2 and larger in 0 of 2" in told
    assert (study / "results" / "stub_trained" / "tables" / "paired.md").is_file()
    assert (study / "results" / "report.html").is_file()
    assert "0 blocks computed" in again


def test_a_simulated_run_is_a_run():
    plan = BATCHES.plan(BATCHES.size("laptop"))
    assert all(isinstance(run, Run) for run in plan.runs.values())


# The instrument knows no paper.

GENERIC = ("experiment", "measure", "stats", "store", "verdicts", "execution", "report", "conformance")
CHECKED = {"torch_optimisers.py", "rounds.py", "claims.py", "trajectories.py"}
"""Of conformance: what is checked there is whether a torch optimizer is Lookahead, or SLRLA."""
NOUNS = re.compile(r"Lookahead|SLRLA|[Tt]heorem|zhou|Zhou")


@functools.cache
def sources(room):
    return {path: path.read_text() for path in sorted((ROOT / "riskkit" / room).rglob("*")) if path.suffix in KINDS}


KINDS = (".py", ".pyi", ".jinja")


@pytest.mark.parametrize("room", GENERIC)
def test_a_generic_room_says_nothing_of_a_paper(room):
    for path, text in sources(room).items():
        if room == "conformance" and path.name in CHECKED:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            assert not NOUNS.search(line), f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            assert "WeightedSGD" not in line, f"{path.relative_to(ROOT)}:{number}"


def test_no_closed_match_decides_over_schedules_or_methods():
    schedule = re.compile(r"case (Constant|SqrtHorizon|InverseTime|Algorithm|Method)\(")
    for path in (ROOT / "riskkit").rglob("*.py"):
        assert not schedule.search(path.read_text()), path


def test_a_quick_line_along_T_has_four_points_below_its_grid_if_it_must():
    whole = Grid("T", n=50, k=5, T=doubling(64, 2**15))
    assert whole.short(512).coordinates["T"] == (8, 16, 32, 64)
    assert Grid("T", n=50, k=4, T=doubling(256, 4096)).short(512).coordinates["T"] == (16, 32, 64, 128)
    assert Grid("T", n=50, k=1, T=doubling(8, 4096)).short(64).coordinates["T"] == (8, 16, 32, 64)
    assert Grid("T", n=50, k=5, T=(64, 128)).short(512).coordinates["T"] == (32, 64)
    assert Grid("n", n=(25, 50), k=5, T=1024).short(512).coordinates["T"] == (1024,)
