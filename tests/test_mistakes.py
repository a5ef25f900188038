"""Planted mistakes in bounds, schedules, methods and experiments: each is one line, before anything is computed."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

import riskkit.problems as problems
from riskkit import (
    SGD,
    Best,
    Constant,
    Exact,
    Experiment,
    GradientsTo,
    Grid,
    HeavyBall,
    Inequality,
    Lookahead,
    Own,
    Paired,
    Regime,
    Size,
    Source,
    Tuned,
    run,
    simulate,
)
from riskkit.cli.main import main
from riskkit.engines.draws import outside
from riskkit.engines.trial_problem import problem_fault
from riskkit.execution import direct
from riskkit.experiment import study
from riskkit.experiment.vetting import vet
from riskkit.measure import expectations
from riskkit.problems import (
    LinearOnBall,
    MeanEstimation,
    PseudoHuberRegression,
    Ridge,
    SinePerturbedQuadratic,
    TiltedBowl,
)

HERE = Source("here", "this test", "@misc{here, title = {This test}}", "")
ROOT = Path(__file__).resolve().parent.parent


def good(at):
    return 1 / np.sqrt(at.rounds)


def bound(**changes):
    fields = {
        "name": "own",
        "title": "one's own",
        "quantity": "excess",
        "output": "last",
        "source": HERE,
        "proved": good,
    }
    return Inequality(**{**fields, **changes})


def experiment(**changes):
    fields = {
        "question": "Is a mistake named?",
        "problem": MeanEstimation(dim=2),
        "algorithms": {"SGD": lambda p: SGD(p.T, Constant(0.1))},
        "bounds": (bound(),),
        "sizes": {"laptop": Size(Grid("T", n=20, T=(2, 4, 8, 16)), 32)},
    }
    return Experiment(**{**fields, **changes})


def told(make) -> str:
    """The one line in which an experiment is refused."""

    def tried():
        made = make()
        vet(made.plan(made.size("laptop")))

    with pytest.raises(ValueError, match=r".") as caught:
        tried()
    line = str(caught.value)
    assert line.isprintable(), line
    assert len(line) < 400
    return line


class Terms(NamedTuple):
    first: Any
    second: Any


def negative_late(at):
    return 5.0 - at.rounds


BOUNDS = {
    "a list of arrays": (lambda at: [good(at), good(at)], "an array, or named terms"),
    "a tuple of arrays": (lambda at: (good(at), good(at)), "an array, or named terms"),
    "text": (lambda at: "1/sqrt(T)", "an array, or named terms"),
    "nothing": (lambda at: None, "as a mapping or a NamedTuple; got NoneType"),
    "one number too many": (
        lambda at: np.append(good(at), 1.0),
        "one number for each of the 4 checkpoints; got shape (5,)",
    ),
    "a column": (lambda at: good(at)[:, None], "got shape (4, 1)"),
    "terms of two lengths": (lambda at: Terms(good(at), good(at)[:2]), "got shape (2,)"),
    "truth values": (lambda at: good(at) > 0, "real numbers; got bool"),
    "complex numbers": (lambda at: good(at) + 0j, "real numbers; got complex128"),
    "negative numbers": (negative_late, "must not be negative; got -3 at n = 20 after 8 rounds"),
    "the root of a negative number": (lambda at: np.sqrt(3.0 - at.rounds), "no invalid operation"),
    "0/0": (lambda at: (at.rounds - at.rounds[0]) / (at.rounds - at.rounds[0]), "no invalid operation"),
    "nan everywhere": (lambda at: np.full(len(at.rounds), np.nan), "must be finite somewhere"),
    "inf everywhere": (lambda at: np.full(len(at.rounds), np.inf), "must be finite somewhere"),
    "a name that is not there": (lambda at: at.constants.lambda_ / at.rounds, "raised AttributeError"),
    "a division by zero": (lambda at: good(at) / (at.n - 20), "must be finite somewhere"),
    "an index out of range": (lambda at: good(at)[99], "raised IndexError"),
    "a change of what it is given": (
        lambda at: np.abs(np.multiply(at.rounds, 2, out=at.rounds)),
        "must not change at.rounds",
    ),
    "the wrong arguments": (lambda n, T: n / T, "raised TypeError"),
}


@pytest.mark.parametrize("form", ["claim", "published", "proved"])
@pytest.mark.parametrize(("function", "said"), BOUNDS.values(), ids=BOUNDS)
def test_a_bound_that_is_none_is_refused_with_its_line(function, said, form):
    if form == "claim" and said == "must be finite somewhere":
        return  # nothing may be claimed of such steps
    line = told(lambda: experiment(bounds=(bound(**{"proved": None, form: function}),)))
    assert said in line
    assert "experiment: own" in line
    assert "(test_mistakes.py, line " in line


DECLARED_BOUNDS = {
    "an unknown quantity": ({"quantity": "exces"}, "unknown quantity 'exces': did you mean excess"),
    "no quantity": ({"quantity": None}, "quantity must be the name of one"),
    "an unknown output": ({"output": "mean"}, "output must be one of last, average; got 'mean'"),
    "no form": ({"proved": None}, "at least one of claim, published, proved must be given"),
    "a number as a form": ({"proved": 3.0}, "proved must be a function of At; got 3.0"),
    "one hypothesis without its comma": ({"hypotheses": lambda p, a: None}, "hypotheses must be a tuple of functions"),
    "a hypothesis that answers True": ({"hypotheses": (lambda p, a: True,)}, "the reason why the bound says nothing"),
    "a hypothesis that raises": ({"hypotheses": (lambda p, a: a.stages[1],)}, "a hypothesis raised IndexError"),
    "a source in words": ({"source": "Hardt et al."}, "source must be a Source"),
}


@pytest.mark.parametrize(("changes", "said"), DECLARED_BOUNDS.values(), ids=DECLARED_BOUNDS)
def test_what_a_bound_says_of_itself(changes, said):
    assert said in told(lambda: experiment(bounds=(bound(**changes),)))


@dataclasses.dataclass(frozen=True)
class Sizes:
    """A schedule with a mistake of a given kind."""

    mistake: str
    horizon_free: bool = False

    def sizes(self, T, k):
        eta = 0.1 / np.sqrt(np.arange(T * k) + 1)
        return {
            "too short": eta[:-1],
            "too long": np.append(eta, 0.1),
            "per round": eta[:T].reshape(T, 1),
            "a number": 0.1,
            "nan": np.where(np.arange(T * k) == 1, np.nan, eta),
            "inf": 0.1 / np.arange(T * k) if T * k > 1 else eta,
            "negative": -eta,
            "zero": eta * (np.arange(T * k) > 0),
            "text": ["0.1"] * (T * k),
            "nothing": None,
            "a horizon": eta / np.sqrt(T * k),
        }[self.mistake]


SCHEDULES = {
    "too short": "one number for each of the 2 steps; got shape (1,)",
    "too long": "got shape (3,)",
    "per round": "got shape (2, 1)",
    "a number": "got shape ()",
    "nan": "finite numbers > 0; got nan at step 1",
    "inf": "finite numbers > 0; got inf at step 0",
    "negative": "finite numbers > 0; got -0.1 at step 0",
    "zero": "finite numbers > 0; got 0 at step 0",
    "text": "must be 2 numbers; got list",
    "nothing": "must be 2 numbers; got NoneType",
    "a horizon": "it says that it is horizon_free, but its sizes change with T",
    "no such kind": "raised KeyError",
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("mistake", SCHEDULES)
@pytest.mark.parametrize("method", [SGD, HeavyBall])
def test_a_schedule_that_is_none_is_refused_with_its_line(mistake, method):
    step = Sizes(mistake, horizon_free=mistake == "a horizon")
    line = told(lambda: experiment(algorithms={"SGD": lambda p: method(p.T, step)}))
    assert SCHEDULES[mistake].replace("2", "2") in line
    assert "Sizes" in line
    assert "(test_mistakes.py, line " in line


def test_a_number_is_no_schedule():
    assert "for a constant step write Constant(...)" in told(
        lambda: experiment(algorithms={"SGD": lambda p: SGD(p.T, 0.1)})
    )


@dataclasses.dataclass(frozen=True)
class Method:
    """Plain SGD, with a mistake of a given kind."""

    steps: int
    mistake: str
    radius: float | None = None
    name: str = "own"

    def init(self, theta):
        if self.mistake == "writes into theta_0":
            theta += 1
        return [theta.clone()] if self.mistake == "a list as state" else (theta.clone(),)

    def query(self, state):
        (v,) = state
        return {"a flat query": v[:, 0], "a query of numpy": v.numpy(), "float32": v.float()}.get(self.mistake, v)

    def step(self, state, gradient, j):
        (v,) = state
        if self.mistake == "forgets to return":
            return None
        v = v - 0.1 * gradient
        if self.mistake == "a bare tensor as state":
            return v
        if self.mistake == "nan":
            return (v / 0 * 0,)
        if self.mistake == "raises":
            return (v[99],)
        if self.radius is not None and self.mistake != "no projection":
            v = v * (self.radius / v.norm(dim=-1, keepdim=True)).clamp(max=1)
        return (v,)

    def output(self, state):
        (v,) = state
        both = {"last": v, "average": v}
        return {
            "one output": {"last": v},
            "an output of another name": {"last": v, "mean": v},
            "a pair of outputs": (v, v),
            "a flat output": {"last": v[:, 0], "average": v},
            "an output beyond Theta": {"last": v, "average": 100 * v},
            "an output that is nan": {"last": v, "average": v * float("nan")},
            "no output": None,
        }.get(self.mistake, both)


METHODS = {
    "a list as state": "init must return the state, a tuple of tensors; got list",
    "writes into theta_0": "raised RuntimeError",
    "a flat query": "query must have shape (R, 1, d), here (2, 1, 4); got (2, 4)",
    "a query of numpy": "query must be a tensor (R, 1, d), here (2, 1, 4); got ndarray",
    "float32": "query must have the dtype of theta_0, torch.float64; got torch.float32",
    "forgets to return": "step must return the state, a tuple of tensors; got NoneType",
    "a bare tensor as state": "step must return the state, a tuple of tensors; got Tensor",
    "nan": "query must be finite",
    "raises": "raised IndexError",
    "no projection": "must stay in Theta, the ball of radius 0.3",
    "one output": "output must return both last and average; got last",
    "an output of another name": "output must return both last and average; got last, mean",
    "a pair of outputs": "output must return both last and average; got tuple",
    "a flat output": "the output last must have shape",
    "an output beyond Theta": "the output average must stay in Theta",
    "an output that is nan": "the output average must be finite",
    "no output": "output must return both last and average; got NoneType",
}


@pytest.mark.parametrize("mistake", METHODS)
def test_a_method_that_is_none_is_refused_with_its_line(mistake):
    problem = LinearOnBall(dim=4, radius=0.3)
    line = told(
        lambda: experiment(problem=problem, algorithms={"own": lambda p: Method(p.T, mistake, radius=problem.radius)})
    )
    assert METHODS[mistake] in line
    assert "own: Method" in line
    assert "(test_mistakes.py, line " in line


@dataclasses.dataclass
class Thawed:
    steps: int
    name = "thawed"


@dataclasses.dataclass(frozen=True)
class Headless:
    steps: int
    name: str = "headless"


def no_step(p):
    return Thawed(p.T)


ALGORITHMS = {
    "no frozen dataclass": (no_step, "must be a frozen dataclass, whose fields identify it"),
    "no init, query, step, output": (lambda p: Headless(p.T), "a method needs init, query, step and output"),
    "an array as a field": (lambda p: Method(p.T, np.zeros(2)), "fields that identify it"),
    "a fraction of a step": (lambda p: Method(p.T / 3, ""), "steps must be a whole number >= 1"),
    "a class": (lambda p: Method, "must be an algorithm"),
    "a schedule": (lambda p: Constant(0.1), "must be an algorithm"),
    "a coordinate that is not there": (lambda p: SGD(p.t, Constant(0.1)), "the point has no coordinate t"),
}


@pytest.mark.parametrize(("make", "said"), ALGORITHMS.values(), ids=ALGORITHMS)
def test_what_is_no_algorithm_is_refused_with_its_line(make, said):
    line = told(lambda: experiment(algorithms={"own": make}))
    assert said in line
    assert "test_mistakes.py, line " in line


def sgd(p):
    return SGD(p.T, Constant(0.1))


EXPERIMENTS = {
    "no question": ({"question": "It holds."}, "question must end with a question mark"),
    "a question that is no text": ({"question": None}, "question must end with a question mark"),
    "the class of a problem": ({"problem": Ridge}, "got the class Ridge; write Ridge(...)"),
    "a problem's name": ({"problem": "ridge"}, "problem must be a problem"),
    "a function that makes no problem": ({"problem": lambda p: p.n}, "the problem at Point("),
    "a function that makes a class": ({"problem": lambda p: Ridge}, "got the class Ridge"),
    "a list of algorithms": ({"algorithms": [sgd]}, "algorithms must map names to functions of the point"),
    "no algorithm": ({"algorithms": {}}, "algorithms must map names"),
    "an algorithm in place of a function": (
        {"algorithms": {"SGD": sgd(Grid(n=20, T=4).points()[0])}},
        "such as lambda p",
    ),
    "a class in place of a function": ({"algorithms": {"SGD": HeavyBall}}, "must be a function of the point"),
    "a number as a name": ({"algorithms": {1: sgd}}, "must be a text of one line; got 1"),
    "an empty name": ({"algorithms": {" ": sgd}}, "must be a text of one line"),
    "a name of two lines": ({"algorithms": {"S\nGD": sgd}}, "must be a text of one line"),
    "names that look alike": ({"algorithms": {"SGD": sgd, "sgd ": sgd}}, "cannot be told apart"),
    "one algorithm under two names": ({"algorithms": {"SGD": sgd, "mine": sgd}}, "the same runs at every point"),
    "a bound without its comma": ({"bounds": bound()}, "bounds must be a tuple"),
    "a bound in words": ({"bounds": ("Theorem 1",)}, "a bound must be an Inequality, or have its members"),
    "a bound twice": ({"bounds": (bound(), bound())}, "names of their own; got own twice"),
    "readings without a comma": ({"readings": Best("T", bound())}, "readings must be a tuple"),
    "a reading's class": ({"readings": (Best,)}, "a reading must be an object"),
    "the best of no coordinate": ({"readings": (Best("dim", bound()),)}, "Best: there is no coordinate 'dim'"),
    "tuned over no coordinate": ({"readings": (Tuned("SGD", (), over=("lr",)),)}, "Tuned: there is no coordinate 'lr'"),
    "counts along no coordinate": ({"readings": (GradientsTo((0.1,), along="mu"),)}, "there is no coordinate 'mu'"),
    "compared in no quantity": (
        {
            "algorithms": {"SGD": sgd, "HB": lambda p: HeavyBall(p.T, Constant(0.1))},
            "readings": (Paired("SGD", ("HB",), of=(("risk", "last"),)),),
        },
        "Paired: unknown quantity 'risk'",
    ),
    "compared in no output": (
        {
            "algorithms": {"SGD": sgd, "HB": lambda p: HeavyBall(p.T, Constant(0.1))},
            "readings": (Paired("SGD", ("HB",), of=(("excess", "best"),)),),
        },
        "Paired: output must be one of last, average",
    ),
    "compared with nobody": ({"readings": (Paired("SGD", ("Adam",)),)}, "there is no algorithm 'Adam'"),
    "exact values of no quantity": (
        {"readings": (Exact("loss", "last", lambda at: at.D2),)},
        "Exact: unknown quantity 'loss'",
    ),
    "one exact value for all": ({"readings": (Exact("excess", "last", lambda at: at.D2),)}, "one number for each of 4"),
    "exact values that raise": ({"readings": (Exact("excess", "last", lambda at: at.lam),)}, "raised AttributeError"),
    "a limit of no quantity": ({"limits": {"risk": lambda where: -1.0}}, "limits: unknown quantity 'risk'"),
    "a number as a limit": ({"limits": {"excess": -1.0}}, "limits must map quantities to functions"),
    "a control that is a text": ({"controls": "SGD"}, "controls must be a tuple"),
    "a seed in words": ({"seed": "1"}, "seed must be a whole number"),
    "a seed that is true": ({"seed": True}, "seed must be a whole number"),
    "half a seed": ({"seed": 0.5}, "seed must be a whole number"),
    "no size": ({"sizes": {}}, "sizes must hold at least one Size"),
    "a grid in place of a size": ({"sizes": {"laptop": Grid(n=20, T=4)}}, "must be a Size(grids, replicates)"),
    "a misspelt size": ({"sizes": {"labtop": Size(Grid(n=20, T=4), 32)}}, "did you mean 'laptop'"),
    "read in words": ({"read": "all"}, "read must be per_octave(...) or None"),
    "an axis that nothing reads": (
        {"sizes": {"laptop": Size(Grid("dim", n=20, T=4, dim=(2, 4, 8, 16)), 32)}},
        "no function of the point reads the coordinate dim",
    ),
    "a coordinate of one's own that nothing reads": (
        {"algorithms": {"SGD": Own(sgd, eta=(0.1, 0.2))}},
        "no function of the point reads the coordinate eta",
    ),
    "a coordinate of one's own that a grid has": (
        {"algorithms": {"SGD": Own(sgd, T=(4, 8))}},
        "has the coordinate T of its own, which a grid has too",
    ),
}


@pytest.mark.parametrize(("changes", "said"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_an_experiment_that_cannot_be_meant_is_refused(changes, said):
    assert said in told(lambda: experiment(**changes))


def test_there_are_many_more_than_forty():
    assert len({*BOUNDS, *DECLARED_BOUNDS, *SCHEDULES, *METHODS, *ALGORITHMS, *EXPERIMENTS}) >= 90


def test_an_unknown_keyword_or_axis_is_refused():
    with pytest.raises(TypeError, match="axis"):
        experiment(axis="dim")
    with pytest.raises(ValueError, match="along must be one of n, T; got 'dim'"):
        Grid("dim", n=20, T=4)
    with pytest.raises(ValueError, match="unknown size 'lptop': there are laptop"):
        run(experiment(), "lptop")


def test_run_refuses_before_it_computes(monkeypatch):
    monkeypatch.setattr(direct, "measure_plan", None)
    with pytest.raises(ValueError, match="must not be negative"):
        run(experiment(bounds=(bound(proved=negative_late),)), progress=False)


def test_the_faultless_ones_pass():
    for algorithms in (
        {"SGD": sgd},
        {"own": lambda p: Method(p.T, "none", radius=0.3)},
        {"HB": lambda p: HeavyBall(p.T, Constant(0.1), radius=0.3)},
    ):
        made = experiment(problem=LinearOnBall(dim=4, radius=0.3), algorithms=algorithms)
        vet(made.plan(made.size("laptop")))
    made = experiment(
        bounds=(bound(proved=lambda at: Terms(good(at), 0.0)), bound(name="b", proved=lambda at: {"a": good(at)}))
    )
    vet(made.plan(made.size("laptop")))


@pytest.mark.parametrize(
    "name", ["negative_controls", "theorem1_alpha", "theorem4_counts", "printed_theorem3", "digits_softmax"]
)
def test_none_of_the_shipped_ones_is_accused(name):
    """The others pass on their way through every sweep."""
    made = study.experiment(name, ROOT)
    vet(made.plan(made.size("laptop")))


def test_algorithms_that_coincide_on_a_grid_are_not_accused():
    """SGD is Lookahead with alpha = 1."""
    both = {"SGD": sgd, "Lookahead": lambda p: Lookahead(p.T, 1, 1.0, Constant(0.1))}
    made = experiment(algorithms=both)
    vet(made.plan(made.size("laptop")))


def test_a_method_that_leaves_theta_late_is_a_status_and_no_average():
    """Within the trial nothing shows: the steps jump after it."""

    @dataclasses.dataclass(frozen=True)
    class Late(Method):
        def step(self, state, gradient, j):
            (v,) = super().step(state, gradient, j)
            return (10 * v if j >= 130 else v,)

    made = experiment(
        problem=LinearOnBall(dim=4, radius=0.3),
        algorithms={"own": lambda p: Late(p.T, "", radius=0.3)},
        bounds=(bound(proved=lambda at: np.full(len(at.rounds), 0.55)),),
        sizes={"laptop": Size(Grid("T", n=20, T=(4, 8, 140)), 32)},
    )
    result = run(made, progress=False)
    rows = result.table.query("quantity == 'optimization' and output == 'last'")
    assert rows["status"].tolist() == ["ok", "ok", "below the minimum"]
    assert rows["mean"].isna().tolist() == [False, False, True]
    assert "theta left Theta" in rows["reason"].iloc[2]
    level = next(found.verdict for found in result.verdicts if found.bound == "own")
    assert level.outcome == "INCONCLUSIVE"
    assert "1 below the minimum" in level.sentence


# A module of the study.

GOOD = """
from riskkit import SGD, Constant, Experiment, Grid, Size
from riskkit.problems import MeanEstimation

EXPERIMENT = Experiment(
    question="Is the good one listed?",
    problem=MeanEstimation(),
    algorithms={"SGD": lambda p: SGD(p.T, Constant(0.1))},
    sizes={"laptop": Size(Grid("T", n=20, T=(2, 4)), 32)},
)
"""
BAD = "(experiments/bad.py, line "
BROKEN = {
    "a syntax error": ("x = (1,\ny = 2\n", f"SyntaxError: '(' was never closed {BAD}1)."),
    "a name that is not there": ("import os\n\nEXPERIMENT = no\n", f"NameError: name 'no' is not defined {BAD}3)."),
    "a module that is not there": ("import nowhere\n", f"No module named 'nowhere' {BAD}1)."),
    "an end of the process": (
        "import sys\nsys.exit(3)\n",
        f"it ends the process (exit 3) where it is imported {BAD}2).",
    ),
    "a helper that raises": (
        "from experiments._help import f\nEXPERIMENT = f()\n",
        "ZeroDivisionError: division by zero (experiments/_help.py, line 2).",
    ),
    "an experiment that cannot be meant": (GOOD.replace("laptop", "labtop"), f"did you mean 'laptop'? {BAD}5)."),
    "no experiment": ("EXPERIMENT = 3\n", "must define EXPERIMENT, an Experiment; got int."),
    "a limit that is a number": (
        GOOD.replace("    sizes=", "    limits={'excess': 3},\n    sizes="),
        f"limits must map quantities to functions; got {{'excess': 3}} {BAD}5).",
    ),
}


@pytest.fixture
def own_study(tmp_path, monkeypatch):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "good.py").write_text(GOOD)
    (tmp_path / "experiments" / "_help.py").write_text("def f():\n    return 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = {name for name in sys.modules if name.partition(".")[0] == "experiments"}
    kept = {name: sys.modules.pop(name) for name in before}
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "experiments"]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_an_error_of_a_users_module_is_one_line_with_its_place(text, said, own_study, capsys):
    (own_study / "experiments" / "bad.py").write_text(text)
    assert main(["sweep", "bad"]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1
    assert not (own_study / "results").exists()


@dataclasses.dataclass(frozen=True)
class Mean(MeanEstimation):
    """Mean estimation with one thing said wrongly."""

    mistake: str = ""

    def _is(self, mistake, wrong, right):
        return wrong if self.mistake == mistake else right

    @property
    def start(self):
        return self._is("a long start", np.zeros(self.dim + 1), super().start)

    @property
    def constants(self):
        name, _, factor = self.mistake.partition(" times ")
        right = super().constants
        return dataclasses.replace(right, **{name: getattr(right, name) * float(factor)}) if factor else right

    @property
    def regime(self):
        return self._is("a regime", Regime.PL, super().regime)

    @property
    def formula(self):
        wrong = super().formula._replace(parameters=(2 * self.lam,) * self.dim)
        return self._is("formula", wrong, super().formula)

    @property
    def quadratic(self):
        law = super().quadratic
        changed = {
            "curvatures": (2.0,) * self.dim,
            "pulls": (-1.0,) * self.dim,
            "mean": (0.1,) * self.dim,
            "variance": (0.5,) * self.dim,  # a standard deviation
            "longest": 0.9,
            "apart": 2.0,
            "a pull of 0": (0.0,) * self.dim,
        }
        field = self.mistake.removeprefix("quadratic ")
        if field not in changed:
            return law
        return law._replace(**{"pulls" if field == "a pull of 0" else field: changed[field]})

    @property
    def companion(self):
        if self.mistake == "a companion of other rows":
            return TiltedBowl(dim=self.dim, spread=2.0)
        return Mean(self.dim, mistake="quadratic variance") if self.mistake == "a wrong companion" else None

    def sample(self, stream, n):
        z = super().sample(stream, n)
        return self._is("a flat sample", z[0], z)

    def gradient(self, theta, z):
        g = super().gradient(theta, z)
        return {
            "a sign": -g,
            "a factor": 2 * g,
            "a flat gradient": g[:, 0],
            "nan": g * float("nan"),
            "raises": g if self.mistake != "raises" else g[99],
        }.get(self.mistake, g)

    def mean_gradient(self, theta, z):
        g = super().gradient(theta, z.mean(1, keepdim=True))
        return self._is("a sum for a mean", z.shape[1] * g, g)

    def empirical_risk(self, theta, data):
        risk = super().empirical_risk(theta, data)
        return self._is("a sum of losses", risk * data.shape[1], risk)

    def empirical_minimiser(self, data):
        return self._is("the median", data.median(1).values, super().empirical_minimiser(data))

    def population_risk(self, theta):
        risk = super().population_risk(theta)
        return self._is("an offset", risk - self.lam / 2, risk)

    def population_minimiser(self):
        return self._is("another minimiser", np.full(self.dim, 0.1), super().population_minimiser())


PROBLEMS = {
    "a long start": "start must be dim = 4 finite numbers; got shape (5,)",
    "a flat sample": "sample must return a tensor (R, n, w), here (2, 8, w); got shape (8, 4)",
    "a flat gradient": "gradient must return a tensor of shape (16, 2, 4) here",
    "nan": "gradient must be finite; got nan",
    "raises": "Mean raised IndexError",
    "a sign": "gradient is not the derivative of empirical_risk at one example",
    "a factor": "gradient is not the derivative of empirical_risk at one example",
    "a sum of losses": "empirical_risk is not the mean of its values at single examples",
    "the median": "empirical_minimiser is not one: another parameter has an empirical risk lower by",
    "another minimiser": "population_minimiser is not one: another parameter has a population risk lower by 0.005",
    "an offset": "population_risk is not E l: at a parameter it is 0.5, and the mean of 4096 losses",
    "a regime": "constants say that the regime is nonconvex, PL, so lam must be 0; got 1",
    "L times 0.9": "constants say that mu <= L always holds; got mu = 1, L = 0.9",
    "G times 0.5": "constants say G = 1, and ||grad l|| =",
    "M times 0.3": "constants say M = 0.6, and sup l - inf l =",
    "l_max times 0.5": "constants say l_max = 1, and l =",
    "lam times 0": "constants say that the regime is strongly convex, so lam must be > 0; got 0",
    "mu times 0.5": "constants say that lam <= mu always holds; got lam = 1, mu = 0.5",
    "formula": "formula is not gradient",
    "a sum for a mean": "mean_gradient is not the mean of gradient over the examples",
    "a companion of other rows": "companion has other examples than the problem",
    "a wrong companion": "companion is wrong: its quadratic names variance",
    "quadratic curvatures": "quadratic contradicts gradient",
    "quadratic pulls": "quadratic contradicts gradient",
    "quadratic a pull of 0": "quadratic pulls must be numbers other than 0",
    "quadratic mean": "quadratic contradicts population_risk, whose gradient at 0 is not -pulls times mean",
    "quadratic variance": "quadratic names variance = 0.5, 0.5, 0.5, and 4096 examples have 0.2",
    "quadratic longest": "quadratic names longest = 0.9, and an example has 1",
    "quadratic apart": "quadratic names apart = 2, and 4096 examples have 1.3",
}


@pytest.mark.parametrize("mistake", PROBLEMS)
def test_a_problem_that_declares_what_is_not_so_is_refused_with_its_line(mistake):
    line = told(lambda: experiment(problem=Mean(mistake=mistake), bounds=()))
    assert PROBLEMS[mistake] in line
    assert "experiment: Mean" in line
    assert "(test_mistakes.py, line " in line


@dataclasses.dataclass(frozen=True)
class Kept(PseudoHuberRegression):
    """A convex problem on a ball, with one constant said wrongly."""

    mistake: str = ""

    @property
    def constants(self):
        name, _, factor = self.mistake.partition(" times ")
        right = super().constants
        return dataclasses.replace(right, **{name: getattr(right, name) * float(factor)}) if factor else right

    def empirical_minimiser(self, data):
        found = super().empirical_minimiser(data)
        return {"0.9 of it": 0.9 * found, "outside": found * 0 + 5.0}.get(self.mistake, found)


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("L times 0.1", "constants say L = 0.1, and ||grad l(t) - grad l(u)|| / ||t - u|| ="),
        ("G times 0.5", "constants say G = "),
        ("0.9 of it", "empirical_minimiser is not one"),
        ("outside", "empirical_minimiser must lie in Theta, the ball of radius 2"),
    ],
)
def test_the_same_on_a_ball(mistake, said):
    assert said in told(lambda: experiment(problem=Kept(mistake=mistake), bounds=()))


@dataclasses.dataclass(frozen=True)
class Curved(SinePerturbedQuadratic):
    """A nonconvex problem that says of itself what is not so."""

    mistake: str = ""

    @property
    def regime(self):
        return Regime.CONVEX if self.mistake == "convex" else super().regime

    @property
    def constants(self):
        right = super().constants
        changes = {"convex": {"mu": 0.0, "rho": 0.0}, "mu": {"mu": 4.0}, "rho": {"rho": 0.0}}
        return dataclasses.replace(right, **changes.get(self.mistake, {}))


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("convex", "gradient contradicts the regime convex: a loss is below its tangent"),
        ("mu", "constants say mu = 4, and ||grad F_S||^2 / (2 (F_S - F_S*)) ="),
        ("rho", "constants say rho = 0, and <grad F_S(t) - grad F_S(u), t - u>"),
    ],
)
def test_the_same_where_nothing_is_convex(mistake, said):
    assert said in told(lambda: experiment(problem=Curved(c=3.0, spread=0.1, mistake=mistake), bounds=()))


@dataclasses.dataclass(frozen=True)
class Bounded(TiltedBowl):
    """Its losses are negative where they are least."""

    self_bounding = True


def test_a_loss_that_does_not_bound_its_gradient():
    assert "self_bounding is not so: ||grad l||^2 exceeds 2 L l" in told(
        lambda: experiment(problem=Bounded(), bounds=())
    )


def test_a_simulation_and_expectations_on_such_a_problem_are_refused():
    wrong, sgd = Mean(mistake="quadratic variance"), SGD(4, Constant(0.1))
    with pytest.raises(ValueError, match=r"^Mean: quadratic names variance = .*\.$"):
        simulate(wrong, sgd, n=10, replicates=32)
    with pytest.raises(ValueError, match="the expectations of SGD on mean estimation are not known: quadratic names"):
        expectations(wrong, sgd, 10, [4])


@pytest.mark.parametrize("name", problems.__all__)
def test_no_shipped_problem_is_accused(name):
    assert problem_fault(getattr(problems, name)()) is None


def test_list_names_a_broken_module_and_lists_the_others(own_study, capsys):
    (own_study / "experiments" / "bad.py").write_text(BROKEN["a syntax error"][0])
    (own_study / "experiments" / "empty.py").write_text("x = 1\n")
    assert main(["sweep", "--list"]) == 2
    said = capsys.readouterr()
    assert "Is the good one listed?" in said.out
    assert "bad" not in said.out
    assert "experiments/bad.py cannot be listed: SyntaxError" in said.err
    assert "experiments/empty.py cannot be listed: it defines no EXPERIMENT" in said.err


def test_a_mistake_in_a_bound_of_a_study_stops_the_sweep_with_exit_2(own_study, capsys):
    text = GOOD.replace("SGD, Constant, Experiment", "SGD, Constant, Experiment, Inequality, Source").replace(
        "    sizes=",
        "    bounds=(Inequality('own', 'own', 'excess', 'last', Source('a', 'b', 'c'), proved=negative),),\n    sizes=",
    )
    text = text.replace("EXPERIMENT =", "def negative(at):\n    return -1.0 / at.rounds\n\n\nEXPERIMENT =", 1)
    (own_study / "experiments" / "bad.py").write_text(text)
    assert main(["sweep", "bad"]) == 2
    said = f"bad: own, proved: a bound must not be negative; got -0.5 at n = 20 after 2 rounds {BAD}5)."
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("reach", [math.inf, 1.0])
def test_a_mean_is_outside_just_beyond_the_bound_of_empirical_bernstein(reach):
    """Half of the values 0 and half 1: V = N / (4 (N - 1)), and 2/p is 4 / 1e-9."""
    N, log = 4096, math.log(4e9)
    values = torch.arange(N, dtype=torch.float64) % 2
    allowed = math.sqrt(2 * N / (4 * (N - 1)) * log / N) + (7 * log / (3 * (N - 1)) if reach == 1 else 0)
    for side in (-1, 1):
        assert not outside(values, 0.5 + side * 0.999 * allowed, reach)
        assert outside(values, 0.5 + side * 1.001 * allowed, reach)
