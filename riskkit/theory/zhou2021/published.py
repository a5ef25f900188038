r"""Theorems 1 to 6 and Corollary 1 as the supplement prints them, with constants, and the bounds that hold instead.

The numbers are the paper's. The slides count otherwise: their Theorem 1 is the paper's Theorem 3, their Theorem 2 the
paper's Theorems 1, 2 and Corollary 1, their Theorem 3 the paper's Theorem 4, their Theorem 4 the paper's Theorems 5
and 6. Statements are the last lines of the supplement's proofs; ``Source.place`` has the page. Each bound has the form
``published``, evaluated as printed, and the form ``proved``, a bound on the same quantity, output and schedule whose
proof stands below or in the module that is named. Both are judged on the same cells.

Setting: every l(.; z) G-Lipschitz and L-smooth; indices drawn uniformly with replacement; D^2 = E||theta_0 -
    theta*_S||^2, f_0 = E[F_S(theta_0) - F_S*], l_max = sup l; k inner steps, T rounds, a = alpha, q = (T+1)k + 2.
Step size: one for each theorem, ``first_step``, ``horizon_step``, ``decay_step``, ``divided_step``, ``stages``.
Published:
    Theorem 1, F_S lam-strongly convex, eta_j = (lam+L)/(lam L (j+2)), last iterate:
        a < 1/2   (3L/2) ((k+2)/q)^(2a) D^2 + 16 L G^2/(lam^2 (1-2a) q^(2a))
        a = 1/2   (3L/2) ((k+2)/q) D^2      + 16 L G^2 log(kT+2)/(lam^2 q)
        a > 1/2   4L ((k+2)/q)^(2a) D^2     + 90 L G^2/(lam^2 (2a-1)(kT+2))
        and 2/L times that for the squared distance to theta*_S.
    Theorem 2, every l(.; z) lam-strongly convex, the same step:
        generalization, last      (16 G^2/(n lam)) ((kT+1)^a - 1)/q^a
    Corollary 1: the sum of the two, with 16 G in place of 16 G^2.
    Theorem 3, convex, eta constant, <= 2/L for the generalization; the paper takes eta = sqrt(D^2/(a kT G^2)):
        optimization, average     D^2/(2 a eta kT) + eta G^2/2
        generalization, last      2 a eta G^2 kT/n
        generalization, average   a eta G^2 kT/n
    Theorem 4, mu-PL, g = (1-1/n) a L/mu:
        optimization, last        4 f_0/(kT+1)^(2a) + 2 a L G^2 (a + 2(1-a)(k-1))/(mu^2 (kT+1)^(2a-1)),  1/(mu (j+1))
        generalization, last      (l_max^(g/(1+g))/(n-1)) (2 a G^2/mu)^(1/(1+g)) (kT)^(g/(1+g)),  1/(a mu (j+1))
        Its constants fit the step 1/(mu (j+1)) only; the bound is judged on both.
    Theorem 5, SLRLA, lam-strongly convex; beta <= lam/6, eta_s <= eps_s/(3 G^2), eta_s k T_s >= 6/(lam a), eps_s =
        eps_0/2^s, s = 0 .. S-1, every stage passing on its average:
        optimization              eps_0/2^S, after 36 G^2/(lam a eps) gradients
        generalization, h = lam L/(lam+L)
            (2 a G^2/(n (beta + a h))) (1 - e^(-6 S L/(lam+L)))/(1 - e^(-6 L/(lam+L)))
    Theorem 6, SLRLA, mu-PL, Hessians >= -sigma:
        (i) sigma <= beta <= mu/6: as Theorem 5 with mu for lam, and beta - sigma + a mu L/(mu+L) for beta + a h
        (ii) <grad F_s(theta), theta - theta*> >= r (F_s(theta) - F_s*), eta_s <= r eps_s/(3 G^2), eta k T >= 6/(mu r a)
            (2 a G^2/(n x)) (1 - e^(-6 S x/(mu r a)))/(1 - e^(-6 x/(mu r a))), x = beta - a L > 0
Proved:
    Theorem 1: r_T of ``strongly_convex``, with h for lam there (strong convexity holds with any smaller constant).
    Theorem 2: for every L/lam, min over j_b of  M j_b/n + G delta_T(j_b), where delta = 0 for the first j_b gradients,
        then delta <- max(1 - eta_j lam, eta_j L - 1) delta + 2 eta_j G/n for a fast step, and a round mixes by alpha.
        Proof. An example that is met in the first j_b steps (probability at most j_b/n) changes the loss by at most M.
        Else the runs agree until then. l - (lam/2)||.||^2 is convex and (L-lam)-smooth, so that a step of *any* length
        on a common example expands by at most max(|1 - eta lam|, |1 - eta L|); the replaced one, met with probability
        1/n, adds at most 2 eta G. The outer step mixes, and l is G-Lipschitz. For eta_0 <= 2/(lam+L) and j_b = 0 this
        is ``strongly_convex.GENERALIZATION``. Or, where that is smaller, G times
            delta_t = (1 - a + a p_t) delta_{t-1} + a w_t,
        p_t and w_t as above (from one step to the next) for a round with all eta_j <= 2/L, else with K_j = max(0, 1 -
        2 lam eta_j) and products over the later j of the round
            p_t = sqrt(prod K_j),  w_t = min(1, tk/n) sqrt(sum 4 eta_j^2 G^2 prod K) + sum (2 eta_j G/n) prod sqrt(K).
        Proof. ||v+ - v'+||^2 = d^2 - 2 eta <g - g', v - v'> + eta^2 ||g - g'||^2 <= K d^2 + 4 eta^2 G^2 on a common
        example, for every eta, by strong convexity and ||g||, ||g'|| <= G; nothing is added while d = 0, that is until
        the replaced example is met. sqrt(K x^2 + c) <= sqrt(K) x + sqrt(c), and increments of x pass with factors
        sqrt(K): the replaced example's 2 eta G (probability 1/n) and the round's start. A round thus ends at most at
        p_t delta_{t-1}, plus the root of the sum if the example was met by then (probability at most tk/n), plus the
        last sum. The loss of one example varies by at most G diam <= 2 G^2/lam, since 2 G >= lam diam (gradients are
        strongly monotone); that stands for M where it is smaller. Then both bounds can be compared with the printed
        one, and where one of them lies below it the printed bound is true.
    Theorem 3: ``convex``. The average is (eta G^2/n)(a k (T-1) + k - 1): gradients of the current round count with eta,
        not a eta. It exceeds the printed one exactly where a k < k - 1.
    Theorem 4, optimization: as ``polyak_lojasiewicz``, whose step has j0 >= 2, with max(0, 1 - 2/(j+1)) for a step's
        contraction, a gap being nonnegative. Generalization: its burn-in bound, on both steps. At k = 1 a round is one
        SGD step of length a eta_j, with which the recursion runs. Where every l(.; z) is strongly convex a step expands
        by no more than in Theorem 2.
    Theorems 5 and 6: ``slrla.optimization`` and G ``slrla.stability``, in which the anchor and the average of a stage
        have the distances that the stage gives them.
Reading: Theorem 3's average, Theorem 4's generalization, Theorems 5's and 6's generalization are false as printed; the
    steps at which their proofs fail are in ``proof_audits``.
Source: Zhou et al., NeurIPS 2021, supplement.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from riskkit.algorithms.staged import SLRLA, Algorithm, Stage
from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon, first_size
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats, Inequality, Source, Terms
from riskkit.theory.hypotheses import (
    Hypothesis,
    finite,
    one_stage,
    scheduled,
    staged,
    step_at_most,
    strongly_convex_examples,
    within_reach,
)
from riskkit.theory.hypotheses import (
    convex as is_convex,
)
from riskkit.theory.hypotheses import (
    polyak_lojasiewicz as satisfies_pl,
)
from riskkit.theory.hypotheses import (
    strongly_convex as is_strongly_convex,
)
from riskkit.theory.recursion import fold, scan
from riskkit.theory.zhou2021 import convex, polyak_lojasiewicz, slrla, strongly_convex
from riskkit.theory.zhou2021.setting import PAPER, StagedInequality, setting_of

TITLES = {
    "theorem1": "Theorem 1 of the paper (slide 2)",
    "theorem2": "Theorem 2 of the paper (slide 2)",
    "corollary1": "Corollary 1 of the paper (slide 2)",
    "theorem3": "Theorem 3 of the paper (slide 1)",
    "theorem4": "Theorem 4 of the paper (slide 3)",
    "theorem5": "Theorem 5 of the paper (slide 4)",
    "theorem6": "Theorem 6 of the paper (slide 4)",
}
"""The paper's numbers with the slides' beside them."""


# Step sizes.


def first_step(constants: Constants) -> InverseTime:
    """Theorems 1 and 2: (lam+L)/(lam L (j+2))."""
    return InverseTime(constants.lam * constants.L / (constants.lam + constants.L), 2.0)


def horizon_step(D: float, G: float, alpha: float) -> SqrtHorizon:
    """Theorem 3: sqrt(D^2/(alpha kT G^2)). D must be known before S is drawn."""
    return SqrtHorizon(D / (math.sqrt(alpha) * G))


def decay_step(constants: Constants) -> InverseTime:
    """Theorem 4, optimization: 1/(mu (j+1))."""
    return InverseTime(constants.mu, 1.0)


def divided_step(constants: Constants, alpha: float) -> InverseTime:
    """Theorem 4, generalization: 1/(alpha mu (j+1))."""
    return InverseTime(alpha * constants.mu, 1.0)


def stages(
    constants: Constants, eps0: float, S: int, alpha: float, k: int, beta: float | None = None, r: float = 1.0
) -> Algorithm:
    """The S stages of Theorem 5, and with mu for lam of Theorem 6; as short as allowed. ``beta``: default m/6.

    ``eps0`` must be at least E[F_S(theta_0) - F_S*] and fixed before S is drawn.
    """
    modulus = constants.lam or constants.mu
    made = []
    for s in range(S):
        eta = r * eps0 / 2**s / (3 * constants.G**2)
        rounds = math.ceil(6 / (modulus * r * alpha * eta) / k * (1 - 1e-12))
        made.append(Stage(rounds, k, alpha, Constant(eta), modulus / 6 if beta is None else beta, "average"))
    return SLRLA(made)


# What a bound reads.


class Run(NamedTuple):
    """One stage of lookahead at its checkpoints: T (K,), the rest numbers."""

    T: Floats
    k: int
    alpha: float
    n: int
    constants: Constants


def _run(at: At) -> Run:
    (stage,) = at.algorithm.stages
    return Run(at.rounds.astype(np.float64), stage.k, stage.alpha, at.n, at.constants)


class Optimization(NamedTuple):
    """What is left of the start, and the noise."""

    initial: Floats
    noise: Floats


class MixedOptimization(NamedTuple):
    """The same, and what the outer step costs where F_S is not convex."""

    initial: Floats
    noise: Floats
    mixing: Floats


class Stability(NamedTuple):
    stability: Floats


class BurnIn(NamedTuple):
    """M j_b/n and G delta_T(j_b) at the best burn-in."""

    burn_in: Floats
    stability: Floats


class Excess(NamedTuple):
    initial: Floats
    noise: Floats
    stability: Floats


class BurntExcess(NamedTuple):
    initial: Floats
    noise: Floats
    boundary: Floats
    burn_in: Floats
    stability: Floats


# Theorems 1, 2 and Corollary 1.


def _distance1(at: At) -> Optimization:
    T, k, a, _, c = _run(at)
    q, ratio = (T + 1) * k + 2, (c.G / c.lam) ** 2
    start = (k + 2) / q
    if a < 0.5:
        return Optimization(3 * start ** (2 * a) * at.D2, 32 * ratio / (q ** (2 * a) * (1 - 2 * a)))
    if a == 0.5:
        return Optimization(3 * start * at.D2, 32 * ratio * np.log(k * T + 2) / q)
    return Optimization(8 * start ** (2 * a) * at.D2, 180 * ratio / ((2 * a - 1) * (k * T + 2)))


def _optimization1(at: At) -> Optimization:
    """Nothing where theta*_S lies on the boundary of Theta: smoothness at a stationary minimizer is used."""
    half = at.constants.L / 2 if at.g2 <= 1e-12 * at.constants.G**2 else math.nan
    initial, noise = _distance1(at)
    return Optimization(half * initial, half * noise)


def _stability2(at: At) -> Stability:
    """16 G (the distance of two runs)."""
    T, k, a, n, c = _run(at)
    grown = np.expm1(a * np.log1p(k * T)) / ((T + 1) * k + 2) ** a
    return Stability(16 * c.G / (n * c.lam_example) * grown)


def _generalization2(at: At) -> Stability:
    return Stability(at.constants.G * _stability2(at).stability)


def _excess1(at: At) -> Excess:
    return Excess(*_optimization1(at), *_stability2(at))


def burn_in(at: At, factor: Floats, gain: Floats, alpha: float, most: float) -> BurnIn:
    """min over j_b of most j_b/n + G delta_T(j_b) at the checkpoints, with delta <- factor_j delta + gain_j for a fast
    step after the first j_b. factor and gain: (J,), J the gradients of the longest run.

    The recursion is linear and starts at 0, so that delta_T(j_b) is the sum over j >= j_b of what gain_j has grown to.
    ``most``: by how much an example's loss can vary; where it is infinite j_b = 0.
    """
    _, k, _, n, c = _run(at)
    price = most / n
    burnt, stable = np.empty(at.rounds.shape), np.empty(at.rounds.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        factors, gains = factor.reshape(-1, k), gain.reshape(-1, k)
        later = np.ones_like(factors)
        for tau in range(k - 2, -1, -1):
            later[:, tau] = later[:, tau + 1] * factors[:, tau + 1]
        grown, mixed = alpha * gains * later, 1 - alpha + alpha * later[:, 0] * factors[:, 0]
        for place, T in enumerate(at.rounds.tolist()):
            after = np.append(np.cumprod(mixed[1:T][::-1])[::-1], 1.0)
            delta = np.cumsum((grown[:T] * after[:, None]).ravel()[::-1])[::-1]
            delta = np.nan_to_num(np.append(delta, 0.0), nan=math.inf, posinf=math.inf)
            if not math.isfinite(price):
                burnt[place], stable[place] = 0.0, c.G * delta[0]
                continue
            best = int((c.G * delta + price * np.arange(delta.size)).argmin())
            burnt[place], stable[place] = price * best, c.G * delta[best]
    return BurnIn(burnt, stable)


def _sizes(at: At) -> Floats:
    (stage,) = at.algorithm.stages
    T = int(at.rounds.max())
    return np.asarray(stage.step.sizes(T, stage.k), dtype=np.float64)


def _contraction2(at: At) -> tuple[Floats, Floats]:
    eta, c = _sizes(at), at.constants
    return np.maximum(1 - eta * c.lam_example, eta * c.L - 1), 2 * c.G / at.n * eta


def _proved_generalization2(at: At) -> BurnIn:
    """The smaller of the two proved bounds at each checkpoint."""
    c = at.constants
    burnt = burn_in(at, *_contraction2(at), _run(at).alpha, min(c.M, 2 * c.G**2 / c.lam_example))
    monotone = c.G * _monotone2(at)
    fewer = burnt.burn_in + burnt.stability <= monotone
    return BurnIn(np.where(fewer, burnt.burn_in, 0.0), np.where(fewer, burnt.stability, monotone))


def _monotone2(at: At) -> Floats:
    """E||theta_T(S) - theta_T(S^i)|| at the checkpoints by rounds that may have long steps."""
    _, k, a, n, c = _run(at)
    last = at.rounds - 1
    if a == 1:  # SGD, for which rounds of one step mix least
        k, last = 1, k * at.rounds - 1
    eta = _sizes(at).reshape(-1, k)
    kept, step = np.maximum(0, 1 - 2 * c.lam_example * eta), 2 * c.G * eta
    squared, spread = fold(kept, step**2)
    met = np.minimum(1, k * np.arange(1, len(eta) + 1) / n)
    long_p, long_w = np.sqrt(squared), met * np.sqrt(spread) + fold(np.sqrt(kept), step / n)[1]
    with np.errstate(over="ignore"):
        p, w = fold(np.maximum(1 - eta * c.lam_example, eta * c.L - 1), step / n)
    short = (eta * c.L <= 2).all(axis=1)
    p, w = np.where(short, p, long_p), np.where(short, w, long_w)
    return scan(1 - a + a * p, a * w)[1][last]


def _proved_stability2(at: At) -> Stability:
    """Without a burn-in, which bounds losses and no distance."""
    _, k, a, _, _ = _run(at)
    factor, gain = (part.reshape(-1, k) for part in _contraction2(at))
    with np.errstate(over="ignore", invalid="ignore"):
        p, w = fold(factor, gain)
        delta, reached = 0.0, np.empty(len(p))
        for t in range(len(p)):
            delta = min((1 - a + a * p[t]) * delta + a * w[t], 1e300)
            reached[t] = delta
    return Stability(np.nan_to_num(reached, nan=math.inf, posinf=math.inf)[at.rounds - 1])


def _proved_excess1(at: At) -> BurntExcess:
    initial, noise, boundary = strongly_convex.OPTIMIZATION.explicit(setting_of(at))
    return BurntExcess(initial, noise, boundary, *_proved_generalization2(at))


# Theorem 3.


def _of(bound: StagedInequality) -> Callable[[At], Terms]:
    """The proved form of a slide's bound, as a function of ``At``."""

    def evaluated(at: At) -> Terms:
        return bound.explicit(setting_of(at))

    return evaluated


def _claim_of(bound: StagedInequality) -> Callable[[At], Terms]:
    def evaluated(at: At) -> Terms:
        return bound.claim(setting_of(at))

    return evaluated


def _optimization3(at: At) -> Optimization:
    T, k, a, _, c = _run(at)
    eta = convex.step_size(setting_of(at))
    return Optimization(at.D2 / (2 * a * eta * k * T), eta * c.G**2 / 2)


def _average3(at: At) -> Stability:
    T, k, a, n, c = _run(at)
    return Stability(a * convex.step_size(setting_of(at)) * c.G**2 * k * T / n)


def _last3(at: At) -> Stability:
    return Stability(2 * _average3(at).stability)


def _excess3(at: At) -> Excess:
    return Excess(*_optimization3(at), *_average3(at))


def theorem3_fails(k: Any, alpha: Any, T: Any) -> Any:
    """Where the printed bound on the average's generalization is below the exact value on the linear loss over a ball,
    (eta/(2n)) (alpha k (T-1) + k - 1), no step being projected: alpha k (T+1) < k - 1."""
    return np.asarray(alpha) * k * (np.asarray(T) + 1) < np.asarray(k) - 1


# Theorem 4.


def _optimization4(at: At) -> Optimization:
    T, k, a, _, c = _run(at)
    steps = k * T + 1
    noise = 2 * a * c.L * c.G**2 * (a + 2 * (1 - a) * (k - 1)) / c.mu**2
    return Optimization(4 * at.f0 * steps ** (-2 * a), noise * steps ** (1 - 2 * a))


def _generalization4(at: At) -> Stability:
    T, k, a, n, c = _run(at)
    g = (1 - 1 / n) * a * c.L / c.mu
    power = g / (1 + g)
    return Stability(c.l_max**power * (2 * a * c.G**2 / c.mu) ** (1 / (1 + g)) * (k * T) ** power / (n - 1))


def _proved_optimization4(at: At) -> MixedOptimization:
    _, k, a, _, c = _run(at)
    j = np.arange(int(at.rounds.max()) * k, dtype=np.float64) + 1
    if k == 1:  # the two steps are one SGD step of length a/(mu j)
        A, B = scan(np.maximum(0, 1 - 2 * a / j), (a / j) ** 2)
        mixing = np.zeros_like(A)
    else:
        p, w = fold(np.maximum(0, 1 - 2 / j).reshape(-1, k), (j**-2).reshape(-1, k))
        cost = k * (j**-2).reshape(-1, k).sum(axis=1)
        A, B, mixing = scan(1 - a + a * p, a * w, a * (1 - a) * cost)
    moment, last = (c.G / c.mu) ** 2 / 2, at.rounds - 1
    return MixedOptimization(at.f0 * A[last], c.L * moment * B[last], c.rho * moment * mixing[last])


def _proved_generalization4(at: At) -> BurnIn:
    """At k = 1 a round is one SGD step of length alpha eta."""
    eta, c, alpha = _sizes(at), at.constants, _run(at).alpha
    if _run(at).k == 1:
        eta, alpha = alpha * eta, 1.0
    factor = 1 + (1 - 1 / at.n) * c.L * eta
    if c.lam_example > 0:
        factor = np.maximum(1 - eta * c.lam_example, eta * c.L - 1)
    return burn_in(at, factor, 2 * c.G / at.n * eta, alpha, c.M)


# Theorems 5 and 6.


def _eps0(at: At, r: float = 1.0) -> float:
    """The least eps_0 that the run's step sizes allow: eta_s <= r eps_0/(3 G^2 2^s), and eps_0 >= f_0."""
    etas = [first_size(stage.step, stage.T, stage.k) for stage in at.algorithm.stages]
    return max(at.f0, *(3 * at.constants.G**2 * eta * 2**s / r for s, eta in enumerate(etas)))


def _optimization5(at: At) -> Floats:
    S = np.arange(1.0, len(at.algorithm.stages) + 1)
    return slrla.at_stage_ends(_eps0(at) * 2.0**-S, at)


def _stagewise(at: At, modulus: float) -> Floats:
    """2 a G^2/(n (beta + a h)) times the geometric sum, h = m L/(m+L); sigma is taken off beta."""
    (stage, *_), c = at.algorithm.stages, at.constants
    S, a = np.arange(1.0, len(at.algorithm.stages) + 1), stage.alpha
    share = c.L / (modulus + c.L)
    series = np.expm1(-6 * S * share) / np.expm1(-6 * share)
    return 2 * a * c.G**2 / (at.n * (stage.beta - c.rho + a * modulus * share)) * series


def _generalization5(at: At) -> Floats:
    return slrla.at_stage_ends(_stagewise(at, at.constants.lam), at)


def _generalization6(at: At) -> Floats:
    return slrla.at_stage_ends(_stagewise(at, at.constants.mu), at)


def _generalization6_ii(at: At) -> Floats:
    (stage, *_), c, r = at.algorithm.stages, at.constants, 1.0
    S, x = np.arange(1.0, len(at.algorithm.stages) + 1), stage.beta - stage.alpha * c.L
    rate = 6 * x / (c.mu * r * stage.alpha)
    return slrla.at_stage_ends(2 * stage.alpha * c.G**2 / (at.n * x) * np.expm1(-S * rate) / np.expm1(-rate), at)


def _proved_optimization5(at: At) -> Floats:
    if slrla.optimization_excluded(at.problem, at.algorithm):
        return np.full(at.rounds.shape, math.nan)
    return slrla.at_stage_ends(slrla.optimization(at.problem, at.algorithm, at.f0), at)


def _proved_generalization5(at: At) -> Floats:
    if slrla.stability_excluded(at.constants, at.algorithm):
        return np.full(at.rounds.shape, math.nan)
    return slrla.at_stage_ends(at.constants.G * slrla.stability(at.constants, at.algorithm, at.n), at)


# Hypotheses.


def _staged(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        return staged(title, problem, algorithm)

    return ask


def _own_step(title: str, formula: str, *made: Callable[[Constants, float], InverseTime]) -> Hypothesis:
    """The printed step, of which there may be two."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage, wanted = algorithm.stages[0], [make(problem.constants, algorithm.stages[0].alpha) for make in made]
        step = stage.step
        for one in wanted:
            if isinstance(step, InverseTime) and math.isclose(step.lam, one.lam) and step.offset == one.offset:
                return None
        shown = " or ".join(one.described() for one in wanted)
        return f"{title} is stated for the step {formula}, here {shown}; got {step!r}."

    return ask


def _reached_gradients(title: str) -> Hypothesis:
    """As ``within_reach``; at k = 1 gradients are taken at slow weights alone, which move with steps alpha eta."""
    usual = within_reach(title)

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        stage = algorithm.stages[0]
        if stage.k > 1:
            return usual(problem, algorithm)
        eta, most = stage.alpha * first_size(stage.step, stage.T, stage.k), getattr(problem, "largest_step", math.inf)
        if eta <= most * (1 + 4 * np.finfo(float).eps):
            return None
        return f"{title} needs alpha eta <= {most:.4g} on {problem.name}, for which its constants hold; got {eta:.4g}."

    return ask


def _finite_supremum(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if math.isfinite(problem.constants.l_max):
            return None
        return f"{title} needs the supremum of the loss, l_max; {problem.name} states none."

    return ask


def _in_stages(title: str, modulus: Callable[[Constants], float], sigma: bool, r: float) -> Hypothesis:
    """beta <= m/6, the same in all stages, constant steps, eta k T >= 6/(m r alpha), stages that pass on averages."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        m, betas = modulus(problem.constants), {stage.beta for stage in algorithm.stages}
        if algorithm.anchor_every is not None:
            return f"{title} is about an anchor that moves once a stage, not every few steps."
        least = problem.constants.rho if sigma else 0.0
        if len(betas) > 1 or not least <= max(betas) <= m / 6 * (1 + 1e-12):
            said = ", ".join(f"{beta:.4g}" for beta in sorted(betas))
            return f"{title} needs one beta from {least:.4g} to m/6 = {m / 6:.4g} in all stages; got {said}."
        for q, stage in enumerate(algorithm.stages, start=1):
            sizes = np.asarray(stage.step.sizes(stage.T, stage.k))
            if sizes.min() != sizes.max():
                return f"{title} is about steps that are constant in a stage; those of stage {q} are not."
            if stage.output != "average":
                return f"{title} is about stages that end in their average; stage {q} ends in the last iterate."
            if sizes.sum() < 6 / (m * r * stage.alpha) * (1 - 1e-9):
                return (
                    f"{title} needs eta kT >= 6/(m alpha) = {6 / (m * r * stage.alpha):.4g} in every stage; "
                    f"got {sizes.sum():.4g} in stage {q}."
                )
        return None

    return ask


def _exceeds(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        beta, limit = algorithm.stages[0].beta, algorithm.stages[0].alpha * problem.constants.L
        return None if beta > limit else f"{title} says something where beta > alpha L = {limit:.4g}; got {beta:.4g}."

    return ask


def _pointwise(title: str) -> Hypothesis:
    """Convexity gives r = 1."""

    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if problem.constants.rho == 0:
            return None
        return f"{title} needs <grad F_s, theta - theta*> >= r (F_s - F_s*), known here where F_S is convex."

    return ask


def _place(pages: str) -> Source:
    return PAPER._replace(place=f"supplement, {pages}")


def _title(name: str) -> tuple[str, Hypothesis]:
    return TITLES[name], _staged(TITLES[name])


_T1, _S1 = _title("theorem1")
_T2, _S2 = _title("theorem2")
_C1, _SC = _title("corollary1")
_T3, _S3 = _title("theorem3")
_T4, _S4 = _title("theorem4")
_T5, _S5 = _title("theorem5")
_T6, _S6 = _title("theorem6")

_FORMULA1 = "(lam+L)/(lam L (j+2))"


def _first(title: str) -> tuple[Hypothesis, ...]:
    return (
        one_stage(title),
        is_strongly_convex(title),
        finite(title, "G", "L"),
        _own_step(title, _FORMULA1, lambda constants, _: first_step(constants)),
        within_reach(title),
    )


_RUN1 = (_S1, *_first(_T1))
_RUN2 = (_S2, *_first(_T2), strongly_convex_examples(_T2))
_RUNC = (_SC, *_first(_C1), strongly_convex_examples(_C1))
_RUN3 = (_S3, one_stage(_T3), is_convex(_T3), scheduled(_T3, *convex.SCHEDULES), within_reach(_T3), finite(_T3, "G"))
_STABLE3 = (
    *_RUN3,
    finite(_T3, "L"),
    step_at_most(_T3, "2/L", lambda problem, stage: 2 / problem.constants.L if problem.constants.L else math.inf),
)
_RUN4 = (_S4, one_stage(_T4), satisfies_pl(_T4), finite(_T4, "G", "L"))
_OPTIMIZATION4 = (
    *_RUN4,
    _own_step(_T4, "1/(mu (j+1))", lambda constants, _: decay_step(constants)),
    within_reach(_T4),
    finite(_T4, "rho"),
)
_GENERALIZATION4 = (
    *_RUN4,
    _own_step(_T4, "1/(alpha mu (j+1)) or 1/(mu (j+1))", divided_step, lambda constants, _: decay_step(constants)),
    _reached_gradients(_T4),
    _finite_supremum(_T4),
)
_RUN5 = (
    _S5,
    is_strongly_convex(_T5),
    finite(_T5, "G", "L"),
    within_reach(_T5),
    _in_stages(_T5, lambda constants: constants.lam, False, 1.0),
)
_RUN6 = (
    _S6,
    satisfies_pl(_T6),
    finite(_T6, "G", "L"),
    within_reach(_T6),
    _in_stages(_T6, lambda constants: constants.mu, True, 1.0),
)

_START = r"\left(\frac{k+2}{q}\right)"
_OPTIMIZATION1 = (
    rf"\frac{{3L}}{{2}}{_START}^{{2\alpha}}D^2 + \frac{{16LG^2}}{{\lambda^2(1-2\alpha)q^{{2\alpha}}}}"
    rf"\;(\alpha<\frac{{1}}{{2}})"
)
_STABILITY2 = r"\frac{((kT+1)^\alpha-1)}{q^\alpha}"
_STAGEWISE = (
    r"\frac{2\alpha G^2}{n(\beta+\alpha\lambda L/(\lambda+L))}\frac{1-e^{-6SL/(\lambda+L)}}{1-e^{-6L/(\lambda+L)}}"
)

DISTANCE_1 = Inequality(
    name="paper.theorem1.distance.last",
    title=_T1,
    quantity="distance",
    output="last",
    source=_place("p. 4-6"),
    hypotheses=_RUN1,
    published=_distance1,
    proved=_of(strongly_convex.DISTANCE),
    statement=r"\frac{2}{L}\left(" + _OPTIMIZATION1 + r"\right)",
)

OPTIMIZATION_1 = Inequality(
    name="paper.theorem1.optimization.last",
    title=_T1,
    quantity="optimization",
    output="last",
    source=_place("p. 4-6"),
    hypotheses=_RUN1,
    claim=_claim_of(strongly_convex.OPTIMIZATION),
    published=_optimization1,
    proved=_of(strongly_convex.OPTIMIZATION),
    statement=_OPTIMIZATION1,
    claim_statement=strongly_convex.OPTIMIZATION.claim_statement,
)

STABILITY_2 = Inequality(
    name="paper.theorem2.stability.last",
    title=_T2,
    quantity="stability",
    output="last",
    source=_place("p. 7-8"),
    hypotheses=_RUN2,
    published=_stability2,
    proved=_proved_stability2,
    statement=r"\frac{16G}{n\lambda}" + _STABILITY2,
)

GENERALIZATION_2 = Inequality(
    name="paper.theorem2.generalization.last",
    title=_T2,
    quantity="generalization",
    output="last",
    source=_place("p. 7-8"),
    hypotheses=_RUN2,
    claim=_claim_of(strongly_convex.GENERALIZATION),
    published=_generalization2,
    proved=_proved_generalization2,
    statement=r"\frac{16G^2}{n\lambda}" + _STABILITY2,
    claim_statement=strongly_convex.GENERALIZATION.claim_statement,
)

EXCESS_1 = Inequality(
    name="paper.corollary1.excess.last",
    title=_C1,
    quantity="excess",
    output="last",
    source=_place("p. 8"),
    hypotheses=_RUNC,
    claim=_claim_of(strongly_convex.EXCESS),
    published=_excess1,
    proved=_proved_excess1,
    statement=_OPTIMIZATION1 + r" + \frac{16G}{n\lambda}" + _STABILITY2,
    claim_statement=strongly_convex.EXCESS.claim_statement,
)

OPTIMIZATION_3 = Inequality(
    name="paper.theorem3.optimization.average",
    title=_T3,
    quantity="optimization",
    output="average",
    source=_place("p. 9-10"),
    hypotheses=_RUN3,
    claim=_claim_of(convex.OPTIMIZATION_AVERAGE),
    published=_optimization3,
    proved=_of(convex.OPTIMIZATION_AVERAGE),
    statement=convex.OPTIMIZATION_AVERAGE.statement,
    claim_statement=convex.OPTIMIZATION_AVERAGE.claim_statement,
)

GENERALIZATION_LAST_3 = Inequality(
    name="paper.theorem3.generalization.last",
    title=_T3,
    quantity="generalization",
    output="last",
    source=_place("p. 10-12"),
    hypotheses=_STABLE3,
    claim=_claim_of(convex.GENERALIZATION_LAST),
    published=_last3,
    proved=_of(convex.GENERALIZATION_LAST),
    statement=convex.GENERALIZATION_LAST.statement,
    claim_statement=convex.GENERALIZATION_LAST.claim_statement,
)

GENERALIZATION_3 = Inequality(
    name="paper.theorem3.generalization.average",
    title=_T3,
    quantity="generalization",
    output="average",
    source=_place("p. 11-12"),
    hypotheses=_STABLE3,
    claim=_claim_of(convex.GENERALIZATION_AVERAGE),
    published=_average3,
    proved=_of(convex.GENERALIZATION_AVERAGE),
    statement=r"\frac{\alpha\eta G^2kT}{n}",
    claim_statement=convex.GENERALIZATION_AVERAGE.claim_statement,
)

EXCESS_3 = Inequality(
    name="paper.theorem3.excess.average",
    title=_T3,
    quantity="excess",
    output="average",
    source=_place("p. 12"),
    hypotheses=_STABLE3,
    claim=_claim_of(convex.EXCESS_AVERAGE),
    published=_excess3,
    proved=_of(convex.EXCESS_AVERAGE),
    statement=r"\frac{D^2}{2\alpha\eta kT} + \frac{\eta G^2}{2} + \frac{\alpha\eta G^2kT}{n}",
    claim_statement=convex.EXCESS_AVERAGE.claim_statement,
)

OPTIMIZATION_4 = Inequality(
    name="paper.theorem4.optimization.last",
    title=_T4,
    quantity="optimization",
    output="last",
    source=_place("p. 12-14"),
    hypotheses=_OPTIMIZATION4,
    claim=_claim_of(polyak_lojasiewicz.OPTIMIZATION),
    published=_optimization4,
    proved=_proved_optimization4,
    statement=(
        r"\frac{4f_0}{(kT+1)^{2\alpha}} + \frac{2\alpha LG^2(\alpha+2(1-\alpha)(k-1))}{\mu^2(kT+1)^{2\alpha-1}}"
    ),
    claim_statement=polyak_lojasiewicz.OPTIMIZATION.claim_statement,
)

GENERALIZATION_4 = Inequality(
    name="paper.theorem4.generalization.last",
    title=_T4,
    quantity="generalization",
    output="last",
    source=_place("p. 14-16"),
    hypotheses=_GENERALIZATION4,
    claim=_claim_of(polyak_lojasiewicz.GENERALIZATION),
    published=_generalization4,
    proved=_proved_generalization4,
    statement=(
        r"\frac{\ell_{\max}^{\gamma/(1+\gamma)}}{n-1}\left(\frac{2\alpha G^2}{\mu}\right)^{1/(1+\gamma)}"
        r"(kT)^{\gamma/(1+\gamma)}"
    ),
    claim_statement=polyak_lojasiewicz.GENERALIZATION.claim_statement,
)

OPTIMIZATION_5 = Inequality(
    name="paper.theorem5.optimization.average",
    title=_T5,
    quantity="optimization",
    output="average",
    source=_place("p. 16-17"),
    hypotheses=_RUN5,
    published=_optimization5,
    proved=_proved_optimization5,
    statement=r"\epsilon_0 2^{-S}",
    scope="at its stages' ends",
)

GENERALIZATION_5 = Inequality(
    name="paper.theorem5.generalization.average",
    title=_T5,
    quantity="generalization",
    output="average",
    source=_place("p. 17-19, equation 11"),
    hypotheses=_RUN5,
    published=_generalization5,
    proved=_proved_generalization5,
    statement=_STAGEWISE,
    scope="at its stages' ends",
)

OPTIMIZATION_6 = Inequality(
    name="paper.theorem6.optimization.average",
    title=_T6,
    quantity="optimization",
    output="average",
    source=_place("p. 19-21"),
    hypotheses=_RUN6,
    published=_optimization5,
    proved=_proved_optimization5,
    statement=r"\epsilon_0 2^{-S}",
    scope="at its stages' ends",
)

GENERALIZATION_6 = Inequality(
    name="paper.theorem6.generalization.average",
    title=_T6,
    quantity="generalization",
    output="average",
    source=_place("p. 19-22"),
    hypotheses=_RUN6,
    published=_generalization6,
    proved=_proved_generalization5,
    statement=_STAGEWISE.replace(r"\lambda", r"\mu").replace(r"\beta", r"\beta-\sigma"),
    scope="at its stages' ends",
)

GENERALIZATION_6_II = Inequality(
    name="paper.theorem6.generalization.average.ii",
    title=f"{_T6}, second case",
    quantity="generalization",
    output="average",
    source=_place("p. 20-23, equation 13"),
    hypotheses=(*_RUN6, _pointwise(_T6), _exceeds(_T6)),
    published=_generalization6_ii,
    proved=_proved_generalization5,
    statement=(
        r"\frac{2\alpha G^2}{nx}\frac{1-e^{-6Sx/(\mu\rho\alpha)}}{1-e^{-6x/(\mu\rho\alpha)}},\;x=\beta-\alpha L"
    ),
    scope="at its stages' ends",
)

BOUNDS: dict[str, Inequality] = {
    bound.name: bound
    for bound in (
        DISTANCE_1,
        OPTIMIZATION_1,
        STABILITY_2,
        GENERALIZATION_2,
        EXCESS_1,
        OPTIMIZATION_3,
        GENERALIZATION_LAST_3,
        GENERALIZATION_3,
        EXCESS_3,
        OPTIMIZATION_4,
        GENERALIZATION_4,
        OPTIMIZATION_5,
        GENERALIZATION_5,
        OPTIMIZATION_6,
        GENERALIZATION_6,
        GENERALIZATION_6_II,
    )
}

SLIDES: dict[str, tuple[str, ...]] = {
    "theorem1": ("theorem3",),
    "theorem2": ("theorem1", "theorem2", "corollary1"),
    "theorem3": ("theorem4",),
    "theorem4": ("theorem5", "theorem6"),
}
"""A slide's theorem -> those of the paper."""


def of_theorem(name: str) -> list[Inequality]:
    """The bounds of ``theorem1`` .. ``theorem6``, ``corollary1`` (the paper's numbers)."""
    return [bound for key, bound in BOUNDS.items() if key.startswith(f"paper.{name}.")]


STANDS: dict[str, str] = {
    "theorem1": "the bound as printed. r_T of the slides' Theorem 2, with lam L/(lam+L) for lam, is smaller.",
    "theorem2": "for L/lam up to 10 the bound as printed, which a re-derived one implies on the whole grid searched; "
    "above, the re-derived one, which is proved for every step size.",
    "corollary1": "the sum with 16 G^2, as for Theorems 1 and 2.",
    "theorem3": "the optimization bound and the last iterate's generalization bound as printed; for the average "
    "(eta G^2/n)(alpha k (T-1) + k - 1).",
    "theorem4": "the optimization bound is replaced by f_T, which is proved and decays for every alpha; the "
    "generalization bound by the burn-in bound, on both steps, which is often vacuous.",
    "theorem5": "the optimization bound and the count up to a constant (G + beta diam for G); for the generalization "
    "G delta_S, which does not fall to 0 with alpha.",
    "theorem6": "as for Theorem 5; where losses are not convex the re-derived stability is mostly vacuous.",
}
"""What is left of each theorem."""
