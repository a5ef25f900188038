"""A method of one's own, tried for a few steps before it is trusted with hours.

The reference engine takes what a method answers as it comes. Here every answer is looked at: states, queries, outputs,
whether the largest gradients, all in one direction, drive the parameters out of Theta, and whether a scheme that a
method has, or its linear maps, are the method.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.formula_method import FormulaMethod
from riskkit.algorithms.formulas import evaluated
from riskkit.algorithms.method import Method
from riskkit.algorithms.scheme import Scheme
from riskkit.algorithms.staged import OUTPUTS
from riskkit.engines.moments.maps import linear_maps

SAME = 1e-6
"""How far apart, relative to their size, the iterates and outputs of a method and of its scheme may be."""

LINEAR = 1e-9
"""The same for linear maps, which are in double precision, with gradients of a thousandth of what theta_0 allows."""

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
    inside = "give it a radius" if isinstance(method, FormulaMethod) else "project in step"
    if (said := _not_finite(method, theta, gradient, steps)) is not None:
        return said, "update"
    moving = states(method, theta, gradient, steps)
    member = "init"
    for taken in range(steps + 1):
        _, state = next(moving)
        if not isinstance(state, tuple):
            return f"{member} must return the state, a tuple of tensors; got {type(state).__name__}", member
        at = method.query(state)
        if (wrong := _shape("query", at, theta, taken)) is not None:
            return wrong, "query"
        if (wrong := _outside("query", at, radius, taken, inside)) is not None:
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
                wrong = _shape(who, found[name], theta, taken) or _outside(who, found[name], radius, taken, inside)
                if wrong is not None:
                    return wrong, "output"
        member = "step"
    return _scheme_fault(method, theta, gradient, steps, reads) or _maps_fault(method, theta, radius, steps, reads)


def walked(
    scheme: Scheme, start: Tensor, gradient: Callable[[Tensor, int], Tensor]
) -> Iterator[tuple[int, Tensor, dict[str, Tensor], dict[str, Tensor]]]:
    """A scheme step by step, as its definition reads: steps taken, the iterate, the outputs and the states."""
    v = slow = anchor = start
    average = torch.zeros_like(start)
    step, weights, j = scheme.step, scheme.averaging, 0
    numbers = dict(zip(step.numbers, scheme.step_numbers, strict=True))
    own = {
        name: start if begins == "v" else torch.full_like(start, float(begins))
        for name, begins in zip(step.states, step.starts, strict=True)
    }
    for q, stage in enumerate(scheme.stages):
        if q:
            v = slow = average if scheme.stages[q - 1].output == "average" else slow
            anchor = v if scheme.anchor_every is None else anchor
            average = torch.zeros_like(start)
        averaged = False
        for i, eta in enumerate(stage.step.sizes(stage.T, stage.k).tolist()):
            if scheme.anchor_every is not None and j % scheme.anchor_every == 0:
                anchor = v
            averaged |= bool(weights[j])
            average = average + weights[j] * (v - average)
            g = gradient(v, j) + stage.beta * (v - anchor)
            asked = {"v": v, "g": g, "j": float(j), "eta": eta, "norm": g.norm(dim=-1, keepdim=True)}
            v, *states = evaluated(step.update, asked | own | numbers)
            own = dict(zip(step.states, states, strict=True))
            if scheme.radius is not None:
                v = v * (scheme.radius / v.norm(dim=-1, keepdim=True)).clamp(max=1)
            if (i + 1) % stage.k == 0:
                v = slow = (1 - stage.alpha) * slow + stage.alpha * v
            j += 1
            last = v if stage.alpha == 1 else slow
            outputs = {"last": last, "average": average if averaged else last}
            for name, program in (("last", step.last), ("average", step.average)):
                if program is not None:
                    (outputs[name],) = evaluated(program, {"v": v, "j": float(j)} | own | numbers)
            yield j, v, outputs, own


def _not_finite(method: Method, start: Tensor, gradient: Callable[[Tensor, int], Tensor], steps: int) -> str | None:
    """Where formulas of one's own lead to what is no finite number."""
    scheme = traits.scheme(method, None) if traits.has_scheme(method) else None
    if not isinstance(scheme, Scheme) or scheme.formulas is None:
        return None
    for taken, v, outputs, own in itertools.islice(walked(scheme, start, gradient), steps):
        for name, found in ({"v": v} | own | {name: outputs[name] for name in traits.outputs(method)}).items():
            if not bool(found.isfinite().all()):
                number = float(found[~found.isfinite()][0])
                return f"its formulas must give finite numbers; {name} is {number} after {taken} steps"
    return None


def _scheme_fault(
    method: Method, start: Tensor, gradient: Callable[[Tensor, int], Tensor], steps: int, reads: Sequence[int]
) -> tuple[str, str] | None:
    """Where a method and its scheme, if it has one, come apart."""
    if not traits.has_scheme(method):
        return None
    scheme = traits.scheme(method, None)
    if not isinstance(scheme, Scheme):
        return f"scheme must return a Scheme; got {type(scheme).__name__}", "scheme"
    for what, own, said in (
        ("steps", int(method.steps), scheme.steps),
        ("examples a step", traits.batch(method), scheme.batch),
    ):
        if own != said:
            return f"scheme must be the method itself; it has {said} {what}, the method {own}", "scheme"
    moving = states(method, start, gradient, steps)
    next(moving)
    for (taken, state), (_, v, outputs, _) in zip(moving, walked(scheme, start, gradient), strict=False):
        pairs = [("iterate", method.query(state), v)]
        if taken in reads:
            found = method.output(state)
            pairs += [(f"output {name}", found[name], outputs[name]) for name in traits.outputs(method)]
        for what, its, other in pairs:
            if float((its - other).norm()) > SAME * float(its.norm() + other.norm()):
                apart = f"its {what} is {_few(other)}, the method's {_few(its)}"
                return f"scheme must be the method itself; after {taken} steps of the same gradients {apart}", "scheme"
    return None


def _maps_fault(
    method: Method, start: Tensor, radius: float | None, steps: int, reads: Sequence[int]
) -> tuple[str, str] | None:
    """Where a method and its linear maps, if it has some, come apart: with the same small gradients, towards 0 so that
    they stay in Theta, each step's of another length. A step that its landing says is projected ends the comparison."""
    maps = linear_maps(method)
    if maps is None or steps == 0:
        return None
    m, made, alone = len(maps.start), maps.steps(0, steps), maps.steps(steps - 1, 1)
    shapes = ((steps, m, m), (steps, m), (steps, m), (steps, m), (steps,))
    for name, part, single, shape in zip(made._fields, made, alone, shapes, strict=True):
        if np.shape(part) != shape or np.shape(single) != (1, *shape[1:]):
            return f"linear_maps must give {name} of shape {shape}; got {np.shape(part)}", "linear_maps"
        if not np.array_equal(part[-1], single[0]):
            return f"steps(first, count) of linear_maps must not depend on count; {name} does", "linear_maps"
    if (got := np.shape(maps.outputs(np.array([steps])))) != (1, 2, m):
        return (
            f"outputs of linear_maps must be of shape {(1, 2, m)} for one number of steps; got {got}",
            "linear_maps",
        )
    towards = torch.where(start.norm(dim=-1, keepdim=True) > 0, start, torch.ones_like(start))

    def gradient(at: Tensor, j: int) -> Tensor:
        return 1e-3 * (1 + 0.5 * math.cos(j)) * towards

    moving = states(method, start, gradient, steps)
    held = torch.stack([float(c) * start for c in maps.start])
    place = {name: i for i, name in enumerate(OUTPUTS)}
    for taken, state in moving:
        pairs = []
        if taken < steps:
            pairs = [("query", method.query(state), _combined(made.query[taken], held))]
        if taken and taken in reads:
            found, rows = method.output(state), maps.outputs(np.array([taken]))[0]
            pairs += [(f"output {n}", found[n], _combined(rows[place[n]], held)) for n in traits.outputs(method)]
        for what, its, other in pairs:
            if not float((its - other).norm()) <= LINEAR * float(its.norm() + other.norm()):
                apart = f"their {what} is {_few(other)}, the method's {_few(its)}"
                said = f"linear_maps must be the method itself; after {taken} steps of the same gradients {apart}"
                return said, "linear_maps"
        if taken < steps:
            g = gradient(start, taken)
            lands = _combined(made.landing[taken], held) + float(made.fall[taken]) * g
            if radius is not None and float(lands.norm(dim=-1).max()) > radius:
                return None
            moved = [
                _combined(row, held) + float(c) * g
                for row, c in zip(made.transition[taken], made.push[taken], strict=True)
            ]
            held = torch.stack(moved)
    return None


def _combined(row: Any, held: Tensor) -> Tensor:
    """A combination (m,) of the parts of a state (m, R, 1, d)."""
    return torch.tensordot(torch.as_tensor(row, dtype=held.dtype), held, dims=1)


def _few(found: Tensor) -> str:
    """The first coordinates of the first replicate."""
    shown = ", ".join(f"{number:.6g}" for number in found[0, 0, :2].tolist())
    return f"({shown}, ..)" if found.shape[-1] > 2 else f"({shown})"


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


def _outside(who: str, found: Tensor, radius: float | None, taken: int, inside: str) -> str | None:
    """``inside``: what to do about it."""
    if radius is None:
        return None
    norm = float(found.norm(dim=-1).max())
    if norm <= radius * (1 + INSIDE):
        return None
    return (
        f"{who} must stay in Theta, the ball of radius {radius:g}; gradients of the largest norm lead to "
        f"||theta|| = {norm:.3g} after {taken} steps; {inside}"
    )
