"""The decomposition of the excess risk, replicate by replicate.

    optimization      F_S(theta) - F_S(theta*_S)
    generalization    F(theta)   - F_S(theta)          signed
    excess            F(theta)   - F_S(theta*_S)       the sum of the two
    population_excess F(theta)   - F(theta*)           the classical notion
    distance          ||theta - theta*_S||^2
    path_moment       mean over the steps so far of ||grad l(v_j; z_j)||^2 (the same for both outputs)

and, from a run on S^i (S with the example i exchanged for a fresh one) with the same indices, the *coupled* run,

    replace_one       l(theta(S^i); z_i) - l(theta(S); z_i): its expectation is that of the generalization error, since
                      theta(S^i) does not depend on z_i and i is drawn uniformly
    stability         ||theta(S) - theta(S^i)||
    path_stability    the largest stability at the checkpoints so far

A replicate is one dataset S, one index stream, one i and one fresh example. Replicates run in blocks aligned to the
replicate number, the last one padded, so that every replicate is computed in the same company whatever range is asked
for: a matrix product's bits change with its shape.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output, Sampling
from riskkit.engines import reference
from riskkit.engines.choice import Asked, Choice, choose
from riskkit.engines.numba import engine as fused_cpu
from riskkit.engines.triton import engine as fused_gpu
from riskkit.problem import Problem
from riskkit.rng.streams import Stream

QUANTITIES = (
    "optimization",
    "generalization",
    "excess",
    "population_excess",
    "distance",
    "path_moment",
    "replace_one",
    "stability",
    "path_stability",
)
COUPLED = ("replace_one", "stability", "path_stability")
DATASET = ("start_distance", "start_gap", "gradient_at_minimiser", "control")
Dtype = Literal["float64", "float32"]
DTYPES: dict[str, torch.dtype] = {"float64": torch.float64, "float32": torch.float32}


@dataclasses.dataclass(frozen=True)
class Measured:
    """One run on consecutive replicates first .. first + R - 1, read at K checkpoints; O = 2 outputs.

    Attributes:
        run: content address of the run.
        first: number of the first replicate.
        rounds: int64 (K,), the checkpoints.
        values: quantity -> float64 (R, K, O), outputs in the order of ``OUTPUTS``.
        dataset: name -> float64 (R,): start_distance ||theta_0 - theta*_S||^2, start_gap F_S(theta_0) - F_S*,
            gradient_at_minimiser ||grad F_S(theta*_S)||^2, control F(theta*) - F_S(theta*) (its expectation is 0).
        diverged_at: int64 (R,), gradients after which the parameters left the range, -1 if they did not.
        engine: which engine ran it.
    """

    run: str
    first: int
    rounds: np.ndarray
    values: dict[str, np.ndarray]
    dataset: dict[str, np.ndarray]
    diverged_at: np.ndarray
    engine: str


@dataclasses.dataclass(frozen=True)
class Measurement:
    """What ``simulate`` answers: one algorithm on one problem, R replicates, read at T in ``rounds`` (K,).

    ``optimization, generalization, excess, population_excess, distance`` are the (R,) values of the slow weights after
    the last round; ``at`` reads any other checkpoint, the average of the fast weights, and the other quantities.
    """

    rounds: np.ndarray
    values: dict[str, np.ndarray]
    dataset: dict[str, np.ndarray]
    diverged_at: np.ndarray
    theta: np.ndarray
    """(R, K, 2, d): the outputs ``last`` and ``average`` at the checkpoints."""
    engine: Choice
    """Which engine ran it, and why."""

    def at(self, quantity: str, T: int | None = None, output: Output = "last") -> np.ndarray:
        """(R,) values of a quantity after T rounds (default: the last checkpoint)."""
        if quantity not in self.values:
            raise KeyError(f"quantity must be one of {', '.join(self.values)}; got {quantity!r}.")
        slot = len(self.rounds) - 1 if T is None else int(np.searchsorted(self.rounds, T))
        if slot >= len(self.rounds) or (T is not None and self.rounds[slot] != T):
            raise KeyError(f"T must be one of the checkpoints {self.rounds.tolist()}; got {T}. Name it in rounds=.")
        return self.values[quantity][:, slot, OUTPUTS.index(output)]

    @property
    def optimization(self) -> np.ndarray:
        return self.at("optimization")

    @property
    def generalization(self) -> np.ndarray:
        return self.at("generalization")

    @property
    def excess(self) -> np.ndarray:
        return self.at("excess")

    @property
    def population_excess(self) -> np.ndarray:
        return self.at("population_excess")

    @property
    def distance(self) -> np.ndarray:
        return self.at("distance")


def block_size(problem: Problem, n: int) -> int:
    """Replicates computed together: a power of two from 32 to 256 that keeps a block's data near 32 MiB. It depends on
    the problem and n alone, since the bits of batched products depend on it."""
    size = 256
    while size > 32 and size * n * problem.dim > 2**22:
        size //= 2
    return size


def measure_block(
    problem: Problem,
    n: int,
    algorithms: Sequence[Algorithm | Method],
    rounds: Sequence[np.ndarray],
    addresses: Sequence[str],
    *,
    seed: int,
    first: int,
    dtype: str = "float64",
    device: str = "cpu",
    engine: str = "auto",
) -> list[Measured]:
    """All runs that share problem and n, on the block of replicates that starts at ``first``: draws S, solves for
    theta*_S, runs, evaluates and drops the data. One Measured a run.

    It computes on one thread: blocks, not operations, are what riskkit runs side by side."""
    choices = [choose(problem, algorithm, device, engine) for algorithm in algorithms]
    with reference.one_thread():
        stream = Stream(seed, range(first, first + block_size(problem, n)), dtype=DTYPES[dtype], device=device)
        data = problem.sample(stream, n)
        pair = _Pair.of(problem, stream, data)
        runs = _Runs(algorithms, rounds, choices, threads=1)
        paths = pair.run(problem, runs, lambda sampling: _drawn(stream, n, sampling))
        ground = _Ground.of(problem, pair)
        return [
            Measured(
                run=address,
                first=first,
                rounds=np.asarray(checkpoints, dtype=np.int64),
                values=ground.decompose(problem, path, _gradients(algorithm, checkpoints)),
                dataset=ground.dataset(),
                diverged_at=path.own.diverged_at.cpu().numpy(),
                engine=choice.engine,
            )
            for address, algorithm, checkpoints, choice, path in zip(
                addresses, algorithms, rounds, choices, paths, strict=True
            )
        ]


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
    dtype: Dtype = "float64",
    device: str = "cpu",
    engine: Asked = "auto",
) -> Measurement:
    """Runs one algorithm on replicates ``first .. first + replicates - 1`` and measures its risks.

    Args:
        n: sample size, at least 2. Left out when ``data`` is given.
        rounds: the T values to read, ascending; default the last round only.
        data: examples of one's own, (n, w) shared by all replicates or (R, n, w), instead of drawn ones. Then there is
            no fresh example, and no coupled run.
        indices: an index stream of one's own, (kT,) or (R, kT), instead of the one drawn by the algorithm's sampling.
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
    choice = choose(problem, algorithm, device, engine)
    runs = _Runs([algorithm], [checkpoints], [choice], threads=os.cpu_count() or 1)
    drawn = (
        None
        if indices is None
        else _given_indices(indices, n, traits.batch(algorithm) * algorithm.steps, replicates).to(device)
    )

    counts = _gradients(algorithm, checkpoints)
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
                return _drawn(stream, n, sampling)
            return lambda j, count: drawn[own, j : j + count]

        with reference.one_thread():
            pair = _Pair.of(problem, stream, S) if examples is None else _Pair(S, None, None)
            (path,) = pair.run(problem, runs, index)
            ground = _Ground.of(problem, pair)
            values, dataset = ground.decompose(problem, path, counts), ground.dataset()
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
        rounds=checkpoints,
        values={name: np.concatenate([part[name] for part in measured]) for name in measured[0]},
        dataset={name: np.concatenate([part[name] for part in datasets]) for name in datasets[0]},
        diverged_at=np.concatenate(diverged_at),
        theta=np.concatenate(theta),
        engine=choice,
    )


def _drawn(stream: Stream, n: int, sampling: Sampling) -> reference.Indices:
    match sampling:
        case "with replacement":
            return lambda j, count: stream.indices(n, j, count)
        case "without replacement":
            return lambda j, count: stream.shuffled(n, j, count)
        case "one stream for all":
            first = Stream(stream.seed, [0], device=stream.device)
            return lambda j, count: first.indices(n, j, count).expand(len(stream.replicates), -1)


def _gradients(algorithm: Algorithm | Method, rounds: np.ndarray) -> np.ndarray:
    return traits.gradients(algorithm, rounds)


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


class _Paths(NamedTuple):
    """A run on S and the coupled run on S^i."""

    own: reference.Path
    coupled: reference.Path | None


class _Runs(NamedTuple):
    """Algorithms, the rounds after which each is read, and the engine for each; fused ones may use several threads."""

    algorithms: Sequence[Algorithm | Method]
    rounds: Sequence[np.ndarray]
    choices: Sequence[Choice]
    threads: int

    def on(self, problem: Problem, data: Tensor, draw: Callable[[Sampling], reference.Indices]) -> list[reference.Path]:
        paths: dict[int, reference.Path] = {}
        ways = [
            (choice.engine, traits.sampling(algorithm))
            for choice, algorithm in zip(self.choices, self.algorithms, strict=True)
        ]
        for engine, sampling in dict.fromkeys(ways):
            own = [i for i, way in enumerate(ways) if way == (engine, sampling)]
            indices = draw(sampling)
            rounds = [self.rounds[i] for i in own]
            staged = [algorithm for i in own if isinstance(algorithm := self.algorithms[i], Algorithm)]
            if engine == "fused_cpu":
                found = fused_cpu.run(problem, staged, data, indices, rounds, self.threads)
            elif engine == "fused_gpu":
                found = fused_gpu.run(problem, staged, data, indices, rounds)
            else:
                found = reference.run(problem, [self.algorithms[i] for i in own], data, indices, rounds)
            paths.update(zip(own, found, strict=True))
        return [paths[i] for i in range(len(self.algorithms))]


class _Pair(NamedTuple):
    """A block of datasets S and S^i, (R, n, w) each, and the example of S that S^i lacks, (R, 1, w)."""

    data: Tensor
    coupled: Tensor | None
    left_out: Tensor | None

    @staticmethod
    def of(problem: Problem, stream: Stream, data: Tensor) -> _Pair:
        """i is one word of the stream; the fresh example is the first row of a dataset of another family."""
        R, n, w = data.shape
        fresh = Stream(stream.seed, stream.replicates, stream.dtype, stream.device, family="fresh ")
        i = (stream.words("replaced", 1, 1) * n >> 32).expand(R, 1, w)
        coupled = data.scatter(1, i, problem.sample(fresh, 1))
        return _Pair(data, coupled, data.gather(1, i))

    def run(self, problem: Problem, runs: _Runs, draw: Callable[[Sampling], reference.Indices]) -> list[_Paths]:
        """Both runs of every algorithm, on the same index stream."""
        if self.coupled is None:
            return [_Paths(path, None) for path in runs.on(problem, self.data, draw)]
        both = torch.cat([self.data, self.coupled])

        def twice(sampling: Sampling) -> reference.Indices:
            indices = draw(sampling)
            return lambda j, count: indices(j, count).repeat(2, 1)

        paths = runs.on(problem, both, twice)
        return [
            _Paths(*(reference.Path(*half) for half in zip(*(part.chunk(2) for part in path), strict=True)))
            for path in paths
        ]


@dataclasses.dataclass(frozen=True)
class _Ground:
    """What is known of a block of datasets before any algorithm runs, in float64; risks are (R,)."""

    data: Tensor
    left_out: Tensor | None
    minimiser: Tensor
    minimum: Tensor
    start: Tensor
    start_risk: Tensor
    gradient: Tensor
    control: Tensor
    population_minimum: Tensor

    @staticmethod
    def of(problem: Problem, pair: _Pair) -> _Ground:
        data = pair.data.double()

        def vector(values: Sequence[float] | np.ndarray) -> Tensor:
            return torch.as_tensor(np.asarray(values, dtype=np.float64)).to(data)

        minimiser = problem.empirical_minimiser(data)
        start = vector(problem.start)
        best = vector(problem.population_minimiser())
        everywhere = torch.stack([minimiser, start.expand_as(minimiser), best.expand_as(minimiser)], dim=1)
        risks = problem.empirical_risk(everywhere, data)
        population_minimum = problem.population_risk(best)
        return _Ground(
            data=data,
            left_out=None if pair.left_out is None else pair.left_out.double(),
            minimiser=minimiser,
            minimum=risks[:, 0],
            start=start,
            start_risk=risks[:, 1],
            gradient=_full_gradient(problem, minimiser, data),
            control=population_minimum - risks[:, 2],
            population_minimum=population_minimum,
        )

    def decompose(self, problem: Problem, paths: _Paths, gradients: np.ndarray) -> dict[str, np.ndarray]:
        """Quantity -> (R, K, 2). ``gradients`` (K,): how many had been taken at each checkpoint.

        The risks of one run come from one batched product, so that their bits depend on that run alone. A replicate
        has no value (NaN) from its divergence on.
        """
        path = paths.own
        R, K, outputs, d = path.theta.shape
        theta = path.theta.double()
        flat = theta.reshape(R, K * outputs, d)
        empirical = problem.empirical_risk(flat, self.data).reshape(R, K, outputs)
        population = problem.population_risk(flat).reshape(R, K, outputs)
        minimum = self.minimum[:, None, None]
        values = {
            "optimization": empirical - minimum,
            "generalization": population - empirical,
            "excess": population - minimum,
            "population_excess": population - self.population_minimum,
            "distance": (theta - self.minimiser[:, None, None, :]).square().sum(-1),
            "path_moment": path.path_moment[:, :, None].double().expand(-1, -1, outputs),
        }
        taken = torch.as_tensor(gradients, device=theta.device)[:, None]

        def gone(run: reference.Path) -> Tensor:
            since = run.diverged_at[:, None, None]
            return (since >= 0) & (since <= taken)

        lost = dict.fromkeys(values, gone(path))
        if paths.coupled is not None and self.left_out is not None:
            coupled = paths.coupled.theta.double()
            losses = problem.empirical_risk(torch.stack([coupled, theta], dim=1).reshape(R, -1, d), self.left_out)
            with_fresh, with_own = losses.reshape(R, 2, K, outputs).unbind(1)
            stability = (coupled - theta).square().sum(-1).sqrt()
            values |= {
                "replace_one": with_fresh - with_own,
                "stability": stability,
                "path_stability": stability.cummax(1).values,
            }
            lost |= dict.fromkeys(COUPLED, gone(path) | gone(paths.coupled))
        return {name: value.masked_fill(lost[name], torch.nan).cpu().numpy() for name, value in values.items()}

    def dataset(self) -> dict[str, np.ndarray]:
        values = {
            "start_distance": (self.start - self.minimiser).square().sum(-1),
            "start_gap": self.start_risk - self.minimum,
            "gradient_at_minimiser": self.gradient.square().sum(-1),
            "control": self.control,
        }
        return {name: value.cpu().numpy() for name, value in values.items()}


def _full_gradient(problem: Problem, theta: Tensor, data: Tensor) -> Tensor:
    """grad F_S(theta): theta (R, d), data (R, n, w) -> (R, d), the examples in the place of configurations."""
    total = torch.zeros_like(theta)
    n = data.shape[1]
    for first in range(0, n, 256):
        z = data[:, first : first + 256].flatten(0, 1)[:, None, :]
        count = z.shape[0] // data.shape[0]
        at = theta.repeat_interleave(count, dim=0)[:, None, :]
        total += problem.gradient(at, z).reshape(data.shape[0], count, -1).sum(1)
    return total / n
