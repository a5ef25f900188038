"""Ridge regression on a ball, with bounded features and noise, so that every constant is finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Linear, Regime, Squared
from riskkit.rng.streams import Stream

from . import fields
from .squared_loss import diagonal, empirical_squared_risk, slope, squared_loss_minimiser


@dataclass(frozen=True)
class Ridge:
    """l(t; x, y) = (1/2) (<x, t> - y)^2 + (lam/2) ||t||^2 on Theta = {||t|| <= radius}, theta_0 = 0.

    x is uniform on the unit sphere of R^d; y = <x, w> + e, where w = signal e_1 (by the symmetry of x its direction is
    immaterial) and e = +-noise with a fair sign: ``noise`` is both its standard deviation and its bound.

    Regime: strongly convex, for every l(.; z), so that Theorem 2's stability holds too.

    F(t) = (1/2) (||t - w||^2 / d + noise^2) + (lam/2) ||t||^2, since E x x' = I/d; theta* = w / (1 + d lam), scaled
        into the ball (F is isotropic about it).
    F_S* by the eigenvectors of X'X/n + lam I, with the secular equation where the ball is active; KKT residual below
        1e-12 of scale.

    Constants, with Y = signal + noise >= |y| and B = radius:
        L = 1 + lam: the Hessian is x x' + lam I.        lam = lam_example = mu = lam.
        G = (B + Y) + lam B: reached at t = B x, x = -e_1, y = -Y.
        M = l_max = (1/2) (B + Y)^2 + (lam/2) B^2: the same point; the infimum is 0, at t = 0 and an x with
            y = 0 (if noise > signal there is none, and 0 a lower bound).
    """

    dim: int = 8
    lam: float = 0.1
    noise: float = 0.5
    signal: float = 1.0
    radius: float = 2.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        fields.whole("Ridge", "dim", self.dim)
        fields.finite("Ridge", "lam", self.lam, above=0)
        fields.finite("Ridge", "noise", self.noise, least=0)
        fields.finite("Ridge", "signal", self.signal, least=0)
        fields.finite("Ridge", "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "ridge"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def constants(self) -> Constants:
        lam, farthest = self.lam, self.radius + self.signal + self.noise
        largest = farthest**2 / 2 + lam * self.radius**2 / 2
        return Constants(
            L=1 + lam,
            G=farthest + lam * self.radius,
            lam=lam,
            lam_example=lam,
            mu=lam,
            M=largest,
            l_max=largest,
        )

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear:
        return Linear(slope, 0.0, self.lam)

    @property
    def squared(self) -> Squared:
        return Squared(self.lam, diagonal([1 / self.dim] * self.dim), 1.0, self.signal + self.noise)

    def sample(self, stream: Stream, n: int) -> Tensor:
        x = stream.sphere("features", n, self.dim)
        y = self.signal * x[..., :1] + self.noise * stream.sphere("noise", n, 1)
        return torch.cat([x, y], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1:]
        return ((x * theta).sum(-1, keepdim=True) - y) * x + self.lam * theta

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return empirical_squared_risk(theta, data, self._teacher(data)) + self.lam / 2 * theta.square().sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return squared_loss_minimiser(data, self.lam, self.radius)

    def population_risk(self, theta: Tensor) -> Tensor:
        fit = (theta - self._teacher(theta)).square().sum(-1) / self.dim + self.noise**2
        return (fit + self.lam * theta.square().sum(-1)) / 2

    def population_minimiser(self) -> np.ndarray:
        best = np.zeros(self.dim)
        best[0] = min(self.signal / (1 + self.dim * self.lam), self.radius)
        return best

    def _teacher(self, like: Tensor) -> Tensor:
        teacher = like.new_zeros(self.dim)
        teacher[0] = self.signal
        return teacher
