"""How the theorems' modules state a bound: two formulas and the hypotheses under which they were proved.

A hypothesis is a function (problem, algorithm) -> reason or None; the first reason found is the bound's answer.
A reason is one line: what the theorem needs, what came, what to do.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import Algorithm, Output, Stage
from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon, Step
from riskkit.problem import Problem, Regime
from riskkit.theory.bound import Floats, Quantity, Setting

Hypothesis = Callable[[Problem, Algorithm], str | None]


@dataclasses.dataclass(frozen=True)
class Inequality:
    """A ``Bound`` put together from functions; see there for the attributes.

    ``claimed`` and ``proved`` answer ``claim`` and ``explicit``; ``hypotheses`` are asked in order, after the one that
    all theorems share, that examples are drawn with replacement.
    """

    name: str
    theorem: int
    quantity: Quantity
    output: Output
    statement: str
    claim_statement: str
    schedules: tuple[type[Step], ...]
    hypotheses: tuple[Hypothesis, ...]
    claimed: Callable[[Setting], NamedTuple]
    proved: Callable[[Setting], NamedTuple]

    def excludes(self, problem: Problem, algorithm: Algorithm) -> str | None:
        if reason := dependent_draws(self.theorem, algorithm):
            return reason
        return next((reason for ask in self.hypotheses if (reason := ask(problem, algorithm)) is not None), None)

    def claim(self, setting: Setting) -> NamedTuple:
        return self.claimed(setting)

    def explicit(self, setting: Setting) -> NamedTuple:
        return self.proved(setting)

    def trivial(self, setting: Setting) -> Floats:
        """M for the generalization error; else what theta_0 achieves, which is D^2 for the distance and E f_0 for the
        optimization error, and also for the excess risk, since theta_0 does not depend on S."""
        cells = grid(setting)
        if self.quantity == "stability":
            return np.full(cells.n.shape, math.inf)
        if self.quantity == "generalization":
            return np.full(cells.n.shape, setting.constants.M)
        return cells.D2 if self.quantity == "distance" else cells.f0


class Grid(NamedTuple):
    """A setting's arrays as floats, broadcast against each other."""

    n: Floats
    T: Floats
    k: Floats
    alpha: Floats
    D2: Floats
    f0: Floats
    g2: Floats
    path_moment: Floats


def grid(setting: Setting) -> Grid:
    """Raises ValueError, in one line, for n, T, k, alpha that no run has."""
    cells = Grid(*np.broadcast_arrays(*(np.asarray(getattr(setting, name), dtype=np.float64) for name in Grid._fields)))
    for name in ("n", "T", "k"):
        values = getattr(cells, name)
        if not np.all((values >= 1) & (values == np.floor(values)) & np.isfinite(values)):
            raise ValueError(f"Setting: {name} must hold whole numbers >= 1; got {getattr(setting, name)!r}.")
    if not np.all((cells.alpha > 0) & (cells.alpha <= 1)):
        raise ValueError(f"Setting: alpha must lie in (0, 1]; got {setting.alpha!r}.")
    return cells


def not_proved(setting: Setting) -> NamedTuple:
    """``proved`` of a claim for which no explicit bound is known: one term, nan everywhere."""
    return Unproved(np.full(grid(setting).n.shape, np.nan))


class Unproved(NamedTuple):
    unproved: Floats


def first_size(step: Step, T: int, k: int) -> float:
    """eta_0, the largest of a schedule that does not grow."""
    match step:
        case Constant(eta):
            return eta
        case SqrtHorizon(eta0):
            return eta0 / math.sqrt(T * k)
        case InverseTime(lam, offset):
            return 1 / (lam * offset)
    return float(np.asarray(step.sizes(T, k)).max())


def inverse_time(theorem: int, step: Step) -> InverseTime:
    """The step, known to be InverseTime. Raises TypeError for another."""
    if not isinstance(step, InverseTime):
        raise TypeError(f"Theorem {theorem} needs an InverseTime step; got {type(step).__name__}.")
    return step


def dependent_draws(theorem: int, algorithm: Algorithm) -> str | None:
    """No theorem covers a run whose examples are not drawn independently."""
    if algorithm.sampling == "with replacement":
        return None
    return f"Theorem {theorem} needs examples drawn independently, with replacement; got {algorithm.sampling}."


def one_stage(theorem: int) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if len(algorithm.stages) == 1 and algorithm.stages[0].beta == 0:
            return None
        came = (
            f"{len(algorithm.stages)} stages" if len(algorithm.stages) > 1 else f"beta = {algorithm.stages[0].beta:g}"
        )
        return f"Theorem {theorem} is about Lookahead, one stage with beta = 0; got {came}. Use Theorem 4."

    return ask


def scheduled(theorem: int, *schedules: type[Step]) -> Hypothesis:
    names = " or ".join(kind.__name__ for kind in schedules)

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step = algorithm.stages[0].step
        if isinstance(step, schedules):
            return None
        return f"Theorem {theorem} is proved for the step {names}; got {type(step).__name__}."

    return ask


def convex(theorem: int) -> Hypothesis:
    """The regimes convex and strongly convex are read as: every l(.; z) is convex."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX):
            return None
        return f"Theorem {theorem} needs convexity; {problem.name} is {problem.regime}.{_instead(problem.regime)}"

    return ask


def strongly_convex(theorem: int) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.lam > 0:
            return None
        return (
            f"Theorem {theorem} needs strong convexity; {problem.name} is {problem.regime}.{_instead(problem.regime)}"
        )

    return ask


def strongly_convex_examples(theorem: int) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.lam_example > 0:
            return None
        return (
            f"Theorem {theorem}'s generalization bound needs every l(.; z) strongly convex; of {problem.name} only F_S "
            "is. Add a ridge."
        )

    return ask


def polyak_lojasiewicz(theorem: int) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.mu > 0:
            return None
        other = " Use Theorem 1." if problem.regime is Regime.CONVEX else ""
        return f"Theorem {theorem} needs a PL constant mu > 0; {problem.name} is {problem.regime}, and has none.{other}"

    return ask


def _instead(regime: Regime) -> str:
    return {
        Regime.CONVEX: " Use Theorem 1, or LogisticRidge.",
        Regime.STRONGLY_CONVEX: "",
        Regime.PL: " Use Theorem 3.",
        Regime.NONCONVEX: " No theorem here covers it.",
    }[regime]


def finite(theorem: int, *names: str) -> Hypothesis:
    """Which of the constants must be finite."""
    words = {"G": "gradient bound", "L": "smoothness", "rho": "weak convexity"}

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        for name in names:
            if not math.isfinite(getattr(problem.constants, name)):
                return (
                    f"Theorem {theorem} needs a finite {words[name]} {name}; {problem.name} has none. "
                    "Restrict Theta to a ball and the examples to a bounded set."
                )
        return None

    return ask


def step_at_most(theorem: int, formula: str, limit: Callable[[Problem, Stage], float]) -> Hypothesis:
    """eta_0 <= limit, up to a rounding."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage = algorithm.stages[0]
        eta, most = first_size(stage.step, stage.T, stage.k), limit(problem, stage)
        if eta <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return (
            f"Theorem {theorem}'s stability needs step sizes <= {formula} = {most:.4g} on {problem.name}; "
            f"got {eta:.4g}. Take smaller steps."
        )

    return ask


def within_reach(theorem: int) -> Hypothesis:
    """A problem whose constants hold on the set that the iterates can reach may say, as ``largest_step``, for which
    steps that is."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage, most = algorithm.stages[0], getattr(problem, "largest_step", math.inf)
        eta = first_size(stage.step, stage.T, stage.k)
        if eta <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return (
            f"Theorem {theorem} needs step sizes <= {most:.4g} on {problem.name}, for which its constants hold; "
            f"got {eta:.4g}. Take smaller steps."
        )

    return ask


def offset_at_least(theorem: int, least: float) -> Hypothesis:
    """For InverseTime only: its j0."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step = inverse_time(theorem, algorithm.stages[0].step)
        if step.offset >= least:
            return None
        return f"Theorem {theorem} needs an offset j0 >= {least:g} in the step; got {step.offset:g}."

    return ask


def step_constant_at_most(theorem: int, name: str, meaning: str) -> Hypothesis:
    """For InverseTime only: 1 / (lam (j + j0)) with lam at most the problem's constant, so long enough a step."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        step, most = inverse_time(theorem, algorithm.stages[0].step), getattr(problem.constants, name)
        if step.lam <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return (
            f"Theorem {theorem} needs the step 1/(lam (j + j0)) with lam <= {most:.4g}, the {meaning} of "
            f"{problem.name}; got lam = {step.lam:.4g}."
        )

    return ask


def minimise_over_alpha(total: Callable[[Floats], Floats]) -> float:
    """The alpha in (0, 1] with the smallest total(alpha), (A,) -> (A,), to about 1e-7: the best of the thousandths,
    then three finer grids about it. What lies between the thousandths may jump, as claims do at 1/2."""
    alphas = np.arange(1, 1001) / 1000
    values = total(alphas)
    best, least, width = float(alphas[values.argmin()]), float(values.min()), 1e-3
    for _ in range(3):
        alphas = np.linspace(max(best - width, 1e-9), min(best + width, 1.0), 41)
        values = total(alphas)
        if values.min() < least:
            best, least = float(alphas[values.argmin()]), float(values.min())
        width /= 20
    return best
