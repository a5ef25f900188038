"""A quadratic with a sine on it: nonconvex, and PL only while the data's mean is small."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor

from riskkit.problem import Constants, Coordinatewise, Regime
from riskkit.rng.streams import Stream

from . import fields
from .tilted_bowl import TiltedBowl

LOOSE = 1e-3
"""The certified mu lies below the smallest ratio met by at most this fraction."""


def pull(t: float, z: float, c: float) -> float:
    """d/dt (t^2 + c sin^2 t - z t)."""
    return 2.0 * t + c * math.sin(2.0 * t) - z


def _chords(t: np.ndarray, u: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """With f = v^2 + c sin^2 v - m v stationary at t and x = u - t: f'(u) = A x and f(u) - f(t) = B x^2 / 2.

    A = 2 + 2c cos(u + t) sin(x)/x and B = 2 + 2c (cos(2t) (sin(x)/x)^2 + sin(2t) (sin 2x - 2x)/(2x^2)), the last
    fraction by its series -2x/3 + 2x^3/15 where it would cancel.
    """
    x = u - t
    sinc = np.sinc(x / np.pi)
    near = np.abs(x) < 1e-2
    safe = np.where(near, 1.0, x)
    fraction = np.where(near, -2 * x / 3 + 2 * x**3 / 15, (np.sin(2 * safe) - 2 * safe) / (2 * safe**2))
    return 2 + 2 * c * np.cos(u + t) * sinc, 2 + 2 * c * (np.cos(2 * t) * sinc**2 + np.sin(2 * t) * fraction)


@functools.lru_cache(maxsize=4096)
def certified_mu(c: float, least: float, most: float, box: float) -> float:
    """A lower bound on A^2/B, the PL ratio f'(u)^2 / (2 (f(u) - f(t))), for least <= t <= most, |u| <= box; 0 if none
    is found.

    Branch and bound on rectangles in (t, u). |f'''| <= 4c makes A 2c-Lipschitz in t and in u, and B (8c/3)-Lipschitz in
    t and (4c/3)-Lipschitz in u; so each rectangle has a bound, and those whose bound is below the smallest ratio met
    (less LOOSE) are quartered until none is left.
    """
    t, u = (grid.ravel() for grid in np.meshgrid([(least + most) / 2], np.linspace(-box, box, 65)[1:] - box / 64))
    ht, hu = (most - least) / 2, box / 64
    smallest = math.inf
    for _ in range(40):
        A, B = _chords(t, u, c)
        low = np.maximum(A - 2 * c * (ht + hu), 0)
        high = B + 8 * c / 3 * ht + 4 * c / 3 * hu
        with np.errstate(divide="ignore"):
            met = np.where((A > 0) & (B > 0), A**2 / np.where(B > 0, B, 1), 0)
        smallest = min(smallest, float(met.min()))
        if smallest < 1e-3:
            return 0.0
        open_ = low**2 < smallest * (1 - LOOSE) * high
        if not open_.any():
            return smallest * (1 - LOOSE)
        ht, hu = ht / 2, hu / 2
        t = np.concatenate([t[open_] + i * ht for i in (-1, 1) for _ in (-1, 1)])
        u = np.concatenate([u[open_] + j * hu for _ in (-1, 1) for j in (-1, 1)])
        if len(t) > 4_000_000:
            return 0.0
    return 0.0


@dataclass(frozen=True)
class SinePerturbedQuadratic:
    """l(t; z) = sum_i (t_i^2 + c sin^2 t_i - z_i t_i), z uniform on the sphere of radius spread, Theta = R^d.

    theta_0 = initial in every coordinate.

    Regime: nonconvex (for c > 1), PL while zbar is small. Covers Theorem 3; with c = 1.05 Theorem 4 as well.

    F(t) = sum (t_i^2 + c sin^2 t_i), since E z = 0; theta* = 0.
    F_S: the same less <zbar, t>. theta*_S: the root of 2t + c sin 2t = zbar_i in each coordinate, by Newton's method in
        a bracket on which the left side grows.

    Constants, on the box [-b, b]^d, b = max(|initial|, t(spread)), t(m) the root for m. With g(u) = 2u + c sin 2u and
    steps of at most ``largest_step = 1/(2+2c)``, u -> u - eta (g(u) - z) grows with u and maps +-b inside, since
    g(b) >= spread.
        mu: each coordinate of zbar lies in [-spread, spread] for every S. The ratio f'^2 / (2 (f - f*)) is bounded
            below over all those means and all u in the box by branch and bound (``certified_mu``); the least mu of
            functions of one coordinate each is one of their sum. ``dataset_mu`` gives the (larger) constants of given
            datasets. Where the property fails (c = 3, spread = 1.6, initial = 3, say) there is no such problem:
            ValueError.
        L = 2 + 2c, at 0.        rho = max(0, -min (2 + 2c cos 2u)) = 2c - 2 once b >= pi/2.
        G = sqrt(d) max |g| + spread; g is extreme at b or where cos 2u = -1/c.
        M = d (b^2 + c sin^2 b) + spread sqrt(d) b + spread^2/4: u^2 + c sin^2 u is largest at b, and
            u^2 - z u >= -z^2/4.
    """

    dim: int = 2
    c: float = 1.05
    spread: float = 1.0
    initial: float = 1.5

    def __post_init__(self) -> None:
        owner = "SinePerturbedQuadratic"
        fields.whole(owner, "dim", self.dim)
        fields.finite(owner, "c", self.c, above=0)
        fields.finite(owner, "spread", self.spread, above=0)
        fields.finite(owner, "initial", self.initial)
        if (self._turn is not None and self._slope(self._turn) <= self.spread) or self._mu == 0:
            raise ValueError(
                f"{owner}: c and spread must make F_S PL for every dataset; got c={self.c:g}, spread={self.spread:g}, "
                "which do not. Take a smaller one."
            )

    @property
    def name(self) -> str:
        return "sine-perturbed quadratic"

    @property
    def regime(self) -> Regime:
        return Regime.PL

    @property
    def box(self) -> float:
        """b of the class docstring."""
        return max(abs(self.initial), self._end)

    @property
    def constants(self) -> Constants:
        b, c, root = self.box, self.c, math.sqrt(self.dim)
        least = 2 - 2 * c if b >= math.pi / 2 else 2 + 2 * c * math.cos(2 * b)
        turns = [] if self._turn is None else np.arange(self._turn, b, math.pi).tolist()
        steepest = max(abs(self._slope(u)) for u in [b, *turns])
        highest = b * b + c * math.sin(b) ** 2
        return Constants(
            L=2 + 2 * c,
            G=root * steepest + self.spread,
            mu=self._mu,
            rho=max(0.0, -least),
            M=self.dim * highest + self.spread * root * b + self.spread**2 / 4,
        )

    @property
    def radius(self) -> None:
        return None

    @property
    def largest_step(self) -> float:
        return 1 / (2 + 2 * self.c)

    @property
    def diameter(self) -> float:
        """Of the box, where the constants hold."""
        return 2 * self.box * math.sqrt(self.dim)

    @property
    def start(self) -> np.ndarray:
        return np.full(self.dim, self.initial)

    @property
    def formula(self) -> Coordinatewise:
        return Coordinatewise(pull, (self.c,) * self.dim)

    @property
    def companion(self) -> TiltedBowl:
        """Near 0, where the gradient 2t + c sin 2t - z is (2 + 2c) t - z but for terms of order t^3."""
        return TiltedBowl(self.dim, 2 + 2 * self.c, self.spread, self.initial)

    def sample(self, stream: Stream, n: int) -> Tensor:
        return self.spread * stream.sphere("examples", n, self.dim)

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return 2 * theta + self.c * torch.sin(2 * theta) - z

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self.population_risk(theta) - (theta * data.mean(1, keepdim=True)).sum(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        return self._root(data.double().mean(1)).to(data.dtype)

    def population_risk(self, theta: Tensor) -> Tensor:
        return (theta.square() + self.c * torch.sin(theta).square()).sum(-1)

    def population_minimiser(self) -> np.ndarray:
        return np.zeros(self.dim)

    def dataset_mu(self, data: Tensor) -> Tensor:
        """A PL constant of F_S on the box for each dataset, data (R, n, w) -> (R,), certified like the uniform one. A
        step size computed from it would depend on S and void every stability bound: to be reported, not used."""
        roots = self._root(data.double().mean(1).abs()).cpu().numpy()
        values = [min(certified_mu(self.c, t, t, self.box) for t in row) for row in roots.tolist()]
        return data.new_tensor(values)

    def _slope(self, u: float) -> float:
        return pull(u, 0.0, self.c)

    @property
    def _turn(self) -> float | None:
        """Where g first stops growing, cos 2u = -1/c; None if it never does."""
        return math.acos(-1 / self.c) / 2 if self.c > 1 else None

    @property
    def _end(self) -> float:
        """t(spread)."""
        if self._turn is None:
            return float(brentq(lambda u: self._slope(u) - self.spread, 0, self.spread / 2 + 1, xtol=1e-15))
        return float(brentq(lambda u: self._slope(u) - self.spread, 0, self._turn, xtol=1e-15))

    @property
    def _mu(self) -> float:
        # (t, u) -> (-t, -u) changes nothing, so that t >= 0 is enough.
        return certified_mu(self.c, 0.0, self._end, self.box)

    def _root(self, mean: Tensor) -> Tensor:
        """The root of g(u) = mean in [-t(spread), t(spread)], where g grows, elementwise."""
        end = self._end * (1 + 1e-12)
        low, high = torch.full_like(mean, -end), torch.full_like(mean, end)
        u = mean / (2 + 2 * self.c)
        for _ in range(80):
            excess = 2 * u + self.c * torch.sin(2 * u) - mean
            low, high = torch.where(excess < 0, u, low), torch.where(excess > 0, u, high)
            newton = u - excess / (2 + 2 * self.c * torch.cos(2 * u))
            u = torch.where((newton >= low) & (newton <= high), newton, (low + high) / 2)
        return u
