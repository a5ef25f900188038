r"""Theorem 4 (paper: Theorems 5 and 6): stagewise locally-regularized Lookahead (SLRLA), its gradients to reach eps.

Setting: stage q runs Lookahead on F_q = F_S + (beta_q/2)||theta - theta_{q-1}||^2 from theta_{q-1}. Strongly convex:
    F_S lam-strongly convex on a ball Theta or R^d. PL: F_S mu-PL and rho-weakly convex with rho <= beta_q, on a ball
    that contains theta*_S and the path without a projection ever acting. E||g_j||^2 <= G^2 for the loss alone. Indices
    drawn uniformly with replacement; the plan (eps_0 included), theta_0 and the index stream do not depend on S.
Step size: constant in a stage, eta_q = eps_q/(2 G_q^2).
Claim, gradients to reach eps:
    strongly convex, Lookahead   (1/eps)^(1/(2 alpha)) + (1/((1-2 alpha) lam^2 eps))^(1/(2 alpha)) for alpha < 1/2,
                                 log(1/eps)/(lam^2 eps) at 1/2, 1/((2 alpha-1) lam^2 eps) above
    strongly convex, SLRLA       1/(lam alpha eps)
    PL, Lookahead                (1/(mu^2 eps))^(1/alpha)
    PL, SLRLA                    1/(mu alpha eps)
  and generalization error at that point:
    strongly convex              Lookahead 1/(n lam), SLRLA 1/(n (beta/alpha + lam))
    PL                           Lookahead (1/n)(kT)^(gamma/(1+gamma)), SLRLA 1/(n (c/alpha + mu)) for some c >= 0
Explicit, with m = lam (strongly convex) or mu (PL): eps_0 >= E[F_S(theta_0) - F_S*], Q = ceil(log2(eps_0/eps)), then
    eps_0 raised to 2^Q eps; for q = 1..Q
    eps_q = eps_0/2^q,  rho <= beta_q <= m/8,  G_q = G + beta_q diam(Theta),  eta_q = eps_q/(2 G_q^2),
    T_q = ceil(8 G_q^2/(m alpha eps_q)/k),  the output of a stage is the average.
    Then E[F_S(theta_q) - F_S*] <= eps_q, in at most 16 max_q G_q^2/(m alpha eps) (1 - 2^-Q) + Q k gradients.
  Stability (l(.; z) lam-strongly convex and L-smooth, eta_q <= 2/(L + lam + 2 beta_q)):
    delta_v <- (1 - (lam+beta) eta) delta_v + eta beta delta_anchor + 2 eta G/n for a fast step,
    generalization error <= G times the delta of the output.
Proof. *Schedule.* Theorem 1 (paper: Theorem 3) for the convex F_q, compared with x, the minimiser of F_S nearest
    theta_{q-1}:
    E F_S(theta_q) <= E F_q(theta_q) <= F_S* + beta_q D_q^2/2 + D_q^2/(2 alpha eta_q kT_q) + eta_q G_q^2/2,
    D_q^2 = E||theta_{q-1} - x||^2 <= 2 eps_{q-1}/m = 4 eps_q/m by quadratic growth. The three terms are at most
    eps_q/4, eps_q/2 and eps_q/4. Summing 1/eps_q gives the count.
    *Stability.* A common example's step on F_q contracts by 1 - (lam+beta) eta, and the two runs' anchors differ; the
    replaced example adds 2 eta G with G of l, since the penalty's gradient is common. Where l is not convex the factor
    is max(|1 - eta(beta-rho)|, |1 - eta(beta+L)|), rho the weak convexity of every l(.; z), at most L, and not only of
    F_S. A stage starts at delta = delta_anchor; with output average the next delta_anchor is the mean of delta_v over
    the fast iterates.
Reading: the count is smallest at beta = 0, alpha = 1, which is stagewise averaged SGD. What the claims call SLRLA's
    advantage over Lookahead is in part one of the bounds compared: at Q = 1, beta = 0 SLRLA is Lookahead.
Source: Zhou et al., NeurIPS 2021, Algorithm 3 and Theorem 4 (informal).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import SLRLA, Algorithm, Output, Stage
from riskkit.algorithms.steps import Constant
from riskkit.problem import Constants, Problem, Regime, constants_of
from riskkit.problem import diameter as diameter
from riskkit.theory.bound import At, Count, Floats, Inequality
from riskkit.theory.hypotheses import Hypothesis, dependent_draws, one_stage, staged, within_reach
from riskkit.theory.hypotheses import polyak_lojasiewicz as satisfies_pl
from riskkit.theory.hypotheses import strongly_convex as is_strongly_convex
from riskkit.theory.recursion import scan
from riskkit.theory.zhou2021 import polyak_lojasiewicz, strongly_convex
from riskkit.theory.zhou2021.setting import PAPER, Setting, StagedInequality, setting_of

TITLE = "Theorem 4 (paper: Theorems 5 and 6)"


class LookaheadCount(NamedTuple):
    """The claim's two terms for the strongly convex case; ``initial`` is 0 where the slides give only one."""

    initial: Floats
    noise: Floats


def claimed_lookahead_gradients(eps: npt.ArrayLike, alpha: npt.ArrayLike, lam: npt.ArrayLike) -> LookaheadCount:
    """Lookahead's gradients to reach eps, lam-strongly convex, as claimed."""
    eps, alpha, lam = _together(eps, alpha, lam)
    below = alpha < 0.5
    half = np.where(below, 0.5 / alpha, 1.0)
    gap = np.where(alpha == 0.5, 1.0, np.abs(1 - 2 * alpha))
    noise = (1 / (gap * lam**2 * eps)) ** half
    return LookaheadCount(
        np.where(below, eps**-half, 0.0), np.where(alpha == 0.5, np.log(1 / eps) / (lam**2 * eps), noise)
    )


def claimed_lookahead_gradients_pl(eps: npt.ArrayLike, alpha: npt.ArrayLike, mu: npt.ArrayLike) -> Floats:
    """Lookahead's gradients to reach eps, mu-PL, as claimed: (1/(mu^2 eps))^(1/alpha)."""
    eps, alpha, mu = _together(eps, alpha, mu)
    return (1 / (mu**2 * eps)) ** (1 / alpha)


def claimed_slrla_gradients(eps: npt.ArrayLike, alpha: npt.ArrayLike, m: npt.ArrayLike) -> Floats:
    """SLRLA's gradients to reach eps, as claimed: 1/(m alpha eps), m = lam or mu."""
    eps, alpha, m = _together(eps, alpha, m)
    return 1 / (m * alpha * eps)


def claimed_lookahead_generalization(n: npt.ArrayLike, lam: npt.ArrayLike) -> Floats:
    """Strongly convex, at the point where the error is eps: 1/(n lam), for all alpha."""
    n, lam = _together(n, lam)
    return 1 / (n * lam)


def claimed_slrla_generalization(
    n: npt.ArrayLike, m: npt.ArrayLike, alpha: npt.ArrayLike, beta: npt.ArrayLike
) -> Floats:
    """1/(n (beta/alpha + m)): m = lam, or m = mu and beta the slides' unnamed c >= 0."""
    n, m, alpha, beta = _together(n, m, alpha, beta)
    return 1 / (n * (beta / alpha + m))


def claimed_lookahead_generalization_pl(
    n: npt.ArrayLike, k: npt.ArrayLike, T: npt.ArrayLike, alpha: npt.ArrayLike, ratio: float
) -> Floats:
    """(1/n)(kT)^(gamma/(1+gamma)) with gamma = (1-1/n) alpha L/mu, ratio = L/mu."""
    n, k, T, alpha = _together(n, k, T, alpha)
    gamma = (1 - 1 / n) * alpha * ratio
    return (k * T) ** (gamma / (1 + gamma)) / n


def stages(eps0: float, eps: float) -> Floats:
    """eps_1 .. eps_Q, the errors that the stages reach: 2^(Q-q) eps with Q = ceil(log2(eps_0/eps)); empty if Q = 0."""
    if not (0 < eps < math.inf and 0 < eps0 < math.inf):
        raise ValueError(f"SLRLA: eps_0 and eps must be finite numbers > 0; got {eps0!r} and {eps!r}.")
    Q = max(0, math.ceil(math.log2(eps0 / eps)))
    return eps * np.exp2(np.arange(Q - 1, -1, -1, dtype=np.float64))


def slrla_schedule(
    constants: Constants, diameter: float, eps0: float, eps: float, alpha: float, k: int, beta: float = 0.0
) -> Algorithm:
    """The stages after which E[F_S(theta) - F_S*] <= eps is proved, beta the same in all of them.

    Args:
        constants: G, and lam > 0 (strongly convex) or mu > 0 and rho (PL).
        diameter: of Theta; not read if beta = 0.
        eps0: at least E[F_S(theta_0) - F_S*], for every S drawn: fixed before S is.

    Raises ValueError, in one line, where the proof does not apply: beta outside [rho, m/8], an infinite G or diameter,
    neither lam nor mu positive, or eps >= eps_0, which theta_0 has reached already.
    """
    Stage(1, k, alpha, Constant(1.0))  # says what is wrong with k or alpha
    modulus = _modulus(constants)
    if not constants.rho <= beta <= modulus / 8:
        raise ValueError(
            f"SLRLA: beta must lie between rho = {constants.rho:.4g}, which makes F_q convex, and m/8 = "
            f"{modulus / 8:.4g}, m the strong convexity or PL constant; got {beta:.4g}."
        )
    targets = stages(eps0, eps)
    if not targets.size:
        raise ValueError(f"SLRLA: eps must lie under eps_0 = {eps0:.4g}, which theta_0 reaches; got {eps:.4g}.")
    G = _stage_gradient(constants, diameter, beta)
    return SLRLA(
        [
            Stage(
                T=math.ceil(8 * G**2 / (modulus * alpha * target) / k),
                k=k,
                alpha=alpha,
                step=Constant(target / (2 * G**2)),
                beta=beta,
                output="average",
            )
            for target in targets.tolist()
        ]
    )


def slrla_gradients(
    constants: Constants, diameter: float, eps0: float, eps: float, alpha: float, k: int, beta: float = 0.0
) -> float:
    """The proved limit on the schedule's gradients, 16 G_q^2/(m alpha eps) (1 - 2^-Q) + Q k."""
    Q = stages(eps0, eps).size
    G = _stage_gradient(constants, diameter, beta)
    return 16 * G**2 / (_modulus(constants) * alpha * eps) * (1 - 2.0**-Q) + Q * k


def lookahead_gradients(bound: StagedInequality, setting: Setting, eps: npt.ArrayLike, most: int = 10**7) -> Floats:
    """Lookahead's gradients kT at the first T where an explicit optimization bound is at most eps.

    Args:
        bound: ``strongly_convex.OPTIMIZATION``, ``polyak_lojasiewicz.OPTIMIZATION`` or another; setting.T is not read.
        most: give up after that many gradients; the answer there is inf.

    Returns the counts in the broadcast shape of the setting's other fields, followed by that of eps.
    """
    names = ("n", "k", "alpha", "D2", "f0", "g2", "path_moment")
    cells = np.broadcast_arrays(*(np.asarray(getattr(setting, name), dtype=np.float64) for name in names))
    targets = np.asarray(eps, dtype=np.float64)
    answer = np.full((*cells[0].shape, targets.size), math.inf)
    for place in np.ndindex(cells[0].shape):
        here = {name: float(values[place]) for name, values in zip(names, cells, strict=True)}
        k, horizon, tried = here["k"], 64, 0
        while tried * k < most and np.isinf(answer[place]).any():
            T = np.arange(tried + 1, horizon + 1)
            terms: tuple[Floats, ...] = bound.explicit(Setting(setting.constants, setting.step, T=T, **here))
            total = np.sum(terms, axis=0)
            if np.isnan(total).any():
                raise ValueError(f"{bound.name} is not known here; give the setting all it needs (D2, f0, g2).")
            for e, target in enumerate(targets.ravel()):
                reached = np.flatnonzero(total <= target)
                if np.isinf(answer[(*place, e)]) and reached.size and T[reached[0]] * k <= most:
                    answer[(*place, e)] = k * T[reached[0]]
            tried, horizon = horizon, min(2 * horizon, max(math.ceil(most / k), 1))
    return answer.reshape((*cells[0].shape, *targets.shape))


def optimization_excluded(problem: Problem, algorithm: Algorithm) -> str | None:
    """Why ``optimization`` proves nothing about the run, or None."""
    constants = problem.constants
    if reason := dependent_draws(TITLE, algorithm):
        return reason
    if not (constants.lam > 0 or constants.mu > 0):
        return f"{TITLE} needs lam > 0 or mu > 0; {problem.name} is {problem.regime}, and has neither."
    if algorithm.anchor_every is not None:
        return f"{TITLE} is proved for an anchor that moves once a stage, not every few steps."
    if constants.lam == 0 and problem.radius is not None:
        return f"{TITLE} is proved in the PL case without projection; {problem.name} is projected."
    for q, stage in enumerate(algorithm.stages, start=1):
        sizes = np.asarray(stage.step.sizes(stage.T, stage.k))
        if stage.output != "average":
            return f"{TITLE} is proved for stages that end in their average; stage {q} ends in the last iterate."
        if sizes.max() != sizes.min():
            return f"{TITLE} is proved for steps that are constant in a stage; those of stage {q} are not."
        if not constants.rho <= stage.beta:
            return (
                f"{TITLE} needs beta >= rho = {constants.rho:.4g}, which makes F_q convex; got {stage.beta:.4g} in "
                f"stage {q}."
            )
        if not math.isfinite(constants.G) or (stage.beta > 0 and not math.isfinite(diameter(problem))):
            return f"{TITLE} needs a finite G + beta diameter; {problem.name} has none. Restrict Theta to a ball."
    return within_reach(TITLE)(problem, algorithm)


def optimization(problem: Problem, algorithm: Algorithm, f0: float) -> Floats:
    """Bounds E_q on E[F_S(theta_q) - F_S*] at the stages' ends, (Q,), for any plan of averaged stages:

        E_q = (beta_q + 1/(alpha eta_q k T_q)) E_{q-1}/m + eta_q G_q^2/2,  E_0 = f0 >= E[F_S(theta_0) - F_S*],

    the schedule's proof before its step sizes are put in: Theorem 1 for F_q, with E D_q^2 <= 2 E_{q-1}/m. The schedule
    makes it at most eps_q. Raises ValueError with the reason of ``optimization_excluded`` where there is one.
    """
    if (reason := optimization_excluded(problem, algorithm)) is not None:
        raise ValueError(reason)
    modulus = _modulus(problem.constants)
    error, answer = f0, []
    for stage in algorithm.stages:
        eta = float(np.asarray(stage.step.sizes(stage.T, stage.k))[0])
        G = _stage_gradient(problem.constants, diameter(problem), stage.beta)
        error = (stage.beta + 1 / (stage.alpha * eta * stage.steps)) * error / modulus + eta * G**2 / 2
        answer.append(error)
    return np.array(answer)


def affordable_schedule(
    constants: Constants, diameter: float, eps0: float, gradients: int, alpha: float, k: int, beta: float = 0.0
) -> Algorithm:
    """``slrla_schedule`` with as many stages as the gradients pay for, halving the error from eps0 in each.

    Raises ValueError if they do not pay for one, and as ``slrla_schedule`` does.
    """
    plan = None
    for Q in range(1, 64):
        longer = slrla_schedule(constants, diameter, eps0, eps0 / 2**Q, alpha, k, beta)
        if longer.steps > gradients:
            break
        plan = longer
    if plan is None:
        raise ValueError(
            f"SLRLA: the first stage takes {longer.steps} gradients; got a budget of {gradients}. Take a larger one."
        )
    return plan


def stability_excluded(constants: Constants, algorithm: Algorithm) -> str | None:
    """Why ``stability`` proves nothing about the run, or None."""
    if reason := dependent_draws(TITLE, algorithm):
        return reason
    if algorithm.anchor_every is not None:
        return f"{TITLE}'s stability is proved for an anchor that moves once a stage, not every few steps."
    if not (math.isfinite(constants.G) and math.isfinite(constants.L)):
        return f"{TITLE}'s stability needs finite G and L. Restrict Theta to a ball and the examples to a bounded set."
    if constants.rho > 0:
        return None  # the factor for losses that are not convex holds for every step size
    for q, stage in enumerate(algorithm.stages, start=1):
        limit = 2 / (constants.L + constants.lam_example + 2 * stage.beta) if constants.L + stage.beta else math.inf
        eta = float(np.asarray(stage.step.sizes(stage.T, stage.k)).max())
        if eta > limit * (1 + 4 * np.finfo(float).eps):
            return (
                f"{TITLE}'s stability needs step sizes <= 2/(L + lam + 2 beta) = {limit:.4g} in stage {q}; "
                f"got {eta:.4g}. Take smaller steps."
            )
    return None


def stability(constants: Constants, algorithm: Algorithm, n: int, rho_example: float | None = None) -> Floats:
    """delta_q, bounds on E||theta_q(S) - theta_q(S^i)|| of the stages' outputs, (Q,); the generalization error of stage
    q's output is at most G delta_q. Covers SGD and Lookahead, which are single stages, for any step object.

    Args:
        constants: rho = 0 is read as: every l(.; z) is convex.
        rho_example: where rho > 0, the weak convexity of every l(.; z); None: L, which smoothness gives.

    Raises ValueError with the reason of ``stability_excluded`` where there is one.
    """
    if (reason := stability_excluded(constants, algorithm)) is not None:
        raise ValueError(reason)
    return _stage_ends(constants, algorithm, n, constants.L if rho_example is None else rho_example)


@functools.lru_cache(maxsize=256)
def _stage_ends(constants: Constants, algorithm: Algorithm, n: int, rho: float) -> Floats:
    """``stability``, kept, read-only: every bound that rests on it asks anew for each of its measured inputs."""
    delta, answer = 0.0, []
    for stage in algorithm.stages:
        eta = np.asarray(stage.step.sizes(stage.T, stage.k), dtype=np.float64).reshape(stage.T, stage.k)
        if constants.rho > 0:
            factor = np.maximum(np.abs(1 - eta * (stage.beta - rho)), np.abs(1 - eta * (stage.beta + constants.L)))
        else:
            factor = 1 - eta * (stage.beta + constants.lam_example)
        delta = _stage_stability(factor, eta * (stage.beta * delta + 2 * constants.G / n), delta, stage)
        answer.append(delta)
    found = np.array(answer)
    found.setflags(write=False)
    return found


def _stage_stability(factor: Floats, addition: Floats, start: float, stage: Stage) -> float:
    """One stage from delta = start; factor and addition (T, k). The delta of its output."""
    T, k = factor.shape
    # delta_v after tau steps is p delta_{t-1} + w; P and W sum p and w over tau = 0..k-1.
    p, w, P, W = np.ones(T), np.zeros(T), np.zeros(T), np.zeros(T)
    for tau in range(k):
        P, W = P + p, W + w
        p, w = factor[:, tau] * p, factor[:, tau] * w + addition[:, tau]
    A, B = scan(1 - stage.alpha + stage.alpha * p, stage.alpha * w)
    slow = A * start + B
    if stage.output == "last":
        return float(slow[-1])
    before = np.append(start, slow[:-1])
    return float(np.sum(P * before + W) / (T * k))


def _modulus(constants: Constants) -> float:
    modulus = constants.lam if constants.lam > 0 else constants.mu
    if not modulus > 0:
        raise ValueError("SLRLA: the schedule needs strong convexity (lam > 0) or a PL constant mu > 0; both are 0.")
    return modulus


def _stage_gradient(constants: Constants, diameter: float, beta: float) -> float:
    G = constants.G + (beta * diameter if beta else 0.0)
    if not math.isfinite(G):
        raise ValueError(
            f"SLRLA: G + beta diameter must be finite; got G = {constants.G:g}, diameter = {diameter:g}. "
            "Restrict Theta to a ball."
        )
    return G


def _together(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def at_stage_ends(values: Floats, at: At) -> Floats:
    """A bound at the stages' ends (Q,) as one at the checkpoints (K,): nan at all others."""
    found = np.full(at.rounds.shape, math.nan)
    places = np.searchsorted(at.algorithm.stage_ends, at.rounds)
    ends = np.isin(at.rounds, at.algorithm.stage_ends)
    found[ends] = values[places[ends]]
    return found


def passes_on(output: Output) -> Hypothesis:
    def ask(problem: Problem, algorithm: Algorithm) -> str | None:
        if {stage.output for stage in algorithm.stages} == {output}:
            return None
        return f"the stages do not pass on their {output} iterate"

    return ask


def _staged(problem: Problem, algorithm: Algorithm) -> str | None:
    return staged(TITLE, problem, algorithm)


def loss_constants(problem: Problem, constants: Constants) -> Constants:
    """Those of the problem, with L for the weak convexity of losses that are not said to be convex: rho is F_S's."""
    convex = problem.regime in (Regime.CONVEX, Regime.STRONGLY_CONVEX)
    return constants if convex or constants.rho > 0 else dataclasses.replace(constants, rho=constants.L)


def _stable(problem: Problem, algorithm: Algorithm) -> str | None:
    return stability_excluded(loss_constants(problem, constants_of(problem)), algorithm) or within_reach(TITLE)(
        problem, algorithm
    )


OPTIMIZATION = Inequality(
    name="theorem4.optimization.average",
    title=TITLE,
    quantity="optimization",
    output="average",
    source=PAPER,
    hypotheses=(_staged, passes_on("average"), optimization_excluded),
    proved=lambda at: at_stage_ends(optimization(at.problem, at.algorithm, at.f0), at),
    scope="at its stages' ends",
    statement=r"E_q = \frac{E_{q-1}}{m}\left(\beta_q + \frac{1}{\alpha\eta_q kT_q}\right) + \frac{\eta_q G_q^2}{2}",
)
"""At the stages' ends."""


def _generalization(output: Output) -> Inequality:
    return Inequality(
        name=f"theorem4.generalization.{output}",
        title=TITLE,
        quantity="generalization",
        output=output,
        source=PAPER,
        hypotheses=(_staged, passes_on(output), _stable),
        proved=lambda at: at_stage_ends(
            at.constants.G * stability(loss_constants(at.problem, at.constants), at.algorithm, at.n), at
        ),
        scope="at its stages' ends",
        statement=r"G\,\delta_q",
    )


def _stability(output: Output) -> Inequality:
    return Inequality(
        name=f"theorem4.stability.{output}",
        title=TITLE,
        quantity="stability",
        output=output,
        source=PAPER,
        hypotheses=(_staged, passes_on(output), _stable),
        proved=lambda at: at_stage_ends(stability(loss_constants(at.problem, at.constants), at.algorithm, at.n), at),
        scope="at its stages' ends",
        statement=r"\delta_q",
    )


GENERALIZATION_LAST, GENERALIZATION_AVERAGE = _generalization("last"), _generalization("average")
STABILITY_LAST, STABILITY_AVERAGE = _stability("last"), _stability("average")
BOUNDS = (OPTIMIZATION, GENERALIZATION_LAST, GENERALIZATION_AVERAGE, STABILITY_LAST, STABILITY_AVERAGE)


# Counts.


def _has_modulus(problem: Problem, algorithm: Algorithm) -> str | None:
    if problem.constants.lam or problem.constants.mu:
        return None
    return f"{TITLE} needs lam > 0 or mu > 0; {problem.name} is {problem.regime}, and has neither."


def _in_stages(problem: Problem, algorithm: Algorithm) -> str | None:
    return None if len(algorithm.stages) > 1 else "one stage is Lookahead"


def _slrla_claim(at: At, targets: Floats) -> Floats:
    return claimed_slrla_gradients(targets, at.algorithm.stages[0].alpha, _modulus(at.constants))


def _slrla_proved(at: At, targets: Floats) -> Floats:
    """The end of the first stage whose recursion is at most eps; inf where none is, nan where nothing is proved."""
    if passes_on("average")(at.problem, at.algorithm) or optimization_excluded(at.problem, at.algorithm):
        return np.full(len(targets), math.nan)
    reached = optimization(at.problem, at.algorithm, at.f0)
    ends = at.algorithm.gradients(at.algorithm.stage_ends)
    # The schedule makes the recursion equal to eps up to a rounding.
    hits = [np.flatnonzero(reached <= eps * (1 + 1e-9)) for eps in targets]
    return np.array([float(ends[hit[0]]) if hit.size else math.inf for hit in hits])


def _lookahead_claim(at: At, targets: Floats) -> Floats:
    alpha, modulus = at.algorithm.stages[0].alpha, _modulus(at.constants)
    if at.constants.lam > 0:
        return np.sum(claimed_lookahead_gradients(targets, alpha, modulus), axis=0)
    return claimed_lookahead_gradients_pl(targets, alpha, modulus)


FARTHEST = 2**21
"""Gradients beyond which a proved count is not looked for: inf."""


def _lookahead_proved(at: At, targets: Floats) -> Floats:
    """The first round at which the explicit bound of Theorem 2 or 3 is at most eps."""
    bound = strongly_convex.OPTIMIZATION if at.constants.lam > 0 else polyak_lojasiewicz.OPTIMIZATION
    if bound.excludes(at.problem, at.algorithm):
        return np.full(len(targets), math.nan)
    setting = dataclasses.replace(setting_of(at), T=1, path_moment=math.nan)
    return lookahead_gradients(bound, setting, targets, FARTHEST)


GRADIENTS = (
    Count("theorem4.count", TITLE, PAPER, (_staged, _has_modulus, _in_stages), _slrla_claim, _slrla_proved),
    Count("theorem4.count", TITLE, PAPER, (_staged, _has_modulus), _lookahead_claim, _lookahead_proved),
)
"""SLRLA's counts where there are stages, else Lookahead's, whose alpha = 1 is SGD."""


# Generalization where the optimization error is eps: claims alone, judged where the expectation is known exactly.


def _claim_at_eps(
    name: str,
    output: Output,
    claim: Callable[[At], Floats],
    statement: str,
    *hypotheses: Hypothesis,
    title: str = TITLE,
) -> Inequality:
    return Inequality(
        name=f"theorem4.generalization at eps, {name}",
        title=title,
        quantity="generalization",
        output=output,
        source=PAPER,
        hypotheses=(_staged, *hypotheses),
        claim=claim,
        claim_statement=statement,
    )


def _lookahead_pl(at: At) -> Floats:
    (stage,), c = at.algorithm.stages, at.constants
    return claimed_lookahead_generalization_pl(at.n, stage.k, at.rounds, stage.alpha, c.L / c.mu)


def _slrla(at: At) -> Floats:
    (stage, *_) = at.algorithm.stages
    claimed = claimed_slrla_generalization(at.n, at.constants.lam, stage.alpha, stage.beta)
    return np.broadcast_to(claimed, at.rounds.shape)


AT_EPS_LOOKAHEAD = _claim_at_eps(
    "Lookahead",
    "last",
    lambda at: np.broadcast_to(claimed_lookahead_generalization(at.n, at.constants.lam), at.rounds.shape),
    r"\frac{1}{n\lambda}",
    is_strongly_convex(TITLE),
    one_stage(TITLE),
)
AT_EPS_LOOKAHEAD_PL = _claim_at_eps(
    "Lookahead, PL",
    "last",
    _lookahead_pl,
    r"\frac{(Tk)^{\gamma/(1+\gamma)}}{n}",
    satisfies_pl(TITLE),
    one_stage(TITLE),
    title=f"{TITLE}, its PL form",
)
AT_EPS_SLRLA = _claim_at_eps(
    "SLRLA", "average", _slrla, r"\frac{1}{n(\beta/\alpha+\lambda)}", is_strongly_convex(TITLE)
)
