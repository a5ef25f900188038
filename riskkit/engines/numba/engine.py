"""The fused CPU engine: compiled loops for problems with a formula, to the contract of the reference engine.

Replicate by replicate, while its data is in cache, all configurations advance together on the same row, one vector lane
each. A lane's bits depend neither on its neighbours nor on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from torch import Tensor

from riskkit import vectors
from riskkit.algorithms import traits
from riskkit.algorithms.method import Method
from riskkit.algorithms.staged import Algorithm
from riskkit.engines import formulas
from riskkit.engines.numba import compiled, schemes
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
from riskkit.engines.numba.state import SPAN, Order, Schedule, State
from riskkit.engines.reference import Indices, Path
from riskkit.engines.schedule import companies, had, timeline
from riskkit.problem import Problem


def refusal(problem: Problem) -> str | None:
    """Why this engine cannot run the problem, or None."""
    formula = getattr(problem, "formula", None)
    return f"{problem.name} has no formula" if formula is None else formulas.refusal(formula)


def run(
    problem: Problem,
    algorithms: Sequence[Algorithm | Method],
    data: Tensor,
    indices: Indices,
    rounds: Sequence[np.ndarray],
    threads: int = 1,
    share: int = 1,
) -> list[Path]:
    """Runs every algorithm from theta_0 on ``data`` (R / share, n, w) and reads it after the given rounds (ascending).

    Of the R replicates, ``share`` after one another draw their examples from the same n rows. Returns one Path an
    algorithm, in their order. ``refusal`` must be None, and each algorithm a ``Scheme``.
    """
    x = data.contiguous().numpy()
    paths: dict[int, Path] = {}
    after = [traits.steps_after(algorithm, own) for algorithm, own in zip(algorithms, rounds, strict=True)]
    together = companies(algorithms, problem.radius)
    if together.plain:
        reads = [after[c] for c in together.plain]
        found = _run(problem, list(together.plain.values()), x, indices, reads, threads, share)
        paths.update(zip(together.plain, found, strict=True))
    for company in together.schemes:
        reads = [after[c] for c in company]
        found = schemes.run(problem, list(company.values()), x, indices, reads, threads, share)
        paths.update(zip(company, found, strict=True))
    return [had(algorithm, paths[c]) for c, algorithm in enumerate(algorithms)]


def _run(
    problem: Problem,
    algorithms: Sequence[Algorithm],
    x: np.ndarray,
    indices: Indices,
    after: Sequence[np.ndarray],
    threads: int,
    share: int,
) -> list[Path]:
    """Staged lookaheads on single examples, each read ``after`` so many steps."""
    module = compiled.kernel(formulas.part(problem.formula))  # type: ignore[attr-defined]
    blocks, n, w = x.shape
    R = blocks * share
    together = sharing([algorithm.steps for algorithm in algorithms], x, share)
    line = timeline(algorithms, after, vectors.count(x.dtype), together)
    members, width = line.layout.members, line.layout.width
    groups = -(-R // members)
    formula = numbers(problem, problem.radius, x.dtype)
    state = start(problem, line, groups, x.dtype)
    results = unread(line, R, problem.dim, x.dtype)
    lane_count = len(line.layout.member)
    step = max(SPAN, min(TABLE // (x.itemsize * lane_count), INDICES // (8 * R)) // SPAN * SPAN)

    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, line.steps, step):
            count = min(step, line.steps - first)
            eta, mixing = line.chunk(first, count)
            sizes = aligned(eta.size, x.dtype)
            sizes[...] = eta.ravel()
            schedule = scheduled(line, sizes, mixing)
            order = Order(
                x=x.reshape(-1),
                replicates=R,
                share=share,
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
                    data=aligned(2 * width, np.int64),
                    drawn=aligned(2 * width, np.int64),
                    place=aligned(width, np.int64),
                    rows=aligned(4 * w * width, x.dtype) if members > 1 else None,
                    lengths=aligned(SPAN + 1, x.dtype),
                    products=aligned(SPAN + 1, x.dtype),
                )
                before = State(*(aligned((1, *part.shape[1:]), part.dtype) for part in state))
                spare = np.empty(problem.dim, dtype=x.dtype)
                module.advance(*bounds, active, own, formula, schedule, state, before, spare, results)

            side_by_side(work, groups, pool, threads)
    return [path(c, line, state, results) for c in range(len(algorithms))]
