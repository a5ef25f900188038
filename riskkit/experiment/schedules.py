"""Step sizes that a person gives: as many as there are steps, finite, > 0, and in a longer run the same if they say so.

They are looked at before a plan is made of them: an exact engine reads them there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from riskkit.algorithms.staged import Algorithm
from riskkit.algorithms.steps import horizon_free
from riskkit.experiment.callbacks import asked, place

MOST = 2**24
"""Steps at which a schedule is tried; whether a longer run fits the memory is said by its own check."""


def schedule_fault(step: Any, T: int, k: int) -> str | None:
    """What is wrong with the sizes of a schedule for T rounds of k steps, or None."""
    found = step.sizes(T, k)
    try:
        sizes = np.asarray(found)
    except Exception:
        return f"sizes({T}, {k}) must be {T * k} numbers; got {type(found).__name__}"
    if sizes.dtype.kind not in "fiu":
        return f"sizes({T}, {k}) must be {T * k} numbers; got {type(found).__name__} of {sizes.dtype}"
    if sizes.shape != (T * k,):
        return f"sizes({T}, {k}) must have one number for each of the {T * k} steps; got shape {sizes.shape}"
    bad = ~(np.isfinite(sizes) & (sizes > 0))
    if bad.any():
        j = int(np.flatnonzero(bad)[0])
        return f"sizes({T}, {k}) must be finite numbers > 0; got {sizes[j]:g} at step {j}"
    if horizon_free(step):
        longer = np.asarray(step.sizes(2 * T, k))
        if longer.shape == (2 * T * k,) and not np.array_equal(longer[: T * k], sizes):
            return "it says that it is horizon_free, but its sizes change with T; drop horizon_free"
    return None


def vet_schedules(name: str, algorithms: Iterable[Any]) -> None:
    """Raises ValueError, in one line, for a schedule that is none, at the least and the most steps that it is
    wanted for, MOST at the most."""
    lengths: dict[Any, set[tuple[int, int]]] = {}
    for algorithm in algorithms:
        if isinstance(algorithm, Algorithm):
            for stage in algorithm.stages:
                lengths.setdefault(stage.step, set()).add((stage.T, stage.k))
        elif hasattr(own := getattr(algorithm, "step_sizes", None), "sizes"):
            lengths.setdefault(own, set()).add((int(algorithm.steps), 1))
    for step, found in lengths.items():
        if not callable(getattr(step, "sizes", None)):
            raise ValueError(
                f"{name}: a schedule must have sizes(T, k); got {step!r}; for a constant step write Constant(...)."
            )
        kind = type(step)
        for T, k in {(max(1, min(T, MOST // k)), k) for T, k in (min(found), max(found))}:
            wrong = asked(f"{name}: {kind.__name__}.sizes({T}, {k})", schedule_fault, step, T, k)
            if wrong is not None:
                raise ValueError(f"{name}: {kind.__name__}: {wrong}{place(getattr(kind, 'sizes', kind))}.")
