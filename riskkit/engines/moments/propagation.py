"""How each output of an algorithm answers theta_0, the mean of S and its spread, on a quadratic loss.

On losses with grad l(t; z)_i = h_i t_i - w_i z_i every output of an algorithm that is linear in the gradient is, given
S, of mean start_i theta_0i + mean_i zbar_i and of variance spread_i V_i in coordinate i, with zbar the mean of S and
V_i = (1/n) sum (z_i - zbar_i)^2. The three numbers do not depend on S: one pass over the steps serves every dataset.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.linear import Floats
from riskkit.engines.moments.declared import quadratic
from riskkit.engines.moments.kernel import SIGN, advance
from riskkit.engines.moments.maps import linear_maps
from riskkit.problem import Problem

CHUNK = 2**13
"""Steps whose maps are made at a time."""


@dataclasses.dataclass(frozen=True)
class Responses:
    """At K checkpoints, for the 2 outputs and d coordinates.

    Attributes:
        start, mean, spread: (K, 2, d): given S an output has the mean start theta_0 + mean zbar, the variance spread V.
        squares: (K, 4, d): the mean over the steps so far of E[g_j^2 | S] is squares . (theta_0^2, theta_0 zbar,
            zbar^2, V).
        farthest: norm that no point before its projection exceeds; inf where that is not known.
        one_sign: whether every output answers every draw by a multiple of it that is not negative.
    """

    start: Floats
    mean: Floats
    spread: Floats
    squares: Floats
    farthest: float
    one_sign: bool


def refusal(problem: Problem, algorithm: Any, n: int) -> str | None:
    """Why the moments of a run on n examples are not known, or None."""
    law = quadratic(problem)
    if law is None:
        return f"{problem.name} does not say that its losses are quadratic"
    if traits.sampling(algorithm) == "one stream for all":
        return "its replicates share their draws"
    if traits.sampling(algorithm) == "one shuffle":
        return "its passes share their order"
    if linear_maps(algorithm) is None:
        return f"{algorithm.name} does not say that it is linear in the gradient"
    if problem.radius is None:
        return None
    if traits.overshoots(algorithm):
        return "alpha > 1 would leave Theta, a ball"
    pulled = max(abs(w) / h if h > 0 else 0.0 for h, w in zip(law.curvatures, law.pulls, strict=True))
    if not pulled * law.longest <= problem.radius:
        return "a minimiser of F_S may lie outside of Theta, and the one over Theta is then on its boundary"
    end = np.array([traits.rounds(algorithm)])
    if not responses(problem, algorithm, n, end).farthest <= problem.radius * (1 + 4 * np.finfo(float).eps):
        return "its steps may leave Theta and be projected"
    return None


def responses(problem: Problem, algorithm: Any, n: int, rounds: npt.NDArray[np.int64]) -> Responses:
    """The responses, for n examples, after the given rounds (K,), ascending; kept, since every block of replicates asks
    for the same, and every n where draws are independent."""
    return _responses(problem, algorithm, _epoch(algorithm, n), tuple(int(t) for t in rounds))


@functools.lru_cache(maxsize=1024)
@np.errstate(over="ignore", invalid="ignore")  # a run that diverges answers with inf or nan
def _responses(problem: Problem, algorithm: Any, epoch: int, rounds: tuple[int, ...]) -> Responses:
    law, maps = quadratic(problem), linear_maps(algorithm)
    assert law is not None
    assert maps is not None
    taken = traits.steps_after(algorithm, np.array(rounds))
    outputs = maps.outputs(taken)
    pairs = list(dict.fromkeys(zip(law.curvatures, law.pulls, strict=True)))
    kinds = [_one(maps, outputs, taken, h, w, traits.batch(algorithm), epoch) for h, w in pairs]
    which = [pairs.index(pair) for pair in zip(law.curvatures, law.pulls, strict=True)]
    start, mean, spread, squares = (np.stack([kinds[p][part] for p in which], axis=-1) for part in range(4))
    reach = np.array([kind[4] for kind in kinds])
    one_sign = bool(reach[:, 2].min() >= SIGN)
    farthest = np.inf
    if one_sign and len(pairs) == 1:
        # a theta_0 + sum c_j z_j with c_j >= 0 is no longer than |a| ||theta_0|| + (sum c_j) max ||z||.
        origin = float(np.linalg.norm(np.asarray(problem.start, dtype=np.float64)))
        farthest = reach[0, 0] * origin + reach[0, 1] * law.longest
    return Responses(start, mean, spread, squares, farthest, one_sign)


def _epoch(algorithm: Any, n: int) -> int:
    """Draws in an epoch; 0 where draws are independent."""
    return n if traits.sampling(algorithm) == "without replacement" else 0


def _one(
    maps: Any, outputs: Floats, taken: npt.NDArray[np.int64], h: float, w: float, batch: int, epoch: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """start, mean, spread (K, 2), squares (K, 4) and reach (3,) of one pair of curvature and pull."""
    m, K = len(maps.start), len(taken)
    x, y, r = maps.start.astype(np.float64).copy(), np.zeros(m), np.zeros(m)
    C, P, sums, reach = np.zeros((m, m)), np.zeros((m, m)), np.zeros(4), np.array([0.0, 0.0, np.inf])
    start, mean, spread, squares = np.empty((K, 2)), np.empty((K, 2)), np.empty((K, 2)), np.empty((K, 4))
    done = drawn = stop = 0
    for slot, until in enumerate(taken.tolist()):
        while done < until:
            if done == stop:
                first, stop = done, min(done + CHUNK, int(taken[-1]))
                made = maps.steps(first, stop - first)
            to = min(stop, until)
            here = (part[done - first : to - first] for part in made)
            drawn = advance(*here, h, w, batch, epoch, drawn, x, y, C, P, r, sums, reach)
            done = to
        covariance = C if epoch == 0 else (epoch * C - P - np.outer(r, r)) / (epoch - 1)
        rows = outputs[slot]
        start[slot], mean[slot] = rows @ x, rows @ y
        spread[slot] = np.einsum("oi,ij,oj->o", rows, covariance, rows)
        squares[slot] = sums / done
    return start, mean, spread, squares, reach
