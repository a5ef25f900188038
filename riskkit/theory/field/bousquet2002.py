r"""With high probability: the generalization error of an algorithm that is uniformly stable, on one sample.

Setting: every l(.; z) convex, L-smooth, G-Lipschitz and of range M on Theta; eta_j <= 2/L. Full-batch gradient descent,
    or SGD that goes through all examples again and again (reshuffled or in one order), after whole passes. The order is
    drawn independently of S.
Claim: with probability 1 - delta at most O(beta log n log(1/delta) + M sqrt(log(1/delta)/n)) (Bousquet, Klochkov,
    Zhivotovskiy, COLT 2020; Feldman, Vondrak, COLT 2019), an order: no constant is judged.
Explicit: beta + (2 n beta + M) sqrt(log(1/delta)/(2 n)), beta = (2 G^2/n) sum_j eta_j.
Proof. Fix the order. Replacing one example moves the output by at most (2 G/n) sum_j eta_j with full batches
    (``gradient_descent``); in passes it is met once a pass, and adds at most 2 eta G each time: with a constant eta
    2 eta G K = (2 G/n) eta J. So losses move by at most beta, whatever S and z'. Let Phi(S) = F - F_S at the output.
    E Phi <= beta, since E Phi = E[l(A(S^i); z_i) - l(A(S); z_i)]. Replacing an example moves F by at most beta, and F_S
    by at most (n - 1) beta/n + M/n: Phi by at most 2 beta + M/n. McDiarmid: P(Phi - E Phi >= t) <=
    exp(-2 t^2/(n (2 beta + M/n)^2)).
Reading: 2 n beta = 4 G^2 eta J has to be small beside M, so that it says something of short runs only, eta J << M/G^2;
    M/sqrt n stays even where beta is 0. The quantiles of F - F_S that are measured have that part too, the
    fluctuation of F_S itself. With independent draws an example may be met often: no uniform beta is proved there.
Source: Bousquet, Elisseeff, JMLR 2002 (Theorem 12, for a deletion; re-proved for a replacement).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats
from riskkit.theory.field.hardt2016 import largest_convex_step
from riskkit.theory.field.setting import constant_steps, steps_at_most, unmixed
from riskkit.theory.hypotheses import convex, finite, within_reach

TITLE = "the high-probability bound of Bousquet and Elisseeff"


def _every_example(problem: Problem, algorithm: Any) -> str | None:
    if algorithm.sampling in ("without replacement", "one shuffle"):
        return None
    return f"{TITLE} needs each example met equally often, in passes or full batches; got {algorithm.sampling}."


def _bounded(problem: Problem, algorithm: Any) -> str | None:
    if math.isfinite(problem.constants.M):
        return None
    return f"{TITLE} needs a loss of finite range M; {problem.name} has none. Restrict Theta to a ball."


HYPOTHESES = (
    unmixed(TITLE),
    _every_example,
    convex(TITLE),
    finite(TITLE, "G", "L"),
    _bounded,
    constant_steps(TITLE),
    steps_at_most(TITLE, "2/L", largest_convex_step),
    within_reach(TITLE),
)


def excludes(problem: Problem, algorithm: Any) -> str | None:
    """Why nothing is said of the run, or None."""
    return next((reason for ask in HYPOTHESES if (reason := ask(problem, algorithm)) is not None), None)


def generalization(at: At, delta: float) -> Floats:
    """What F - F_S of the last iterate exceeds with probability delta at most, (K,): after whole passes; of a batch,
    only of all n."""
    examples = at.steps * at.algorithm.batch
    whole = np.where((examples % at.n == 0) & (at.algorithm.batch in (1, at.n)), 1.0, np.nan)
    beta = 2 * at.constants.G**2 * at.step_sizes[0] * at.steps / at.n
    return whole * (beta + (2 * at.n * beta + at.constants.M) * math.sqrt(math.log(1 / delta) / (2 * at.n)))
