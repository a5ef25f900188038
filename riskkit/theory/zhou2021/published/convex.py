r"""Theorem 3 as printed: convex losses. (The slides' Theorem 1.)

Setting: the package's, with its letters; what a theorem asks for stands with its bounds.
Step size: constant in j; the paper takes ``horizon_step``.
Published:
    Theorem 3, convex, eta constant, <= 2/L for the generalization; the paper takes eta = sqrt(D^2/(a kT G^2)):
        optimization, average     D^2/(2 a eta kT) + eta G^2/2
        generalization, last      2 a eta G^2 kT/n
        generalization, average   a eta G^2 kT/n
Proved, ``convex`` being the slides' module:
    Theorem 3: ``convex``. The average is (eta G^2/n)(a k (T-1) + k - 1): gradients of the current round count with eta,
        not a eta. It exceeds the printed one exactly where a k < k - 1. On a ball of diameter D no two runs are
        further apart than D: there G times the mean over the fast iterates of the distance that grows by 2 eta G/n a
        step up to D, where that is smaller.
Reading: the average's generalization is false as printed.
Source: Zhou et al., NeurIPS 2021, supplement, p. 9-12.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.problem import diameter
from riskkit.theory.bound import At, Inequality
from riskkit.theory.hypotheses import convex as is_convex
from riskkit.theory.hypotheses import finite, one_stage, scheduled, step_at_most
from riskkit.theory.zhou2021 import convex
from riskkit.theory.zhou2021.published.setting import (
    Excess,
    Optimization,
    Stability,
    claim_of,
    proved_of,
    reached,
    run_of,
    supplement,
    titled,
)
from riskkit.theory.zhou2021.setting import setting_of


def _optimization3(at: At) -> Optimization:
    T, k, a, _, c = run_of(at)
    eta = convex.step_size(setting_of(at))
    return Optimization(at.D2 / (2 * a * eta * k * T), eta * c.G**2 / 2)


def _average3(at: At) -> Stability:
    T, k, a, n, c = run_of(at)
    return Stability(a * convex.step_size(setting_of(at)) * c.G**2 * k * T / n)


def _proved_average3(at: At) -> Stability:
    T, k, a, n, c = run_of(at)
    grown, most = convex.GENERALIZATION_AVERAGE.explicit(setting_of(at))[0], diameter(at.problem)
    gain = 2 * float(np.max(convex.step_size(setting_of(at)))) * c.G / n
    if at.problem.radius is None or gain * k * T.max() <= most:
        return Stability(grown)
    slow, passed, reached = 0.0, 0.0, np.empty(int(T.max()))
    for t in range(len(reached)):
        fast = np.minimum(most, slow + gain * np.arange(k + 1))
        passed += float(fast[:-1].sum())
        slow = (1 - a) * slow + a * float(fast[-1])
        reached[t] = passed / (k * (t + 1))
    return Stability(np.minimum(grown, c.G * reached[at.rounds - 1]))


def _last3(at: At) -> Stability:
    return Stability(2 * _average3(at).stability)


def _excess3(at: At) -> Excess:
    return Excess(*_optimization3(at), *_average3(at))


def theorem3_fails(k: Any, alpha: Any, T: Any) -> Any:
    """Where the printed bound on the average's generalization is below the exact value on the linear loss over a ball,
    (eta/(2n)) (alpha k (T-1) + k - 1), no step being projected: alpha k (T+1) < k - 1."""
    return np.asarray(alpha) * k * (np.asarray(T) + 1) < np.asarray(k) - 1


_T3, _S3 = titled("theorem3")

_RUN3 = (_S3, one_stage(_T3), is_convex(_T3), scheduled(_T3, *convex.SCHEDULES), reached(_T3), finite(_T3, "G"))

_STABLE3 = (
    *_RUN3,
    finite(_T3, "L"),
    step_at_most(_T3, "2/L", lambda problem, stage: 2 / problem.constants.L if problem.constants.L else math.inf),
)

OPTIMIZATION_3 = Inequality(
    name="paper.theorem3.optimization.average",
    title=_T3,
    quantity="optimization",
    output="average",
    source=supplement("p. 9-10"),
    hypotheses=_RUN3,
    claim=claim_of(convex.OPTIMIZATION_AVERAGE),
    published=_optimization3,
    proved=proved_of(convex.OPTIMIZATION_AVERAGE),
    statement=convex.OPTIMIZATION_AVERAGE.statement,
    published_statement=convex.OPTIMIZATION_AVERAGE.statement,
    claim_statement=convex.OPTIMIZATION_AVERAGE.claim_statement,
)

GENERALIZATION_LAST_3 = Inequality(
    name="paper.theorem3.generalization.last",
    title=_T3,
    quantity="generalization",
    output="last",
    source=supplement("p. 10-12"),
    hypotheses=_STABLE3,
    claim=claim_of(convex.GENERALIZATION_LAST),
    published=_last3,
    proved=proved_of(convex.GENERALIZATION_LAST),
    statement=convex.GENERALIZATION_LAST.statement,
    published_statement=convex.GENERALIZATION_LAST.statement,
    claim_statement=convex.GENERALIZATION_LAST.claim_statement,
)

GENERALIZATION_3 = Inequality(
    name="paper.theorem3.generalization.average",
    title=_T3,
    quantity="generalization",
    output="average",
    source=supplement("p. 11-12"),
    hypotheses=_STABLE3,
    claim=claim_of(convex.GENERALIZATION_AVERAGE),
    published=_average3,
    proved=_proved_average3,
    statement=convex.GENERALIZATION_AVERAGE.statement,
    published_statement=r"\frac{\alpha\eta G^2kT}{n}",
    claim_statement=convex.GENERALIZATION_AVERAGE.claim_statement,
)

EXCESS_3 = Inequality(
    name="paper.theorem3.excess.average",
    title=_T3,
    quantity="excess",
    output="average",
    source=supplement("p. 12"),
    hypotheses=_STABLE3,
    claim=claim_of(convex.EXCESS_AVERAGE),
    published=_excess3,
    proved=proved_of(convex.EXCESS_AVERAGE),
    statement=convex.EXCESS_AVERAGE.statement,
    published_statement=r"\frac{D^2}{2\alpha\eta kT} + \frac{\eta G^2}{2} + \frac{\alpha\eta G^2kT}{n}",
    claim_statement=convex.EXCESS_AVERAGE.claim_statement,
)
