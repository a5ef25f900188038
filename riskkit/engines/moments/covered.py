"""Squared losses: whether a problem's are what it says, and which runs on them have moments given S."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import torch

from riskkit.algorithms import traits
from riskkit.engines.moments.maps import linear_maps
from riskkit.engines.moments.reach import farthest
from riskkit.problem import Problem, Squared
from riskkit.rng.streams import Stream

EXACT = 1e-9
"""What is said of gradients and risks is held against them to so many of their size."""


def squared(problem: Problem) -> Squared | None:
    """What the problem says of its losses, if they are squared."""
    found: Squared | None = getattr(problem, "squared", None)
    return found


def refusal_given(problem: Problem, algorithm: Any) -> str | None:
    """Why the moments of a run given S are not known, on squared losses, or None."""
    law = squared(problem)
    if law is None:
        return f"{problem.name} does not say that its losses are squared"
    fault = contradiction(problem)
    if fault is not None:
        return fault
    if traits.sampling(algorithm) != "with replacement":
        return "its draws depend on each other, and so do the Hessians of its steps"
    if linear_maps(algorithm) is None:
        return f"{algorithm.name} does not say that it is linear in the gradient"
    if problem.radius is None:
        return None
    if max((stage.alpha for stage in getattr(algorithm, "stages", ())), default=0) > 1:
        return "alpha > 1 would leave Theta, a ball"
    reached = farthest(problem, law, algorithm)
    if not reached <= problem.radius * (1 + 4 * np.finfo(float).eps):
        stays = f"; none leaves the radius {math.ceil(100 * reached) / 100:g}" if reached < 1e6 else ""
        return f"its steps may leave Theta, whose radius is {problem.radius:g}, and be projected{stays}"
    return None


@functools.lru_cache(maxsize=256)
def contradiction(problem: Problem) -> str | None:
    """What the problem's attribute ``squared`` says that its gradient, examples or population risk do not; None where
    it says nothing, and where it is right as far as two samples of 16 examples tell."""
    law = squared(problem)
    if law is None:
        return None
    d = problem.dim
    if not isinstance(law, Squared) or np.shape(law.second_moment) != (d, d) or not law.ridge >= 0:
        return (
            f"squared must be a Squared of riskkit.problem with ridge >= 0 and a second moment ({d}, {d}); got {law!r}"
        )
    z = problem.sample(Stream(0, range(2)), 16).double()
    x, y = z[..., :-1], z[..., -1:]
    if x.shape[-1] != d:
        return f"squared needs examples (x, y) of {d} + 1 numbers; got {z.shape[-1]}"
    theta = torch.linspace(-0.5, 1.0, d, dtype=torch.float64)
    gradient = torch.stack([problem.gradient(theta.expand(2, 1, d), z[:, i : i + 1])[:, 0] for i in range(16)], 1)
    said = ((x * theta).sum(-1, keepdim=True) - y) * x + law.ridge * theta
    if not torch.allclose(gradient.double(), said, rtol=0, atol=EXACT * max(1.0, float(said.abs().max()))):
        return "squared contradicts gradient, which is not (<x, t> - y) x + ridge t"
    for name, values, bound in (("longest", x.norm(dim=-1), law.longest), ("largest", y.abs(), law.largest)):
        if not float(values.max()) <= bound * (1 + 1e-9):
            return f"squared names {name} = {bound:g}, and an example has {float(values.max()):g}"
    axes = torch.eye(d, dtype=torch.float64)
    points = torch.cat([(axes[:, None] + axes).reshape(-1, d), axes, torch.zeros(1, d, dtype=torch.float64)])
    risks = problem.population_risk(points).double()
    both, one = risks[: d * d], risks[d * d : -1]
    second = both.reshape(d, d) - one[:, None] - one + risks[-1]
    said = torch.tensor(law.second_moment, dtype=torch.float64) + law.ridge * axes
    if not torch.allclose(second, said, rtol=0, atol=EXACT * max(1.0, float(both.abs().max()))):
        return "squared contradicts population_risk, whose Hessian is not second_moment + ridge"
    return None
