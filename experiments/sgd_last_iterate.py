"""Harvey's maximum: the last iterate of SGD keeps a logarithm that the average of the last half does not have.

The dimension is the number of steps. Nothing is random, and no replicate differs from another.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, InverseTime
from riskkit.algorithms.suffix import SuffixSGD
from riskkit.experiment import Experiment, Grid, Paired, Size, doubling
from riskkit.problems import HarveyMaximum
from riskkit.theory.field import shamir2013

STEP = InverseTime(1.0, 1)

EXPERIMENT = Experiment(
    title="SGD: last iterate and suffix",
    question="Does the last iterate of SGD need its logarithm, and does the average of the last half get rid of it?",
    problem=lambda p: HarveyMaximum(dim=p.T),
    algorithms={
        "SGD": lambda p: SGD(p.T, STEP),
        "suffix SGD": lambda p: SuffixSGD(p.T, STEP, radius=1.0),
    },
    bounds=(shamir2013.STRONGLY_CONVEX_LAST, shamir2013.STRONGLY_CONVEX_SUFFIX),
    readings=(Paired("suffix SGD", ("SGD",), of=(("optimization", "average"),)),),
    sizes={
        "laptop": Size(Grid("T", n=2, T=doubling(32, 512)), replicates=128),
        "paper": Size(Grid("T", n=2, T=doubling(64, 4096)), replicates=128),
    },
)
