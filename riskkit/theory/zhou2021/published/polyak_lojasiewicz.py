r"""Theorem 4 as printed: losses that satisfy a Polyak-Lojasiewicz inequality. (The slides' Theorem 3.)

Setting: the package's, with its letters; what a theorem asks for stands with its bounds.
Step size: ``decay_step`` (optimization), ``divided_step`` or ``decay_step`` (generalization).
Published:
    Theorem 4, mu-PL, g = (1-1/n) a L/mu:
        optimization, last        4 f_0/(kT+1)^(2a) + 2 a L G^2 (a + 2(1-a)(k-1))/(mu^2 (kT+1)^(2a-1)),  1/(mu (j+1))
        generalization, last      (l_max^(g/(1+g))/(n-1)) (2 a G^2/mu)^(1/(1+g)) (kT)^(g/(1+g)),  1/(a mu (j+1))
        Its constants fit the step 1/(mu (j+1)) only; the bound is judged on both.
Proved, ``polyak_lojasiewicz`` being the slides' module:
    Theorem 4, optimization: as ``polyak_lojasiewicz``, with max(0, 1 - 2/(j+1)) for a step's contraction, a gap being
        nonnegative; without projection. Generalization: its burn-in bound, on both steps. At
        k = 1 a round without projection is one SGD step of length a eta_j, with which the recursion runs. Where every
        l(.; z) is strongly convex a step expands by no more than in Theorem 2. With a projection onto a ball of the
        diameter D no two runs are further apart than D. So the replaced example, met with probability 1/n, adds at
        most min(D, 2 eta G) in place of 2 eta G: min(D, x + 2 eta G) <= x + min(D, 2 eta G). And E||v - v'|| <- min(D,
        what a step makes of it) from j_b = 0 bounds their distance as well, and G times that the error; the smaller of
        the two bounds stands.
Reading: the generalization is false as printed.
Source: Zhou et al., NeurIPS 2021, supplement, p. 12-16.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import Algorithm
from riskkit.problem import Problem, diameter
from riskkit.theory.bound import At, Floats, Inequality
from riskkit.theory.hypotheses import Hypothesis, finite, one_stage
from riskkit.theory.hypotheses import polyak_lojasiewicz as satisfies_pl
from riskkit.theory.recursion import fold, scan
from riskkit.theory.zhou2021 import polyak_lojasiewicz
from riskkit.theory.zhou2021.published.setting import (
    BurnIn,
    Optimization,
    Stability,
    burn_in,
    claim_of,
    kept_near,
    reached,
    run_of,
    supplement,
    titled,
)
from riskkit.theory.zhou2021.published.steps import decay_step, divided_step, own_step, sizes


class MixedOptimization(NamedTuple):
    """As ``Optimization``, and what the outer step costs where F_S is not convex."""

    initial: Floats
    noise: Floats
    mixing: Floats


def _optimization4(at: At) -> Optimization:
    T, k, a, _, c = run_of(at)
    steps = k * T + 1
    noise = 2 * a * c.L * c.G**2 * (a + 2 * (1 - a) * (k - 1)) / c.mu**2
    return Optimization(4 * at.f0 * steps ** (-2 * a), noise * steps ** (1 - 2 * a))


def _generalization4(at: At) -> Stability:
    T, k, a, n, c = run_of(at)
    g = (1 - 1 / n) * a * c.L / c.mu
    power = g / (1 + g)
    return Stability(c.l_max**power * (2 * a * c.G**2 / c.mu) ** (1 / (1 + g)) * (k * T) ** power / (n - 1))


def _proved_optimization4(at: At) -> MixedOptimization:
    _, k, a, _, c = run_of(at)
    rho = min(c.rho, c.L)  # smoothness gives it
    j = np.arange(int(at.rounds.max()) * k, dtype=np.float64) + 1
    if k == 1:  # the two steps are one SGD step of length a/(mu j)
        A, B = scan(np.maximum(0, 1 - 2 * a / j), (a / j) ** 2)
        mixing = np.zeros_like(A)
    else:
        p, w = fold(np.maximum(0, 1 - 2 / j).reshape(-1, k), (j**-2).reshape(-1, k))
        cost = k * (j**-2).reshape(-1, k).sum(axis=1)
        A, B, mixing = scan(1 - a + a * p, a * w, a * (1 - a) * cost)
    moment, last = (c.G / c.mu) ** 2 / 2, at.rounds - 1
    return MixedOptimization(at.f0 * A[last], c.L * moment * B[last], rho * moment * mixing[last])


def _proved_generalization4(at: At) -> BurnIn:
    """At k = 1, without a projection, a round is one SGD step of length alpha eta."""
    eta, c, alpha, projected = sizes(at), at.constants, run_of(at).alpha, at.problem.radius is not None
    if run_of(at).k == 1 and not projected:
        eta, alpha = alpha * eta, 1.0
    factor = 1 + (1 - 1 / at.n) * c.L * eta
    if c.lam_example > 0:
        factor = np.maximum(1 - eta * c.lam_example, eta * c.L - 1)
    gain = np.minimum(diameter(at.problem) if projected else math.inf, 2 * c.G * eta) / at.n
    burnt = burn_in(at, factor, gain, alpha, c.M)
    if not projected:
        return burnt
    near = c.G * kept_near(at, factor, gain, alpha, diameter(at.problem))
    fewer = burnt.burn_in + burnt.stability <= near
    return BurnIn(np.where(fewer, burnt.burn_in, 0.0), np.where(fewer, burnt.stability, near))


def _unprojected(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.radius is None:
            return None
        return (
            f"{title} bounds the optimization error of runs without projection; {problem.name} is projected onto a "
            f"ball of radius {problem.radius:g}. Take the constants on the reachable set, and no radius."
        )

    return ask


def _finite_supremum(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if math.isfinite(problem.constants.l_max):
            return None
        return f"{title} needs the supremum of the loss, l_max; {problem.name} states none."

    return ask


_T4, _S4 = titled("theorem4")

_RUN4 = (_S4, one_stage(_T4), satisfies_pl(_T4), finite(_T4, "G", "L"))

_OPTIMIZATION4 = (
    *_RUN4,
    own_step(_T4, "1/(mu (j+1))", lambda constants, _: decay_step(constants)),
    reached(_T4),
    _unprojected(_T4),
)

_GENERALIZATION4 = (
    *_RUN4,
    own_step(_T4, "1/(alpha mu (j+1)) or 1/(mu (j+1))", divided_step, lambda constants, _: decay_step(constants)),
    reached(_T4),
    _finite_supremum(_T4),
)

OPTIMIZATION_4 = Inequality(
    name="paper.theorem4.optimization.last",
    title=_T4,
    quantity="optimization",
    output="last",
    source=supplement("p. 12-14"),
    hypotheses=_OPTIMIZATION4,
    claim=claim_of(polyak_lojasiewicz.OPTIMIZATION),
    published=_optimization4,
    proved=_proved_optimization4,
    statement=polyak_lojasiewicz.OPTIMIZATION.statement,
    published_statement=(
        r"\frac{4f_0}{(kT+1)^{2\alpha}} + \frac{2\alpha LG^2(\alpha+2(1-\alpha)(k-1))}{\mu^2(kT+1)^{2\alpha-1}}"
    ),
    claim_statement=polyak_lojasiewicz.OPTIMIZATION.claim_statement,
)

GENERALIZATION_4 = Inequality(
    name="paper.theorem4.generalization.last",
    title=_T4,
    quantity="generalization",
    output="last",
    source=supplement("p. 14-16"),
    hypotheses=_GENERALIZATION4,
    claim=claim_of(polyak_lojasiewicz.GENERALIZATION),
    published=_generalization4,
    proved=_proved_generalization4,
    statement=polyak_lojasiewicz.GENERALIZATION.statement,
    published_statement=(
        r"\frac{\ell_{\max}^{\gamma/(1+\gamma)}}{n-1}\left(\frac{2\alpha G^2}{\mu}\right)^{1/(1+\gamma)}"
        r"(kT)^{\gamma/(1+\gamma)}"
    ),
    claim_statement=polyak_lojasiewicz.GENERALIZATION.claim_statement,
)
