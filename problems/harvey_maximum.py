"""The maximum of Harvey et al.: the strongly convex function whose last iterate keeps its logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime
from riskkit.rng.streams import Stream

from . import fields

TIE = 1e-12
LONGEST = math.sqrt(1 + (math.pi**2 / 6 - 1) / 4)


@dataclass(frozen=True)
class HarveyMaximum:
    """l(t; z) = max_i <h_i, t> + (1/2) ||t||^2 on the unit ball of R^d, for every z; theta_0 = 0.

    h_ij = a_j for j < i, -1 for j = i, 0 beyond, i = 1 .. d + 1, a_j = 1/(2 (d + 1 - j)). The subgradient is h_i + t
    with the *first* i that is active: an oracle that answers as badly as it may. z is uniform on [0, 1] and
    takes no part: F_S = F, and the generalization error is 0.

    Regime: strongly convex, not smooth. With steps 1/(j + 1) the last iterate after J = d steps has an error of at
    least (log d)/(4 d), though the run starts at the minimiser; the average of its last half has O(1/d). d must be the
    number of steps.

    F_S* = F* = 0 at theta* = theta_0 = 0: the weights p_{d+1} = 1, p_j = a_j sum_{i>j} p_i are positive and
        sum p_i h_i = 0, so that max_i <h_i, t> >= 0 everywhere. Values that differ by less than 1e-12 count as active:
        along the run they are equal but for rounding, and the subgradient is then one up to 1e-12.

    Constants, on the unit ball: for i <= d, ||h_i||^2 <= 1 + (1/4) sum_{m>=2} 1/m^2 = H^2; h_{d+1} is shorter.
        lam = lam_example = mu = 1, L = inf.
        G = 1 + H.
        M = l_max = H + 1/2; the infimum is 0.
    """

    dim: int = 32

    together: ClassVar[int] = 128
    """Nothing is random: more replicates say the same."""

    def __post_init__(self) -> None:
        fields.whole("HarveyMaximum", "dim", self.dim)

    @property
    def name(self) -> str:
        return "Harvey's maximum"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def constants(self) -> Constants:
        return Constants(
            L=math.inf, G=1 + LONGEST, lam=1.0, lam_example=1.0, mu=1.0, M=LONGEST + 0.5, l_max=LONGEST + 0.5
        )

    @property
    def radius(self) -> float:
        return 1.0

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def _a(self) -> np.ndarray:
        return 1 / (2.0 * np.arange(self.dim, 0, -1))

    def slope(self, i: int) -> np.ndarray:
        """h_{i+1}, (d,), for i = 0 .. d."""
        found = np.where(np.arange(self.dim) < i, self._a, 0.0)
        if i < self.dim:
            found[i] = -1.0
        return found

    def _values(self, theta: Tensor) -> Tensor:
        """<h_i, theta> for all i, (..., d + 1), from running sums."""
        before = (theta * torch.as_tensor(self._a).to(theta)).cumsum(-1)
        zero = torch.zeros_like(theta[..., :1])
        return torch.cat([zero, before], -1) - torch.cat([theta, zero], -1)

    def _loss(self, theta: Tensor) -> Tensor:
        return self._values(theta).amax(-1) + theta.square().sum(-1) / 2

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.uniforms("examples", n, 1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        shape = (*(theta[..., 0] + z[..., 0]).shape, self.dim)
        if torch.equal(theta, theta[:1].expand_as(theta)):  # z takes no part: a run is the same in all replicates
            theta = theta[:1]
        values = self._values(theta)
        first = (values >= values.amax(-1, keepdim=True) - TIE).to(theta.dtype).argmax(-1, keepdim=True)
        j = torch.arange(self.dim, device=theta.device)
        a = torch.as_tensor(self._a).to(theta)
        return (torch.where(j < first, a, torch.where(j == first, -1.0, 0.0).to(theta)) + theta).expand(shape)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self._loss(theta)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return data.new_zeros((data.shape[0], self.dim))

    def population_risk(self, theta: Tensor) -> Tensor:
        return self._loss(theta)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
