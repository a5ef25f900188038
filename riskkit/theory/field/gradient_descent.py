r"""Full-batch gradient descent on smooth convex losses: no noise, and as unstable as one example a step.

Setting: theta_{j+1} = P_Theta(theta_j - eta_j grad F_S(theta_j)); every l(.; z) convex, L-smooth and G-Lipschitz on
    Theta, which is R^d or a ball.
Claim: excess risk O(1/(eta J) + eta J/n) of the last iterate.
Explicit, eta_j <= 2/L: stability 2 (G/n) sum_j eta_j, at every S, not on average alone; generalization error G times
    that. Constant eta <= 1/L: optimization error D^2/(2 eta J). Their sum bounds the excess risk.
Proof. *Stability.* The steps on S and on S with z replaced by z' differ by
    [v - eta grad F_S(v)] - [v' - eta grad F_S(v')] + (eta/n) [g(v'; z') - g(v'; z)]: the first two are at most
    ||v - v'|| apart (non-expansive for eta <= 2/L), the last adds at most 2 eta G/n.
    *Optimization.* Let x = theta*_S. v+ minimises F_S(v) + <grad F_S(v), y - v> + ||y - v||^2/(2 eta) over Theta, a
    (1/eta)-strongly convex function of y that is at least F_S(v+) at v+ for eta <= 1/L, and at most
    F_S(x) + ||x - v||^2/(2 eta) at x. So F_S(v+) - F_S* <= (||x - v||^2 - ||x - v+||^2)/(2 eta), and with y = v,
    F_S(v+) <= F_S(v). Sum over the J steps: J (F_S(v_J) - F_S*) <= D^2/(2 eta).
Reading: the stability is that of SGD with one example a step (Theorem 3.8 of Hardt et al.); what full gradients buy is
    the floor eta G^2/2, and they cost n gradients a step. Amir, Koren and Livni (COLT 2021) show a gap on losses with
    kinks, eta sqrt J, in a dimension that grows like 2^n: no simulation reaches it.
Source: derived here.
"""

from __future__ import annotations

import numpy as np

from riskkit.problem import Constants
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.hardt2016 import convex_distances, largest_convex_step
from riskkit.theory.field.setting import (
    at_full_batch,
    constant_steps,
    gradient_descent,
    of_distances,
    read,
    steps_at_most,
)
from riskkit.theory.hypotheses import convex, finite

TITLE = "full-batch gradient descent"

SOURCE = Source(
    "amir2021never",
    "Amir, Koren, Livni: SGD generalizes better than GD (and regularization doesn't help)",
    """@inproceedings{amir2021never,
  title     = {{SGD} Generalizes Better Than {GD} (And Regularization Doesn't Help)},
  author    = {Amir, Idan and Koren, Tomer and Livni, Roi},
  booktitle = {Conference on Learning Theory},
  year      = {2021},
}
""",
    "the smooth case beside it, derived here",
)


def _smooth_step(constants: Constants) -> float:
    return largest_convex_step(constants) / 2


_STABLE = (
    gradient_descent(TITLE),
    convex(TITLE),
    finite(TITLE, "G", "L"),
    steps_at_most(TITLE, "2/L", largest_convex_step),
)
_DESCENT = (
    gradient_descent(TITLE),
    convex(TITLE),
    finite(TITLE, "L"),
    constant_steps(TITLE),
    steps_at_most(TITLE, "1/L", _smooth_step),
)

STABILITY, GENERALIZATION = (
    of_distances(
        f"gradient descent.{quantity}.last",
        TITLE,
        SOURCE,
        _STABLE,
        lambda at: at_full_batch(convex_distances(at), at),
        r"\delta",
        r"\delta_J = \frac{2G}{n}\sum_{j<J}\eta_j",
        claim=lambda at: at_full_batch(np.cumsum(at.step_sizes), at)[at.steps - 1] / at.n,
        claim_statement=r"\frac{1}{n}\sum_{j<J}\eta_j",
    )
    for quantity in ("stability", "generalization")
)


def _initial(at: At) -> Floats:
    return at_full_batch(at.D2 / (2 * at.step_sizes[0] * at.steps), at)


OPTIMIZATION = Inequality(
    name="gradient descent.optimization.last",
    title=TITLE,
    quantity="optimization",
    output="last",
    source=SOURCE,
    hypotheses=_DESCENT,
    claim=lambda at: 1 / (at.step_sizes[0] * at.steps),
    proved=_initial,
    statement=r"\frac{D^2}{2\eta J}",
    claim_statement=r"\frac{1}{\eta J}",
)

EXCESS = Inequality(
    name="gradient descent.excess.last",
    title=TITLE,
    quantity="excess",
    output="last",
    source=SOURCE,
    hypotheses=(*_DESCENT, finite(TITLE, "G")),
    claim=lambda at: {"initial": 1 / (at.step_sizes[0] * at.steps), "stability": at.step_sizes[0] * at.steps / at.n},
    proved=lambda at: {"initial": _initial(at), "stability": at.constants.G * read(convex_distances(at), at)},
    statement=r"\frac{D^2}{2\eta J} + \frac{2\eta G^2 J}{n}",
    claim_statement=r"\frac{1}{\eta J} + \frac{\eta J}{n}",
)
