"""Losses of linear scores: squared, logistic and softmax, with their minimisers on a ball or with a ridge.

A parameter t in R^(m p) is a matrix W (m, p); an example's scores are u = W x, m of them. A target is *soft*: s in R^m
is what the loss needs of a distribution of labels, so that one label and a kernel of labels are minimised over by the
same code, and a population risk is an average over rows alone.

    squared   m = 1   (u - s)^2 / 2, s the label's mean (its variance adds a constant)
    logistic  m = 1   s log(1 + e^-u) + (1 - s) log(1 + e^u), s = P(y = 1), labels y = +-1
    softmax   m = K   sum_k s_k (log sum_l e^(u_l) - u_k), s_k = P(y = k)
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.nn.functional import one_hot, softplus

from riskkit.problem import Linear

from . import logistic, squared_loss
from .ball import minimise_convex, minimise_quadratic

NUMBERS = 2**20
"""Scores held at a time."""


class Loss(Protocol):
    """A loss l(u, s) of m scores, convex in u."""

    word: str

    def scores(self, classes: int) -> int:
        """m, for a population of so many classes; ValueError if the loss is not one for them."""

    def soft(self, labels: Tensor, m: int) -> Tensor:
        """The soft targets (..., m) of labels (...) as they stand in a row of data."""

    def value(self, u: Tensor, s: Tensor) -> Tensor:
        """(..., m), (..., m) -> (...), a sum of terms >= 0, each exact to rounding of its own size."""

    def slope(self, u: Tensor, s: Tensor) -> Tensor:
        """d l / d u, (..., m), exact to rounding of its own size."""

    def gradient(self, u: Tensor, labels: Tensor) -> Tensor:
        """d l / d u for one label each, (..., m), exact to rounding of 1: u (..., m), labels (...)."""

    def hessian(self, u: Tensor, x: Tensor) -> Tensor:
        """The Hessian of the mean loss in t: u (R, n, m), x (R, n, p) -> (R, m p, m p)."""

    def formula(self, ridge: float) -> Linear | None:
        """The gradient for compiled engines, where it fits their scheme."""


class SquaredLoss:
    word = "squared"

    def scores(self, classes: int) -> int:
        if classes:
            raise ValueError("the squared loss is for a regression; take the logistic loss, or softmax")
        return 1

    def soft(self, labels: Tensor, m: int) -> Tensor:
        return labels[..., None]

    def value(self, u: Tensor, s: Tensor) -> Tensor:
        return (u - s).square()[..., 0] / 2

    def slope(self, u: Tensor, s: Tensor) -> Tensor:
        return u - s

    def gradient(self, u: Tensor, labels: Tensor) -> Tensor:
        return u - labels[..., None]

    def hessian(self, u: Tensor, x: Tensor) -> Tensor:
        return x.mT @ x / x.shape[1]

    def formula(self, ridge: float) -> Linear:
        return Linear(squared_loss.slope, 0.0, ridge)


class LogisticLoss:
    word = "logistic"

    def scores(self, classes: int) -> int:
        if classes != 2:
            raise ValueError("the logistic loss is for two classes; take softmax, or one_against_rest(...)")
        return 1

    def soft(self, labels: Tensor, m: int) -> Tensor:
        return ((1 + labels) / 2)[..., None]

    def value(self, u: Tensor, s: Tensor) -> Tensor:
        return (s * softplus(-u, threshold=40) + (1 - s) * softplus(u, threshold=40))[..., 0]

    def slope(self, u: Tensor, s: Tensor) -> Tensor:
        return (1 - s) * torch.sigmoid(u) - s * torch.sigmoid(-u)

    def gradient(self, u: Tensor, labels: Tensor) -> Tensor:
        y = labels[..., None]
        return -y * torch.sigmoid(-y * u)

    def hessian(self, u: Tensor, x: Tensor) -> Tensor:
        return x.mT @ (torch.sigmoid(u) * torch.sigmoid(-u) / x.shape[1] * x)

    def formula(self, ridge: float) -> Linear:
        return Linear(logistic.slope, 0.0, ridge)


class SoftmaxLoss:
    word = "softmax"

    def scores(self, classes: int) -> int:
        if classes < 2:
            raise ValueError("softmax is for classes; take the squared loss")
        return classes

    def soft(self, labels: Tensor, m: int) -> Tensor:
        return one_hot(labels.long(), m).to(labels.dtype)

    def value(self, u: Tensor, s: Tensor) -> Tensor:
        below, rest, _ = self._shifted(u)
        return (s.movedim(-1, 0) * (torch.log1p(rest) - below)).sum(0)

    def slope(self, u: Tensor, s: Tensor) -> Tensor:
        below, rest, largest = self._shifted(u)
        p = below.exp() / (1 + rest)
        others = torch.where(largest, rest / (1 + rest), 1 - p)  # 1 - p without cancellation
        s = s.movedim(-1, 0)
        return ((1 - s) * p - s * others).movedim(0, -1)

    def gradient(self, u: Tensor, labels: Tensor) -> Tensor:
        p = torch.softmax(self._first(u), 0).movedim(0, -1)
        return p - (labels[..., None] == torch.arange(u.shape[-1], device=u.device)).to(u)

    def hessian(self, u: Tensor, x: Tensor) -> Tensor:
        p = torch.softmax(u, -1)
        (R, n, m), width = p.shape, x.shape[-1]
        outer = (p[..., None] * x[:, :, None, :]).reshape(R, n, m * width)
        H = -(outer.mT @ outer).reshape(R, m, width, m, width)
        for k in range(m):
            H[:, k, :, k] += (p[..., k : k + 1] * x).mT @ x
        return H.reshape(R, m * width, m * width) / n

    def formula(self, ridge: float) -> None:
        return None  # a gradient of K scores is no function of one

    @staticmethod
    def _first(u: Tensor) -> Tensor:
        """(..., m) -> (m, ...): torch is several times as fast along an axis with long rows behind it."""
        return u.movedim(-1, 0).contiguous()

    def _shifted(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classes first: u less the largest score (at ``largest``), and the sum of the exponentials of the others,
        (...): then log sum e^u - u_k = log(1 + rest) - below_k, without cancellation."""
        scores = self._first(u)
        largest = scores == scores.amax(0)
        seen = largest[0].clone()
        for one in largest[1:]:  # of equal ones the first alone
            one &= ~seen
            seen |= one
        below = scores - scores.masked_fill(~largest, 0.0).sum(0)
        rest = below.exp().masked_fill(largest, 0.0).sum(0)
        return below, rest, largest


LOSSES: dict[str, Loss] = {loss.word: loss for loss in (SquaredLoss(), LogisticLoss(), SoftmaxLoss())}


def scores(theta: Tensor, x: Tensor, m: int) -> Tensor:
    """theta (R, C, m p), x (R, n, p) -> (R, n, C, m)."""
    (R, C, _), (_, n, p) = theta.shape, x.shape
    return (x @ theta.reshape(R, C * m, p).mT).reshape(R, n, C, m)


def mean_loss(loss: Loss, theta: Tensor, x: Tensor, soft: Tensor) -> Tensor:
    """(1/n) sum_i l(W x_i, s_i): theta (R, C, m p), x (R, n, p), soft (R, n, m) -> (R, C).

    The replicates are taken a few at a time: on all at once, memory takes longer than arithmetic.
    """
    (R, C, _), (_, n, m) = theta.shape, soft.shape
    few = max(1, NUMBERS // (n * C * m))
    return torch.cat(
        [
            loss.value(scores(theta[i : i + few], x[i : i + few], m), soft[i : i + few, :, None]).mean(1)
            for i in range(0, R, few)
        ]
    )


def minimiser(loss: Loss, x: Tensor, soft: Tensor, ridge: float, radius: float | None) -> Tensor:
    """The minimiser nearest 0 of mean_loss + (ridge/2) ||t||^2 over the ball: x (R, n, p), soft (R, n, m) -> (R, m p).

    float64. Raises NoMinimiserError where the first-order condition is not met to 1e-12 of scale.
    """
    (R, n, p), m = x.shape, soft.shape[-1]
    identity = torch.eye(m * p, dtype=x.dtype, device=x.device)
    if isinstance(loss, SquaredLoss):
        b = (x.mT @ soft / n)[:, :, 0]
        return minimise_quadratic(loss.hessian(soft, x) + ridge * identity, b, radius)
    norms = torch.linalg.vector_norm(x, dim=-1)

    def of(theta: Tensor) -> Tensor:
        return scores(theta[:, None], x, m)[:, :, 0]

    def risk(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u = of(theta)
        slope = loss.slope(u, soft)
        gradient = (slope.mT @ x).reshape(R, m * p) / n + ridge * theta
        value = loss.value(u, soft).mean(1) + ridge / 2 * theta.square().sum(-1)
        return value, gradient, (torch.linalg.vector_norm(slope, dim=-1) * norms).mean(1)

    def hessian(theta: Tensor) -> Tensor:
        return loss.hessian(of(theta), x) + ridge * identity

    definite = radius is None and ridge > 0
    return minimise_convex(risk, hessian, x.new_zeros((R, m * p)), radius, definite=definite)


def least_loss(steepness: float, classes: int, ridge: float, radius: float) -> float:
    """min over 0 <= r <= radius of log(1 + (K - 1) e^(-steepness r)) + (ridge/2) r^2."""

    def derivative(r: float) -> float:
        others = (classes - 1) * math.exp(-steepness * r)
        return ridge * r - steepness * others / (1 + others)

    best = radius if derivative(radius) <= 0 else float(brentq(derivative, 0, radius, xtol=1e-14))
    return math.log1p((classes - 1) * math.exp(-steepness * best)) + ridge / 2 * best**2
