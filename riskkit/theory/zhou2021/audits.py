"""The claims held against each other, and against what follows from them.

A claim stands inside an O(.), so no single number refutes it; but two claims about one quantity must agree in their
exponents and limits, and a claim for alpha = 1 must be one about SGD. Each audit names two expressions, says what is
compared, and re-derives its finding by a small computation, with all constants that the slides leave out set to 1.

    from riskkit.theory.audits import table
    for row in table(): print(row.number, row.name, row.finding)
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import SLRLA, Stage
from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon, Step
from riskkit.problem import Constants
from riskkit.theory import exact_moments, sgd_averaging
from riskkit.theory.bound import Floats
from riskkit.theory.recursion import fold
from riskkit.theory.zhou2021 import convex, polyak_lojasiewicz, slrla, strongly_convex
from riskkit.theory.zhou2021.setting import Setting, StagedInequality, minimise_over_alpha

UNIT = Constants(L=1, G=1, lam=1, lam_example=1, mu=1, M=1)
STEP = InverseTime(1.0, 2.0)


class Check(NamedTuple):
    """What the computation found, in one line with its numbers, and whether it is what the audit says."""

    confirmed: bool
    finding: str


@dataclasses.dataclass(frozen=True)
class Audit:
    """Two expressions, what is compared, and the computation behind the finding."""

    number: int
    name: str
    first: str
    second: str
    compared: str
    check: Callable[[], Check]


class Row(NamedTuple):
    number: int
    name: str
    first: str
    second: str
    compared: str
    finding: str
    confirmed: bool


@functools.cache
def table() -> tuple[Row, ...]:
    """All audits, computed once in a process, in a quarter of a second."""
    rows = []
    for audit in AUDITS:
        confirmed, finding = audit.check()
        rows.append(Row(audit.number, audit.name, audit.first, audit.second, audit.compared, finding, confirmed))
    return tuple(rows)


def slope(x: Floats, y: Floats) -> float:
    """Log-log slope by least squares."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def _distance(T: Floats, k: int, alpha: float, D2: float = 0.0) -> Floats:
    """r_T of Theorem 2's recursion with unit constants."""
    terms = strongly_convex.DISTANCE.explicit(Setting(UNIT, STEP, n=2, T=T, k=k, alpha=alpha, D2=D2))
    return np.sum(terms, axis=0)


LONG = np.exp2(np.arange(12.0, 19.0))


def _readings() -> Check:
    rows, confirmed = [], True
    for alpha in (0.1, 0.25, 0.4):
        derived = slope(LONG, _distance(LONG, 1, alpha))
        read = slope(LONG, strongly_convex.claimed_noise(alpha, 1, LONG, 1))
        printed = slope(LONG, strongly_convex.printed_noise(alpha, 1, LONG, 1))
        confirmed &= abs(derived - read) < abs(derived - printed) / 4
        rows.append(f"{derived:.3f} against {read:.2f} and {printed:.2f} at alpha = {alpha:g}")
    eps, alpha, lam = 1e-3, 0.3, 0.5
    count = slrla.claimed_lookahead_gradients(eps, alpha, lam).noise
    confirmed &= bool(np.isclose(strongly_convex.claimed_noise(alpha, 1, count, lam), eps, rtol=1e-9))
    return Check(confirmed, "the recursion's slope is " + ", ".join(rows) + "; Theorem 4 inverts the first exactly")


def _noise_factor() -> Check:
    worst, T = 0.0, np.unique(np.geomspace(1, 1e4, 60).round())
    for alpha in (0.01, 0.05, 0.1, 0.25, 0.4, 0.49):
        for k in (2, 5, 20):
            derived = _distance(T, k, alpha)
            worst = max(worst, float((derived / (alpha * strongly_convex.claimed_noise(alpha, k, T, 1))).max()))
    limit = float(strongly_convex.claimed_noise(1e-9, 5, 100, 1))
    still = float(_distance(np.array([100.0]), 5, 1e-9)[0])
    return Check(
        worst <= 1 and limit > 0.99 and still < 1e-8,
        f"derived / (alpha claimed) is at most {worst:.2f} for k >= j0; as alpha -> 0 the claim tends to "
        f"{limit:.3f}/lam^2, the derived noise to {still:.0e}, no step being taken",
    )


def _theorem3_inverted() -> Check:
    rows, confirmed = [], True
    for alpha in (0.75, 0.9, 1.0):
        setting = Setting(dataclasses.replace(UNIT, rho=1.0), STEP, n=2, T=LONG, k=5, alpha=alpha, f0=1.0)
        decay = -slope(LONG, np.sum(polyak_lojasiewicz.OPTIMIZATION.explicit(setting), axis=0))
        claimed, stated = 1 / (2 * alpha - 1), 1 / alpha
        confirmed &= abs(1 / decay - 1) < 0.05 and (abs(claimed - stated) < 1e-12) == (alpha == 1)
        rows.append(f"{claimed:.2f}, {stated:.2f}, {1 / decay:.2f} at alpha = {alpha:g}")
    return Check(confirmed, "exponents of 1/eps (Theorem 3, Theorem 4, recursion): " + "; ".join(rows))


def _theorem3_does_not_decay() -> Check:
    T, rows, confirmed = np.array([1e3, 1e6]), [], True
    for alpha in (0.3, 0.5):
        claim = polyak_lojasiewicz.OPTIMIZATION.claim(Setting(UNIT, STEP, n=2, T=T, k=5, alpha=alpha))
        total = np.sum(claim, axis=0)
        confirmed &= bool(total[1] > 0.9 * total[0])
        rows.append(f"{total[0]:.3g} -> {total[1]:.3g} at alpha = {alpha:g}")
    return Check(confirmed, "from T = 1e3 to 1e6 the claim goes " + ", ".join(rows))


def _matched() -> Check:
    rng = np.random.default_rng(0)
    k, T, n = (rng.integers(1, 50, 200).astype(float) for _ in range(3))
    alpha, eta = rng.uniform(0.05, 1, 200), 0.3
    slow = np.sum(
        convex.OPTIMIZATION_AVERAGE.explicit(Setting(UNIT, Constant(eta), n=n, T=T, k=k, alpha=alpha, D2=4.0)), axis=0
    )
    fast = 4 / (2 * alpha * eta * k * T) + alpha * eta / 2
    last = convex.GENERALIZATION_LAST.explicit(Setting(UNIT, Constant(eta), n=n, T=T, k=k, alpha=alpha))[0]
    same = np.allclose(last, 2 * alpha * eta * k * T / n, rtol=1e-12)
    average = convex.GENERALIZATION_AVERAGE.explicit(Setting(UNIT, Constant(eta), n=n, T=T, k=k, alpha=alpha))[0]
    excess = average - alpha * eta / n * (k * T - 1)
    exact = np.allclose(excess, (1 - alpha) * (k - 1) * eta / n, atol=1e-12)
    h: Floats = 0.2 / (np.arange(50.0)[None, :] + STEP.offset)
    _, noise = fold(1 - 2 * h, h * h)
    ratio = float(noise[0] / _distance(np.array([1.0]), 50, 0.2)[0])
    edge = float(exact_moments.stationary_noise_ratio(0.1, 50, 0.1))
    return Check(
        bool((fast <= slow).all()) and same and bool(exact) and ratio > 2.6 and edge < 0.56,
        f"in Theorem 1 SGD with step alpha eta is never worse (200 settings; in the average's generalization by "
        f"(1-alpha)(k-1) eta G^2/n); its Theorem 2 noise is {ratio:.2f} times Lookahead's at alpha = .2, k = 50, T = "
        f"1, j0 = 2, and on quadratics Lookahead's stationary noise is {edge:.2f} of its at h = .1, k = 50, alpha = .1",
    )


def _regularizer_gain() -> Check:
    alpha = np.array([0.1, 0.5, 1.0])
    gain = slrla.claimed_lookahead_generalization(100, 1) / slrla.claimed_slrla_generalization(100, 1, alpha, 1 / 8)
    return Check(
        bool(np.allclose(gain, 1 + 1 / (8 * alpha))),
        "the claimed gain at beta = lam/8 is "
        + ", ".join(f"{g:.3g} at alpha = {a:g}" for g, a in zip(gain, alpha, strict=True)),
    )


def _equation7() -> Check:
    grid = np.meshgrid([2, 5, 10, 50, 250], [0.2, 2, 20], [16, 64, 256, 1024, 4096], [1, 5, 20], indexing="ij")
    n, lam, T, k = grid
    best, holds = strongly_convex.best_alpha(n, k, T, lam), strongly_convex.equation7(n, k, T, lam).first
    # d/d alpha of 1/(lam^2 (2 alpha - 1) kT) is -2/(lam^2 (2 alpha - 1)^2 kT): a square of 2 alpha - 1.
    step, at = 1e-6, 0.8
    measured = float(np.diff(strongly_convex.claimed_noise(np.array([at - step, at + step]), 1, 1, 1))[0] / (2 * step))
    squared = np.isclose(measured, -2 / (2 * at - 1) ** 2, rtol=1e-4)
    inside = best < 1
    return Check(
        bool((best[holds] == 1).all() and inside.any() and not holds[inside].any() and squared),
        f"its first form holds (at alpha = 1) in {holds.sum()} of {best.size} cells, and in all of them equation 6 is "
        f"least at alpha = 1; where the minimiser is below 1 ({inside.sum()}), it fails; (alpha-1)^2 should be "
        "(2 alpha-1)^2",
    )


def _generalization_decreases() -> Check:
    k, T = 5, 10
    claim = minimise_over_alpha(lambda a: -((k * T + 1) ** a - 1) / ((T + 1) * k + 2) ** a)
    alphas = np.linspace(0.01, 1, 100)
    derived = strongly_convex.GENERALIZATION.explicit(Setting(UNIT, STEP, n=2, T=T, k=k, alpha=alphas))[0]
    agree = 0
    cells = [(k, T) for k in (1, 2, 3, 5, 20) for T in (1, 2, 3, 4, 10, 1000) if (k, T) != (1, 1)]
    for k, T in cells:
        ends = [((k * T + 1) ** a - 1) / ((T + 1) * k + 2) ** a for a in (1 - 1e-6, 1.0)]
        agree += (ends[1] < ends[0]) == ((k * T + 1) * np.log(k * T + 1) < k * T * np.log((T + 1) * k + 2))
    return Check(
        bool(abs(claim - 0.914) < 1e-3 and (np.diff(derived) > 0).all() and agree == len(cells)),
        f"at k = 5, T = 10 the claim is largest at alpha = {claim:.3f}; it decreases at 1 iff (kT+1) ln(kT+1) < kT "
        f"ln((T+1)k+2) ({agree} of {len(cells)} cells), true but for k = 1, T <= 3; the derived product increases",
    )


def _small_eps() -> Check:
    n, alpha, beta, eps = 100, 0.01, 0.125, 1e-8
    # Mean estimation, lam = 1, Var = 1, G = 2: the empirical minimiser's generalization error is exactly Var/n.
    least = 1 / n - 2 * 2 * np.sqrt(2 * eps)
    claim = float(slrla.claimed_slrla_generalization(n, 1, alpha, beta))
    return Check(
        bool(claim < least / 10),
        f"at eps = {eps:g} any method's generalization error on mean estimation is at least {least:.4f}; the claim for "
        f"alpha = {alpha:g}, beta = lam/8 is {claim:.4f}, and tends to 0 with alpha",
    )


def _converged_stages() -> Check:
    beta, n, Q = 0.3, 10, 6
    constants = dataclasses.replace(UNIT, lam=0.5, lam_example=0.5)
    found = slrla.stability(constants, SLRLA([Stage(400, 5, 0.5, Constant(0.2), beta)] * Q), n)
    expected = 2 / (n * 0.5) * (1 - (beta / (beta + 0.5)) ** np.arange(1, Q + 1))
    return Check(
        bool(np.allclose(found, expected, rtol=1e-9)),
        f"delta_Q/(2G/(n lam)) = {', '.join(f'{d * n * 0.25:.3f}' for d in found)} for Q = 1..{Q}, whatever "
        "alpha: the gain is lost geometrically in Q",
    )


def _best_schedule() -> Check:
    constants = dataclasses.replace(UNIT, lam=0.5)
    counts = {
        (beta, alpha): slrla.slrla_gradients(constants, 4.0, 1.0, 0.01, alpha, 1, beta)
        for beta in (0.0, 0.03, 0.0625)
        for alpha in (0.25, 0.5, 1.0)
    }
    best = min(counts, key=lambda key: counts[key])
    lam, eps = 0.1, 0.01
    ratio = float(np.sum(slrla.claimed_lookahead_gradients(eps, 1.0, lam)) / slrla.claimed_slrla_gradients(eps, 1, lam))
    return Check(
        best == (0.0, 1.0) and bool(np.isclose(ratio, 1 / lam)),
        f"the proved count is least at beta = {best[0]:g}, alpha = {best[1]:g}; at Q = 1, beta = 0 SLRLA is Lookahead, "
        f"but the claims differ by 1/lam = {ratio:g}",
    )


def _weighted_average() -> Check:
    eps, lams = np.exp2(-np.arange(8.0, 15.0)), np.exp2(-np.arange(0.0, 5.0))
    along_eps = sgd_averaging.gradients(UNIT, InverseTime(0.5, 2), eps, 1.0)
    along_lam, staged = [], []
    for lam in lams:
        constants = dataclasses.replace(UNIT, lam=float(lam))
        along_lam.append(float(sgd_averaging.gradients(constants, InverseTime(lam / 2, 2), eps[-1], 1.0)))
        staged.append(slrla.slrla_gradients(constants, 1.0, 1.0, float(eps[-1]), 1.0, 1, 0.0))
    in_eps, in_lam = slope(1 / eps, along_eps), slope(1 / lams, np.array(along_lam))
    ratio = float(np.min(np.array(staged) / along_lam))
    return Check(
        abs(in_eps - 1) < 0.01 and abs(in_lam - 1) < 0.01 and ratio > 7,
        f"SGD whose average has the weights j + j0 needs 2 G^2/(lam eps) by proof, as (1/eps)^{in_eps:.2f} and "
        f"(1/lam)^{in_lam:.2f}: the order claimed for SLRLA, without stages, regularizer or outer step, and "
        f"{ratio:.1f} times fewer than SLRLA's explicit schedule has at its best",
    )


def _theorem3_one_round() -> Check:
    constants, k, rows, confirmed = dataclasses.replace(UNIT, L=2.0), np.exp2(np.arange(8.0, 15.0)), [], True
    for alpha in (0.2, 1.0):
        setting = Setting(constants, STEP, n=10**7, T=1, k=k, alpha=alpha)
        derived = slope(k, np.sum(polyak_lojasiewicz.GENERALIZATION.explicit(setting), axis=0))
        claimed = 2 * alpha / (1 + 2 * alpha)
        confirmed &= abs(derived - 2 / 3) < 0.02
        rows.append(f"{derived:.3f} against {claimed:.3f} at alpha = {alpha:g}")
    full = np.sum(polyak_lojasiewicz.GENERALIZATION.claim(Setting(constants, STEP, n=1000, T=100, k=5, alpha=0.1)))
    dropped = float(full / slrla.claimed_lookahead_generalization_pl(1000, 5, 100, 0.1, 2.0))
    return Check(
        confirmed and dropped < 0.2,
        f"at T = 1, L/mu = 2 the exponent of k is {'; '.join(rows)}; Theorem 4's table is {1 / dropped:.1f} times "
        "Theorem 3 at alpha = .1, and T = eps^(-1/(2 alpha)) is k times as many gradients",
    )


def _alpha_one_and_k() -> Check:
    ways = [(1024, 1), (32, 32), (1, 1024)]
    claims = [
        float(np.sum(strongly_convex.OPTIMIZATION.claim(Setting(UNIT, STEP, n=2, T=T, k=k, alpha=1.0))))
        for T, k in ways
    ]
    derived = [float(_distance(np.array([float(T)]), k, 1.0, D2=1.0)[0]) for T, k in ways]
    rates = [
        float(strongly_convex.GENERALIZATION.claim(Setting(UNIT, STEP, n=2, T=T, k=k, alpha=1.0))[0]) * 2
        for T, k in ways
    ]
    return Check(
        max(derived) / min(derived) - 1 < 1e-12 and max(claims) / min(claims) > 100,
        f"1024 steps of SGD in rounds of k = 1, 32, 1024: claimed {', '.join(f'{c:.3g}' for c in claims)}, derived "
        f"{derived[0]:.3g} each time; the generalization claim falls from {rates[0]:.2f} to {rates[-1]:.2f}/(n lam)",
    )


def _one_round() -> Check:
    alpha, k = 0.3, 10**5
    claim = polyak_lojasiewicz.OPTIMIZATION.claim(Setting(UNIT, STEP, n=2, T=1, k=k, alpha=alpha))
    convex = strongly_convex.OPTIMIZATION.claim(Setting(UNIT, STEP, n=2, T=1, k=k, alpha=alpha))
    # Full gradients: after one round v_k is at the minimum, and theta_1 - theta* = (1 - alpha)(theta_0 - theta*).
    left = (1 - alpha) ** 2
    return Check(
        bool(claim[0] < left / 10 and convex[0] == 1),
        f"with exact gradients, T = 1 and k -> infinity leave (1-alpha)^2 = {left:.2f} of the error at alpha = "
        f"{alpha:g}; Theorem 3's first term is {float(claim[0]):.1e} at k = 1e5, Theorem 2's {float(convex[0]):g}",
    )


def _pole() -> Check:
    alphas = (0.499, 0.5, 0.501)
    claims = [float(strongly_convex.claimed_noise(a, 5, 1024, 1)) for a in alphas]
    derived = [float(_distance(np.array([1024.0]), 5, a)[0]) for a in alphas]
    return Check(
        claims[0] > 50 * claims[1] < claims[2] and max(derived) / min(derived) < 1.02,
        f"at alpha = .499, .5, .501 (k = 5, T = 1024) the claim is {', '.join(f'{c:.2g}' for c in claims)}, the "
        f"derived noise {', '.join(f'{d:.2g}' for d in derived)}",
    )


def _early_stopping() -> Check:
    n, rows = 100, []
    for steps in (100, 10**4, 10**6):
        alpha = convex.best_alpha_claim(n, 1, steps)
        slow = np.sum(convex.EXCESS_AVERAGE.claim(Setting(UNIT, SqrtHorizon(), n=n, T=steps, k=1, alpha=alpha)))
        rows.append(float(slow))
    stopped = np.sum(convex.EXCESS_AVERAGE.claim(Setting(UNIT, SqrtHorizon(), n=n, T=n, k=1, alpha=1.0)))
    return Check(
        bool(np.allclose(rows, stopped)),
        f"at n = {n} Lookahead's best claim is {rows[-1]:.3f} for every kT >= n, SGD's after kT = n steps "
        f"{stopped:.3f}: the gain is one over SGD that goes on with steps 1/sqrt(kT), not over SGD that stops",
    )


def _fresh_data() -> Check:
    def total(bound: StagedInequality, step: Step, T: int, k: int, alpha: Floats) -> Floats:
        terms: tuple[Floats, ...] = bound.claim(Setting(UNIT, step, n=2, T=T, k=k, alpha=alpha))
        return np.sum(terms, axis=0)

    claims = (
        (convex.OPTIMIZATION_AVERAGE, SqrtHorizon()),
        (strongly_convex.OPTIMIZATION, STEP),
        (polyak_lojasiewicz.OPTIMIZATION, STEP),
    )
    best = [
        minimise_over_alpha(functools.partial(total, bound, step, T, k))
        for bound, step in claims
        for T in (10, 100, 1000)
        for k in (1, 5, 20)
    ]
    return Check(
        min(best) == 1,
        f"as n -> infinity the generalization claims vanish, and alpha = 1 is best for all three optimization claims "
        f"({len(best)} settings): Lookahead's advantage is claimed for repeated data only",
    )


def _single_steps() -> Check:
    T, alpha, eta = np.array([1.0, 10.0, 1000.0]), 0.2, 0.1
    bound = convex.OPTIMIZATION_AVERAGE.explicit(Setting(UNIT, Constant(eta), n=2, T=T, k=1, alpha=alpha, D2=1.0))
    same = 1 / (2 * alpha * eta * T) + convex.refined_floor(alpha, eta, 1, UNIT.G)
    ratio = np.sum(bound, axis=0) / same
    return Check(
        bool((ratio >= 1).all() and np.isclose(bound[1][-1] / (alpha * eta / 2), 1 / alpha)),
        f"Lookahead with k = 1 is SGD with step alpha eta; its bound there is up to {ratio.max():.2f} times SGD's "
        f"(T = 1000, alpha = {alpha:g}), its floor 1/alpha times",
    )


def _half() -> Check:
    rows, ratios = [], []
    for lam in (1.0, 0.1, 0.01):
        count = slrla.claimed_lookahead_gradients(0.01, 0.5, lam).noise
        ratios.append(float(strongly_convex.claimed_noise(0.5, 1, count, lam) / 0.01))
        rows.append(f"{ratios[-1]:.2f} at lam = {lam:g}")
    return Check(
        ratios[0] < ratios[1] < ratios[2],
        f"Theorem 4's count put into Theorem 2's claim gives {', '.join(rows)} times eps = .01: log(1/eps) should be "
        "log(1/(lam^2 eps))",
    )


AUDITS: tuple[Audit, ...] = (
    Audit(
        1,
        "Theorem 2, two readings for alpha < 1/2",
        "1/(lam^2 (kT)^(2 alpha) (1-2 alpha))",
        "1/(lam^2 (kT)^(2 alpha (1-2 alpha)))",
        "exponent of kT with the derivation's and with Theorem 4's count",
        _readings,
    ),
    Audit(
        2,
        "Theorem 2, noise for alpha < 1/2",
        "1/(lam^2 (kT)^(2 alpha) (1-2 alpha))",
        "the recursion's noise",
        "size for k >= j0, and the limit alpha -> 0",
        _noise_factor,
    ),
    Audit(
        3,
        "Theorem 3 inverted",
        "(1/(mu^2 eps))^(1/(2 alpha-1))",
        "Theorem 4: (1/(mu^2 eps))^(1/alpha)",
        "exponent of 1/eps for alpha > 1/2, with the recursion's",
        _theorem3_inverted,
    ),
    Audit(
        4,
        "Theorem 3 for alpha <= 1/2",
        "alpha(alpha+2(1-alpha)(k-1))/(mu^2 (kT+1)^(2 alpha-1))",
        "0",
        "limit T -> infinity",
        _theorem3_does_not_decay,
    ),
    Audit(
        5,
        "Lookahead against matched SGD",
        "Theorems 1 and 2 for Lookahead",
        "the same for SGD with step alpha eta",
        "size of the bounds",
        _matched,
    ),
    Audit(
        6,
        "Theorem 4, gain in generalization",
        "1/(n lam)",
        "1/(n (beta/alpha + lam)), beta <= lam/8",
        "their quotient",
        _regularizer_gain,
    ),
    Audit(
        7,
        "Equation 7",
        "ln T/T^alpha > ln(kT)/(n lam k^alpha)",
        "the minimiser of equation 6",
        "whether the condition goes with a minimiser below 1",
        _equation7,
    ),
    Audit(
        8,
        "Theorem 2, generalization in alpha",
        "((kT+1)^alpha - 1)/((T+1)k+2)^alpha",
        "1 - prod_t (1 - alpha k/(tk+j0-1))",
        "monotonicity near alpha = 1",
        _generalization_decreases,
    ),
    Audit(
        9,
        "Theorem 4, generalization at small eps",
        "1/(n (beta/alpha + lam))",
        "gen(empirical minimiser) - 2 G sqrt(2 eps/lam)",
        "size as eps -> 0",
        _small_eps,
    ),
    Audit(
        10,
        "SLRLA, stability of converged stages",
        "1/(n (beta/alpha + lam))",
        "(2G/(n lam)) (1 - (beta/(beta+lam))^Q)",
        "dependence on beta, alpha and Q",
        _converged_stages,
    ),
    Audit(
        11,
        "SLRLA's best plan",
        "16 G_q^2/(lam alpha eps)",
        "stagewise averaged SGD",
        "the beta and alpha with the fewest gradients; Q = 1, beta = 0 against Lookahead",
        _best_schedule,
    ),
    Audit(
        12,
        "Theorem 3's generalization at T = 1, and in Theorem 4",
        "exponent gamma/(1+gamma), gamma = (1-1/n) alpha L/mu",
        "the derivation's, with gamma/alpha for gamma",
        "exponent of k at T = 1; the factor alpha^(1/(1+gamma)) and the k of k eps^(-1/(2 alpha))",
        _theorem3_one_round,
    ),
    Audit(
        13,
        "Theorem 2 at alpha = 1",
        "1/T^2 + 1/(lam^2 kT)",
        "SGD's, a function of kT",
        "dependence on k at fixed kT",
        _alpha_one_and_k,
    ),
    Audit(
        14,
        "Theorem 3 at T = 1, k -> infinity",
        "1/(kT+1)^(2 alpha)",
        "(1-alpha)^2, and Theorem 2's 1/T^(2 alpha)",
        "the first term without gradient noise",
        _one_round,
    ),
    Audit(
        15,
        "Theorem 2 about alpha = 1/2",
        "1/(|1-2 alpha| lam^2 ...)",
        "log(kT)/(lam^2 kT)",
        "continuity in alpha",
        _pole,
    ),
    Audit(
        16,
        "Theorem 1's best alpha",
        "1/(alpha sqrt(kT)) + alpha sqrt(kT)/n at alpha = sqrt(n/(kT))",
        "SGD's claim at kT = n",
        "size",
        _early_stopping,
    ),
    Audit(
        17,
        "All optimization claims as n -> infinity",
        "Theorems 1-3, optimization",
        "the same at alpha = 1",
        "the best alpha",
        _fresh_data,
    ),
    Audit(
        18,
        "Theorem 1 at k = 1",
        "D^2/(2 alpha eta T) + eta G^2/2",
        "D^2/(2 alpha eta T) + alpha eta G^2/2",
        "the bound for one algorithm under two names",
        _single_steps,
    ),
    Audit(
        19,
        "Theorem 4 at alpha = 1/2",
        "log(1/eps)/(lam^2 eps)",
        "Theorem 2: log(kT)/(lam^2 kT) = eps",
        "whether the count inverts the claim",
        _half,
    ),
    Audit(
        20,
        "Theorem 4 and averaging",
        "SLRLA: 1/(lam alpha eps)",
        "SGD, weighted average: 2 G^2/(lam eps) (Lacoste-Julien et al., 2012)",
        "whether the order needs SLRLA",
        _weighted_average,
    ),
)
