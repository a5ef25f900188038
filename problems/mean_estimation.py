"""Mean estimation: the strongly convex problem on which every moment of Lookahead is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Quadratic, Regime
from riskkit.rng.streams import Stream

from . import fields
from .empirical import squares
from .sphere import on_sphere


def pull(t: float, z: float, lam: float) -> float:
    """d/dt (lam/2) (t - z)^2."""
    return lam * (t - z)


@dataclass(frozen=True)
class MeanEstimation:
    """l(t; z) = (lam/2) ||t - z||^2, z uniform on the unit sphere of R^d, Theta = R^d, theta_0 = distance e_1.

    Regime: strongly convex. Attains Theorem 2: conditional on S the error is linear in the noise, and its second
    moment follows an exact recursion.

    F(t) = (lam/2) (||t||^2 + 1), since E z = 0; theta* = 0.
    F_S(t) = (lam/2) (||t - zbar||^2 + V), V = (1/n) sum ||z_i - zbar||^2; theta*_S = zbar, F_S* = lam V / 2.

    Constants, on the unit ball. A step of at most ``largest_step = 1/lam`` moves v to (1 - eta lam) v + eta lam z, a
    convex combination, so that iterates which start in the ball stay there.
        L = lam = lam_example = mu: the Hessian is lam I.
        G = 2 lam: ||t - z|| <= 2, reached at t = -z.
        M = l_max = 2 lam: l lies between 0 and (lam/2) 4.
    By the symmetry of D only the norm of theta_0 matters.
    """

    dim: int = 4
    lam: float = 1.0
    distance: float = 1.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        fields.whole("MeanEstimation", "dim", self.dim)
        fields.finite("MeanEstimation", "lam", self.lam, above=0)
        fields.between("MeanEstimation", "distance", self.distance, 0, 1)

    @property
    def name(self) -> str:
        return "mean estimation"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def constants(self) -> Constants:
        lam = self.lam
        return Constants(L=lam, G=2 * lam, lam=lam, lam_example=lam, mu=lam, M=2 * lam, l_max=2 * lam)

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / self.lam

    @property
    def diameter(self) -> float:
        """Of the unit ball, where the constants hold."""
        return 2.0

    @property
    def start(self) -> np.ndarray:
        start = np.zeros(self.dim)
        start[0] = self.distance
        return start

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (self.lam,) * self.dim)

    @property
    def quadratic(self) -> Quadratic:
        return on_sphere((self.lam,) * self.dim, (self.lam,) * self.dim)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return self.lam * (theta - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self.lam / 2 * squares(theta, data)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return data.mean(1)

    def population_risk(self, theta: Tensor) -> Tensor:
        return self.lam / 2 * (theta.square().sum(-1) + 1)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
