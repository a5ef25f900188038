"""Convex losses on an interval, each with one bend of any sharpness: from linear over smooth to nonsmooth."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from riskkit.problem import Constants, Regime

from . import atoms as finite
from . import fields


@dataclass(frozen=True)
class KinkedAtoms(finite.OnAtoms):
    """l(t; (p, y, s)) = (lam/2) t^2 + p t + s (sqrt((t - y)^2 + width^2) - width) on Theta = [-radius, radius].

    An atom has a pull p, a knot y and a bend s >= 0; width 0 makes the last term s |t - y|, whose subgradient at the
    knot is 0. Regime: strongly convex if lam > 0, else convex. theta_0 = ``initial``.

    F is the weighted sum over the atoms. F_S' does not decrease, so that its zeros are found by bisection to rounding;
    theta*_S is the one nearest theta_0.

    Constants, on Theta:
        L = lam + max s/width, inf with a kink (width 0, some s > 0).
        lam = lam_example = mu = lam.
        G: l' does not decrease in t, so that |l'| is largest at an end.
        M, l_max: l is largest at an end, and least at a zero of l' or at an end.
        self_bounding: l'^2 - 2 L l has the derivative 2 l' (l'' - L), of the sign of -l', so that it is largest where l
            is least on Theta, and l'^2 <= 2 L l is asked there, for each atom. Without a kink only.

    ``weights`` (A,) are the probabilities of the atoms. Raises ValueError for weights that do not sum to 1, and for a
    field out of range.
    """

    atoms: finite.Rows = ((1.0, 0.0, 1.0), (-1.0, 0.0, 1.0))
    weights: tuple[float, ...] = (0.5, 0.5)
    width: float = 0.1
    lam: float = 0.0
    radius: float = 1.0
    initial: float = 0.0

    def __post_init__(self) -> None:
        finite.checked("KinkedAtoms", self.atoms, self.weights, 3)
        for row in self.atoms:
            fields.finite("KinkedAtoms", "the bend of each atom", row[2], least=0)
        fields.finite("KinkedAtoms", "width", self.width, least=0)
        fields.finite("KinkedAtoms", "lam", self.lam, least=0)
        fields.finite("KinkedAtoms", "radius", self.radius, above=0)
        fields.between("KinkedAtoms", "initial", self.initial, -self.radius, self.radius)

    @property
    def name(self) -> str:
        return "kinked atoms"

    @property
    def regime(self) -> Regime:
        return Regime.STRONGLY_CONVEX if self.lam > 0 else Regime.CONVEX

    @property
    def dim(self) -> int:
        return 1

    @property
    def constants(self) -> Constants:
        return _constants(self)

    @property
    def self_bounding(self) -> bool:
        L = self.constants.L
        return math.isfinite(L) and all(
            slope**2 <= 2 * L * loss for slope, loss in (_least(self, row) for row in self.atoms)
        )

    @property
    def start(self) -> np.ndarray:
        return np.array([self.initial])

    def losses(self, t: Tensor, z: Tensor) -> Tensor:
        """l(t; z): t (...), z (..., 3), broadcasting -> (...)."""
        gap = t - z[..., 1]
        bend = gap.abs() if self.width == 0 else gap.square() / ((gap.square() + self.width**2).sqrt() + self.width)
        return self.lam / 2 * t.square() + z[..., 0] * t + z[..., 2] * bend

    def slopes(self, t: Tensor, z: Tensor) -> Tensor:
        """dl/dt: t (...), z (..., 3), broadcasting -> (...)."""
        gap = t - z[..., 1]
        bend = torch.sign(gap) if self.width == 0 else gap / (gap.square() + self.width**2).sqrt()
        return self.lam * t + z[..., 0] + z[..., 2] * bend

    def gradient(self, theta: Tensor, z: Tensor) -> Tensor:
        return self.slopes(theta[..., 0], z)[..., None]

    def empirical_risk(self, theta: Tensor, data: Tensor) -> Tensor:
        return self.losses(theta[..., 0][:, :, None], data[:, None]).mean(-1)

    def empirical_minimiser(self, data: Tensor) -> Tensor:
        own = data.double()
        twice = own.repeat(2, 1, 1)
        return self._zero(lambda t: self.slopes(t[:, None], twice).mean(-1), len(own))[:, None].to(data)

    def population_risk(self, theta: Tensor) -> Tensor:
        atoms, weights = (theta.new_tensor(part) for part in self.law)
        return self.losses(theta[..., 0, None], atoms) @ weights

    def population_minimiser(self) -> np.ndarray:
        atoms, weights = (torch.as_tensor(part) for part in self.law)
        return np.asarray(self._zero(lambda t: self.slopes(t[:, None], atoms) @ weights, 1))

    def _zero(self, slope: Callable[[Tensor], Tensor], count: int) -> Tensor:
        """The point nearest theta_0 of those where a slope that does not decrease, (2 count,) -> (2 count,), is 0 up to
        rounding, or passes it, on Theta: (count,)."""
        rounding = 1e-14 * self.constants.G
        # The first half seeks the least t with slope >= -rounding, the other one the largest with slope <= rounding.
        first = torch.arange(2 * count) < count
        limit = torch.where(first, -rounding, rounding).double()
        low, high = (torch.full((2 * count,), end, dtype=torch.float64) for end in (-self.radius, self.radius))
        left, right = (slope(end) for end in (low, high))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            found = slope(middle)
            below = torch.where(first, found < limit, found <= limit)
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        least = torch.where(left >= limit, -self.radius, high)[:count]
        most = torch.where(right <= limit, self.radius, low)[count:]
        start = torch.full((count,), self.initial, dtype=torch.float64)
        return start.clamp(torch.minimum(least, most), torch.maximum(least, most))


Real = Callable[[float], float]
HALVINGS = 56
"""Of an interval, down to rounding."""


def _least(problem: KinkedAtoms, row: tuple[float, ...]) -> tuple[float, float]:
    """l' and l of an atom where l is least on Theta."""
    slope, loss = _functions(problem, row)
    at = min(_bracket(slope, problem.radius), key=lambda t: abs(slope(t)))
    return slope(at), loss(at)


def _functions(problem: KinkedAtoms, row: tuple[float, ...]) -> tuple[Real, Real]:
    """l' and l of an atom, in plain numbers: a search asks for thousands."""
    (p, y, s), lam, w = row, problem.lam, problem.width

    def slope(t: float) -> float:
        root = math.hypot(t - y, w)
        return lam * t + p + (s * (t - y) / root if root > 0 else 0.0)

    def loss(t: float) -> float:
        return lam / 2 * t * t + p * t + s * (math.hypot(t - y, w) - w)

    return slope, loss


def _bracket(slope: Real, B: float) -> tuple[float, float]:
    """Between which two points of [-B, B], next to each other up to rounding, a slope passes 0; the end where it does
    not."""
    low, high = -B, B
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return low, high


@functools.lru_cache(maxsize=1024)
def _constants(problem: KinkedAtoms) -> Constants:
    B, lam, w = problem.radius, problem.lam, problem.width
    slopes, losses = [], []
    for row in problem.atoms:
        slope, loss = _functions(problem, row)
        slopes += [abs(slope(-B)), abs(slope(B))]
        losses += [loss(t) for t in (-B, B, *_bracket(slope, B))]
    bend = max(row[2] for row in problem.atoms)
    L = lam + (0.0 if bend == 0 else math.inf if w == 0 else bend / w)
    most = max(losses)
    return Constants(L=L, G=max(slopes), lam=lam, lam_example=lam, mu=lam, M=most - min(losses), l_max=most)
