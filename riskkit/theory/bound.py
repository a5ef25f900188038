"""What a bound is: one inequality about one measured quantity of one output, in up to three forms.

``claim`` is the source's expression inside O(.), letter for letter, judged as a rate. ``published`` is the bound as the
source prints it, with its constants, and ``proved`` one whose proof stands here with every constant; both are judged as
levels: the measured mean must lie under them. A form answers with *named terms* that add up to the bound, so that a
figure or a verdict can say which term dominates, or with one array.

Shapes: ``K`` checkpoints of one run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.staged import Output
from riskkit.problem import Constants, Problem, constants_of

Quantity = str
"""The name of what is measured: "optimization", "excess", or that of a quantity of one's own."""
Form = Literal["claim", "published", "proved"]
FORMS: tuple[Form, ...] = get_args(Form)
Floats = npt.NDArray[np.float64]
Terms = Floats | Mapping[str, Floats] | tuple[Floats, ...]
"""The bound itself, (K,), or named terms that add up to it: a mapping or a NamedTuple of arrays (K,)."""


class Source(NamedTuple):
    """Where a statement stands: a key for citations, the work in words, its BibTeX entry, and the place in it."""

    key: str
    text: str
    bibtex: str
    place: str = ""


@dataclasses.dataclass(frozen=True)
class At:
    """Where a bound is evaluated: one algorithm on samples of size n of a problem, after some of its rounds.

    Attributes:
        problem, algorithm, n: the run.
        rounds: int64 (K,), the checkpoints, counted in the algorithm's own rounds.
        D2: E ||theta_0 - theta*_S||^2.
        f0: E [F_S(theta_0) - F_S*].
        g2: E ||grad F_S(theta*_S)||^2; zero iff the minimizer is stationary, as every interior one is.
        path_moment: (K,) or nan: mean over the gradients so far of E ||g_j||^2; stands for G^2 where a proof needs no
            more than that.
        measured: by name, (K,): means of the experiment's own quantities along the path (``Quantity``, kind path).
    """

    problem: Problem
    algorithm: Any
    n: int
    rounds: npt.NDArray[np.int64]
    D2: float = np.nan
    f0: float = np.nan
    g2: float = 0.0
    path_moment: npt.ArrayLike = np.nan
    measured: Mapping[str, npt.ArrayLike] = dataclasses.field(default_factory=dict)

    def along_path(self, name: str) -> Floats:
        """(K,) ``measured[name]``; nan where it was not measured: a bound that needs it then says nothing."""
        return np.broadcast_to(np.asarray(self.measured.get(name, np.nan), dtype=np.float64), self.rounds.shape).copy()

    @property
    def constants(self) -> Constants:
        """Of the problem: L, G, lam, ..."""
        return constants_of(self.problem)

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """(K,) steps taken at the checkpoints."""
        return traits.steps_after(self.algorithm, self.rounds)

    @property
    def step_sizes(self) -> Floats:
        """(J,) eta_j of every step of the algorithm, j = 0 .. J - 1; ValueError for a method that does not say."""
        return traits.step_sizes(self.algorithm)


class Bound(Protocol):
    """One inequality. A module of ``riskkit.theory`` holds those of one source, as constants.

    Attributes:
        name: ``"theorem2.optimization.last"``, unique: the key of its verdicts.
        title: as sentences and tables call it: ``"Theorem 2"``.
        quantity, output: what it bounds.
        statement, claim_statement: the proved bound and the claim in LaTeX (mathtext), without dollar signs; empty
            where there is none. A bound with the form published has a ``published_statement`` too.
        source: where it stands.
        forms: those it has.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def quantity(self) -> Quantity: ...
    @property
    def output(self) -> Output: ...
    @property
    def statement(self) -> str: ...
    @property
    def claim_statement(self) -> str: ...
    @property
    def source(self) -> Source: ...
    @property
    def forms(self) -> tuple[Form, ...]: ...

    def excludes(self, problem: Problem, algorithm: Any) -> str | None:
        """Why this bound says nothing about the run (one sentence naming the hypothesis that fails), or None."""

    def evaluate(self, form: Form, at: At) -> Terms:
        """A form that it has at the checkpoints; nan where it says nothing."""


@dataclasses.dataclass(frozen=True)
class Inequality:
    """A ``Bound`` put together from functions of ``At``; a form that is left out does not exist.

    Raises ValueError for an unknown quantity or output, and without any form.

    Attributes:
        name, title, quantity, output, source: as of a bound.
        claim, published, proved: each a function of ``At`` that answers with an array (K,), or with named terms.
        statement, claim_statement, published_statement: in LaTeX, as of a bound.
        hypotheses: each a function (problem, algorithm) -> reason or None; the first reason is the answer.
    """

    name: str
    title: str
    quantity: Quantity
    output: Output
    source: Source
    hypotheses: tuple[Callable[[Problem, Any], str | None], ...] = ()
    claim: Callable[[At], Terms] | None = None
    published: Callable[[At], Terms] | None = None
    proved: Callable[[At], Terms] | None = None
    statement: str = ""
    claim_statement: str = ""
    published_statement: str = ""
    monotone: Mapping[str, Literal["increasing", "decreasing"]] = dataclasses.field(default_factory=dict, compare=False)
    """How it moves with n, the rounds, D2, f0 or the path moment, all else held: ``riskkit.conformance`` tries it."""
    limits: Mapping[str, float] = dataclasses.field(default_factory=dict, compare=False)
    """Where it tends as n, D2, f0 or the path moment grows: likewise."""
    scope: str = ""
    """At which checkpoints it speaks, in words; empty: at all."""

    def __post_init__(self) -> None:
        if not isinstance(self.quantity, str) or not self.quantity:
            raise ValueError(f"{self.name}: quantity must be the name of one; got {self.quantity!r}.")
        if self.output not in get_args(Output):
            raise ValueError(f"{self.name}: output must be one of {', '.join(get_args(Output))}; got {self.output!r}.")
        if not self.forms:
            raise ValueError(f"{self.name}: at least one of {', '.join(FORMS)} must be given; got none.")
        for form in self.forms:
            if not callable(getattr(self, form)):
                raise ValueError(f"{self.name}: {form} must be a function of At; got {getattr(self, form)!r}.")
        asked = self.hypotheses
        if not isinstance(asked, tuple | list) or not all(map(callable, asked)):
            raise ValueError(
                f"{self.name}: hypotheses must be a tuple of functions (problem, algorithm), such as (is_sgd,); "
                f"got {asked!r}."
            )
        if not isinstance(self.source, Source):
            raise ValueError(f"{self.name}: source must be a Source(key, text, bibtex); got {self.source!r}.")

    @property
    def forms(self) -> tuple[Form, ...]:
        return tuple(form for form in FORMS if getattr(self, form) is not None)

    def excludes(self, problem: Problem, algorithm: Any) -> str | None:
        return next((reason for ask in self.hypotheses if (reason := ask(problem, algorithm)) is not None), None)

    def evaluate(self, form: Form, at: At) -> Terms:
        terms: Terms = getattr(self, form)(at)
        return terms


@dataclasses.dataclass(frozen=True)
class Count:
    """What is claimed and proved of the gradients that reach an error eps.

    Attributes:
        name, title, source: as of a bound.
        hypotheses: as of an inequality; where one fails the next ``Count`` of an experiment is asked.
        claim, proved: functions of ``At`` (its rounds are not read) and targets (E,), answering counts (E,); nan where
            nothing is said, inf where the target is never reached.
        outputs: those it speaks of.
    """

    name: str
    title: str
    source: Source
    hypotheses: tuple[Callable[[Problem, Any], str | None], ...]
    claim: Callable[[At, Floats], Floats]
    proved: Callable[[At, Floats], Floats]
    outputs: tuple[Output, ...] = ("last", "average")

    def excludes(self, problem: Problem, algorithm: Any) -> str | None:
        return next((reason for ask in self.hypotheses if (reason := ask(problem, algorithm)) is not None), None)


class Scale(NamedTuple):
    """What a best value is said to be proportional to: a product of powers of coordinates of a point (its own, n and
    kT), the exponent of each by the coordinate's name."""

    powers: Mapping[str, float]


class Condition(NamedTuple):
    """A condition that is stated as sufficient for the best value not to be the largest of the grid: its name, and
    whether it holds at the largest. Where it does not hold it says nothing.

    ``everywhere``: it is stated of every setting in which it holds; else of some such setting only, so that one line
    confirms it and no number of lines contradicts it.
    """

    name: str
    holds: Callable[[At], bool]
    everywhere: bool = True


def total(terms: Terms, at: At, owner: str) -> Floats:
    """The bound that named terms add up to, (K,).

    Raises ValueError, in one line, for what is neither an array of one number a checkpoint nor named terms of such.
    """
    if isinstance(terms, Mapping):
        parts = list(terms.values())
    elif isinstance(terms, tuple) and hasattr(terms, "_fields"):
        parts = list(terms)
    elif isinstance(terms, np.ndarray | float | int | np.floating):
        parts = [terms]
    else:
        raise ValueError(
            f"{owner}: a bound must be an array, or named terms as a mapping or a NamedTuple; "
            f"got {type(terms).__name__}."
        )
    found = np.zeros(at.rounds.shape)
    for part in parts:
        given = np.asarray(part)
        if given.dtype.kind not in "fiu":
            raise ValueError(f"{owner}: a bound must be of real numbers; got {given.dtype}.")
        values = given.astype(np.float64)
        if values.ndim and values.shape != at.rounds.shape:
            raise ValueError(
                f"{owner}: a bound must have one number for each of the {at.rounds.size} checkpoints; "
                f"got shape {values.shape}."
            )
        found = found + values
    return found
