"""One algorithm on one problem, measured in memory: ``simulate``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output, Sampling
from riskkit.engines import reference
from riskkit.engines.choice import Asked, Choice
from riskkit.engines.trial_problem import problem_fault
from riskkit.measure.blocks import DTYPES, Dtype, block_size, chosen, watcher
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.own import Quantity, try_quantity
from riskkit.measure.runs import Runs, drawn_indices, gradients_at
from riskkit.problem import Problem, admit
from riskkit.rng.streams import Stream

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What ``simulate`` answers: one algorithm on one problem, R replicates, read at T in ``rounds`` (K,).

    ``optimization, generalization, excess, population_excess, distance`` are the (R,) values of the slow weights after
    the last round; ``at`` reads any other checkpoint, the average of the fast weights, and the other quantities;
    ``to_frame`` has them all.

    Attributes:
        problem, algorithm, n: what was run.
        rounds: int64 (K,), the checkpoints, in the algorithm's own rounds.
        values: quantity -> float64 (R, K, 2), the outputs being ``last`` and ``average``.
        dataset: name -> float64 (R,), numbers of the data sets, such as ``start_distance``.
        diverged_at: int64 (R,), gradients after which the parameters left the range, -1 if they did not.
        theta: (R, K, 2, d), the parameters.
        engine: which engine ran it, and why.
        quantities: those of one's own among ``values``.
    """

    problem: Problem
    algorithm: Algorithm | Method
    n: int
    rounds: np.ndarray
    values: dict[str, np.ndarray]
    dataset: dict[str, np.ndarray]
    diverged_at: np.ndarray
    theta: np.ndarray
    engine: Choice
    quantities: tuple[Quantity, ...] = ()

    def at(self, quantity: str, T: int | None = None, output: Output = "last") -> np.ndarray:
        """(R,) values of a quantity after T rounds (default: the last checkpoint); KeyError for one that was not
        measured, and for a T that is no checkpoint."""
        if quantity not in self.values:
            raise KeyError(f"quantity must be one of {', '.join(self.values)}; got {quantity!r}.")
        if output not in traits.outputs(self.algorithm):
            had = ", ".join(traits.outputs(self.algorithm))
            raise KeyError(f"output must be one that {self.algorithm.name} has, {had}; got {output!r}.")
        slot = len(self.rounds) - 1 if T is None else int(np.searchsorted(self.rounds, T))
        if slot >= len(self.rounds) or (T is not None and self.rounds[slot] != T):
            raise KeyError(f"T must be one of the checkpoints {self.rounds.tolist()}; got {T}. Name it in rounds=.")
        return self.values[quantity][:, slot, OUTPUTS.index(output)]

    def to_frame(self) -> pd.DataFrame:
        """One row = one replicate x checkpoint x output: replicate, T (rounds), gradients, output, then a column for
        each quantity."""
        import pandas as pd

        had = traits.outputs(self.algorithm)
        places, outputs = [OUTPUTS.index(name) for name in had], len(had)
        replicates, checkpoints, _ = next(iter(self.values.values())).shape
        gradients = gradients_at(self.algorithm, self.rounds)
        return pd.DataFrame(
            {
                "replicate": np.repeat(np.arange(replicates), checkpoints * outputs),
                "T": np.tile(np.repeat(self.rounds, outputs), replicates),
                "gradients": np.tile(np.repeat(gradients, outputs), replicates),
                "output": list(had) * (replicates * checkpoints),
                **{name: values[:, :, places].ravel() for name, values in self.values.items()},
            }
        )

    @property
    def optimization(self) -> np.ndarray:
        """F_S(theta) - F_S(theta*_S) of the last iterate, (R,)."""
        return self.at("optimization")

    @property
    def generalization(self) -> np.ndarray:
        """F(theta) - F_S(theta) of the last iterate, (R,), signed."""
        return self.at("generalization")

    @property
    def excess(self) -> np.ndarray:
        """F(theta) - F_S(theta*_S) of the last iterate, (R,)."""
        return self.at("excess")

    @property
    def population_excess(self) -> np.ndarray:
        """F(theta) - F(theta*) of the last iterate, (R,)."""
        return self.at("population_excess")

    @property
    def distance(self) -> np.ndarray:
        """||theta - theta*_S||^2 of the last iterate, (R,)."""
        return self.at("distance")


def simulate(
    problem: Problem,
    algorithm: Algorithm | Method,
    n: int | None = None,
    replicates: int = 1000,
    seed: int = 0,
    *,
    rounds: Sequence[int] | None = None,
    data: np.ndarray | Tensor | None = None,
    indices: np.ndarray | Tensor | None = None,
    first: int = 0,
    quantities: Sequence[Quantity] = (),
    dtype: Dtype = "float64",
    device: str = "cpu",
    engine: Asked = "auto",
) -> Measurement:
    """Runs one algorithm on replicates ``first .. first + replicates - 1`` and measures its risks.

    Args:
        n: sample size, at least 2. Left out when ``data`` is given.
        replicates: how many independent samples and index streams.
        seed: a whole number in [0, 2^64), of all draws.
        rounds: the T values to read, ascending; default the last round only.
        data: examples of one's own, (n, w) shared by all replicates or (R, n, w), instead of drawn ones. Then there is
            no fresh example, and no coupled run.
        indices: an index stream of one's own, (kT,) or (R, kT), instead of the one drawn by the algorithm's sampling.
        quantities: what else is measured, such as ``GRADIENT_NORM``; read with ``at(name)``.
        engine: ``auto`` takes the fastest that covers the run; the answer's ``engine`` says which, and why.

    Raises ValueError, in one line and before any computing, for input that makes no sense.
    """
    checkpoints = _rounds(algorithm, rounds)
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}.")
    if isinstance(replicates, bool) or replicates != int(replicates) or replicates < 1:
        raise ValueError(f"replicates must be a whole number >= 1; got {replicates!r}.")
    examples = None if data is None else torch.as_tensor(data, dtype=DTYPES[dtype], device=device)
    if examples is not None:
        if examples.ndim not in (2, 3) or (examples.ndim == 3 and examples.shape[0] != replicates):
            raise ValueError(f"data must be (n, w) or ({replicates}, n, w); got shape {tuple(examples.shape)}.")
        if n is not None and n != examples.shape[-2]:
            raise ValueError(f"n must be left out or be the {examples.shape[-2]} examples given; got {n}.")
        n = examples.shape[-2]
        if not bool(examples.isfinite().all()):
            raise ValueError("data must be finite; got nan or inf among the examples.")
    if n is None or isinstance(n, bool) or n != int(n) or n < 2:
        raise ValueError(f"n must be a whole number >= 2; got {n!r}.")
    admit(problem, n)
    if data is None and (wrong := problem_fault(problem)) is not None:
        raise ValueError(f"{wrong.told(problem)}.")
    own_quantities = _own(problem, n, quantities, drawn=data is None)
    choice = chosen(problem, algorithm, device, engine, own_quantities)
    runs = Runs([algorithm], [checkpoints], [choice], threads=os.cpu_count() or 1)
    drawn = (
        None
        if indices is None
        else _given_indices(indices, n, traits.batch(algorithm) * algorithm.steps, replicates).to(device)
    )

    counts = gradients_at(algorithm, checkpoints)
    size = block_size(problem, n)
    blocks = []
    for start in range(first // size * size, first + replicates, size):
        stream = Stream(seed, range(start, start + size), dtype=DTYPES[dtype], device=device)
        own = torch.arange(start - first, start - first + size).clamp(0, replicates - 1).to(device)  # padding repeats
        if examples is None:
            S = problem.sample(stream, n)
        else:
            S = examples.expand(size, -1, -1).contiguous() if examples.ndim == 2 else examples[own]

        def index(sampling: Sampling, stream: Stream = stream, own: Tensor = own) -> reference.Indices:
            if drawn is None:
                return drawn_indices(stream, n, sampling)
            return lambda j, count: drawn[own, j : j + count]

        with reference.one_thread():
            pair = Pair.of(problem, stream, S) if examples is None else Pair.alone(S)
            (path,) = pair.run(problem, runs, index, watcher(problem, pair.data, own_quantities))
            ground = GroundTruth.of(problem, pair)
            values, dataset = ground.decompose(problem, path, counts, own_quantities), ground.dataset()
        keep = slice(max(first - start, 0), min(first + replicates - start, size))
        blocks.append(
            (
                {name: value[keep] for name, value in values.items()},
                {name: value[keep] for name, value in dataset.items()},
                path.own.diverged_at.cpu().numpy()[keep],
                path.own.theta.cpu().numpy()[keep],
            )
        )
    measured, datasets, diverged_at, theta = zip(*blocks, strict=True)
    return Measurement(
        problem=problem,
        algorithm=algorithm,
        n=n,
        rounds=checkpoints,
        values={name: np.concatenate([part[name] for part in measured]) for name in measured[0]},
        dataset={name: np.concatenate([part[name] for part in datasets]) for name in datasets[0]},
        diverged_at=np.concatenate(diverged_at),
        theta=np.concatenate(theta),
        engine=choice,
        quantities=own_quantities,
    )


def _own(problem: Problem, n: int, quantities: Sequence[Quantity], *, drawn: bool) -> tuple[Quantity, ...]:
    """Those of one's own, tried near theta_0; ``drawn``: there are fresh examples, and so pairs of runs."""
    asked = tuple(quantities) if isinstance(quantities, list | tuple) else (quantities,)
    for place, own in enumerate(asked):
        if not isinstance(own, Quantity):
            raise ValueError(f"quantities must be a list of Quantity(name, function); got {own!r} in it.")
        if own.name in (other.name for other in asked[:place]):
            raise ValueError(f"quantities must have names of their own; got {own.name} twice.")
        if own.kind == "pair" and not drawn:
            raise ValueError(
                f"{own.name} compares two runs, and examples of one's own have no neighbour; leave out data."
            )
        if not try_quantity(own, problem, min(n, 4)):
            raise ValueError(f"{own.name} must be finite; it is not near theta_0.")
    return asked


def _rounds(algorithm: Algorithm | Method, rounds: Sequence[int] | None) -> np.ndarray:
    total = traits.rounds(algorithm)
    if rounds is None:
        return np.array([total])
    asked = np.asarray(rounds)
    if asked.ndim != 1 or not asked.size or (asked != np.floor(asked)).any() or (np.diff(asked) <= 0).any():
        raise ValueError(f"rounds must be ascending whole numbers; got {rounds!r}.")
    if asked[0] < 1 or asked[-1] > total:
        raise ValueError(f"rounds must lie between 1 and the algorithm's {total}; got {asked[0]} .. {asked[-1]}.")
    # A run is always read at its end, where a divergence would show.
    return np.unique(np.append(asked.astype(np.int64), total))


def _given_indices(indices: np.ndarray | Tensor, n: int, steps: int, replicates: int) -> Tensor:
    given = torch.as_tensor(np.asarray(indices))
    if given.ndim == 1:
        given = given.expand(replicates, -1)
    if given.is_floating_point() or given.shape != (replicates, steps):
        raise ValueError(
            f"indices must be whole numbers of shape ({steps},) or ({replicates}, {steps}), one a gradient step; "
            f"got {given.dtype} of shape {tuple(given.shape)}."
        )
    if int(given.min()) < 0 or int(given.max()) >= n:
        raise ValueError(f"indices must lie in 0 .. {n - 1}; got {int(given.min())} .. {int(given.max())}.")
    return given.to(torch.int64)
