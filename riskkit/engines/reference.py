"""The reference engine: torch, any problem, any optimiser, CPU or CUDA. The others are tested against this one.

All configurations of a batch advance together, one stochastic gradient at a time, on the same row of each replicate's
dataset: state ``(R, C, d)``. The arithmetic is elementwise apart from sums over d, R is a multiple of 32 and one thread
computes, so that the vector loops have no remainder and a configuration's bits do not depend on its neighbours.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import OUTPUTS, Algorithm, Output
from riskkit.problem import Problem

Indices = Callable[[int, int], Tensor]
"""``indices(first, count)``: the example drawn at steps first .. first + count - 1, int64 (R, count)."""

CHUNK = 256
"""Gradient steps between two checks for divergence; rows are gathered so many steps at a time."""


class Path(NamedTuple):
    """One run, read at its checkpoints.

    Attributes:
        theta: (R, K, 2, d), the outputs in the order of ``OUTPUTS``.
        path_moment: (R, K), mean over the steps so far of ||grad l(v_j; z_j)||^2.
        diverged_at: int64 (R,), number of gradients after which the parameters left the range, -1 if none.
        watched: (R', K, Q), means over the steps so far of what ``watch`` said of v_j; None where nobody watched.
    """

    theta: Tensor
    path_moment: Tensor
    diverged_at: Tensor
    watched: Tensor | None = None


Watch = Callable[[Tensor], Tensor]
"""Numbers of the iterates before a step, (R, C, d) -> (R', C, Q): R' <= R replicates may be of interest."""


def run(
    problem: Problem,
    algorithms: Sequence[Algorithm | Method],
    data: Tensor,
    indices: Indices,
    rounds: Sequence[np.ndarray],
    watch: Watch | None = None,
    share: int = 1,
) -> list[Path]:
    """Runs every algorithm from theta_0 on ``data`` (R / share, n, w) and reads it after the given rounds (ascending).

    Of the R replicates, ``share`` after one another draw their examples from the same n rows. Returns one Path an
    algorithm, in their order. Call it within ``one_thread``.
    """
    paths: dict[int, Path] = {}
    batches: dict[int, list[tuple[int, Algorithm]]] = {}
    for i, algorithm in enumerate(algorithms):
        if isinstance(algorithm, Algorithm):
            batches.setdefault(algorithm.batch, []).append((i, algorithm))
        else:
            reads = [traits.steps_after(algorithm, rounds[i])]
            (paths[i],) = _advance(algorithm, problem, data, indices, reads, traits.batch(algorithm), watch, share)
    for size, staged in batches.items():
        # Longest first: the configurations still running are a prefix.
        staged.sort(key=lambda pair: -pair[1].steps)
        batch = StagedBatch([a for _, a in staged], data, problem.radius)
        reads = [a.steps_after(rounds[i]) for i, a in staged]
        advanced = _advance(batch, problem, data, indices, reads, size, watch, share)
        paths.update(zip((i for i, _ in staged), advanced, strict=True))
    return [paths[i] for i in range(len(algorithms))]


_alone = threading.Lock()
_bodies = 0
_threads = 1


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """The body computes on one thread: with more, torch splits vectors where the number of threads says, and a
    remainder's bits differ. Replicates, not operations, are what riskkit runs side by side.

    Bodies may run at the same time in several threads; the last one to end gives torch its threads back."""
    global _bodies, _threads
    with _alone:
        if _bodies == 0:
            _threads = torch.get_num_threads()
        _bodies += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _alone:
            _bodies -= 1
            if _bodies == 0:
                torch.set_num_threads(_threads)


class _State(NamedTuple):
    """Fast and slow weights, the stage's sum of fast weights, and the anchor (empty if no beta is positive)."""

    v: Tensor
    slow: Tensor
    total: Tensor
    anchor: Tensor


@dataclasses.dataclass(frozen=True)
class _Event:
    """What happens to some configurations at one step: their positions and, for a mixing, their alphas."""

    which: Tensor | slice
    alpha: Tensor


class StagedBatch:
    """C staged lookaheads, longest first, as one optimiser with state (R, C, d)."""

    def __init__(self, algorithms: Sequence[Algorithm], data: Tensor, radius: float | None) -> None:
        self.steps = algorithms[0].steps
        self.radius = radius
        lengths = np.array([algorithm.steps for algorithm in algorithms])
        self.active = [int(np.searchsorted(-lengths, -j)) for j in range(self.steps)]  # lengths > j
        eta = np.zeros((self.steps, len(algorithms)))
        beta = np.zeros_like(eta)
        mixing: dict[int, list[tuple[int, float]]] = {}
        restarts: dict[int, list[tuple[int, Output]]] = {}
        refresh: dict[int, list[int]] = {}
        self.stage_start = np.zeros((self.steps + 1, len(algorithms)), dtype=np.int64)
        for c, algorithm in enumerate(algorithms):
            first = 0
            for q, stage in enumerate(algorithm.stages):
                last = first + stage.steps
                eta[first:last, c] = stage.step.sizes(stage.T, stage.k)
                beta[first:last, c] = stage.beta
                self.stage_start[first + 1 : last + 1, c] = first
                for j in range(first + stage.k - 1, last, stage.k):
                    mixing.setdefault(j, []).append((c, stage.alpha))
                if q + 1 < len(algorithm.stages):
                    restarts.setdefault(last, []).append((c, stage.output))
                first = last
            if algorithm.anchor_every is not None:
                for j in range(0, first, algorithm.anchor_every):
                    refresh.setdefault(j, []).append(c)
        self.anchored = bool(beta.any())
        self.fixed_anchor = torch.tensor([a.anchor_every is not None for a in algorithms], device=data.device)
        self.eta = data.new_tensor(eta)[:, :, None]
        self.beta = data.new_tensor(beta)[:, :, None]
        self.mixing: dict[int, _Event] = {}
        # Few distinct sets of configurations mix at a step; make each once.
        made: dict[tuple[object, int], _Event] = {}
        for j, pairs in mixing.items():
            key = (tuple(pairs), self.active[j])
            if key not in made:
                everyone = [c for c, _ in pairs] == list(range(self.active[j]))
                chosen = torch.tensor([c for c, _ in pairs], device=data.device)
                which = slice(None) if everyone else chosen
                alpha = data.new_tensor([alpha for _, alpha in pairs])[:, None]
                made[key] = _Event(which, alpha)
            self.mixing[j] = made[key]
        self.restarts = restarts
        self.refresh = refresh

    def init(self, theta: Tensor) -> _State:
        """theta (R, 1, d) -> the state of all C configurations at theta_0."""
        v = theta.expand(-1, self.active[0], -1).contiguous()
        return _State(v, v.clone(), torch.zeros_like(v), v.clone() if self.anchored else v[:, :0].clone())

    def query(self, state: _State) -> Tensor:
        return state.v

    def before(self, state: _State, j: int) -> _State:
        """Drops the configurations that have finished, restarts stages and refreshes anchors, before the j-th step."""
        if state.v.shape[1] != self.active[j]:
            state = _State(*(part[:, : self.active[j]].contiguous() for part in state))
        for c, output in self.restarts.get(j, ()):
            end = state.slow[:, c] if output == "last" else self._average(state, j)[:, c]
            state.v[:, c] = end
            state.slow[:, c] = end
            state.total[:, c] = 0
            if self.anchored and not self.fixed_anchor[c]:
                state.anchor[:, c] = end
        if self.anchored and j in self.refresh:
            state.anchor[:, self.refresh[j]] = state.v[:, self.refresh[j]]
        return state

    def step(self, state: _State, gradient: Tensor, j: int) -> _State:
        v, slow, total, anchor = state
        total += v
        eta = self.eta[j, : v.shape[1]]
        if self.anchored:
            gradient = gradient + self.beta[j, : v.shape[1]] * (v - anchor)
        v -= eta * gradient
        if self.radius is not None:
            _project(v, self.radius)
        if (event := self.mixing.get(j)) is not None:
            # Written so that alpha = 1 leaves v as it is, bit for bit.
            mixed = (1 - event.alpha) * slow[:, event.which] + event.alpha * v[:, event.which]
            slow[:, event.which] = mixed
            v[:, event.which] = mixed
        return state

    def _average(self, state: _State, j: int) -> Tensor:
        taken = torch.as_tensor(j - self.stage_start[j, : state.v.shape[1]], device=state.v.device)
        average: Tensor = state.total / taken.to(state.v.dtype)[:, None]
        return average

    def output(self, state: _State, j: int) -> dict[Output, Tensor]:
        """After j gradients in all, at the end of a round."""
        return {"last": state.slow, "average": self._average(state, j)}


def _project(v: Tensor, radius: float) -> None:
    """Onto the ball of the given radius about the origin, in place."""
    norm = (v * v).sum(-1, keepdim=True).sqrt_()
    v *= (radius / norm).clamp_(max=1)


def _advance(
    optimiser: StagedBatch | Method,
    problem: Problem,
    data: Tensor,
    indices: Indices,
    reads: Sequence[np.ndarray],
    batch: int = 1,
    watch: Watch | None = None,
    share: int = 1,
) -> list[Path]:
    """The loop. ``reads[c]``: the step counts after which configuration c is read. The j-th step's gradient is the mean
    over the ``batch`` examples that the words from batch * j on draw; a method of one's own takes it from the problem's
    ``mean_gradient``, theta (R, 1, d), z (R, batch, w) -> (R, 1, d), where the problem has one."""
    replicates = len(data) * share
    theta_0 = torch.as_tensor(np.asarray(problem.start, dtype=np.float64)).to(data)
    had = [
        (o, name)
        for o, name in enumerate(OUTPUTS)
        if isinstance(optimiser, StagedBatch) or name in traits.outputs(optimiser)
    ]
    at: dict[int, list[tuple[int, int]]] = {}
    for c, counts in enumerate(reads):
        for slot, count in enumerate(counts):
            at.setdefault(int(count), []).append((c, slot))
    thetas = [data.new_full((replicates, len(counts), len(OUTPUTS), problem.dim), torch.nan) for counts in reads]
    moments = [data.new_full((replicates, len(counts)), torch.nan) for counts in reads]
    watched: list[Tensor] = []  # made when the first numbers come: their sums, then what was read of each configuration
    diverged = torch.full((replicates, len(reads)), -1, dtype=torch.int64, device=data.device)

    state = optimiser.init(theta_0.expand(replicates, 1, -1))
    # In float32, sums of a thousand squares would lose more than the steps do.
    moment = torch.zeros((replicates, len(reads)), dtype=torch.float64, device=data.device)
    block = torch.arange(replicates, device=data.device) // share
    limit = torch.finfo(data.dtype).max ** 0.5 * 1e-4  # ||theta||^2 stays finite below it, for any d we can hold

    def out_of_range(theta: Tensor) -> Tensor:
        return torch.logical_not((theta.abs() <= limit).all(-1))

    def beyond(theta: Tensor, since: Tensor) -> bool:
        return bool((out_of_range(theta) & (since < 0)).any())

    # One configuration has no neighbours on which the bits of a product could depend.
    of_batch = getattr(problem, "mean_gradient", None) if batch > 1 and not isinstance(optimiser, StagedBatch) else None

    def note(numbers: Tensor) -> None:
        if not watched:
            shape = (len(numbers), len(reads), numbers.shape[-1])
            watched.append(numbers.new_zeros(shape))
            watched.extend(numbers.new_full((shape[0], len(counts), shape[2]), torch.nan) for counts in reads)
        watched[0][:, : numbers.shape[1]] += numbers

    def one(state: Any, z: Tensor, j: int, watch: Watch | None = None) -> tuple[Any, Tensor]:
        if isinstance(optimiser, StagedBatch):
            state = optimiser.before(state, j)
        at_query = optimiser.query(state)
        if watch is not None:
            note(watch(at_query))
        if of_batch is not None:
            gradient = of_batch(at_query, z)
        else:
            gradient = problem.gradient(at_query, z[:, 0, None, :])
            for i in range(1, batch):
                gradient = gradient + problem.gradient(at_query, z[:, i, None, :])
            if batch > 1:
                gradient = gradient / batch
        square = (gradient * gradient).sum(-1)
        return optimiser.step(state, gradient, j), square

    for first in range(0, optimiser.steps, CHUNK):
        count = min(CHUNK, optimiser.steps - first)
        drawn = indices(first * batch, count * batch).reshape(replicates, count, batch).transpose(0, 1)
        z = data[block[:, None], drawn]  # (count, R, batch, w): each step's rows lie together
        start = copied(state)
        suspect = False
        for j in range(first, first + count):
            state, square = one(state, z[j - first], j, watch)
            moment[:, : square.shape[1]] += square
            if j + 1 in at:
                outputs = (
                    optimiser.output(state, j + 1) if isinstance(optimiser, StagedBatch) else optimiser.output(state)
                )
                for c, slot in at[j + 1]:
                    for o, name in had:
                        thetas[c][:, slot, o] = outputs[name][:, c]
                        suspect |= beyond(outputs[name][:, c], diverged[:, c])
                    moments[c][:, slot] = moment[:, c] / (j + 1)
                    if watched:
                        watched[1 + c][:, slot] = watched[0][:, c] / (j + 1)
        left = optimiser.query(state)
        if suspect or beyond(left, diverged[:, : left.shape[1]]):
            # Rare: go through the chunk again to name the step.
            again = start
            for j in range(first, first + count):
                again, _ = one(again, z[j - first], j)
                gone = out_of_range(optimiser.query(again))
                seen = diverged[:, : gone.shape[1]]
                seen[gone & (seen < 0)] = batch * (j + 1)
    noted: Sequence[Tensor | None] = watched[1:] or [None] * len(reads)
    return [Path(*parts) for parts in zip(thetas, moments, diverged.unbind(1), noted, strict=True)]


def copied(state: Any) -> Any:
    """A state with copies of its tensors, to go back to."""
    parts = [part.clone() if isinstance(part, Tensor) else part for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
