"""Absolute location: a median, whose loss has kinks everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Regime
from riskkit.rng.streams import Stream

from . import fields

TIE = 1e-30
"""A distance from a kink that is none: lost in the rounding of any larger than 1e-14."""


def pull(t: float, z: float, weight: float) -> float:
    """weight d/dt |t - z|, 0 at the kink: without a branch, which would part the lanes of a vector."""
    return weight * ((t - z) / (math.fabs(t - z) + TIE))


@dataclass(frozen=True)
class AbsoluteLocation:
    """l(t; z) = ||t - z||_1 / sqrt(d) on Theta = {||t|| <= sqrt(d)}, z uniform on the cube [-1, 1]^d, theta_0 = initial
    in every coordinate.

    Regime: convex, not smooth: L = inf. The subgradient at a kink is 0 along that coordinate.

    F(t) = sum_i f(t_i) / sqrt(d), f(u) = (1 + u^2)/2 on [-1, 1], |u| outside; theta* = 0.
    F_S: theta*_S is in each coordinate the point nearest theta_0 between the two middle examples (the middle one for
        odd n). It lies in the cube, so in Theta.

    Constants: the gradient is sign(t - z)/sqrt(d).
        L = inf, lam = 0.
        G = 1.
        M = l_max = d^(-1/2) max ||t - z||_1 <= ||t - z|| <= 2 sqrt(d), reached in corners of the cube; the
            infimum is 0.
    """

    dim: int = 4
    initial: float = 0.5

    def __post_init__(self) -> None:
        fields.whole("AbsoluteLocation", "dim", self.dim)
        fields.between("AbsoluteLocation", "initial", self.initial, -1, 1)

    @property
    def name(self) -> str:
        return "absolute location"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def constants(self) -> Constants:
        largest = 2 * math.sqrt(self.dim)
        return Constants(L=math.inf, G=1.0, M=largest, l_max=largest)

    @property
    def radius(self) -> float:
        return math.sqrt(self.dim)

    @property
    def start(self) -> np.ndarray:
        return np.full(self.dim, self.initial)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (1 / math.sqrt(self.dim),) * self.dim)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return 2 * stream.uniforms("examples", n, self.dim) - 1

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return torch.sign(theta - z) / math.sqrt(self.dim)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        total = sum((theta[:, :, None, i] - data[:, None, :, i]).abs().mean(-1) for i in range(self.dim))
        return torch.as_tensor(total) / math.sqrt(self.dim)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        ordered, n = data.sort(1).values, data.shape[1]
        low, high = ordered[:, (n - 1) // 2], ordered[:, n // 2]
        return torch.as_tensor(self.start).to(data).clamp(low, high)

    def population_risk(self, theta: Tensor) -> Tensor:
        size = theta.abs()
        return torch.where(size <= 1, (1 + size.square()) / 2, size).sum(-1) / math.sqrt(self.dim)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
