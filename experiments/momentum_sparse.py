"""Momentum where curvature comes and goes: step sizes for which heavy ball is proved stable, and longer ones.

The losses are curved on average: heavy ball forgets an example after 2 (1 - m)/eta steps, here 6. Its bound, of losses
that may be nowhere curved, goes on growing. On the line that it covers, T reaches far beyond the 6, and n is so large
that the bound says something up to the end: 4 eta T/((1 - m) n) stays below the diameter, 2. No larger: the replaced
example is then rarely met. SGD is a control; its bounds are judged where they can be met.
"""

from __future__ import annotations

from riskkit.algorithms import SGD, Constant, HeavyBall
from riskkit.experiment import Experiment, Grid, Paired, Point, Size, doubling
from riskkit.problems import SparseMean
from riskkit.theory.field import heavy_ball


def with_momentum(p: Point) -> HeavyBall:
    return HeavyBall(p.T, Constant(p.eta), p.momentum)


def short(p: Point) -> HeavyBall | None:
    return with_momentum(p) if heavy_ball.sgd_step(with_momentum(p)) <= p.problem.largest_step else None


def longer(p: Point) -> HeavyBall | None:
    return None if short(p) else with_momentum(p)


def grids(n: int, longest: int) -> tuple[Grid, ...]:
    return (
        Grid("T", n=n, momentum=0.25, eta=0.25, T=doubling(8, longest)),
        Grid("T", n=n, momentum=0.9, eta=(0.1, 1.0), T=doubling(8, 128)),
    )


EXPERIMENT = Experiment(
    title="Momentum: sparse curvature",
    question="For which step sizes is heavy ball stable where an example has curvature only now and then?",
    problem=SparseMean(dim=2, share=0.5),
    algorithms={
        "heavy ball": short,
        "SGD": lambda p: SGD(p.T, Constant(p.eta)),
        "heavy ball, longer step": longer,
    },
    controls=("SGD",),
    bounds=(heavy_ball.STABILITY, heavy_ball.GENERALIZATION),
    readings=tuple(
        Paired(name, ("SGD",), of=(("stability", "last"),)) for name in ("heavy ball", "heavy ball, longer step")
    ),
    sizes={"laptop": Size(grids(180, 256), replicates=2048), "paper": Size(grids(720, 1024), replicates=32768)},
)
