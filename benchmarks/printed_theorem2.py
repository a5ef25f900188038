"""``python -m benchmarks.printed_theorem2``: where the paper's printed Theorem 2 follows from the re-derived one.

For L > lam its proof uses a lemma outside the lemma's step sizes. The re-derived bound (with 2 G^2/lam for M) allows
steps of any length. In the cells of a grid where it lies below the printed one, that one is true whatever the
distribution. In the others ``riskkit attack`` looks for a violation.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools

import numpy as np

from riskkit.algorithms import Lookahead
from riskkit.cli.common import Parser
from riskkit.problem import Constants
from riskkit.theory.bound import At, total
from riskkit.theory.zhou2021 import published


@dataclasses.dataclass(frozen=True)
class Stub:
    """A problem of which nothing but the constants is read."""

    constants: Constants


def implied(ratio: float) -> np.ndarray:
    """Cells of the grid, and in which of them the printed bound is at least the re-derived one."""
    constants = Constants(L=ratio, G=1.0, lam=1.0, lam_example=1.0, mu=1.0, M=2.0)
    stub = Stub(constants)
    rounds = 2 ** np.arange(11)
    found = []
    for n, k, alpha in itertools.product((5, 20, 10**5), (1, 5, 20, 50), (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)):
        at = At(stub, Lookahead(1024, k, alpha, published.first_step(constants)), n, rounds)  # type: ignore[arg-type]
        printed, proved = (
            total(published.GENERALIZATION_2.evaluate(form, at), at, form) for form in ("published", "proved")
        )
        found.append(printed >= np.minimum(proved, constants.M))
    return np.concatenate(found)


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    for L in (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0):
        cells = implied(L)
        print(f"L/lam = {L:g}: the printed bound is at least a proved one in {cells.sum()} of {cells.size} cells")
