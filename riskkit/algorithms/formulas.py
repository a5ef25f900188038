"""A step as formulas of one coordinate: what it makes of the iterate and of states, and what is read.

    (v_i, s_i) <- update(v_i, g_i, s_i, j, eta_j, ||g||, numbers),   then v <- P_Theta(v)

for every coordinate i: v the iterate, s any number of states, g the mean gradient of the batch with the pull of the
stage's anchor, beta (v - anchor), j the number of the step, 0 for the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from riskkit.algorithms.tracing import ARITHMETIC, SCALAR, Program, traced

STEPWISE = ("j", "eta", "norm")
"""What an update may ask for beside v, g, states and numbers: the step's number and size, and ||g||."""


class Formulas(NamedTuple):
    """The formulas of a method.

    Attributes:
        update: inputs among v, g, ``STEPWISE``, ``states`` and ``numbers``; it returns v and the states.
        states: their names.
        starts: of each state, the number that it starts with, or "v": theta_0.
        numbers: names of a method's own numbers, of the same value in all coordinates and steps.
        last, average: the outputs, from v, the states, the numbers and j, the steps taken; None: v itself, and the
            weighted mean of the iterates before each step that an engine keeps.
        averaged: whether that mean is wanted.
    """

    update: Program
    states: tuple[str, ...]
    starts: tuple[float | str, ...]
    numbers: tuple[str, ...]
    last: Program | None = None
    average: Program | None = None
    averaged: bool = True

    @property
    def normed(self) -> bool:
        """Whether ||g|| must be known before a coordinate is moved."""
        return "norm" in self.update.inputs


def plain(v: float, g: float, eta: float) -> float:
    """One coordinate of a step of SGD."""
    return v - eta * g


def heavy_ball(v: float, g: float, m: float, eta: float, momentum: float) -> tuple[float, float]:
    """The same of heavy ball."""
    m = momentum * m + g
    return v - eta * m, m


def decayed(v: float, g: float, m: float, eta: float, momentum: float, weight_decay: float) -> tuple[float, float]:
    """The same of heavy ball with weight decay."""
    m = momentum * m + (weight_decay * v + g)
    return v - eta * m, m


def _shipped(function: Any, states: tuple[str, ...], numbers: tuple[str, ...]) -> Formulas:
    return Formulas(traced(function, function.__name__, ("v", *states)), states, (0.0,) * len(states), numbers)


PLAIN = _shipped(plain, (), ())
HEAVY_BALL = _shipped(heavy_ball, ("m",), ("momentum",))
DECAYED = _shipped(decayed, ("m",), ("momentum", "weight_decay"))

SHIPPED = (PLAIN, HEAVY_BALL, DECAYED)
"""With these a step of size 0 moves nothing."""


def ended(step: Formulas) -> float:
    """The size that says of a step that a run has ended, beside others that go on."""
    return 0.0 if step in SHIPPED else -math.inf


def _unary(name: str) -> Callable[[Any], Any]:
    return lambda a: getattr(a, name)() if hasattr(a, name) else SCALAR[name](a)


def _extreme(name: str, of_tensors: str, clip: str) -> Callable[[Any, Any], Any]:
    """``min`` or ``max`` of tensors and numbers; the smaller of a tensor and a number is what ``clip(max=...)`` is."""

    def extreme(a: Any, b: Any) -> Any:
        if isinstance(a, int | float):
            a, b = b, a
        if isinstance(a, int | float):
            return SCALAR[name](a, b)
        return a.clip(**{clip: b}) if isinstance(b, int | float) else getattr(a, of_tensors)(b)

    return extreme


def _copysign(a: Any, b: Any) -> Any:
    if hasattr(a, "copysign"):
        return a.copysign(b)
    return SCALAR["copysign"](a, b) if isinstance(b, int | float) else b.new_full(b.shape, a).copysign(b)


TENSORS: Mapping[str, Callable[..., Any]] = (
    ARITHMETIC
    | {name: _unary(name) for name in ("sqrt", "exp", "sin", "cos")}
    | {"min": _extreme("min", "minimum", "max"), "max": _extreme("max", "maximum", "min"), "copysign": _copysign}
)
"""The operations, of tensors and numbers."""


def evaluated(program: Program, given: Mapping[str, Any]) -> list[Any]:
    """The results of a program, as tensors of the shape of ``given["v"]``."""
    like = given["v"]
    results = program.evaluate(given, TENSORS)
    return [
        like.new_full(like.shape, found) if isinstance(found, int | float) else found.expand_as(like)
        for found in results
    ]
