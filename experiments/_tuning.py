"""Step sizes tuned by exact moments: on AnisotropicMean the excess risk of the last iterate is known at any setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter
from scipy.optimize import minimize

from riskkit.theory import exact_moments
from riskkit.theory.bound import At, Floats


def exact_excess(problem: Any, algorithm: Any, n: int) -> float:
    """E[F(theta) - F_S(theta*_S)] of the last iterate at the end of a run; ``problem``: an AnisotropicMean.

    It is sum_i h_i (E theta_i^2 + 1/(dn))/2, because F_S(theta*_S) = sum_i h_i V_i/2 with E V_i = (1 - 1/n)/d; and
    theta_i - zbar_i has mean m (start_i - zbar_i) and second moment m^2 (start_i^2 + 1/(dn)) + u (1 - 1/n)/d.
    """
    d, total = problem.dim, 0.0
    ends = (part[-1].tolist() for part in exact_moments.staged_moments(algorithm, problem.curvatures)[::2])
    for h, start, m, u in zip(problem.curvatures, problem.start, *ends, strict=True):
        square = m**2 * (start**2 + 1 / (d * n)) + u * (1 - 1 / n) / d + (1 - 2 * m) / (d * n)
        total += h * (square + 1 / (d * n)) / 2
    return total


def at_the_end(at: At) -> Floats:
    """``exact_excess`` of cells that are all the ends of their runs, (K,)."""
    return np.full(len(at.rounds), exact_excess(at.problem, at.algorithm, at.n))


def least(objective: Callable[..., float], *ranges: tuple[float, float], tries: int = 8) -> tuple[float, ...]:
    """The minimizer of a smooth function of positive numbers within their ranges: from every local minimum of a grid of
    ``tries`` logarithms an axis, Nelder and Mead's method in logarithms, to four digits of each number."""
    ends = [np.log(pair) for pair in ranges]
    axes = [np.linspace(low, high, tries) for low, high in ends]
    places = list(np.ndindex(*[tries] * len(axes)))
    starts = {place: np.array([axis[i] for axis, i in zip(axes, place, strict=True)]) for place in places}
    values = np.array([objective(*np.exp(starts[place])) for place in places]).reshape([tries] * len(axes))
    lowest = minimum_filter(values, size=3, mode="nearest")
    found = [
        minimize(
            lambda x: objective(*np.exp(x)),
            starts[place],
            method="Nelder-Mead",
            bounds=ends,
            options={"xatol": 1e-3, "fatol": 1e-7},
        )
        for place in places
        if values[place] == lowest[place]
    ]
    best = np.exp(min(found, key=lambda one: one.fun).x)
    return tuple(float(f"{value:.4g}") for value in best)  # to what was found, so that no platform's last bit counts
