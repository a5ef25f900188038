"""Schemes on the fused CPU engine: the arrays for ``scheme_kernel.py``, of one batch size and one ball at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from riskkit import vectors
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
    """Runs schemes of one batch size and one radius on ``x`` (R / share, n, w), each read ``after`` so many steps."""
    module = compiled.kernel(formulas.part(problem.formula), "scheme_kernel")  # type: ignore[attr-defined]
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
    momentum = aligned((groups, placed.banks * d * width), x.dtype, quarter=1)
    momentum[...] = 0
    inertia, decay = aligned(lanes, x.dtype), aligned(lanes, x.dtype)
    for lane, c in enumerate(placed.configuration.tolist()):
        inertia[lane], decay[lane] = (schemes[c].momentum, schemes[c].weight_decay) if c >= 0 else (0, 0)
    span = max(1, EXAMPLES // batch)
    step = max(span, min(TABLE // (2 * x.itemsize * lanes), INDICES // (8 * R * batch)) // span * span)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, line.steps, step):
            count = min(step, line.steps - first)
            eta, mixing = line.chunk(first, count)
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
                    inertia=inertia,
                    decay=decay,
                    momentum=momentum,
                    before=aligned((1, momentum.shape[1]), x.dtype),
                    gradient=aligned(d * width, x.dtype, quarter=3),
                )
                before = State(*(aligned((1, *part.shape[1:]), part.dtype) for part in state))
                spare = np.empty(d, dtype=x.dtype)
                active = line.active(first)
                module.advance(*bounds, active, order, formula, schedule, scheme, state, before, spare, results)

            side_by_side(work, groups, pool, threads)
    return [path(c, line, state, results) for c in range(len(schemes))]
