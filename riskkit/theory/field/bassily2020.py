r"""Stability of projected SGD on nonsmooth convex losses: the one bound that asks for no smoothness.

Setting: every l(.; z) convex and G-Lipschitz on Theta (R^d or a ball); one subgradient a step; indices drawn with
    replacement, or by going through all examples in a new random order again and again (reshuffling); or the mean of
    all n subgradients a step.
Claim: stability O(eta sqrt J + eta J/n) for a constant step.
Published, for the generalization error: 4 G^2 eta sqrt J + 4 G^2 eta J/n with replacement; 2 G^2 eta sqrt J +
    4 G^2 eta J/n by permutations; any average of the iterates too.
Explicit: with replacement r_J, where r_0 = 0 and r_{j+1}^2 = r_j^2 + (4 eta_j G/n) r_j + 4 eta_j^2 G^2. By
    permutations the same with 4 eta_j G r_j for the second term at one step of each pass, the last, and without it
    elsewhere.
Proof. Subgradients of a convex function are monotone, so that on a common example
    delta_{j+1}^2 <= delta_j^2 - 2 eta <g - g', v - v'> + eta^2 ||g - g'||^2 <= delta_j^2 + 4 eta^2 G^2.
    On the replaced example delta_{j+1} <= delta_j + 2 eta G. With replacement that has probability 1/n, whatever
    delta_j; take expectations, E delta <= sqrt(E delta^2) = r. By permutations it happens once a pass. In a pass with
    constant steps the square after it is (sqrt(D + 4 eta^2 G^2 a) + 2 eta G)^2 + 4 eta^2 G^2 b, with a steps before and
    b after it, and this is largest for b = 0. So the distance at the end of any pass, and inside it, is at most
    what the recursion gives with the replaced example last.
    With full batches the subgradients of both runs are those of the same convex function, up to (1/n)(g(v'; z') -
    g(v'; z)): <., v - v'> is at least -(2G/n) delta, which gives the recursion with replacement, at every S.
Reading: the first term does not fall with n. It is attained in high dimension only; in fixed dimension the kinks of a
    loss are met too seldom. 2 G sqrt(sum eta_j^2) + (4 G/n) sum eta_j is above r: completing the square.
Source: Bassily, Feldman, Guzman, Talwar, NeurIPS 2020; the constants as later papers quote them.
"""

from __future__ import annotations

import numpy as np

from riskkit.algorithms.staged import OUTPUTS
from riskkit.theory.bound import At, Floats, Source
from riskkit.theory.field.setting import at_full_batch, constant_steps, gradient_descent, of_distances, sgd
from riskkit.theory.hypotheses import convex, finite

TITLE = "the nonsmooth stability bound of Bassily et al."

SOURCE = Source(
    "bassily2020stability",
    "Bassily, Feldman, Guzman, Talwar: Stability of stochastic gradient descent on nonsmooth convex losses",
    """@inproceedings{bassily2020stability,
  title     = {Stability of Stochastic Gradient Descent on Nonsmooth Convex Losses},
  author    = {Bassily, Raef and Feldman, Vitaly and Guzm{\\'a}n, Crist{\\'o}bal and Talwar, Kunal},
  booktitle = {Advances in Neural Information Processing Systems},
  year      = {2020},
}
""",
)


def distances(at: At) -> Floats:
    """r_J for J = 0 .. , with replacement."""
    G, sizes = at.constants.G, at.step_sizes
    found = np.zeros(sizes.size + 1)
    for j, eta in enumerate(sizes.tolist()):
        found[j + 1] = np.sqrt(found[j] ** 2 + 4 * eta * G / at.n * found[j] + (2 * eta * G) ** 2)
    return found


def permuted_distances(at: At) -> Floats:
    """The same for one random order a pass: at the end of, and inside, each pass."""
    G, sizes = at.constants.G, at.step_sizes
    found = np.zeros(sizes.size + 1)
    square = 0.0  # of the distance at the beginning of the pass
    for j, eta in enumerate(sizes.tolist()):
        within = j % at.n
        found[j + 1] = np.sqrt(square + 4 * eta**2 * G**2 * within) + 2 * eta * G
        if within == at.n - 1:
            square = found[j + 1] ** 2
    return found


_WITH = (sgd(TITLE), convex(TITLE), finite(TITLE, "G"))
_PERMUTED = (sgd(TITLE, "without replacement"), convex(TITLE), finite(TITLE, "G"), constant_steps(TITLE))


_CLAIM = r"\eta\sqrt{J} + \frac{\eta J}{n}"


def _published(first: float, at: At) -> Floats:
    J, eta, G = at.steps.astype(np.float64), at.step_sizes[0], at.constants.G
    return first * G**2 * eta * np.sqrt(J) + 4 * G**2 * eta * J / at.n


def _claim(at: At) -> dict[str, Floats]:
    J, eta = at.steps.astype(np.float64), at.step_sizes[0]
    return {"nonsmooth": eta * np.sqrt(J), "sampling": eta * J / at.n}


_RECURSION = r"r_{j+1}^2 = r_j^2 + \frac{4\eta_j G}{n} r_j + 4\eta_j^2 G^2"

STABILITY, STABILITY_AVERAGE = (
    of_distances(f"bassily2020.stability.{output}", TITLE, SOURCE, _WITH, distances, "r", _RECURSION, output)
    for output in OUTPUTS
)

GENERALIZATION = of_distances(
    "bassily2020.generalization.average",
    TITLE,
    SOURCE,
    (*_WITH, constant_steps(TITLE)),
    distances,
    "r",
    _RECURSION,
    "average",
    claim=_claim,
    claim_statement=_CLAIM,
    published=lambda at: _published(4, at),
    published_statement=r"4G^2\eta\sqrt{J} + \frac{4G^2\eta J}{n}",
)

PERMUTED_TITLE = f"{TITLE} for permutations"
_IN_A_PASS = r"r = \sqrt{r_0^2 + 4\eta^2G^2(i-1)} + 2\eta G\ \mathrm{at\ step}\ i\ \mathrm{of\ a\ pass}"

PERMUTED_STABILITY = of_distances(
    "bassily2020.permuted.stability.last", PERMUTED_TITLE, SOURCE, _PERMUTED, permuted_distances, "r", _IN_A_PASS
)

PERMUTED_GENERALIZATION = of_distances(
    "bassily2020.permuted.generalization.average",
    PERMUTED_TITLE,
    SOURCE,
    _PERMUTED,
    permuted_distances,
    "r",
    _IN_A_PASS,
    "average",
    claim=_claim,
    claim_statement=_CLAIM,
    published=lambda at: _published(2, at),
    published_statement=r"2G^2\eta\sqrt{J} + \frac{4G^2\eta J}{n}",
)

FULL_TITLE = f"{TITLE} for full batches"

FULL_STABILITY = of_distances(
    "bassily2020.full batch.stability.last",
    FULL_TITLE,
    SOURCE._replace(place="re-proved for full batches"),
    (gradient_descent(FULL_TITLE), convex(FULL_TITLE), finite(FULL_TITLE, "G")),
    lambda at: at_full_batch(distances(at), at),
    "r",
    _RECURSION,
)
