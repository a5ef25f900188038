"""Passes and shuffling: excess risk of averaged SGD from a fifth of a pass to a hundred, with the step that Hardt,
Recht and Singer derive for the number of passes: independent draws, a new random order for each pass, one order for all
passes, and full gradients."""

from __future__ import annotations

import dataclasses

from riskkit.algorithms import SGD, Algorithm, Constant
from riskkit.experiment import Experiment, Grid, Paired, Point, Quantiles, Size
from riskkit.problems import Logistic
from riskkit.theory.field import bassily2020, bousquet2002, gradient_descent, hardt2016, koren2022, vansover2025

PROBLEM = Logistic(dim=8, radius=4.0)


def independent(p: Point) -> Algorithm:
    return SGD(p.J, Constant(hardt2016.multipass_step(p.problem, p.n, p.J)))


def reshuffled(p: Point) -> Algorithm:
    return dataclasses.replace(independent(p), sampling="without replacement", name="reshuffled SGD")


def one_shuffle(p: Point) -> Algorithm:
    return dataclasses.replace(independent(p), sampling="one shuffle", name="SGD, one shuffle")


def full_batches(p: Point) -> Algorithm | None:
    """As many steps, of n gradients each: up to n of them. The grid is finer there, for a rate needs four points."""
    return dataclasses.replace(reshuffled(p), batch=p.n, name="full batches") if p.n >= p.J else None


EXPERIMENT = Experiment(
    title="SGD: passes and shuffling",
    question="What do passes and shuffling do to the excess risk of averaged SGD?",
    problem=PROBLEM,
    algorithms={
        "SGD": independent,
        "reshuffled SGD": reshuffled,
        "SGD, one shuffle": one_shuffle,
        "full batches": full_batches,
    },
    bounds=(
        hardt2016.MULTIPASS_EXCESS,
        hardt2016.CONVEX_STABILITY,
        hardt2016.CONVEX_GENERALIZATION,
        koren2022.OPTIMIZATION,
        koren2022.ONE_SHUFFLE,
        bassily2020.PERMUTED_STABILITY,
        gradient_descent.STABILITY,
        gradient_descent.OPTIMIZATION,
        gradient_descent.EXCESS,
        vansover2025.EXCESS,
        vansover2025.PERMUTED_EXCESS,
    ),
    readings=(
        Paired(
            "reshuffled SGD",
            ("SGD",),
            of=(("excess", "average"), ("optimization", "average"), ("stability", "last")),
        ),
        Paired("SGD, one shuffle", ("SGD", "reshuffled SGD"), of=(("excess", "average"),)),
        Quantiles(
            "bousquet2002.generalization.last",
            bousquet2002.TITLE,
            "generalization",
            "last",
            (0.1, 0.01),
            bousquet2002.generalization,
            bousquet2002.excludes,
        ),
        Paired("full batches", ("SGD",), of=(("excess", "average"), ("stability", "last"))),
    ),
    sizes={
        "laptop": Size(Grid("J", n=50, J=(9, 16, 28, 50, 250, 400, 700, 1500, 5000)), replicates=1024),
        "paper": Size(
            [
                Grid("J", n=50, J=(9, 16, 28, 50, 250, 400, 700, 1500, 5000)),
                Grid("J", n=200, J=(64, 90, 128, 200, 1000, 1600, 2800, 6000, 20000)),
            ],
            replicates=8192,
        ),
    },
)
