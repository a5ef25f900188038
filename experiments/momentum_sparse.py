"""Momentum where curvature comes and goes: step sizes for which heavy ball is proved stable, and longer ones."""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, HeavyBall
from riskkit.experiment import Experiment, Grid, Paired, Size, doubling
from riskkit.problems import SparseMean
from riskkit.theory.field import hardt2016, heavy_ball

EXPERIMENT = Experiment(
    title="Momentum: sparse curvature",
    question="For which step sizes is heavy ball stable where an example has curvature only now and then?",
    problem=SparseMean(dim=2, share=0.5),
    algorithms={
        "heavy ball": lambda p: HeavyBall(p.T, Constant(p.eta), p.momentum),
        "SGD": lambda p: SGD(p.T, Constant(p.eta)),
        "SGD, longer step": lambda p: (
            SGD(p.T, Constant(p.eta / (1 - p.momentum))) if p.eta <= 1 - p.momentum + 1e-12 else None
        ),
    },
    bounds=(heavy_ball.STABILITY, heavy_ball.GENERALIZATION, hardt2016.CONVEX_STABILITY),
    readings=(Paired("heavy ball", ("SGD", "SGD, longer step"), of=(("stability", "last"),)),),
    sizes={
        "laptop": Size(Grid("T", n=20, momentum=0.9, eta=(0.0025, 0.1, 1.0), T=doubling(8, 256)), replicates=512),
        "paper": Size(
            Grid("T", n=20, momentum=(0.5, 0.9), eta=(0.0025, 0.1, 0.5, 1.0), T=doubling(8, 512)), replicates=8192
        ),
    },
)
