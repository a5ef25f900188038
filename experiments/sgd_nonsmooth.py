"""Stability without smoothness: a median, whose loss has kinks everywhere; examples drawn with replacement, reshuffled,
in one order for all passes, and all at every step."""

from __future__ import annotations

import dataclasses

from riskkit.algorithms import SGD, Constant
from riskkit.experiment import Experiment, Grid, Paired, Size, doubling
from riskkit.problems import AbsoluteLocation
from riskkit.theory.field import bassily2020, koren2022, shamir2013, vansover2025

ETA = 0.05

LENGTHS = (*doubling(8, 512), 768, 864, 928, 1024)
"""Closer at the end, where errors bend towards those of the longest runs and four points over octaves are no line."""

EXPERIMENT = Experiment(
    title="SGD: a loss with kinks",
    question="How stable is SGD on a loss with kinks, and what does its last iterate lose?",
    problem=AbsoluteLocation(dim=8),
    algorithms={
        "SGD": lambda p: SGD(p.T, Constant(ETA)),
        "reshuffled SGD": lambda p: dataclasses.replace(
            SGD(p.T, Constant(ETA)), sampling="without replacement", name="reshuffled SGD"
        ),
        "SGD, one shuffle": lambda p: dataclasses.replace(
            SGD(p.T, Constant(ETA)), sampling="one shuffle", name="SGD, one shuffle"
        ),
        "full batches": lambda p: (
            dataclasses.replace(SGD(p.T, Constant(ETA), batch=p.n), sampling="without replacement", name="full batches")
            if p.T <= 32
            else None
        ),
    },
    bounds=(
        bassily2020.STABILITY,
        bassily2020.GENERALIZATION,
        bassily2020.PERMUTED_STABILITY,
        bassily2020.PERMUTED_GENERALIZATION,
        shamir2013.CONVEX_LAST,
        koren2022.OPTIMIZATION,
        koren2022.ONE_SHUFFLE,
        bassily2020.FULL_STABILITY,
        vansover2025.EXCESS,
        vansover2025.PERMUTED_EXCESS,
    ),
    readings=tuple(
        Paired(name, ("SGD",), of=(("stability", "last"), ("optimization", "average")))
        for name in ("reshuffled SGD", "SGD, one shuffle", "full batches")
    ),
    sizes={
        "laptop": Size(Grid("T", n=32, T=LENGTHS), replicates=256),
        "paper": Size(Grid("T", n=(16, 32), T=LENGTHS), replicates=8192),
    },
)
