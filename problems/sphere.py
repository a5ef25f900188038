"""Expectations over a uniform unit vector x in R^d that depend on <x, t> alone.

<x, t> = ||t|| s, where s has the density proportional to (1 - s^2)^((d-3)/2) on [-1, 1] (d = 1: s = -1 or 1). The Gauss
rule of that weight follows from the recurrence of the Gegenbauer polynomials, whose squared off-diagonal entries are

    b_1 = 1/d,     b_k = k (k+d-3) / ((2k+d-2) (2k+d-4)),  k >= 2,

as the eigenvalues of a symmetric tridiagonal matrix (Golub & Welsch, Math. Comp. 23, 1969); the squared first
components of the eigenvectors are weights that sum to 1, with no Gamma function to overflow at large d.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from riskkit.problem import Quadratic

CHUNK = 2**20
"""Values of the integrand held at a time."""


def points(height: float) -> int:
    """How many nodes integrate to 1e-16 a function of s that is analytic but for singularities at +-i height.

    An N-point Gauss rule errs by a multiple of varrho^(-2N), where varrho, the half-axes' sum of the ellipse with foci
    +-1 through i height, is exp(asinh(height)); 2 N asinh(height) = 40 makes that 4e-18.
    """
    return math.ceil(20 / math.asinh(height)) + 8


@functools.lru_cache(maxsize=64)
def rule(dim: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes s and weights (which sum to 1) of the Gauss rule of <x, e> for a unit vector e, symmetric about 0."""
    if dim == 1:
        return np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    k = np.arange(2, count, dtype=np.float64)
    b = np.concatenate([[1 / dim], k * (k + dim - 3) / ((2 * k + dim - 2) * (2 * k + dim - 4))])
    nodes, vectors = eigh_tridiagonal(np.zeros(count), np.sqrt(b))
    weights = vectors[0] ** 2
    return (nodes - nodes[::-1]) / 2, (weights + weights[::-1]) / 2 / weights.sum()


def expectation(function: Callable[[Tensor, Tensor], Tensor], norm: Tensor, dim: int, count: int) -> Tensor:
    """E function(norm, s), elementwise in ``norm`` (...) -> (...).

    ``function`` maps norms (m, 1) and nodes (count,) to (m, count).
    """
    nodes, weights = (norm.new_tensor(values) for values in rule(dim, count))
    flat = norm.reshape(-1, 1)
    rows = max(1, CHUNK // len(nodes))
    parts = [function(flat[first : first + rows], nodes) @ weights for first in range(0, len(flat), rows)]
    return torch.cat(parts).reshape(norm.shape)


def mean_distance(dim: int) -> float:
    """E ||z - z'|| of two independent uniform unit vectors of R^d.

    ||z - z'|| = 2 sqrt((1 - s)/2) with s = <z, z'>, and (1 - s)/2 has the beta law ((d-1)/2, (d-1)/2), so that the mean
    is 2 B(d/2, (d-1)/2) / B((d-1)/2, (d-1)/2). In d = 1 the distance is 0 or 2, and 1 on average.
    """
    if dim == 1:
        return 1.0
    a = (dim - 1) / 2
    return 2 * math.exp(math.lgamma(a + 0.5) + math.lgamma(2 * a) - math.lgamma(a) - math.lgamma(2 * a + 0.5))


def on_sphere(curvatures: tuple[float, ...], pulls: tuple[float, ...]) -> Quadratic:
    """A quadratic loss of z uniform on the unit sphere: E z = 0, E z z' = I/d."""
    d = len(curvatures)
    return Quadratic(curvatures, pulls, (0.0,) * d, (1 / d,) * d, 1.0, mean_distance(d))
