"""Algorithms that are linear in the gradient, written as maps of their state.

The state is m numbers a coordinate, and step j takes it, gradient by gradient, the same way in every coordinate:

    s_{j+1} = transition_j s_j + push_j g_j,    the gradient g_j taken at <query_j, s_j>,    s_0 = start theta_0.

A method of one's own says so by ``linear_maps()``, which returns ``LinearMaps``; it must then have no projection of its
own but the one that ``landing`` describes. Expectations on quadratic losses follow from the maps alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Steps(NamedTuple):
    """Consecutive steps, J of them.

    Attributes:
        transition: (J, m, m).
        push: (J, m).
        query: (J, m), where the gradient is taken.
        landing: (J, m), and ``fall`` (J,): the point <landing, s> + fall g, which is projected if Theta is a ball.
    """

    transition: Floats
    push: Floats
    query: Floats
    landing: Floats
    fall: Floats


@dataclasses.dataclass(frozen=True)
class LinearMaps:
    """An algorithm as maps of its state.

    Attributes:
        start: (m,), what multiple of theta_0 each part of the state begins at.
        steps: ``steps(first, count)``, the maps of so many steps from that one on.
        outputs: steps taken, (K,) -> (K, 2, m): the outputs ``last`` and ``average`` as combinations of the state.
    """

    start: Floats
    steps: Callable[[int, int], Steps]
    outputs: Callable[[npt.NDArray[np.int64]], Floats]
