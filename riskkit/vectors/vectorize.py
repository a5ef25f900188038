"""Formulas of floats on lanes: as they stand where they use only operators and ``math`` functions that are defined for
lanes, else lane by lane."""

from __future__ import annotations

import dis
import math
from types import FunctionType
from typing import Any

from riskkit.vectors.lanes import fragment, inlined, lanes_of
from riskkit.vectors.memory import get_lane, set_lane

KNOWN = {"exp", "sin", "cos", "sqrt", "fabs", "pi", "e"}
"""What ``math`` offers to lanes."""


def lanewise(function: FunctionType) -> bool:
    """Whether a formula of floats works on lanes as it stands: no branch, and nothing of ``math`` that lanes lack."""
    jumps = {*dis.hasjabs, *dis.hasjrel}
    if any(instruction.opcode in jumps for instruction in dis.get_instructions(function)):
        return False
    return all(_lanewise(function, name) for name in function.__code__.co_names)


def _lanewise(function: FunctionType, name: str) -> bool:
    value = function.__globals__.get(name)
    if value is math or name in KNOWN or isinstance(value, int | float) or name == "abs":
        return True
    return isinstance(value, FunctionType) and lanewise(value)


def on_lanes(function: FunctionType) -> Any:
    """The formula f(a, b, c) compiled for three vectors: as it stands if it is ``lanewise``, else lane by lane."""
    if lanewise(function):
        return inlined(_compiled(function))
    scalar = fragment(_compiled(function))

    @fragment
    def each(a, b, c):
        result = a
        for lane in range(lanes_of(a)):
            result = set_lane(result, lane, scalar(get_lane(a, lane), get_lane(b, lane), get_lane(c, lane)))
        return result

    return each


def _compiled(function: FunctionType) -> FunctionType:
    """The function with the functions it calls compiled too."""
    scope = {
        name: fragment(_compiled(value)) if isinstance(value, FunctionType) else value
        for name, value in function.__globals__.items()
        if name in function.__code__.co_names
    }
    return FunctionType(function.__code__, {"__builtins__": __builtins__, **scope}, function.__name__)
