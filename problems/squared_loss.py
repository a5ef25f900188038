"""What the squared losses of <x, t> share: examples are rows (x_1, ..., x_d, y)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .ball import minimise_quadratic


def slope(u: float, y: float, _: float) -> float:
    """d/du (1/2) (u - y)^2."""
    return u - y


def diagonal(entries: Sequence[float]) -> tuple[tuple[float, ...], ...]:
    """The diagonal matrix with these entries, (d,), row by row."""
    return tuple(tuple(float(e) if i == k else 0.0 for k in range(len(entries))) for i, e in enumerate(entries))


def empirical_squared_risk(theta: Tensor, data: Tensor, centre: Tensor) -> Tensor:
    """(1/n) sum (1/2) (<x_i, t> - y_i)^2: theta (R, C, d), data (R, n, d+1), centre (d,) -> (R, C).

    Expanded about ``centre`` (the teacher): with e = y - X centre and h = t - centre it is
    (1/2) h'(X'X/n)h - h'(X'e/n) + (1/2n) ||e||^2, whose terms are small together near the centre. The Gram matrix
    serves all C at once, without an array of R n C numbers.
    """
    x, y = data[..., :-1], data[..., -1]
    n = x.shape[1]
    residual = y - x @ centre
    gram = x.mT @ x / n
    cross = (x.mT @ residual[:, :, None] / n).mT
    step = theta - centre
    return ((step @ gram - 2 * cross) * step).sum(-1) / 2 + residual.square().mean(1, keepdim=True) / 2


def squared_loss_minimiser(data: Tensor, lam: float, radius: float | None) -> Tensor:
    """The minimiser nearest 0 of the mean of (1/2) (<x, t> - y)^2, plus (lam/2) ||t||^2, over the ball: -> (R, d).

    Solved in float64. With lam = 0 and n < d it is X^+ y, if that lies in the ball.
    """
    x, y = data[..., :-1].double(), data[..., -1:].double()
    n, d = x.shape[1:]
    A = x.mT @ x / n + lam * torch.eye(d, dtype=x.dtype, device=x.device)
    return minimise_quadratic(A, (x.mT @ y / n)[:, :, 0], radius).to(data.dtype)
