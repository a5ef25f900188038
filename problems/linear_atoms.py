"""Linear losses with finitely many gradients, on a ball: where the convex bounds are largest over what is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Quadratic, Regime

from . import atoms as finite
from . import fields


@dataclass(frozen=True)
class LinearAtoms(finite.OnAtoms):
    """l(t; z) = -<z, t> on Theta = {||t|| <= radius}, z one of the ``atoms`` with the given ``weights``.

    Regime: convex. theta_0 = ``start``, the origin by default. With one atom nothing is random, and with
    eta kT = radius Theorem 1's bound on the averaged optimization error is an equality: v_j = eta j along z, so that
    the mean gap is radius - eta (kT - 1)/2 = radius/2 + eta/2, which is D^2/(2 eta kT) + eta G^2/2 for ||z|| = 1.

    F(t) = -<E z, t>; theta* = radius E z/||E z||, theta_0 if E z = 0, when every point is a minimizer. F_S likewise.

    Constants: the gradient is -z.
        L = 0, lam = 0.
        G = max ||z||.
        M = 2 radius G: l runs over [-radius G, radius G]. l_max = radius G.

    ``weights`` (A,) are the probabilities of the atoms. Raises ValueError for weights that do not sum to 1, and for a
    field out of range.
    """

    atoms: finite.Rows = ((1.0,), (-0.6,))
    weights: tuple[float, ...] = (0.5, 0.5)
    radius: float = 1.0
    start: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        finite.checked("LinearAtoms", self.atoms, self.weights)
        fields.finite("LinearAtoms", "radius", self.radius, above=0)
        object.__setattr__(self, "start", self.start or (0.0,) * self.dim)
        if len(self.start) != self.dim or not np.linalg.norm(self.start) <= self.radius:
            raise ValueError(f"LinearAtoms: start must be {self.dim} numbers, a point of Theta; got {self.start!r}.")

    @property
    def name(self) -> str:
        return "linear atoms"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def dim(self) -> int:
        return len(self.atoms[0])

    @property
    def constants(self) -> Constants:
        G = float(np.linalg.norm(self.law.atoms, axis=1).max())
        return Constants(L=0.0, G=G, M=2 * self.radius * G, l_max=self.radius * G)

    @property
    def quadratic(self) -> Quadratic:
        return finite.quadratic(self.law, (0.0,) * self.dim, (1.0,) * self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return torch.zeros_like(theta) - z

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return -(theta * data.mean(1, keepdim=True)).sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return self._best(data.mean(1))

    def population_risk(self, theta: Tensor) -> Tensor:
        return -(theta * theta.new_tensor(self.law.weights @ self.law.atoms)).sum(-1)

    def population_minimiser(self) -> np.ndarray:
        mean = torch.as_tensor(self.law.weights @ self.law.atoms)
        return np.asarray(self._best(mean[None])[0])

    def _best(self, mean: Tensor) -> Tensor:
        """Means that are 0 up to the rounding of a sum leave theta_0."""
        norm = torch.linalg.vector_norm(mean, dim=-1, keepdim=True)
        some = norm > 1e-14 * float(np.abs(self.law.atoms).max())
        there = self.radius * mean / torch.where(some, norm, torch.ones_like(norm))
        return torch.where(some, there, mean.new_tensor(self.start).expand_as(mean))
