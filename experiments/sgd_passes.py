"""Passes and shuffling: excess risk of averaged SGD from a tenth of a pass to a hundred, with the step that Hardt,
Recht and Singer derive for the number of passes; and the optimization error with a new random order for each pass."""

from __future__ import annotations

import dataclasses

from riskkit.algorithms import SGD, Algorithm, Constant
from riskkit.experiment import Experiment, Grid, Paired, Point, Size
from riskkit.problems import Logistic
from riskkit.theory.field import bassily2020, hardt2016, koren2022

PROBLEM = Logistic(dim=8, radius=4.0)


def independent(p: Point) -> Algorithm:
    return SGD(p.J, Constant(hardt2016.multipass_step(p.problem, p.n, p.J)))


def reshuffled(p: Point) -> Algorithm:
    return dataclasses.replace(independent(p), sampling="without replacement", name="reshuffled SGD")


EXPERIMENT = Experiment(
    title="SGD: passes and shuffling",
    question="What do passes and shuffling do to the excess risk of averaged SGD?",
    problem=PROBLEM,
    algorithms={"SGD": independent, "reshuffled SGD": reshuffled},
    bounds=(
        hardt2016.MULTIPASS_EXCESS,
        hardt2016.CONVEX_STABILITY,
        hardt2016.CONVEX_GENERALIZATION,
        koren2022.OPTIMIZATION,
        bassily2020.PERMUTED_STABILITY,
    ),
    readings=(
        Paired(
            "reshuffled SGD",
            ("SGD",),
            of=(("excess", "average"), ("optimization", "average"), ("stability", "last")),
        ),
    ),
    sizes={
        "laptop": Size(Grid("J", n=50, J=(5, 16, 50, 150, 500, 1500, 5000)), replicates=512),
        "paper": Size(
            [Grid("J", n=n, J=tuple(round(n * s) for s in (0.1, 0.32, 1, 3, 10, 30, 100))) for n in (50, 200)],
            replicates=8192,
        ),
    },
)
