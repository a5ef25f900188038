"""Runs: what turns replicates and checkpoints into numbers.

Experiments, stores, verdicts, execution and reports know of a run only what ``Run`` says. A *simulated* run is an
algorithm on samples of a problem. Another kind (a network trained on samples of a finite population) is a class with
the same members, which an experiment's function of the point returns in the place of an algorithm.

A kind whose empirical minimum is known as an interval only measures the optimization error and the excess risk against
the interval's lower end, which is common to all runs on a dataset, and gives its width, as far as the run itself knows
it, as the number ``minimum_width`` of each dataset. A mean is then an interval too, and two runs on common datasets are
compared by the difference of their means, from which it cancels.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.engines.choice import Choice
from riskkit.identity import Addresses
from riskkit.measure.blocks import block_size, chosen, measure_block
from riskkit.measure.own import Quantity
from riskkit.measure.quantities import Measured
from riskkit.problem import Problem, constants_of, parameters

NUMERICS = 8
"""Raised whenever a change of code moves the measured numbers: stored runs of an older version are not reused."""


@runtime_checkable
class Run(Protocol):
    """One computation, read at its checkpoints.

    Attributes:
        problem: what bounds are told of; None: no bound speaks of this run.
        algorithm: ``riskkit.algorithms.traits`` says what is asked of it; it has at least ``name`` and ``steps``.
        n: sample size.
        dim: numbers that a step moves, or of a network the products that it takes, for the prediction of times.
        rounds: the checkpoints, ascending.
        block: replicates that are computed together.
        company: runs with equal ones are measured together, on the same datasets.
    """

    @property
    def problem(self) -> Problem | None: ...
    @property
    def algorithm(self) -> Any: ...
    @property
    def n(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def rounds(self) -> tuple[int, ...]: ...
    @property
    def block(self) -> int: ...
    @property
    def company(self) -> Hashable: ...

    def identity(self) -> Mapping[str, object]:
        """Everything that decides its numbers, but the seed and the type of numbers."""

    def about(self) -> Mapping[str, Any]:
        """What the table says of it: ``problem`` (a name), L, G, lam, mu, d; on a finite population also ``seen``, the
        share of its rows that a sample has seen, in expectation."""

    def gradients(self, rounds: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """How many gradients have been taken when the given rounds end."""

    def engine(self, device: str, asked: str) -> Choice:
        """What will compute it, and why; ValueError if that cannot be what was asked for."""

    def begun(self, steps: int, checkpoints: int) -> Run:
        """Its beginning, of about so many steps, read so often: for a probe of the time it takes."""

    def measure(
        self,
        together: Sequence[Any],
        addresses: Sequence[str],
        *,
        seed: int,
        first: int,
        dtype: str,
        device: str,
        engine: str,
    ) -> list[Measured]:
        """``together`` (runs of one company, this one among them) on the block of replicates that starts at ``first``:
        one ``Measured`` a run."""


def datasets(run: Run) -> Hashable:
    """``datasets``: what decides a run's datasets; default: its company. Runs that agree in it are comparable, whether
    they are measured together or not (one by simulation, say, and one by moments)."""
    own: Hashable = getattr(run, "datasets", run.company)
    return own


@dataclasses.dataclass(frozen=True)
class Simulated:
    """An algorithm on samples of size n of a problem, read after the given rounds (the last one included)."""

    problem: Problem
    n: int
    algorithm: Any
    rounds: tuple[int, ...]
    quantities: tuple[Quantity, ...] = ()
    """Of one's own, measured beside the usual ones."""
    neighbours: int = 1
    """Samples that differ from S in one example, over which what is coupled is averaged."""

    @property
    def dim(self) -> int:
        return self.problem.dim

    @property
    def block(self) -> int:
        return block_size(self.problem, self.n)

    @property
    def datasets(self) -> Hashable:
        """What decides the datasets that it runs on: problem and n."""
        return self.problem, self.n

    @property
    def company(self) -> Hashable:
        return self.datasets

    def identity(self) -> Mapping[str, object]:
        return {
            "problem": {"class": type(self.problem).__name__, "fields": parameters(self.problem)},
            "n": self.n,
            "algorithm": self.algorithm,
            "rounds": self.rounds,
            **({"quantities": [own.name for own in self.quantities]} if self.quantities else {}),
            **({"neighbours": self.neighbours} if self.neighbours > 1 else {}),
        }

    def about(self) -> Mapping[str, Any]:
        constants = constants_of(self.problem)
        named = {name: getattr(constants, name) for name in ("lam", "mu", "L", "G")}
        seen = getattr(self.problem, "seen", None)
        share = {} if seen is None else {"seen": seen(self.n)}
        return {"problem": self.problem.name, **named, "d": self.problem.dim, **share}

    def gradients(self, rounds: npt.ArrayLike) -> npt.NDArray[np.int64]:
        return traits.gradients(self.algorithm, rounds)

    def engine(self, device: str, asked: str) -> Choice:
        return chosen(self.problem, self.algorithm, device, asked, self.quantities)

    def begun(self, steps: int, checkpoints: int) -> Simulated:
        short = traits.begun(self.algorithm, steps)
        T = traits.rounds(short)
        rounds = np.unique(np.linspace(T / checkpoints, T, checkpoints).round().clip(1)).astype(int)
        return dataclasses.replace(self, algorithm=short, rounds=tuple(rounds.tolist()))

    def measure(
        self,
        together: Sequence[Simulated],
        addresses: Sequence[str],
        *,
        seed: int,
        first: int,
        dtype: str,
        device: str,
        engine: str,
    ) -> list[Measured]:
        return measure_block(
            self.problem,
            self.n,
            [run.algorithm for run in together],
            [np.array(run.rounds) for run in together],
            addresses,
            seed=seed,
            first=first,
            dtype=dtype,
            device=device,
            engine=engine,
            quantities=self.quantities,
            neighbours=self.neighbours,
        )


def run_address(run: Run, seed: int, dtype: str, addresses: Addresses | None = None) -> str:
    """The content address of a run: everything that decides its numbers, the code of its problem, schedules and method
    among them, and no label, order, engine or device. One ``addresses`` for many runs looks once at what they share."""
    addresses = addresses or Addresses()
    told = run.identity()
    code = addresses.codes(run.problem, *told.values(), *(run.quantities if isinstance(run, Simulated) else (run,)))
    return addresses.of({**told, "code": code, "seed": seed, "dtype": dtype, "numerics": NUMERICS})


def per_octave(number: int) -> Reader:
    """Reads every run ``number`` times in each doubling of its gradients, and where a stage ends."""
    return Reader(number)


@dataclasses.dataclass(frozen=True)
class Reader:
    """Checkpoints on a logarithmic grid of gradients, ``number`` to each doubling."""

    number: int

    def __call__(self, algorithm: Any) -> tuple[int, ...]:
        """The rounds after which an algorithm is read: those nearest above the grid, and the stages' ends."""
        return _checkpoints(algorithm, self.number)


@functools.lru_cache(maxsize=4096)
def _checkpoints(algorithm: Any, number: int) -> tuple[int, ...]:
    ends = traits.gradients(algorithm, np.arange(1, traits.rounds(algorithm) + 1))
    octaves = math.log2(ends[-1])
    wanted = np.exp2(np.arange(0, math.floor(octaves * number) + 1) / number)
    rounds = np.searchsorted(ends, np.append(wanted[wanted <= ends[-1]], ends[-1])) + 1
    return tuple(int(t) for t in np.unique(np.append(rounds, traits.stage_ends(algorithm))))
