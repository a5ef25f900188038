"""Stability without smoothness: a median, whose loss has kinks everywhere; with replacement and reshuffled."""

from __future__ import annotations

import dataclasses

from riskkit.algorithms import SGD, Constant
from riskkit.experiment import Experiment, Grid, Paired, Size, doubling
from riskkit.problems import AbsoluteLocation
from riskkit.theory.field import bassily2020, koren2022, shamir2013

ETA = 0.05

EXPERIMENT = Experiment(
    title="SGD: a loss with kinks",
    question="How stable is SGD on a loss with kinks, and what does its last iterate lose?",
    problem=AbsoluteLocation(dim=8),
    algorithms={
        "SGD": lambda p: SGD(p.T, Constant(ETA)),
        "reshuffled SGD": lambda p: dataclasses.replace(
            SGD(p.T, Constant(ETA)), sampling="without replacement", name="reshuffled SGD"
        ),
    },
    bounds=(
        bassily2020.STABILITY,
        bassily2020.GENERALIZATION,
        bassily2020.PERMUTED_STABILITY,
        bassily2020.PERMUTED_GENERALIZATION,
        shamir2013.CONVEX_LAST,
        koren2022.OPTIMIZATION,
    ),
    readings=(Paired("reshuffled SGD", ("SGD",), of=(("stability", "last"), ("optimization", "average"))),),
    sizes={
        "laptop": Size(Grid("T", n=32, T=doubling(8, 2048)), replicates=512),
        "paper": Size(Grid("T", n=(32, 128), T=doubling(8, 16384)), replicates=8192),
    },
)
