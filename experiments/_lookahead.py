"""Lookahead beside SGD at equal kT: what most experiments of this study run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from riskkit.algorithms import SGD, Algorithm, Constant, InverseTime, Lookahead
from riskkit.algorithms.steps import Step, scaled
from riskkit.experiment import Point
from riskkit.problem import Problem
from riskkit.theory.contraction import contraction_matched
from riskkit.theory.zhou2021 import strongly_convex

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


def contraction_matched_sgd(eta: float) -> Make:
    """SGD with Lookahead's mean error after every round (``riskkit.theory.contraction``), for Lookahead's constant eta.

    ValueError where the losses are no quadratics with the Hessian lam I, that is, where L of the loss is not lam of the
    risk; there a tuned constant step is what to compare with.
    """

    def make(point: Point) -> Algorithm:
        constants = point.problem.constants
        if constants.lam != constants.L:
            raise ValueError(
                "contraction-matched SGD needs losses with the Hessian lam I (L = lam); got "
                f"L = {constants.L:g}, lam = {constants.lam:g}. Compare with a tuned constant step instead."
            )
        h = float(contraction_matched(eta * constants.lam, point.k, point.alpha))
        return SGD(point.kT, Constant(h / constants.lam))

    return make


def inverse_time(problem: Problem) -> InverseTime:
    """1/(lam (j + j0)) with j0 = max(2, L/lam), so that eta_0 <= 1/L. Raises ValueError for a problem without lam."""
    c = problem.constants
    if not c.lam > 0:
        raise ValueError(
            f"{strongly_convex.TITLE} needs strong convexity; {problem.name} is {problem.regime}. "
            "Use Theorem 1 (paper: Theorem 3)."
        )
    return InverseTime(c.lam, max(2.0, math.ceil(c.L / c.lam)))
