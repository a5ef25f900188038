r"""Stability of SGD on smooth losses: the root of the field's generalization bounds.

Setting: SGD on n examples drawn from D, one a step, with replacement; every l(.; z) is L-smooth and G-Lipschitz on
    Theta, which is R^d or a ball.
Claim: generalization error O(sum_j eta_j / n) (convex); O(1/(lam n)) (strongly convex); O(J^{Lc/(Lc+1)} / n) for
    eta_j <= c/(j+1) (nonconvex).
Published: convex, eta_j <= 2/L: (2 G^2/n) sum_j eta_j. Nonconvex, l in [0, 1]:
    ((1 + 1/(Lc)) / (n-1)) (2 c G^2)^{1/(Lc+1)} J^{Lc/(Lc+1)}. Several passes, eta = (D/G) sqrt(n / (J (n + 2J))):
    E F(average) <= E F_S* + (D G/sqrt n) sqrt((n + 2J)/J).
Explicit: with a_j = 1, 1 - eta_j lam or 1 + eta_j L (convex; every l(.; z) lam-strongly convex; neither),
    delta_{j+1} = a_j delta_j + 2 eta_j G / n,   delta_0 = 0,
    bounds the stability of v_j; G times it the generalization error; the means of both those of the average.
Proof. Run on S and on S with one example replaced, with the same indices. On a common example a step changes the
    distance by a factor of at most a_j: non-expansive for eta <= 2/L if convex, a contraction by 1 - eta lam for
    eta <= 2/(L + lam) if strongly convex, 1 + eta L always. On the replaced one,
    v - eta g(v; z) - v' + eta g(v'; z') = [v - eta g(v; z) - v' + eta g(v'; z)] + eta [g(v'; z') - g(v'; z)], whose
    first bracket is as before and whose second adds at most 2 eta G; it is met with probability 1/n, whatever the
    distance. Projection is non-expansive.
    *Nonconvex.* The runs agree up to the first time that the replaced example is met. It is met before step j_0 with
    probability at most j_0/n, and then |l - l'| <= M. Else delta starts from 0 at j_0. So for every j_0
    E |l(v_J; z) - l(v'_J; z)| <= M j_0/n + G delta_J^{(j_0)};
    ``proved`` takes the best j_0. The printed form, for l in [0, 1], is scaled here to the range M: it is M times the
    printed one of l/M, whose constants are G/M, L/M and step c M.
    *Several passes.* D^2/(2 eta J) + eta G^2/2 bounds the optimization error of the average (Theorem 1 of Zhou et al.
    at alpha = 1), (eta G^2/n)(J - 1) its generalization error, and their sum the excess risk. The printed step makes
    the sum least, with J for J - 1.
Reading: the best constant step depends on J/n. At J = n it is half of what one pass alone would ask for.
Source: Hardt, Recht, Singer, ICML 2016: Theorems 3.8, 3.9 (strongly convex, re-proved), 3.12 and Proposition 5.4 of
    the arXiv version.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from riskkit.algorithms import traits
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats, Inequality, Source
from riskkit.theory.field.setting import constant_steps, linear, of_distances, read, sgd, steps_at_most
from riskkit.theory.hypotheses import convex, finite, strongly_convex_examples

BIBTEX = """@inproceedings{hardt2016train,
  title     = {Train Faster, Generalize Better: Stability of Stochastic Gradient Descent},
  author    = {Hardt, Moritz and Recht, Benjamin and Singer, Yoram},
  booktitle = {International Conference on Machine Learning},
  year      = {2016},
}
"""


def source(place: str) -> Source:
    return Source("hardt2016train", "Hardt, Recht, Singer: Train faster, generalize better", BIBTEX, place)


def largest_convex_step(constants: Constants) -> float:
    """2/L, inf for a linear loss."""
    return 2 / constants.L if constants.L > 0 else math.inf


def largest_contracting_step(constants: Constants) -> float:
    """2/(L + lam) with the lam of every example."""
    return 2 / (constants.L + constants.lam_example)


def distances(at: At, factors: Floats) -> Floats:
    """The bound on E ||v_J - v'_J||, J = 0 .. , for the factors a_j."""
    return linear(factors, 2 * at.step_sizes * at.constants.G / at.n)


def convex_distances(at: At) -> Floats:
    return distances(at, np.ones_like(at.step_sizes))


def contracting_distances(at: At) -> Floats:
    return distances(at, 1 - at.step_sizes * at.constants.lam_example)


CONVEX_TITLE = "Theorem 3.8 of Hardt et al."
_CONVEX = (
    sgd(CONVEX_TITLE),
    convex(CONVEX_TITLE),
    finite(CONVEX_TITLE, "G", "L"),
    steps_at_most(CONVEX_TITLE, "2/L", largest_convex_step),
)


def _sum_of_steps(at: At) -> Floats:
    return read(np.concatenate([[0.0], np.cumsum(at.step_sizes)]), at)


CONVEX_STABILITY = Inequality(
    name="hardt2016.convex.stability.last",
    title=CONVEX_TITLE,
    quantity="stability",
    output="last",
    source=source("Theorem 3.8"),
    hypotheses=_CONVEX,
    claim=lambda at: _sum_of_steps(at) / at.n,
    proved=lambda at: read(convex_distances(at), at),
    statement=r"\frac{2G}{n}\sum_{j<J}\eta_j",
    claim_statement=r"\frac{1}{n}\sum_{j<J}\eta_j",
)

CONVEX_GENERALIZATION = Inequality(
    name="hardt2016.convex.generalization.last",
    title=CONVEX_TITLE,
    quantity="generalization",
    output="last",
    source=source("Theorem 3.8"),
    hypotheses=_CONVEX,
    claim=lambda at: _sum_of_steps(at) / at.n,
    published=lambda at: at.constants.G * read(convex_distances(at), at),
    published_statement=r"\frac{2G^2}{n}\sum_{j<J}\eta_j",
    claim_statement=r"\frac{1}{n}\sum_{j<J}\eta_j",
)

STRONGLY_CONVEX_TITLE = "Theorem 3.9 of Hardt et al."
_STRONGLY_CONVEX = (
    sgd(STRONGLY_CONVEX_TITLE),
    convex(STRONGLY_CONVEX_TITLE),
    strongly_convex_examples(STRONGLY_CONVEX_TITLE),
    finite(STRONGLY_CONVEX_TITLE, "G", "L"),
    steps_at_most(STRONGLY_CONVEX_TITLE, "2/(L + lam)", largest_contracting_step),
)

_CONTRACTION = r"\delta_{j+1} = (1-\eta_j\lambda)\delta_j + \frac{2\eta_j G}{n}"

STRONGLY_CONVEX_STABILITY, STRONGLY_CONVEX_GENERALIZATION = (
    of_distances(
        f"hardt2016.strongly convex.{quantity}.last",
        STRONGLY_CONVEX_TITLE,
        source("Theorem 3.9, re-proved"),
        _STRONGLY_CONVEX,
        contracting_distances,
        r"\delta",
        _CONTRACTION,
        claim=lambda at: np.full(at.rounds.shape, 1 / (at.constants.lam_example * at.n)),
        claim_statement=r"\frac{1}{\lambda n}",
    )
    for quantity in ("stability", "generalization")
)

NONCONVEX_TITLE = "Theorem 3.12 of Hardt et al."


def _bounded_loss(problem: Problem, algorithm: Any) -> str | None:
    if math.isfinite(problem.constants.M):
        return None
    return f"{NONCONVEX_TITLE} needs a loss of finite range M; {problem.name} has none. Restrict Theta to a ball."


def _decreasing(problem: Problem, algorithm: Any) -> str | None:
    sizes = traits.step_sizes(algorithm)
    if (np.diff(sizes) <= sizes[:-1] * 1e-12).all():
        return None
    return f"{NONCONVEX_TITLE} needs step sizes that do not grow."


def step_constant(at: At) -> Floats:
    """c, the least with eta_j <= c/(j + 1) up to each checkpoint, (K,)."""
    sizes = at.step_sizes
    return read(np.concatenate([[0.0], np.maximum.accumulate(sizes * (np.arange(sizes.size) + 1))]), at)


def nonconvex_published(at: At) -> Floats:
    """Theorem 3.12 for losses of range M, nan for n = 1."""
    L, G, M, c = at.constants.L, at.constants.G, at.constants.M, step_constant(at)
    if at.n == 1:
        return np.full(at.rounds.shape, np.nan)
    power = 1 / (L * c + 1)
    return M * (1 + 1 / (L * c)) / (at.n - 1) * (2 * c * G**2 / M) ** power * at.steps ** (L * c * power)


def nonconvex_proved(at: At) -> Floats:
    """The least over j_0 of M j_0/n + G delta_J^{(j_0)}, at each checkpoint."""
    sizes, n = at.step_sizes, at.n
    factors = (1 - 1 / n) * (1 + sizes * at.constants.L) + 1 / n
    additions = 2 * sizes * at.constants.G / n
    found = np.empty(at.rounds.shape)
    for index, J in enumerate(at.steps):
        later = np.concatenate([np.cumprod(factors[1:J][::-1])[::-1], [1.0]]) if J > 1 else np.ones(J)
        tails = np.concatenate([np.cumsum((additions[:J] * later)[::-1])[::-1], [0.0]])
        found[index] = np.min(at.constants.M * np.arange(J + 1) / n + at.constants.G * tails)
    return found


NONCONVEX_GENERALIZATION = Inequality(
    name="hardt2016.nonconvex.generalization.last",
    title=NONCONVEX_TITLE,
    quantity="generalization",
    output="last",
    source=source("Theorem 3.12"),
    hypotheses=(sgd(NONCONVEX_TITLE), finite(NONCONVEX_TITLE, "G", "L"), _bounded_loss, _decreasing),
    claim=lambda at: at.steps ** (at.constants.L * step_constant(at) / (at.constants.L * step_constant(at) + 1)) / at.n,
    published=nonconvex_published,
    proved=nonconvex_proved,
    published_statement=r"\frac{M(1+1/(Lc))}{n-1}\left(\frac{2cG^2}{M}\right)^{1/(Lc+1)} J^{Lc/(Lc+1)}",
    statement=r"\min_{j_0}\ \frac{M j_0}{n} + G\,\delta_J^{(j_0)}",
    claim_statement=r"\frac{1}{n} J^{Lc/(Lc+1)}",
)


def expanding_distances(at: At) -> Floats:
    """The bound on E ||v_J - v'_J|| without convexity: a_j = 1 + eta_j L."""
    return distances(at, 1 + at.step_sizes * at.constants.L)


NONCONVEX_STABILITY = of_distances(
    "hardt2016.nonconvex.stability.last",
    NONCONVEX_TITLE,
    source("proof of Theorem 3.12"),
    (sgd(NONCONVEX_TITLE), finite(NONCONVEX_TITLE, "G", "L")),
    expanding_distances,
    r"\delta",
    r"\delta_{j+1} = (1+\eta_j L)\delta_j + \frac{2\eta_j G}{n}",
)

MULTIPASS_TITLE = "Proposition 5.4 of Hardt et al."


def reach(problem: Problem) -> float:
    """D, the largest distance of a point of Theta from theta_0; inf for R^d."""
    if problem.radius is None:
        return math.inf
    return problem.radius + float(np.linalg.norm(np.asarray(problem.start, dtype=np.float64)))


def multipass_step(problem: Problem, n: int, J: int) -> float:
    """The step size of Proposition 5.4 for J gradients on n examples. Raises ValueError without a finite D and G."""
    D, G = reach(problem), problem.constants.G
    if not (math.isfinite(D) and math.isfinite(G)):
        raise ValueError(f"{MULTIPASS_TITLE} needs Theta in a ball and a finite G; {problem.name} has not both.")
    return D / G * math.sqrt(n / (J * (n + 2 * J)))


def _in_a_ball(problem: Problem, algorithm: Any) -> str | None:
    if math.isfinite(reach(problem)):
        return None
    return f"{MULTIPASS_TITLE} needs Theta in a ball; {problem.name} has none."


def _multipass_published(at: At) -> Floats:
    """D^2/(2 eta J) + eta G^2/2 + eta G^2 J/n, which the printed step makes least: (D G/sqrt n) sqrt((n + 2J)/J)."""
    J, D, eta = at.steps.astype(np.float64), reach(at.problem), at.step_sizes[0]
    return D**2 / (2 * eta * J) + eta * at.constants.G**2 * (0.5 + J / at.n)


def _multipass_proved(at: At) -> dict[str, Floats]:
    J, eta, G = at.steps.astype(np.float64), at.step_sizes[0], at.constants.G
    return {
        "initial": at.D2 / (2 * eta * J),
        "floor": np.full_like(J, eta * G**2 / 2),
        "stability": eta * G**2 * (J - 1) / at.n,
    }


MULTIPASS_EXCESS = Inequality(
    name="hardt2016.multipass.excess.average",
    title=MULTIPASS_TITLE,
    quantity="excess",
    output="average",
    source=source("Proposition 5.4"),
    hypotheses=(
        sgd(MULTIPASS_TITLE),
        convex(MULTIPASS_TITLE),
        finite(MULTIPASS_TITLE, "G", "L"),
        constant_steps(MULTIPASS_TITLE),
        steps_at_most(MULTIPASS_TITLE, "2/L", largest_convex_step),
        _in_a_ball,
    ),
    claim=lambda at: np.sqrt((at.n + 2 * at.steps) / (at.n * at.steps)),
    published=_multipass_published,
    proved=_multipass_proved,
    published_statement=r"\frac{D^2}{2\eta J} + \eta G^2\left(\frac{1}{2} + \frac{J}{n}\right)",
    statement=r"\frac{D^2}{2\eta J} + \frac{\eta G^2}{2} + \frac{\eta G^2 (J-1)}{n}",
    claim_statement=r"\sqrt{\frac{n+2J}{nJ}}",
)

__all__ = [
    "CONVEX_GENERALIZATION",
    "CONVEX_STABILITY",
    "MULTIPASS_EXCESS",
    "NONCONVEX_GENERALIZATION",
    "NONCONVEX_STABILITY",
    "STRONGLY_CONVEX_GENERALIZATION",
    "STRONGLY_CONVEX_STABILITY",
    "multipass_step",
    "reach",
]
