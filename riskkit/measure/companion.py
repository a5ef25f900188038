"""Control variates from a companion: the same algorithm on the same examples and draws, with a quadratic loss.

A problem may have an attribute ``companion``: a problem whose losses are quadratic and whose examples are the same
rows, near enough to it for the same steps to move both alike. Every expectation of the companion's run is known
(``riskkit.measure.closed``), so that what is measured of it less its expectation has mean 0 whatever the problem is,
and stands with that of the run itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from riskkit.algorithms.staged import Sampling
from riskkit.engines import moments, reference
from riskkit.engines.choice import choose
from riskkit.measure.closed import expectations
from riskkit.measure.coupled import Pair
from riskkit.measure.decomposition import GroundTruth
from riskkit.measure.quantities import FOLLOWED, followed
from riskkit.measure.runs import Runs, gradients_at
from riskkit.problem import Problem


def controls(
    problem: Problem,
    n: int,
    algorithms: Sequence[Any],
    rounds: Sequence[np.ndarray],
    pair: Pair,
    draw: Callable[[Sampling], reference.Indices],
    device: str,
) -> list[dict[str, np.ndarray]]:
    """For each algorithm the control variate of each quantity in FOLLOWED, (R, K, 2), nan where it has none; nothing at
    all for a problem without a companion."""
    companion: Problem | None = getattr(problem, "companion", None)
    if companion is None:
        return [{} for _ in algorithms]
    covered = [i for i, own in enumerate(algorithms) if moments.refusal(companion, own, n) is None]
    R = len(pair.data)
    found = [{followed(name): np.full((R, len(own), 2), np.nan) for name in FOLLOWED} for own in rounds]
    if not covered:
        return found
    own, read = [algorithms[i] for i in covered], [rounds[i] for i in covered]
    choices = [choose(companion, algorithm, device, "auto") for algorithm in own]
    paths = pair.run(companion, Runs(own, read, choices, threads=1), draw)
    ground = GroundTruth.of(companion, pair)
    for i, algorithm, at, path in zip(covered, own, read, paths, strict=True):
        values = ground.decompose(companion, path, gradients_at(algorithm, at))
        known = expectations(companion, algorithm, n, at.tolist())
        for name in FOLLOWED:
            if name in values and name in known:
                found[i][followed(name)] = values[name] - known[name]
    return found
