"""Theorem 4 under a PL inequality: the sine-perturbed quadratic, nonconvex, and covered by SLRLA's explicit schedule.

beta lies between rho, which makes the stages' losses convex, and mu/8.
"""

from __future__ import annotations

from riskkit.algorithms.staged import SGD, Algorithm, InverseTime, Lookahead, StagewiseLookahead, StagewiseSGD
from riskkit.experiment.race import Race, RaceSize
from riskkit.problem import Problem
from riskkit.problems import SinePerturbedQuadratic
from riskkit.theory.zhou2021.slrla import affordable_schedule, diameter

K = 5
START = 6.5
"""eps_0: at least E[F_S(theta_0) - F_S*], which is F(theta_0) - F* + E||zbar||^2 / 2 or less."""


def entries(problem: Problem, gradients: int) -> list[Algorithm]:
    c = problem.constants
    step = InverseTime(c.mu, max(2.0, c.L / c.mu))
    rounds = gradients // K
    staged = affordable_schedule(c, diameter(problem), START, gradients, 0.5, K, beta=(c.rho + c.mu / 8) / 2)
    return [
        SGD(K * rounds, step, k=K),
        *(Lookahead(rounds, K, alpha, step) for alpha in (0.4, 0.75)),
        staged,
        StagewiseLookahead(staged.stages),
        StagewiseSGD(staged.stages),
    ]


EXPERIMENT = Race(
    name="theorem4_pl",
    question="Do the counts of Theorem 4 hold under a PL inequality, and is SLRLA ahead of its own stages?",
    problems=(SinePerturbedQuadratic(dim=2, c=1.05, spread=1.0, initial=1.5),),
    entries=entries,
    targets=tuple(2.0**-q for q in range(9)),
    axis="mu",
    duels=(("SLRLA", "stagewise Lookahead"), ("SLRLA", "stagewise SGD"), ("SLRLA", "Lookahead"), ("SLRLA", "SGD")),
    laptop=RaceSize(n=(50,), gradients=2**14, replicates=128),
    paper=RaceSize(n=(50, 200), gradients=2**18, replicates=2048),
)
