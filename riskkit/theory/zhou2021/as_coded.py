"""SLRLA as the authors' code has it: how far a round goes, and for which beta it is stable.

Under a constant gradient g, momentum SGD with the penalty's gradient 2 beta (v - a), the anchor a being moved to v
before every K-th step, is linear in g. So a round of Lookahead around it goes a fixed multiple of lr g once its
momentum is stationary, and SLA with a shorter lr goes as far: the *pace* is the ratio of the two step sizes.

Source: sail-sg/SLRLA-optimizer (ec2f387), ``main.py``: ``--slr 5_0.2``, momentum .9, k = 5, alpha = .8.
"""

from __future__ import annotations

import math

ROUNDS = 10_000
"""After so many the momentum is stationary for any momentum below .999."""


def distance(lr: float, beta: float, k: int, alpha: float, momentum: float = 0.9, K: int | None = None) -> float:
    """How far the slow weights go in a stationary round against a constant unit gradient; K (default k) steps an
    anchor. inf where the round is unstable."""
    v = slow = anchor = m = went = 0.0
    j, every = 0, K or k
    for _ in range(ROUNDS):
        start = slow
        for _ in range(k):
            if j % every == 0:
                anchor = v
            m = momentum * m + 1.0 + 2 * beta * (v - anchor)
            v -= lr * m
            j += 1
        v = slow = (1 - alpha) * slow + alpha * v
        if not abs(v) < 1e12:
            return math.inf
        # Only differences count: put the origin where the round ended.
        before, went = went, start - slow
        v, slow, anchor = 0.0, 0.0, anchor - slow
        if abs(went - before) <= 1e-13 * abs(went) and j > 2 * every:
            break
    return went


def pace(lr: float, beta: float, k: int, alpha: float, momentum: float = 0.9) -> float:
    """SLA at lr times this goes as far in a round as SLRLA as coded at lr, under a constant gradient."""
    return distance(lr, beta, k, alpha, momentum) / distance(lr, 0.0, k, alpha, momentum)


def round_factor(lr: float, beta: float, k: int, momentum: float = 0.9, curvature: float = 0.0) -> float:
    """By what a round as coded multiplies the momentum that it starts with, if every round starts at its anchor (K = k)
    and the loss has the given curvature there; stable only if it is less than 1 in absolute value.

    Within the round (m, v - a) is linear: m <- momentum m + (curvature + 2 beta) (v - a), then v <- v - lr m.
    """
    m, moved = 1.0, 0.0
    for _ in range(k):
        m = momentum * m + (curvature + 2 * beta) * moved
        moved -= lr * m
    return m


def largest_beta(lr: float, momentum: float = 0.9, curvature: float = 0.0) -> float:
    """The beta below which momentum SGD with the published penalty, its anchor at rest, is stable:
    lr (curvature + beta) < 2 (1 + momentum)."""
    return 2 * (1 + momentum) / lr - curvature
