"""``riskkit explain theorem2``: what a bound says, from what, and how large it is.

Prints the theorem's statement and proof (its module's docstring), and each bound's terms on a grid, evaluated with the
constants of a problem and with D^2, f_0 and g^2 as means over some replicates of it. ``theorem4`` prints gradient
counts, ``audits`` the claims held against each other. Numbers are the slides'; after each come the paper's theorems as
its supplement prints them, which ``paper.theorem3`` names alone, with the verdicts on them that are stored.
``proofs``: the steps at which their proofs fail.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from riskkit.algorithms.staged import Lookahead
from riskkit.algorithms.steps import InverseTime, SqrtHorizon, Step
from riskkit.cli import explain_printed
from riskkit.cli.common import ANSWERED, BadInputError, Parser, add_results, reading
from riskkit.experiment import study
from riskkit.identity import label, short
from riskkit.problem import Problem, Regime, diameter
from riskkit.theory.bound import Floats, Inequality
from riskkit.theory.zhou2021 import BOUNDS, convex, polyak_lojasiewicz, published, slrla, strongly_convex
from riskkit.theory.zhou2021.audits import table
from riskkit.theory.zhou2021.setting import NUMBERS, Setting, StagedInequality
from riskkit.theory.zhou2021.setting import trivial as trivial_value

REGIMES = {1: Regime.CONVEX, 2: Regime.STRONGLY_CONVEX, 3: Regime.PL, 4: Regime.STRONGLY_CONVEX}
SOURCES = {1: convex, 2: strongly_convex, 3: polyak_lojasiewicz, 4: slrla}
TOPICS = ("theorem1", "theorem2", "theorem3", "theorem4", "audits", *explain_printed.TOPICS, "proofs")
ALONE = {"audits", "proofs"}


class Inputs(NamedTuple):
    """What a bound needs of the data, means over replicates, for each sample size (N,)."""

    D2: Floats
    f0: Floats
    g2: Floats


def add_arguments(parser: Parser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"{', '.join(TOPICS)}, or bounds that start with NAME")
    parser.add_argument("--problem", metavar="NAME", help="whose constants (default: one of the theorem's regime)")
    parser.add_argument("--n", nargs="+", type=int, default=[100], help="sample sizes")
    parser.add_argument("--T", nargs="+", type=int, default=[10, 100, 1000], help="outer rounds")
    parser.add_argument("--k", nargs="+", type=int, default=[5], help="inner steps")
    parser.add_argument("--alpha", nargs="+", type=float, default=[0.25, 0.5, 1.0], help="outer steps")
    parser.add_argument(
        "--offset", type=float, help="j0 of the step 1/(lam (j + j0)) (default: what the bounds ask for)"
    )
    parser.add_argument("--eps", nargs="+", type=float, default=[0.1, 0.01], help="errors to reach (theorem4)")
    parser.add_argument("--replicates", type=int, default=256, help="for D^2, f_0 and g^2")
    add_results(parser)


class Topic(NamedTuple):
    """One theorem, or some of its bounds, on a problem with a schedule; ``theorem`` 0: the paper's alone."""

    theorem: int
    bounds: list[StagedInequality]
    problem: Problem
    step: Step
    printed: list[Inequality]


def run(arguments: argparse.Namespace) -> int:
    with reading(ValueError):
        _check(arguments)
        topics = [name if name in ALONE else _topic(name, arguments) for name in arguments.names]
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for topic in topics:
        if topic == "audits":
            _audits(console)
        elif isinstance(topic, str):
            explain_printed.proofs(console)
        else:
            _explain(console, topic, arguments)
    return ANSWERED


def _check(arguments: argparse.Namespace) -> None:
    for n in arguments.n:
        if n < 2:
            raise BadInputError(f"--n must be whole numbers >= 2; got {n}.")
    for T, k, alpha in itertools.product(arguments.T, arguments.k, arguments.alpha):
        Lookahead(T, k, alpha, SqrtHorizon(1.0))
        if alpha > 1:
            raise BadInputError(f"--alpha must lie in (0, 1], of which the theorems speak; got {label(alpha)}.")
    for eps in arguments.eps:
        if not 0 < eps < math.inf:
            raise BadInputError(f"--eps must be finite numbers > 0; got {label(eps)}.")
    if arguments.replicates < 1:
        raise BadInputError(f"--replicates must be a whole number >= 1; got {arguments.replicates}.")


def _topic(name: str, arguments: argparse.Namespace) -> Topic:
    chosen = [bound for key, bound in BOUNDS.items() if key == name or key.startswith(f"{name}.")]
    if printed := explain_printed.chosen(name):
        problem = study.problem(arguments.problem) if arguments.problem else explain_printed.default(printed)
        _few_enough(problem, max(arguments.n))
        return Topic(0, [], problem, SqrtHorizon(1.0), printed)
    if not chosen and name != "theorem4":
        raise BadInputError(study.unknown("theorem or bound", name, [*TOPICS, *BOUNDS, *published.BOUNDS]))
    theorem = int(chosen[0].title.split()[1]) if chosen else 4
    n = max(arguments.n)
    problem = study.problem(arguments.problem) if arguments.problem else _default(theorem, n)
    _few_enough(problem, n)
    constants = problem.constants
    if theorem == 4 and constants.lam == 0 and constants.mu == 0:
        raise BadInputError(
            f"{slrla.TITLE} needs lam > 0 or mu > 0; {problem.name} is {problem.regime}, and has neither."
        )
    own = [one for key in published.SLIDES.get(name, ()) for one in published.of_theorem(key)]
    return Topic(theorem, chosen, problem, schedule(theorem, problem, arguments), own)


def _few_enough(problem: Problem, n: int) -> None:
    if n > getattr(problem, "largest_n", math.inf):
        raise BadInputError(f"{problem!r} has constants for fewer examples; got --n {n}.")


def _explain(console: Console, topic: Topic, arguments: argparse.Namespace) -> None:
    if topic.theorem:
        console.print(inspect.getdoc(SOURCES[topic.theorem]), markup=False)
    else:
        explain_printed.statement(console)
    console.print()
    _constants(console, topic.problem)
    inputs = measured(topic.problem, arguments.n, arguments.replicates)
    if topic.theorem == 4:
        _counts(console, topic.problem, topic.step, inputs, arguments)
    for bound in topic.bounds:
        _bound(console, bound, topic.problem, topic.step, inputs, arguments)
    for name in dict.fromkeys(map(explain_printed.theorem, topic.printed)):
        bounds = [bound for bound in topic.printed if explain_printed.theorem(bound) == name]
        _printed(console, bounds, topic, inputs, arguments)


def _printed(
    console: Console, bounds: list[Inequality], topic: Topic, inputs: Inputs, arguments: argparse.Namespace
) -> None:
    """On the problem that was asked for, else on one that the paper's own steps cover."""
    problem = topic.problem
    if topic.theorem and not arguments.problem:
        problem = explain_printed.default(bounds)
        _few_enough(problem, max(arguments.n))
        if problem != topic.problem:
            console.print()
            _constants(console, problem)
            inputs = measured(problem, arguments.n, arguments.replicates)
    own = [explain_printed.Inputs(*map(float, values)) for values in zip(*inputs, strict=True)]
    explain_printed.explain(console, bounds, problem, own, arguments.n, arguments)


def _default(theorem: int, n: int) -> Problem:
    """The study's first problem of the theorem's regime whose constants hold for n examples."""
    for kind in study.problems().values():
        made: Problem = kind()
        if made.regime is REGIMES[theorem] and n <= getattr(made, "largest_n", math.inf):
            return made
    raise study.StudyError(f"the study has no problem that is {REGIMES[theorem]}; name one with --problem.")


def measured(problem: Problem, sizes: Sequence[int], replicates: int) -> Inputs:
    """E D_S^2, E f_0 and E ||grad F_S(theta*_S)||^2 by sample size, means over replicates of seed 0."""
    from riskkit.measure.simulation import simulate

    step = SqrtHorizon(1e-3)
    sets = [simulate(problem, Lookahead(1, 1, 1.0, step), n=n, replicates=replicates).dataset for n in sizes]
    return Inputs(
        *(
            np.array([values[name].mean() for values in sets])
            for name in ("start_distance", "start_gap", "gradient_at_minimiser")
        )
    )


def schedule(theorem: int, problem: Problem, arguments: argparse.Namespace) -> Step:
    """The largest steps of the theorem's kind that the problem allows (Theorem 1: at most 1/sqrt(kT))."""
    constants = problem.constants
    largest = min(getattr(problem, "largest_step", math.inf), 1 / constants.L if constants.L else math.inf)
    if theorem == 1:
        steps = min(arguments.T) * min(arguments.k)
        return SqrtHorizon(min(1.0, largest * math.sqrt(steps)) if largest > 0 else 1.0)
    modulus = constants.mu if theorem == 3 else constants.lam
    if modulus == 0:
        return InverseTime(1.0, 2.0)  # no bound covers the problem, and each says why
    return InverseTime(modulus, arguments.offset or max(2.0, 1 / (modulus * largest)))


def _constants(console: Console, problem: Problem) -> None:
    shown = Table(title=f"{problem.name}: {problem.regime}, d = {problem.dim}", title_justify="left")
    for name in ("L", "G", "lam", "lam_example", "mu", "rho", "M", "l_max"):
        shown.add_column(name, justify="right")
    shown.add_column("radius", justify="right")
    constants = problem.constants
    values = [getattr(constants, name) for name in ("L", "G", "lam", "lam_example", "mu", "rho", "M", "l_max")]
    shown.add_row(*(short(value, 4) for value in values), "R^d" if problem.radius is None else label(problem.radius))
    console.print(shown)


def _bound(
    console: Console,
    bound: StagedInequality,
    problem: Problem,
    step: Step,
    inputs: Inputs,
    arguments: argparse.Namespace,
) -> None:
    console.print(f"\n{bound.name}: {bound.title}", style="bold", markup=False)
    console.print(
        f"  claim     {bound.claim_statement}\n  explicit  {bound.statement}\n  step      {step}", markup=False
    )
    longest = Lookahead(max(arguments.T), max(arguments.k), max(arguments.alpha), step)
    shortest = Lookahead(min(arguments.T), min(arguments.k), max(arguments.alpha), step)
    reason = bound.excludes(problem, shortest) or bound.excludes(problem, longest)
    if reason is not None:
        console.print(f"  not covered: {reason}", markup=False)
        return
    axes = np.meshgrid(np.arange(len(arguments.n)), arguments.k, arguments.alpha, arguments.T, indexing="ij")
    place, k, alpha, T = (axis.ravel() for axis in axes)
    n = np.array(arguments.n)[place]
    D2, f0, g2 = (values[place] for values in inputs)
    setting = Setting(problem.constants, step, n=n, T=T, k=k, alpha=alpha, D2=D2, f0=f0, g2=g2)
    claim, explicit, trivial = (
        bound.claim(setting),
        bound.explicit(setting),
        trivial_value(bound.quantity, setting, diameter(problem)),
    )
    shown = Table()
    claimed, proved = type(claim)._fields, type(explicit)._fields
    for name in ("n", "k", "alpha", "T"):
        shown.add_column(name, justify="right")
    for name in (*(f"claim: {x}" for x in claimed), *(f"explicit: {x}" for x in proved), "explicit", "trivial"):
        shown.add_column(name, justify="right")
    total = np.sum(explicit, axis=0)
    for i in range(n.size):
        terms = [term[i] for term in (*claim, *explicit, total, trivial)]
        shown.add_row(f"{n[i]}", f"{k[i]}", label(alpha[i]), f"{T[i]}", *(short(float(term), 4) for term in terms))
    console.print(shown)


def _counts(console: Console, problem: Problem, step: Step, inputs: Inputs, arguments: argparse.Namespace) -> None:
    constants = problem.constants
    convex = constants.lam > 0
    modulus = constants.lam if convex else constants.mu
    beta = 0.0 if constants.rho == 0 else constants.rho
    diameter = math.inf if problem.radius is None else 2 * problem.radius
    f0 = float(inputs.f0[0])
    shown = Table(
        title=f"gradients to reach eps from f_0 = {short(f0, 4)}, n = {arguments.n[0]}, {step}", title_justify="left"
    )
    for name in ("eps", "k", "alpha", "claim: Lookahead", "claim: SLRLA", "explicit: Lookahead", "explicit: SLRLA"):
        shown.add_column(name, justify="right")
    bound = strongly_convex.OPTIMIZATION if convex else polyak_lojasiewicz.OPTIMIZATION
    reason = bound.excludes(problem, Lookahead(1, 1, 1.0, step))
    for eps in arguments.eps:
        for k in arguments.k:
            for alpha in arguments.alpha:
                if convex:
                    claimed = float(np.sum(slrla.claimed_lookahead_gradients(eps, alpha, modulus)))
                else:
                    claimed = float(slrla.claimed_lookahead_gradients_pl(eps, alpha, modulus))
                staged = float(slrla.claimed_slrla_gradients(eps, alpha, modulus))
                setting = Setting(
                    constants, step, n=arguments.n[0], T=1, k=k, alpha=alpha, D2=inputs.D2[0], f0=f0, g2=inputs.g2[0]
                )
                proved = math.nan if reason else float(slrla.lookahead_gradients(bound, setting, eps))
                try:
                    plan = f"{slrla.slrla_schedule(constants, diameter, f0, eps, alpha, k, beta).steps}"
                except ValueError as error:
                    plan = str(error)
                shown.add_row(
                    label(eps),
                    f"{k}",
                    label(alpha),
                    short(claimed),
                    short(staged),
                    short(proved, 4),
                    plan,
                )
    console.print(shown)
    if reason:
        console.print(f"explicit, Lookahead: not covered: {reason}", markup=False)


def _audits(console: Console) -> None:
    title = (
        f"The claims compared with each other (constants the slides leave out: 1). {NUMBERS[0].upper()}{NUMBERS[1:]}."
    )
    shown = Table(title=title, title_justify="left")
    for name in ("", "audit", "first", "second", "finding"):
        shown.add_column(name)
    for row in table():
        finding = row.finding if row.confirmed else f"NOT CONFIRMED: {row.finding}"
        shown.add_row(f"{row.number}", f"{row.name}: {row.compared}", row.first, row.second, finding)
    console.print(shown)
