"""Planted faults: each pretends to be Lookahead, SLRLA or SGD on mean estimation, and an exact oracle must catch it.

Beside them the real ones, which must agree. Some faults are of the method, two of the sampling.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from riskkit.algorithms import SGD, SLRLA, Algorithm, Constant, InverseTime, Lookahead, Output, Sampling, Stage, traits
from riskkit.experiment import Exact, Experiment, Grid, Point, Size, per_octave
from riskkit.problems import MeanEstimation
from riskkit.theory import exact_moments
from riskkit.theory.bound import At, Floats
from riskkit.theory.zhou2021 import slrla

K, ALPHA, STEP = 5, 0.3, InverseTime(lam=1.0, offset=2)


class Pair(NamedTuple):
    """Fast and slow weights, the sum of the fast ones, and the start."""

    v: Tensor
    slow: Tensor
    total: Tensor
    start: Tensor


@dataclasses.dataclass(frozen=True)
class WrongWeights:
    """Lookahead with alpha on the slow weights: theta_t = alpha theta_{t-1} + (1 - alpha) v_k."""

    steps: int
    alpha: float = ALPHA
    name: str = "alpha on the wrong weights"

    def init(self, theta: Tensor) -> Pair:
        return Pair(theta.clone(), theta.clone(), theta * 0, theta.clone())

    def query(self, state: Pair) -> Tensor:
        return state.v

    def step(self, state: Pair, gradient: Tensor, j: int) -> Pair:
        v, slow = state.v - gradient / (j + STEP.offset), state.slow
        if (j + 1) % K == 0:
            v = slow = self.alpha * slow + (1 - self.alpha) * v
        return Pair(v, slow, state.total + state.v, state.start)

    def output(self, state: Pair) -> dict[Output, Tensor]:
        return {"last": state.slow, "average": state.total / self.steps}


@dataclasses.dataclass(frozen=True)
class WrongAnchor(WrongWeights):
    """SLRLA, alpha = 1, whose anchor stays at theta_0 in every stage."""

    alpha: float = 1.0
    beta: float = 0.5
    name: str = "the anchor never moves"

    def step(self, state: Pair, gradient: Tensor, j: int) -> Pair:
        size = 0.2 / 2 ** (j // (self.steps // 4))
        v = state.v - size * (gradient + self.beta * (state.v - state.start))
        return Pair(v, v, state.total + state.v, state.start)


@dataclasses.dataclass(frozen=True)
class DataDrivenSteps(WrongWeights):
    """SGD whose step sizes depend on the examples met: 1/(j + j0) where the gradient is short, half that elsewhere."""

    alpha: float = 1.0
    name: str = "step sizes from the data"

    def step(self, state: Pair, gradient: Tensor, j: int) -> Pair:
        long = gradient.square().sum(-1, keepdim=True) > 1
        v = state.v - gradient * (1 - 0.5 * long.to(gradient)) / (j + STEP.offset)
        return Pair(v, v, state.total + state.v, state.start)


def slrla_plan(p: Point) -> Algorithm:
    return SLRLA([Stage(p.gradients // (4 * K), K, 1.0, Constant(0.2 / 2**q), 0.5) for q in range(4)])


def steps(p: Point) -> int:
    return p.gradients // (4 * K) * 4 * K


def sampled(p: Point, sampling: Sampling) -> Algorithm:
    return dataclasses.replace(SGD(steps(p), STEP, k=K), sampling=sampling)


def error(moments: exact_moments.Moments, n: int) -> Floats:
    """E[F_S - F_S*] = (1/2) (m^2 (1 + 1/n) + u (1 - 1/n)): ||theta_0|| = 1, E V_S = 1 - 1/n, E||zbar||^2 = 1/n."""
    return (moments.m2 * (1 + 1 / n) + moments.u * (1 - 1 / n)) / 2


def gradients(at: At) -> npt.NDArray[np.int64]:
    return traits.gradients(at.algorithm, at.rounds)


def lookahead(at: At) -> Floats:
    whole = gradients(at) % K == 0
    known = exact_moments.step_moments(STEP, 1.0, K, ALPHA, np.maximum(gradients(at) // K, 1))
    return np.where(whole, error(known, at.n), np.nan)


def sgd(at: At) -> Floats:
    return error(exact_moments.step_moments(STEP, 1.0, 1, 1.0, gradients(at)), at.n)


def staged(at: At) -> Floats:
    """At the end of the last of the four stages."""
    plan = slrla_plan(Point({"gradients": int(traits.gradients(at.algorithm, traits.rounds(at.algorithm)))}))
    last = error(exact_moments.staged_moments(plan, 1.0), at.n)[-1]
    return np.where(gradients(at) == plan.steps, last, np.nan)


EXPERIMENT = Experiment(
    title="Planted faults",
    question="Are planted faults caught, and the real algorithms not?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms={
        "Lookahead": lambda p: Lookahead(steps(p) // K, K, ALPHA, STEP),
        "SGD": lambda p: SGD(steps(p), STEP, k=K),
        "SLRLA": slrla_plan,
        "alpha on the wrong weights": lambda p: WrongWeights(steps(p)),
        "the anchor never moves": lambda p: WrongAnchor(steps(p)),
        "step sizes from the data": lambda p: DataDrivenSteps(steps(p)),
        "a step above 2/L": lambda p: SGD(steps(p), Constant(2.2), k=K),
        "without replacement": lambda p: sampled(p, "without replacement"),
        "one stream for all": lambda p: sampled(p, "one stream for all"),
    },
    read=per_octave(6),
    simulated=True,
    bounds=(slrla.GENERALIZATION_LAST, slrla.STABILITY_LAST),
    readings=(
        Exact("optimization", "last", lookahead, ("Lookahead",)),
        Exact("optimization", "last", sgd, ("SGD",)),
        Exact("optimization", "last", staged, ("SLRLA",)),
        Exact("optimization", "last", lookahead, ("alpha on the wrong weights",), planted=True),
        Exact("optimization", "last", staged, ("the anchor never moves",), planted=True),
        Exact(
            "optimization",
            "last",
            sgd,
            ("step sizes from the data", "a step above 2/L", "without replacement", "one stream for all"),
            planted=True,
        ),
    ),
    sizes={
        "laptop": Size(Grid(n=20, gradients=400), replicates=1024),
        "paper": Size(Grid(n=20, gradients=400), replicates=16384),
    },
)
