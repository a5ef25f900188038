"""Expectations over S and the draws, in closed form given the moments of an algorithm.

On a quadratic loss (``riskkit.problem.Quadratic``) the output theta has, given S, a mean a theta_0 + b zbar and in each
coordinate a variance c V (``riskkit.engines.moments``). With S i.i.d., E zbar = mean, Var zbar = variance/n
and E V = (1 - 1/n) variance, and where every curvature is positive nothing of S is left:

    optimization      (1/2) sum h ((a theta_0 + (b - 1) mean)^2 + (b - 1)^2 variance/n + c (1 - 1/n) variance)
    generalization    sum w b variance/n

in units in which the minimizer of F_S is zbar. A curvature of 0 leaves F_S* to be taken of the drawn S; then only the
generalization error, and what is said of stability, is free of it. Stability is the norm of a difference, which is
linear in one example where all draws enter with one sign and all coordinates alike: E is b/n E||z - z'||.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from riskkit.engines import moments
from riskkit.problem import Problem


def complete(problem: Problem, algorithm: Any, n: int, rounds: Sequence[int]) -> bool:
    """Whether the expectation of the stability is known as well."""
    law = moments.quadratic(problem)
    assert law is not None
    if len(set(zip(law.curvatures, law.pulls, strict=True))) > 1 or np.isnan(law.apart):
        return False
    return moments.responses(problem, algorithm, n, np.asarray(rounds)).one_sign


def expectations(problem: Problem, algorithm: Any, n: int, rounds: Sequence[int]) -> dict[str, np.ndarray]:
    """Quantity -> (K, 2), its expectation over S of size n and the draws, after ``rounds`` (K,), for those that are
    known without drawing S. ValueError, in one line, where the moments of the run are not known."""
    obstacle = moments.not_quadratic(problem) or moments.refusal(problem, algorithm, n)
    if obstacle is not None:
        raise ValueError(f"the expectations of {algorithm.name} on {problem.name} are not known: {obstacle}.")
    law = moments.quadratic(problem)
    assert law is not None
    found = moments.responses(problem, algorithm, n, np.asarray(rounds))
    h, w, mean, variance = (np.array(part) for part in law[:4])
    values = {"generalization": (w * found.mean * variance / n).sum(-1)}
    if complete(problem, algorithm, n, rounds):
        values["stability"] = found.mean[..., 0] / n * law.apart
    if not (h > 0).all():
        return values
    start = np.asarray(problem.start, dtype=np.float64)
    # In coordinates in which the minimizer of F_S is the mean of S.
    centre, spread = w / h * mean, (w / h) ** 2 * variance
    a, b, c = found.start, h / w * found.mean, (h / w) ** 2 * found.spread
    within = c * (1 - 1 / n) * spread
    square = (a * start + (b - 1) * centre) ** 2 + (b - 1) ** 2 * spread / n + within
    beyond = (a * start + (b - 1) * centre) ** 2 + b**2 * spread / n + within
    values["optimization"] = (h * square).sum(-1) / 2
    values["excess"] = values["optimization"] + values["generalization"]
    values["population_excess"] = (h * beyond).sum(-1) / 2
    values["distance"] = square.sum(-1)
    parts = np.stack([start**2, start * mean, mean**2 + variance / n, (1 - 1 / n) * variance])
    path = (found.squares * parts).sum((1, 2))
    values["path_moment"] = np.repeat(path[:, None], 2, axis=1)
    return values


def dataset_expectations(problem: Problem, n: int) -> dict[str, float] | None:
    """What ``Measured.dataset`` is on average; None where S has to be drawn for it."""
    law = moments.quadratic(problem)
    assert law is not None
    h, w, mean, variance = (np.array(part) for part in law[:4])
    if not (h > 0).all():
        return None
    square = (np.asarray(problem.start) - w / h * mean) ** 2 + (w / h) ** 2 * variance / n
    return {
        "start_distance": float(square.sum()),
        "start_gap": float((h * square).sum() / 2),
        "gradient_at_minimiser": 0.0,
        "control": 0.0,
        "control_start": 0.0,
        "control_pairs": 0.0,
    }
