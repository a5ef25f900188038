"""Logistic regression on a ball: convex, Lipschitz, with its population risk exact by one-dimensional integrals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import expit
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from riskkit.problem import Constants, Linear, Regime
from riskkit.rng.streams import Stream

from . import fields, sphere
from .ball import minimise_convex
from .empirical import mean_over_examples


def slope(u: float, y: float, _: float) -> float:
    """d/du log(1 + exp(-y u))."""
    return -y / (1.0 + math.exp(y * u))


def _loss(u: Tensor, y: Tensor) -> Tensor:
    """log(1 + exp(-y u)); where -y u > 40 it is -y u to all digits."""
    return softplus(-y * u, threshold=40)


@dataclass(frozen=True)
class Logistic:
    """l(t; x, y) = log(1 + exp(-y <x, t>)) on Theta = {||t|| <= radius}, theta_0 = 0.

    x is uniform on the unit sphere of R^d; y = 1 with probability sigma(<x, w>), else -1, and is then flipped with
    probability ``flip``. w = signal e_1: by the symmetry of x its direction is immaterial.

    Regime: convex. The ball is needed: separable data (certain for n <= d) have no minimiser on R^d.

    F. Let p(x) = P(y = 1 | x) = flip + (1 - 2 flip) sigma(signal x_1). Averaged over y the loss at u = <x, t> is
        log(1 + e^u) - p(x) u = log(2 cosh(u/2)) + (1/2 - p(x)) u.
    By the symmetry of x about w, E[p(x) x] = c e_1 with c = (1 - 2 flip) E[s sigma(signal s)], s = x_1, and so
        F(t) = E log(2 cosh(||t|| s / 2)) - c t_1,
    two one-dimensional Gauss-Gegenbauer integrals, exact to 1e-14. The first term grows with ||t||, so theta* = a e_1,
    a >= 0; a = signal if flip = 0 and the ball contains it, else the root of one monotone equation.
    F_S* by Newton's method on the ball; KKT residual < 1e-12 of scale, separable or not.

    Constants, with B = radius: the slope in u is -y sigma(-y u), its derivative sigma(u) sigma(-u) <= 1/4, ||x|| = 1.
        L = 1/4.        lam = 0.
        G = sigma(B), at t = -B y x.
        M = log(1 + e^B) - log(1 + e^-B) = B.
    """

    dim: int = 8
    radius: float = 5.0
    signal: float = 3.0
    flip: float = 0.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        owner = type(self).__name__
        fields.whole(owner, "dim", self.dim)
        fields.finite(owner, "radius", self.radius, above=0)
        fields.finite(owner, "signal", self.signal, least=0)
        fields.between(owner, "flip", self.flip, 0, 0.5)

    @property
    def name(self) -> str:
        return "logistic"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def ridge(self) -> float:
        """lam of the term (lam/2) ||t||^2."""
        return 0.0

    @property
    def constants(self) -> Constants:
        B, lam = self.radius, self.ridge
        # The least loss is that of u = y <x, t> = r along t = r y x, where -sigma(-r) + lam r changes sign.
        least = B if -expit(-B) + lam * B <= 0 else float(brentq(lambda r: lam * r - expit(-r), 0, B, xtol=1e-14))
        spread = np.logaddexp(0, B) - np.logaddexp(0, -least) + lam / 2 * (B**2 - least**2)
        return Constants(L=0.25 + lam, G=float(expit(B)) + lam * B, lam=lam, lam_example=lam, mu=lam, M=float(spread))

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear:
        return Linear(slope, 0.0, self.ridge)

    def sample(self, stream: Stream, n: int) -> Tensor:
        x = stream.sphere("features", n, self.dim)
        positive = self.flip + (1 - 2 * self.flip) * torch.sigmoid(self.signal * x[..., :1])
        y = torch.where(stream.uniforms("labels", n, 1) < positive, 1.0, -1.0).to(x)
        return torch.cat([x, y], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1:]
        slopes = -y * torch.sigmoid(-y * (x * theta).sum(-1, keepdim=True))
        return slopes * x + self.ridge * theta

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return mean_over_examples(_loss, theta, data) + self.ridge / 2 * theta.square().sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        signed = (data[..., -1:] * data[..., :-1]).double()
        R, n, d = signed.shape
        ridge = self.ridge * torch.eye(d, dtype=signed.dtype, device=signed.device)

        def risk(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            margins = (signed @ theta[:, :, None])[:, :, 0]
            slopes = torch.sigmoid(-margins)
            gradient = -(slopes[:, None, :] @ signed)[:, 0] / n + self.ridge * theta
            value = -logsigmoid(margins).mean(1) + self.ridge / 2 * theta.square().sum(-1)
            return value, gradient, slopes.mean(1)

        def hessian(theta: Tensor) -> Tensor:
            margins = (signed @ theta[:, :, None])[:, :, 0]
            weights = torch.sigmoid(margins) * torch.sigmoid(-margins) / n
            return signed.mT @ (weights[:, :, None] * signed) + ridge

        return minimise_convex(risk, hessian, signed.new_zeros((R, d)), self.radius).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(theta.double(), dim=-1)
        fit = sphere.expectation(lambda r, s: torch.logaddexp(r * s / 2, -r * s / 2), norm, self.dim, self._points)
        value = fit - self._alignment * theta[..., 0].double() + self.ridge / 2 * norm.square()
        return value.to(theta.dtype)

    def population_minimiser(self) -> np.ndarray:
        nodes, weights = sphere.rule(self.dim, self._points)

        def derivative(a: float) -> float:
            """d/da F(a e_1)."""
            return float(weights @ (nodes * np.tanh(a * nodes / 2) / 2)) - self._alignment + self.ridge * a

        best = np.zeros(self.dim)
        if derivative(self.radius) <= 0:
            best[0] = self.radius
        elif self._alignment > 0:
            best[0] = brentq(derivative, 0, self.radius, xtol=1e-15, rtol=1e-15)
        return best

    @property
    def _points(self) -> int:
        """log cosh(r s / 2) and sigma(r s) are singular at s = +-i pi / r."""
        return sphere.points(math.pi / max(self.radius, self.signal))

    @property
    def _alignment(self) -> float:
        """c of the class docstring."""
        nodes, weights = sphere.rule(self.dim, self._points)
        return (1 - 2 * self.flip) * float(weights @ (nodes * expit(self.signal * nodes)))
