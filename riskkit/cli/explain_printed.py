"""``riskkit explain paper.theorem3``: a theorem as the paper prints it, beside the claim and the bound that holds."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from riskkit.algorithms.staged import Algorithm, Lookahead
from riskkit.execution.telling import printable
from riskkit.experiment import study
from riskkit.identity import label, short
from riskkit.problem import Constants, Problem, Regime, diameter
from riskkit.report.tables import content, printed
from riskkit.theory.bound import At, Floats, Inequality, total
from riskkit.theory.zhou2021 import proof_audits, published

PREFIX = "paper."
TOPICS = tuple(f"{PREFIX}{name}" for name in published.TITLES)
STAGES = 5


class Inputs(NamedTuple):
    """Means over replicates for one sample size."""

    D2: float
    f0: float
    g2: float


Make = Callable[[Constants, int, int, float, Inputs], Algorithm]
"""(constants, T, k, alpha, inputs) -> the run that a theorem is about."""


def _first(c: Constants, T: int, k: int, alpha: float, inputs: Inputs) -> Algorithm:
    return Lookahead(T, k, alpha, published.first_step(c))


def _horizon(c: Constants, T: int, k: int, alpha: float, inputs: Inputs) -> Algorithm:
    return Lookahead(T, k, alpha, published.horizon_step(math.sqrt(inputs.D2), c.G, alpha))


def _decay(c: Constants, T: int, k: int, alpha: float, inputs: Inputs) -> Algorithm:
    return Lookahead(T, k, alpha, published.decay_step(c))


def _divided(c: Constants, T: int, k: int, alpha: float, inputs: Inputs) -> Algorithm:
    return Lookahead(T, k, alpha, published.divided_step(c, alpha))


def _stages(c: Constants, T: int, k: int, alpha: float, inputs: Inputs) -> Algorithm:
    return published.stages(c, 2 * inputs.f0, STAGES, alpha, k)


RUNS: dict[str, dict[str, Make]] = {
    "theorem1": {"(lam+L)/(lam L (j+2))": _first},
    "theorem2": {"(lam+L)/(lam L (j+2))": _first},
    "corollary1": {"(lam+L)/(lam L (j+2))": _first},
    "theorem3": {"sqrt(D^2/(alpha kT G^2))": _horizon},
    "theorem4.optimization": {"1/(mu (j+1))": _decay},
    "theorem4.generalization": {"1/(alpha mu (j+1))": _divided, "1/(mu (j+1))": _decay},
    "theorem5": {f"{STAGES} stages from eps_0 = 2 f_0": _stages},
    "theorem6": {f"{STAGES} stages from eps_0 = 2 f_0": _stages},
}


def chosen(name: str) -> list[Inequality]:
    """The bounds meant by ``paper.theorem3``, or by a longer beginning of their names; none if it is no name."""
    return [bound for key, bound in published.BOUNDS.items() if key == name or key.startswith(f"{name}.")]


def theorem(bound: Inequality) -> str:
    """``theorem3`` of ``paper.theorem3.optimization.average``."""
    return bound.name.split(".")[1]


def runs(bound: Inequality) -> dict[str, Make]:
    """The step sizes for which a bound is stated, in words, and the runs."""
    _, name, quantity, *_ = bound.name.split(".")
    return RUNS.get(name) or RUNS[f"{name}.{quantity}"]


def default(bounds: Sequence[Inequality]) -> Problem:
    """The study's first problem that most of the bounds cover; for Theorem 3 one that is merely convex."""
    found = [kind() for kind in study.problems().values()]
    if theorem(bounds[0]) == "theorem3":
        found.sort(key=lambda problem: problem.regime is not Regime.CONVEX)
    covered = [sum(_covers(bound, problem) for bound in bounds) for problem in found]
    if not any(covered):
        raise study.StudyError(f"the study has no problem that {bounds[0].title} covers; name one with --problem.")
    return found[covered.index(max(covered))]


def _covers(bound: Inequality, problem: Problem) -> bool:
    """Whether it speaks of some run on the problem."""
    for make in runs(bound).values():
        try:
            run = make(problem.constants, 8, 1, 0.1, Inputs(1.0, 1.0, 0.0))
        except (ValueError, ZeroDivisionError):
            continue  # a constant is 0 or infinite
        if bound.excludes(problem, run) is None:
            return True
    return False


def explain(
    console: Console,
    bounds: Sequence[Inequality],
    problem: Problem,
    inputs: Sequence[Inputs],
    sizes: Sequence[int],
    arguments: Any,
) -> None:
    """The forms of each bound side by side, evaluated; then the failing steps and what stands."""
    for bound in bounds:
        for step, make in runs(bound).items():
            _forms(console, bound, step, make, problem, inputs, sizes, arguments)
    for name in dict.fromkeys(theorem(bound) for bound in bounds):
        _measured(console, name, {bound.name for bound in bounds}, arguments.results)
        _steps(console, name)


def statement(console: Console) -> None:
    """The docstrings of the package and its parts: all theorems as printed, what holds instead, and why."""
    console.print("\n\n".join(inspect.getdoc(part) or "" for part in (published, *published.PARTS)), markup=False)


def _forms(
    console: Console,
    bound: Inequality,
    step: str,
    make: Make,
    problem: Problem,
    inputs: Sequence[Inputs],
    sizes: Sequence[int],
    arguments: Any,
) -> None:
    console.print(f"\n{bound.name}: {bound.title}, {bound.source.place}", style="bold", markup=False)
    console.print(f"  claim      {bound.claim_statement or 'none'}", markup=False)
    console.print(
        f"  published  {bound.published_statement}\n  proved     {bound.statement}\n  step       {step}", markup=False
    )
    in_stages = make is _stages
    lengths = [STAGES] if in_stages else arguments.T
    shown = Table()
    rounds = "S" if in_stages else "T"
    for name in ("n", "k", "alpha", rounds, "claim", "published", "proved", "published / proved", "trivial"):
        shown.add_column(name, justify="right")
    reasons: dict[str, None] = {}
    for n, own in zip(sizes, inputs, strict=True):
        for k in arguments.k:
            for alpha in arguments.alpha:
                for T in lengths:
                    try:
                        run = make(problem.constants, T, k, alpha, own)
                    except (ValueError, ZeroDivisionError):
                        reasons[f"{bound.title} has no step size here; {problem.name} is {problem.regime}."] = None
                        continue
                    if (reason := bound.excludes(problem, run)) is not None:
                        reasons[reason] = None
                        continue
                    at = At(problem, run, n, np.array([run.rounds], dtype=np.int64), *own)
                    shown.add_row(f"{n}", f"{k}", label(alpha), f"{T}", *_row(bound, at))
    if shown.row_count:
        console.print(shown)
    for reason in list(reasons)[:2]:
        console.print(f"  not covered: {reason}", markup=False)


def _row(bound: Inequality, at: At) -> Iterable[str]:
    found: dict[str, Floats] = {form: total(bound.evaluate(form, at), at, bound.name) for form in bound.forms}
    claim, stated, proved = (float(found[form][0]) if form in found else math.nan for form in _FORMS)
    known = {"distance": diameter(at.problem) ** 2, "stability": diameter(at.problem)}
    trivial = known.get(bound.quantity, at.constants.M)
    for value in (claim, stated, proved, stated / proved if proved else math.inf, trivial):
        yield "--" if math.isnan(value) else short(value, 4)


_FORMS = ("claim", "published", "proved")


def _measured(console: Console, name: str, bounds: set[str], folder: Path) -> None:
    """What the stored results say of the bounds: the same verdicts as in the report."""
    found = [row for row in printed.printed(content.everything(folder)[0]) if row.bound in bounds]
    console.print(f"\n{published.TITLES[name]}: measured ({printable(folder)}/)", style="bold", markup=False)
    if not found:
        console.print("  nothing stored tests it; python -m riskkit.sweep printed measures it.", markup=False)
        return
    console.print(f"  {printed.answer(found)}", markup=False)
    made = printed.table(name, found)
    shown = Table()
    for column in made.columns:
        shown.add_column(column.heading)
    for row in made.rows:
        shown.add_row(*map(str, row))
    console.print(shown)


def _steps(console: Console, name: str) -> None:
    console.print(f"\n{published.TITLES[name]}: steps of the proof that fail", style="bold", markup=False)
    for step in proof_audits.STEPS:
        if name in step.theorems:
            confirmed, finding = step.check()
            said = finding if confirmed else f"NOT CONFIRMED: {finding}"
            console.print(f"  {step.page}: {step.printed}; {step.true}\n    {said}. Harm: {step.harm}.", markup=False)
    console.print(f"  What stands: {published.STANDS[name]}", markup=False)


def proofs(console: Console) -> None:
    """All failing steps."""
    shown = Table(title="Steps of the supplement's proofs that fail, computed", title_justify="left")
    for name in ("", "theorem", "page", "printed", "what holds", "harm", "finding"):
        shown.add_column(name)
    for row in proof_audits.table():
        finding = row.finding if row.confirmed else f"NOT CONFIRMED: {row.finding}"
        shown.add_row(f"{row.number}", row.theorems, row.page, row.printed, row.true, row.harm, finding)
    console.print(shown)
