"""The warp phi(u) = 2u - sin(2u)/2, with phi' = 2 - cos 2u in [1, 3]: monotone, odd, and far from linear.

(1/2) (phi(u) - y)^2 is nonconvex in u, since its second derivative phi'^2 + phi'' (phi - y) falls below zero, and yet
satisfies the PL inequality with mu = min phi'^2 = 1.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CELLS = 20_000
"""Cells of the grids on which suprema are taken."""


def phi(u: Tensor) -> Tensor:
    return 2 * u - torch.sin(2 * u) / 2


def derivative(u: Tensor) -> Tensor:
    return 2 - torch.cos(2 * u)


def inverse(y: Tensor) -> Tensor:
    """phi^-1, elementwise, by Newton's method kept within a shrinking bracket; exact to rounding."""
    # phi' in [1, 3] puts the root between y/3 and y.
    low, high = torch.minimum(y / 3, y), torch.maximum(y / 3, y)
    u = y / 2
    for _ in range(60):
        excess = phi(u) - y
        low, high = torch.where(excess < 0, u, low), torch.where(excess > 0, u, high)
        newton = u - excess / derivative(u)
        inside = (newton >= low) & (newton <= high)
        before, u = u, torch.where(inside, newton, (low + high) / 2)
        if torch.equal(u, before):  # the bracket stays as well
            break
    return u


@functools.lru_cache(maxsize=256)
def inverse_of(y: float) -> float:
    """phi^-1 of one number."""
    return float(inverse(torch.tensor(y, dtype=torch.float64)))


def slope(u: float, y: float, _: float) -> float:
    """d/du (1/2) (phi(u) - y)^2."""
    return (2.0 - math.cos(2.0 * u)) * (2.0 * u - 0.5 * math.sin(2.0 * u) - y)


class Extremes(NamedTuple):
    """Over u in an interval and |y - centre| <= spread, each to 1e-6 on the safe side.

    Attributes:
        derivative: max of phi'.
        value: max of |phi - centre|.
        slope: max of |phi' (phi - centre)|.
        curvature_high, curvature_low: max and min of phi'^2 + phi'' (phi - y).
    """

    derivative: float
    value: float
    slope: float
    curvature_high: float
    curvature_low: float


@functools.lru_cache(maxsize=256)
def extremes(low: float, high: float, centre: float = 0.0, spread: float = 0.0) -> Extremes:
    """On a grid, plus what a function can gain between two of its points: (h^2/8) times a bound on its second
    derivative.

    With phi'' = 2 sin 2u, phi''' = 4 cos 2u, phi'''' = -8 sin 2u and Y >= |phi - y| these bounds are 4 for phi',
    4 Y + 18 for phi' (phi - y), and 3 4 + 4 3 4 + 8 Y for the curvature, which is linear in y, so extreme at its ends.
    """
    u = np.linspace(low, high, CELLS + 1)
    gain = ((high - low) / CELLS) ** 2 / 8
    apart = 2 * u - np.sin(2 * u) / 2 - centre
    first, second = 2 - np.cos(2 * u), 2 * np.sin(2 * u)
    curvature = first**2 + second * apart
    reach = float(np.abs(apart).max())
    room = gain * (60 + 8 * (reach + spread))
    return Extremes(
        derivative=float(first.max()) + 4 * gain,
        value=reach,
        slope=float(np.abs(first * apart).max()) + gain * (4 * reach + 18),
        curvature_high=float((curvature + np.abs(second) * spread).max()) + room,
        curvature_low=float((curvature - np.abs(second) * spread).min()) - room,
    )
