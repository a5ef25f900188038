r"""Lookahead against the SGD that forgets at its pace: on an isotropic quadratic the latter has the lower noise floor.

Setting: F_S(theta) = (lam/2)||theta - theta*_S||^2 up to a constant, constant step eta with h = eta lam in (0, 1), no
    projection, gradient noise uncorrelated over the steps and independent of theta.
Step size: h for Lookahead; h' = 1 - (1 - alpha + alpha (1-h)^k)^(1/k) for SGD, so that (1-h')^k is Lookahead's
    contraction of the mean error in a round: *contraction-matched SGD*.
Explicit: after every round both have the same mean error. With 1 - h = e^-s and 1 - h' = e^-s' the stationary
    E||theta - theta*_S||^2, in units of the noise variance over lam^2, are

        Lookahead                   tanh(s/2) coth(ks/2) tanh(ks'/2)
        contraction-matched SGD     tanh(s'/2)

    and their ratio g(s)/g(s'), g(s) = tanh(s/2) coth(ks/2), is above 1 for every k > 1, h and alpha < 1.
Proof. With p = (1-h)^k and c = 1 - alpha + alpha p a round is e <- c e + alpha xi, where xi has variance
    w = h^2 sum_{i<k} (1-h)^(2i) = h (1 - p^2)/(2-h), so that the floor is alpha^2 w/(1-c^2). Now h/(2-h) = tanh(s/2),
    1 - c = alpha (1-p), (1-c)/(1+c) = tanh(ks'/2) and (1+p)/(1-p) = coth(ks/2), which gives the first line; k = 1 and
    alpha = 1 give the second. c > p means s' < s. (log g)' = 1/sinh s - k/sinh(ks) > 0, because sinh(ks) > k sinh s for
    k > 1 by convexity; so g increases and g(s) > g(s').
Reading: matched SGD (step alpha eta) has a higher floor than Lookahead where k h is large, but it forgets faster: its
    error contracts by 1 - alpha h a step, Lookahead's by c^(1/k). ``forgetting_ratio`` says by how much.
Source: derived here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from riskkit.theory.bound import Floats


def contraction_matched(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """h' = 1 - (1 - alpha + alpha (1-h)^k)^(1/k), of the broadcast shape. Raises ValueError for h outside (0, 1)."""
    h, k, alpha = _together(h, k, alpha)
    log_p = k * np.log1p(-h)
    lost = -alpha * np.expm1(log_p)  # 1 - c
    with np.errstate(divide="ignore"):  # log 0 = -inf where alpha = 1 is what the sum needs
        near_zero = np.logaddexp(np.log1p(-alpha), np.log(alpha) + log_p)
    log_c = np.where(lost < 0.5, np.log1p(-np.minimum(lost, 0.5)), near_zero)  # each form where it loses no digits
    return -np.expm1(log_c / k)


def lookahead_floor(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Stationary E||theta - theta*_S||^2 of Lookahead in units of the noise variance over lam^2; SGD is alpha = 1."""
    h, k, alpha = _together(h, k, alpha)
    p = (1 - h) ** k
    c = 1 - alpha + alpha * p
    return alpha**2 * h * (1 - p**2) / (2 - h) / (1 - c**2)


def floor_ratio(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Lookahead's floor over contraction-matched SGD's: g(s)/g(s'), at least 1."""
    h, k, alpha = _together(h, k, alpha)
    slow = contraction_matched(h, k, alpha)
    return _g(-np.log1p(-h), k) / _g(-np.log1p(-slow), k)


def forgetting_ratio(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """How many times faster matched SGD (step alpha eta) forgets its start than Lookahead: ratio of the logarithms of
    their contractions a step."""
    h, k, alpha = _together(h, k, alpha)
    return np.log1p(-alpha * h) / np.log1p(-contraction_matched(h, k, alpha))


def _g(s: Floats, k: Floats) -> Floats:
    return np.tanh(s / 2) / np.tanh(k * s / 2)


def _together(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> tuple[Floats, Floats, Floats]:
    steps, period, outer = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (h, k, alpha)))
    if not np.all((steps > 0) & (steps < 1)):
        raise ValueError(f"contraction: h = eta lam must lie in (0, 1); got {h!r}.")
    return steps, period, outer
