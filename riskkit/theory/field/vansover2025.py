r"""Several passes on nonsmooth convex losses: the excess risk, whatever the number of passes.

Setting: every l(.; z) convex and G-Lipschitz on Theta (R^d or a ball); constant step; one example a step, drawn with
    replacement or reshuffled; J gradients.
Claim: population excess O(1/(eta J) + eta sqrt J + eta J/n) of the average. The source shows that from the second pass
    on some loss attains it.
Explicit: D^2/(2 eta J) + eta G^2/2 + G r, with r the mean of r_0 .. r_{J-1} of Bassily et al. (``bassily2020``); after
    whole reshuffled passes + 2 eta G^2 c (``koren2022``) too, and the r of permutations. Both bound the excess risk
    F - F_S*, and with it the population excess, since E F_S* <= F*.
Proof. F - F_S* = (F_S - F_S*) + (F - F_S). The first is at most D^2/(2 eta J) + eta G^2/2 on average with
    replacement: E||v+ - x||^2 <= ||v - x||^2 - 2 eta (F_S(v) - F_S(x)) + eta^2 G^2 for x = theta*_S, summed over
    j < J; convexity. With permutations it is the bound of Koren et al. The second is at most G times the stability.
Reading: eta sqrt J does not fall with n, so that one pass with eta = 1/sqrt n is the best there is without smoothness,
    up to constants. In fixed dimension no run comes near that term.
Source: Vansover-Hager, Koren, Livni, 2025 (the order); explicit form derived here.
"""

from __future__ import annotations

import numpy as np

from riskkit.algorithms.staged import Sampling
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field import bassily2020, koren2022
from riskkit.theory.field.setting import averaged, constant_steps, read, sgd
from riskkit.theory.hypotheses import Hypothesis, convex, finite

TITLE = "the several passes of Vansover-Hager et al."

SOURCE = Source(
    "vansover2025rapid",
    "Vansover-Hager, Koren, Livni: Rapid overfitting of multi-pass stochastic gradient descent",
    """@article{vansover2025rapid,
  title  = {Rapid Overfitting of Multi-Pass Stochastic Gradient Descent in Stochastic Convex Optimization},
  author = {Vansover-Hager, Shira and Koren, Tomer and Livni, Roi},
  year   = {2025},
}
""",
    "the order; constants derived here",
)


def _hypotheses(title: str, sampling: Sampling) -> tuple[Hypothesis, ...]:
    return sgd(title, sampling), convex(title), finite(title, "G"), constant_steps(title)


def _claim(at: At) -> dict[str, Floats]:
    eta, J = at.step_sizes[0], at.steps.astype(np.float64)
    return {"initial": 1 / (eta * J), "nonsmooth": eta * np.sqrt(J), "sampling": eta * J / at.n}


def _with(at: At) -> dict[str, Floats]:
    eta, G, J = at.step_sizes[0], at.constants.G, at.steps.astype(np.float64)
    return {
        "initial": at.D2 / (2 * eta * J),
        "floor": np.full_like(J, eta * G**2 / 2),
        "stability": G * read(averaged(bassily2020.distances(at)), at),
    }


def _permuted(at: At) -> dict[str, Floats]:
    terms = koren2022.OPTIMIZATION.evaluate("proved", at)
    assert isinstance(terms, dict)
    return {**terms, "stability": at.constants.G * read(averaged(bassily2020.permuted_distances(at)), at)}


EXCESS = Inequality(
    name="vansover2025.population excess.average",
    title=TITLE,
    quantity="population_excess",
    output="average",
    source=SOURCE,
    hypotheses=_hypotheses(TITLE, "with replacement"),
    claim=_claim,
    proved=_with,
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + \frac{G}{J}\sum_{j<J} r_j",
    claim_statement=r"\frac{1}{\eta J} + \eta\sqrt{J} + \frac{\eta J}{n}",
)

PERMUTED_TITLE = f"{TITLE}, reshuffled"

PERMUTED_EXCESS = Inequality(
    name="vansover2025.permuted.population excess.average",
    title=PERMUTED_TITLE,
    quantity="population_excess",
    output="average",
    source=SOURCE,
    hypotheses=_hypotheses(PERMUTED_TITLE, "without replacement"),
    claim=_claim,
    proved=_permuted,
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + 2\eta G^2 c + \frac{G}{J}\sum_{j<J} r_j",
    claim_statement=r"\frac{1}{\eta J} + \eta\sqrt{J} + \frac{\eta J}{n}",
    scope="after whole passes",
)
