r"""Theorems 1 to 6 and Corollary 1 as the supplement prints them, with constants, and the bounds that hold instead.

The numbers are the paper's: the slides' Theorem 1 is the paper's Theorem 3, their 2 its Theorems 1 and 2 and Corollary
1, their 3 its Theorem 4, their 4 its Theorems 5 and 6. Statements are the last lines of the supplement's proofs;
``Source.place`` has the page. Each bound has the form ``published``, evaluated as printed, and the form ``proved``, a
bound on the same quantity, output and schedule whose proof stands in the docstring of the theorem's module or in the
module that is named there. Both are judged on the same cells.

Setting: every l(.; z) G-Lipschitz and L-smooth; indices drawn uniformly with replacement; D^2 = E||theta_0 -
    theta*_S||^2, f_0 = E[F_S(theta_0) - F_S*], l_max = sup l; k inner steps, T rounds, a = alpha, q = (T+1)k + 2.
Step size: one for each theorem, ``first_step``, ``horizon_step``, ``decay_step``, ``divided_step``, ``stages``.
Published, Proved: in the docstrings of ``strongly_convex`` (Theorems 1, 2, Corollary 1), ``convex`` (Theorem 3),
    ``polyak_lojasiewicz`` (Theorem 4) and ``slrla`` (Theorems 5, 6).
Reading: Theorem 3's average, Theorem 4's generalization, Theorems 5's and 6's generalization are false as printed; the
    steps at which their proofs fail are in ``proof_audits``.
Source: Zhou et al., NeurIPS 2021, supplement.
"""

from __future__ import annotations

from types import ModuleType

from riskkit.theory.bound import Inequality
from riskkit.theory.zhou2021.published import convex, polyak_lojasiewicz, slrla, strongly_convex
from riskkit.theory.zhou2021.published.convex import (
    EXCESS_3,
    GENERALIZATION_3,
    GENERALIZATION_LAST_3,
    OPTIMIZATION_3,
    theorem3_fails,
)
from riskkit.theory.zhou2021.published.polyak_lojasiewicz import GENERALIZATION_4, OPTIMIZATION_4
from riskkit.theory.zhou2021.published.setting import TITLES, burn_in, kept_near
from riskkit.theory.zhou2021.published.slrla import (
    GENERALIZATION_5,
    GENERALIZATION_6,
    GENERALIZATION_6_II,
    OPTIMIZATION_5,
    OPTIMIZATION_6,
)
from riskkit.theory.zhou2021.published.steps import decay_step, divided_step, first_step, horizon_step, stages
from riskkit.theory.zhou2021.published.strongly_convex import (
    DISTANCE_1,
    EXCESS_1,
    GENERALIZATION_2,
    OPTIMIZATION_1,
    STABILITY_2,
    _monotone2,  # noqa: F401
)

__all__ = [
    "BOUNDS",
    "DISTANCE_1",
    "EXCESS_1",
    "EXCESS_3",
    "GENERALIZATION_2",
    "GENERALIZATION_3",
    "GENERALIZATION_4",
    "GENERALIZATION_5",
    "GENERALIZATION_6",
    "GENERALIZATION_6_II",
    "GENERALIZATION_LAST_3",
    "OPTIMIZATION_1",
    "OPTIMIZATION_3",
    "OPTIMIZATION_4",
    "OPTIMIZATION_5",
    "OPTIMIZATION_6",
    "PARTS",
    "SLIDES",
    "STABILITY_2",
    "STANDS",
    "TITLES",
    "burn_in",
    "decay_step",
    "divided_step",
    "first_step",
    "horizon_step",
    "kept_near",
    "of_theorem",
    "stages",
    "theorem3_fails",
]

PARTS: tuple[ModuleType, ...] = (strongly_convex, convex, polyak_lojasiewicz, slrla)
"""The theorems' modules in the paper's order; each docstring states and proves."""

BOUNDS: dict[str, Inequality] = {
    bound.name: bound
    for bound in (
        DISTANCE_1,
        OPTIMIZATION_1,
        STABILITY_2,
        GENERALIZATION_2,
        EXCESS_1,
        OPTIMIZATION_3,
        GENERALIZATION_LAST_3,
        GENERALIZATION_3,
        EXCESS_3,
        OPTIMIZATION_4,
        GENERALIZATION_4,
        OPTIMIZATION_5,
        GENERALIZATION_5,
        OPTIMIZATION_6,
        GENERALIZATION_6,
        GENERALIZATION_6_II,
    )
}

SLIDES: dict[str, tuple[str, ...]] = {
    "theorem1": ("theorem3",),
    "theorem2": ("theorem1", "theorem2", "corollary1"),
    "theorem3": ("theorem4",),
    "theorem4": ("theorem5", "theorem6"),
}
"""A slide's theorem -> those of the paper."""


def of_theorem(name: str) -> list[Inequality]:
    """The bounds of ``theorem1`` .. ``theorem6``, ``corollary1`` (the paper's numbers)."""
    return [bound for key, bound in BOUNDS.items() if key.startswith(f"paper.{name}.")]


STANDS: dict[str, str] = {
    "theorem1": "the bound as printed. r_T of the slides' Theorem 2, with lam L/(lam+L) for lam, is smaller.",
    "theorem2": "for L/lam up to 10 the bound as printed, which a re-derived one implies on the whole grid searched; "
    "above, the re-derived one, which is proved for every step size.",
    "corollary1": "the sum with 16 G^2, as for Theorems 1 and 2.",
    "theorem3": "the optimization bound and the last iterate's generalization bound as printed; for the average "
    "(eta G^2/n)(alpha k (T-1) + k - 1).",
    "theorem4": "the optimization bound is replaced by f_T, which is proved and decays for every alpha; the "
    "generalization bound by the burn-in bound, on both steps, which is often vacuous.",
    "theorem5": "the optimization bound and the count up to a constant (G + beta diam for G); for the generalization "
    "G delta_S, which does not fall to 0 with alpha.",
    "theorem6": "as for Theorem 5; where losses are not convex the re-derived stability is mostly vacuous.",
}
"""What is left of each theorem."""
