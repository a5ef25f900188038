"""Overparametrised regression through a monotone link: nonconvex, realisable, PL with a constant for every dataset."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Linear, Regime
from riskkit.rng.streams import Stream

from . import fields, warp
from .ball import minimise_quadratic
from .empirical import mean_over_examples


@functools.lru_cache(maxsize=16)
def _design(dim: int, atoms: int, signal: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The atoms (N, d), unit vectors, and the teacher (d,) in their span, of norm ``signal``; drawn once."""
    stream = Stream(seed, range(1))
    A = stream.sphere("atoms", atoms, dim)[0].numpy()
    w = A.T @ stream.sphere("teacher", atoms, 1)[0, :, 0].numpy()
    return A, signal * w / np.linalg.norm(w)


@dataclass(frozen=True)
class MonotoneLink:
    """l(t; x, y) = (1/2) (phi(<x, t>) - y)^2, phi(u) = 2u - sin(2u)/2, Theta = R^d, theta_0 = 0.

    x is one of N = ``atoms`` unit vectors a_c of R^d, each equally likely, N <= d; y = phi(<x, w>). The atoms, and the
    teacher w in their span, of norm ``signal``, are drawn once from ``seed``. A sample smaller than N has not seen
    them all.

    Regime: nonconvex, PL. A finite set of features is what gives one constant for *every* S of at most ``largest_n``
    examples: i.i.d. features with a density come arbitrarily close to each other, and mu to 0.

    F(t) = (1/N) sum_c (1/2) (phi(<a_c, t>) - y_c)^2, a finite sum; theta* = w, the zero of least norm (w is in the
    span). F_S* = 0; the minimiser nearest theta_0 = 0 is X^+ (phi^-1(y)), of least norm where X t =
    phi^-1(y).

    Constants, on the ball of radius signal about w. Steps of at most ``largest_step = 2/P^2``, P = max phi' there, do
    not leave it: with u = <x, t>, v = <x, w> and Delta = phi(u) - phi(v),
        ||t+ - w||^2 = ||t - w||^2 - eta phi' Delta (2 (u - v) - eta phi' Delta),
    where Delta has the sign of u - v and eta phi' |Delta| <= eta P^2 |u - v| <= 2 |u - v|. Averages stay too. So
    |u - v| <= signal, and G, L, rho, M are taken over these u for each atom, on a grid with a proved margin:
        G = max |phi' Delta|.        M = max Delta^2 / 2.
        L = max |phi'^2 + phi'' Delta|.        rho = max(0, -min (phi'^2 + phi'' Delta)).
        mu = s^2 / largest_n, s the least singular value of the atoms (phi' >= 1): with n_c the count of atom c in S
            and r_c its residual, ||grad F_S||^2 = ||sum (n_c/n) phi' r_c a_c||^2 >= s^2 sum (n_c/n)^2 r_c^2, and n_c/n
            >= 1/n makes that at least (s^2/n) sum (n_c/n) r_c^2 = (s^2/n) 2 F_S.

    Raises ValueError for more atoms than dimensions.
    """

    dim: int = 32
    atoms: int = 4
    largest_n: int = 8
    signal: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        fields.whole("MonotoneLink", "dim", self.dim, 2)
        fields.whole("MonotoneLink", "atoms", self.atoms)
        fields.whole("MonotoneLink", "largest_n", self.largest_n, 2)
        fields.finite("MonotoneLink", "signal", self.signal, above=0)
        fields.whole("MonotoneLink", "seed", self.seed, 0)
        if self.atoms > self.dim:
            raise ValueError(f"MonotoneLink: atoms must be at most dim={self.dim}; got {self.atoms}.")

    @property
    def name(self) -> str:
        return "monotone link"

    @property
    def regime(self) -> Regime:
        return Regime.PL

    @property
    def constants(self) -> Constants:
        A, w = self._design
        worst = [self._extremes(v) for v in (A @ w).tolist()]
        high, low = max(e.curvature_high for e in worst), min(e.curvature_low for e in worst)
        return Constants(
            L=max(high, -low),
            G=max(e.slope for e in worst),
            mu=float(np.linalg.svd(A, compute_uv=False).min()) ** 2 / self.largest_n,
            rho=max(0.0, -low),
            M=max(e.value for e in worst) ** 2 / 2,
        )

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        A, w = self._design
        return 2 / max(self._extremes(v).derivative for v in (A @ w).tolist()) ** 2

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear:
        return Linear(warp.slope)

    def sample(self, stream: Stream, n: int) -> Tensor:
        """Raises ValueError for n > largest_n, for which mu would not hold."""
        if n > self.largest_n:
            raise ValueError(
                f"MonotoneLink: n must be at most largest_n={self.largest_n}, for which mu holds; got {n}."
            )
        chosen = (stream.uniforms("atoms", n, 1)[..., 0] * self.atoms).long().clamp(max=self.atoms - 1)
        A, w = (torch.as_tensor(part).to(stream.device) for part in self._design)
        rows = torch.cat([A, warp.phi(A @ w)[:, None]], dim=-1).to(stream.dtype)
        return rows[chosen]

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1:]
        u = (x * theta).sum(-1, keepdim=True)
        return warp.derivative(u) * (warp.phi(u) - y) * x

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return mean_over_examples(lambda u, y: (warp.phi(u) - y).square(), theta, data) / 2

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        x, v = data[..., :-1].double(), warp.inverse(data[..., -1:].double())
        return minimise_quadratic(x.mT @ x, (x.mT @ v)[:, :, 0], None).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        A, w = (torch.as_tensor(part).to(theta) for part in self._design)
        return (warp.phi(theta @ A.mT) - warp.phi(A @ w)).square().mean(-1) / 2

    def population_minimiser(self) -> np.ndarray:
        return self._design[1].copy()

    @property
    def _design(self) -> tuple[np.ndarray, np.ndarray]:
        return _design(self.dim, self.atoms, self.signal, self.seed)

    def _extremes(self, v: float) -> warp.Extremes:
        """Over |u - v| <= signal, for an atom with <a, w> = v."""
        label = float(warp.phi(torch.tensor(v, dtype=torch.float64)))
        return warp.extremes(v - self.signal, v + self.signal, centre=label)
