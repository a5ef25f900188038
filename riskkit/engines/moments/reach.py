"""How far a run on squared losses may go, whatever is drawn: no point before its projection is longer.

Let ||x|| <= X and |y| <= Y. With s = ||x||^2, p = c + f lam and q = p + f s the point c v + f g, where
g = (<x, v> - y) x + lam v, has the part q <u, v> - f sqrt(s) y along u = x/||x|| and the part p v across it. If
||v|| <= B it is no longer than max(|p|, |q|) B + |f| sqrt(s) Y. If f < 0 and p + q > 0, its square, a parabola in
<u, v> that opens downwards, is at most

    p^2 B^2 + f^2 s Y^2 + q^2 f^2 s Y^2 / (p^2 - q^2) = p^2 (B^2 + |f| Y^2 / (p + q)),

which is largest where s = X^2. So a step on a ridge, of size eta <= 1/(X^2 + lam), does not leave a ball of radius B
with B^2 (1 - p^2) (p + q) >= eta p^2 Y^2, where p = 1 - eta lam and q = p - eta X^2.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from riskkit.algorithms.linear import Floats
from riskkit.engines.moments.maps import linear_maps
from riskkit.problem import Problem, Squared

compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")

CHUNK = 2**13
"""Steps whose maps are made at a time."""


@functools.lru_cache(maxsize=1024)
def farthest(problem: Problem, law: Squared, algorithm: Any) -> float:
    """Norm that no point of a run exceeds before its projection; inf where none is known."""
    maps = linear_maps(algorithm)
    assert maps is not None
    if not math.isfinite(law.longest) or not math.isfinite(law.largest):
        return math.inf
    bounds = np.abs(maps.start) * float(np.linalg.norm(np.asarray(problem.start, dtype=np.float64)))
    reached = np.zeros(1)
    for done in range(0, algorithm.steps, CHUNK):
        made = maps.steps(done, min(CHUNK, algorithm.steps - done))
        _follow(*made, law.ridge, law.longest, law.largest, bounds, reached)
    return float(reached[0])


@compiled  # type: ignore[untyped-decorator]
def _follow(
    transition: Floats,
    push: Floats,
    query: Floats,
    landing: Floats,
    fall: Floats,
    ridge: float,
    longest: float,
    largest: float,
    bounds: npt.NDArray[np.float64],
    reached: npt.NDArray[np.float64],
) -> None:
    """J steps with a state of m parts; ``bounds`` (m,), of the parts, and ``reached`` (1,) are changed in place."""
    J, m = push.shape
    fresh = np.zeros(m)
    for j in range(J):
        place, parts = 0, 0
        for i in range(m):
            if query[j, i] != 0.0:
                place = i
                parts += 1
        if parts != 1 or query[j, place] != 1.0:
            reached[0] = np.inf
            return
        B = bounds[place]
        far = _bound(landing[j, place], fall[j], B, ridge, longest, largest)
        for k in range(m):
            if k != place:
                far += abs(landing[j, k]) * bounds[k]
        reached[0] = max(reached[0], far)
        for i in range(m):
            fresh[i] = _bound(transition[j, i, place], push[j, i], B, ridge, longest, largest)
            for k in range(m):
                if k != place:
                    fresh[i] += abs(transition[j, i, k]) * bounds[k]
        bounds[:] = fresh


@compiled  # type: ignore[untyped-decorator]
def _bound(c: float, f: float, B: float, ridge: float, longest: float, largest: float) -> float:
    """Of the norm of c v + f g, where ||v|| <= B."""
    p = c + f * ridge
    q = p + f * longest * longest
    found = max(abs(p), abs(q)) * B + abs(f) * longest * largest
    if f < 0.0 and p + q > 0.0:
        found = min(found, abs(p) * math.sqrt(B * B - f * largest * largest / (p + q)))
    return found
