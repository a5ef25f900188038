r"""Stability of heavy ball on smooth convex losses: that of SGD with the step eta/(1 - m), for short steps.

Setting: v_{j+1} = v_j + m (v_j - v_{j-1}) - eta g(v_j; z_j) (``HeavyBall`` with a constant step), m = momentum in
    [0, 1), indices with replacement, no projection; every l(.; z) convex, L-smooth and G-Lipschitz where the iterates
    are. r = sqrt m.
Claim: stability O(eta J / ((1 - m) n)); with lam-strongly convex examples O(1/(lam n)).
Explicit, eta <= 2 (1 - r)^2/L: delta_J, where delta_0 = u_0 = 0 and
    u_{j+1} = r u_j + (1 - r) (a delta_j + 2 eta G / ((1 - r)^2 n)),   delta_{j+1} = r delta_j + (1 - r) u_{j+1},
    a = 1, or a = 1 - eta lam/(1 - r)^2 if eta <= 2 (1 - r)^2/(L + lam). G times it bounds the generalization error.
    For a = 1 it is (2 G eta/n) sum_{i<=J} (1 - m^i)/(1 - m) <= 2 G eta J/((1 - m) n).
Proof. Let u_j = (v_j - r v_{j-1})/(1 - r), v_{-1} = v_0. With eta' = eta/(1 - r)^2 and S(v) = v - eta' g(v),
    u_{j+1} = r u_j + (1 - r) S(v_j),   v_{j+1} = r v_j + (1 - r) u_{j+1}:
    heavy ball is SGD with the step eta', averaged geometrically twice. On a common example S is non-expansive for
    eta' <= 2/L (a contraction by 1 - eta' lam for eta' <= 2/(L + lam)); on the replaced one, met with probability 1/n,
    it adds at most 2 eta' G. Take norms, then expectations. For a = 1 the recursion of delta is that of heavy ball with
    the constant gradient -2 G/n, of which each step still counts (1 - m^i)/(1 - m) times after i steps.
    The iterates are averages of theta_0 and of points S(v), so that constants which hold where SGD with the step eta'
    stays hold here.
Attained, but for E||z - z'|| in the place of 2 G, on a linear loss, by every m.
Beyond: for longer steps the claim is false. Let l(t; x, z) = (x/2) (t - z)^2, x in {0, 1} with P(x = 1) = q: convex,
    1-smooth, and SGD with eta <= 1 is stable. The difference d_j of two runs that have met the replaced example obeys
    d_{j+1} = (1 + m - x eta) d_j - m d_{j-1} on common examples, and (E d_j^2, E d_j d_{j-1}, E d_{j-1}^2) the linear
    recursion of ``mean_square_growth``, which grows geometrically for m = 0.9, q = 1/2 and eta = 1/2 or more.
Reading: two sources seem to disagree. Ramezani-Kebrya et al. have a convex loss on which the stability of SGD with
    momentum is unbounded over epochs; Yuan, Lei and Wang have stability on average for smooth convex losses and every
    m. What decides on the losses above is eta L against (1 - sqrt m)^2, which is about (1 - m)^2/4.
Source: derived here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.momentum import HeavyBall
from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats, Source
from riskkit.theory.field.setting import ROUNDING, constant_steps, of_distances
from riskkit.theory.hypotheses import Hypothesis, convex, finite, strongly_convex_examples

TITLE = "the stability of heavy ball"

SOURCE = Source(
    "yuan2026stochastic",
    "Yuan, Lei, Wang: Stochastic gradient descent with momentum is algorithmically stable",
    """@article{yuan2026stochastic,
  title   = {Stochastic Gradient Descent with Momentum is Algorithmically Stable},
  author  = {Yuan, Xiaoming and Lei, Yunwen and Wang, Zimeng},
  journal = {arXiv preprint arXiv:2605.28517},
  year    = {2026},
}
""",
    "the question; statement and constants derived here",
)


def sgd_step(algorithm: HeavyBall) -> float:
    """eta' = eta/(1 - sqrt m)^2, the step of the SGD that it averages."""
    return float(traits.step_sizes(algorithm).max()) / (1 - math.sqrt(algorithm.momentum)) ** 2


def _heavy_ball(title: str, curvature: str) -> Hypothesis:
    """Heavy ball without a projection, whose eta' is short enough for smoothness L + ``curvature``."""

    def ask(problem: Problem, algorithm: Any) -> str | None:
        if not isinstance(algorithm, HeavyBall):
            return f"{title} is about heavy ball; got {getattr(algorithm, 'name', type(algorithm).__name__)}."
        if algorithm.batch != 1:
            return f"{title} is about one example a step; got batches of {algorithm.batch}."
        if algorithm.radius is not None:
            return f"{title} is about heavy ball without projection; got the radius {algorithm.radius:g}."
        eta, step = float(traits.step_sizes(algorithm).max()), sgd_step(algorithm)
        c = problem.constants
        total = c.L + (c.lam_example if curvature else 0.0)
        most = min(2 / total if total > 0 else math.inf, getattr(problem, "largest_step", math.inf))
        if step > most * ROUNDING:
            longest = most * (1 - math.sqrt(algorithm.momentum)) ** 2
            return (
                f"{title} needs step sizes <= {longest:.4g} on {problem.name} for momentum {algorithm.momentum:g}; "
                f"got {eta:.4g}. Take smaller steps, or less momentum."
            )
        farthest = float(np.linalg.norm(np.asarray(problem.start))) + eta * c.G * algorithm.steps / (
            1 - algorithm.momentum
        )
        if problem.radius is not None and farthest > problem.radius * ROUNDING:
            return f"{title} is about steps that cannot leave Theta; these may leave {problem.name}."
        return None

    return ask


def distances(at: At, a: float) -> Floats:
    """delta_j, j = 0 .. J."""
    algorithm, r = at.algorithm, math.sqrt(at.algorithm.momentum)
    added = 2 * sgd_step(algorithm) * at.constants.G / at.n
    found = np.zeros(at.step_sizes.size + 1)
    u = delta = 0.0
    for j in range(at.step_sizes.size):
        u = r * u + (1 - r) * (a * delta + added)
        delta = r * delta + (1 - r) * u
        found[j + 1] = delta
    return found


def _claim(at: At) -> Floats:
    found: Floats = at.step_sizes[0] * at.steps / ((1 - at.algorithm.momentum) * at.n)
    return found


STABILITY, GENERALIZATION = (
    of_distances(
        f"heavy ball.{quantity}.last",
        TITLE,
        SOURCE,
        (convex(TITLE), finite(TITLE, "G", "L"), _heavy_ball(TITLE, ""), constant_steps(TITLE)),
        lambda at: distances(at, 1.0),
        r"\delta",
        r"\delta_J = \frac{2G\eta}{n}\sum_{i=1}^{J} \frac{1-m^i}{1-m}",
        claim=_claim,
        claim_statement=r"\frac{\eta J}{(1-m)n}",
    )
    for quantity in ("stability", "generalization")
)

STRONGLY_CONVEX_TITLE = f"{TITLE}, strongly convex"

STRONGLY_CONVEX_STABILITY, STRONGLY_CONVEX_GENERALIZATION = (
    of_distances(
        f"heavy ball.strongly convex.{quantity}.last",
        STRONGLY_CONVEX_TITLE,
        SOURCE,
        (
            strongly_convex_examples(STRONGLY_CONVEX_TITLE),
            finite(STRONGLY_CONVEX_TITLE, "G", "L"),
            _heavy_ball(STRONGLY_CONVEX_TITLE, "lam"),
            constant_steps(STRONGLY_CONVEX_TITLE),
        ),
        lambda at: distances(at, 1 - sgd_step(at.algorithm) * at.constants.lam_example),
        r"\delta",
        r"\delta_{j+1} = r\delta_j + (1-r)u_{j+1},\quad u_{j+1} = r u_j + (1-r)(1-\eta'\lambda)\delta_j + "
        r"\frac{2(1-r)\eta'G}{n}",
        claim=lambda at: np.full(at.rounds.shape, 1 / (at.constants.lam_example * at.n)),
        claim_statement=r"\frac{1}{\lambda n}",
    )
    for quantity in ("stability", "generalization")
)


def quadratic_distance(h: float, momentum: float, n: int, steps: npt.ArrayLike) -> Floats:
    """E||v_J - v'_J|| / E||z - z'|| on mean estimation, h = eta lam, (K,); nan where the response to a draw changes its
    sign, that is for h > (1 - sqrt m)^2. Else the distance is c_J ||z - z'||, c_J >= 0, and E c_J obeys the recursion
    of heavy ball with 1/n for the indicator of the replaced example: E c_J -> 1/n."""
    at = np.asarray(steps, dtype=np.int64)
    if h > (1 - math.sqrt(momentum)) ** 2 * (1 + 1e-12):
        return np.full(at.shape, np.nan)
    found = np.zeros(int(at.max()) + 1)
    c = m = 0.0
    for j in range(int(at.max())):
        m = momentum * m + h * (c - 1 / n)
        c -= m
        found[j + 1] = c
    return found[at]


def linear_distance(eta: float, momentum: float, n: int, steps: npt.ArrayLike) -> Floats:
    """The same on a linear loss: (eta/n) sum_{i<=J} (1 - m^i)/(1 - m)."""
    J, m = np.asarray(steps, dtype=np.float64), momentum
    return eta / n * (J - m * (1 - m**J) / (1 - m)) / (1 - m)


def mean_square_growth(h: float, momentum: float, share: float) -> float:
    """The factor by which E d_j^2 grows a step in the end, for curvatures h (with probability ``share``) and 0: the
    spectral radius of the recursion of the second moments of (d_j, d_{j-1})."""
    total = np.zeros((4, 4))
    for chance, curvature in ((share, h), (1 - share, 0.0)):
        step = np.array([[1 + momentum - curvature, -momentum], [1.0, 0.0]])
        total += chance * np.kron(step, step)
    return float(np.abs(np.linalg.eigvals(total)).max())
