"""Squared losses: which runs on them have moments given S."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.engines.moments.declared import not_squared, squared
from riskkit.engines.moments.maps import linear_maps
from riskkit.engines.moments.reach import farthest
from riskkit.problem import Problem


def refusal_given(problem: Problem, algorithm: Any) -> str | None:
    """Why the moments of a run given S are not known, on squared losses, or None."""
    law = squared(problem)
    if law is None:
        return f"{problem.name} does not say that its losses are squared"
    fault = not_squared(problem)
    if fault is not None:
        return fault
    if traits.sampling(algorithm) != "with replacement":
        return "its draws depend on each other, and so do the Hessians of its steps"
    if linear_maps(algorithm) is None:
        return f"{algorithm.name} does not say that it is linear in the gradient"
    if problem.radius is None:
        return None
    if traits.overshoots(algorithm):
        return "alpha > 1 would leave Theta, a ball"
    reached = farthest(problem, law, algorithm)
    if not reached <= problem.radius * (1 + 4 * np.finfo(float).eps):
        stays = f"; none leaves the radius {math.ceil(100 * reached) / 100:g}" if reached < 1e6 else ""
        return f"its steps may leave Theta, whose radius is {problem.radius:g}, and be projected{stays}"
    return None
