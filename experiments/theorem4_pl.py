"""Theorem 4 under a PL inequality: the sine-perturbed quadratic, nonconvex, and covered by SLRLA's explicit schedule.

beta lies between rho, which makes the stages' losses convex, and mu/8.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Algorithm, InverseTime, Lookahead, StagewiseLookahead, StagewiseSGD
from riskkit.experiment import Experiment, GradientsTo, Grid, Own, Paired, Point, Size, per_octave
from riskkit.problems import SinePerturbedQuadratic
from riskkit.theory.zhou2021 import slrla

K = 5
START = 6.5
"""eps_0: at least E[F_S(theta_0) - F_S*], which is F(theta_0) - F* + E||zbar||^2 / 2 or less."""


def step(p: Point) -> InverseTime:
    c = p.problem.constants
    return InverseTime(c.mu, max(2.0, c.L / c.mu))


def staged(p: Point) -> Algorithm:
    c, beta = p.problem.constants, (p.problem.constants.rho + p.problem.constants.mu / 8) / 2
    return slrla.affordable_schedule(c, slrla.diameter(p.problem), START, p.gradients, 0.5, K, beta=beta)


EXPERIMENT = Experiment(
    title="Slide 4 (Theorems 5, 6): gradients, PL",
    question=(
        "Do the counts of Theorem 4 (paper: Theorem 6) hold under a PL inequality, and is SLRLA ahead of its "
        "own stages?"
    ),
    problem=SinePerturbedQuadratic(dim=2, c=1.05, spread=1.0, initial=1.5),
    algorithms={
        "SGD": lambda p: SGD(p.gradients // K * K, step(p), k=K),
        "Lookahead": Own(lambda p: Lookahead(p.gradients // K, K, p.alpha, step(p)), alpha=(0.4, 0.75)),
        "SLRLA": Own(staged, alpha=(0.5,)),
        "stagewise Lookahead": lambda p: StagewiseLookahead(staged(p).stages),
        "stagewise SGD": lambda p: StagewiseSGD(staged(p).stages),
    },
    read=per_octave(6),
    bounds=slrla.BOUNDS,
    readings=(
        GradientsTo(eps=tuple(2.0**-q for q in range(9)), counts=slrla.GRADIENTS),
        Paired(
            "SLRLA",
            ("stagewise Lookahead", "stagewise SGD", "Lookahead", "SGD"),
            of=(("optimization", "last"), ("optimization", "average")),
        ),
    ),
    sizes={
        "laptop": Size(Grid(n=50, gradients=2**14), replicates=128),
        "paper": Size(Grid(n=(50, 200), gradients=2**14), replicates=2048),
    },
)
