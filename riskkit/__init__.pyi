from .algorithms.staged import (
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
from .algorithms.weighted_average import WeightedSGD
from .experiment.grid import Experiment, Sweep
from .measure.decomposition import Measurement, simulate
from .problem import Constants, Problem, Regime
from .rng.streams import Stream
from .store.shards import load, load_replicates

__all__ = [
    "SGD",
    "SLRLA",
    "Constant",
    "Constants",
    "Experiment",
    "InverseTime",
    "Lookahead",
    "Measurement",
    "Problem",
    "Regime",
    "SLRLAAsCoded",
    "SqrtHorizon",
    "Stage",
    "StagewiseLookahead",
    "StagewiseSGD",
    "Stream",
    "Sweep",
    "WeightedSGD",
    "load",
    "load_replicates",
    "simulate",
]
