"""Least squares with a power-law spectrum: convex, with as many scales as directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Linear, Regime, Squared
from riskkit.rng.streams import Stream

from . import fields
from .ball import minimise_quadratic
from .squared_loss import diagonal, empirical_squared_risk, slope, squared_loss_minimiser

Features = Literal["bounded", "gaussian"]


@dataclass(frozen=True)
class PowerLawLeastSquares:
    """l(t; x, y) = (1/2) (<x, t> - y)^2, E x x' = diag(e_i), e_i = i^-capacity, theta_0 = 0.

    x_i = sqrt(e_i) g_i, where g_i is a fair sign (``features = "bounded"``: then ||x||^2 = tr for every x, tr = sum
    e_i) or standard normal (``"gaussian"``). y = <x, w> + e with e = +-noise, a fair sign; w_i is proportional to
    i^(-source/2) and ||w|| = signal. Theta is the ball of the given radius, or R^d if ``radius`` is None.

    Regime: convex. Shows the U of the excess risk in alpha, once kT is large.

    F(t) = (1/2) ((t - w)' diag(e) (t - w) + noise^2); theta* = w if the ball contains it, else by the secular equation.
    F_S*: the minimiser nearest theta_0, X^+ y, by eigenvectors of X'X/n, if it lies in the ball (as it must on R^d);
        else the only minimiser, by the secular equation.

    Constants, with B = radius. Bounded features:
        L = tr: the Hessian x x' has the eigenvalue ||x||^2.        lam = 0: X'X is singular for n < d.
        G = sqrt(tr) U, U = sqrt(tr) B + sum_i sqrt(e_i) |w_i| + noise, at the signs of x that make <x, w> least,
            t = B x/||x|| and e = -noise.
        M = U^2 / 2; the infimum 0 bounds l from below, and is reached.
    Gaussian features: L = G = M = inf, since x is unbounded. On R^d: G = M = inf.

    Raises ValueError for features of another name, and for numbers outside of their ranges.
    """

    dim: int = 32
    capacity: float = 1.0
    source: float = 1.0
    noise: float = 0.5
    signal: float = 1.0
    features: Features = "bounded"
    radius: float | None = 2.0

    self_bounding: ClassVar[bool] = True
    """No loss is negative on R^d, and L holds there."""

    def __post_init__(self) -> None:
        owner = "PowerLawLeastSquares"
        fields.whole(owner, "dim", self.dim)
        for name in ("capacity", "source", "noise", "signal"):
            fields.finite(owner, name, getattr(self, name), least=0)
        if self.features not in get_args(Features):
            raise ValueError(
                f"{owner}: features must be one of {', '.join(get_args(Features))}; got {self.features!r}."
            )
        if self.radius is not None:
            fields.finite(owner, "radius", self.radius, above=0)

    @property
    def name(self) -> str:
        return "power-law least squares"

    @property
    def regime(self) -> Regime:
        return Regime.CONVEX

    @property
    def spectrum(self) -> np.ndarray:
        """The eigenvalues e_i of E x x', (d,)."""
        return np.arange(1, self.dim + 1, dtype=np.float64) ** -self.capacity

    @property
    def teacher(self) -> np.ndarray:
        """w, (d,)."""
        w = np.arange(1, self.dim + 1, dtype=np.float64) ** (-self.source / 2)
        return self.signal * w / np.linalg.norm(w)

    @property
    def constants(self) -> Constants:
        if self.features == "gaussian":
            return Constants(L=math.inf, G=math.inf)
        trace = float(self.spectrum.sum())
        if self.radius is None:
            return Constants(L=trace, G=math.inf)
        farthest = math.sqrt(trace) * self.radius + float(np.sqrt(self.spectrum) @ self.teacher) + self.noise
        return Constants(L=trace, G=math.sqrt(trace) * farthest, M=farthest**2 / 2)

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.dim)

    @property
    def formula(self) -> Linear:
        return Linear(slope)

    @property
    def squared(self) -> Squared:
        if self.features == "gaussian":
            return Squared(0.0, diagonal(self.spectrum.tolist()), math.inf, math.inf)
        largest = float(np.sqrt(self.spectrum) @ self.teacher) + self.noise
        return Squared(0.0, diagonal(self.spectrum.tolist()), math.sqrt(self.spectrum.sum()), largest)

    def sample(self, stream: Stream, n: int) -> Tensor:
        if self.features == "gaussian":
            g = stream.normals("features", n, self.dim)
        else:
            g = torch.where(stream.uniforms("features", n, self.dim) < 0.5, -1.0, 1.0).to(stream.dtype)
        x = g * torch.as_tensor(np.sqrt(self.spectrum)).to(g)
        y = x @ torch.as_tensor(self.teacher).to(g) + self.noise * stream.sphere("noise", n, 1)[..., 0]
        return torch.cat([x, y[..., None]], dim=-1)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        x, y = z[..., :-1], z[..., -1:]
        return ((x * theta).sum(-1, keepdim=True) - y) * x

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return empirical_squared_risk(theta, data, torch.as_tensor(self.teacher).to(data))

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return squared_loss_minimiser(data, 0.0, self.radius)

    def population_risk(self, theta: Tensor) -> Tensor:
        apart = theta - torch.as_tensor(self.teacher).to(theta)
        return (apart.square() @ torch.as_tensor(self.spectrum).to(theta) + self.noise**2) / 2

    def population_minimiser(self) -> np.ndarray:
        if self.radius is None or self.signal <= self.radius:
            return self.teacher
        A = torch.as_tensor(np.diag(self.spectrum))[None]
        b = torch.as_tensor(self.spectrum * self.teacher)[None]
        return minimise_quadratic(A, b, self.radius)[0].numpy()
