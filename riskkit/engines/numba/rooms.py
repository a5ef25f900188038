"""The arrays of the fused CPU engine: the numbers of a formula, lanes at the start, what was read in the end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from riskkit import vectors
from riskkit.algorithms.staged import OUTPUTS
from riskkit.engines.numba.state import Formula, Results, Schedule, State
from riskkit.engines.reference import Path
from riskkit.engines.schedule import Timeline, members
from riskkit.problem import Linear, Problem

PAGE = 2**12
"""Bytes of a page of memory."""

TABLE = 2**20
"""Bytes of the tables of a chunk, of step sizes and of weights, which stay in the second-level cache while the
replicates go by."""

INDICES = 2**25
"""Bytes of a chunk's indices."""


NEAR = 2**19
"""Bytes of the rows of a group, half of a second-level cache."""


def sharing(lengths: Sequence[int], x: np.ndarray, share: int, batch: int = 1) -> int:
    """Replicates to a group, for configurations of so many steps on ``x`` (R / share, n, w): as many as are fastest
    while their rows stay near, but at least as many as fill a vector."""
    blocks, n, w = x.shape
    width = vectors.count(x.dtype)
    rows = min(n, max(lengths) * batch)
    return members(lengths, width, blocks * share, max(width // len(lengths), share * NEAR // (rows * w * x.itemsize)))


def numbers(problem: Problem, radius: float | None, kind: np.dtype[Any]) -> Formula:
    """A problem's formula, with the radius of the ball that steps are projected onto."""
    formula = problem.formula  # type: ignore[attr-defined]
    if isinstance(formula, Linear):
        parameter, weights = formula.parameter, np.full(problem.dim, formula.ridge)
    else:
        parameter, weights = 0.0, np.array(formula.parameters)
    return Formula(
        parameter=kind.type(parameter),
        weights=weights.astype(kind),
        radius=kind.type(radius or 0.0),
        limit=kind.type(np.finfo(kind).max ** 0.5 * 1e-4),  # the reference engine's
    )


def start(problem: Problem, line: Timeline, groups: int, kind: np.dtype[Any]) -> State:
    """Every lane at theta_0."""
    placed = line.layout
    lanes = len(placed.member)
    theta_0 = np.asarray(problem.start, dtype=np.float64).astype(kind)[:, None]

    def filled(value: Any, quarter: int) -> np.ndarray:
        room = aligned((groups, placed.banks, problem.dim, placed.width), kind, quarter)
        room[...] = value
        return room.reshape(groups, -1)

    def of_lanes(value: Any, dtype: Any) -> np.ndarray:
        room = aligned((groups, lanes), dtype)
        room[...] = value
        return room

    return State(
        v=filled(theta_0, 0),
        slow=filled(theta_0, 1),
        total=filled(0, 2),
        anchor=filled(theta_0, 3),
        alpha=of_lanes(line.alpha, kind),
        beta=of_lanes(line.beta, kind),
        moment=of_lanes(0, np.float64),
        diverged=of_lanes(-1, np.int64),
        u=of_lanes(0, kind),
    )


def aligned(shape: tuple[int, ...] | int, dtype: Any, quarter: int = 0) -> np.ndarray:
    """Room, not filled, that begins where a cache line does, so that no vector straddles two and no two threads write
    to one, and so many quarters into a page.

    A processor holds a load for one of a store still under way if the last 12 bits of their addresses agree: what is
    stored and loaded in turn must not lie in the same place of different pages."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + 2 * PAGE, dtype=np.uint8)
    first = -room.ctypes.data % PAGE + quarter * PAGE // 4
    return room[first : first + size].view(dtype).reshape(shape)


def path(c: int, line: Timeline, state: State, results: Results) -> Path:
    """What was read of configuration c."""
    slots = slice(line.offsets[c], line.offsets[c + 1])
    own = np.flatnonzero(line.layout.configuration == c)
    diverged = state.diverged[:, own].reshape(-1)[: len(results.theta)]
    return Path(
        *(torch.from_numpy(part.copy()) for part in (results.theta[:, slots], results.moment[:, slots], diverged))
    )


def unread(line: Timeline, replicates: int, dim: int, kind: np.dtype[Any]) -> Results:
    """Rooms for what is read, nan where nothing was yet."""
    slots = int(line.offsets[-1])
    return Results(
        theta=np.full((replicates, slots, len(OUTPUTS), dim), np.nan, dtype=kind),
        moment=np.full((replicates, slots), np.nan, dtype=kind),
    )


def scheduled(line: Timeline, sizes: np.ndarray, mixing: np.ndarray) -> Schedule:
    """What happens in a chunk: its step sizes, flat, and whether a lane mixes after a step."""
    banks = np.arange(line.layout.banks + 1)
    event_first, reading_first = (np.searchsorted(part["bank"], banks) for part in (line.events, line.readings))
    return Schedule(
        members=line.layout.members,
        member=line.layout.member,
        eta=sizes,
        mixing=mixing.ravel(),
        ends=line.ends,
        events=line.events,
        event_first=event_first,
        readings=line.readings,
        reading_first=reading_first,
    )


def side_by_side(work: Callable[[tuple[int, int]], None], groups: int, pool: ThreadPoolExecutor, threads: int) -> None:
    """The groups dealt out to threads in even runs, the first of them to this one."""
    ends = np.linspace(0, groups, min(threads, groups) + 1).astype(int).tolist()
    own, *others = itertools.pairwise(ends)
    running = [pool.submit(work, bounds) for bounds in others]
    work(own)
    for other in running:
        other.result()
