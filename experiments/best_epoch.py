"""Reporting the best of many looks at a test sample, as the code behind Table 3 does every epoch: a planted fault.

The optimism is how far the smallest error rate on the test sample lies below the exact error rate of the same network.
What the test sample says of the last network, less its exact error rate, is 0 on average and is subtracted.
"""

from __future__ import annotations

from experiments._table3 import POPULATION
from riskkit.experiment import Experiment, Grid, Point, Size, Trained, Unbiased
from riskkit.training import MLP, Recipe

LOOKS, TEST = 10, 360
"""At the test sample, evenly spaced, and images in it."""


def run(p: Point) -> Trained:
    recipe = Recipe("SGD", 0.2, 1e-3, steps=int(p.steps))
    at = tuple(recipe.steps * i // LOOKS for i in range(1, LOOKS))
    return Trained(POPULATION, MLP(64, (16,)), p.n, recipe, test=TEST, looks=at)


EXPERIMENT = Experiment(
    title="Table 3's best epoch, on digits",
    question="By how much is the best test accuracy over the epochs, as the authors' code reports it, too good?",
    algorithms={"SGD, best test look": run},
    controls=(),
    readings=(Unbiased("optimism", "last", "error", ("SGD, best test look",), planted=True),),
    sizes={
        "laptop": Size(Grid(n=200, steps=100), replicates=128),
        "paper": Size(Grid(n=(200, 400), steps=(100, 400)), replicates=512),
    },
)
