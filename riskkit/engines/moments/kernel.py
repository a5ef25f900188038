"""The recursion of the moments, compiled: a pass over the steps for each distinct pair of curvature and pull.

For a coordinate with grad l(t; z) = h t - w z the state is x theta_0 + y zbar + noise, the noise being linear in the
deviations z_i - zbar of the drawn examples. With M = transition + h push query' and e = -w push,

    x <- M x,    y <- M y + e,    C <- M C M' + e e' / batch,

C being the covariance of the noise in units of the variance in S, if draws are independent. Without replacement two
draws of one epoch have the covariance -1/(n-1) of it. Then with r the answer to an input of 1 at every draw of the
epoch so far, and P the sum of r r' over the epochs that have ended, carried on by M,

    covariance = (n C - P - r r') / (n - 1).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

compiled: Any = numba.njit(cache=True, error_model="numpy")

SIGN = -1e-12
"""A coefficient from here on counts as not negative: 1 - eta h may miss 0 by rounding."""


@compiled  # type: ignore[untyped-decorator]
def advance(
    transition: Floats,
    push: Floats,
    query: Floats,
    landing: Floats,
    fall: Floats,
    h: float,
    w: float,
    batch: int,
    n: int,
    drawn: int,
    x: Floats,
    y: Floats,
    C: Floats,
    P: Floats,
    r: Floats,
    sums: Floats,
    reach: Floats,
) -> int:
    """Steps J with state of m parts; n = 0: draws are independent. All from ``x`` on is changed in place.

    ``drawn``: examples of the epoch so far, which is returned as it is afterwards. ``sums`` (4,) gathers E g_j^2 as the
    coefficients of theta_0^2, theta_0 zbar, zbar^2 and the variance. ``reach`` (3,): the largest multiples of theta_0
    and of inputs (an input of 1 at every draw) among the points that would be projected; and the least entry of any M
    or e: with none below 0, no output answers any draw with another sign.
    """
    J, m = push.shape
    M, half = np.zeros((m, m)), np.zeros((m, m))
    e, fresh = np.zeros(m), np.zeros(m)
    for j in range(J):
        qx = qy = qr = spread = epochs = 0.0
        for i in range(m):
            qx += query[j, i] * x[i]
            qy += query[j, i] * y[i]
            qr += query[j, i] * r[i]
            for k in range(m):
                spread += query[j, i] * C[i, k] * query[j, k]
                epochs += query[j, i] * P[i, k] * query[j, k]
        to_start, to_mean = h * qx, h * qy - w
        sums[0] += to_start * to_start
        sums[1] += 2 * to_start * to_mean
        sums[2] += to_mean * to_mean

        land_x, land_y = fall[j] * to_start, fall[j] * to_mean
        for i in range(m):
            land_x += landing[j, i] * x[i]
            land_y += landing[j, i] * y[i]
            reach[2] = min(reach[2], landing[j, i] + fall[j] * h * query[j, i])
        reach[0] = max(reach[0], abs(land_x))
        reach[1] = max(reach[1], abs(land_y))

        for i in range(m):
            e[i] = -w * push[j, i]
            reach[2] = min(reach[2], e[i])
            for k in range(m):
                M[i, k] = transition[j, i, k] + h * push[j, i] * query[j, k]
                reach[2] = min(reach[2], M[i, k])
        for i in range(m):
            fresh[i] = 0.0
            for k in range(m):
                fresh[i] += M[i, k] * x[k]
        x[:] = fresh
        for i in range(m):
            fresh[i] = e[i]
            for k in range(m):
                fresh[i] += M[i, k] * y[k]
        y[:] = fresh
        _carry(M, C, half)
        for i in range(m):
            for k in range(m):
                C[i, k] += e[i] * e[k] / batch
        if n == 0:
            sums[3] += h * h * spread + w * w / batch
            continue

        _carry(M, P, half)
        for i in range(m):
            fresh[i] = 0.0
            for k in range(m):
                fresh[i] += M[i, k] * r[k]
        r[:] = fresh
        left, together, first = batch, 0.0, float(min(batch, n - drawn)) / batch
        while left > 0:
            take = min(left, n - drawn)
            share = float(take) / batch
            together += share * share
            for i in range(m):
                r[i] += e[i] * share
            left -= take
            drawn += take
            if drawn == n:
                for i in range(m):
                    for k in range(m):
                        P[i, k] += r[i] * r[k]
                r[:] = 0.0
                drawn = 0
        noise = (n / batch - together) * w * w
        sums[3] += (h * h * (n * spread - epochs - qr * qr) + noise + 2 * h * w * qr * first) / (n - 1)
    return drawn


@compiled  # type: ignore[untyped-decorator]
def _carry(M: Floats, C: Floats, half: Floats) -> None:
    """C <- M C M', in place."""
    m = M.shape[0]
    for i in range(m):
        for k in range(m):
            total = 0.0
            for o in range(m):
                total += M[i, o] * C[o, k]
            half[i, k] = total
    for i in range(m):
        for k in range(i + 1):
            total = 0.0
            for o in range(m):
                total += half[i, o] * M[k, o]
            C[i, k] = total
            C[k, i] = total
