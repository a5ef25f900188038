r"""Theorem 2 (paper: Theorems 1 and 2, Corollary 1): strongly convex losses.

Setting: F_S lam-strongly convex and L-smooth, E||g_j||^2 <= G^2 (optimization); every l(.; z) lam-strongly convex and
    L-smooth, ||grad l|| <= G on Theta, which is therefore bounded or never left (generalization); indices drawn
    uniformly with replacement; theta_0, eta_j, k, alpha, T and the index stream do not depend on S.
Step size: eta_j = 1/(lam (j + j0)), j counting gradients over all rounds; j0 >= 1 (optimization), eta_0 <= 2/(L + lam)
    (generalization; j0 >= L/lam suffices). A step with a smaller lam than the problem's is covered, lam being then the
    step's: strong convexity with a constant implies it with a smaller one.
Claim: optimization error, for alpha < 1/2, = 1/2, > 1/2,
        1/T^(2 alpha) + 1/(lam^2 (kT)^(2 alpha) (1-2 alpha)),   1/T + log(kT)/(lam^2 kT),
        1/T^(2 alpha) + 1/(lam^2 (2 alpha-1) kT);
    generalization error  (1/(n lam)) ((kT+1)^alpha - 1) / ((T+1)k + 2)^alpha.
    One slide prints (kT)^(2 alpha (1-2 alpha)) for the first: ``printed_noise``. Only the reading above agrees with
    the gradient counts of Theorem 4 (paper: Theorems 5 and 6) and with the derivation.
Explicit, with s = (t-1)k, e = tk:
    r_0 = D^2
    r_t = [1 - alpha + alpha (s+j0-2)(s+j0-1)/((e+j0-2)(e+j0-1))] r_{t-1}
          + alpha (G/lam)^2/((e+j0-2)(e+j0-1)) sum_{j=s}^{e-1} (j+j0-1)/(j+j0)
    E||theta_T - theta*_S||^2 <= r_T
    optimization error <= (L/2) r_T + g sqrt(r_T),  g^2 = E||grad F_S(theta*_S)||^2, 0 where theta*_S is interior
    generalization error <= (2 G^2/(n lam)) (1 - prod_{t=1}^{T} (1 - alpha k/(tk + j0 - 1)))
Proof. *Distance.* E||v+ - x||^2 <= (1 - 2 lam eta_j)||v - x||^2 + eta_j^2 G^2 at x = theta*_S, by strong convexity of
    F_S and optimality of x (<grad F_S(v), v - x> >= lam ||v - x||^2); 1 - 2/(j+j0) = (j+j0-2)/(j+j0) telescopes over a
    round; the outer step mixes, the squared norm being convex. For 1 <= j0 < 2 the first step's factor is negative; it
    multiplies D^2 itself and no bound on it, and later ones are not: at j0 < 1 the second step's would be.
    *Optimization.* Smoothness at x:
    F_S(theta) - F_S* <= <grad F_S(x), theta - x> + (L/2)||theta - x||^2, and Cauchy-Schwarz over S and the indices.
    *Generalization.* For eta_j <= 2/(L + lam) a common example's step contracts the distance of two runs by
    1 - lam eta_j = (j+j0-1)/(j+j0), the replaced one adds 2 eta_j G with probability 1/n. Over a round, with
    q = k/(e+j0-1): delta <- (1-q) delta + q 2G/(n lam), so that 2G/(n lam) - delta contracts by 1 - alpha q a round.
Reading: for kT >> j0 the start is forgotten like (max(k, j0)/(kT + j0))^(2 alpha), and the noise falls like
    (kT)^(-2 alpha) for alpha < 1/2, like 1/(kT) for alpha > 1/2: the exponent is -min(2 alpha, 1), with a logarithm
    at 1/2. Mean estimation attains it. r_T is an equality at T = k = 1, alpha = 1, j0 = 2.
Source: Zhou et al., NeurIPS 2021, Theorem 2 (informal), equations 6 and 7.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import Stage
from riskkit.algorithms.steps import InverseTime
from riskkit.problem import Problem
from riskkit.theory import recursion
from riskkit.theory.bound import At, Condition, Floats
from riskkit.theory.hypotheses import (
    finite,
    inverse_time,
    offset_at_least,
    one_stage,
    scheduled,
    step_at_most,
    step_constant_at_most,
    strongly_convex,
    strongly_convex_examples,
    within_reach,
)
from riskkit.theory.zhou2021.setting import Setting, StagedInequality, minimise_over_alpha

TITLE = "Theorem 2 (paper: Theorems 1 and 2)"


class Distance(NamedTuple):
    """r_T: what is left of D^2, and the noise."""

    initial: Floats
    noise: Floats


class Optimization(NamedTuple):
    """(L/2) r_T by its two parts, and g sqrt(r_T) where theta*_S lies on the boundary of Theta."""

    initial: Floats
    noise: Floats
    boundary: Floats


class Stability(NamedTuple):
    stability: Floats


class Excess(NamedTuple):
    initial: Floats
    noise: Floats
    boundary: Floats
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


def _distance(setting: Setting) -> Distance:
    cells, step = setting.grid, inverse_time(TITLE, setting.step)

    def rounds(T: int, k: int) -> recursion.Rounds:
        return recursion.inverse_time_rounds(T, k, step.offset)._replace(mixing=0.0)  # a squared distance is convex

    solved = recursion.solve(cells.T, cells.k, cells.alpha, rounds)
    return Distance(solved.initial * cells.D2, solved.noise * (setting.constants.G / step.lam) ** 2)


def _optimization(setting: Setting) -> Optimization:
    initial, noise = _distance(setting)
    half = setting.constants.L / 2
    left = np.maximum(initial + noise, 0.0)  # a rounding below 0 where they cancel
    return Optimization(half * initial, half * noise, np.sqrt(setting.grid.g2 * left))


def _generalization(setting: Setting) -> Stability:
    cells, step, constants = setting.grid, inverse_time(TITLE, setting.step), setting.constants

    def rounds(T: int, k: int) -> recursion.Rounds:
        q = k / (k * np.arange(1.0, T + 1) + step.offset - 1)
        return recursion.Rounds(1 - q, q)

    reached = recursion.solve(cells.T, cells.k, cells.alpha, rounds).noise
    return Stability(2 * constants.G**2 / (cells.n * step.lam) * reached)


def _stability(setting: Setting) -> Stability:
    return Stability(_generalization(setting).stability / setting.constants.G)


def _excess(setting: Setting) -> Excess:
    return Excess(*_optimization(setting), *_generalization(setting))


def _optimization_claim(setting: Setting) -> OptimizationRate:
    _, T, k, alpha, *_ = setting.grid
    lam = setting.constants.lam
    return OptimizationRate(T ** (-2 * alpha), claimed_noise(alpha, k, T, lam))


def _generalization_claim(setting: Setting) -> StabilityRate:
    n, T, k, alpha, *_ = setting.grid
    return StabilityRate(((k * T + 1) ** alpha - 1) / ((T + 1) * k + 2) ** alpha / (n * setting.constants.lam))


def _excess_claim(setting: Setting) -> ExcessRate:
    return ExcessRate(*_optimization_claim(setting), *_generalization_claim(setting))


def claimed_noise(alpha: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, lam: float) -> Floats:
    """The claim's second term, in the reading that agrees with Theorem 4; it has a pole on either side of 1/2."""
    alpha, k, T = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (alpha, k, T)))
    at_half = alpha == 0.5
    gap = np.where(at_half, 1.0, np.abs(1 - 2 * alpha))
    power = (k * T) ** -np.minimum(2 * alpha, 1.0)
    return np.where(at_half, np.log(k * T) / (k * T), power / gap) / lam**2


def printed_noise(alpha: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, lam: float) -> Floats:
    """The second term as one slide prints it for alpha < 1/2, 1/(lam^2 (kT)^(2 alpha (1-2 alpha))); nan elsewhere."""
    alpha, k, T = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (alpha, k, T)))
    return np.where(alpha < 0.5, (k * T) ** (-2 * alpha * (1 - 2 * alpha)) / lam**2, np.nan)


def _stable_step(problem: Problem, stage: Stage) -> float:
    return 2 / (problem.constants.L + inverse_time(TITLE, stage.step).lam)


_RUN = (
    one_stage(TITLE),
    strongly_convex(TITLE),
    scheduled(TITLE, InverseTime),
    step_constant_at_most(TITLE, "lam", "strong convexity"),
    within_reach(TITLE),
)
_DISTANCE = (*_RUN, offset_at_least(TITLE, 1.0), finite(TITLE, "G"))
_OPTIMIZATION = (*_RUN, offset_at_least(TITLE, 1.0), finite(TITLE, "G", "L"))
_GENERALIZATION = (
    *_RUN,
    strongly_convex_examples(TITLE),
    step_constant_at_most(TITLE, "lam_example", "strong convexity of every l(.; z)"),
    finite(TITLE, "G", "L"),
    step_at_most(TITLE, "2/(L + lam)", _stable_step),
)

_CLAIM = (
    r"T^{-2\alpha} + \frac{1}{\lambda^2|1-2\alpha|(kT)^{\min(2\alpha,1)}}"
    r"\;\;(\alpha=\frac{1}{2}:\;T^{-1}+\frac{\log kT}{\lambda^2kT})"
)
_GENERALIZATION_CLAIM = r"\frac{1}{n\lambda}\frac{(Tk+1)^\alpha-1}{((T+1)k+2)^\alpha}"
_GENERALIZATION_BOUND = r"\frac{2G^2}{n\lambda}\left(1-\prod_{t=1}^{T}\left(1-\frac{\alpha k}{tk+j_0-1}\right)\right)"

DISTANCE: StagedInequality = StagedInequality(
    name="theorem2.distance.last",
    title="Theorem 2 (paper: Theorem 1)",
    quantity="distance",
    output="last",
    statement=r"r_T",
    claim_statement=_CLAIM,
    hypotheses=_DISTANCE,
    claimed=_optimization_claim,
    explicit_terms=_distance,
)

OPTIMIZATION: StagedInequality = StagedInequality(
    name="theorem2.optimization.last",
    title="Theorem 2 (paper: Theorem 1)",
    quantity="optimization",
    output="last",
    statement=r"\frac{L}{2}r_T + g\sqrt{r_T}",
    claim_statement=_CLAIM,
    hypotheses=_OPTIMIZATION,
    claimed=_optimization_claim,
    explicit_terms=_optimization,
)

STABILITY: StagedInequality = StagedInequality(
    name="theorem2.stability.last",
    title="Theorem 2 (paper: Theorem 2)",
    quantity="stability",
    output="last",
    statement=r"\frac{2G}{n\lambda}\left(1-\prod_{t=1}^{T}\left(1-\frac{\alpha k}{tk+j_0-1}\right)\right)",
    claim_statement=_GENERALIZATION_CLAIM,
    hypotheses=_GENERALIZATION,
    claimed=_generalization_claim,
    explicit_terms=_stability,
)

GENERALIZATION: StagedInequality = StagedInequality(
    name="theorem2.generalization.last",
    title="Theorem 2 (paper: Theorem 2)",
    quantity="generalization",
    output="last",
    statement=_GENERALIZATION_BOUND,
    claim_statement=_GENERALIZATION_CLAIM,
    hypotheses=_GENERALIZATION,
    claimed=_generalization_claim,
    explicit_terms=_generalization,
)

EXCESS: StagedInequality = StagedInequality(
    name="theorem2.excess.last",
    title="Theorem 2 (paper: Corollary 1)",
    quantity="excess",
    output="last",
    statement=r"\frac{L}{2}r_T + g\sqrt{r_T} + " + _GENERALIZATION_BOUND,
    claim_statement=_CLAIM + " + " + _GENERALIZATION_CLAIM,
    hypotheses=(*_OPTIMIZATION, *_GENERALIZATION),
    claimed=_excess_claim,
    explicit_terms=_excess,
)


def best_alpha(n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, lam: npt.ArrayLike) -> Floats:
    """The alpha that minimises the slides' equation 6, optimization plus generalization, all constants 1; numerically.

    The claim jumps at 1/2, where a logarithm replaces a pole: 1/2 is a candidate like any other.
    """
    cells = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, k, T, lam)))
    answer = np.empty(cells[0].shape)
    for place in np.ndindex(answer.shape):
        size, period, rounds, convexity = (float(x[place]) for x in cells)

        def total(
            alpha: Floats, n: float = size, k: float = period, T: float = rounds, lam: float = convexity
        ) -> Floats:
            generalization = ((k * T + 1) ** alpha - 1) / ((T + 1) * k + 2) ** alpha / (n * lam)
            return T ** (-2 * alpha) + claimed_noise(alpha, k, T, lam) + generalization

        answer[place] = minimise_over_alpha(total)
    return answer


def best_alpha_explicit(setting: Setting) -> Floats:
    """The alpha that minimises the explicit excess bound at each cell, numerically; setting.alpha is not read."""
    cells = setting.grid
    answer = np.empty(cells.T.shape)
    for place in np.ndindex(answer.shape):
        here = {name: float(getattr(cells, name)[place]) for name in cells._fields}

        def total(alpha: Floats, here: dict[str, float] = here) -> Floats:
            terms: tuple[Floats, ...] = _excess(Setting(setting.constants, setting.step, **(here | {"alpha": alpha})))
            return np.sum(terms, axis=0)

        answer[place] = minimise_over_alpha(total)
    return answer


class Equation7(NamedTuple):
    """Whether each of the slides' two conditions for "the optimum alpha is not 1" holds."""

    first: npt.NDArray[np.bool_]
    second: npt.NDArray[np.bool_]


def equation7(
    n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, lam: npt.ArrayLike, alpha: npt.ArrayLike = 1.0
) -> Equation7:
    """The slides' equation 7 as printed, constants 1, at a given alpha:

    ln T / T^alpha > ln(kT) / (n lam k^alpha)   or   1 / (lam (alpha-1)^2 kT) > ln(kT) / (n (kT)^alpha).

    At alpha = 1 the second has a pole and always holds.
    """
    n, k, T, lam, alpha = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, k, T, lam, alpha)))
    log = np.log(k * T)
    pole = alpha == 1
    left = 1 / (lam * np.where(pole, 1.0, alpha - 1) ** 2 * k * T)
    return Equation7(np.log(T) / T**alpha > log / (n * lam * k**alpha), pole | (left > log / (n * (k * T) ** alpha)))


def _first_form(at: At) -> bool:
    (stage,) = at.algorithm.stages
    return bool(equation7(at.n, stage.k, at.rounds[-1], at.constants.lam).first)


EQUATION_7 = Condition("equation 7", _first_form)
"""Its first form, at alpha = 1."""
