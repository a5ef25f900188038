"""A quadratic with the same curvature everywhere, and examples on a sphere: the companion of problems near it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Quadratic, Regime
from riskkit.rng.streams import Stream

from . import fields
from .sphere import mean_distance


def pull(t: float, z: float, curvature: float) -> float:
    """d/dt ((curvature/2) t^2 - z t)."""
    return curvature * t - z


@dataclass(frozen=True)
class TiltedBowl:
    """l(t; z) = (curvature/2) ||t||^2 - <z, t>, z uniform on the sphere of radius ``spread`` in R^d, Theta = R^d,
    theta_0 = initial in every coordinate.

    Regime: strongly convex, with L = lam = curvature = h.

    F(t) = (h/2) ||t||^2, since E z = 0; theta* = 0.
    F_S(t) = (h/2) ||t||^2 - <zbar, t>; theta*_S = zbar/h, F_S* = -||zbar||^2/(2h).

    Constants, on the ball of radius b = max(spread/h, ||theta_0||), which steps of at most ``largest_step = 1/h`` do
    not leave: they move to convex combinations of v and z/h.
        G = h b + spread, reached at t = -b z/spread.
        l_max = (h/2) b^2 + spread b, at the same point; the infimum is -spread^2/(2h), at t = z/h:
            M = (h b + spread)^2/(2h).
    """

    dim: int = 2
    curvature: float = 1.0
    spread: float = 1.0
    initial: float = 0.5

    def __post_init__(self) -> None:
        fields.whole("TiltedBowl", "dim", self.dim)
        fields.finite("TiltedBowl", "curvature", self.curvature, above=0)
        fields.finite("TiltedBowl", "spread", self.spread, above=0)
        fields.finite("TiltedBowl", "initial", self.initial)

    @property
    def name(self) -> str:
        return "tilted bowl"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def _reach(self) -> float:
        return max(self.spread / self.curvature, float(np.linalg.norm(self.start)))

    @property
    def constants(self) -> Constants:
        h, b = self.curvature, self._reach
        G = h * b + self.spread
        return Constants(L=h, G=G, lam=h, lam_example=h, mu=h, M=G**2 / (2 * h), l_max=h / 2 * b**2 + self.spread * b)

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / self.curvature

    @property
    def diameter(self) -> float:
        """Of the ball, where the constants hold."""
        return 2 * self._reach

    @property
    def start(self) -> np.ndarray:
        return np.full(self.dim, self.initial)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (self.curvature,) * self.dim)

    @property
    def quadratic(self) -> Quadratic:
        d = self.dim
        curvatures, pulls, variance = (self.curvature,) * d, (1.0,) * d, (self.spread**2 / d,) * d
        return Quadratic(curvatures, pulls, (0.0,) * d, variance, self.spread, self.spread * mean_distance(d))

    def sample(self, stream: Stream, n: int) -> Tensor:
        return self.spread * stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return self.curvature * theta - z

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self.population_risk(theta) - (theta * data.mean(1, keepdim=True)).sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return data.mean(1) / self.curvature

    def population_risk(self, theta: Tensor) -> Tensor:
        return self.curvature / 2 * theta.square().sum(-1)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
