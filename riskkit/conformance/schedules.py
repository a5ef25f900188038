"""Is a schedule of one's own what algorithms take it for?"""

from __future__ import annotations

from typing import Any

import numpy as np

from riskkit.algorithms.steps import described, first_size, horizon_free, scaled
from riskkit.conformance.findings import EXACT, Found, Report, guarded
from riskkit.experiment.schedules import schedule_fault

LENGTHS = ((1, 1), (1, 5), (7, 1), (6, 4), (64, 1), (250, 8))
"""(T, k) that are tried."""


def check_schedule(schedule: Any) -> Report:
    """Length, sign and finiteness of its sizes for several (T, k); that they are the same when asked again; and, as far
    as it says so, that a longer run has the same ones, what its first and largest is, and what a multiple of it is."""
    return Report(
        type(schedule).__name__,
        (
            guarded("declarations", lambda: _declarations(schedule)),
            guarded("sizes", lambda: _sizes(schedule)),
            guarded("longer runs", lambda: _longer(schedule)),
            guarded("first", lambda: _first(schedule)),
            guarded("scaled", lambda: _scaled(schedule)),
        ),
    )


def _declarations(schedule: Any) -> Found:
    faults = []
    if not callable(getattr(schedule, "sizes", None)):
        return Found(["a schedule must have sizes(T, k)."])
    if not getattr(getattr(schedule, "__dataclass_params__", None), "frozen", False):
        faults.append("it must be a frozen dataclass, whose fields identify it; add @dataclass(frozen=True).")
    else:
        hash(schedule)
    own = getattr(schedule, "described", None)
    if own is not None and not isinstance(own(), str):
        faults.append(f"described() must be a text; got {own()!r}.")
    return Found(faults, described(schedule) if not faults else "")


def _sizes(schedule: Any) -> Found:
    faults = []
    for T, k in LENGTHS:
        wrong = schedule_fault(schedule, T, k)
        if wrong is not None and "horizon_free" not in wrong:
            return Found([f"{wrong}."])
        if not np.array_equal(schedule.sizes(T, k), schedule.sizes(T, k)):
            faults.append(f"sizes({T}, {k}) differ when asked again; they may depend on T, k and its fields alone.")
    return Found(faults[:1], f"for (T, k) in {', '.join(map(str, LENGTHS))}")


def _longer(schedule: Any) -> Found:
    same = all(np.array_equal(schedule.sizes(T, k), np.asarray(schedule.sizes(2 * T, k))[: T * k]) for T, k in LENGTHS)
    if horizon_free(schedule):
        fault = "it says that it is horizon_free, but its sizes change with T; drop horizon_free."
        return Found([] if same else [fault], "" if not same else "the same: one run serves every T")
    return Found([], "the same: horizon_free = True would let one run serve every T" if same else "they change with T")


def _first(schedule: Any) -> Found:
    for T, k in LENGTHS:
        sizes = np.asarray(schedule.sizes(T, k), dtype=np.float64)
        said = first_size(schedule, T, k)
        if abs(said - sizes.max()) > EXACT * sizes.max():
            return Found([f"first({T}, {k}) must be the largest size, {sizes.max():.6g}; got {said:.6g}."])
    return Found([], f"{said:.6g} for T = {T}, k = {k}")


def _scaled(schedule: Any) -> Found:
    for T, k in LENGTHS:
        want, got = 0.3 * np.asarray(schedule.sizes(T, k)), np.asarray(scaled(schedule, 0.3).sizes(T, k))
        if got.shape != want.shape or (np.abs(got - want) > EXACT * want).any():
            return Found([f"scaled(0.3) must have .3 times the sizes; for T = {T}, k = {k} it has others."])
    return Found([])
