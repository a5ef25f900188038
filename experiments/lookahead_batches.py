"""What a batch buys Lookahead: batches and outer steps in (0, 2] at equal numbers of steps, and local SGD, whose b
workers average after k steps of their own; every mean is known."""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, LocalSGD, Lookahead, traits
from riskkit.experiment import Exact, Experiment, Grid, Paired, Size
from riskkit.problems import MeanEstimation
from riskkit.theory.bound import At, Floats
from riskkit.theory.field import moments

ETA = 0.2


def error(at: At) -> Floats:
    """E[F_S - F_S*] = (1/2) (m^2 (1 + 1/n) + u (1 - 1/n)): ||theta_0|| = 1, E V_S = 1 - 1/n, E||zbar||^2 = 1/n."""
    says = traits.shown(at.algorithm)
    b = says["batch"] * says.get("workers", 1)
    square, u = moments.lookahead_moments(ETA, int(says["k"]), says["alpha"], int(b), at.rounds)
    return (square * (1 + 1 / at.n) + u * (1 - 1 / at.n)) / 2


EXPERIMENT = Experiment(
    title="Lookahead: batches, outer step above 1",
    question="What does a larger batch buy Lookahead, and what does an outer step above 1?",
    problem=MeanEstimation(dim=4, lam=1.0),
    algorithms={
        "Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, Constant(ETA), batch=p.b),
        "local SGD": lambda p: LocalSGD(p.T, p.k, int(p.b), p.alpha, Constant(ETA)),
        "SGD": lambda p: SGD(p.kT, Constant(ETA), batch=p.b),
    },
    readings=(
        Exact("optimization", "last", error),
        Paired("Lookahead", ("SGD",), of=(("optimization", "last"),)),
    ),
    sizes={
        "laptop": Size(
            [
                Grid("b", n=50, k=5, alpha=(0.5, 1.5), T=32, b=(1, 2, 4, 8, 16)),
                Grid("alpha", n=50, k=5, b=1, T=(1, 2, 32), alpha=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75)),
            ],
            replicates=2048,
        ),
        "paper": Size(
            [
                Grid("b", n=50, k=5, alpha=(0.5, 1.5), T=32, b=(1, 2, 4, 8, 16, 32)),
                Grid("alpha", n=50, k=5, b=1, T=(1, 2, 4, 32), alpha=(0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75)),
            ],
            replicates=32768,
        ),
    },
)
