"""Theorem 4 on real data: SLRLA with the schedule that its proof asks for, on the pairs that have a ridge.

The pairs are numbers 3 to 5 of ``experiments._pairs``. eps_0, a bound on E[F_S(theta_0) - F_S*], is the largest loss at
theta_0 = 0: log K for K classes, half the largest squared target for a regression.
"""

from __future__ import annotations

import math

from experiments._pairs import pair
from riskkit.algorithms import Algorithm, StagewiseLookahead
from riskkit.experiment import Experiment, Grid, Paired, Point, Size, per_octave
from riskkit.problem import diameter
from riskkit.problems import FinitePopulation
from riskkit.theory.zhou2021 import slrla

ALPHA, K = 0.5, 5


def largest_loss_at_zero(problem: FinitePopulation) -> float:
    """sup over z of l(0; z)."""
    population = problem.population
    if population.classes:
        return math.log(population.classes)
    return (float(abs(population.targets).max()) + population.noise) ** 2 / 2


def staged(p: Point, beta: float) -> Algorithm:
    c = p.problem.constants
    return slrla.affordable_schedule(
        c, diameter(p.problem), largest_loss_at_zero(p.problem), int(p.gradients), ALPHA, K, beta
    )


EXPERIMENT = Experiment(
    title="Real data: slide 4 (Theorems 5, 6)",
    question=(
        "Does SLRLA's schedule keep what Theorem 4 (paper: Theorems 5 and 6) promises on real data, and does "
        "beta help there?"
    ),
    problem=lambda p: pair(int(p.pair)),
    algorithms={
        "SLRLA": lambda p: staged(p, p.problem.constants.lam / 16),
        "stagewise Lookahead": lambda p: StagewiseLookahead(staged(p, 0.0).stages),
    },
    read=per_octave(1),
    bounds=slrla.BOUNDS,
    readings=(Paired("SLRLA", ("stagewise Lookahead",), of=(("optimization", "average"), ("excess", "average"))),),
    sizes={
        "paper": Size(Grid(pair=(3, 4, 5), n=(50, 200), gradients=2**15), replicates=1024),
    },
)
