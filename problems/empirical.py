"""Means over a dataset of losses, for many theta at once and without arrays beyond the cache."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NUMBERS = 2**18
"""Values <x_i, theta_c> held at a time."""


def mean_over_examples(loss: Callable[[Tensor, Tensor], Tensor], theta: Tensor, data: Tensor) -> Tensor:
    """(1/n) sum_i loss(<x_i, t>, y_i): theta (R, C, d), data (R, n, d + 1) -> (R, C).

    ``loss`` maps (r, n, C) and (r, n, 1) to (r, n, C). The replicates are taken a few at a
    time: on all at once, memory takes longer than arithmetic.
    """
    R, n, _ = data.shape
    few = max(1, NUMBERS // (n * theta.shape[1]))
    parts = []
    for first in range(0, R, few):
        x, y = data[first : first + few, :, :-1], data[first : first + few, :, -1:]
        parts.append(loss(x @ theta[first : first + few].mT, y).mean(1))
    return torch.cat(parts)


def squares_along(points: Tensor, data: Tensor) -> Tensor:
    """(1/n) sum_i (u - z_i)^2, coordinate by coordinate, by the mean and the variance of the data.

    Args:
        points: u, (R, C, d).
        data: z, (R, n, d).

    Returns:
        (R, C, d).
    """
    mean = data.mean(1, keepdim=True)
    return (points - mean).square() + (data - mean).square().mean(1, keepdim=True)


def squares(points: Tensor, data: Tensor) -> Tensor:
    """(1/n) sum_i ||u - z_i||^2, (R, C): ``squares_along`` summed over the coordinates, each sum before its mean."""
    mean = data.mean(1, keepdim=True)
    return (points - mean).square().sum(-1) + (data - mean).square().sum(-1).mean(1, keepdim=True)
