r"""SGD that shuffles: the optimization error of the average after whole passes.

Setting: every l(.; z) convex and G-Lipschitz on Theta (R^d or a ball); constant step; pass after pass through all n
    examples, each in a new uniformly random order (*reshuffled*) or all in one (*one shuffle*); J = n K.
Claim: optimization error O(1/(eta J) + eta sqrt n); with one shuffle O(1/(eta J) + eta (sqrt J + K)).
Published: D^2/(2 eta n K) + eta G^2/2 + 2 eta G^2 sqrt n; with one shuffle the last term is 8 eta G^2 (sqrt(nK) + K).
Explicit: D^2/(2 eta J) + eta G^2/2 + 2 eta G^2 c, where c = (1/n^2) sum_{t<n} sum_{u=1}^{t} sqrt(u) without
    smoothness, and (n - 1)/(2n) for eta <= 2/L. With one shuffle c = (2/3) sqrt J + 2 K and
    (K - 1)(n - 1)/n + (n - 1)/(2n).
Proof. At place t = 0 .. n-1 of a pass let w be the iterate and z_t the example it meets. Along any sequence of examples
    sum_j [l(v_j; z_j) - l(x; z_j)] <= D^2/(2 eta) + J eta G^2/2 with x = theta*_S; over whole passes the l(x; z_j) sum
    to J F_S*. Left is E[F_S(w) - l(w; z_t)]. Given the past of the pass, z_t is uniform on the examples not yet met:
    F_S(w) - l(w; z_t) has the mean of (1/n) sum_{s<t} [l(w; z_s) - l(w; z_t)]. Exchanging places s and t of
    the order leaves its law as it is, and turns l(w; z_s) into l(w'; z_t), where w' met z_t at place s. They differ by
    at most G E||w - w'||. One step at different examples makes the distance at most 2 eta G; each of the t - s - 1
    later steps adds at most 4 eta^2 G^2 to its square (monotone subgradients), or nothing for eta <= 2/L. So
    E[F_S(w) - l(w; z_t)] <= (1/n) sum_{s<t} 2 eta G^2 sqrt(t - s), or 2 eta G^2 t/n. Average over t; convexity.
    *One shuffle.* F_S(w) - l(w; z_t) is (1/n) sum_s [l(w; z_s) - l(w; z_t)] over all s. The exchange of places s and
    t != s now changes every pass: after p whole passes and t steps w and w' have met different examples in 2p steps,
    and in one more if s < t. For eta <= 2/L each adds at most 2 eta G, so E||w - w'|| <= 2 eta G (2p + 1{s < t}). Its
    mean over s, t and p is 2 eta G [(K - 1)(n - 1)/n + (n - 1)/(2n)]. Without smoothness x, the largest distance so
    far, has x^2 <= 4 eta^2 G^2 N + 4 eta G (2p + 1) x after N steps, so x <= 2 eta G sqrt N + 4 eta G (2p + 1). Its
    mean over the steps is at most 2 eta G ((2/3) sqrt J + 2 K).
Reading: for smooth losses the order costs no more than eta G^2, and one order for all passes 2 eta G^2 K: the square
    roots belong to kinks.
Source: Koren, Livni, Mansour, Sherman, NeurIPS 2022, as later work quotes it; re-proved.
"""

from __future__ import annotations

import math

import numpy as np

from riskkit.algorithms.staged import Sampling
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import constant_steps, sgd
from riskkit.theory.hypotheses import Hypothesis, convex, finite

TITLE = "the shuffling bound of Koren et al."

SOURCE = Source(
    "koren2022benign",
    "Koren, Livni, Mansour, Sherman: Benign underfitting of stochastic gradient descent",
    """@inproceedings{koren2022benign,
  title     = {Benign Underfitting of Stochastic Gradient Descent},
  author    = {Koren, Tomer and Livni, Roi and Mansour, Yishay and Sherman, Uri},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2022},
}
""",
)


def order_constant(n: int, smooth: bool) -> float:
    """c of the module's docstring, a new order for each pass."""
    if smooth:
        return (n - 1) / (2 * n)
    return float(np.cumsum(np.sqrt(np.arange(n))).sum()) / n**2


def one_order_constant(n: int, passes: Floats, smooth: bool) -> Floats:
    """c of the module's docstring, one order for all passes: (K,)."""
    if smooth:
        return (passes - 0.5) * (n - 1) / n
    return 2 / 3 * np.sqrt(n * passes) + 2 * passes


def _smooth(at: At) -> bool:
    L = at.constants.L
    return math.isfinite(L) and (L == 0 or at.step_sizes[0] <= 2 / L)


def _terms(at: At, order: float | Floats) -> dict[str, Floats]:
    """nan inside a pass: the statement is about whole ones."""
    J, eta, G = at.steps.astype(np.float64), at.step_sizes[0], at.constants.G
    whole = np.where(at.steps % at.n == 0, 1.0, np.nan)
    return {
        "initial": whole * at.D2 / (2 * eta * J),
        "floor": whole * eta * G**2 / 2,
        "order": whole * 2 * eta * G**2 * order,
    }


def _shuffling(title: str, sampling: Sampling) -> tuple[Hypothesis, ...]:
    return sgd(title, sampling), convex(title), finite(title, "G"), constant_steps(title)


OPTIMIZATION = Inequality(
    name="koren2022.optimization.average",
    title=TITLE,
    quantity="optimization",
    output="average",
    source=SOURCE,
    hypotheses=_shuffling(TITLE, "without replacement"),
    claim=lambda at: {
        "initial": 1 / (at.step_sizes[0] * at.steps),
        "order": np.full(at.rounds.shape, at.step_sizes[0] * math.sqrt(at.n)),
    },
    published=lambda at: _terms(at, math.sqrt(at.n)),
    proved=lambda at: _terms(at, order_constant(at.n, _smooth(at))),
    published_statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2\sqrt{n}",
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2 c",
    claim_statement=r"\frac{1}{\eta J} + \eta\sqrt{n}",
    scope="after whole passes",
)

ONE_TITLE = f"{TITLE}, one shuffle"

ONE_SHUFFLE = Inequality(
    name="koren2022.one shuffle.optimization.average",
    title=ONE_TITLE,
    quantity="optimization",
    output="average",
    source=SOURCE,
    hypotheses=_shuffling(ONE_TITLE, "one shuffle"),
    claim=lambda at: {
        "initial": 1 / (at.step_sizes[0] * at.steps),
        "order": at.step_sizes[0] * (np.sqrt(at.steps) + at.steps / at.n),
    },
    published=lambda at: _terms(at, 4 * (np.sqrt(at.steps) + at.steps / at.n)),
    proved=lambda at: _terms(at, one_order_constant(at.n, at.steps / at.n, _smooth(at))),
    published_statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 8\eta G^2 (\sqrt{nK} + K)",
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2 c",
    claim_statement=r"\frac{1}{\eta J} + \eta (\sqrt{J} + K)",
    scope="after whole passes",
)
