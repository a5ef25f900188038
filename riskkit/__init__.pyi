from .algorithms.method import Method
from .algorithms.momentum import HeavyBall
from .algorithms.staged import SGD, SLRLA, Algorithm, Lookahead, SLRLAAsCoded, Stage, StagewiseLookahead, StagewiseSGD
from .algorithms.steps import Constant, InverseTime, LinearDecay, SqrtHorizon, Step
from .algorithms.weighted_average import WeightedSGD
from .experiment.point import Grid, Point, doubling
from .experiment.question import Experiment, Own, Size
from .experiment.readings import Best, Exact, GradientsTo, Paired, Tuned
from .experiment.runs import per_octave
from .interactive.answering import run
from .interactive.judging import judge
from .interactive.result import Result
from .judges.exponent import judge_exponent
from .judges.identity import judge_identity
from .judges.level import judge_level
from .judges.outcome import Outcome, Verdict
from .judges.rate import judge_rate
from .measure.own import GRADIENT_NORM, ZERO_ONE_ERROR, Quantity
from .measure.simulation import Measurement, simulate
from .problem import Constants, Problem, Regime
from .rng.streams import Stream
from .stats.power_sums import fit_powers
from .stats.slopes import fit_rate, fit_ratio
from .store.replicates import load_replicates
from .store.table import load
from .theory.bound import At, Bound, Condition, Count, Inequality, Scale, Source

__all__ = [
    "GRADIENT_NORM",
    "SGD",
    "SLRLA",
    "ZERO_ONE_ERROR",
    "Algorithm",
    "At",
    "Best",
    "Bound",
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
    "Method",
    "Outcome",
    "Own",
    "Paired",
    "Point",
    "Problem",
    "Quantity",
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
    "Step",
    "Stream",
    "Tuned",
    "Verdict",
    "WeightedSGD",
    "doubling",
    "fit_powers",
    "fit_rate",
    "fit_ratio",
    "judge",
    "judge_exponent",
    "judge_identity",
    "judge_level",
    "judge_rate",
    "load",
    "load_replicates",
    "per_octave",
    "run",
    "simulate",
]
