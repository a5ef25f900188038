"""A concave loss on a ball: the nonconvex problem on which the growth of stability is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Regime
from riskkit.rng.streams import Stream

from . import fields


def pull(t: float, z: float, curvature: float) -> float:
    """d/dt (-(curvature/2) t^2 - z t)."""
    return -curvature * t - z


@dataclass(frozen=True)
class ConcaveOnBall:
    """l(t; z) = -(curvature/2) ||t||^2 - <z, t> on Theta = {||t|| <= radius}, z uniform on the unit sphere of R^d,
    theta_0 = 0.

    Regime: nonconvex, with the one eigenvalue -curvature. As long as no projection happens the distance between runs on
    S and on S with one example replaced, of SGD with steps eta_j, is exactly
        E||v_J - v'_J|| = (E||z - z'||/n) sum_j eta_j prod_{i>j} (1 + curvature eta_i),
    and the generalization error is the same without E||z - z'||: SGD on the worst smooth loss is no more unstable,
    but for constants.

    F(t) = -(curvature/2) ||t||^2, since E z = 0; every point of the sphere is a minimiser, theta* = radius e_1.
    F_S(t) = -(curvature/2) ||t||^2 - <zbar, t>; theta*_S = radius zbar/||zbar||, F_S* = -(curvature/2) radius^2 -
        radius ||zbar||. If zbar = 0, theta*_S = theta*.

    Constants: the gradient is -curvature t - z.
        L = rho = curvature; no point but those of the sphere minimises, where the gradient does not vanish: mu = 0.
        G = curvature radius + 1.
        M = (curvature/2) radius^2 + 2 radius: l runs from -(curvature/2) radius^2 - radius to at most radius, which it
            does not reach.
    """

    dim: int = 4
    curvature: float = 1.0
    radius: float = 5.0

    def __post_init__(self) -> None:
        fields.whole("ConcaveOnBall", "dim", self.dim)
        fields.finite("ConcaveOnBall", "curvature", self.curvature, above=0)
        fields.finite("ConcaveOnBall", "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "concave on a ball"

    @property
    def regime(self) -> Regime:
        return Regime.NONCONVEX

    @property
    def constants(self) -> Constants:
        a, B = self.curvature, self.radius
        return Constants(L=a, G=a * B + 1, rho=a, M=a / 2 * B**2 + 2 * B)

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (self.curvature,) * self.dim)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return -self.curvature * theta - z

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return -self.curvature / 2 * theta.square().sum(-1) - (theta * data.mean(1, keepdim=True)).sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        mean = data.mean(1)
        norm = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
        other = torch.as_tensor(self.population_minimiser()).to(mean)
        return torch.where(norm > 0, self.radius * mean / norm, other)

    def population_risk(self, theta: Tensor) -> Tensor:
        return -self.curvature / 2 * theta.square().sum(-1)

    def population_minimiser(self) -> np.ndarray:
        point = np.zeros(self.dim)
        point[0] = self.radius
        return point
