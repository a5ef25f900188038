"""Pseudo-Huber location: a smooth geometric median, Lipschitz on all of R^d."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime
from riskkit.rng.streams import Stream

from . import fields, pseudo_huber, sphere
from .ball import minimise_convex


@dataclass(frozen=True)
class PseudoHuberLocation:
    """l(t; z) = h(||t - z||), h(r) = delta^2 (sqrt(1 + (r/delta)^2) - 1), Theta = R^d, theta_0 = distance e_1.

    z is uniform on the unit sphere of R^d.

    Regime: strongly convex on the unit ball, where the iterates stay (not on R^d): not quadratic, and ill conditioned
    for small delta.

    F(t) = E h(sqrt(1 + r^2 - 2 r s)), r = ||t||, s a coordinate of z: one Gauss-Gegenbauer integral. (The square root
        vanishes at s = (1 + delta^2 + r^2) / (2 r) >= sqrt(1 + delta^2), on the ellipse through i delta.) theta* = 0.
    F_S* by Newton's method; residual < 1e-12 of scale.

    Constants, on the unit ball: with a = (1 + (||t-z||/delta)^2)^(-1/2) the gradient is a (t - z), and a step of at
    most ``largest_step = 1`` moves to a convex combination of t and z, since eta a <= 1. There ||t - z|| <= 2. The
    Hessian has the eigenvalue a across t - z and a^3 along it.
        L = 1, at t = z.        lam = lam_example = mu = (1 + 4/delta^2)^(-3/2).
        G = 2 (1 + 4/delta^2)^(-1/2) < delta, at t = -z.        M = h(2).
    """

    dim: int = 4
    delta: float = 0.5
    distance: float = 1.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        fields.whole("PseudoHuberLocation", "dim", self.dim)
        fields.finite("PseudoHuberLocation", "delta", self.delta, above=0)
        fields.between("PseudoHuberLocation", "distance", self.distance, 0, 1)

    @property
    def name(self) -> str:
        return "pseudo-Huber location"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def constants(self) -> Constants:
        far = 1 / math.sqrt(1 + 4 / self.delta**2)
        lam = far**3
        return Constants(L=1.0, G=2 * far, lam=lam, lam_example=lam, mu=lam, M=4 / (1 / far + 1))

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
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        apart = theta - z
        return pseudo_huber.attenuation(apart.square().sum(-1, keepdim=True), self.delta) * apart

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        # ||t||^2 + ||z||^2 - 2 <t, z>: (R, C, n) numbers, not (R, C, n, d); its rounding, eps, is that of F_S.
        squared = theta.square().sum(-1)[:, :, None] + data.square().sum(-1)[:, None, :] - 2 * theta @ data.mT
        return pseudo_huber.value(squared, self.delta).mean(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        z = data.double()
        eye = torch.eye(self.dim, dtype=z.dtype, device=z.device)

        def risk(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            apart = theta[:, None] - z
            squared = apart.square().sum(-1)
            slopes = pseudo_huber.attenuation(squared, self.delta)[:, :, None] * apart
            scale = torch.linalg.vector_norm(slopes, dim=-1).mean(1)
            return pseudo_huber.value(squared, self.delta).mean(1), slopes.mean(1), scale

        def hessian(theta: Tensor) -> Tensor:
            apart = theta[:, None] - z
            a = pseudo_huber.attenuation(apart.square().sum(-1), self.delta)[:, :, None]
            along = (a**3 / self.delta**2 * apart).mT @ apart
            return a.mean(1, keepdim=True) * eye - along / z.shape[1]

        return minimise_convex(risk, hessian, z.mean(1), None).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        def loss(r: Tensor, s: Tensor) -> Tensor:
            return pseudo_huber.value(1 + r * r - 2 * r * s, self.delta)

        norm = torch.linalg.vector_norm(theta.double(), dim=-1)
        return sphere.expectation(loss, norm, self.dim, sphere.points(self.delta)).to(theta.dtype)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
