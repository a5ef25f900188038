"""A frozen question: problem, bounds, step sizes, grids, replicates, seed; and the cells and runs that answer it.

A *cell* is one point (n, T, k, alpha) under one algorithm. A *run* is one computation, of which a cell reads one
checkpoint. With horizon-free step sizes one run serves every T; with 1/sqrt(kT) each T is a run of its own. SGD does
not know k, so one SGD run serves every (T, k) of the same product.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from riskkit.algorithms.arguments import whole
from riskkit.algorithms.method import Optimiser
from riskkit.algorithms.staged import Algorithm, Lookahead, Stage
from riskkit.algorithms.steps import Constant, InverseTime, SqrtHorizon, Step, horizon_free
from riskkit.identity import address
from riskkit.problem import Problem, parameters
from riskkit.theory.bound import Bound, Floats
from riskkit.theory.hypotheses import first_size

Axis = Literal["n", "T", "k", "alpha"]
AXES: tuple[Axis, ...] = get_args(Axis)
Role = Literal["Lookahead", "SGD", "matched SGD"]

NUMERICS = 5
"""Raised whenever a change of code moves the measured numbers: stored runs of an older version are not reused."""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A full grid over n, k, alpha and either T or kT, along whose ``axis`` rates are judged, all else held.

    With ``kT`` the product is the grid's coordinate and T = kT / k; then the axis "T" is swept through kT.
    Raises ValueError for an empty axis and for values that no algorithm takes.
    """

    axis: Axis
    n: tuple[int, ...]
    k: tuple[int, ...]
    alpha: tuple[float, ...]
    T: tuple[int, ...] = ()
    kT: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise ValueError(f"Sweep: axis must be one of {', '.join(AXES)}; got {self.axis!r}.")
        for name, least in (("n", 2), ("k", 1), ("T", 1), ("kT", 1)):
            values = tuple(whole("grid", name, value, least) for value in getattr(self, name))
            object.__setattr__(self, name, tuple(sorted(set(values))))
        for value in self.alpha:
            Stage(1, 1, value, Constant(1.0))  # says what is wrong with an alpha
        object.__setattr__(self, "alpha", tuple(sorted({float(value) for value in self.alpha})))
        for name in ("n", "k", "alpha"):
            if not getattr(self, name):
                raise ValueError(f"grid: {name} needs at least one value; got none.")
        if bool(self.T) == bool(self.kT):
            raise ValueError("grid: T (or kT, not both) needs at least one value; got none.")
        for total, k in itertools.product(self.kT, self.k):
            if total % k:
                raise ValueError(f"grid: kT must be a multiple of k; got kT={total}, k={k}.")

    def points(self) -> list[Point]:
        """All grid points, in the order n, k, alpha, T."""
        grid = itertools.product(self.n, self.k, self.alpha)
        return [Point(n, T, k, alpha) for n, k, alpha in grid for T in self.rounds(k)]

    def rounds(self, k: int) -> tuple[int, ...]:
        return self.T or tuple(total // k for total in self.kT)

    def lines(self) -> list[tuple[Point, ...]]:
        """The points grouped into lines along the axis; everything else (or with kT: the product) is held."""

        def held(point: Point) -> tuple[float, ...]:
            T = point.k * point.T if self.kT else point.T
            coordinates = {"n": point.n, "T": T, "k": point.k, "alpha": point.alpha}
            return tuple(value for name, value in coordinates.items() if name != self.axis)

        groups: dict[tuple[float, ...], list[Point]] = {}
        for point in self.points():
            groups.setdefault(held(point), []).append(point)
        return [tuple(sorted(line, key=lambda point: getattr(point, self.axis))) for line in groups.values()]


class Point(NamedTuple):
    n: int
    T: int
    k: int
    alpha: float


class Run(NamedTuple):
    """One computation: an algorithm on samples of size n, read after the given rounds (the last one included)."""

    problem: Problem
    n: int
    algorithm: Algorithm | Optimiser
    rounds: tuple[int, ...]

    def gradients(self, rounds: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many gradients have been taken when the given rounds end; a user's own method counts them singly."""
        asked = np.asarray(rounds, dtype=np.int64)
        return self.algorithm.gradients(asked) if isinstance(self.algorithm, Algorithm) else asked


class Cell(NamedTuple):
    """One point under one algorithm, and where its numbers lie: checkpoint ``rounds`` of ``run``.

    ``matched_alpha``: for matched SGD the alpha by which its steps are shortened, else NaN.
    """

    point: Point
    role: str
    matched_alpha: float
    step: Any
    run: Run
    rounds: int
    address: str
    """Of the run."""

    @property
    def gradients(self) -> int:
        """Taken in all at the checkpoint."""
        return int(self.run.gradients(self.rounds))

    @property
    def alpha(self) -> float:
        """That of the algorithm; where SGD stands in a grid, the point has Lookahead's."""
        return 1.0 if self.role in ("SGD", "matched SGD") else self.point.alpha

    @property
    def beta(self) -> float:
        """The largest strength of a local regularizer among the stages."""
        staged = isinstance(self.run.algorithm, Algorithm)
        return max(stage.beta for stage in self.run.algorithm.stages) if staged else 0.0  # type: ignore[union-attr]

    @property
    def eta(self) -> float:
        """The first step size; nan for a user's own method that does not tell."""
        algorithm = self.run.algorithm
        if not isinstance(algorithm, Algorithm):
            return first_size(self.step, 1, 1) if self.step is not None else math.nan
        stage = algorithm.stages[0]
        return first_size(stage.step, stage.T, stage.k)


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is computed."""

    sweeps: tuple[Sweep, ...]
    replicates: int

    def __post_init__(self) -> None:
        whole("experiment", "replicates", self.replicates, 1)

    def quick(self, replicates: int, steps: int) -> Size:
        """Fewer replicates, and only the runs of at most ``steps`` gradients (at least the shortest)."""

        def short(sweep: Sweep) -> Sweep:
            if sweep.kT:
                kept = tuple(total for total in sweep.kT if total <= steps)
                return dataclasses.replace(sweep, kT=kept or sweep.kT[:1])
            kept = tuple(T for T in sweep.T if T * max(sweep.k) <= steps)
            return dataclasses.replace(sweep, T=kept or sweep.T[:1])

        return Size(tuple(short(sweep) for sweep in self.sweeps), min(self.replicates, replicates))

    def replaced(self, axes: dict[str, Sequence[float]], owner: str) -> Size:
        """With whole axes replaced in every sweep that has them; ValueError if none has."""
        for name in axes:
            if not any(getattr(sweep, name) for sweep in self.sweeps):
                own = [axis for axis in ("n", "T", "kT", "k", "alpha") if any(getattr(s, axis) for s in self.sweeps)]
                raise ValueError(f"{owner} has no axis {name}; its axes are {', '.join(own)}.")

        def replaced(sweep: Sweep) -> Sweep:
            fields: dict[str, Any] = {name: tuple(values) for name, values in axes.items() if getattr(sweep, name)}
            return dataclasses.replace(sweep, **fields)

        return dataclasses.replace(self, sweeps=tuple(replaced(sweep) for sweep in self.sweeps))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A question, ending in "?", and all that is needed to answer it.

    Attributes:
        name: the module's name in ``experiments/``.
        step: the schedule, or a function of the problem that gives it (when it needs the problem's constants).
        laptop: the size of the default sweep; None: too slow for it, ``--paper`` only.
        paper: the size for a paper.
        exact: expected values known in closed form, by (quantity, output): a function of (problem, step, points)
            answering an array with one value a point, NaN where the closed form does not hold.
        limits: quantity -> its exponent along T as T grows, a function of alpha, drawn as the asymptote it is.
        controls: what runs beside Lookahead at every point; matched SGD has step alpha eta.
    """

    name: str
    question: str
    problem: Problem
    bounds: tuple[Bound, ...]
    step: Step | Callable[[Problem], Step]
    paper: Size
    laptop: Size | None = None
    seed: int = 0
    exact: dict[tuple[str, str], Callable[[Problem, Step, Sequence[Point]], Floats]] = dataclasses.field(
        default_factory=dict
    )
    limits: dict[str, Callable[[float], float]] = dataclasses.field(default_factory=dict)
    controls: tuple[Role, ...] = ("SGD", "matched SGD")

    def __post_init__(self) -> None:
        if not self.question.endswith("?"):
            raise ValueError(f"{self.name}: question must end with a question mark; got {self.question!r}.")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"{self.name}: seed must be a whole number in [0, 2^64); got {self.seed!r}.")

    def asymptote(self, quantity: str, where: dict[str, float]) -> float:
        """The exponent along T in the limit, for the alpha that is held; NaN where none is stated."""
        limit = self.limits.get(quantity)
        return limit(where["alpha"]) if limit is not None and "alpha" in where else math.nan

    def on(self, problem: Problem) -> Experiment:
        """The same experiment on another problem."""
        return dataclasses.replace(self, problem=problem)

    def plan(self, size: Any, dtype: str = "float64") -> Plan:
        """The cells of every sweep, each once, and the runs that answer them."""
        return plan(self, size, dtype)

    def schedule(self) -> Step:
        """The step sizes for the experiment's problem."""
        return self.step(self.problem) if isinstance(self.step, FunctionType) else self.step  # type: ignore[return-value]


@dataclasses.dataclass(frozen=True)
class Plan:
    """A question at one size: its cells, and the distinct runs they read.

    ``experiment`` is an Experiment or a Race, ``size`` a Size or a RaceSize.
    """

    experiment: Any
    size: Any
    dtype: str
    cells: tuple[Cell, ...]
    runs: dict[str, Run]
    """By content address."""

    def cell(self, point: Point, role: str = "Lookahead") -> Cell:
        return self._by_place[point, role]

    @functools.cached_property
    def _by_place(self) -> dict[tuple[Point, str], Cell]:
        return {(cell.point, cell.role): cell for cell in self.cells}


def matched(step: Step, alpha: float) -> Step:
    """The schedule alpha * eta_j: what makes SGD move, on average, as far as Lookahead with that alpha."""
    match step:
        case Constant(eta):
            return Constant(alpha * eta)
        case SqrtHorizon(eta0):
            return SqrtHorizon(alpha * eta0)
        case InverseTime(lam, offset):
            return InverseTime(lam / alpha, offset)
    raise TypeError(f"matched SGD needs Constant, SqrtHorizon or InverseTime; got {type(step).__name__}.")


def plan(experiment: Experiment, size: Size, dtype: str = "float64") -> Plan:
    """The cells of every sweep, each once, and the runs that answer them."""
    step = experiment.schedule()
    points = dict.fromkeys(point for sweep in size.sweeps for point in sweep.points())
    wanted: list[tuple[Point, Role, float, Step, int, int, float]] = []
    for point in points:
        wanted.append((point, "Lookahead", math.nan, step, point.T, point.k, point.alpha))
        if "SGD" in experiment.controls:
            wanted.append((point, "SGD", math.nan, step, point.k * point.T, 1, 1.0))
        if "matched SGD" in experiment.controls:
            slow = matched(step, point.alpha)
            wanted.append((point, "matched SGD", point.alpha, slow, point.k * point.T, 1, 1.0))

    # alpha = 1 is SGD whatever k: one run, read every k-th step.
    def canonical(T: int, k: int, alpha: float) -> tuple[int, int]:
        return (k * T, 1) if alpha == 1 else (T, k)

    reads: dict[tuple[int, int, float, Step], set[int]] = {}
    for point, _, _, own, T, k, alpha in wanted:
        rounds, period = canonical(T, k, alpha)
        key = (point.n, period, alpha, own)
        if horizon_free(own):
            reads.setdefault(key, set()).add(rounds)

    cells, runs = [], {}
    # A run and its address cost far more than a look: each is made once, however many cells read it.
    known: dict[tuple[tuple[int, int, float, Step], int], tuple[Run, str]] = {}
    for point, role, matched_alpha, own, T, k, alpha in wanted:
        rounds, period = canonical(T, k, alpha)
        key = (point.n, period, alpha, own)
        shared = reads.get(key)
        asked = (key, 0 if shared else rounds)
        if asked not in known:
            checkpoints = tuple(sorted(shared or {rounds}))
            algorithm = Lookahead(checkpoints[-1], period, alpha, own)
            run = Run(experiment.problem, point.n, algorithm, checkpoints)
            where = run_address(run, experiment.seed, dtype)
            runs[where] = run
            known[asked] = run, where
        run, where = known[asked]
        cells.append(Cell(point, role, matched_alpha, own, run, rounds, where))
    return Plan(experiment, size, dtype, tuple(cells), runs)


def run_address(run: Run, seed: int, dtype: str) -> str:
    """The content address of a run: everything that decides its numbers, and no label, order, engine or device."""
    return address(
        {
            "problem": {"class": type(run.problem).__name__, "fields": parameters(run.problem)},
            "n": run.n,
            "algorithm": run.algorithm,
            "rounds": run.rounds,
            "seed": seed,
            "dtype": dtype,
            "numerics": NUMERICS,
        }
    )


def describe(cell: Cell) -> str:
    """The step sizes as text for tables: ``"0.5/sqrt(kT)"``, ``"3 stages from 0.1"``."""
    algorithm = cell.run.algorithm
    if isinstance(algorithm, Algorithm) and len(algorithm.stages) > 1:
        return f"{len(algorithm.stages)} stages from {cell.eta:g}"
    match cell.step:
        case None:
            return "its own"
        case Constant(eta):
            return f"{eta:g}"
        case SqrtHorizon(eta0):
            return f"{eta0:g}/sqrt(kT)"
        case InverseTime(lam, offset):
            return f"1/({lam:g} (j + {offset:g}))"
    return repr(cell.step)
