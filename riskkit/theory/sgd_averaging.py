"""The weighted average of SGD: as good an order as Theorem 4 claims for SLRLA, from averaging alone.

Setting: F_S lam-strongly convex, E||g_j||^2 <= G^2, indices with replacement, alpha = 1, no stages.
Step size: eta_j = 2 / (lam (j + j0)), weights w_j = j + j0. A step with a smaller lam than the problem's is covered,
    lam being then the step's: strong convexity with a constant implies it with a smaller one.
Claim: none in the slides.
Explicit: with W = sum_{j<J} w_j = J (j0 + (J-1)/2),
    E F_S(average_J) - F_S* <= (max(0, lam j0 (j0-2) / 4) D^2 + J G^2 / lam) / W.
Proof. E||v+ - x||^2 <= ||v - x||^2 - 2 eta <grad F_S(v), v - x> + eta^2 G^2 and strong convexity give, with
    r = E||v - x||^2,
    E f(v_j) - f* <= (1/(2 eta_j) - lam/2) r_j - r_{j+1} / (2 eta_j) + eta_j G^2 / 2.
    Times w_j the last term is G^2 / lam, and r_j stands with (lam/4) (j+j0) (j+j0-2), less (lam/4) (j+j0-1)^2 from the
    step before for j >= 1: the difference is -lam/4 < 0. At j = 0 it is lam j0 (j0-2) / 4. The average is under the
    mean by convexity.
Reading: 2 G^2 / (lam eps) gradients reach eps, in leading order; the explicit schedule of SLRLA takes
    16 G^2 / (lam alpha eps), and the claim is 1 / (lam alpha eps).
Source: Lacoste-Julien, Schmidt, Bach, 2012, with j0 for 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.steps import InverseTime
from riskkit.algorithms.weighted_average import WeightedSGD
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Count, Floats, Inequality, Source


def excluded(problem: Problem, algorithm: Any) -> str | None:
    """Why ``optimization`` proves nothing about the run, or None."""
    if not isinstance(algorithm, WeightedSGD):
        return f"nothing is proved here about {algorithm.name}"
    lam, step = problem.constants.lam, algorithm.step_sizes
    if not lam > 0:
        return (
            f"The weighted average needs strong convexity; {problem.name} is {problem.regime}. Use Theorem 3 (paper: "
            "Theorem 4)."
        )
    if not math.isfinite(problem.constants.G):
        return f"The weighted average needs a finite gradient bound; {problem.name} has none. Restrict Theta to a ball."
    if not step.lam <= lam / 2 * (1 + 1e-12):
        return (
            f"The weighted average needs the step 2/(lam (j + j0)) with lam <= {lam:.4g}, InverseTime({lam / 2:g}) or "
            f"longer; got {step!r}."
        )
    most = getattr(problem, "largest_step", math.inf)
    eta = 1 / (step.lam * step.offset)
    if eta > most * (1 + 4 * np.finfo(float).eps):
        return (
            f"The weighted average needs step sizes <= {most:.4g} on {problem.name}, for which its constants hold; "
            f"got {eta:.4g}. Take a larger offset."
        )
    if algorithm.radius != problem.radius:
        return f"The weighted average needs the radius of {problem.name}, {problem.radius}; got {algorithm.radius}."
    return None


def optimization(constants: Constants, step: InverseTime, gradients: npt.ArrayLike, D2: float) -> Floats:
    """The bound after J >= 1 gradients, of any shape. ``D2``: E||theta_0 - theta*_S||^2."""
    J, j0 = np.asarray(gradients, dtype=np.float64), step.offset
    lam, G = 2 * step.lam, constants.G
    return (max(0.0, lam * j0 * (j0 - 2) / 4) * D2 + J * G**2 / lam) / (J * (j0 + (J - 1) / 2))


def gradients(constants: Constants, step: InverseTime, eps: npt.ArrayLike, D2: float) -> Floats:
    """The least J at which the bound is at most eps: the root of eps J^2/2 + (eps (j0 - 1/2) - G^2/lam) J - A = 0."""
    target, j0 = np.asarray(eps, dtype=np.float64), step.offset
    lam, G = 2 * step.lam, constants.G
    A = max(0.0, lam * j0 * (j0 - 2) / 4) * D2
    b = target * (j0 - 0.5) - G**2 / lam
    root = (-b + np.sqrt(b * b + 2 * target * A)) / target
    return np.maximum(np.ceil(root * (1 - 1e-12)), 1.0)


SOURCE = Source(
    key="lacostejulien2012simpler",
    text="Lacoste-Julien, Schmidt, Bach: A simpler approach to obtaining an O(1/t) convergence rate",
    bibtex="""@article{lacostejulien2012simpler,
  title   = {A Simpler Approach to Obtaining an {O(1/t)} Convergence Rate for the Projected Stochastic Subgradient
             Method},
  author  = {Lacoste-Julien, Simon and Schmidt, Mark and Bach, Francis},
  journal = {arXiv preprint arXiv:1212.2002},
  year    = {2012},
}
""",
)

OPTIMIZATION = Inequality(
    name="weighted average.optimization.average",
    title="the weighted average",
    quantity="optimization",
    output="average",
    source=SOURCE,
    hypotheses=(excluded,),
    proved=lambda at: optimization(at.constants, at.algorithm.step_sizes, at.rounds, at.D2),
    statement=r"\frac{\max(0, \lambda j_0(j_0-2)/4) D^2 + JG^2/\lambda}{J(j_0 + (J-1)/2)}",
)


def _claim(at: At, targets: Floats) -> Floats:
    return np.full(len(targets), math.nan)


def _proved(at: At, targets: Floats) -> Floats:
    return gradients(at.constants, at.algorithm.step_sizes, targets, at.D2)


GRADIENTS = Count("weighted average.count", "the weighted average", SOURCE, (excluded,), _claim, _proved, ("average",))
