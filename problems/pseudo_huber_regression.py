"""Pseudo-Huber regression: convex, smooth, Lipschitz, and not strongly convex."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Linear, Regime
from riskkit.rng.streams import Stream

from . import fields, pseudo_huber, sphere
from .ball import minimise_convex
from .empirical import mean_over_examples


@dataclass(frozen=True)
class PseudoHuberRegression:
    """l(t; x, y) = h(<x, t> - y), h(r) = delta^2 (sqrt(1 + (r/delta)^2) - 1), Theta = {||t|| <= radius}, theta_0 = 0.

    x is uniform on the unit sphere of R^d; y = <x, w> + e with w = signal e_1 (by the symmetry of x its direction is
    immaterial) and e = +-noise with a fair sign.

    Regime: convex. A realistic neighbour of the linear loss on a ball for Theorem 1.

    F(t) = E h(||t - w|| s - noise), s a coordinate of x (s and -s are equally likely, which takes care of the sign of
        e): one Gauss-Gegenbauer integral, singular at s = (noise +- i delta) / ||t - w||. It grows with ||t - w||, so
        theta* is the point of the ball nearest w.
    F_S* by Newton's method on the ball; KKT residual < 1e-12 of scale. For n < d it is the interpolant of least norm,
        if the ball contains it.

    Constants, with U = radius + signal + noise >= |<x, t> - y|, reached at t = radius x, x = -e_1:
        L = 1, at <x, t> = y.        lam = 0.
        G = h'(U) = U (1 + (U/delta)^2)^(-1/2) < delta.        M = h(U).
    """

    dim: int = 8
    delta: float = 0.5
    noise: float = 0.5
    signal: float = 1.0
    radius: float = 2.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        owner = "PseudoHuberRegression"
        fields.whole(owner, "dim", self.dim)
        fields.finite(owner, "delta", self.delta, above=0)
        fields.finite(owner, "noise", self.noise, least=0)
        fields.finite(owner, "signal", self.signal, least=0)
        fields.finite(owner, "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "pseudo-Huber regression"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def constants(self) -> Constants:
        farthest = self.radius + self.signal + self.noise
        root = math.sqrt(1 + (farthest / self.delta) ** 2)
        return Constants(L=1.0, G=farthest / root, M=farthest**2 / (root + 1))

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear:
        return Linear(pseudo_huber.slope, self.delta)

    def sample(self, stream: Stream, n: int) -> Tensor:
        x = stream.sphere("features", n, self.dim)
        y = self.signal * x[..., :1] + self.noise * stream.sphere("noise", n, 1)
        return torch.cat([x, y], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1:]
        residual = (x * theta).sum(-1, keepdim=True) - y
        return pseudo_huber.attenuation(residual.square(), self.delta) * residual * x

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return mean_over_examples(lambda u, y: pseudo_huber.value((u - y).square(), self.delta), theta, data)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        x, y = data[..., :-1].double(), data[..., -1].double()
        R, n, d = x.shape

        def risk(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            fitted = (x @ theta[:, :, None])[:, :, 0]
            residual = fitted - y
            a = pseudo_huber.attenuation(residual.square(), self.delta)
            gradient = ((a * residual)[:, None, :] @ x)[:, 0] / n
            # An interpolant leaves no slopes but the rounding of fitted - y, which counts as well.
            scale = ((a * residual).abs() + a**3 * (fitted.abs() + y.abs())).mean(1)
            return pseudo_huber.value(residual.square(), self.delta).mean(1), gradient, scale

        def hessian(theta: Tensor) -> Tensor:
            residual = (x @ theta[:, :, None])[:, :, 0] - y
            weights = pseudo_huber.attenuation(residual.square(), self.delta) ** 3 / n
            return x.mT @ (weights[:, :, None] * x)

        return minimise_convex(risk, hessian, x.new_zeros((R, d)), self.radius).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        def loss(r: Tensor, s: Tensor) -> Tensor:
            return pseudo_huber.value((r * s - self.noise).square(), self.delta)

        apart = theta.double().clone()
        apart[..., 0] -= self.signal
        norm = torch.linalg.vector_norm(apart, dim=-1)
        count = sphere.points(self.delta / (self.radius + self.signal))
        return sphere.expectation(loss, norm, self.dim, count).to(theta.dtype)

    def population_minimiser(self) -> np.ndarray:
        best = np.zeros(self.dim)
        best[0] = min(self.signal, self.radius)
        return best
