"""A method of one's own, tried for a few steps before it is trusted with hours.

The reference engine takes what a method answers as it comes. Here every answer is looked at: states, queries, outputs,
and whether the largest gradients, all in one direction, drive the parameters out of Theta.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import OUTPUTS

INSIDE = 1e-9
"""How far beyond the radius of Theta rounding may lead, in radii."""


def states(
    method: Method, start: Tensor, gradient: Callable[[Tensor, int], Tensor], steps: int
) -> Iterator[tuple[int, Any]]:
    """The state after 0, 1, .., ``steps`` gradients from ``start`` (R, 1, d), each with its number."""
    state = method.init(start)
    yield 0, state
    for j in range(steps):
        state = method.step(state, gradient(method.query(state), j), j)
        yield j + 1, state


def fault(
    method: Method, start: Sequence[float], radius: float | None, largest: float, steps: int, reads: Sequence[int]
) -> tuple[str, str] | None:
    """What is wrong with a method's answers over its first steps, and the name of the member that is to blame; or None.

    Args:
        start: theta_0, d numbers.
        radius: of Theta, None for R^d.
        largest: G, the norm that gradients are given here where Theta is a ball; inf: 1.
        steps, reads: how many steps to take, and after which of them to ask for the outputs.
    """
    theta = torch.as_tensor(start, dtype=torch.float64).expand(2, 1, -1)
    size = largest if radius is not None and math.isfinite(largest) else min(largest, 1.0)
    outwards = torch.zeros_like(theta)
    outwards[..., 0] = 1.0
    outwards[1] *= -1

    def gradient(at: Tensor, j: int) -> Tensor:
        norm = at.norm(dim=-1, keepdim=True)
        return -size * torch.where(norm > 0, at / norm.clamp(min=1e-300), outwards)

    if (said := traits.outputs_fault(method)) is not None:
        return said, "outputs"
    had = traits.outputs(method)
    moving = states(method, theta, gradient, steps)
    member = "init"
    for taken in range(steps + 1):
        _, state = next(moving)
        if not isinstance(state, tuple):
            return f"{member} must return the state, a tuple of tensors; got {type(state).__name__}", member
        at = method.query(state)
        if (wrong := _shape("query", at, theta, taken)) is not None:
            return wrong, "query"
        if (wrong := _outside("query", at, radius, taken)) is not None:
            return wrong, "step"
        if taken in reads:
            found = method.output(state)
            if not isinstance(found, dict) or any(name not in found for name in had):
                got = ", ".join(found) if isinstance(found, dict) else type(found).__name__
                wanted = f"{'both ' if len(had) > 1 else ''}{' and '.join(had)}"
                instead = f'; one that has only one says so: outputs = ("{got}",)' if got in OUTPUTS else ""
                return (
                    f"output must return {wanted}; got {got or 'neither'} after {taken} steps{instead}",
                    "output",
                )
            for name in had:
                who = f"the output {name}"
                wrong = _shape(who, found[name], theta, taken) or _outside(who, found[name], radius, taken)
                if wrong is not None:
                    return wrong, "output"
        member = "step"
    return None


def _shape(who: str, found: Any, like: Tensor, taken: int) -> str | None:
    expected = f"(R, 1, d), here {tuple(like.shape)}"
    if not isinstance(found, Tensor):
        return f"{who} must be a tensor {expected}; got {type(found).__name__} after {taken} steps"
    if found.shape != like.shape:
        return f"{who} must have shape {expected}; got {tuple(found.shape)} after {taken} steps"
    if found.dtype != like.dtype:
        return f"{who} must have the dtype of theta_0, {like.dtype}; got {found.dtype} after {taken} steps"
    if not bool(found.isfinite().all()):
        return f"{who} must be finite; got {float(found[~found.isfinite()][0])} after {taken} steps"
    return None


def _outside(who: str, found: Tensor, radius: float | None, taken: int) -> str | None:
    if radius is None:
        return None
    norm = float(found.norm(dim=-1).max())
    if norm <= radius * (1 + INSIDE):
        return None
    return (
        f"{who} must stay in Theta, the ball of radius {radius:g}; gradients of the largest norm lead to "
        f"||theta|| = {norm:.3g} after {taken} steps; project in step"
    )
