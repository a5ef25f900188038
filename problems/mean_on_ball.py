"""Mean estimation on a ball: strongly convex losses whose gradients are nearly as long as their bound everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Regime
from riskkit.rng.streams import Stream

from . import fields
from .empirical import squares
from .mean_estimation import pull


@dataclass(frozen=True)
class MeanOnBall:
    """l(t; z) = (lam/2) ||t - z||^2 on Theta = {||t|| <= radius}, z uniform on the unit sphere of R^d, theta_0 = 0.

    Regime: strongly convex. The smaller the ball, the nearer a gradient is to its bound: at lam = 1 the empirical
    minimizer's generalization error is 1/n where no mean leaves the ball, and G^2 = (1 + radius)^2, where on the unit
    ball G^2 = 4. So bounds on the generalization error that grow with G^2 are nearly met.

    F(t) = (lam/2) (||t||^2 + 1), since E z = 0; theta* = 0.
    F_S(t) = (lam/2) (||t - zbar||^2 + V), V = (1/n) sum ||z_i - zbar||^2; theta*_S is zbar, projected onto the ball.

    Constants:
        L = lam = lam_example = mu: the Hessian is lam I.
        G = lam (1 + radius): ||t - z|| is at most that, reached at t = -radius z.
        l_max = (lam/2) (1 + radius)^2, there too.
        M = l_max - (lam/2) max(0, 1 - radius)^2, the infimum being reached at t = min(1, radius) z.
    """

    dim: int = 4
    lam: float = 1.0
    radius: float = 0.1

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        fields.whole("MeanOnBall", "dim", self.dim)
        fields.finite("MeanOnBall", "lam", self.lam, above=0)
        fields.finite("MeanOnBall", "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "mean estimation on a ball"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def constants(self) -> Constants:
        lam, most = self.lam, self.lam / 2 * (1 + self.radius) ** 2
        least = lam / 2 * max(0.0, 1 - self.radius) ** 2
        return Constants(L=lam, G=lam * (1 + self.radius), lam=lam, lam_example=lam, mu=lam, M=most - least, l_max=most)

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (self.lam,) * self.dim)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return self.lam * (theta - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self.lam / 2 * squares(theta, data)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        mean = data.mean(1)
        norm = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
        return torch.where(norm > self.radius, self.radius * mean / norm, mean)

    def population_risk(self, theta: Tensor) -> Tensor:
        return self.lam / 2 * (theta.square().sum(-1) + 1)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
