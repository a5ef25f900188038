"""The problems as a table in Markdown: ``python -m benchmarks.problems``. Seconds are of the CPU, for the kit."""

from __future__ import annotations

import argparse
import dataclasses
import time

import problems
from riskkit.cli.common import Parser
from riskkit.conformance.problems import check
from riskkit.problem import Problem


def row(problem: Problem) -> str:
    started = time.process_time()
    faults = check(problem).faults
    seconds = time.process_time() - started
    fields = ", ".join(f"{field.name}={getattr(problem, field.name)!r}" for field in dataclasses.fields(problem))  # type: ignore[arg-type]
    theta = "R^d" if problem.radius is None else f"ball of radius {problem.radius:g}"
    c = problem.constants
    constants = ", ".join(
        f"{name} = {value:.4g}"
        for name in ("L", "G", "lam", "mu", "rho", "M")
        if (value := getattr(c, name)) or name in ("L", "G", "M")
    )
    verdict = "conforms" if not faults else f"{len(faults)} faults"
    name = f"{type(problem).__name__}({fields})"
    return f"| {name} | {problem.regime} | {theta} | {constants} | {verdict}, {seconds:.1f} s |"


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| problem | regime | Theta | constants | kit |\n|---|---|---|---|---|")
    for name in problems.__all__:
        print(row(getattr(problems, name)()))
