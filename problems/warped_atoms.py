"""Warped mean estimation around finitely many points: nonconvex, PL with a constant for every dataset."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime

from . import atoms as finite
from . import fields, warp
from .empirical import squares


@dataclass(frozen=True)
class WarpedAtoms(finite.OnAtoms):
    """l(t; z) = (1/2) (phi(t) - z)^2, phi(u) = 2u - sin(2u)/2, z one of the ``atoms``, Theta = R, theta_0 = initial.

    Regime: nonconvex, PL. F(t) = (1/2) ((phi(t) - E z)^2 + Var z), theta* = phi^-1(E z); F_S likewise with the mean and
    the variance in S.

    Constants, on the interval B from the least to the largest of theta_0 and the phi^-1(z). With P = max phi' on B,
    steps of at most ``largest_step = 1/P^2`` do not leave it: from v a step leads down by at most
    eta phi'(v) (phi(v) - min z) <= eta P (phi(v) - phi(min B)) <= eta P^2 (v - min B), and up likewise.
        mu = min phi'^2 on B for every S: F_S'^2 = phi'^2 (phi - zbar)^2 = phi'^2 2 (F_S - F_S*).
        L, rho: of phi'^2 + phi'' (phi - z), linear in z: its largest modulus, and minus its smallest value (or 0).
        G = max |phi' (phi - c)| + P r, c and r the middle and half the length of the atoms' range.
        M = l_max = (1/2) max (phi - z)^2, reached at an end of B.

    ``weights`` (A,) are the probabilities of the atoms. Raises ValueError for weights that do not sum to 1, and for a
    field out of range.
    """

    atoms: finite.Rows = ((0.5,), (-0.5,))
    weights: tuple[float, ...] = (0.5, 0.5)
    initial: float = 1.0

    def __post_init__(self) -> None:
        finite.checked("WarpedAtoms", self.atoms, self.weights, 1)
        fields.finite("WarpedAtoms", "initial", self.initial)

    @property
    def name(self) -> str:
        return "warped atoms"

    @property
    def regime(self) -> Regime:
        return Regime.PL

    @property
    def dim(self) -> int:
        return 1

    @property
    def reached(self) -> tuple[float, float]:
        """The ends of B."""
        z = self.law.atoms[:, 0]
        ends = (self.initial, warp.inverse_of(float(z.min())), warp.inverse_of(float(z.max())))
        return min(ends), max(ends)

    @property
    def constants(self) -> Constants:
        return _constants(self)

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / warp.extremes(*self.reached).derivative ** 2

    @property
    def diameter(self) -> float:
        """Of B."""
        low, high = self.reached
        return high - low

    @property
    def start(self) -> np.ndarray:
        return np.array([self.initial])

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return warp.derivative(theta) * (warp.phi(theta) - z)

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return squares(warp.phi(theta), data) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return warp.inverse(data.double().mean(1)).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        mean = float(self.law.weights @ self.law.atoms[:, 0])
        spread = float(self.law.weights @ (self.law.atoms[:, 0] - mean) ** 2)
        return ((warp.phi(theta[..., 0]) - mean).square() + spread) / 2

    def population_minimiser(self) -> np.ndarray:
        return np.asarray(warp.inverse(torch.as_tensor(self.law.weights @ self.law.atoms)))


@functools.lru_cache(maxsize=1024)
def _constants(problem: WarpedAtoms) -> Constants:
    z, (low, high) = problem.law.atoms[:, 0], problem.reached
    middle, half = float(z.max() + z.min()) / 2, float(z.max() - z.min()) / 2
    worst = warp.extremes(low, high, middle, half)
    values = np.array([2 * u - np.sin(2 * u) / 2 for u in (low, high)])
    most = float(((values[:, None] - z) ** 2).max() / 2)
    # phi' = 2 - cos 2u is least where cos 2u is largest: at a multiple of pi, or at an end.
    inside = np.floor(high / np.pi) >= np.ceil(low / np.pi)
    slope = 1.0 if inside else float(2 - max(np.cos(2 * low), np.cos(2 * high)))
    return Constants(
        L=max(worst.curvature_high, -worst.curvature_low),
        G=worst.slope + worst.derivative * half,
        mu=slope**2,
        rho=max(0.0, -worst.curvature_low),
        M=most,
        l_max=most,
    )
