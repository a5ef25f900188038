"""What is known exactly, to hold bounds and simulations against.

Mean estimation: l(theta; z) = (lam/2)||theta - z||^2, no projection active. Given S, the error theta - zbar is linear
in the drawn examples, whose deviations z_i - zbar are uncorrelated over steps and have the variance
V_S = (1/n) sum ||z_i - zbar||^2.
With h_j = lam eta_j, p = prod_j (1 - h_j) and w = sum_j h_j^2 prod_{i>j} (1 - h_i)^2 over the steps of a round,

    m <- (1 - alpha + alpha p) m,        E[theta_T - zbar | S] = m (theta_0 - zbar)
    u <- (1 - alpha + alpha p)^2 u + alpha^2 w,
    E[||theta_T - zbar||^2 | S] = m^2 ||theta_0 - zbar||^2 + u V_S.

The same holds along every eigenvector of a quadratic (1/2)(theta - z)' H (theta - z), with h_j = (eigenvalue) eta_j.

Linear problem on a ball: l = -<z, theta>, ||z|| = 1, E z = 0, as long as no step leaves the ball.

Shapes: ``K`` rounds to be read, each counted from 1; T counts rounds, j counts gradients.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import Algorithm
from riskkit.algorithms.steps import Step
from riskkit.theory.bound import Floats
from riskkit.theory.recursion import fold, scan


class Moments(NamedTuple):
    """m (signed), m^2 and u after the rounds asked for, (K,) each: E||theta_T - zbar||^2 = m2 D_S^2 + u V_S."""

    m: Floats
    m2: Floats
    u: Floats


def quadratic_moments(h: npt.ArrayLike, alpha: float, rounds: npt.ArrayLike) -> Moments:
    """The moments for any step sizes: h (T, k) holds curvature times step size, round by round."""
    factor = 1 - np.asarray(h, dtype=np.float64)
    p, _ = fold(factor, np.zeros_like(factor))
    _, w = fold(factor**2, (1 - factor) ** 2)
    mixed = 1 - alpha + alpha * p
    (m,) = scan(mixed)
    _, u = scan(mixed**2, alpha**2 * w)
    at = np.asarray(rounds, dtype=np.int64) - 1
    return Moments(m[at], m[at] ** 2, u[at])


def mean_estimation_moments(
    alpha: float, k: int, offset: float, rounds: npt.ArrayLike, *, ratio: float = 1.0
) -> Moments:
    """The moments for the step eta_j = 1/(lam' (j + offset)); ``ratio`` is the loss's lam over the step's lam'.

    With ratio 1 the moments are free of lam. Matched SGD is ``alpha = 1, ratio = `` Lookahead's alpha; along the i-th
    axis of a quadratic the ratio is that eigenvalue over lam'.
    """
    T = int(np.max(rounds))
    h = ratio / (np.arange(T * k, dtype=np.float64).reshape(T, k) + offset)
    return quadratic_moments(h, alpha, rounds)


def step_moments(step: Step, curvature: float, k: int, alpha: float, rounds: npt.ArrayLike) -> Moments:
    """The moments for a horizon-free step object; curvature is lam, or an eigenvalue of H."""
    T = int(np.max(rounds))
    return quadratic_moments(curvature * step.sizes(T, k).reshape(T, k), alpha, rounds)


def staged_moments(algorithm: Algorithm, curvature: npt.ArrayLike) -> Moments:
    """m, m^2 and u of the last iterate at the stages' ends for SLRLA as published, (Q,), as of ``round_moments``; of
    d curvatures at once, (Q, d).

    Where each stage passes its last iterate on, a stage is one affine map, and products from its end give it.
    """
    curvatures = np.asarray(curvature, dtype=np.float64)
    if algorithm.anchor_every is not None or any(stage.output != "last" for stage in algorithm.stages):
        each = [round_moments(algorithm, float(one)).last for one in curvatures.ravel()]
        ends = [np.stack(parts, axis=-1)[algorithm.stage_ends - 1] for parts in zip(*each, strict=True)]
        return Moments(*(part.reshape(-1, *curvatures.shape) for part in ends))
    of_each = [(1.0, 0.0)] * curvatures.size
    found = []
    for stage in algorithm.stages:
        eta = np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64).reshape(stage.T, stage.k)
        eta = eta[:1] if (eta == eta[0, 0]).all() else eta  # one round tells of all
        h, b, alpha = curvatures.reshape(-1, 1, 1) * eta, eta * stage.beta, stage.alpha
        c = 1 - h - b
        reach = _after(c)  # prod_{tau<l<k} c_l, as in round_moments
        g = np.empty((len(c), stage.T))
        g[:] = 1 - alpha + alpha * c[..., 0] * reach[..., 0]
        later = _after(g)
        s = g[:, 0] * later[:, 0] + alpha * ((b * reach).sum(axis=-1) * later).sum(axis=-1)
        noise = alpha**2 * (((h * reach) ** 2).sum(axis=-1) * later**2).sum(axis=-1)
        changes = zip(of_each, s.tolist(), noise.tolist(), strict=True)
        of_each = [(by * m, by**2 * u + more) for (m, u), by, more in changes]
        found.append([(m, m**2, u) for m, u in of_each])
    shape = (len(found), *curvatures.shape)
    return Moments(*(part.reshape(shape) for part in np.moveaxis(np.array(found), -1, 0)))


def _after(factors: Floats) -> Floats:
    """The product of the factors that follow, along the last axis: 1 at its end."""
    found = np.empty(factors.shape)
    found[..., -1] = 1.0
    factors[..., :0:-1].cumprod(axis=-1, out=found[..., -2::-1])
    return found


class Outputs(NamedTuple):
    """The moments of both outputs after each round, (T,) each."""

    last: Moments
    average: Moments


def round_moments(algorithm: Algorithm, curvature: float) -> Outputs:
    """The moments after every round of SLRLA as published, whatever its stages pass on.

    In a stage the anchor is its start A. With h = curvature eta, b = eta beta and c = 1 - h - b, a fast step is
    e <- c e + b A + h xi, and a round that starts at x has the fast weights v_tau = P_tau x + Q_tau A + sum_i h_i
    prod_{i<l<tau} c_l xi_i. Outputs are s A plus noise of the stage's own. With g = 1 - alpha + alpha P_k, the slow
    weights x and the sum y of the fast weights have the factors and the noise

        x <- g x + alpha Q_k A + alpha sum_i R_i xi_i,      R_i = h_i prod_{i<l<k} c_l
        y <- y + (sum_tau P_tau) x + (sum_tau Q_tau) A + sum_i W_i xi_i,  W_i = h_i sum_{i<tau<k} prod_{i<l<tau} c_l

    whose variances and covariance follow. A itself has m^2 D_S^2 + u V_S, which the stage multiplies by s^2. Raises
    ValueError for an anchor that moves within a stage.
    """
    if algorithm.anchor_every is not None:
        raise ValueError("exact moments: the anchor must move once a stage.")
    m, u, found = 1.0, 0.0, []
    for stage in algorithm.stages:
        eta = np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64).reshape(stage.T, stage.k)
        h, b, alpha = curvature * eta, eta * stage.beta, stage.alpha
        c = 1 - h - b
        P, Q, sum_P, sum_Q = (np.full(stage.T, start) for start in (1.0, 0.0, 0.0, 0.0))
        for tau in range(stage.k):
            sum_P, sum_Q = sum_P + P, sum_Q + Q
            P, Q = c[:, tau] * P, c[:, tau] * Q + b[:, tau]
        reach, total, squares, cross, sums = (np.full(stage.T, start) for start in (1.0, 0.0, 0.0, 0.0, 0.0))
        for tau in range(stage.k - 1, -1, -1):  # reach = prod_{tau<l<k} c_l, total = sum_{tau<i<k} prod_{tau<l<i} c_l
            R, W = h[:, tau] * reach, h[:, tau] * total
            squares, cross, sums = squares + R**2, cross + R * W, sums + W**2
            reach, total = c[:, tau] * reach, 1 + c[:, tau] * total
        g = 1 - alpha + alpha * P
        A, B = scan(g, alpha * Q)
        slow = A + B
        mean = np.cumsum(sum_P * _before(slow, 1.0) + sum_Q)
        _, own = scan(g**2, alpha**2 * squares)
        _, joint = scan(g, g * sum_P * _before(own, 0.0) + alpha * cross)
        spread = np.cumsum(2 * sum_P * _before(joint, 0.0) + sum_P**2 * _before(own, 0.0) + sums)
        steps = stage.k * np.arange(1.0, stage.T + 1)
        of = {"last": (slow, own), "average": (mean / steps, spread / steps**2)}
        found.append([(s * m, s**2 * u + noise) for s, noise in of.values()])
        s, noise = of[stage.output]
        m, u = float(s[-1]) * m, float(s[-1]) ** 2 * u + float(noise[-1])
    joined = [[np.concatenate(parts) for parts in zip(*output, strict=True)] for output in zip(*found, strict=True)]
    return Outputs(*(Moments(ms, ms**2, us) for ms, us in joined))


def _before(values: Floats, start: float) -> Floats:
    """What each round starts from, (T,)."""
    return np.append(start, values[:-1])


def mean_estimation_generalization(m: npt.ArrayLike, lam: float, variance: float, n: npt.ArrayLike) -> Floats:
    """E[F(theta_T) - F_S(theta_T)] = lam (1 - m) Var / n, exactly, with Var = E||z - E z||^2.

    F - F_S = lam <theta, zbar - E z> plus terms of expectation 0, and E[theta_T | S] = zbar + m (theta_0 - zbar).
    """
    return lam * (1 - np.asarray(m)) * variance / np.asarray(n, dtype=np.float64)


def linear_generalization_last(
    eta: npt.ArrayLike,
    n: npt.ArrayLike,
    T: npt.ArrayLike,
    k: npt.ArrayLike,
    alpha: npt.ArrayLike,
    radius: float,
    start_norm: float = 0.0,
) -> Floats:
    """alpha eta k T / n, half of Theorem 1's bound; nan where the ball may be left (``linear_stays_inside``).

    theta_T = theta_0 + alpha eta sum_j z_{i_j}, F - F_S = <zbar, theta>, and E<zbar, z_i> = E||zbar||^2 = 1/n.
    """
    eta, n, T, k, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (eta, n, T, k, alpha)))
    inside = linear_stays_inside(eta, T, k, alpha, radius, start_norm)
    return np.where(inside, alpha * eta * k * T / n, np.nan)


def linear_generalization_average(
    eta: npt.ArrayLike,
    n: npt.ArrayLike,
    T: npt.ArrayLike,
    k: npt.ArrayLike,
    alpha: npt.ArrayLike,
    radius: float,
    start_norm: float = 0.0,
) -> Floats:
    """(eta/(2n)) (alpha k (T-1) + k - 1), the mean over the fast iterates, half of Theorem 1's bound; nan as above."""
    eta, n, T, k, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (eta, n, T, k, alpha)))
    inside = linear_stays_inside(eta, T, k, alpha, radius, start_norm)
    return np.where(inside, eta / (2 * n) * (alpha * k * (T - 1) + k - 1), np.nan)


def linear_stays_inside(
    eta: npt.ArrayLike,
    T: npt.ArrayLike,
    k: npt.ArrayLike,
    alpha: npt.ArrayLike,
    radius: float,
    start_norm: float = 0.0,
) -> npt.NDArray[np.bool_]:
    """||theta_0|| + eta (alpha k (T-1) + k) <= radius: no fast step can reach the sphere, whatever is drawn."""
    eta, T, k, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (eta, T, k, alpha)))
    return start_norm + eta * (alpha * k * (T - 1) + k) <= radius * (1 + 4 * np.finfo(float).eps)


def stationary_noise_ratio(h: npt.ArrayLike, k: npt.ArrayLike, alpha: npt.ArrayLike) -> Floats:
    """Stationary E||theta - zbar||^2 of Lookahead over matched SGD on a quadratic with constant step, h = eta lam.

    With p = (1-h)^k, w = h (1-p^2)/(2-h): Lookahead's is alpha^2 w/(1 - (1-alpha+alpha p)^2) =
    alpha h (1+p)/((2-h)(2 - alpha(1-p))), matched SGD's (step alpha h) alpha h/(2 - alpha h). The quotient is
    (1+p)(2 - alpha h)/((2-h)(2 - alpha(1-p))): below 1 where k h >> 1, the edge Lookahead has of its own.
    """
    h, k, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (h, k, alpha)))
    p = (1 - h) ** k
    return (1 + p) * (2 - alpha * h) / ((2 - h) * (2 - alpha * (1 - p)))
