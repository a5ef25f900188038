"""Hypotheses under which bounds are proved.

A hypothesis is a function (problem, algorithm) -> reason or None; the first reason found is the bound's answer. A
reason is one line: what the theorem (``title``) needs, what came, what to do.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from riskkit.algorithms.staged import Algorithm, Stage
from riskkit.algorithms.steps import InverseTime, Step, first_size
from riskkit.problem import Problem, Regime

Hypothesis = Callable[[Problem, Algorithm], str | None]


def staged(title: str, problem: Problem, algorithm: object) -> str | None:
    """Whether it is a staged lookahead with an outer step in (0, 1] that draws one example a step, independently."""
    if not isinstance(algorithm, Algorithm):
        return f"nothing is proved here about {getattr(algorithm, 'name', type(algorithm).__name__)}"
    for stage in algorithm.stages:
        if stage.alpha > 1:
            return f"{title} needs alpha in (0, 1]; got {stage.alpha:g}."
    if algorithm.batch != 1:
        return f"{title} is about one example a step; got batches of {algorithm.batch}."
    return dependent_draws(title, algorithm)


def plain_sgd(title: str) -> Hypothesis:
    """SGD itself: no penalty, no lookahead, one example a step, drawn independently."""

    def ask(problem: Problem, algorithm: object) -> str | None:
        if (reason := staged(title, problem, algorithm)) is not None:
            return reason
        assert isinstance(algorithm, Algorithm)
        if all(stage.alpha == 1 and stage.beta == 0 for stage in algorithm.stages):
            return None
        return f"{title} is about SGD; got {algorithm.name}."

    return ask


def inverse_time(title: str, step: Step) -> InverseTime:
    """The step, known to be InverseTime. Raises TypeError for another."""
    if not isinstance(step, InverseTime):
        raise TypeError(f"{title} needs an InverseTime step; got {type(step).__name__}.")
    return step


def dependent_draws(title: str, algorithm: Algorithm) -> str | None:
    """No theorem covers a run whose examples are not drawn independently."""
    if algorithm.sampling == "with replacement":
        return None
    return f"{title} needs examples drawn independently, with replacement; got {algorithm.sampling}."


def one_stage(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if len(algorithm.stages) == 1 and algorithm.stages[0].beta == 0:
            return None
        came = (
            f"{len(algorithm.stages)} stages" if len(algorithm.stages) > 1 else f"beta = {algorithm.stages[0].beta:g}"
        )
        return (
            f"{title} is about Lookahead, one stage with beta = 0; got {came}. Use Theorem 4 (paper: Theorems 5 and 6)."
        )

    return ask


def scheduled(title: str, *schedules: type[Step]) -> Hypothesis:
    names = " or ".join(kind.__name__ for kind in schedules)

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step = algorithm.stages[0].step
        if isinstance(step, schedules):
            return None
        return f"{title} is proved for the step {names}; got {type(step).__name__}."

    return ask


def convex(title: str) -> Hypothesis:
    """The regimes convex and strongly convex are read as: every l(.; z) is convex."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX):
            return None
        return f"{title} needs convexity; {problem.name} is {problem.regime}.{_instead(problem.regime)}"

    return ask


def strongly_convex(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.lam > 0:
            return None
        return f"{title} needs strong convexity; {problem.name} is {problem.regime}.{_instead(problem.regime)}"

    return ask


def strongly_convex_examples(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.lam_example > 0:
            return None
        return (
            f"{title}'s generalization bound needs every l(.; z) strongly convex; of {problem.name} only F_S "
            "is. Add a ridge."
        )

    return ask


def polyak_lojasiewicz(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.mu > 0:
            return None
        other = " Use Theorem 1 (paper: Theorem 3)." if problem.regime is Regime.CONVEX else ""
        return f"{title} needs a PL constant mu > 0; {problem.name} is {problem.regime}, and has none.{other}"

    return ask


def _instead(regime: Regime) -> str:
    return {
        Regime.CONVEX: " Use Theorem 1 (paper: Theorem 3), or LogisticRidge.",
        Regime.STRONGLY_CONVEX: "",
        Regime.PL: " Use Theorem 3 (paper: Theorem 4).",
        Regime.NONCONVEX: " No theorem here covers it.",
    }[regime]


def finite(title: str, *names: str) -> Hypothesis:
    """Which of the constants must be finite."""
    words = {"G": "gradient bound", "L": "smoothness", "rho": "weak convexity"}

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        for name in names:
            if not math.isfinite(getattr(problem.constants, name)):
                return (
                    f"{title} needs a finite {words[name]} {name}; {problem.name} has none. "
                    "Restrict Theta to a ball and the examples to a bounded set."
                )
        return None

    return ask


def step_at_most(title: str, formula: str, limit: Callable[[Problem, Stage], float]) -> Hypothesis:
    """eta_0 <= limit, up to a rounding."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage = algorithm.stages[0]
        eta, most = first_size(stage.step, stage.T, stage.k), limit(problem, stage)
        if eta <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return (
            f"{title}'s stability needs step sizes <= {formula} = {most:.4g} on {problem.name}; "
            f"got {eta:.4g}. Take smaller steps."
        )

    return ask


def within_reach(title: str) -> Hypothesis:
    """A problem whose constants hold on the set that the iterates can reach may say, as ``largest_step``, for which
    steps that is. A step of a stage with a regularizer is a mixture of its anchor and a step of length
    eta/(1 - eta beta) on the loss."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        most = getattr(problem, "largest_step", math.inf)
        for stage in algorithm.stages if math.isfinite(most) else ():
            eta = first_size(stage.step, stage.T, stage.k)
            left = 1 - eta * stage.beta
            if left <= 0 or eta > left * most * (1 + 4 * np.finfo(float).eps):
                formula = "eta/(1 - eta beta)" if stage.beta else "step sizes"
                return (
                    f"{title} needs {formula} <= {most:.4g} on {problem.name}, for which its constants hold; "
                    f"got {eta:.4g}. Take smaller steps."
                )
        return None

    return ask


def offset_at_least(title: str, least: float) -> Hypothesis:
    """For InverseTime only: its j0."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step = inverse_time(title, algorithm.stages[0].step)
        if step.offset >= least:
            return None
        return f"{title} needs an offset j0 >= {least:g} in the step; got {step.offset:g}."

    return ask


def step_constant_at_most(title: str, name: str, meaning: str) -> Hypothesis:
    """For InverseTime only: 1 / (lam (j + j0)) with lam at most the problem's constant, so long enough a step."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step, most = inverse_time(title, algorithm.stages[0].step), getattr(problem.constants, name)
        if step.lam <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return (
            f"{title} needs the step 1/(lam (j + j0)) with lam <= {most:.4g}, the {meaning} of "
            f"{problem.name}; got lam = {step.lam:.4g}."
        )

    return ask
