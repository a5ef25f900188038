"""Algorithms side by side on the same gradients: how many reach an error, and who is ahead at an equal budget.

A *race* runs its entries (SGD, Lookahead, SLRLA, their stagewise controls, or a method of one's own) on every problem,
reads each on a fine grid of gradient counts, and asks for the first count at which the mean error falls under each
target eps. The problems may differ in one constant, lam say, along which the counts are compared as well.

Where an entry's stages are covered by Theorem 4, their ends are held against the explicit recursions for the
optimization error and for the stability.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from riskkit.algorithms.arguments import whole
from riskkit.algorithms.method import Optimiser
from riskkit.algorithms.staged import Algorithm, Output
from riskkit.experiment.grid import Cell, Plan, Point, Run, run_address
from riskkit.problem import Problem
from riskkit.theory.bound import Floats

Entry = Algorithm | Optimiser
PER_OCTAVE = 6
"""Checkpoints between a count and its double."""


@dataclasses.dataclass(frozen=True)
class RaceSize:
    """How much is computed: at most ``gradients`` for each entry; ``n`` sample sizes."""

    n: tuple[int, ...]
    gradients: int
    replicates: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", tuple(sorted({whole("grid", "n", value, 2) for value in self.n})))
        if not self.n:
            raise ValueError("grid: n needs at least one value; got none.")
        whole("race", "gradients", self.gradients, 1)
        whole("race", "replicates", self.replicates, 1)

    def quick(self, replicates: int, steps: int) -> RaceSize:
        """Fewer replicates, one sample size, and runs of 32 times the steps of a grid: stages need them."""
        return RaceSize(self.n[:1], min(self.gradients, 32 * steps), min(self.replicates, replicates))

    def replaced(self, axes: dict[str, Sequence[float]], owner: str) -> RaceSize:
        """With other sample sizes; ValueError for an axis that a race has not."""
        for name in axes:
            if name != "n":
                raise ValueError(f"{owner} has no axis {name}; its axes are n.")
        return dataclasses.replace(self, n=tuple(axes["n"])) if axes else self  # type: ignore[arg-type]


class Exact(NamedTuple):
    """What is known of an entry in closed form, or what it pretends to be.

    ``expected(problem, n, gradients)`` is E of the quantity. A ``planted`` fault must disagree with it.
    """

    quantity: str
    output: Output
    expected: Callable[[Problem, int, Floats], Floats]
    kind: Literal["oracle", "planted"] = "oracle"


@dataclasses.dataclass(frozen=True)
class Race:
    """A question about algorithms, ending in "?", and all that is needed to answer it.

    Attributes:
        name: the module's name in ``experiments/``.
        problems: one, or several that differ in the constant named by ``axis``.
        entries: the algorithms for a problem and a budget of gradients, in the order of tables and figures.
        targets: errors eps to be reached, any order; none where no counts are asked for.
        axis: the constant that varies along the problems, for rates in it.
        duels: (role, role) pairs whose errors are compared at equal budgets, on common random numbers.
        tuned: roles each of whose entries with one (alpha, beta) differ in their step size alone: the best size is
            chosen on the first quarter of the replicates, and the first role compared with the others on the rest.
        compared: the (quantity, output) pairs of duels and tuned comparisons.
        exact: role -> what is known of it.
        per_octave: checkpoints to each doubling of the gradients; counts want many.
        laptop: the size of the default sweep; None: ``--paper`` only.
    """

    name: str
    question: str
    problems: tuple[Problem, ...]
    entries: Callable[[Problem, int], Sequence[Entry]]
    paper: RaceSize
    laptop: RaceSize | None = None
    targets: tuple[float, ...] = ()
    axis: Literal["lam", "mu"] = "lam"
    duels: tuple[tuple[str, str], ...] = ()
    tuned: tuple[str, ...] = ()
    compared: tuple[tuple[str, Output], ...] = (("optimization", "last"), ("optimization", "average"))
    exact: dict[str, Exact] = dataclasses.field(default_factory=dict)
    per_octave: int = PER_OCTAVE
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.question.endswith("?"):
            raise ValueError(f"{self.name}: question must end with a question mark; got {self.question!r}.")
        if not self.problems:
            raise ValueError(f"{self.name}: problems must hold at least one Problem; got none.")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"{self.name}: seed must be a whole number in [0, 2^64); got {self.seed!r}.")
        whole(self.name, "per_octave", self.per_octave, 1)
        for eps in self.targets:
            if not 0 < eps < math.inf:
                raise ValueError(f"{self.name}: targets must be finite numbers > 0; got {eps!r}.")

    @property
    def problem(self) -> Problem:
        """The first of the problems."""
        return self.problems[0]

    def on(self, problem: Problem) -> Race:
        """The same race on another problem."""
        return dataclasses.replace(self, problems=(problem,))

    def plan(self, size: Any, dtype: str = "float64") -> Plan:
        """The cells: every entry on every problem and sample size, at every checkpoint."""
        cells: list[Cell] = []
        runs: dict[str, Run] = {}
        for problem in self.problems:
            entries = self.entries(problem, size.gradients)
            for n in size.n:
                for entry in entries:
                    run = Run(problem, n, entry, checkpoints(entry, self.per_octave))
                    where = run_address(run, self.seed, dtype)
                    if where in runs:
                        continue
                    runs[where] = run
                    k, alpha, step = period(entry), mixing(entry), first_step(entry)
                    cells += [
                        Cell(Point(n, t, k, alpha), entry.name, math.nan, step, run, t, where) for t in run.rounds
                    ]
        return Plan(self, size, dtype, tuple(cells), runs)


def checkpoints(entry: Entry, per_octave: int = PER_OCTAVE) -> tuple[int, ...]:
    """Rounds at which an entry is read: ``per_octave`` to each doubling of the gradients, and the stages' ends."""
    ends = (
        entry.gradients(np.arange(1, entry.rounds + 1))
        if isinstance(entry, Algorithm)
        else np.arange(1, entry.steps + 1)
    )
    octaves = math.log2(ends[-1])
    wanted = np.exp2(np.arange(0, math.floor(octaves * per_octave) + 1) / per_octave)
    rounds = np.searchsorted(ends, np.append(wanted[wanted <= ends[-1]], ends[-1])) + 1
    return tuple(int(t) for t in np.unique(np.append(rounds, stage_ends(entry))))


def stage_ends(entry: Entry) -> np.ndarray:
    """Rounds at which the stages end, (Q,)."""
    if not isinstance(entry, Algorithm):
        return np.array([entry.steps])
    return np.cumsum([stage.T for stage in entry.stages])


def passed_on(entry: Entry) -> Output:
    """The output of the last stage; a method of one's own may have an attribute of that name, and else is ``last``."""
    return entry.stages[-1].output if isinstance(entry, Algorithm) else getattr(entry, "passed_on", "last")


def period(entry: Entry) -> int:
    """k of the first stage; 1 for a method of one's own."""
    return entry.stages[0].k if isinstance(entry, Algorithm) else 1


def mixing(entry: Entry) -> float:
    """alpha of the first stage; a method of one's own may have an attribute of that name, and is else like SGD."""
    return entry.stages[0].alpha if isinstance(entry, Algorithm) else float(getattr(entry, "alpha", 1.0))


def first_step(entry: Entry) -> Any:
    """The schedule of the first stage, or what a method of one's own calls ``step_sizes``."""
    return entry.stages[0].step if isinstance(entry, Algorithm) else getattr(entry, "step_sizes", None)
