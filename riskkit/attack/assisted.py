"""The exact worst case over a whole class of functions in any dimension, by semidefinite programming (PEPit).

Covered: one stage of lookahead with few steps on F_S = (1/n) sum_i f_i for any n functions f_i of a class, draws with
replacement, no projection. All n^J index streams are nodes of one program; n = 1 is a deterministic method. A bound
that lies above this value is loose in its proof; an instance that lies below it is not the worst of its class.

The value bounds what is *given S*: S is any n functions, no sample. It says nothing of generalization.

Source: Goujaud et al., PEPit: computer-assisted worst-case analyses of first-order optimization methods in Python,
2024; after Drori and Teboulle, Mathematical Programming 145, 2014, and Taylor, Hendrickx and Glineur, ibid. 161, 2017.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Algorithm
from riskkit.attack.evaluation import AttackError

NODES = 64
"""Index streams of one program at most."""
QUANTITIES = ("optimization", "distance")


class Class(NamedTuple):
    """The functions f_i, all lam-strongly convex and L-smooth, and gradients of norm at most G where they are taken.

    ``D``: ||theta_0 - theta*_S|| is at most this.
    """

    G: float = math.inf
    L: float = math.inf
    lam: float = 0.0
    D: float = 1.0


def worst_case(algorithm: Algorithm, n: int, functions: Class, quantity: str, output: str) -> float:
    """The supremum of the expectation over the index streams of F_S(theta) - F_S* (``optimization``) or of
    ||theta - theta*_S||^2 (``distance``), to the precision of the solver, about 1e-6, where F_S is the mean of n
    functions of the class.

    Raises AttackError, in one line: PEPit is not installed, or the setting is not covered.
    """
    _covered(algorithm, n, functions, quantity, output)
    try:
        pepit = importlib.import_module("PEPit")
        kinds = importlib.import_module("PEPit.functions")
    except ImportError as error:
        raise AttackError(f"worst_case needs PEPit: pip install 'riskkit[worst-case]' ({error}).") from error
    problem = pepit.PEP()
    losses = [_declared(problem, kinds, functions) for _ in range(n)]
    risk = losses[0]
    for loss in losses[1:]:
        risk = risk + loss
    risk = risk / n
    best = risk.stationary_point()
    start = problem.set_initial_point()
    problem.set_initial_condition((start - best) ** 2 <= functions.D**2)
    ends = list(_ends(problem, algorithm, losses, start, functions.G))
    total: Any = 0
    for end in ends:
        total = total + (risk(end[output]) - risk(best) if quantity == "optimization" else (end[output] - best) ** 2)
    problem.set_performance_metric(total / len(ends))
    found = problem.solve(verbose=0)
    if found is None or not math.isfinite(float(found)):
        raise AttackError("worst_case: the solver found no finite value; the class may not bound the quantity.")
    return float(found)


def _covered(algorithm: Algorithm, n: int, functions: Class, quantity: str, output: str) -> None:
    if not isinstance(algorithm, Algorithm) or len(algorithm.stages) != 1 or algorithm.stages[0].beta != 0:
        raise AttackError(f"worst_case covers one stage of Lookahead; got {getattr(algorithm, 'name', algorithm)!r}.")
    if algorithm.batch != 1 or algorithm.sampling != "with replacement":
        raise AttackError("worst_case covers one example a step, drawn with replacement.")
    if quantity not in QUANTITIES or output not in ("last", "average"):
        raise AttackError(f"worst_case finds {' and '.join(QUANTITIES)}, last or average; got {quantity}, {output}.")
    if n < 1 or n**algorithm.steps > NODES:
        raise AttackError(
            f"worst_case lists all n^J index streams, at most {NODES}; got n = {n} and J = {algorithm.steps}."
        )
    if not (functions.G > 0 and functions.L > 0 and functions.D > 0 and 0 <= functions.lam <= functions.L):
        raise AttackError(f"worst_case needs G, L, D > 0 and lam in [0, L]; got {functions}.")


def _declared(problem: Any, kinds: Any, functions: Class) -> Any:
    if math.isfinite(functions.L):
        kind = kinds.SmoothStronglyConvexFunction
        return problem.declare_function(kind, mu=functions.lam, L=functions.L)
    if functions.lam > 0:
        return problem.declare_function(kinds.StronglyConvexFunction, mu=functions.lam)
    if math.isfinite(functions.G):
        return problem.declare_function(kinds.ConvexLipschitzFunction, M=functions.G)
    return problem.declare_function(kinds.ConvexFunction)


def _ends(problem: Any, algorithm: Algorithm, losses: list[Any], start: Any, G: float) -> Iterator[dict[str, Any]]:
    """Both outputs after every index stream; streams that begin alike share their beginning."""
    (stage,) = algorithm.stages
    eta = traits.step_sizes(algorithm)

    def after(j: int, v: Any, slow: Any, total: Any) -> Iterator[dict[str, Any]]:
        if j == stage.steps:
            yield {"last": slow, "average": total / j}
            return
        passed = v if total is None else total + v
        for loss in losses:
            gradient = loss.gradient(v)
            if math.isfinite(G):
                problem.add_constraint(gradient**2 <= G**2)
            stepped = v - float(eta[j]) * gradient
            if (j + 1) % stage.k == 0:
                mixed = (1 - stage.alpha) * slow + stage.alpha * stepped
                yield from after(j + 1, mixed, mixed, passed)
            else:
                yield from after(j + 1, stepped, slow, passed)

    yield from after(0, start, start, None)
