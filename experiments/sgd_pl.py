"""SGD and gradient descent under a PL inequality: linear to a floor, 1/J, and linear to the minimum."""

from __future__ import annotations

import dataclasses

from riskkit.algorithms import SGD, Constant, InverseTime
from riskkit.experiment import Experiment, Grid, Size, doubling
from riskkit.problems import WarpedMean
from riskkit.theory.field import karimi2016

PROBLEM = WarpedMean(dim=2, spread=0.5, initial=0.25)
ETA = 0.02

EXPERIMENT = Experiment(
    title="SGD: a PL inequality",
    question="How fast do SGD and gradient descent fall on a nonconvex loss with a PL inequality?",
    problem=PROBLEM,
    algorithms={
        "SGD": lambda p: SGD(p.T, Constant(ETA)),
        "SGD, 1/(mu j)": lambda p: SGD(p.T, InverseTime(1.0, 20)),
        "full batches": lambda p: (
            dataclasses.replace(SGD(p.T, Constant(ETA), batch=p.n), sampling="without replacement", name="full batches")
            if p.T <= 64
            else None
        ),
    },
    bounds=(karimi2016.CONSTANT, karimi2016.DECREASING, karimi2016.FULL),
    sizes={
        "laptop": Size(Grid("T", n=20, T=doubling(16, 512)), replicates=256),
        "paper": Size(Grid("T", n=(20, 80), T=doubling(16, 16384)), replicates=8192),
    },
)
