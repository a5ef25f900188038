"""The conformance kit: every problem of the study passes it, and wrong problems are caught with the fault named.

Each check states its own false-alarm rate; seeds are fixed.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import problems
from problems import (
    LinearOnBall,
    Logistic,
    LogisticRidge,
    MeanEstimation,
    MeanOnBall,
    Ridge,
    SinePerturbedQuadratic,
    WarpedMean,
)
from riskkit import Constants, Lookahead, Regime, SqrtHorizon, Stream, simulate
from riskkit.conformance.problems import check

sys.path.insert(0, str(Path(__file__).parent))
from own_problem import Interval

KINDS = [getattr(problems, name) for name in problems.__all__]
OTHERS = [
    MeanEstimation(dim=1, lam=0.3, distance=0.5),
    MeanOnBall(dim=2, lam=0.5, radius=1.4),
    LinearOnBall(dim=2, radius=0.7),
    Logistic(dim=2, radius=20.0),
    Logistic(dim=3, radius=0.5, flip=0.1),
    LogisticRidge(dim=5, lam=0.7),
    Ridge(dim=3, lam=0.5, signal=2.0, radius=0.4),
]


@pytest.mark.parametrize("problem", [*(kind() for kind in KINDS), *OTHERS], ids=repr)
def test_every_problem_of_the_study_conforms(problem):
    assert check(problem).faults == []


@pytest.mark.slow
@pytest.mark.parametrize("problem", [kind() for kind in KINDS], ids=repr)
def test_population_risks_against_ten_million_draws(problem):
    assert check(problem, draws=10_000_000, seed=1).faults == []


def test_a_problem_of_ones_own_conforms_and_runs():
    assert check(Interval()).faults == []
    m = simulate(Interval(), Lookahead(20, 5, 0.5, SqrtHorizon(1.0)), n=10, replicates=50)
    assert (m.optimization >= 0).all()
    shown = Path(__file__).with_name("own_problem.py").read_text().split('"""', 2)[2].strip()
    assert shown in (Path(__file__).parent.parent / "docs" / "problems.md").read_text()
    body = shown.split("@dataclasses")[1]
    assert len([line for line in body.splitlines() if line.strip()]) < 30


class WrongSign(MeanEstimation):
    def gradient(self, theta, z):
        return -super().gradient(theta, z)


class TwiceTheGradient(Ridge):
    def gradient(self, theta, z):
        return 2 * super().gradient(theta, z)


class MissingNoise(Ridge):
    def population_risk(self, theta):
        return super().population_risk(theta) - self.noise**2 / 2


class NotTheMinimiser(Logistic):
    def empirical_minimiser(self, data):
        return 0.99 * super().empirical_minimiser(data)


class Rescaled(MeanEstimation):
    """Constants with one of them wrong."""

    wrong: tuple[str, float] = ("L", 1.0)

    @property
    def constants(self):
        name, factor = self.wrong
        right = super().constants
        return dataclasses.replace(right, **{name: factor * getattr(right, name)})


class SmallL(Rescaled):
    wrong = ("L", 0.9)


class SmallG(Rescaled):
    wrong = ("G", 0.9)


class LargeLam(Rescaled):
    wrong = ("lam", 1.1)


class SmallM(Rescaled):
    wrong = ("M", 0.9)


class LargeMu(SinePerturbedQuadratic):
    @property
    def constants(self):
        right = super().constants
        return dataclasses.replace(right, mu=2.5 * right.mu)


class NoRho(WarpedMean):
    @property
    def constants(self):
        return dataclasses.replace(super().constants, rho=0.0)


class SumNotMean(LinearOnBall):
    def empirical_risk(self, theta, data):
        return data.shape[1] * super().empirical_risk(theta, data)


class NotNested(MeanEstimation):
    def sample(self, stream, n):
        return super().sample(stream, n).flip(1)


class LooksAtTheBatch(MeanEstimation):
    def empirical_minimiser(self, data):
        return data.mean(1) + 1e-3 * data.mean((0, 1))


class OffsetOptimum(MeanEstimation):
    def population_minimiser(self):
        return np.full(self.dim, 0.01)


class WrongPopulationRisk(Logistic):
    def population_risk(self, theta):
        return 1.02 * super().population_risk(theta)


class OnlyStationary(SinePerturbedQuadratic):
    """A maximum in place of a minimum would be stationary too; here: the start, wherever its gradient vanishes."""

    def empirical_minimiser(self, data):
        return torch.zeros_like(data[:, 0, : self.dim])


class LosesPrecision(MeanEstimation):
    """Cancels: in float32 some 1e-7 * 1e6 are lost."""

    def gradient(self, theta, z):
        return self.lam * ((theta + 1e6) - (z + 1e6))


class ForgetsDtype(MeanEstimation):
    def population_risk(self, theta):
        return super().population_risk(theta).double()


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (WrongSign(), "gradient"),
        (TwiceTheGradient(dim=3), "gradient"),
        (MissingNoise(dim=3), "population_risk"),
        (WrongPopulationRisk(dim=3), "population_risk"),
        (NotTheMinimiser(), "empirical_minimiser"),
        (OnlyStationary(), "empirical_minimiser"),
        (SmallL(), "L"),
        (SmallG(), "G"),
        (LargeLam(), "lam"),
        (SmallM(), "M"),
        (LargeMu(), "mu"),
        (NoRho(initial=2.3), "rho"),
        (SumNotMean(), "empirical_risk"),
        (NotNested(), "sample"),
        (LooksAtTheBatch(), "empirical_minimiser"),
        (OffsetOptimum(), "population_minimiser"),
        (ForgetsDtype(), "population_risk"),
        (LosesPrecision(), "in float32"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_wrong_problem_is_caught_and_the_fault_named(problem, words):
    faults = check(problem).faults
    assert faults
    assert any(words in fault for fault in faults), faults
    assert all(fault.endswith(".") and "\n" not in fault for fault in faults)


def test_a_missing_member_is_named():
    class Half:
        name, dim = "half", 2

    assert "Half lacks gradient: the protocol riskkit.problem.Problem needs it." in check(Half()).faults


def test_impossible_constants_are_refused():
    with pytest.raises(ValueError, match=r"Constants: G must be a number >= 0 or inf; got -1\."):
        Constants(L=1.0, G=-1.0)


SMOOTH = [kind for kind in KINDS if kind is not problems.HarveyMaximum]  # scipy's methods stop at a kink


@pytest.mark.parametrize("kind", SMOOTH, ids=lambda kind: kind.__name__)
def test_empirical_minima_agree_with_scipy_to_1e_10(kind):
    """Few datasets each of n < d (separable, rank deficient, the ball active) and of n > d."""
    agree_with_scipy(small(kind), 4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SMOOTH, ids=lambda kind: kind.__name__)
def test_empirical_minima_of_1_002_datasets(kind):
    agree_with_scipy(small(kind), 334)


@pytest.mark.parametrize(
    "problem", [Ridge(dim=6, lam=0.05, signal=3.0, radius=0.5), Logistic(dim=5, radius=30.0), LogisticRidge(lam=0.01)]
)
def test_minima_with_the_ball_active_or_far(problem):
    agree_with_scipy(problem, 4)


def small(kind):
    """The problem at its own size; SLSQP takes a second for each dataset of 32 dimensions, and these are thousands."""
    return kind(dim=8) if kind is problems.PowerLawLeastSquares else kind()


def agree_with_scipy(problem, datasets):
    for n in (2, 5, min(40, getattr(problem, "largest_n", 40))):
        data = problem.sample(Stream(5, range(datasets)), n)
        ours = problem.empirical_minimiser(data)
        values = problem.empirical_risk(ours[:, None], data)[:, 0].numpy()
        theirs = np.array([scipy_minimum(problem, data[r : r + 1]) for r in range(datasets)])
        if problem.regime is Regime.NONCONVEX:  # a solver may end in another basin; the problem is realisable
            assert (values <= 1e-10).all()
            assert (theirs >= values - 1e-10).all()
        else:
            np.testing.assert_allclose(values, theirs, rtol=0, atol=1e-10)


def scipy_minimum(problem, data):
    """The least F_S that BFGS (on R^d) or SLSQP (on a ball) finds; from three starts where F_S is not convex."""

    def value(theta):
        at = torch.tensor(theta)[None, None]
        gradient = problem.gradient(at, data[0][:, None, :]).mean(0)[0]
        return float(problem.empirical_risk(at, data)[0, 0]), gradient.numpy()

    ball = {"type": "ineq", "fun": lambda t: problem.radius**2 - t @ t, "jac": lambda t: -2 * t}
    rng, best = np.random.default_rng(0), np.inf
    for start in range(3 if str(problem.regime).startswith("nonconvex") else 1):
        at = np.array(problem.start, dtype=float) + (rng.normal(size=problem.dim) if start else 0)
        if problem.radius is None:
            found = minimize(value, at, jac=True, method="BFGS", options={"gtol": 1e-12, "maxiter": 2000}).x
        else:
            options = {"ftol": 1e-16, "maxiter": 1000}
            found = minimize(value, at, jac=True, method="SLSQP", constraints=ball, options=options).x
            found = found * min(1.0, problem.radius / max(np.linalg.norm(found), 1e-300))
        best = min(best, value(found)[0])
    return best
