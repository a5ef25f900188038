"""A gradient written for scalars, which a compiled engine can inline: an optional attribute ``formula`` of a problem.

A problem without one runs on the reference engine. The conformance kit checks that formula and ``gradient`` agree.

The functions are module-level, take and return plain floats and use nothing but arithmetic and ``math``, so that numba
compiles them as they stand and, being globals of an importable module, caches the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Scalar = Callable[[float, float, float], float]


class Linear(NamedTuple):
    """grad l(t; (x, y)) = slope(<x, t>, y, parameter) x + ridge t, an example being the row (x_1, ..., x_d, y)."""

    slope: Scalar
    parameter: float = 0.0
    ridge: float = 0.0


class Coordinatewise(NamedTuple):
    """(grad l(t; z))_i = pull(t_i, z_i, parameters[i]), an example being the row (z_1, ..., z_d)."""

    pull: Scalar
    parameters: tuple[float, ...]
