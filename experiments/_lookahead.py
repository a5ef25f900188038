"""Lookahead beside SGD at equal kT: what most experiments of this study run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from riskkit.algorithms import SGD, Algorithm, Lookahead
from riskkit.algorithms.steps import Step, scaled
from riskkit.experiment import Point

Make = Callable[[Point], Algorithm]


def lookahead(step: Any, *controls: str) -> dict[str, Make]:
    """Lookahead(T, k, alpha), and of the controls SGD and matched SGD (step alpha eta) those that are named.

    ``step``: the schedule, or a function of the problem that gives it (when it needs the problem's constants).
    """

    def schedule(point: Point) -> Step:
        return step if hasattr(step, "sizes") else step(point.problem)

    made: dict[str, Make] = {
        "Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, schedule(p)),
        "SGD": lambda p: SGD(p.kT, schedule(p)),
        "matched SGD": lambda p: SGD(p.kT, scaled(schedule(p), p.alpha)),
    }
    return {name: make for name, make in made.items() if name == "Lookahead" or name in controls}
