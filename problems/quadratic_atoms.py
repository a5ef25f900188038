"""Quadratic losses around finitely many points: mean estimation with a law of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Quadratic, Regime

from . import atoms as finite
from . import fields
from .empirical import squares_along


@dataclass(frozen=True)
class QuadraticAtoms(finite.OnAtoms):
    """l(t; z) = (1/2) sum_i h_i (t_i - z_i)^2, z one of the ``atoms`` with the given ``weights``, h = ``curvatures``.

    Regime: strongly convex. theta_0 = ``start``, the origin by default. Theta is the ball of the ``radius``, for equal
    curvatures only, or R^d without one.

    F(t) = (1/2) sum_i h_i ((t_i - E z_i)^2 + Var z_i), theta* = E z; F_S likewise with the mean and the variance in S;
    over a ball the minimizer is the projection of the mean, h being the same along all axes.

    Constants:
        L = max h, lam = lam_example = mu = min h: the Hessian is diag h.
        On a ball: G = h (radius + max ||z||), M = l_max = (h/2) (radius + max ||z||)^2, both reached where t is
            opposite to the longest z; the infimum taken is 0.
        On R^d, for steps of at most ``largest_step = 1/max h``: a step moves each coordinate to
            (1 - eta h_i) v_i + eta h_i z_i. For equal h that is a point of the convex hull of theta_0 and the atoms,
            and ||t - z|| is largest in a corner of it; for unequal h a point of their smallest box, and
            sum h_i^2 (t_i - z_i)^2 is largest in one of its corners, coordinate by coordinate.

    ``weights`` (A,) are the probabilities of the atoms. Raises ValueError for weights that do not sum to 1, and for a
    field out of range.
    """

    atoms: finite.Rows = ((1.0,), (-1.0,))
    weights: tuple[float, ...] = (0.5, 0.5)
    curvatures: tuple[float, ...] = ()
    start: tuple[float, ...] = ()
    radius: float | None = None

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        finite.checked("QuadraticAtoms", self.atoms, self.weights)
        object.__setattr__(self, "curvatures", self.curvatures or (1.0,) * self.dim)
        object.__setattr__(self, "start", self.start or (0.0,) * self.dim)
        for name in ("curvatures", "start"):
            if len(getattr(self, name)) != self.dim:
                raise ValueError(
                    f"QuadraticAtoms: {name} must have {self.dim} numbers, as the atoms; got {getattr(self, name)!r}."
                )
        for value in self.curvatures:
            fields.finite("QuadraticAtoms", "each of the curvatures", value, above=0)
        if self.radius is None:
            return
        fields.finite("QuadraticAtoms", "radius", self.radius, above=0)
        if len(set(self.curvatures)) > 1:
            raise ValueError(f"QuadraticAtoms: a radius needs equal curvatures; got {self.curvatures!r}.")
        if not np.linalg.norm(self.start) <= self.radius:
            raise ValueError(f"QuadraticAtoms: start must lie in the ball of radius {self.radius}; got {self.start!r}.")

    @property
    def name(self) -> str:
        return "quadratic atoms"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX

    @property
    def dim(self) -> int:
        return len(self.atoms[0])

    @property
    def _vertices(self) -> np.ndarray:
        return np.concatenate([self.law.atoms, [self.start]])

    @property
    def constants(self) -> Constants:
        h, z = np.array(self.curvatures), self.law.atoms
        if self.radius is not None:
            farthest = self.radius + float(np.linalg.norm(z, axis=1).max())
            G, M = h[0] * farthest, h[0] / 2 * farthest**2
        elif len(set(self.curvatures)) == 1:
            farthest = float(finite.distances(self._vertices, z).max())
            G, M = h[0] * farthest, h[0] / 2 * farthest**2
        else:
            low, high = self._vertices.min(0), self._vertices.max(0)
            apart = np.maximum(np.abs(z - low), np.abs(z - high))
            G = float(np.sqrt(((h * apart) ** 2).sum(1).max()))
            M = float((h * apart**2).sum(1).max() / 2)
        G, M, least = float(G), float(M), float(h.min())
        return Constants(L=float(h.max()), G=G, lam=least, lam_example=least, mu=least, M=M, l_max=M)

    @property
    def largest_step(self) -> float:
        return float("inf") if self.radius is not None else 1 / max(self.curvatures)

    @property
    def diameter(self) -> float:
        """Of Theta if that is a ball, else of the set on which the constants hold."""
        if self.radius is not None:
            return 2 * self.radius
        if len(set(self.curvatures)) == 1:
            return float(finite.distances(self._vertices, self._vertices).max())
        return float(np.linalg.norm(self._vertices.max(0) - self._vertices.min(0)))

    @property
    def quadratic(self) -> Quadratic | None:
        """None on a ball that does not hold all atoms, since minimizers may then be projected."""
        if self.radius is not None and np.linalg.norm(self.law.atoms, axis=1).max() > self.radius:
            return None
        return finite.quadratic(self.law, self.curvatures, self.curvatures)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return theta.new_tensor(self.curvatures) * (theta - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return squares_along(theta, data) @ theta.new_tensor(self.curvatures) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return self._best(data.mean(1))

    def population_risk(self, theta: Tensor) -> Tensor:
        mean = self.law.weights @ self.law.atoms
        spread = self.law.weights @ (self.law.atoms - mean) ** 2
        h = theta.new_tensor(self.curvatures)
        return ((theta - theta.new_tensor(mean)).square() + theta.new_tensor(spread)) @ h / 2

    def population_minimiser(self) -> np.ndarray:
        return np.asarray(self._best(torch.as_tensor(self.law.weights @ self.law.atoms)[None])[0])

    def _best(self, mean: Tensor) -> Tensor:
        if self.radius is None:
            return mean
        norm = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
        return mean * (self.radius / norm.clamp(min=1e-300)).clamp(max=1)
