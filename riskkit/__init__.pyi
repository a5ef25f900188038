from .algorithms.staged import SGD, SLRLA, Lookahead, SLRLAAsCoded, Stage, StagewiseLookahead, StagewiseSGD
from .algorithms.steps import Constant, InverseTime, SqrtHorizon
from .algorithms.weighted_average import WeightedSGD
from .experiment.grid import Experiment, Sweep
from .measure.simulation import Measurement, simulate
from .problem import Constants, Problem, Regime
from .rng.streams import Stream
from .store.replicates import load_replicates
from .store.table import load

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
