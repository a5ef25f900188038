"""Schemes on the fused CPU engine: the arrays for ``scheme_kernel.py``, of one step, batch size and ball at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from riskkit import vectors
from riskkit.algorithms.formulas import ended
from riskkit.algorithms.scheme import Scheme
from riskkit.engines import formulas
from riskkit.engines.numba import compiled
from riskkit.engines.numba.rooms import (
    INDICES,
    TABLE,
    aligned,
    numbers,
    path,
    scheduled,
    sharing,
    side_by_side,
    start,
    unread,
)
from riskkit.engines.numba.state import Order, Schedule, State
from riskkit.engines.reference import Indices, Path
from riskkit.engines.schedule import timeline
from riskkit.problem import Problem

EXAMPLES = 256
"""Examples between two checks for divergence, but at least one step's. It depends on nothing beside the batch."""


def run(
    problem: Problem,
    schemes: Sequence[Scheme],
    x: np.ndarray,
    indices: Indices,
    after: Sequence[np.ndarray],
    threads: int,
    share: int,
) -> list[Path]:
    """Runs schemes of one step, batch size and radius on ``x`` (R / share, n, w), each read ``after`` so many steps."""
    own = schemes[0].step
    module = compiled.kernel(formulas.part(problem.formula), own)  # type: ignore[attr-defined]
    blocks, n, w = x.shape
    R = blocks * share
    batch, radius, d = schemes[0].batch, schemes[0].radius, problem.dim
    together = sharing([scheme.steps for scheme in schemes], x, share, batch)
    line = timeline(schemes, after, vectors.count(x.dtype), together)
    placed = line.layout
    width, lanes = placed.width, len(placed.member)
    groups = -(-R // placed.members)
    formula = numbers(problem, radius, x.dtype)
    state = start(problem, line, groups, x.dtype)
    results = unread(line, R, d, x.dtype)
    size = placed.banks * d * width
    states = tuple(aligned((groups, size), x.dtype, quarter) for quarter in range(1, 1 + len(own.states)))
    for state_, begins in zip(states, own.starts, strict=True):
        state_[...] = state.v if begins == "v" else begins
    chosen_numbers = aligned((max(1, len(own.numbers)), lanes), x.dtype)
    for lane, c in enumerate(placed.configuration.tolist()):
        chosen_numbers[:, lane] = (schemes[c].step_numbers or 0) if c >= 0 else 0
    span = max(1, EXAMPLES // batch)
    step = max(span, min(TABLE // (2 * x.itemsize * lanes), INDICES // (8 * R * batch)) // span * span)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, line.steps, step):
            count = min(step, line.steps - first)
            eta, mixing = line.chunk(first, count, ended(own))
            sizes, weights = (aligned(eta.size, x.dtype) for _ in range(2))
            sizes[...], weights[...] = eta.ravel(), line.averaging(first, count).ravel()
            schedule = scheduled(line, sizes, mixing)
            chosen = indices(first * batch, count * batch).contiguous().numpy().reshape(-1)

            def work(
                bounds: tuple[int, int],
                schedule: Schedule = schedule,
                weights: np.ndarray = weights,
                chosen: np.ndarray = chosen,
                first: int = first,
                count: int = count,
            ) -> None:
                order = Order(
                    x=x.reshape(-1),
                    replicates=R,
                    share=share,
                    n=n,
                    width=w,
                    chosen=chosen,
                    first=first * batch,
                    steps=count * batch,
                    data=aligned(2 * width, np.int64),
                    drawn=aligned(2 * width, np.int64),
                    place=aligned(width, np.int64),
                    rows=aligned(4 * w * width, x.dtype) if placed.members > 1 else None,
                    lengths=None,
                    products=None,
                )
                scheme = module.Scheme(
                    batch=batch,
                    share=x.dtype.type(1 / batch),
                    first=first,
                    steps=count,
                    span=span,
                    averaging=weights,
                    numbers=chosen_numbers.reshape(-1),
                    states=states,
                    before=tuple(aligned((1, size), x.dtype) for _ in states),
                    gradient=aligned(d * width, x.dtype, quarter=3),
                )
                before = State(*(aligned((1, *part.shape[1:]), part.dtype) for part in state))
                spare = np.empty(d, dtype=x.dtype)
                active = line.active(first)
                module.advance(*bounds, active, order, formula, schedule, scheme, state, before, spare, results)

            side_by_side(work, groups, pool, threads)
    return [path(c, line, state, results) for c in range(len(schemes))]
