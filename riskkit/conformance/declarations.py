"""What a problem says of itself: the members of the protocol, their types, and constants that agree with each other."""

from __future__ import annotations

import dataclasses
import math

import torch

from riskkit.conformance.findings import EXACT, Found
from riskkit.identity import address
from riskkit.problem import Constants, Problem, Regime, inconsistent, parameters

MEMBERS = tuple(name for name in Problem.__dict__ if not name.startswith("_"))


def missing(problem: Problem) -> list[str]:
    kind = type(problem)
    fields = getattr(kind, "__dataclass_fields__", {})
    return [name for name in MEMBERS if not hasattr(kind, name) and name not in fields]


def declarations(problem: Problem) -> Found:
    """Types, and what regime and constants say of each other."""
    faults = []
    try:
        values = parameters(problem)
    except TypeError as error:
        return Found([str(error)])
    faults += [
        f"field {name} must be a number, a string, or a tuple or frozen dataclass of them, since it identifies the "
        f"problem; got {value!r}."
        for name, value in values.items()
        if not _identifies(value)
    ]
    if not isinstance(problem.name, str) or not problem.name:
        faults.append(f"name must be a short text; got {problem.name!r}.")
    if not isinstance(problem.regime, Regime):
        return Found([*faults, f"regime must be a riskkit.problem.Regime; got {problem.regime!r}."])
    if not isinstance(problem.constants, Constants):
        return Found([*faults, f"constants must be riskkit.problem.Constants; got {problem.constants!r}."])
    if isinstance(problem.dim, bool) or not isinstance(problem.dim, int) or problem.dim < 1:
        return Found([*faults, f"dim must be a whole number >= 1; got {problem.dim!r}."])
    if problem.radius is not None and not 0 < problem.radius < math.inf:
        return Found([*faults, f"radius must be None or a finite number > 0; got {problem.radius!r}."])
    faults += [f"constants: {said}." for said in inconsistent(problem.regime, problem.constants)]
    for name, value in (("start", problem.start), ("population_minimiser()", problem.population_minimiser())):
        point = torch.as_tensor(value, dtype=torch.float64)
        if point.shape != (problem.dim,) or not bool(point.isfinite().all()):
            faults.append(f"{name} must be {problem.dim} finite numbers; got shape {tuple(point.shape)}, {value!r}.")
        elif problem.radius is not None and float(point.norm()) > problem.radius * (1 + EXACT):
            faults.append(f"{name} has norm {float(point.norm()):g}, outside the ball of radius {problem.radius:g}.")
    return Found(faults, f"{problem.regime}, d = {problem.dim}, {_described(problem.constants, problem.radius)}")


def _identifies(value: object) -> bool:
    """Whether the store can make an address of it; what can be changed later identifies nothing."""
    try:
        hash(value)
        address({"field": value})
    except (TypeError, ValueError):
        return False
    return True


def _described(c: Constants, radius: float | None) -> str:
    values = {field.name: getattr(c, field.name) for field in dataclasses.fields(c)}
    told = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
    return f"{told}, Theta = " + ("R^d" if radius is None else f"ball of radius {radius:g}")
