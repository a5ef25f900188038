"""How Zhou et al. (2021) state a bound: two formulas of n, T, k and alpha, on grids of them."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import Output
from riskkit.algorithms.steps import Step
from riskkit.problem import Constants, Problem
from riskkit.theory.bound import At, Floats, Form, Quantity, Source
from riskkit.theory.hypotheses import Hypothesis, staged, within_reach

PAPER = Source(
    key="zhou2021lookahead",
    text="Zhou, Yan, Yuan, Feng, Yan: Towards understanding why Lookahead generalizes better than SGD and beyond",
    bibtex="""@inproceedings{zhou2021lookahead,
  title     = {Towards Understanding Why Lookahead Generalizes Better Than {SGD} and Beyond},
  author    = {Zhou, Pan and Yan, Hanshu and Yuan, Xiaotong and Feng, Jiashi and Yan, Shuicheng},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  year      = {2021},
}
""",
)


NUMBERS = (
    "the slides' Theorem 1 is the paper's Theorem 3, their 2 its Theorems 1 and 2 and Corollary 1, their 3 its "
    "Theorem 4, their 4 its Theorems 5 and 6"
)
"""The two numberings, for a reader of either."""


class Grid(NamedTuple):
    """A setting's arrays as floats, broadcast against each other."""

    n: Floats
    T: Floats
    k: Floats
    alpha: Floats
    D2: Floats
    f0: Floats
    g2: Floats
    path_moment: Floats


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where a bound is evaluated. ``n, T, k, alpha`` and the measured inputs broadcast against each other.

    Attributes:
        constants: of the problem; they hold for every dataset.
        step: the schedule; one for the whole grid (it may depend on T and k).
        n, T, k, alpha: the grid; T counts rounds.
        D2: E ||theta_0 - theta*_S||^2.
        f0: E [F_S(theta_0) - F_S*].
        g2: E ||grad F_S(theta*_S)||^2; zero iff the minimiser is stationary, as every interior one is.
        path_moment: mean over the run's gradients of E ||g_j||^2; stands for G^2 where a proof needs no more than that,
            and need not be known.
    """

    constants: Constants
    step: Step
    n: npt.ArrayLike
    T: npt.ArrayLike
    k: npt.ArrayLike
    alpha: npt.ArrayLike
    D2: npt.ArrayLike = np.nan
    f0: npt.ArrayLike = np.nan
    g2: npt.ArrayLike = 0.0
    path_moment: npt.ArrayLike = np.nan

    @functools.cached_property
    def grid(self) -> Grid:
        """Every formula's first step. Raises ValueError, in one line, for n, T, k, alpha that no run has."""
        given = [np.asarray(getattr(self, name), dtype=np.float64) for name in Grid._fields]
        for name, values in zip(("n", "T", "k"), given, strict=False):
            if not (_counts(values) if values.ndim else _counts(float(values))):
                raise ValueError(f"Setting: {name} must hold whole numbers >= 1; got {getattr(self, name)!r}.")
        alpha = given[Grid._fields.index("alpha")]
        if not np.all((alpha > 0) & (alpha <= 1)):
            raise ValueError(f"Setting: alpha must lie in (0, 1]; got {self.alpha!r}.")
        shape = np.broadcast(*given).shape
        return Grid(*(values if values.shape == shape else _everywhere(values, shape) for values in given))


def _counts(values: Floats | float) -> bool:
    """Whether all are whole numbers >= 1."""
    if isinstance(values, float):
        return values >= 1 and values.is_integer()
    return bool(np.all((values >= 1) & (values == np.floor(values)) & np.isfinite(values)))


def _everywhere(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Broadcast to the shape; a single number by hand, which takes a tenth of the time."""
    if values.ndim:
        return np.broadcast_to(values, shape)
    return np.ndarray(shape, values.dtype, values, strides=(0,) * len(shape))


@dataclasses.dataclass(frozen=True)
class StagedInequality:
    """A ``Bound`` on one stage of lookahead, put together from functions of a ``Setting``.

    ``claimed`` and ``explicit_terms`` answer ``claim`` and ``explicit``; ``hypotheses`` are asked in order, after the
    ones that all theorems share.
    """

    name: str
    title: str
    quantity: Quantity
    output: Output
    statement: str
    claim_statement: str
    hypotheses: tuple[Hypothesis, ...]
    claimed: Callable[[Setting], NamedTuple]
    explicit_terms: Callable[[Setting], NamedTuple] | None
    source: Source = PAPER

    @property
    def forms(self) -> tuple[Form, ...]:
        return ("claim",) if self.explicit_terms is None else ("claim", "proved")

    def excludes(self, problem: Problem, algorithm: Any) -> str | None:
        if reason := staged(self.title, problem, algorithm):
            return reason
        return next((reason for ask in self.hypotheses if (reason := ask(problem, algorithm)) is not None), None)

    def evaluate(self, form: Form, at: At) -> NamedTuple:
        return (self.claim if form == "claim" else self.explicit)(setting_of(at))

    def least(self, form: Form, at: At, coordinate: str) -> float:
        """The alpha at which a form is least, at one checkpoint; nan where that is not known."""
        if coordinate != "alpha" or form not in self.forms:
            return math.nan
        setting = dataclasses.replace(setting_of(at), path_moment=math.nan)

        def total(alpha: Floats) -> Floats:
            there = dataclasses.replace(setting, alpha=alpha)
            return np.sum(self.claim(there) if form == "claim" else self.explicit(there), axis=0)

        return math.nan if np.isnan(total(np.array([0.5]))).any() else minimise_over_alpha(total)

    def claim(self, setting: Setting) -> NamedTuple:
        """The slide's expression: named terms, each of the broadcast shape; nan for a step it is not stated for."""
        return self.claimed(setting)

    def explicit(self, setting: Setting) -> NamedTuple:
        """The proved bound: named terms, each of the broadcast shape; nan throughout where none is proved."""
        return not_proved(setting) if self.explicit_terms is None else self.explicit_terms(setting)


def trivial(quantity: Quantity, setting: Setting, diameter: float = math.inf) -> Floats:
    """What is true of every run, without any theorem: the range M of the loss for risks, the diameter of Theta (or of
    the set that the iterates reach) for the stability, and its square for the squared distance."""
    known = {"stability": diameter, "distance": diameter**2}.get(quantity, setting.constants.M)
    return np.full(setting.grid.n.shape, known)


def setting_of(at: At) -> Setting:
    """The setting of one stage of lookahead at its checkpoints. Where the steps leave the set on which the problem's
    constants hold, the gradients have no bound G; a measured path moment is what it is."""
    (stage,) = at.algorithm.stages
    constants = at.constants
    if within_reach("")(at.problem, at.algorithm) is not None:
        constants = dataclasses.replace(constants, G=math.inf)
    return Setting(
        constants=constants,
        step=stage.step,
        n=at.n,
        T=at.rounds,
        k=stage.k,
        alpha=stage.alpha,
        D2=at.D2,
        f0=at.f0,
        g2=at.g2,
        path_moment=at.path_moment,
    )


def not_proved(setting: Setting) -> NamedTuple:
    """The explicit form of a claim for which no bound is proved: one term, nan everywhere."""
    return Unproved(np.full(setting.grid.n.shape, np.nan))


class Unproved(NamedTuple):
    unproved: Floats


def minimise_over_alpha(total: Callable[[Floats], Floats]) -> float:
    """The alpha in (0, 1] with the smallest total(alpha), (A,) -> (A,), to about 1e-7: the best of the thousandths,
    then three finer grids about it. What lies between the thousandths may jump, as claims do at 1/2."""
    alphas = np.arange(1, 1001) / 1000
    values = total(alphas)
    best, least, width = float(alphas[values.argmin()]), float(values.min()), 1e-3
    for _ in range(3):
        alphas = np.linspace(max(best - width, 1e-9), min(best + width, 1.0), 41)
        values = total(alphas)
        if values.min() < least:
            best, least = float(alphas[values.argmin()]), float(values.min())
        width /= 20
    return best
