r"""Theorem 3 (paper: Theorem 4): nonconvex losses that satisfy a Polyak-Lojasiewicz inequality.

Setting: on B, the convex hull of all points that fast and slow weights can reach: F_S mu-PL, that is 2 mu (F_S - F_S*)
    <= ||grad F_S||^2, L-smooth and rho-weakly convex (rho <= L, 0 if convex), E||g_j||^2 <= G^2, and no projection
    (optimization); every l(.; z) L-smooth, ||grad l|| <= G, sup - inf of the loss M, projection allowed
    (generalization). PL with quadratic growth and a global Lipschitz constant exclude each other on R^d, therefore B.
    Indices drawn uniformly with replacement; theta_0, eta_j, k, alpha, T and the index stream do not depend on S;
    n >= 2.
Step size: eta_j = 1/(mu (j + j0)), j counting gradients over all rounds; j0 >= 1 for the optimization error. A step
    with a smaller mu than the problem's is covered, mu being then the step's.
Claim, gamma = (1-1/n) alpha L/mu:
    optimization error     1/(kT+1)^(2 alpha) + alpha (alpha + 2 (1-alpha)(k-1)) / (mu^2 (kT+1)^(2 alpha-1))
    generalization error   (1/(n-1)) alpha^(1/(1+gamma)) (kT)^(gamma/(1+gamma))
Explicit, with s = (t-1)k, e = tk:
    f_0 = E[F_S(theta_0) - F_S*]
    f_t = [1 - alpha + alpha (s+j0-2)(s+j0-1)/((e+j0-2)(e+j0-1))] f_{t-1}
          + alpha (L G^2/(2 mu^2))/((e+j0-2)(e+j0-1)) sum_{j=s}^{e-1} (j+j0-1)/(j+j0)
          + alpha (1-alpha) (rho G^2/2) k sum_{j=s}^{e-1} eta_j^2
    at k = 1 instead  f_t = (1 - 2 alpha/(t-1+j0)) f_{t-1} + (L/2) alpha^2 eta^2 G^2, never larger
    optimization error <= f_T
    generalization error <= min over j_b in 0..kT of  M j_b/n + G delta_T(j_b), where delta = 0 for the first j_b
    gradient steps, then delta <- (1 + (1-1/n) L eta_j) delta + 2 G eta_j/n for a fast step, and
    delta_t = (1-alpha) delta_{t-1} + alpha delta for a round
Proof. *Optimization.* Smoothness and PL give E f(v+) <= (1 - 2 mu eta_j) f(v) + L eta_j^2 G^2/2 for f = F_S - F_S*, and
    (j+j0-2)/(j+j0) telescopes; for j0 < 2 it is negative at j = 0, where it multiplies f_0 itself. Weak convexity
    bounds what the outer step costs:
    f((1-alpha)x + alpha y) <= (1-alpha) f(x) + alpha f(y) + (rho/2) alpha(1-alpha) ||x-y||^2, and by Cauchy-Schwarz
    E||v_k - v_0||^2 <= k sum_j eta_j^2 G^2. At k = 1 the two steps are one SGD step of length alpha eta_j.
    *Generalization.* The replaced example is met in the first j_b steps with probability at most j_b/n, and then the
    losses differ by at most M. Otherwise the two runs agree until then; afterwards a common example's step expands
    their distance by at most 1 + L eta_j, the replaced one adds 2 eta_j G with probability 1/n, the outer step mixes,
    and the loss is G-Lipschitz. Counting the burn-in in gradients keeps alpha = 1 free of k.
Reading: for kT >> j0 the explicit bound decays like T^(-min(2 alpha, 1)): sharper than the claim, whose second term
    does not decay at all for alpha <= 1/2. The generalization bound often exceeds M, and is vacuous there. f_T is an
    equality at T = k = 1, alpha = 1 for a quadratic.
Source: Zhou et al., NeurIPS 2021, Theorem 3 (informal); burn-in after Hardt, Recht and Singer, ICML 2016.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import Algorithm
from riskkit.algorithms.steps import InverseTime
from riskkit.problem import Problem
from riskkit.theory import recursion
from riskkit.theory.bound import Condition, Floats
from riskkit.theory.hypotheses import (
    finite,
    inverse_time,
    offset_at_least,
    one_stage,
    polyak_lojasiewicz,
    scheduled,
    step_constant_at_most,
    within_reach,
)
from riskkit.theory.zhou2021.setting import Setting, StagedInequality

TITLE = "Theorem 3 (paper: Theorem 4)"


class Optimization(NamedTuple):
    """f_T: what is left of f_0, the gradient noise, and what the outer step costs where F_S is not convex."""

    initial: Floats
    noise: Floats
    mixing: Floats


class Generalization(NamedTuple):
    """M j_b/n and G delta_T(j_b) at the best burn-in."""

    burn_in: Floats
    stability: Floats


class Stability(NamedTuple):
    stability: Floats


class Excess(NamedTuple):
    initial: Floats
    noise: Floats
    mixing: Floats
    burn_in: Floats
    stability: Floats


class OptimizationRate(NamedTuple):
    initial: Floats
    noise: Floats


class StabilityRate(NamedTuple):
    stability: Floats


class ExcessRate(NamedTuple):
    initial: Floats
    noise: Floats
    stability: Floats


def _optimization(setting: Setting) -> Optimization:
    cells, step, constants = setting.grid, inverse_time(TITLE, setting.step), setting.constants
    solved = recursion.solve(
        cells.T, cells.k, cells.alpha, lambda T, k: recursion.inverse_time_rounds(T, k, step.offset)
    )
    moment = (constants.G / step.lam) ** 2 / 2
    # At k = 1 the two steps are one: the same contraction, alpha^2 eta^2 in the place of alpha eta^2, nothing to mix.
    single = cells.k == 1
    noise = np.where(single, cells.alpha, 1.0) * solved.noise
    mixing = np.where(single, 0.0, solved.mixing)
    return Optimization(solved.initial * cells.f0, constants.L * moment * noise, constants.rho * moment * mixing)


def _generalization(setting: Setting) -> Generalization:
    cells, step, constants = setting.grid, inverse_time(TITLE, setting.step), setting.constants
    _two_examples(cells.n)
    burn_in, stability = np.empty(cells.n.shape), np.empty(cells.n.shape)
    shaped = (cells.n, cells.T, cells.k, cells.alpha, burn_in, stability)
    n, T, k, alpha, burnt, stable = (array.reshape(-1) for array in shaped)
    for period, of_k in recursion.groups(k):
        for size, within in recursion.groups(n[of_k]):
            of_n = of_k[within]
            rate = (1 - 1 / size) * constants.L / step.lam
            gain = 2 * constants.G / (size * step.lam)
            fast = _Expansion.of(int(T[of_n].max()), int(period), step.offset, rate)
            price = constants.M / size
            relative = price / (constants.G * gain) if constants.G else np.inf
            for mix, at in recursion.groups(alpha[of_n]):
                for cell in of_n[at]:
                    steps, delta = fast.best_burn_in(int(T[cell]), mix, relative)
                    burnt[cell] = price * steps if steps else 0.0
                    stable[cell] = constants.G * gain * delta
    return Generalization(burnt.reshape(cells.n.shape), stable.reshape(cells.n.shape))


class _Expansion(NamedTuple):
    """Rounds of x <- (1 + c/(j+j0)) x + 1/(j+j0): what each step's addition has grown to by the end of its round,
    (T, k), and by how much a round expands, (T,)."""

    grown: Floats
    expansion: Floats

    @staticmethod
    def of(T: int, k: int, offset: float, c: float) -> _Expansion:
        j = np.arange(T * k, dtype=np.float64).reshape(T, k) + offset
        factor = 1 + c / j
        later = np.ones((T, k))
        with np.errstate(over="ignore"):
            for tau in range(k - 2, -1, -1):
                later[:, tau] = later[:, tau + 1] * factor[:, tau + 1]
            return _Expansion(later / j, later[:, 0] * factor[:, 0])

    def best_burn_in(self, T: int, alpha: float, price: float) -> tuple[int, float]:
        """The j_b in 0..kT that minimises price j_b + delta_T(j_b), and that delta_T, in units of 2G/(n mu).

        The recursion is linear and starts from 0: delta_T(j_b) = sum_{j >= j_b} of what step j's addition grows to by
        the end of the run, so that one sum from the end gives all of them. An infinite price leaves j_b = 0.
        """
        with np.errstate(over="ignore"):
            mixed = 1 - alpha + alpha * self.expansion[:T]
            after = np.append(np.cumprod(mixed[:0:-1])[::-1], 1.0)
            delta = np.cumsum((alpha * self.grown[:T] * after[:, None]).ravel()[::-1])[::-1]
        if not np.isfinite(price):
            return 0, float(delta[0])
        total = np.append(delta, 0.0) + price * np.arange(delta.size + 1)
        best = int(total.argmin())
        return best, float(delta[best]) if best < delta.size else 0.0


def _stability(setting: Setting) -> Stability:
    """delta_T without a burn-in, which an infinite M forbids."""
    unbounded = dataclasses.replace(setting, constants=dataclasses.replace(setting.constants, M=np.inf))
    return Stability(_generalization(unbounded).stability / setting.constants.G)


def _excess(setting: Setting) -> Excess:
    return Excess(*_optimization(setting), *_generalization(setting))


def _two_examples(n: Floats) -> None:
    if not np.all(n >= 2):
        raise ValueError(f"{TITLE} needs n >= 2, for 1/(n-1); got n = {n.min():g}.")


def _optimization_claim(setting: Setting) -> OptimizationRate:
    _, T, k, alpha, *_ = setting.grid
    steps = k * T + 1
    factor = alpha * (alpha + 2 * (1 - alpha) * (k - 1)) / setting.constants.mu**2
    return OptimizationRate(steps ** (-2 * alpha), factor * steps ** (1 - 2 * alpha))


def _generalization_claim(setting: Setting) -> StabilityRate:
    n, T, k, alpha, *_ = setting.grid
    _two_examples(n)
    gamma = (1 - 1 / n) * alpha * setting.constants.L / setting.constants.mu
    return StabilityRate(alpha ** (1 / (1 + gamma)) * (k * T) ** (gamma / (1 + gamma)) / (n - 1))


def _excess_claim(setting: Setting) -> ExcessRate:
    return ExcessRate(*_optimization_claim(setting), *_generalization_claim(setting))


def _unprojected(problem: Problem, algorithm: Algorithm) -> str | None:
    if problem.radius is None:
        return None
    return (
        f"{TITLE}'s optimization bound is proved without projection; {problem.name} is projected onto a ball of "
        f"radius {problem.radius:g}. Take the constants on the reachable set, and no radius."
    )


_RUN = (
    one_stage(TITLE),
    polyak_lojasiewicz(TITLE),
    scheduled(TITLE, InverseTime),
    step_constant_at_most(TITLE, "mu", "PL constant"),
    within_reach(TITLE),
)
_OPTIMIZATION = (*_RUN, offset_at_least(TITLE, 1.0), finite(TITLE, "G", "L", "rho"), _unprojected)
_GENERALIZATION = (
    one_stage(TITLE),
    polyak_lojasiewicz(TITLE),
    scheduled(TITLE, InverseTime),  # of any constant: the stability's proof does not use mu
    within_reach(TITLE),
    finite(TITLE, "G", "L"),
)

_CLAIM = r"\frac{1}{(Tk+1)^{2\alpha}} + \frac{\alpha(\alpha+2(1-\alpha)(k-1))}{\mu^2(Tk+1)^{2\alpha-1}}"
_GENERALIZATION_CLAIM = r"\frac{\alpha^{1/(1+\gamma)}(Tk)^{\gamma/(1+\gamma)}}{n-1}"
_GENERALIZATION_BOUND = r"\min_{0\leq j_b\leq kT}\left(\frac{Mj_b}{n} + G\,\delta_T(j_b)\right)"

OPTIMIZATION: StagedInequality = StagedInequality(
    name="theorem3.optimization.last",
    title=TITLE,
    quantity="optimization",
    output="last",
    statement=r"f_T",
    claim_statement=_CLAIM,
    hypotheses=_OPTIMIZATION,
    claimed=_optimization_claim,
    explicit_terms=_optimization,
)

GENERALIZATION: StagedInequality = StagedInequality(
    name="theorem3.generalization.last",
    title=TITLE,
    quantity="generalization",
    output="last",
    statement=_GENERALIZATION_BOUND,
    claim_statement=_GENERALIZATION_CLAIM,
    hypotheses=_GENERALIZATION,
    claimed=_generalization_claim,
    explicit_terms=_generalization,
)

STABILITY: StagedInequality = StagedInequality(
    name="theorem3.stability.last",
    title=TITLE,
    quantity="stability",
    output="last",
    statement=r"\delta_T(0)",
    claim_statement=_GENERALIZATION_CLAIM,
    hypotheses=_GENERALIZATION,
    claimed=_generalization_claim,
    explicit_terms=_stability,
)

EXCESS: StagedInequality = StagedInequality(
    name="theorem3.excess.last",
    title=TITLE,
    quantity="excess",
    output="last",
    statement=r"f_T + " + _GENERALIZATION_BOUND,
    claim_statement=_CLAIM + " + " + _GENERALIZATION_CLAIM,
    hypotheses=(*_OPTIMIZATION, *_GENERALIZATION),
    claimed=_excess_claim,
    explicit_terms=_excess,
)

AN_ALPHA_BELOW_1 = Condition("an alpha below 1", lambda at: True, everywhere=False)
"""With alpha chosen properly, Lookahead is said to have a smaller excess risk than SGD, which is alpha = 1."""
