"""Theorem 4, strongly convex: gradients to reach eps, over eps and lam, for SGD, Lookahead, SLRLA and its controls.

The problems have L = 1 and lam from 1 downwards. SLRLA follows its explicit schedule, with beta = lam/8, the largest
that the proof allows; the controls have the same stages with beta = 0, and with alpha = 1 as well. The last control has
no stages: SGD's average with weights j + j0, whose proved count has the order that is claimed for SLRLA.

The schedule starts from eps_0 = 16, above what theta_0 has (1 at most): the first stages are short, and the sum of the
stages' lengths, which double, is soon that of a whole geometric series. Otherwise the counts are steeper than their
limit: log2(2^q - 1) after q stages. Since the step halves with each stage the error falls by one floor an octave; two
targets an octave sample the stairs. The targets lie under the floor of the third stage and, but for the smallest lam,
above that of the last one.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Algorithm, InverseTime, Lookahead, StagewiseLookahead, StagewiseSGD, WeightedSGD
from riskkit.experiment import Experiment, GradientsTo, Grid, Own, Paired, Point, Size, per_octave
from riskkit.problems import AnisotropicMean
from riskkit.theory import sgd_averaging
from riskkit.theory.zhou2021 import slrla

K = 5


def step(p: Point) -> InverseTime:
    lam, L = p.problem.constants.lam, p.problem.constants.L
    return InverseTime(lam, max(2.0, L / lam))


def staged(p: Point) -> Algorithm:
    c = p.problem.constants
    return slrla.affordable_schedule(c, slrla.diameter(p.problem), 16.0, p.gradients, 0.5, K, beta=c.lam / 8)


def weighted(p: Point) -> WeightedSGD:
    lam, L = p.problem.constants.lam, p.problem.constants.L
    return WeightedSGD(p.gradients, InverseTime(lam / 2, 2 * L / lam))


EXPERIMENT = Experiment(
    title="Slide 4 (Theorems 5, 6): gradients to eps",
    question="How many gradients reach eps, in eps and in lam, and is SLRLA's count smaller than Lookahead's?",
    problem=lambda p: AnisotropicMean((1.0, p.lam)),
    algorithms={
        "SGD": lambda p: SGD(p.gradients // K * K, step(p), k=K),
        "Lookahead": Own(lambda p: Lookahead(p.gradients // K, K, p.alpha, step(p)), alpha=(0.4, 0.5, 0.75)),
        "SLRLA": Own(staged, alpha=(0.5,)),
        "stagewise Lookahead": lambda p: StagewiseLookahead(staged(p).stages),
        "stagewise SGD": lambda p: StagewiseSGD(staged(p).stages),
        "weighted SGD": weighted,
    },
    read=per_octave(6),
    bounds=(*(bound for bound in slrla.BOUNDS if bound.quantity != "stability"), sgd_averaging.OPTIMIZATION),
    readings=(
        GradientsTo(
            eps=tuple(2.0 ** -(q / 2) for q in range(18, 31)),
            counts=(*slrla.GRADIENTS, sgd_averaging.GRADIENTS),
            along="lam",
        ),
        Paired(
            "SLRLA",
            ("stagewise Lookahead", "stagewise SGD", "Lookahead", "SGD", "weighted SGD"),
            of=(("optimization", "last"), ("optimization", "average")),
        ),
    ),
    sizes={
        "laptop": Size(Grid(n=50, lam=(1.0, 0.5, 0.25, 0.125), gradients=2**18), replicates=64),
        "paper": Size(Grid(n=(50, 200), lam=(1.0, 0.5, 0.25, 0.125), gradients=2**20), replicates=64),
    },
)
