"""Table 3's stagewise SGD, stagewise Lookahead (SLA) and SLRLA on digits, all else equal: what beta does.

Lr, weight decay, momentum, schedule, k, alpha and the minibatches are those of the first row; nothing is tuned, so that
no method is said to be better than another. ``table3_tuned`` compares the methods at their best,
``best_epoch`` has the planted fault.
"""

from __future__ import annotations

from experiments._table3 import ALL_ELSE_EQUAL, POPULATION, split
from riskkit.experiment import Experiment, Grid, Own, Point, Same, Size, Trained
from riskkit.training import MLP, Recipe


def run(p: Point, recipe: Recipe) -> Trained:
    return Trained(POPULATION.with_noise(p.noise), MLP(), p.n, recipe)


def recipe(p: Point, **numbers: float | str) -> Recipe:
    return Recipe(**{**ALL_ELSE_EQUAL, "steps": int(p.steps), **numbers})


def wrapped(p: Point, wrapper: str, beta: float = 0.0) -> Recipe:
    return recipe(p, wrapper=wrapper, k=5, alpha=0.8, beta=beta)


EXPERIMENT = Experiment(
    title="Table 3 on digits, all else equal",
    question="On digits, all else equal, does SLRLA's regularizer change optimization, generalization, or both?",
    algorithms={
        "stagewise SGD": lambda p: run(p, recipe(p)),
        "SLA": lambda p: run(p, wrapped(p, "Lookahead")),
        "SLRLA": Own(lambda p: run(p, wrapped(p, "SLRLA", p.beta)), beta=(0.003, 0.03)),
        "SLRLA, beta = 0": lambda p: run(p, wrapped(p, "SLRLA")),
    },
    controls=(),
    readings=(
        split("SLRLA", "SLA"),
        split("SLA", "stagewise SGD"),
        Same("SLRLA, beta = 0", ("SLA",)),
    ),
    sizes={
        "laptop": Size(Grid(n=400, noise=0.0, steps=400), replicates=32),
        "paper": Size(Grid(n=(200, 400, 800), noise=(0.0, 0.2), steps=1200), replicates=128),
    },
)
