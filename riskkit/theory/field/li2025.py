r"""Stability on average over the replaced example: Lookahead and SGD with batches, without a Lipschitz constant.

Setting: Lookahead with alpha in (0, 1] and batches of b examples, drawn with replacement; SGD is alpha = 1; constant
    step eta <= 2/L; every l(.; z) convex, L-smooth, and ||grad l||^2 <= 2 L l on Theta; Theta = R^d or a ball. Losses
    that are not negative on all of R^d have the last; on Theta alone is not enough, for there a loss may come down to 0
    at the edge with a gradient that is not 0. v_j are the fast weights before step j = 0 .. J-1; P = (1/J) sum_j E
    F_S(v_j) and P' = (1/J) sum_j E sqrt F_S(v_j), which are measured (``PATH_RISK``, ``PATH_ROOT_RISK``).
    l1: (1/n) sum_i E||theta - theta^(i)||, l2: (1/n) sum_i E||theta - theta^(i)||^2, theta^(i) being the output on S
    with example i replaced. i is drawn uniformly here, so that these are the means of ``stability`` and of
    ``SQUARED_STABILITY``.
Claim: l1 O((alpha eta/n) J P'), whatever b; l2 O(alpha^2 eta^2 (J P/(n b) + J^2 P/n^2)).
Explicit: l1 <= 2 sqrt(2 L) alpha eta J P'/n.
    l2 <= alpha^2 Delta_J^2, Delta_J = X + sqrt Y, X = eta J sqrt(8 L P)/n, Y = 8 L eta^2 J P/(n b).
    Generalization error of the average <= (L/2) Delta_J^2 + sqrt(2 L P) Delta_J.
    Excess risk of the average <= D^2/(2 alpha eta J) + eta L P + that.
Proof. *One example.* A common example's step is non-expansive. On the replaced one it adds at most eta (||g(v; z_i)|| +
    ||g(v'; z')||), and ||g||^2 <= 2 L l. In a batch each example counts 1/b. With c_j the
    number of times that step j draws i, a round makes ||v - v'|| at most its value before plus the sum of
    X_j = eta (c_j/b) a_j, a_j = ||g(v_j; z_i)|| + ||g(v'_j; z')||; the outer step takes a convex combination. So
    ||theta - theta^(i)|| <= alpha sum_j X_j, always.
    *l1.* E c_j/b = 1/n whatever came before. Exchanging z_i and z' exchanges v and v', so that the two parts of a_j
    have one mean: (1/n) sum_i E X_j <= (2 eta/n) (1/n) sum_i E sqrt(2 L l(v_j; z_i)), and the root is concave.
    *l2.* E (c_j/b)^2 <= 1/n^2 + 1/(n b). Let s_j^2 be the mean over i of E S_j^2, S_j the sum of the X before step j,
    and A_j^2 that of E a_j^2, at most 8 L E F_S(v_j). Then s_{j+1}^2 <= (s_j + eta A_j/n)^2 + eta^2 A_j^2/(n b), and by
    induction s_J <= sum_j eta A_j/n + (sum_j eta^2 A_j^2/(n b))^{1/2} <= Delta_J.
    *Generalization.* l(theta^(i); z_i) - l(theta; z_i) <= ||g(theta; z_i)|| d + (L/2) d^2, d the distance. Average over
    i with E||g||^2 <= 2 L F_S. The average of the v_j has F_S <= P by convexity, and d at most the mean of those of the
    v_j, which within a round have not been multiplied by alpha yet: s_J bounds them.
    *Optimization.* E||v+ - x||^2 <= ||v - x||^2 - 2 eta (F_S(v) - F_S(x)) + eta^2 E||g||^2 with E||g||^2 <= 2 L F_S(v),
    and a round moves ||theta - x||^2 by alpha times what its steps do, at most: sum over the steps, x = theta*_S.
Reading: no Lipschitz constant, and small where the risk along the path is small. The batch enters l2 alone, and only
    its first term: where J >> n/b it buys nothing. In the stability alpha enters as alpha eta: SGD with the step
    alpha eta has the same bound at the same risk along the path.
Source: Lei, Ying, ICML 2020 (SGD); Li, Lei, 2025 (Lookahead, batches; the orders). Constants derived here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Algorithm
from riskkit.problem import Problem
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.hardt2016 import largest_convex_step
from riskkit.theory.field.setting import constant_steps, steps_at_most
from riskkit.theory.hypotheses import convex, finite, within_reach

TITLE = "the stability on average of Li and Lei"

SOURCE = Source(
    "li2025lookahead",
    "Li, Lei: Generalization and optimization of SGD with Lookahead",
    """@article{li2025lookahead,
  title   = {Generalization and Optimization of {SGD} with {Lookahead}},
  author  = {Li, Kangcheng and Lei, Yunwen},
  journal = {arXiv preprint arXiv:2509.15776},
  year    = {2025},
}
""",
    "the orders; constants derived here",
)


def _lookahead(problem: Problem, algorithm: Any) -> str | None:
    if not isinstance(algorithm, Algorithm) or len(algorithm.stages) != 1:
        return f"{TITLE} is about Lookahead and SGD; got {getattr(algorithm, 'name', type(algorithm).__name__)}."
    (stage,) = algorithm.stages
    if stage.alpha > 1 or stage.beta != 0:
        return f"{TITLE} needs alpha in (0, 1] and beta = 0; got {stage.alpha:g} and {stage.beta:g}."
    if algorithm.sampling != "with replacement":
        return f"{TITLE} needs examples drawn with replacement; got {algorithm.sampling}."
    return None


def _self_bounding(problem: Problem, algorithm: Any) -> str | None:
    if getattr(problem, "self_bounding", False):
        return None
    return (
        f"{TITLE} needs ||grad l||^2 <= 2 L l on Theta, as it is where losses are not negative on R^d; {problem.name} "
        "does not say so (self_bounding)."
    )


_HYPOTHESES = (
    _lookahead,
    convex(TITLE),
    finite(TITLE, "L"),
    _self_bounding,
    constant_steps(TITLE),
    steps_at_most(TITLE, "2/L", largest_convex_step),
    within_reach(TITLE),
)


def _scales(at: At) -> tuple[float, float, Floats]:
    """alpha, eta, J."""
    return at.algorithm.stages[0].alpha, float(at.step_sizes[0]), at.steps.astype(np.float64)


def _l1(at: At) -> Floats:
    alpha, eta, J = _scales(at)
    return 2 * np.sqrt(2 * at.constants.L) * alpha * eta * J * at.along_path("path_root_risk") / at.n


def l2_distance(at: At) -> Floats:
    """Delta_J, (K,)."""
    _, eta, J = _scales(at)
    size = 8 * at.constants.L * at.along_path("path_risk")
    found: Floats = eta * (J * np.sqrt(size) / at.n + np.sqrt(J * size / (at.n * traits.batch(at.algorithm))))
    return found


def _generalization(at: At) -> dict[str, Floats]:
    L, delta = at.constants.L, l2_distance(at)
    return {"first": np.sqrt(2 * L * at.along_path("path_risk")) * delta, "second": L / 2 * delta**2}


def _optimization(at: At) -> dict[str, Floats]:
    alpha, eta, J = _scales(at)
    return {"initial": at.D2 / (2 * alpha * eta * J), "floor": eta * at.constants.L * at.along_path("path_risk")}


def _claimed_l2(at: At) -> dict[str, Floats]:
    alpha, eta, J = _scales(at)
    P, b = at.along_path("path_risk"), traits.batch(at.algorithm)
    return {"sampling": (alpha * eta) ** 2 * J * P / (at.n * b), "drift": (alpha * eta * J / at.n) ** 2 * P}


L1 = Inequality(
    name="li2025.l1 stability.last",
    title=TITLE,
    quantity="stability",
    output="last",
    source=SOURCE,
    hypotheses=_HYPOTHESES,
    claim=lambda at: _l1(at) / (2 * np.sqrt(2 * at.constants.L)),
    proved=_l1,
    statement=r"\frac{2\sqrt{2L}\,\alpha\eta}{n}\sum_{j<J}\mathrm{E}\sqrt{F_S(v_j)}",
    claim_statement=r"\frac{\alpha\eta}{n}\sum_{j<J}\mathrm{E}\sqrt{F_S(v_j)}",
)

L2 = Inequality(
    name="li2025.l2 stability.last",
    title=TITLE,
    quantity="squared_stability",
    output="last",
    source=SOURCE,
    hypotheses=_HYPOTHESES,
    claim=_claimed_l2,
    proved=lambda at: (at.algorithm.stages[0].alpha * l2_distance(at)) ** 2,
    statement=r"\alpha^2\Delta_J^2,\quad \Delta_J = \eta\left(\frac{J\sqrt{8LP}}{n} + \sqrt{\frac{8LJP}{nb}}\right)",
    claim_statement=r"\frac{\alpha^2\eta^2 JP}{nb} + \frac{\alpha^2\eta^2 J^2 P}{n^2}",
)

GENERALIZATION = Inequality(
    name="li2025.generalization.average",
    title=TITLE,
    quantity="generalization",
    output="average",
    source=SOURCE,
    hypotheses=_HYPOTHESES,
    proved=_generalization,
    statement=r"\frac{L}{2}\Delta_J^2 + \sqrt{2LP}\,\Delta_J",
)

EXCESS = Inequality(
    name="li2025.excess.average",
    title=TITLE,
    quantity="excess",
    output="average",
    source=SOURCE,
    hypotheses=_HYPOTHESES,
    proved=lambda at: {**_optimization(at), **_generalization(at)},
    statement=r"\frac{D^2}{2\alpha\eta J} + \eta LP + \frac{L}{2}\Delta_J^2 + \sqrt{2LP}\,\Delta_J",
)
