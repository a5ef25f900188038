"""What the two questions on Table 3 share: the population, the recipe that all else is equal to, the comparison."""

from __future__ import annotations

from typing import Any

from riskkit.data import digits
from riskkit.experiment import Paired

POPULATION = digits()

ALL_ELSE_EQUAL: dict[str, Any] = {"optimizer": "SGD", "lr": 0.2, "weight_decay": 1e-3, "batch": 32}
"""Momentum .9 and the three decays of the step size by .2 are the recipe's own."""


def split(algorithm: str, *against: str) -> Paired:
    """Differences of means: excess risk, its two parts, and the error rate, of what each method returns."""
    parts = ("optimization", "generalization", "excess", "error")
    return Paired(algorithm, against, of=tuple((part, "last") for part in parts), by="difference")
