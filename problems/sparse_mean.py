"""Mean estimation of which an example tells something only now and then: smooth, convex, and hard on momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime
from riskkit.rng.streams import Stream

from . import fields


@dataclass(frozen=True)
class SparseMean:
    """l(t; x, z) = (x/2) ||t - z||^2, x in {0, 1}, P(x = 1) = share, z uniform on the unit sphere of R^d, Theta = R^d,
    theta_0 = distance e_1. An example is the row (x, z).

    Regime: convex: the curvature of an example is 0 or 1. A step of SGD with eta <= 1 does not bring two iterates
    farther apart; momentum does, where curvature comes and goes with the examples.

    F(t) = (share/2) (||t||^2 + 1), since E z = 0 and x does not depend on z; theta* = 0.
    F_S(t) = (1/(2n)) sum_i x_i ||t - z_i||^2; theta*_S is the mean of the z_i with x_i = 1, and theta_0 if there is
        none.

    Constants, on the unit ball. A step of at most ``largest_step = 1`` moves v to a convex combination of v and z.
        L = 1, lam = lam_example = mu = 0: an example with x = 0 has no curvature.
        G = 2: ||t - z|| <= 2, reached at t = -z.
        M = l_max = 2: l lies between 0 and 4/2.
    """

    dim: int = 2
    share: float = 0.5
    distance: float = 1.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        fields.whole("SparseMean", "dim", self.dim)
        fields.between("SparseMean", "share", self.share, 0, 1)
        fields.between("SparseMean", "distance", self.distance, 0, 1)

    @property
    def name(self) -> str:
        return "sparse mean estimation"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def constants(self) -> Constants:
        return Constants(L=1.0, G=2.0, M=2.0, l_max=2.0)

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1.0

    @property
    def diameter(self) -> float:
        """Of the unit ball, where the constants hold."""
        return 2.0

    @property
    def start(self) -> np.ndarray:
        start = np.zeros(self.dim)
        start[0] = self.distance
        return start

    def sample(self, stream: Stream, n: int) -> Tensor:
        z = stream.sphere("examples", n, self.dim)
        told = (stream.uniforms("told", n, 1) < self.share).to(z)
        return torch.cat([told, z], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return z[..., :1] * (theta - z[..., 1:])

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        x, mean, count = self._told(data)
        spread = (x * (data[..., 1:] - mean).square().sum(-1, keepdim=True)).sum(1)
        total = count[:, 0] * (theta - mean).square().sum(-1) + spread
        return total / (2 * data.shape[1])

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        _, mean, count = self._told(data)
        nothing = torch.as_tensor(self.start).to(data).expand_as(mean[:, 0])
        return torch.where(count[:, 0] > 0, mean[:, 0], nothing)

    def population_risk(self, theta: Tensor) -> Tensor:
        return self.share / 2 * (theta.square().sum(-1) + 1)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)

    def _told(self, data: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (R, n, 1), the mean of the z with x = 1 (R, 1, d), 0 if there is none, and their number (R, 1, 1)."""
        x = data[..., :1]
        count = x.sum(1, keepdim=True)
        return x, (x * data[..., 1:]).sum(1, keepdim=True) / count.clamp(min=1), count
