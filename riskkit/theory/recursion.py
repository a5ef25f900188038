"""The recursion that all proofs share, evaluated over whole grids.

Within a round every proof bounds some x (a squared distance, a gap, a stability) by affine steps, so that the fast
weights end the round at ``p_t x_{t-1} + w_t``; the outer step mixes, x being convex:

    x_t = (1 - alpha + alpha p_t) x_{t-1} + alpha w_t + alpha (1 - alpha) c_t

(``c_t`` is what mixing costs where x is not convex; else 0.) p, w and c depend on k alone, so that one pass per (k,
alpha) answers every T and every starting value x_0.

Shapes: ``T`` rounds, ``P`` cells. t counts rounds, j counts gradients; round t covers j in [(t-1) k, t k).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from riskkit.theory.bound import Floats


class Rounds(NamedTuple):
    """What a round does to x, for t = 1..T, each (T,); ``mixing`` the number 0 where x is convex."""

    contraction: Floats
    addition: Floats
    mixing: Floats | float = 0.0


class Solution(NamedTuple):
    """x_T = initial * x_0 + noise + mixing, each of the cells' shape."""

    initial: Floats
    noise: Floats
    mixing: Floats


def scan(a: Floats, *b: Floats) -> tuple[Floats, ...]:
    """Running solutions of x_t = a_t x_{t-1} + b_t along the last axis: (A, B, ...) with x_t = A_t x_0 + B_t, each of
    one shape (..., T).

    Composes the affine maps by doubling: log2(T) vectorised passes, and neither a division nor a difference, so that
    for a in [0, 1] and b >= 0 the relative error stays within some log2(T) roundings of each term.
    """
    A, B = a.copy(), [part.copy() for part in b]
    shift = 1
    while shift < A.shape[-1]:
        for part in B:
            part[..., shift:] += A[..., shift:] * part[..., :-shift]
        A[..., shift:] *= A[..., :-shift].copy()
        shift *= 2
    return A, *B


def compose(a: Floats, *b: Floats) -> tuple[Floats, ...]:
    """What ``scan`` ends in, (A_T, B_T, ...) of shape (..., 1), by the same products and sums and no others."""
    A, B = a, list(b)
    while A.shape[-1] > 1:
        odd = A.shape[-1] % 2  # the earliest map waits
        earlier, later = (slice(odd, None, 2), slice(odd + 1, None, 2))
        B = [np.concatenate([x[..., :odd], x[..., later] + A[..., later] * x[..., earlier]], axis=-1) for x in B]
        A = np.concatenate([A[..., :odd], A[..., later] * A[..., earlier]], axis=-1)
    return A, *B


TOGETHER = 2**13
"""Numbers that are scanned together: they stay in cache."""


def solve(T: Floats, k: Floats, alpha: Floats, rounds: Callable[[int, int], Rounds]) -> Solution:
    """The recursion at every cell: T, k, alpha of one shape, ``rounds(T, k)`` what each round does for a given k.

    One call of ``rounds`` for each k, one scan for each (k, alpha), both for the largest T they are asked for; where it
    is the only one, what lies before is not made.
    """
    shape = T.shape
    T, k, alpha = T.ravel(), k.ravel(), alpha.ravel()
    found = Solution(np.empty(T.size), np.empty(T.size), np.zeros(T.size))
    for period, of_k in groups(k):
        made = rounds(int(T[of_k].max()), int(period))
        p, w = made.contraction, made.addition
        mixes = groups(alpha[of_k])
        rows = max(1, TOGETHER // p.size)
        for some in (mixes[first : first + rows] for first in range(0, len(mixes), rows)):
            cells = of_k[np.concatenate([within for _, within in some])]
            row = np.repeat(np.arange(len(some)), [len(within) for _, within in some])
            last = T[cells].astype(np.int64) - 1
            stop = int(last.max()) + 1
            mix = np.array([value for value, _ in some])[:, None]
            maps = [1 - mix + mix * p[:stop], mix * w[:stop]]
            if isinstance(made.mixing, np.ndarray):
                maps.append(mix * (1 - mix) * made.mixing[:stop])
            alone = int(last.min()) + 1 == stop
            for answer, curves in zip(found, (compose if alone else scan)(*maps), strict=False):
                answer[cells] = curves[row, 0 if alone else last]
    return Solution(*(answer.reshape(shape) for answer in found))


def groups(values: Floats) -> list[tuple[float, np.ndarray]]:
    """(value, where it stands) for each distinct value of an array (P,)."""
    if values.size and (values == values[0]).all():
        return [(float(values[0]), np.arange(values.size))]
    distinct, inverse = np.unique(values, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    edges = np.searchsorted(inverse[order], np.arange(distinct.size + 1))
    return [(float(value), order[edges[i] : edges[i + 1]]) for i, value in enumerate(distinct)]


def fold(factor: Floats, term: Floats) -> tuple[Floats, Floats]:
    """One round of the fast recursion x <- factor_j x + term_j, step by step: (T, k) each -> p, w (T,)."""
    p, w = np.ones(len(factor)), np.zeros(len(factor))
    for tau in range(factor.shape[1]):
        w = factor[:, tau] * w + term[:, tau]
        p = factor[:, tau] * p
    return p, w


@functools.lru_cache(maxsize=64)
def inverse_time_rounds(T: int, k: int, offset: float) -> Rounds:
    """A round of x <- ((j + j0 - 2) / (j + j0)) x + 1 / (j + j0)^2, the step of Theorems 2 and 3 in units of its noise.

    (j+j0-2)/(j+j0) telescopes over j = s .. e-1:

        p = (s+j0-2)(s+j0-1) / ((e+j0-2)(e+j0-1))
        w = sum_j 1/(j+j0)^2 * (j+j0-1)(j+j0) / ((e+j0-2)(e+j0-1)) = sum_j (j+j0-1)/(j+j0) / ((e+j0-2)(e+j0-1))

    At k = j0 = 1 the first round is one step, with p = -1 and w = 1, the limits of both.

    ``mixing`` is k sum_j 1 / (j + j0)^2, the bound on E||v_k - v_0||^2 in the same units. Kept, read-only: every form
    of every bound on a run asks for the same ones.
    """
    j = np.arange(T * k, dtype=np.float64).reshape(T, k) + offset
    start, end = j[:, 0], j[:, -1] + 1
    scale = (end - 2) * (end - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, w = (start - 2) * (start - 1) / scale, ((j - 1) / j).sum(axis=1) / scale
    p, w = np.where(scale == 0, -1.0, p), np.where(scale == 0, 1.0, w)
    made = Rounds(p, w, k * (j**-2).sum(axis=1))
    for part in made:
        np.asarray(part).setflags(write=False)
    return made
