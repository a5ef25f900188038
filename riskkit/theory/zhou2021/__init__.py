"""Zhou, Yan, Yuan, Feng, Yan, NeurIPS 2021: Theorems 1 to 4 of the slides, and audits of their claims."""

from __future__ import annotations

from riskkit.theory.zhou2021 import convex, polyak_lojasiewicz, strongly_convex
from riskkit.theory.zhou2021.setting import StagedInequality

BOUNDS: dict[str, StagedInequality] = {
    bound.name: bound
    for bound in (
        convex.OPTIMIZATION_AVERAGE,
        convex.OPTIMIZATION_LAST,
        convex.GENERALIZATION_LAST,
        convex.GENERALIZATION_AVERAGE,
        convex.STABILITY_LAST,
        convex.STABILITY_AVERAGE,
        convex.EXCESS_AVERAGE,
        strongly_convex.DISTANCE,
        strongly_convex.OPTIMIZATION,
        strongly_convex.GENERALIZATION,
        strongly_convex.STABILITY,
        strongly_convex.EXCESS,
        polyak_lojasiewicz.OPTIMIZATION,
        polyak_lojasiewicz.GENERALIZATION,
        polyak_lojasiewicz.STABILITY,
        polyak_lojasiewicz.EXCESS,
    )
}
