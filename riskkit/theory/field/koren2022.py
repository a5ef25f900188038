r"""SGD that shuffles: the optimization error of the average after whole passes, a new random order for each.

Setting: every l(.; z) convex and G-Lipschitz on Theta (R^d or a ball); constant step; pass after pass through all n
    examples, each in a new uniformly random order; J = n K.
Claim: optimization error O(1/(eta J) + eta sqrt n).
Published: D^2/(2 eta n K) + eta G^2/2 + 2 eta G^2 sqrt n.
Explicit: D^2/(2 eta J) + eta G^2/2 + 2 eta G^2 c_n, where c_n = (1/n^2) sum_{t<n} sum_{u=1}^{t} sqrt(u) without
    smoothness, and (n - 1)/(2n) for eta <= 2/L.
Proof. At place t = 0 .. n-1 of a pass let w be the iterate and z_t the example it meets. Along any sequence of examples
    sum_j [l(v_j; z_j) - l(x; z_j)] <= D^2/(2 eta) + J eta G^2/2 with x = theta*_S; over whole passes the l(x; z_j) sum
    to J F_S*. Left is E[F_S(w) - l(w; z_t)]. Given the past of the pass, z_t is uniform on the examples not yet met:
    F_S(w) - l(w; z_t) has the mean of (1/n) sum_{s<t} [l(w; z_s) - l(w; z_t)]. Exchanging places s and t of
    the order leaves its law as it is, and turns l(w; z_s) into l(w'; z_t), where w' met z_t at place s. They differ by
    at most G E||w - w'||. One step at different examples makes the distance at most 2 eta G; each of the t - s - 1
    later steps adds at most 4 eta^2 G^2 to its square (monotone subgradients), or nothing for eta <= 2/L. So
    E[F_S(w) - l(w; z_t)] <= (1/n) sum_{s<t} 2 eta G^2 sqrt(t - s), or 2 eta G^2 t/n. Average over t; convexity.
Reading: for smooth losses the order costs no more than eta G^2: the sqrt n belongs to kinks.
Source: Koren, Livni, Mansour, Sherman, NeurIPS 2022, as later work quotes it; re-proved.
"""

from __future__ import annotations

import math

import numpy as np

from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import constant_steps, sgd
from riskkit.theory.hypotheses import convex, finite

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
    """c_n of the module's docstring."""
    if smooth:
        return (n - 1) / (2 * n)
    return float(np.cumsum(np.sqrt(np.arange(n))).sum()) / n**2


def _terms(at: At, order: float) -> dict[str, Floats]:
    """nan inside a pass: the statement is about whole ones."""
    J, eta, G = at.steps.astype(np.float64), at.step_sizes[0], at.constants.G
    whole = np.where(at.steps % at.n == 0, 1.0, np.nan)
    return {
        "initial": whole * at.D2 / (2 * eta * J),
        "floor": whole * eta * G**2 / 2,
        "order": whole * 2 * eta * G**2 * order,
    }


def _proved(at: At) -> dict[str, Floats]:
    L = at.constants.L
    smooth = math.isfinite(L) and (L == 0 or at.step_sizes[0] <= 2 / L)
    return _terms(at, order_constant(at.n, smooth))


OPTIMIZATION = Inequality(
    name="koren2022.optimization.average",
    title=TITLE,
    quantity="optimization",
    output="average",
    source=SOURCE,
    hypotheses=(sgd(TITLE, "without replacement"), convex(TITLE), finite(TITLE, "G"), constant_steps(TITLE)),
    claim=lambda at: {
        "initial": 1 / (at.step_sizes[0] * at.steps),
        "order": np.full(at.rounds.shape, at.step_sizes[0] * math.sqrt(at.n)),
    },
    published=lambda at: _terms(at, math.sqrt(at.n)),
    proved=_proved,
    published_statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2\sqrt{n}",
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2 c_n",
    claim_statement=r"\frac{1}{\eta J} + \eta\sqrt{n}",
    scope="after whole passes",
)
