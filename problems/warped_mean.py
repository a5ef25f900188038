"""Warped mean estimation: nonconvex, PL with the same constant for every dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Regime
from riskkit.rng.streams import Stream

from . import fields, warp
from .empirical import squares
from .tilted_bowl import TiltedBowl


@dataclass(frozen=True)
class WarpedMean:
    """l(t; z) = (1/2) ||phi(t) - z||^2, phi(u) = 2u - sin(2u)/2 coordinatewise, Theta = R^d.

    z is uniform on the sphere of radius spread; theta_0 = initial in every coordinate.

    Regime: nonconvex, PL. Theorem 3 covers it. Its optimization bound is tested sharply where the curvature at the
    minimiser, phi'(theta*_S)^2, is near mu = 1, that is where zbar is near 0: for small ``spread``.

    F(t) = (1/2) (||phi(t)||^2 + spread^2), since E z = 0; theta* = 0.
    F_S(t) = (1/2) (||phi(t) - zbar||^2 + V), V = (1/n) sum ||z_i - zbar||^2; theta*_S = phi^-1(zbar), F_S* = V/2.

    Constants, on the box [-b, b]^d, b = max(|initial|, phi^-1(spread)). With P = max phi' on it, steps of at most
    ``largest_step = 1/P^2`` (1/9 if b >= pi/2) do not leave the box: from v a step leads down by at most
    eta phi'(v) (phi(v) + spread) <= eta P (phi(v) - phi(-b)) <= eta P^2 (v + b) <= v + b, and up likewise. Averages
    stay too.
        mu = 1 for every S: ||grad F_S||^2 = sum phi'^2 (phi - zbar)^2 >= ||phi - zbar||^2 = 2 (F_S - F_S*).
        L, rho: the Hessian is diagonal with entries phi'^2 + phi'' (phi - z), linear in z; their largest modulus, and
            minus the smallest (or 0), over the box and |z| <= spread, on a grid with a proved margin.
        G = sqrt(d) max phi' phi + P spread: the norm of the sum is at most the sum of the norms of phi'phi and phi' z.
        M = l_max = (1/2) (sqrt(d) phi(b) + spread)^2; the infimum is 0.
    """

    dim: int = 2
    spread: float = 1.0
    initial: float = 1.5

    def __post_init__(self) -> None:
        fields.whole("WarpedMean", "dim", self.dim)
        fields.finite("WarpedMean", "spread", self.spread, above=0)
        fields.finite("WarpedMean", "initial", self.initial)

    @property
    def name(self) -> str:
        return "warped mean"

    @property
    def regime(self) -> Regime:
        return Regime.PL

    @property
    def box(self) -> float:
        """b of the class docstring."""
        return max(abs(self.initial), warp.inverse_of(self.spread))

    @property
    def constants(self) -> Constants:
        worst = warp.extremes(-self.box, self.box, spread=self.spread)
        root = math.sqrt(self.dim)
        largest = (root * worst.value + self.spread) ** 2 / 2
        return Constants(
            L=max(worst.curvature_high, -worst.curvature_low),
            G=root * worst.slope + worst.derivative * self.spread,
            mu=1.0,
            rho=max(0.0, -worst.curvature_low),
            M=largest,
            l_max=largest,
        )

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / warp.extremes(-self.box, self.box).derivative ** 2

    @property
    def diameter(self) -> float:
        """Of the box, where the constants hold."""
        return 2 * self.box * math.sqrt(self.dim)

    @property
    def start(self) -> np.ndarray:
        return np.full(self.dim, self.initial)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(warp.slope, (0.0,) * self.dim)

    @property
    def companion(self) -> TiltedBowl:
        """With u = phi(t) the loss is (1/2) ||u - z||^2, and a step moves u by eta phi'^2 (u - z) but for terms of
        order eta^2; near 0, phi' = 1."""
        start = float(warp.phi(torch.tensor(self.initial, dtype=torch.float64)))
        return TiltedBowl(self.dim, 1.0, self.spread, start)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return self.spread * stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return warp.derivative(theta) * (warp.phi(theta) - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return squares(warp.phi(theta), data) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return warp.inverse(data.double().mean(1)).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        return (warp.phi(theta).square().sum(-1) + self.spread**2) / 2

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
