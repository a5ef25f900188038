r"""SGD and gradient descent under a Polyak-Lojasiewicz inequality: linear to a floor, 1/J, or linear to the minimum.

Setting: F_S mu-PL and L-smooth where the iterates are, without projection; E||g_j||^2 <= G^2; indices with replacement.
    f_0 = E[F_S(theta_0) - F_S*].
Claim: optimization error of the last iterate O(exp(-2 mu eta J) + L eta/mu) for a constant eta; O(L/(mu^2 J)) for
    eta_j = 1/(mu (j + j0)); with full batches O((1 - mu/L)^J).
Explicit: e_J, where e_0 = f_0 and e_{j+1} = (1 - 2 mu eta_j)_+ e_j + L eta_j^2 G^2/2. For a constant eta with
    2 mu eta <= 1 it is at most (1 - 2 mu eta)^J f_0 + L G^2 eta/(4 mu). Full batches, eta_j <= 1/L:
    f_0 prod_j (1 - mu eta_j).
Proof. F_S(v+) <= F_S(v) - eta <grad F_S(v), g> + L eta^2 ||g||^2/2; take expectations, then
    ||grad F_S||^2 >= 2 mu (F_S - F_S*). A factor below 0 only adds what is negative to what is bounded by 0. With
    g = grad F_S the last two terms are -eta (1 - L eta/2) ||grad F_S||^2 <= -(eta/2) ||grad F_S||^2 <=
    -mu eta (F_S - F_S*). The floor is (L eta^2 G^2/2) sum_i (1 - 2 mu eta)^i <= L eta G^2/(4 mu).
Reading: no convexity, and the last iterate without a logarithm: smoothness pays for it. G^2 bounds the noise and the
    gradient together, so that the floor is loose where the noise alone is small.
Source: Karimi, Nutini, Schmidt, ECML 2016 (Theorems 1 and 4; re-proved).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskkit.algorithms.steps import InverseTime
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import (
    at_full_batch,
    constant_steps,
    gradient_descent,
    read,
    sgd,
    steps_at_most,
)
from riskkit.theory.hypotheses import Hypothesis, finite, polyak_lojasiewicz
from riskkit.theory.recursion import scan

TITLE = "the linear convergence of Karimi et al."

SOURCE = Source(
    "karimi2016linear",
    "Karimi, Nutini, Schmidt: Linear convergence of gradient and proximal-gradient methods",
    """@inproceedings{karimi2016linear,
  title     = {Linear Convergence of Gradient and Proximal-Gradient Methods Under the {Polyak-{\\L}ojasiewicz}
               Condition},
  author    = {Karimi, Hamed and Nutini, Julie and Schmidt, Mark},
  booktitle = {European Conference on Machine Learning and Knowledge Discovery in Databases},
  year      = {2016},
}
""",
    "Theorems 1 and 4, re-proved",
)


def _unprojected(title: str) -> Hypothesis:
    def ask(problem: Problem, algorithm: Any) -> str | None:
        if problem.radius is None:
            return None
        return f"{title} is about steps without projection; {problem.name} lives in a ball."

    return ask


def _pl(title: str) -> tuple[Hypothesis, ...]:
    return polyak_lojasiewicz(title), _unprojected(title), finite(title, "L")


def errors(at: At) -> Floats:
    """e_J, J = 0 .. ."""
    c, eta = at.constants, at.step_sizes
    factors = np.maximum(1 - 2 * c.mu * eta, 0.0)
    shrunk, added = scan(factors, c.L * eta**2 * c.G**2 / 2)
    return np.concatenate([[at.f0], shrunk * at.f0 + added])


def _mu_steps(problem: Problem, algorithm: Any) -> str | None:
    step = algorithm.stages[0].step
    if isinstance(step, InverseTime):
        return None
    return f"{DECREASING_TITLE} is about the step 1/(lam (j + j0)); got {type(step).__name__}."


def _inverse_smoothness(constants: Constants) -> float:
    return 1 / constants.L


CONSTANT = Inequality(
    name="karimi2016.constant step.optimization.last",
    title=TITLE,
    quantity="optimization",
    output="last",
    source=SOURCE,
    hypotheses=(sgd(TITLE), *_pl(TITLE), finite(TITLE, "G"), constant_steps(TITLE)),
    claim=lambda at: {
        "initial": np.exp(-2 * at.constants.mu * at.step_sizes[0] * at.steps),
        "floor": np.full(at.rounds.shape, at.constants.L * at.step_sizes[0] / at.constants.mu),
    },
    proved=lambda at: read(errors(at), at),
    statement=r"e_J,\quad e_{j+1} = (1-2\mu\eta)e_j + \frac{L\eta^2G^2}{2},\quad e_0 = f_0",
    claim_statement=r"e^{-2\mu\eta J} + \frac{L\eta}{\mu}",
)

DECREASING_TITLE = f"{TITLE}, decreasing steps"

DECREASING = Inequality(
    name="karimi2016.decreasing step.optimization.last",
    title=DECREASING_TITLE,
    quantity="optimization",
    output="last",
    source=SOURCE,
    hypotheses=(sgd(DECREASING_TITLE), *_pl(DECREASING_TITLE), finite(DECREASING_TITLE, "G"), _mu_steps),
    claim=lambda at: at.constants.L / (at.constants.mu**2 * at.steps.astype(np.float64)),
    proved=lambda at: read(errors(at), at),
    statement=r"e_J,\quad e_{j+1} = (1-2\mu\eta_j)_+\,e_j + \frac{L\eta_j^2G^2}{2},\quad e_0 = f_0",
    claim_statement=r"\frac{L}{\mu^2 J}",
)

FULL_TITLE = f"{TITLE}, full batches"

FULL = Inequality(
    name="karimi2016.full batch.optimization.last",
    title=FULL_TITLE,
    quantity="optimization",
    output="last",
    source=SOURCE,
    hypotheses=(
        gradient_descent(FULL_TITLE),
        *_pl(FULL_TITLE),
        steps_at_most(FULL_TITLE, "1/L", _inverse_smoothness),
    ),
    proved=lambda at: at_full_batch(
        at.f0 * read(np.concatenate([[1.0], np.cumprod(1 - at.constants.mu * at.step_sizes)]), at), at
    ),
    statement=r"f_0 \prod_{j<J} (1-\mu\eta_j)",
)
