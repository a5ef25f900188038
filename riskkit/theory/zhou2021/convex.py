r"""Theorem 1 (paper: Theorem 3): convex losses.

Setting: every l(.; z) convex (for the optimization part F_S is enough); Theta is R^d or a ball; indices drawn
    uniformly with replacement; theta_0, eta, k, alpha, T and the index stream do not depend on S.
Step size: constant in j. The slides take eta = 1/sqrt(kT); the explicit bounds hold for any eta (optimization) or
    eta <= 2/L (generalization).
Claim: optimization error O(1/(alpha sqrt(kT))), generalization error O(alpha sqrt(kT)/n); hence a best alpha of order
    min(1, sqrt(n/(kT))).
Explicit, with D^2 = E||theta_0 - theta*_S||^2:
    optimization, average     D^2 / (2 alpha eta k T)  +  eta G^2 / 2
    generalization, last      2 alpha eta G^2 k T / n
    generalization, average   (eta G^2 / n) (alpha k (T-1) + k - 1)
    excess, average           their sum
    optimization, last        none: the claim is not proved for the last iterate (a log factor is usual)
Proof. *Optimization.* With x = theta*_S, projection being non-expansive, a fast step gives
    ||v+ - x||^2 <= ||v - x||^2 - 2 eta <g, v - x> + eta^2 ||g||^2, and E<g, v - x> >= E[F_S(v) - F_S*] by convexity.
    Sum over a round; the squared norm is convex, so the outer step costs nothing:
    E||theta_t - x||^2 <= E||theta_{t-1} - x||^2 - 2 alpha eta sum_j E[F_S(v_j) - F_S*] + alpha eta^2 sum_j E||g_j||^2.
    Telescope over t, divide by 2 alpha eta kT, and use convexity of F_S for the average of the v's. Only the mean over
    j of E||g_j||^2 enters, the *path moment*: where it is known it stands for G^2, and no constant is needed on the set
    that the iterates reach, so that every eta is covered.
    *Generalization.* Run on S and on S with one example replaced, with the same indices; delta = E of the distance. A
    gradient step on a common example is non-expansive for eta <= 2/L; the replaced one is met with probability 1/n and
    then adds at most 2 eta G. So the fast distance after tau steps is delta_{t-1} + 2 eta G tau/n, the outer step mixes
    to delta_t = 2 alpha eta G k t/n, and the loss is G-Lipschitz. The mean over all v_0 .. v_{k-1} gives the average's.
    delta itself is what coupled runs measure: ``STABILITY_LAST``, ``STABILITY_AVERAGE``.
Reading: with output last, alpha enters the generalization bound only through alpha eta, and SGD with step alpha eta
    (matched SGD) has an optimization bound with floor alpha eta G^2/2: that bound is never the larger one, while the
    measured errors may stand either way. The trade-off in alpha that the slides find is one in alpha eta.
    ``refined_floor`` keeps what the outer step gains.
Source: Zhou et al., NeurIPS 2021, Theorem 1 (informal); stability after Hardt, Recht and Singer, ICML 2016.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.steps import Constant, SqrtHorizon, first_size
from riskkit.theory.bound import Condition, Floats, Scale
from riskkit.theory.hypotheses import convex, finite, one_stage, scheduled, step_at_most, within_reach
from riskkit.theory.zhou2021.setting import Setting, StagedInequality

TITLE = "Theorem 1 (paper: Theorem 3)"

SCHEDULES = (Constant, SqrtHorizon)


class Optimization(NamedTuple):
    """initial: D^2/(2 alpha eta kT); floor: eta G^2/2."""

    initial: Floats
    floor: Floats


class Stability(NamedTuple):
    stability: Floats


class Excess(NamedTuple):
    initial: Floats
    floor: Floats
    stability: Floats


class Rate(NamedTuple):
    """The slide's expression has a single term."""

    rate: Floats


class ExcessRate(NamedTuple):
    optimization: Floats
    generalization: Floats


def step_size(setting: Setting) -> Floats:
    """eta at every cell. Raises TypeError for a step that is not constant in j."""
    cells = setting.grid
    if not isinstance(setting.step, SCHEDULES):
        raise TypeError(f"{TITLE} needs a Constant or SqrtHorizon step; got {type(setting.step).__name__}.")
    runs = list(zip(cells.T.ravel().tolist(), cells.k.ravel().tolist(), strict=True))
    sizes = {(T, k): first_size(setting.step, int(T), int(k)) for T, k in dict.fromkeys(runs)}
    return np.array([sizes[run] for run in runs], dtype=np.float64).reshape(cells.T.shape)


def _optimization_average(setting: Setting) -> Optimization:
    cells, eta = setting.grid, step_size(setting)
    moment = np.where(np.isnan(cells.path_moment), setting.constants.G**2, cells.path_moment)
    return Optimization(cells.D2 / (2 * cells.alpha * eta * cells.k * cells.T), eta * moment / 2)


def _generalization_last(setting: Setting) -> Stability:
    n, T, k, alpha, *_ = setting.grid
    return Stability(2 * alpha * step_size(setting) * setting.constants.G**2 * k * T / n)


def _generalization_average(setting: Setting) -> Stability:
    n, T, k, alpha, *_ = setting.grid
    return Stability(step_size(setting) * setting.constants.G**2 / n * (alpha * k * (T - 1) + k - 1))


def _excess_average(setting: Setting) -> Excess:
    return Excess(*_optimization_average(setting), *_generalization_average(setting))


def _claimed(setting: Setting, values: Floats) -> Floats:
    """The claims are stated for eta proportional to 1/sqrt(kT); nothing is claimed for another step."""
    return values if isinstance(setting.step, SqrtHorizon) else np.full(values.shape, np.nan)


def _optimization_claim(setting: Setting) -> Rate:
    _, T, k, alpha, *_ = setting.grid
    return Rate(_claimed(setting, 1 / (alpha * np.sqrt(k * T))))


def _generalization_claim(setting: Setting) -> Rate:
    n, T, k, alpha, *_ = setting.grid
    return Rate(_claimed(setting, alpha * np.sqrt(k * T) / n))


def _excess_claim(setting: Setting) -> ExcessRate:
    return ExcessRate(*_optimization_claim(setting), *_generalization_claim(setting))


_RUN = (one_stage(TITLE), convex(TITLE), scheduled(TITLE, *SCHEDULES))
_LIMIT = step_at_most(TITLE, "2/L", lambda problem, stage: 2 / problem.constants.L if problem.constants.L else np.inf)
_STABLE = (*_RUN, within_reach(TITLE), finite(TITLE, "G", "L"), _LIMIT)

OPTIMIZATION_AVERAGE: StagedInequality = StagedInequality(
    name="theorem1.optimization.average",
    title=TITLE,
    quantity="optimization",
    output="average",
    statement=r"\frac{D^2}{2\alpha\eta kT} + \frac{\eta G^2}{2}",
    claim_statement=r"\frac{1}{\alpha\sqrt{kT}}",
    hypotheses=_RUN,
    claimed=_optimization_claim,
    explicit_terms=_optimization_average,
)

OPTIMIZATION_LAST: StagedInequality = StagedInequality(
    name="theorem1.optimization.last",
    title=TITLE,
    quantity="optimization",
    output="last",
    statement=r"\mathrm{not\ proved\ for\ the\ last\ iterate}",
    claim_statement=r"\frac{1}{\alpha\sqrt{kT}}",
    hypotheses=_RUN,
    claimed=_optimization_claim,
    explicit_terms=None,
)

GENERALIZATION_LAST: StagedInequality = StagedInequality(
    name="theorem1.generalization.last",
    title=TITLE,
    quantity="generalization",
    output="last",
    statement=r"\frac{2\alpha\eta G^2 kT}{n}",
    claim_statement=r"\frac{\alpha\sqrt{kT}}{n}",
    hypotheses=_STABLE,
    claimed=_generalization_claim,
    explicit_terms=_generalization_last,
)

GENERALIZATION_AVERAGE: StagedInequality = StagedInequality(
    name="theorem1.generalization.average",
    title=TITLE,
    quantity="generalization",
    output="average",
    statement=r"\frac{\eta G^2}{n}(\alpha k(T-1) + k - 1)",
    claim_statement=r"\frac{\alpha\sqrt{kT}}{n}",
    hypotheses=_STABLE,
    claimed=_generalization_claim,
    explicit_terms=_generalization_average,
)


def _stability_last(setting: Setting) -> Stability:
    return Stability(_generalization_last(setting).stability / setting.constants.G)


def _stability_average(setting: Setting) -> Stability:
    return Stability(_generalization_average(setting).stability / setting.constants.G)


STABILITY_LAST: StagedInequality = StagedInequality(
    name="theorem1.stability.last",
    title=TITLE,
    quantity="stability",
    output="last",
    statement=r"\frac{2\alpha\eta GkT}{n}",
    claim_statement=r"\frac{\alpha\sqrt{kT}}{n}",
    hypotheses=_STABLE,
    claimed=_generalization_claim,
    explicit_terms=_stability_last,
)

STABILITY_AVERAGE: StagedInequality = StagedInequality(
    name="theorem1.stability.average",
    title=TITLE,
    quantity="stability",
    output="average",
    statement=r"\frac{\eta G}{n}(\alpha k(T-1) + k - 1)",
    claim_statement=r"\frac{\alpha\sqrt{kT}}{n}",
    hypotheses=_STABLE,
    claimed=_generalization_claim,
    explicit_terms=_stability_average,
)

EXCESS_AVERAGE: StagedInequality = StagedInequality(
    name="theorem1.excess.average",
    title=TITLE,
    quantity="excess",
    output="average",
    statement=r"\frac{D^2}{2\alpha\eta kT} + \frac{\eta G^2}{2} + \frac{\eta G^2}{n}(\alpha k(T-1) + k - 1)",
    claim_statement=r"\frac{1}{\alpha\sqrt{kT}} + \frac{\alpha\sqrt{kT}}{n}",
    hypotheses=_STABLE,
    claimed=_excess_claim,
    explicit_terms=_excess_average,
)


def best_alpha_average(
    n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, eta: npt.ArrayLike, G: float, D: npt.ArrayLike
) -> Floats:
    """The alpha that minimises the explicit excess bound of the average: min(1, D sqrt(n) / (eta G k sqrt(2T(T-1)))).

    D^2/(2 alpha eta kT) falls and alpha eta G^2 k (T-1)/n rises in alpha; at T = 1 nothing rises, and it is 1.
    """
    n, k, T, eta, D = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, k, T, eta, D)))
    rises = np.where(T > 1, eta * G * k * np.sqrt(2 * T * (T - 1)), 1.0)
    return np.where(T > 1, np.minimum(1.0, D * np.sqrt(n) / rises), 1.0)


def best_alpha_mixed(
    n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, eta: npt.ArrayLike, G: float, D: npt.ArrayLike
) -> Floats:
    """min(1, D sqrt(n) / (2 eta G k T)): the average's optimization bound plus the last iterate's generalization bound.

    No single output has this sum for a bound: a heuristic for the last iterate.
    """
    n, k, T, eta, D = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, k, T, eta, D)))
    return np.minimum(1.0, D * np.sqrt(n) / (2 * eta * G * k * T))


def best_alpha_claim(n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, c: float = 1.0) -> Floats:
    """The slides' best alpha, min(1, c sqrt(n/(kT))), with a constant c that they leave open."""
    n, k, T = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (n, k, T)))
    return np.minimum(1.0, c * np.sqrt(n / (k * T)))


def refined_floor(
    alpha: npt.ArrayLike, eta: npt.ArrayLike, k: npt.ArrayLike, G: float, movement: npt.ArrayLike = np.nan
) -> Floats:
    """The floor of OPTIMIZATION_AVERAGE when the outer step's gain is kept: eta G^2/2 - (1-alpha) movement/(2 eta k).

    The outer step obeys an identity, ||(1-a)x + ay||^2 = (1-a)||x||^2 + a||y||^2 - a(1-a)||x-y||^2; ``movement`` is
    (1/T) sum_t E||v_k - v_0||^2, measured, a mean over rounds. At k = 1 without projection it is eta^2 times the path
    moment, and the floor is alpha eta G^2/2; there ``movement`` need not be given. With an active projection the k = 1
    form fails (in one dimension, Theta = [-1, 1], theta = 0, eta g = -1.5, alpha = 1/2, theta* = 1: the squared
    distance falls to 1/4, not to 1/16); the form with a measured movement holds.

    Raises ValueError if ``movement`` is left out where k > 1.
    """
    alpha, eta, k, movement = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (alpha, eta, k, movement)))
    unknown = np.isnan(movement)
    if np.any(unknown & (k > 1)):
        raise ValueError("refined_floor: give the movement E||v_k - v_0||^2 where k > 1; without it use eta G^2/2.")
    return eta * G**2 / 2 - (1 - alpha) * np.where(unknown, eta * G**2 / 2, movement / (2 * eta * k))


BEST_ALPHA = Scale({"n": 0.5, "kT": -0.5})
"""The slides' best alpha is of order min(1, sqrt(n/(kT)))."""

AN_ALPHA_BELOW_1 = Condition("an alpha below 1", lambda at: True, everywhere=False)
"""With the best alpha, Lookahead is said to have a smaller excess risk than SGD, which is alpha = 1."""
