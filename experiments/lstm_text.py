"""Lookahead's authors' recurrent network, on a text as a finite population: with all tuned, is Lookahead ahead?

Their rows are SGD, Lookahead around SGD, Adam, Lookahead around Adam and Polyak averaging, on an LSTM that reads words.
Here it has one small layer and reads characters: windows of a public text are the N rows of D, the next character is
the class. So the population risk, the mean cross-entropy of the next character over all windows, is a finite sum. Each
method gets the same number of configurations of lr and weight decay on selecting replicates; a search that ends at an
end of what was tried decides nothing.

History: the centers of the searches are what a search of three looks a method found on another seed (7) with 4
replicates; that of LA(Adam) ended at an end of what was tried. Polyak averaging takes the center of SGD. Before that
lr .1 to 3 (SGD) and .003 to .03 (Adam) were tried on 4 replicates with a weight decay of 1e-5. Nothing else was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from experiments._table3 import split
from riskkit.data import declaration
from riskkit.experiment import Experiment, Grid, Point, Size, Trained
from riskkit.training import LSTM, Axis, Recipe, Search

LOOKAHEAD = {"wrapper": "Lookahead", "k": 5, "alpha": 0.8}
TEXT = declaration(window=20)
NETWORK = LSTM(hidden=16, truncated=10)


def tuned(lr: float, decay: float, **fixed: Any) -> Callable[[Point], Trained]:
    """A method whose lr and weight decay are searched for, from a center."""

    def make(p: Point) -> Trained:
        search = Search(
            (Axis("lr", lr, 2.0), Axis("weight_decay", decay, 3.0)), looks=int(p.looks), size=6, replicates=8
        )
        return Trained(TEXT, NETWORK, p.n, Recipe(steps=int(p.steps), **fixed), search)

    return make


METHODS = {
    "SGD": tuned(1.6, 9e-4),
    "LA(SGD)": tuned(3.2, 3e-4, **LOOKAHEAD),
    "Adam": tuned(0.08, 3e-4, optimizer="Adam"),
    "LA(Adam)": tuned(0.16, 3e-4, optimizer="Adam", **LOOKAHEAD),
    "Polyak averaging": tuned(1.6, 9e-4, returns="average"),
}

EXPERIMENT = Experiment(
    title="An LSTM on a text, tuned",
    question="On an LSTM with all methods tuned alike, does Lookahead have the smaller risk, and of which error?",
    algorithms=METHODS,
    readings=(
        *(split(name, "SGD") for name in METHODS if name != "SGD"),
        split("LA(Adam)", "Adam"),
    ),
    sizes={"paper": Size(Grid(n=1000, steps=400, looks=3), replicates=32)},
)
