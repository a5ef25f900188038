"""A linear loss on a ball: the convex problem on which Theorem 1's bounds are attained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Quadratic, Regime
from riskkit.rng.streams import Stream

from . import fields
from .sphere import on_sphere


def pull(t: float, z: float, _: float) -> float:
    """d/dt (-z t)."""
    return -z


@dataclass(frozen=True)
class LinearOnBall:
    """l(t; z) = -<z, t> on Theta = {||t|| <= radius}, z uniform on the unit sphere of R^d, theta_0 = 0.

    Regime: convex. Attains Theorem 1: as long as no projection happens, with constant eta the generalization error is
    exactly alpha eta k T / n (last) and (eta/(2n)) (alpha k (T-1) + k - 1) (average), half the bounds; for this
    eta (alpha k (T-1) + k) <= radius suffices. The averaged optimization error comes within 2% of its bound.

    F = 0, since E z = 0, so that every point of Theta minimises it; theta* = 0, the one nearest theta_0.
    F_S(t) = -<zbar, t>; theta*_S = radius zbar / ||zbar||, F_S* = -radius ||zbar||. If zbar = 0 every point minimises
    F_S and theta*_S = theta_0.

    Constants: the gradient is -z.
        L = 0, lam = 0.
        G = 1.
        M = 2 radius: l runs over [-radius, radius].
    """

    dim: int = 4
    radius: float = 5.0

    def __post_init__(self) -> None:
        fields.whole("LinearOnBall", "dim", self.dim)
        fields.finite("LinearOnBall", "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "linear on a ball"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def constants(self) -> Constants:
        return Constants(L=0.0, G=1.0, M=2 * self.radius)

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (0.0,) * self.dim)

    @property
    def quadratic(self) -> Quadratic:
        return on_sphere((0.0,) * self.dim, (1.0,) * self.dim)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return torch.zeros_like(theta) - z

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return -(theta * data.mean(1, keepdim=True)).sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        mean = data.mean(1)
        norm = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
        return torch.where(norm > 0, self.radius * mean / norm, torch.zeros_like(mean))

    def population_risk(self, theta: Tensor) -> Tensor:
        return torch.zeros_like(theta[..., 0])

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
