from .algorithms.momentum import HeavyBall
from .algorithms.staged import SGD, SLRLA, Lookahead, SLRLAAsCoded, Stage, StagewiseLookahead, StagewiseSGD
from .algorithms.steps import Constant, InverseTime, LinearDecay, SqrtHorizon
from .algorithms.weighted_average import WeightedSGD
from .experiment.point import Grid, doubling
from .experiment.question import Experiment, Own, Size
from .experiment.readings import Best, Exact, GradientsTo, Paired, Tuned
from .experiment.runs import per_octave
from .interactive.answering import run
from .interactive.judging import judge
from .interactive.result import Result
from .measure.simulation import Measurement, simulate
from .problem import Constants, Problem, Regime
from .rng.streams import Stream
from .store.replicates import load_replicates
from .store.table import load
from .theory.bound import At, Condition, Count, Inequality, Scale, Source

__all__ = [
    "SGD",
    "SLRLA",
    "At",
    "Best",
    "Condition",
    "Constant",
    "Constants",
    "Count",
    "Exact",
    "Experiment",
    "GradientsTo",
    "Grid",
    "HeavyBall",
    "Inequality",
    "InverseTime",
    "LinearDecay",
    "Lookahead",
    "Measurement",
    "Own",
    "Paired",
    "Problem",
    "Regime",
    "Result",
    "SLRLAAsCoded",
    "Scale",
    "Size",
    "Source",
    "SqrtHorizon",
    "Stage",
    "StagewiseLookahead",
    "StagewiseSGD",
    "Stream",
    "Tuned",
    "WeightedSGD",
    "doubling",
    "judge",
    "load",
    "load_replicates",
    "per_octave",
    "run",
    "simulate",
]
