"""riskkit: confronts theorems on excess risk with exact measurements of SGD, Lookahead and SLRLA.

The names below are imported on first use, so that ``python -m riskkit.sweep --list`` need not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from riskkit.algorithm import (
        SGD,
        SLRLA,
        Constant,
        InverseTime,
        Lookahead,
        SLRLAAsCoded,
        SqrtHorizon,
        Stage,
        StagewiseLookahead,
        StagewiseSGD,
    )
    from riskkit.experiment import Experiment, Sweep
    from riskkit.measure import Measurement, simulate
    from riskkit.problem import Constants, Problem, Regime
    from riskkit.store import load, load_replicates
    from riskkit.streams import Stream
    from riskkit.weighted import WeightedSGD

_HOMES = {
    "algorithm": (
        "SGD",
        "SLRLA",
        "Constant",
        "InverseTime",
        "Lookahead",
        "SLRLAAsCoded",
        "SqrtHorizon",
        "Stage",
        "StagewiseLookahead",
        "StagewiseSGD",
    ),
    "experiment": ("Experiment", "Sweep"),
    "measure": ("Measurement", "simulate"),
    "problem": ("Constants", "Problem", "Regime"),
    "store": ("load", "load_replicates"),
    "streams": ("Stream",),
    "weighted": ("WeightedSGD",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022 (grouped as in the table of rooms)
    "Problem",
    "Constants",
    "Regime",
    "Stream",
    "Constant",
    "SqrtHorizon",
    "InverseTime",
    "Stage",
    "SGD",
    "WeightedSGD",
    "Lookahead",
    "SLRLA",
    "SLRLAAsCoded",
    "StagewiseLookahead",
    "StagewiseSGD",
    "Experiment",
    "Sweep",
    "Measurement",
    "simulate",
    "load",
    "load_replicates",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'riskkit' has no attribute {name!r}; it exports {', '.join(__all__)}.")
    return getattr(importlib.import_module(f"riskkit.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
