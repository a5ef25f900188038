"""The fused CPU engine: compiled loops for problems with a formula, to the contract of the reference engine.

Replicate by replicate, while its data is in cache, all configurations advance together on the same row, one vector lane
each. A lane's bits depend neither on its neighbours nor on the number of threads.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from riskkit import vectors
from riskkit.algorithms.staged import OUTPUTS, Algorithm
from riskkit.engines import formulas
from riskkit.engines.numba import compiled
from riskkit.engines.numba.state import SPAN, Formula, Order, Results, Schedule, State
from riskkit.engines.reference import Indices, Path
from riskkit.engines.schedule import Timeline, timeline
from riskkit.problem import Linear, Problem

TABLE = 2**20
"""Bytes of the table of step sizes of a chunk, which stays in the second-level cache while the replicates go by."""

INDICES = 2**25
"""Bytes of a chunk's indices."""

PAGE = 2**12
"""Bytes of a page of memory."""


def refusal(problem: Problem) -> str | None:
    """Why this engine cannot run the problem, or None."""
    formula = getattr(problem, "formula", None)
    return f"{problem.name} has no formula" if formula is None else formulas.refusal(formula)


def run(
    problem: Problem,
    algorithms: Sequence[Algorithm],
    data: Tensor,
    indices: Indices,
    rounds: Sequence[np.ndarray],
    threads: int = 1,
) -> list[Path]:
    """Runs every algorithm from theta_0 on ``data`` (R, n, w) and reads it after the given rounds (ascending).

    Returns one Path an algorithm, in their order. ``refusal`` must be None.
    """
    module = compiled.kernel(formulas.part(problem.formula))  # type: ignore[attr-defined]
    x = data.contiguous().numpy()
    R, n, w = x.shape
    line = timeline(algorithms, rounds, vectors.count(x.dtype))
    members, width = line.layout.members, line.layout.width
    groups = -(-R // members)
    formula = _formula(problem, x.dtype)
    state = _start(problem, line, groups, x.dtype)
    slots = int(line.offsets[-1])
    results = Results(
        theta=np.full((R, slots, len(OUTPUTS), problem.dim), np.nan, dtype=x.dtype),
        moment=np.full((R, slots), np.nan, dtype=x.dtype),
    )
    banks = np.arange(line.layout.banks + 1)
    event_first, reading_first = (np.searchsorted(part["bank"], banks) for part in (line.events, line.readings))
    ends = np.linspace(0, groups, min(threads, groups) + 1).astype(int).tolist()
    lane_count = len(line.layout.member)
    step = max(SPAN, min(TABLE // (x.itemsize * lane_count), INDICES // (8 * R)) // SPAN * SPAN)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, line.steps, step):
            count = min(step, line.steps - first)
            eta, mixing = line.chunk(first, count)
            sizes = _aligned(eta.size, x.dtype)
            sizes[...] = eta.ravel()
            schedule = Schedule(
                members=members,
                member=line.layout.member,
                eta=sizes,
                mixing=mixing.ravel(),
                events=line.events,
                event_first=event_first,
                readings=line.readings,
                reading_first=reading_first,
            )
            order = Order(
                x=x.reshape(-1),
                replicates=R,
                n=n,
                width=w,
                chosen=indices(first, count).contiguous().numpy().reshape(-1),
                first=first,
                steps=count,
                data=None,
                drawn=None,
                place=None,
                rows=None,
                lengths=None,
                products=None,
            )

            def work(
                bounds: tuple[int, int],
                order: Order = order,
                schedule: Schedule = schedule,
                active: int = line.active(first),
            ) -> None:
                own = order._replace(
                    data=_aligned(2 * width, np.int64),
                    drawn=_aligned(2 * width, np.int64),
                    place=_aligned(width, np.int64),
                    rows=_aligned(4 * w * width, x.dtype) if members > 1 else None,
                    lengths=_aligned(SPAN + 1, x.dtype),
                    products=_aligned(SPAN + 1, x.dtype),
                )
                before = State(*(_aligned((1, *part.shape[1:]), part.dtype) for part in state))
                spare = np.empty(problem.dim, dtype=x.dtype)
                module.advance(*bounds, active, own, formula, schedule, state, before, spare, results)

            own, *others = itertools.pairwise(ends)
            running = [pool.submit(work, bounds) for bounds in others]
            work(own)
            for other in running:
                other.result()
    return [_path(c, line, state, results) for c in range(len(algorithms))]


def _formula(problem: Problem, kind: np.dtype[Any]) -> Formula:
    formula = problem.formula  # type: ignore[attr-defined]
    if isinstance(formula, Linear):
        parameter, weights = formula.parameter, np.full(problem.dim, formula.ridge)
    else:
        parameter, weights = 0.0, np.array(formula.parameters)
    return Formula(
        parameter=kind.type(parameter),
        weights=weights.astype(kind),
        radius=kind.type(problem.radius or 0.0),
        limit=kind.type(np.finfo(kind).max ** 0.5 * 1e-4),  # the reference engine's
    )


def _start(problem: Problem, line: Timeline, groups: int, kind: np.dtype[Any]) -> State:
    """Every lane at theta_0."""
    placed = line.layout
    lanes = len(placed.member)
    theta_0 = np.asarray(problem.start, dtype=np.float64).astype(kind)[:, None]

    def filled(value: Any, quarter: int) -> np.ndarray:
        room = _aligned((groups, placed.banks, problem.dim, placed.width), kind, quarter)
        room[...] = value
        return room.reshape(groups, -1)

    def of_lanes(value: Any, dtype: Any) -> np.ndarray:
        room = _aligned((groups, lanes), dtype)
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


def _aligned(shape: tuple[int, ...] | int, dtype: Any, quarter: int = 0) -> np.ndarray:
    """Room, not filled, that begins where a cache line does, so that no vector straddles two and no two threads write
    to one, and so many quarters into a page.

    A processor holds a load for one of a store still under way if the last 12 bits of their addresses agree: what is
    stored and loaded in turn must not lie in the same place of different pages."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.empty(size + 2 * PAGE, dtype=np.uint8)
    first = -room.ctypes.data % PAGE + quarter * PAGE // 4
    return room[first : first + size].view(dtype).reshape(shape)


def _path(c: int, line: Timeline, state: State, results: Results) -> Path:
    """What was read of configuration c."""
    slots = slice(line.offsets[c], line.offsets[c + 1])
    own = np.flatnonzero(line.layout.configuration == c)
    diverged = state.diverged[:, own].reshape(-1)[: len(results.theta)]
    return Path(
        *(torch.from_numpy(part.copy()) for part in (results.theta[:, slots], results.moment[:, slots], diverged))
    )
