"""What a bound is: one quantity of one theorem, as the slides claim it and as it can be proved with every constant.

``claim`` is the slide's expression inside O(.), letter for letter, judged as a rate. ``explicit`` has every constant
and is judged as a level: the measured mean must lie under it. Both answer with *named terms* that add up to the
bound, so that a figure or a verdict can say which term dominates.
"""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.staged import Algorithm, Output, Step
from riskkit.problem import Constants, Problem

Quantity = Literal["optimization", "generalization", "excess", "distance", "stability"]
Floats = npt.NDArray[np.float64]


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


class Bound(Protocol):
    """One inequality. Instances are module-level constants of the modules of ``riskkit.theory.zhou2021``.

    Attributes:
        name: ``"theorem1.optimization.average"``, unique.
        theorem: 1 .. 4.
        quantity: the measured quantity it bounds.
        output: the output it is proved for.
        statement: the explicit bound in LaTeX (mathtext), without dollar signs.
        claim_statement: the slide's expression in LaTeX.
        schedules: the step-size classes it was proved for; it is never drawn over a run it does not cover.
    """

    @property
    def name(self) -> str: ...

    @property
    def theorem(self) -> int: ...

    @property
    def quantity(self) -> Quantity: ...

    @property
    def output(self) -> Output: ...

    @property
    def statement(self) -> str: ...

    @property
    def claim_statement(self) -> str: ...

    @property
    def schedules(self) -> tuple[type[Step], ...]: ...

    def excludes(self, problem: Problem, algorithm: Algorithm) -> str | None:
        """Why this bound says nothing about the run (one sentence naming the hypothesis that fails), or None."""

    def claim(self, setting: Setting) -> NamedTuple:
        """The slide's expression: named terms, each of the broadcast shape; nan for a step it is not stated for."""

    def explicit(self, setting: Setting) -> NamedTuple:
        """The proved bound: named terms, each of the broadcast shape; nan throughout where none is proved."""

    def trivial(self, setting: Setting) -> Floats:
        """What is true without any theorem: E f_0 for the optimization error and the excess risk, D^2 for the distance
        (what theta_0 achieves), M for the generalization error, nothing (inf) for the stability. A bound above it is
        VACUOUS there."""
