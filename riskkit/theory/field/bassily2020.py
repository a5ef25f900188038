r"""Stability of projected SGD on nonsmooth convex losses: the one bound that asks for no smoothness.

Setting: every l(.; z) convex and G-Lipschitz on Theta (R^d or a ball); one subgradient a step; indices drawn with
    replacement, or by going through all examples in a new random order again and again (reshuffling).
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
Reading: the first term does not fall with n. It is attained in high dimension only; in fixed dimension the kinks of a
    loss are met too seldom. 2 G sqrt(sum eta_j^2) + (4 G/n) sum eta_j is above r: completing the square.
Source: Bassily, Feldman, Guzman, Talwar, NeurIPS 2020; the constants as later papers quote them.
"""

from __future__ import annotations

import numpy as np

from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import averaged, constant_steps, read, sgd
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


def _published(first: float, at: At) -> Floats:
    J, eta, G = at.steps.astype(np.float64), at.step_sizes[0], at.constants.G
    return first * G**2 * eta * np.sqrt(J) + 4 * G**2 * eta * J / at.n


def _claim(at: At) -> dict[str, Floats]:
    J, eta = at.steps.astype(np.float64), at.step_sizes[0]
    return {"nonsmooth": eta * np.sqrt(J), "sampling": eta * J / at.n}


STABILITY = Inequality(
    name="bassily2020.stability.last",
    title=TITLE,
    quantity="stability",
    output="last",
    source=SOURCE,
    hypotheses=_WITH,
    proved=lambda at: read(distances(at), at),
    statement=r"r_J,\quad r_{j+1}^2 = r_j^2 + \frac{4\eta_j G}{n} r_j + 4\eta_j^2 G^2",
)

STABILITY_AVERAGE = Inequality(
    name="bassily2020.stability.average",
    title=TITLE,
    quantity="stability",
    output="average",
    source=SOURCE,
    hypotheses=_WITH,
    proved=lambda at: read(averaged(distances(at)), at),
    statement=r"\frac{1}{J}\sum_{j<J} r_j,\quad r_{j+1}^2 = r_j^2 + \frac{4\eta_j G}{n} r_j + 4\eta_j^2 G^2",
)

GENERALIZATION = Inequality(
    name="bassily2020.generalization.average",
    title=TITLE,
    quantity="generalization",
    output="average",
    source=SOURCE,
    hypotheses=(*_WITH, constant_steps(TITLE)),
    claim=_claim,
    published=lambda at: _published(4, at),
    published_statement=r"4G^2\eta\sqrt{J} + \frac{4G^2\eta J}{n}",
    proved=lambda at: at.constants.G * read(averaged(distances(at)), at),
    statement=r"\frac{G}{J}\sum_{j<J} r_j,\quad r_{j+1}^2 = r_j^2 + \frac{4\eta_j G}{n} r_j + 4\eta_j^2 G^2",
    claim_statement=r"\eta\sqrt{J} + \frac{\eta J}{n}",
)

PERMUTED_TITLE = f"{TITLE} for permutations"

PERMUTED_STABILITY = Inequality(
    name="bassily2020.permuted.stability.last",
    title=PERMUTED_TITLE,
    quantity="stability",
    output="last",
    source=SOURCE,
    hypotheses=_PERMUTED,
    proved=lambda at: read(permuted_distances(at), at),
    statement=r"r_J,\quad r = \sqrt{r_0^2 + 4\eta^2G^2(i-1)} + 2\eta G\ \mathrm{at\ step}\ i\ \mathrm{of\ a\ pass}",
)

PERMUTED_GENERALIZATION = Inequality(
    name="bassily2020.permuted.generalization.average",
    title=PERMUTED_TITLE,
    quantity="generalization",
    output="average",
    source=SOURCE,
    hypotheses=_PERMUTED,
    claim=_claim,
    published=lambda at: _published(2, at),
    published_statement=r"2G^2\eta\sqrt{J} + \frac{4G^2\eta J}{n}",
    proved=lambda at: at.constants.G * read(averaged(permuted_distances(at)), at),
    statement=r"\frac{G}{J}\sum_{j<J} r_j",
    claim_statement=r"\eta\sqrt{J} + \frac{\eta J}{n}",
)
