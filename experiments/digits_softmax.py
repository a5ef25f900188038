"""The paper's convex experiment (section 6.1, supplement p.2) on digits, with F_S* and F known exactly.

Softmax regression with (gamma/2)||theta||^2, gamma = 1e-5; k = 5, momentum 0.9, weight decay 1e-4, 80 epochs. Lookahead
has the step c/t from 0.1; SLA and SLRLA start from 0.05 and halve it after 0.3, 0.6 and 0.8 of the epochs. The paper
has MNIST; alpha, the batch, the unit of t and beta are not printed: here alpha = 0.8 (as in its Table 3), batches of
n/10, t in epochs, and beta swept. The weight decay is the method's: F_S has gamma alone. The default size has the
digits 3, 5 and 8 in 4 x 4 pixels and 40 epochs, the paper size all ten, in 8 x 8 pixels too, and 80 epochs.

No theorem covers momentum, weight decay or batches. Three plain methods, one example a step and a tenth of the
gradients, stand beside them under Theorems 1, 2 and 4.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence

from riskkit.algorithms import SLRLA, Algorithm, Constant, InverseTime, Lookahead, MomentumLookahead, Stage
from riskkit.algorithms.staged import Output
from riskkit.algorithms.steps import Step
from riskkit.data import digits
from riskkit.experiment import Experiment, Grid, Own, Paired, Point, Size, per_octave
from riskkit.problems import FinitePopulation
from riskkit.theory.zhou2021 import convex, slrla, strongly_convex

GAMMA, K, ALPHA, PLAIN = 1e-5, 5, 0.8, 10
BETAS = (0.01, 0.2)


@functools.cache
def softmax(classes: int, side: int) -> FinitePopulation:
    """Three classes are 3, 5 and 8, which look most alike."""
    rows = digits(8 if side == 8 else 4)
    if classes == 3:
        rows = rows.only(3, 5, 8)
    return FinitePopulation(rows.with_intercept(), "softmax", GAMMA, radius=None)


def stages(rounds: int, beta: float, output: Output = "last") -> list[Stage]:
    """Four stages (fewer if there are few rounds), the step halved after 0.3, 0.6 and 0.8 of the rounds."""
    ends = [0, *(round(rounds * part) for part in (0.3, 0.6, 0.8)), rounds]
    return [
        Stage(end - begin, K, ALPHA, Constant(0.05 / 2**q), beta, output)
        for q, (begin, end) in enumerate(itertools.pairwise(ends))
        if end > begin
    ]


def batch(p: Point) -> int:
    return max(1, int(p.n) // 10)


def rounds(p: Point) -> int:
    return max(1, int(p.gradients) // (batch(p) * K))


def with_momentum(p: Point, made: Sequence[Stage]) -> MomentumLookahead:
    return MomentumLookahead(tuple(made), momentum=0.9, weight_decay=1e-4, batch=batch(p))


def falling(p: Point) -> Step:
    """0.1/(1 + t), t the epochs before the step."""
    epoch = p.n / batch(p)
    return InverseTime(lam=10 / epoch, offset=epoch)


def plain_rounds(p: Point) -> int:
    return max(1, int(p.gradients) // (PLAIN * K))


def plain(p: Point, step: Step) -> Algorithm:
    return Lookahead(plain_rounds(p), K, ALPHA, step)


def theorem2_step(p: Point) -> Step:
    c = p.problem.constants
    return InverseTime(c.lam, max(2.0, math.ceil(c.L / c.lam)))


EXPERIMENT = Experiment(
    title="Digits: the paper's convex experiment",
    question="On digits, with the paper's schedules: has SLRLA a smaller risk than SLA and Lookahead?",
    problem=lambda p: softmax(int(p.classes), int(p.side)),
    algorithms={
        "Lookahead": lambda p: with_momentum(p, [Stage(rounds(p), K, ALPHA, falling(p))]),
        "SLA": lambda p: with_momentum(p, stages(rounds(p), 0.0)),
        "SLRLA": Own(lambda p: with_momentum(p, stages(rounds(p), p.beta)), beta=BETAS),
        "plain Lookahead, constant step": lambda p: plain(p, Constant(0.05)),
        "plain Lookahead, c/(j + j0)": lambda p: plain(p, theorem2_step(p)),
        "plain SLRLA": lambda p: SLRLA(stages(plain_rounds(p), BETAS[0], "average")),
    },
    read=per_octave(1),
    bounds=(
        convex.OPTIMIZATION_AVERAGE,
        convex.GENERALIZATION_AVERAGE,
        strongly_convex.OPTIMIZATION,
        strongly_convex.GENERALIZATION,
        slrla.OPTIMIZATION,
        slrla.GENERALIZATION_AVERAGE,
    ),
    readings=(
        Paired(
            "SLRLA",
            ("SLA", "Lookahead"),
            of=(("optimization", "last"), ("generalization", "last"), ("excess", "last")),
            fractions=(1.0,),
        ),
        Paired(
            "SLA",
            ("Lookahead",),
            of=(("optimization", "last"), ("generalization", "last"), ("excess", "last")),
            fractions=(1.0,),
        ),
    ),
    sizes={
        "laptop": Size(Grid(n=100, classes=3, side=4, gradients=40 * 100), replicates=128),
        "paper": Size(Grid(n=200, classes=10, side=(4, 8), gradients=80 * 200), replicates=256),
    },
)
