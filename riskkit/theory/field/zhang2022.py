r"""Lower bounds on stability, and problems on which it is known exactly: what no proof can improve.

Setting: SGD with one example a step, with replacement, on l(t; z) = (h/2) ||t||^2 - w <z, t>, z of norm 1, as long as
    no projection happens: convex for h = 0 (``LinearOnBall``), strongly convex for h > 0 (``MeanEstimation``, up to a
    constant), with the one eigenvalue h < 0 otherwise (``ConcaveOnBall``).
Exact: E||v_J - v'_J|| = (w E||z - z'||/n) s_J,   s_J = sum_j eta_j prod_{i>j} (1 - eta_i h).
Published, for some convex loss: stability >= (G/(2n)) sum_j eta_j.
Explicit, for some strongly convex loss: >= (G/(2 lam n)) (1 - (1 - eta lam)^J), constant eta.
Proof. Runs on S and S^i with the same indices have the difference d_{j+1} = (1 - eta_j h) d_j + eta_j w 1{i_j = i} (z -
    z'): every contribution is a multiple of z - z' that is not negative (eta_j h <= 1), so that norms add, and the
    indicator has mean 1/n. On LinearOnBall G = 1, E||z - z'|| >= 1 for d >= 1 (4/pi on the circle, 4/3 on the sphere, 1
    for signs) and s_J = sum eta_j. On mean estimation w = h = lam, G = 2 lam, s_J = (1 - (1 - eta lam)^J)/lam.
Reading: the upper bounds of Hardt et al. are (2 G/n) sum_j eta_j and (2 G/(lam n)) (1 - (1 - eta lam)^J), 4 times the
    lower ones. The exact stability of the linear loss is E||z - z'||/2 of the upper bound, at most 0.71 of it.
Source: Zhang, Zhang, Bald, Pingali, Chen, Goswami, UAI 2022 (the first); construction and second derived here.
"""

from __future__ import annotations

import numpy as np

from riskkit.theory.bound import At, Floats
from riskkit.theory.field.setting import linear, read

TITLE = "the lower bound of Zhang et al."
STRONGLY_CONVEX_TITLE = "the lower bound for strongly convex losses"


def distance(at: At, curvature: float, pull: float, apart: float) -> Floats:
    """The exact stability of the last iterate, (K,); ``apart``: E||z - z'||. nan where eta h > 1."""
    eta = at.step_sizes
    if (eta * curvature > 1).any():
        return np.full(at.rounds.shape, np.nan)
    return pull * apart / at.n * read(linear(1 - eta * curvature, eta), at)


def convex_lower(at: At) -> Floats:
    """(G/(2n)) sum_j eta_j, (K,)."""
    return at.constants.G / (2 * at.n) * np.cumsum(at.step_sizes)[at.steps - 1]


def strongly_convex_lower(at: At) -> Floats:
    """(G/(2 lam n)) (1 - (1 - eta lam)^J), (K,), for a constant step."""
    lam, eta = at.constants.lam, at.step_sizes[0]
    return at.constants.G / (2 * lam * at.n) * (1 - (1 - eta * lam) ** at.steps.astype(np.float64))
