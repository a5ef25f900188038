"""The conformance kit: is a problem what it says it is?

    report = check(MyProblem())
    print(report)
    assert not report.faults

Nothing a problem says is believed. Its gradient is compared with the derivative of its risk, its empirical risk with
the mean of its losses, its population risk with draws, its minimisers with the first-order conditions *and* with
descents from elsewhere, and every constant with the worst violation that a search among the admissible parameters can
find: Theta if that is a ball, else points reached from theta_0 by stochastic gradient steps, and mixtures of them. A
fault is a demonstration, but for the Monte Carlo comparison, whose false-alarm rate is ``risks.FALSE_ALARM`` a call. No
fault is no proof.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

from riskkit.conformance import batches, constants, declarations, gradients, kinks, risks
from riskkit.conformance.findings import Finding, Found, Report, guarded
from riskkit.conformance.subject import Subject
from riskkit.engines.reference import one_thread
from riskkit.problem import Problem


def check(
    problem: Problem,
    *,
    sizes: Sequence[int] | None = None,
    step: float | None = None,
    draws: int = 200_000,
    seed: int = 0,
) -> Report:
    """Runs every check on one thread of the CPU; a few seconds for d up to about 30, a minute for d = 650.

    Args:
        sizes: sample sizes n >= 2 to try; by default some below, near and above d (and up to ``largest_n``,
            if the problem has that attribute); for d above 100, up to 102 alone.
        step: for Theta = R^d, the largest step size the problem will be run with, which decides what points the
            iterates can reach. Default: the problem's ``largest_step`` if it has one, else 1/L.
        draws: examples in the Monte Carlo comparison.
        seed: of the data and of the searches.

    Raises ValueError for sizes or a step that make no sense; what is wrong with the problem is reported, never raised.
    """
    if sizes is not None and (not sizes or any(n != int(n) or n < 2 for n in sizes)):
        raise ValueError(f"check: sizes must be whole numbers >= 2; got {sizes!r}.")
    if step is not None and not 0 < step < math.inf:
        raise ValueError(f"check: step must be a finite number > 0; got {step!r}.")
    owner = type(problem).__name__
    missing = [
        f"{owner} lacks {name}: the protocol riskkit.problem.Problem needs it."
        for name in declarations.missing(problem)
    ]
    if missing:
        return Report(owner, (Finding("protocol", tuple(missing)),))
    declared = guarded("declarations", lambda: declarations.declarations(problem))
    if declared.faults:
        return Report(owner, (Finding("protocol", ()), declared))
    with one_thread():  # with more, small products wait for each other
        subject = Subject(problem, sizes, step, draws, seed)
        findings = [Finding("protocol", ()), declared]
        for title, run in CHECKS:
            findings.append(guarded(title, functools.partial(run, subject)))
            if title == "shapes" and findings[-1].faults:
                break  # nothing after this could be read
    return Report(owner, tuple(findings))


CHECKS: tuple[tuple[str, Callable[[Subject], Found]], ...] = (
    ("shapes", batches.shapes),
    ("sample", batches.sampling),
    ("gradient", gradients.gradient),
    ("empirical risk", risks.mean_of_losses),
    ("batches", batches.invariance),
    ("single precision", batches.single_precision),
    ("empirical minimiser", risks.empirical_minimiser),
    ("population risk", risks.population_risk),
    ("population minimiser", risks.population_minimiser),
    ("constant G", constants.gradient_bound),
    ("constant M", constants.loss_range),
    ("constant l_max", constants.loss_supremum),
    ("self_bounding", constants.self_bounding),
    ("constants L, lam, rho", constants.curvature),
    ("jumps of the gradient", kinks.jumps),
    ("constant mu", constants.gradient_domination),
    ("formula", gradients.formula),
    ("quadratic", gradients.quadratic),
    ("squared", gradients.squared),
)
"""Run in this order: what a check takes for granted was checked before."""
