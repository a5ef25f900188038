"""The pseudo-Huber function h(r) = delta^2 (sqrt(1 + (r/delta)^2) - 1): quadratic near 0, linear far away.

h'(r) = r a, h''(r) = a^3 with a = (1 + (r/delta)^2)^(-1/2), so that |h'| < delta and 0 < h'' <= 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def value(squared: Tensor, delta: float) -> Tensor:
    """h at r^2, written without cancellation at small r: delta^2 (sqrt(1+q) - 1) = r^2 / (sqrt(1+q) + 1)."""
    return squared / (torch.sqrt(1 + squared / delta**2) + 1)


def attenuation(squared: Tensor, delta: float) -> Tensor:
    """a at r^2."""
    return torch.rsqrt(1 + squared / delta**2)


def slope(u: float, y: float, delta: float) -> float:
    """d/du h(u - y)."""
    return (u - y) / math.sqrt(1.0 + ((u - y) / delta) ** 2)
