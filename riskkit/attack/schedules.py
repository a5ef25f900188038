"""The algorithms that a search may take. Step sizes are in the problem's own units: shares of the largest step that its
constants speak of, and multiples of 1/m, m its strong convexity or PL constant."""

from __future__ import annotations

import functools
import math

from riskkit.algorithms.momentum import HeavyBall
from riskkit.algorithms.staged import SGD, SLRLA, Algorithm, Lookahead, Sampling, Stage
from riskkit.algorithms.steps import Constant, InverseTime
from riskkit.algorithms.suffix import SuffixSGD
from riskkit.algorithms.weighted_average import WeightedSGD
from riskkit.attack.arms import Chosen, Schedule, UnfitError
from riskkit.attack.parameters import Choice, Parameter, Range
from riskkit.problem import Problem, constants_of, diameter

STAGED = 2**16
"""Gradients that all stages together may take."""
PASSES = 3
NEW, SAME = "new each pass", "the same"

ALPHA = Range("alpha", 0.01, 1.0, log=True)
SHARE = Range("share", 1e-3, 1.0, log=True)
OFFSET = Range("offset", 2.0, 1e4, log=True)
FACTOR = Range("factor", 0.01, 1.0, log=True)


def _gradients(most: int) -> Range:
    return Range("gradients", 1, most, log=True, whole=True)


def _rounds(most: int) -> tuple[Parameter, ...]:
    return _gradients(most), Range("k", 1, most, log=True, whole=True), ALPHA


def _T_k(c: Chosen) -> tuple[int, int]:
    """At most so many gradients, in rounds of k."""
    k = min(c["k"], c["gradients"])
    return c["gradients"] // k, k


def _largest(problem: Problem) -> float:
    """The least of 2/L, the largest step for which the constants hold, and a step across Theta."""
    c, across = constants_of(problem), diameter(problem)
    limits = [getattr(problem, "largest_step", math.inf)]
    if c.L > 0:
        limits.append(2 / c.L)
    if (math.isfinite(c.L) and not (c.L > 0)) or math.isinf(c.L):
        limits.append(across / c.G if c.G > 0 else math.inf)
    least = min(limits)
    if not (0 < least < math.inf):
        raise UnfitError("no step size is the largest")
    return least


def _modulus(problem: Problem) -> float:
    c = constants_of(problem)
    if not (c.lam > 0 or c.mu > 0):
        raise UnfitError("neither strongly convex nor PL")
    return c.lam if c.lam > 0 else c.mu


def _constant(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    T, k = _T_k(c)
    return Lookahead(T, k, c["alpha"], Constant(c["share"] * _largest(problem)))


def _sgd(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    return SGD(c["gradients"], Constant(c["share"] * _largest(problem)))


def _inverse(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    T, k = _T_k(c)
    return Lookahead(T, k, c["alpha"], InverseTime(c["factor"] * _modulus(problem), c["offset"]))


HARMONIC, DIVIDED = "m L/(m + L)", "alpha m"


def _rate(problem: Problem, c: Chosen) -> float:
    m, L = _modulus(problem), constants_of(problem).L
    if c["rate"] == HARMONIC:
        if math.isinf(L):
            raise UnfitError("not smooth")
        return m * L / (m + L)
    return c["alpha"] * m if c["rate"] == DIVIDED else m


def _named_inverse(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    T, k = _T_k(c)
    return Lookahead(T, k, c["alpha"], InverseTime(_rate(problem, c), c["offset"]))


def _inverse_sgd(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    return SGD(c["gradients"], InverseTime(_modulus(problem), c["offset"]))


def _shuffled(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    steps = n * c["passes"]
    if steps > most and c["orders"] == NEW:
        raise UnfitError("too many gradients")
    step = Constant(c["share"] * _largest(problem))
    sampling: Sampling = "without replacement" if c["orders"] == NEW else "one shuffle"
    return Algorithm((Stage(steps, 1, 1.0, step),), name="SGD", sampling=sampling)


def _full(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    if n * c["gradients"] > most:
        raise UnfitError("too many gradients")
    step = Constant(c["share"] * _largest(problem))
    stage = Stage(c["gradients"], 1, 1.0, step)
    return Algorithm((stage,), name="gradient descent", sampling="without replacement", batch=n)


def _heavy_ball(problem: Problem, n: int, c: Chosen, most: int) -> HeavyBall:
    """Shares of the step up to which the iterates are averages of steps of SGD."""
    eta = c["share"] * _largest(problem) * (1 - math.sqrt(c["momentum"])) ** 2
    return HeavyBall(c["gradients"], Constant(eta), c["momentum"], problem.radius)


def _suffix(problem: Problem, n: int, c: Chosen, most: int) -> SuffixSGD:
    return SuffixSGD(c["gradients"], InverseTime(_modulus(problem), 1.0), c["averaged"], problem.radius)


def _weighted(problem: Problem, n: int, c: Chosen, most: int) -> WeightedSGD:
    step = InverseTime(c["factor"] * _modulus(problem) / 2, c["offset"])
    return WeightedSGD(c["gradients"], step, problem.radius)


def _halving(problem: Problem, n: int, c: Chosen, most: int) -> Algorithm:
    """Stages whose steps halve and whose lengths eta kT are the same multiple of 1/(m alpha)."""
    m, eta, alpha, k = _modulus(problem), c["share"] * _largest(problem), c["alpha"], c["k"]
    rounds = [math.ceil(c["length of stages"] / (m * alpha * eta / 2**s) / k * (1 - 1e-12)) for s in range(c["stages"])]
    if sum(rounds) * k > min(STAGED, 16 * most):
        raise UnfitError("too many gradients")
    return SLRLA(
        [Stage(T, k, alpha, Constant(eta / 2**s), c["beta"] * m, c["passed on"]) for s, T in enumerate(rounds)]
    )


def _stage_parameters(share: Range, most: int) -> tuple[Parameter, ...]:
    return (
        Range("stages", 1, 6, whole=True),
        Range("k", 1, 64, log=True, whole=True),
        ALPHA,
        share,
        Range("length of stages", 0.1, 32.0, log=True),
        Range("beta", 0.0, 1 / 6),
        Choice("passed on", ("average", "last")),
    )


def schedules(share: Range, offset: Range, factor: Range) -> tuple[Schedule, ...]:
    """All of them, with the ranges of what multiplies a step size."""
    return (
        Schedule("Lookahead, constant step", lambda most: (*_rounds(most), share), _constant),
        Schedule("SGD, constant step", lambda most: (_gradients(most), share), _sgd),
        Schedule("Lookahead, step 1/(m (j + j0)) or longer", lambda most: (*_rounds(most), offset, factor), _inverse),
        Schedule(
            "Lookahead, step 1/(c (j + 1)) or 1/(c (j + 2)) for some c",
            lambda most: (
                *_rounds(most),
                Choice("rate", ("m", DIVIDED, HARMONIC)),
                Choice("offset", (1.0, 2.0)),
            ),
            _named_inverse,
        ),
        Schedule(
            "SGD, step 1/(m (j + 1)) or 1/(m (j + 2))",
            lambda most: (_gradients(most), Choice("offset", (1.0, 2.0))),
            _inverse_sgd,
        ),
        Schedule(
            "SGD by random orders, constant step",
            lambda most: (Range("passes", 1, PASSES, whole=True), Choice("orders", (NEW, SAME)), share),
            _shuffled,
            examples=6,
        ),
        Schedule("gradient descent, constant step", lambda most: (_gradients(most), share), _full, examples=6),
        Schedule(
            "heavy ball, constant step",
            lambda most: (_gradients(most), Range("momentum", 0.0, 0.95), share),
            _heavy_ball,
        ),
        Schedule(
            "SGD and the average of its last iterates",
            lambda most: (_gradients(most), Range("averaged", 0.1, 1.0)),
            _suffix,
        ),
        Schedule("SGD and a weighted average", lambda most: (_gradients(most), offset, factor), _weighted),
        Schedule("stages of Lookahead with halved steps", functools.partial(_stage_parameters, share), _halving),
    )


SCHEDULES = schedules(SHARE, OFFSET, FACTOR)

BEYOND = schedules(
    Range("share", 1e-3, 8.0, log=True),
    Range("offset", 0.05, 1e4, log=True),
    Range("factor", 0.01, 8.0, log=True),
)
"""With steps longer than constants allow: for a bound without a hypothesis."""
