"""Planted faults: each pretends to be Lookahead, SLRLA or SGD on mean estimation, and an exact oracle must catch it.

Beside them the real ones, which must agree. Some faults are of the method, two of the sampling.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from torch import Tensor

from riskkit.algorithms.staged import (
    SGD,
    SLRLA,
    Algorithm,
    Constant,
    InverseTime,
    Lookahead,
    Optimiser,
    Output,
    Sampling,
    Stage,
)
from riskkit.experiment.race import Exact, Race, RaceSize
from riskkit.problem import Problem
from riskkit.problems import MeanEstimation
from riskkit.theory import exact_moments
from riskkit.theory.bound import Floats

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


def slrla(gradients: int) -> Algorithm:
    return SLRLA([Stage(gradients // (4 * K), K, 1.0, Constant(0.2 / 2**q), 0.5) for q in range(4)])


def entries(problem: Problem, gradients: int) -> list[Algorithm | Optimiser]:
    steps = gradients // (4 * K) * 4 * K
    large = dataclasses.replace(SGD(steps, Constant(2.2), k=K), name="a step above 2/L")
    samplings: tuple[Sampling, ...] = ("without replacement", "one stream for all")
    return [
        Lookahead(steps // K, K, ALPHA, STEP),
        SGD(steps, STEP, k=K),
        slrla(gradients),
        WrongWeights(steps),
        WrongAnchor(steps),
        DataDrivenSteps(steps),
        large,
        *(dataclasses.replace(SGD(steps, STEP, k=K), name=s, sampling=s) for s in samplings),
    ]


def error(moments: exact_moments.Moments, n: int) -> Floats:
    """E[F_S - F_S*] = (1/2) (m^2 (1 + 1/n) + u (1 - 1/n)): ||theta_0|| = 1, E V_S = 1 - 1/n, E||zbar||^2 = 1/n."""
    return (moments.m2 * (1 + 1 / n) + moments.u * (1 - 1 / n)) / 2


def lookahead(problem: Problem, n: int, gradients: Floats) -> Floats:
    whole = gradients % K == 0
    known = exact_moments.step_moments(STEP, 1.0, K, ALPHA, np.maximum(gradients // K, 1).astype(int))
    return np.where(whole, error(known, n), np.nan)


def sgd(problem: Problem, n: int, gradients: Floats) -> Floats:
    return error(exact_moments.step_moments(STEP, 1.0, 1, 1.0, gradients.astype(int)), n)


def staged(problem: Problem, n: int, gradients: Floats) -> Floats:
    """At the ends of the four stages; the whole plan is known from the run's own budget alone."""
    found = np.full(gradients.shape, np.nan)
    for i, taken in enumerate(gradients):
        if taken == STAGED.steps:
            found[i] = error(exact_moments.staged_moments(STAGED, 1.0), n)[-1]
    return found


STAGED = slrla(400)


EXPERIMENT = Race(
    name="negative_controls",
    question="Are planted faults caught, and the real algorithms not?",
    problems=(MeanEstimation(dim=4, lam=1.0),),
    entries=entries,
    exact={
        "Lookahead": Exact("optimization", "last", lookahead),
        "SGD": Exact("optimization", "last", sgd),
        "SLRLA": Exact("optimization", "last", staged),
        "alpha on the wrong weights": Exact("optimization", "last", lookahead, "planted"),
        "the anchor never moves": Exact("optimization", "last", staged, "planted"),
        "step sizes from the data": Exact("optimization", "last", sgd, "planted"),
        "a step above 2/L": Exact("optimization", "last", sgd, "planted"),
        "without replacement": Exact("optimization", "last", sgd, "planted"),
        "one stream for all": Exact("optimization", "last", sgd, "planted"),
    },
    laptop=RaceSize(n=(20,), gradients=400, replicates=1024),
    paper=RaceSize(n=(20,), gradients=400, replicates=16384),
)
