"""The recursion of the moments given S for squared losses, compiled, over eight data sets at a time.

With l(t; x, y) = (1/2) (<x, t> - y)^2 + (lam/2) ||t||^2 the gradient at v of an example is its mean over S plus a noise
whose covariance depends on v. In coordinates in which A = X'X/n is diagonal, with the eigenvalues s and h = s + lam,
the mean over S is h v - r in each, r being X'y/n. A state of m parts a coordinate, at whose combination v = <query, s>
the gradient is taken, has the mean mu and, between the coordinates a and b, the covariance C_ab (m, m):

    mu_a <- (T + h_a push query') mu_a - r_a push
    C_ab <- (T + h_a push query') C_ab (T + h_b push query')' + push push' N_ab / batch,

T being the transition and N_ab the covariance of one example's gradient, over the examples and over v. With v = c + u
in the mean, Q = query' C query, and e_i = y_i - <x_i, c> at any point c,

    N_ab = (1/n) sum_i x_ia x_ib ((u'x_i - e_i)^2 + x_i' Q x_i) - s_a s_b Q_ab - (s_a v_a - r_a) (s_b v_b - r_b).

The sum is linear in the *features* Q + u u' (P pairs of coordinates), u and 1: the matrix of it is made once, or, where
examples are fewer than pairs, goes by way of the weights of the examples. Two runs on samples that differ in some
examples, with the same draws, have the same law between them, the left sample's numbers for a and the right's for b.

Eight data sets go together, one to a lane of each vector; none depends on the others.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from riskkit.vectors import fma, inlined, load, peek, put, spread, spread_at, store

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")

LANES = 8


@compiled  # type: ignore[untyped-decorator]
def advance(
    transition: Floats,
    push: Floats,
    query: Floats,
    batch: int,
    first: Places,
    second: Places,
    values: Floats,
    curvatures: Floats,
    pulls: Floats,
    centre: Floats,
    inward: Floats,
    outward: Floats,
    mean: Floats,
    C: Floats,
    squares: Floats,
) -> None:
    """J steps with a state of m parts. ``mean``, ``C`` and ``squares`` are changed in place.

    The sides are the samples, S = 1 or 2 (left and right); pair p is of coordinate first[p] of the left side and
    second[p] of the right one, (P,). What follows is flat, and has LANES as its last axis. ``values, curvatures, pulls,
    centre``: s, h, r and c, (S, d). ``inward`` takes the features (E = P + 2 d + 1: the pairs, u of either side, 1) to
    the pairs, (P, E), or where ``outward`` (P, n) has examples, to the weights of the examples, (n, E), which
    ``outward`` takes to the pairs. ``mean``: (S, d, m); ``C``: (P, m, m); ``squares`` () gathers E||g_j||^2 if there is
    one sample.
    """
    J, m = push.shape
    P = len(first)
    E = len(inward) // LANES
    examples = len(outward) // (P * LANES)
    E = E // examples if examples else E // P
    d = (E - P - 1) // 2
    S = len(values) // (d * LANES)
    right = (S - 1) * d
    moved, asked = np.zeros(m, dtype=np.int64), np.zeros(m, dtype=np.int64)
    pushed, factor, starts = np.zeros(m), np.zeros(m), np.zeros(m + 1, dtype=np.int64)
    column, term = np.zeros(m * m, dtype=np.int64), np.zeros(m * m)
    at, slope = np.zeros(S * d * LANES), np.zeros(S * d * LANES)
    features = np.zeros(E * LANES)
    features[(E - 1) * LANES :] = 1.0
    Q, N, weights = np.zeros(P * LANES), np.zeros(P * LANES), np.zeros(examples * LANES)
    across, fresh = np.zeros(m * LANES), np.zeros(m * m * LANES)
    share = 1.0 / batch
    for j in range(J):
        # Which parts the step moves, by which terms; and of which parts the gradient is taken.
        count = terms = queries = 0
        for i in range(m):
            if query[j, i] != 0.0:
                put(asked, queries, i)
                put(factor, queries, query[j, i])
                queries += 1
            still = push[j, i] == 0.0
            for k in range(m):
                still = still and transition[j, i, k] == (1.0 if i == k else 0.0)
            if not still:
                put(moved, count, i)
                put(pushed, count, push[j, i])
                put(starts, count, terms)
                count += 1
                for k in range(m):
                    if transition[j, i, k] != 0.0:
                        put(column, terms, k)
                        put(term, terms, transition[j, i, k])
                        terms += 1
                put(starts, count, terms)

        for a in range(S * d):
            v = spread(0.0, mean)
            for q in range(queries):
                v = fma(spread_at(factor, q), load(mean, (a * m + peek(asked, q)) * LANES), v)
            r = load(pulls, a * LANES)
            store(features, (P + a) * LANES, v - load(centre, a * LANES))
            store(at, a * LANES, load(values, a * LANES) * v - r)
            store(slope, a * LANES, load(curvatures, a * LANES) * v - r)
        if S == 1:
            for a in range(d):
                store(features, (P + d + a) * LANES, load(features, (P + a) * LANES))

        for p in range(P):
            found = spread(0.0, C)
            for q in range(queries):
                for o in range(queries):
                    both = spread(peek(factor, q) * peek(factor, o), C)
                    found = fma(both, load(C, ((p * m + peek(asked, q)) * m + peek(asked, o)) * LANES), found)
            store(Q, p * LANES, found)
            left_u = load(features, (P + peek(first, p)) * LANES)
            store(features, p * LANES, fma(left_u, load(features, (P + d + peek(second, p)) * LANES), found))
        if examples == 0:
            _times(inward, features, N)
        else:
            _times(inward, features, weights)
            _times(outward, weights, N)
        total = load(squares, 0)
        for p in range(P):
            a, b = peek(first, p), right + peek(second, p)
            bend = load(values, a * LANES) * load(values, b * LANES)
            there = load(Q, p * LANES)
            noise = load(N, p * LANES) - bend * there - load(at, a * LANES) * load(at, b * LANES)
            noise = spread(share, C) * noise
            store(N, p * LANES, noise)
            if S == 1 and a == b:
                h, g = load(curvatures, a * LANES), load(slope, a * LANES)
                total = total + g * g + h * h * there + noise
        store(squares, 0, total)

        for p in range(P):
            own = p * m * m
            # M C: the moved rows.
            h = load(curvatures, peek(first, p) * LANES)
            for k in range(m):
                v = spread(0.0, C)
                for q in range(queries):
                    v = fma(spread_at(factor, q), load(C, (own + peek(asked, q) * m + k) * LANES), v)
                store(across, k * LANES, h * v)
            for o in range(count):
                for k in range(m):
                    v = spread_at(pushed, o) * load(across, k * LANES)
                    for i in range(peek(starts, o), peek(starts, o + 1)):
                        v = fma(spread_at(term, i), load(C, (own + peek(column, i) * m + k) * LANES), v)
                    store(fresh, (o * m + k) * LANES, v)
            for o in range(count):
                for k in range(m):
                    store(C, (own + peek(moved, o) * m + k) * LANES, load(fresh, (o * m + k) * LANES))
            # (M C) M': the moved columns, and the noise.
            h = load(curvatures, (right + peek(second, p)) * LANES)
            for k in range(m):
                v = spread(0.0, C)
                for q in range(queries):
                    v = fma(spread_at(factor, q), load(C, (own + k * m + peek(asked, q)) * LANES), v)
                store(across, k * LANES, h * v)
            for o in range(count):
                for k in range(m):
                    v = spread_at(pushed, o) * load(across, k * LANES)
                    for i in range(peek(starts, o), peek(starts, o + 1)):
                        v = fma(spread_at(term, i), load(C, (own + k * m + peek(column, i)) * LANES), v)
                    store(fresh, (o * m + k) * LANES, v)
            for o in range(count):
                for k in range(m):
                    store(C, (own + k * m + peek(moved, o)) * LANES, load(fresh, (o * m + k) * LANES))
            noise = load(N, p * LANES)
            for o in range(count):
                for q in range(count):
                    place = (own + peek(moved, o) * m + peek(moved, q)) * LANES
                    both = spread(peek(pushed, o) * peek(pushed, q), C)
                    store(C, place, fma(both, noise, load(C, place)))

        for a in range(S * d):
            g = load(slope, a * LANES)
            for o in range(count):
                v = spread_at(pushed, o) * g
                for i in range(peek(starts, o), peek(starts, o + 1)):
                    v = fma(spread_at(term, i), load(mean, (a * m + peek(column, i)) * LANES), v)
                store(fresh, o * LANES, v)
            for o in range(count):
                store(mean, (a * m + peek(moved, o)) * LANES, load(fresh, o * LANES))


@inlined  # type: ignore[untyped-decorator]
def _times(matrix: Any, vector: Any, product: Any) -> None:
    """product (M, LANES) = matrix (M, N, LANES) vector (N, LANES), lane by lane; flat. Four rows go together, whose
    sums do not wait for each other."""
    M, N = len(product) // LANES, len(vector) // LANES
    for i in range(0, M - 3, 4):
        one = two = three = four = spread(0.0, product)
        for k in range(N):
            v, place = load(vector, k * LANES), (i * N + k) * LANES
            one = fma(load(matrix, place), v, one)
            two = fma(load(matrix, place + N * LANES), v, two)
            three = fma(load(matrix, place + 2 * N * LANES), v, three)
            four = fma(load(matrix, place + 3 * N * LANES), v, four)
        store(product, i * LANES, one)
        store(product, (i + 1) * LANES, two)
        store(product, (i + 2) * LANES, three)
        store(product, (i + 3) * LANES, four)
    for i in range(M // 4 * 4, M):
        one = spread(0.0, product)
        for k in range(N):
            one = fma(load(matrix, (i * N + k) * LANES), load(vector, k * LANES), one)
        store(product, i * LANES, one)
