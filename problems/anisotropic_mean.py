"""Mean estimation with a condition number: L and lam apart, so that the dependence on lam can be seen."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.optimize import brentq
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Quadratic, Regime
from riskkit.rng.streams import Stream

from . import fields
from .empirical import squares_along
from .sphere import on_sphere


def pull(t: float, z: float, h: float) -> float:
    """d/dt (h/2) (t - z)^2."""
    return h * (t - z)


@functools.lru_cache(maxsize=64)
def _farthest(given: tuple[float, ...]) -> float:
    """max of sum_i w_i (1 + a_i)^2 over ||a|| = 1: a_i = w_i / (nu - w_i), with nu > max w the root of ||a|| = 1."""
    weights = np.array(given)
    top = weights.max()

    def excess(nu: float) -> float:
        return float(((weights / (nu - weights)) ** 2).sum()) - 1

    # One term alone gives nu >= 2 top; all d equal to the largest give nu <= (1 + sqrt d) top.
    low, high = 2 * top * (1 - 1e-12), (1 + math.sqrt(len(weights))) * top * (1 + 1e-12)
    nu = brentq(excess, low, high, xtol=1e-15 * top, rtol=1e-15)
    a = weights / (nu - weights)
    return float((weights * (1 + a / np.linalg.norm(a)) ** 2).sum())


@dataclass(frozen=True)
class AnisotropicMean:
    """l(t; z) = (1/2) (t - z)' H (t - z), H = diag(curvatures), z uniform on the unit sphere of R^d, Theta = R^d.

    theta_0 has equal coordinates and norm ``distance`` <= sqrt(d). Regime: strongly convex. With curvatures (1, lam)
    it shows how Theorem 2's optimization error depends on lam at fixed L = 1.

    F(t) = (1/2) (sum_i h_i t_i^2 + tr H / d), since E z = 0 and E z z' = I/d; theta* = 0.
    F_S(t) = (1/2) sum_i h_i ((t_i - zbar_i)^2 + V_i), V_i the variance of coordinate i in S; theta*_S = zbar.

    Constants, on the box [-1, 1]^d. A step of at most ``largest_step = 1/max h`` moves each coordinate to
    (1 - eta h_i) v_i + eta h_i z_i, a convex combination of numbers in [-1, 1]. (The unit ball would not do: with
    unequal h the steps leave it.)
        L = max h, lam = lam_example = mu = min h: the Hessian is H.
        G^2 = max sum h_i^2 (t_i - z_i)^2, reached at t_i = -sign z_i: the maximum over ||z|| = 1 of
            sum h_i^2 (1 + |z_i|)^2, a quadratic on a sphere, by its secular equation.
        M = l_max = half that maximum with h_i for h_i^2; the infimum is 0.

    Raises ValueError for curvatures that are no numbers > 0, and a distance outside [0, 1].
    """

    curvatures: tuple[float, ...] = (1.0, 0.1)
    distance: float = 1.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        if not isinstance(self.curvatures, tuple) or not self.curvatures:
            raise ValueError(f"AnisotropicMean: curvatures must be a tuple of numbers > 0; got {self.curvatures!r}.")
        for value in self.curvatures:
            fields.finite("AnisotropicMean", "each of the curvatures", value, above=0)
        fields.between("AnisotropicMean", "distance", self.distance, 0, math.sqrt(self.dim))

    @property
    def name(self) -> str:
        return "anisotropic mean"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def dim(self) -> int:
        return len(self.curvatures)

    @property
    def constants(self) -> Constants:
        h = self.curvatures
        least = min(h)
        G, M = math.sqrt(_farthest(tuple(value**2 for value in h))), _farthest(h) / 2
        return Constants(L=max(h), G=G, lam=least, lam_example=least, mu=least, M=M, l_max=M)

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / max(self.curvatures)

    @property
    def diameter(self) -> float:
        """Of the box, where the constants hold."""
        return 2 * math.sqrt(self.dim)

    @property
    def start(self) -> np.ndarray:
        return np.full(self.dim, self.distance / math.sqrt(self.dim))

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, self.curvatures)

    @property
    def quadratic(self) -> Quadratic:
        return on_sphere(self.curvatures, self.curvatures)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return theta.new_tensor(self.curvatures) * (theta - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return squares_along(theta, data) @ theta.new_tensor(self.curvatures) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return data.mean(1)

    def population_risk(self, theta: Tensor) -> Tensor:
        return (theta.square() + 1 / self.dim) @ theta.new_tensor(self.curvatures) / 2

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)
