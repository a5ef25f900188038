"""The theorems: each bound as the slides claim it and as it can be proved. numpy and scipy only; no tensor."""

from __future__ import annotations

from riskkit.theory import theorem1, theorem2, theorem3
from riskkit.theory.bound import Bound

BOUNDS: dict[str, Bound] = {
    bound.name: bound
    for bound in (
        theorem1.OPTIMIZATION_AVERAGE,
        theorem1.OPTIMIZATION_LAST,
        theorem1.GENERALIZATION_LAST,
        theorem1.GENERALIZATION_AVERAGE,
        theorem1.STABILITY_LAST,
        theorem1.STABILITY_AVERAGE,
        theorem1.EXCESS_AVERAGE,
        theorem2.DISTANCE,
        theorem2.OPTIMIZATION,
        theorem2.GENERALIZATION,
        theorem2.STABILITY,
        theorem2.EXCESS,
        theorem3.OPTIMIZATION,
        theorem3.GENERALIZATION,
        theorem3.STABILITY,
        theorem3.EXCESS,
    )
}
