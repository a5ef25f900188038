r"""What is known exactly of SGD's relatives on the isotropic quadratic l(t; z) = (lam/2)||t - z||^2: Lookahead with an
outer step in (0, 2] and batches.

Batches of b examples drawn with replacement have the mean gradient, with 1/b of the noise: with p = (1 - h)^k,
h = eta lam,

    E[F_S(theta_T) - F_S*] = (lam/2) [m_T^2 D_S^2 + u_T V_S],   m_T = (1 - alpha + alpha p)^T,
    u_T <- (1 - alpha + alpha p)^2 u + alpha^2 (h^2/b) (1 - p^2)/(1 - (1 - h)^2),

whatever the sign of m. As T grows m -> 0 iff |1 - alpha + alpha p| < 1, that is alpha (1 - p) < 2, and u tends to

    V = (h/(b (2 - h))) alpha (1 + p) / (2 - alpha (1 - p)).

So Lookahead's floor over SGD's (alpha = 1) is alpha (1 + p)/(2 - alpha (1 - p)): below 1 for alpha < 1, above 1 for
alpha > 1.

Local SGD of M workers with k steps each and the outer step alpha has the same mean, and 1/M of the noise: the workers'
deviations from it are independent. It is Lookahead with batches of M, to second order.

Source of the floor: Zhang, Lucas, Ba, Hinton, NeurIPS 2019, Proposition 2 (derived anew). Of the mean for any outer
step: Khaled et al., NeurIPS 2025.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from riskkit.theory.bound import Floats


def lookahead_moments(h: float, k: int, alpha: float, batch: int, rounds: npt.ArrayLike) -> tuple[Floats, Floats]:
    """m^2 and u after the given rounds (1, 2, ...), (K,) each, for a constant step."""
    T = np.asarray(rounds, dtype=np.float64)
    p = (1 - h) ** k
    mixed = 1 - alpha + alpha * p
    added = alpha**2 * h**2 / batch * _geometric((1 - h) ** 2, k)
    square = np.asarray(mixed**2) ** T
    total = T if mixed**2 == 1 else (1 - square) / (1 - mixed**2)
    return square, added * total


def _geometric(ratio: float, count: int) -> float:
    return float(count) if ratio == 1 else (1 - ratio**count) / (1 - ratio)


def floor(h: float, k: int, alpha: float, batch: int = 1) -> float:
    """lim u_T; inf where alpha (1 - p) >= 2."""
    p = (1 - h) ** k
    left = 2 - alpha * (1 - p)
    return math.inf if left <= 0 else h / (batch * (2 - h)) * alpha * (1 + p) / left


def floor_ratio(h: float, k: int, alpha: float) -> float:
    """Lookahead's floor over that of SGD with the same step and batch."""
    p = (1 - h) ** k
    return alpha * (1 + p) / (2 - alpha * (1 - p))


def mean_distance_on_sphere(dim: int) -> float:
    """E||z - z'|| for two independent uniform points of the unit sphere of R^dim: the mean of sqrt(2 (1 - s)), s one
    coordinate of a uniform point, 2^(d-1) Gamma(d/2)^2 / (sqrt(pi) Gamma(d - 1/2))."""
    return 2 ** (dim - 1) * math.gamma(dim / 2) ** 2 / (math.sqrt(math.pi) * math.gamma(dim - 0.5))
