"""Lookahead against SGD with the step sizes of both tuned, on quadratics with the curvatures (1, lam).

One constant step must serve both curvatures: Lookahead damps noise along the steep one without slowing the flat one,
and a schedule that falls does the same for SGD. Three families are tuned for each algorithm, alpha and k being held: a
constant step eta; eta (1 - j/(kT)); and eta/(1 + fall j/(kT)), all with eta <= 1/L. The tuning is by exact moments, so
that no grid of step sizes decides who is better. lam = 1 is isotropic: there some constant-step SGD is at least as good
as Lookahead at any step (``riskkit.theory.contraction``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from experiments._tuning import at_the_end, exact_excess, least
from riskkit.algorithms import SGD, Algorithm, Constant, InverseTime, LinearDecay, Lookahead
from riskkit.algorithms.steps import Step
from riskkit.experiment import Exact, Experiment, Grid, Own, Paired, Point, Size
from riskkit.problems import AnisotropicMean

K = 20
ETA, FALL = (1e-3, 1.0), (0.1, 1000.0)


def constant(gradients: int, eta: float) -> Step:
    return Constant(eta)


def linear(gradients: int, eta: float) -> Step:
    return LinearDecay(eta)


def hyperbolic(gradients: int, eta: float, fall: float) -> Step:
    return InverseTime(lam=fall / (eta * gradients), offset=gradients / fall)


FAMILIES: dict[str, tuple[Callable[..., Step], tuple[tuple[float, float], ...]]] = {
    "constant step": (constant, (ETA,)),
    "linear decay": (linear, (ETA,)),
    "c/(j + j0)": (hyperbolic, (ETA, FALL)),
}
"""Each family's schedule, and the ranges of its parameters."""


@functools.cache
def tuned(problem: AnisotropicMean, n: int, gradients: int, alpha: float, family: str) -> Algorithm:
    """Lookahead with the best step sizes of the family; alpha = 1 is SGD."""
    schedule, ranges = FAMILIES[family]

    def made(*parameters: float) -> Algorithm:
        step = schedule(gradients, *parameters)
        return SGD(gradients, step) if alpha == 1 else Lookahead(gradients // K, K, alpha, step)

    return made(*least(lambda *parameters: exact_excess(problem, made(*parameters), n), *ranges))


def lookahead(point: Point, family: str) -> Algorithm:
    return tuned(point.problem, point.n, point.gradients, point.alpha, family)


def sgd(point: Point, family: str) -> Algorithm:
    return tuned(point.problem, point.n, point.gradients, 1.0, family)


def algorithms() -> dict[str, Callable[[Point], Algorithm]]:
    made: dict[str, Callable[[Point], Algorithm]] = {}
    for family in FAMILIES:
        made[f"Lookahead, {family}"] = Own(functools.partial(lookahead, family=family), alpha=(0.1, 0.3, 0.5))
        made[f"SGD, {family}"] = functools.partial(sgd, family=family)
    return made


def grids(*sizes: int) -> tuple[Grid, ...]:
    return (
        Grid(n=sizes, lam=(0.1, 1.0), gradients=1200),
        Grid(n=sizes, lam=0.1, gradients=120),
        Grid(n=sizes, lam=0.01, gradients=6000),
    )


EXPERIMENT = Experiment(
    title="Slide 2 (Theorems 1, 2): both steps tuned",
    question="With the step sizes of both tuned, is Lookahead better than SGD on quadratics with two curvatures?",
    problem=lambda point: AnisotropicMean((1.0, point.lam)),
    algorithms=algorithms(),
    readings=(
        Exact("excess", "last", at_the_end),
        *(
            Paired(f"Lookahead, {family}", (f"SGD, {family}",), of=(("excess", "last"), ("generalization", "last")))
            for family in FAMILIES
        ),
    ),
    sizes={"laptop": Size(grids(50, 200), replicates=64), "paper": Size(grids(50, 200, 800), replicates=64)},
)
