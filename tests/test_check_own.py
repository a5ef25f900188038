"""Conformance of methods, schedules, bounds and losses with kinks: planted mistakes are named, faultless ones pass."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
from typing import Any

import numpy as np
import pytest
import torch

from riskkit import (
    SGD,
    Constant,
    Constants,
    HeavyBall,
    Inequality,
    InverseTime,
    LinearDecay,
    Regime,
    Source,
    SqrtHorizon,
    WeightedSGD,
    theory,
)
from riskkit.algorithms import LocalSGD
from riskkit.algorithms.steps import Scaled
from riskkit.cli.main import main
from riskkit.conformance import check
from riskkit.problems import Logistic, MeanEstimation, Ridge

HERE = Source("here", "this test", "@misc{here, title = {This test}}", "")


def faults(thing, **options) -> str:
    return "\n".join(check(thing, **options).faults)


# Methods.

SOUND = [
    HeavyBall(32, Constant(0.1), 0.9),
    HeavyBall(500, InverseTime(1.0, 20.0), 0.5, radius=2.0, batch=2),
    HeavyBall(16, SqrtHorizon(0.5)),
    LocalSGD(6, 2, 3, 0.5, Constant(0.2), batch=2),
    LocalSGD(4, 3, 2, 1.5, SqrtHorizon(0.5)),
    WeightedSGD(40, InverseTime(0.5, 4.0)),
]


@pytest.mark.parametrize("method", SOUND, ids=repr)
def test_shipped_methods_conform(method):
    report = check(method)
    assert report.faults == [], str(report)
    assert "exact moments: largest |z|" in str(report)


@dataclasses.dataclass(frozen=True)
class Own:
    """SGD with both outputs, and a mistake of a given kind."""

    steps: int
    mistake: str = ""
    radius: float | None = None
    name: str = "own"
    kept: Any = dataclasses.field(default_factory=list, compare=False)

    def init(self, theta):
        v = theta if self.mistake == "writes into theta_0" else theta.clone()
        return (v, theta * 0, [0]) if self.mistake == "a list in the state" else (v, theta * 0)

    def query(self, state):
        return state[0]

    def step(self, state, gradient, j):
        v, total = state[:2]
        total = total + v
        if self.mistake == "looks at the others":
            gradient = gradient - 0.1 * gradient.mean(0, keepdim=True)
        if self.mistake == "draws":
            gradient = gradient + 0.1 * torch.randn(gradient.shape, dtype=gradient.dtype)
        if self.mistake == "keeps a counter":
            self.kept.append(j)
            gradient = gradient / len(self.kept)
        if self.mistake == "a list in the state":
            state[2][0] += 1
            gradient = gradient / state[2][0]
        if self.mistake == "float64":
            gradient = gradient.double()
        if self.mistake == "depends on the horizon":
            gradient = gradient / self.steps
        if self.mistake == "writes into theta_0":
            v -= 0.1 * gradient
            return (v, total)
        v = v - 0.1 * gradient
        if self.radius is not None and self.mistake != "no projection":
            v = v * (self.radius / v.norm(dim=-1, keepdim=True).clamp(min=1e-300)).clamp(max=1)
        return (v, total, *state[2:])

    def output(self, state):
        v, total = state[:2]
        taken = self.steps if self.mistake == "divides by the horizon" else max(1, self.taken(state))
        if self.mistake == "nan before the end":
            return {"last": v, "average": v if self.taken(state) else v * math.nan}
        average = (v + total / taken) / 2 if self.mistake != "a mean that is none" else v + total / taken
        return {"last": v, "average": v if self.mistake == "" else average}

    def taken(self, state):
        return 1

    def without_horizon(self):
        return dataclasses.replace(self, steps=1)


METHODS = {
    "writes into theta_0": "written-to tensor",
    "looks at the others": "replicate 3 alone gives something else",
    "draws": "a second run of the same method gives something else",
    "keeps a counter": "a second run of the same method gives something else",
    "a list in the state": "going on from a copy of a state gives something else",
    "float64": "float32",
    "depends on the horizon": "without_horizon says",
    "a mean that is none": "the weights of a mean must add up to 1",
    "no projection": "must stay in Theta",
}


@pytest.mark.parametrize("mistake", METHODS)
def test_a_planted_mistake_of_a_method_is_named(mistake):
    radius = 1.0 if mistake == "no projection" else None
    assert METHODS[mistake] in faults(Own(24, mistake, radius=radius))


def test_a_faultless_method_of_ones_own_conforms():
    assert faults(Own(24)) == ""
    assert faults(Own(24, radius=1.0)) == ""


def test_what_lacks_a_member_or_cannot_be_told_apart_is_named():
    class Half:
        steps, name = 4, "half"

    assert "lacks init, query, step, output" in faults(Half())
    assert "frozen dataclass" in faults(type("Thawed", (Own,), {"__dataclass_params__": None})(4))


# Schedules.


@pytest.mark.parametrize(
    "step", [Constant(0.1), SqrtHorizon(), InverseTime(0.5), LinearDecay(0.3), Scaled(LinearDecay(0.3), 0.5)], ids=repr
)
def test_shipped_schedules_conform(step):
    assert faults(step) == ""


@dataclasses.dataclass(frozen=True)
class Eta:
    mistake: str = ""
    horizon_free: bool = False

    def sizes(self, T, k):
        j = np.arange(T * k)
        return {
            "one too few": 0.1 / np.sqrt(j[1:] + 1),
            "for T only": 0.1 / np.sqrt(np.arange(T) + 1),
            "negative late": 0.1 - 0.001 * j,
            "zero at the end": 0.1 * (1 - (j + 1) / (T * k)),
            "random": 0.1 + 0.01 * np.random.default_rng().random(T * k),
            "nan": np.where(j == 3, np.nan, 0.1),
        }.get(self.mistake, 0.1 / np.sqrt(j + 1) / (T if self.mistake == "a horizon" else 1))

    def first(self, T, k):
        return 0.2 if self.mistake == "another first" else float(np.nanmax(np.abs(self.sizes(T, k)), initial=0.1))

    def scaled(self, factor):
        return Scaled(Eta(), 2 * factor) if self.mistake == "another multiple" else Scaled(self, factor)

    def described(self):
        return 0.1 if self.mistake == "a number as text" else "0.1/sqrt(j + 1)"


SCHEDULES = {
    "one too few": "one number for each of the 1 steps",
    "for T only": "one number for each of the 5 steps; got shape (1,)",
    "negative late": "finite numbers > 0",
    "zero at the end": "finite numbers > 0; got 0",
    "random": "differ when asked again",
    "nan": "got nan at step 3",
    "a horizon": "it says that it is horizon_free",
    "another first": "must be the largest size, 0.1; got 0.2",
    "another multiple": "must have .3 times the sizes",
    "a number as text": "described() must be a text",
}


@pytest.mark.parametrize("mistake", SCHEDULES)
def test_a_planted_mistake_of_a_schedule_is_named(mistake):
    assert SCHEDULES[mistake] in faults(Eta(mistake, horizon_free=mistake == "a horizon"))


def test_a_faultless_schedule_conforms_and_so_does_an_algorithm_with_it():
    assert faults(Eta()) == ""
    assert faults(SGD(8, Eta())) == ""
    assert "differ when asked again" in faults(SGD(8, Eta("random")))


# Bounds.

MODULES = [importlib.import_module(found.name) for found in pkgutil.walk_packages(theory.__path__, "riskkit.theory.")]
SHIPPED = {
    value.name: value
    for module in MODULES
    for value in vars(module).values()
    if hasattr(value, "evaluate") and not isinstance(value, type)
}


def own(**changes):
    fields = {
        "name": "own",
        "title": "one's own",
        "quantity": "generalization",
        "output": "last",
        "source": HERE,
        "proved": lambda at: 2 * at.rounds * at.constants.L / at.n,
    }
    return Inequality(**{**fields, **changes})


def test_shipped_bounds_conform():
    found = {name: faults(bound) for name, bound in SHIPPED.items()}
    uncovered = {name for name, said in found.items() if "it covers none of the" in said}
    assert {name: said for name, said in found.items() if said and name not in uncovered} == {}
    assert len(found) - len(uncovered) >= 8  # the printed ones want steps of their own


BOUNDS = {
    "negative": ({"proved": lambda at: 5.0 - at.rounds}, "must not be negative"),
    "the mean over checkpoints": (
        {"proved": lambda at: np.full(len(at.rounds), at.rounds.mean() / at.n)},
        "depends on which other checkpoints",
    ),
    "one number for many": ({"proved": lambda at: np.ones(1)}, "one number for each of the"),
    "random": ({"proved": lambda at: np.random.default_rng().random(len(at.rounds))}, "asked again"),
    "0/0": ({"proved": lambda at: (at.rounds - 1) / (at.rounds - 1)}, "no invalid operation"),
    "nowhere": ({"proved": lambda at: np.full(len(at.rounds), np.nan)}, "finite nowhere"),
    "covers nothing": ({"hypotheses": (lambda p, a: "never",)}, "it covers none of the"),
    "a wrong monotonicity": ({"monotone": {"n": "increasing"}}, "must be increasing in n"),
    "a wrong monotonicity in T": ({"monotone": {"rounds": "decreasing"}}, "must be decreasing in rounds"),
    "a wrong limit": ({"limits": {"n": 1.0}}, "must tend to 1 as n grows"),
    "a limit of no coordinate": ({"limits": {"lam": 0.0}}, "limits: there is no 'lam'"),
    "a monotonicity of no kind": ({"monotone": {"n": "down"}}, "must be increasing or decreasing; got 'down'"),
    "a source without its key": ({"source": Source("x", "y", "@misc{z}", "")}, "must have the key x"),
    "an unknown quantity": ({"quantity": "loss"}, "quantity must be one of"),
}


@pytest.mark.parametrize(("changes", "said"), BOUNDS.values(), ids=BOUNDS)
def test_a_planted_mistake_of_a_bound_is_named(changes, said):
    on = [(MeanEstimation(dim=2), SGD(16, Constant(0.1)))]
    assert said in faults(own(**changes), on=on)


def test_a_faultless_bound_conforms():
    declared = {"monotone": {"n": "decreasing", "rounds": "increasing"}, "limits": {"n": 0.0}}
    assert faults(own(**declared)) == ""


# Losses with kinks.


@dataclasses.dataclass(frozen=True)
class Pinball:
    """l(t; z) = tau (z - t)+ + (1 - tau) (t - z)+ with z uniform on [0, 1]; Theta = [-1, 1]."""

    tau: float = 0.5
    L: float = math.inf
    mistake: str = ""
    dim: int = 1
    name = "pinball"
    regime = Regime.CONVEX
    radius = 1.0
    start = (0.0,)

    @property
    def constants(self):
        large = max(self.tau, 1 - self.tau)
        return Constants(L=self.L, G=large, M=2 * large, l_max=2 * large)

    def sample(self, stream, n):
        z = stream.uniforms("z", n, 1)
        return (10 * z).floor() / 10 + 0.05 if self.mistake == "ties" else z

    def gradient(self, theta, z):
        g = torch.where(theta >= z, 1 - self.tau, -self.tau).to(theta)
        return {"too steep": torch.where(theta == z, 1.0, g), "wrong sign": -g}.get(self.mistake, g)

    def empirical_risk(self, theta, data):
        gap = data[:, None, :, 0] - theta
        return torch.maximum(self.tau * gap, (self.tau - 1) * gap).mean(-1)

    def empirical_minimiser(self, data):
        n = data.shape[1]
        ordered = data[..., 0].sort(1).values
        place = math.ceil(self.tau * n - 1e-12) - 1  # the least quantile is the one nearest theta_0 = 0
        place = {"another order statistic": min(place + 1, n - 1)}.get(self.mistake, max(place, 0))
        return ordered[:, place, None]

    def population_risk(self, theta):
        t = theta[..., 0]
        inside = t.clamp(0, 1)
        risk = self.tau * (1 - inside).square() / 2 + (1 - self.tau) * inside.square() / 2
        return risk + self.tau * (-t).clamp(min=0) + (1 - self.tau) * (t - 1).clamp(min=0)

    def population_minimiser(self):
        return np.array([self.tau])


@pytest.mark.parametrize("tau", [0.5, 0.3])
def test_a_correct_pinball_loss_conforms(tau):
    report = check(Pinball(tau))
    assert report.faults == [], str(report)


def test_a_finite_L_where_the_gradient_jumps_is_found():
    said = faults(Pinball(L=1.0))
    assert "constants: L = 1 is too small: the gradient of l changes at the rate" in said
    assert "where it jumps, L is math.inf" in said


@pytest.mark.parametrize(
    ("mistake", "said"),
    [("wrong sign", "gradient"), ("another order statistic", "empirical_minimiser"), ("too steep", "subgradient")],
)
def test_a_planted_mistake_of_a_loss_with_a_kink_is_named(mistake, said):
    assert said in faults(Pinball(0.3, mistake=mistake))


def test_the_jump_of_a_smooth_loss_is_none():
    assert faults(Logistic(dim=3)) == ""


# From the shell.


@pytest.mark.parametrize(
    "name",
    [
        "riskkit:Constant(0.1)",
        "riskkit:HeavyBall(16, Constant(0.1), momentum=0.5)",
        "riskkit.theory.zhou2021.convex:OPTIMIZATION_LAST",
        "problems.MeanEstimation",
        "problems:MeanEstimation(dim=1, distance=0.5)",
        "MeanEstimation(dim=1)",
    ],
)
def test_check_from_the_shell(name, capsys):
    assert main(["check", name]) == 0, capsys.readouterr()
    assert "conforms" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("riskkit:Constant", "must name a problem"),
        ("riskkit:Constant(-1)", "eta must be a finite number > 0; got -1"),
        ("problems:Logistic(width=3)", "unexpected keyword argument 'width'"),
        ("problems:Logistic(dim=", "SyntaxError"),
        ("problems:Logistic(dim=__import__('os'))", "must name a problem"),
        ("Logistik(dim=3)", "unknown problem 'Logistik': did you mean Logistic"),
    ],
)
def test_what_cannot_be_built_is_refused(name, said, capsys):
    assert main(["check", name]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


@dataclasses.dataclass(frozen=True)
class ShiftedRidge(Ridge):
    """Ridge less a constant: what it inherits, that gradients are bounded by losses, is false of it."""

    shift: float = 0.0

    def empirical_risk(self, theta, data):
        return super().empirical_risk(theta, data) - self.shift

    def population_risk(self, theta):
        return super().population_risk(theta) - self.shift


@dataclasses.dataclass(frozen=True)
class SmallConstants(MeanEstimation):
    """||grad l||^2 is 2 lam l, which is 3 L l with these."""

    @property
    def constants(self):
        least = self.lam / 1.5
        return dataclasses.replace(super().constants, L=least, lam=least, lam_example=least, mu=least)


def test_losses_that_do_not_bound_their_gradients_are_found():
    assert "self_bounding" not in faults(ShiftedRidge(dim=2))
    assert "self_bounding: ||grad l||^2 is larger than 2 L l" in faults(ShiftedRidge(dim=2, shift=0.3))
    assert "self_bounding" not in faults(MeanEstimation(dim=2))
    assert "self_bounding: ||grad l||^2 is larger than 2 L l" in faults(SmallConstants(dim=2))
