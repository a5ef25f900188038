"""``python -m riskkit.compare results/theorem2_ridge``: the verdicts again, from what is stored.

Nothing is computed but statistics: the table and the verdicts are a function of the shards and of the question in
run.json.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from riskkit import study
from riskkit.confront import Evidence, Finding, findings, table
from riskkit.execute import Failure, Request
from riskkit.store import Store, StoreError, frame


class Outcome(NamedTuple):
    """An experiment's question and its verdicts."""

    name: str
    question: str
    findings: list[Finding]

    def print(self, console: Console | None = None) -> None:
        console = console or Console(width=None if sys.stdout.isatty() else 140)
        shown = Table(title=f"{self.name}: {self.question}", title_justify="left", title_style="bold", expand=False)
        shown.add_column("bound", no_wrap=True)
        shown.add_column("where")
        shown.add_column("verdict", no_wrap=True)
        shown.add_column("finding", ratio=1)
        for finding in self.findings:
            axis = "level" if finding.axis is None else f"along {finding.axis}"
            held = ", ".join(f"{name}={value:g}" for name, value in finding.where.items())
            shown.add_row(
                finding.bound, f"{axis} {held}".strip(), str(finding.verdict.outcome), finding.verdict.sentence
            )
        console.print(shown)


def conclude(request: Request, store: Store, failures: Sequence[Failure] = ()) -> Outcome:
    """Table, verdicts and record of one experiment, written beside its shards."""
    made = request.plan()
    reasons = {
        address: failure.reason
        for failure in failures
        if failure.task.request == request
        for address in failure.task.runs
    }
    complete = [address for address in made.runs if address not in reasons]
    evidence = Evidence(made, store.get_many(complete, made.size.replicates), reasons)
    found = findings(evidence)
    store.write_table("table", frame(table(evidence)))
    experiment = made.experiment
    store.write_json(
        "verdict.json",
        {
            "experiment": experiment.name,
            "question": experiment.question,
            "verdicts": [finding.to_json() for finding in found],
        },
    )
    store.write_json("run.json", record(request))
    return Outcome(experiment.name, experiment.question, found)


def record(request: Request) -> dict[str, Any]:
    """run.json: the full question, what ran it, and which run answers which cell."""
    made = request.plan()
    experiment = made.experiment
    runs: dict[str, Any] = {}
    for cell in made.cells:
        about = {**cell.point._asdict(), "algorithm": cell.role, "checkpoint": cell.rounds}
        runs.setdefault(made.addresses[cell.run], []).append(about)
    return {
        "request": request._asdict(),
        "question": experiment.question,
        "problem": repr(experiment.problem),
        "constants": repr(experiment.problem.constants),
        "step": repr(experiment.schedule()),
        "replicates": made.size.replicates,
        "seed": str(experiment.seed),
        "bounds": [bound.name for bound in experiment.bounds],
        "runs": runs,
        "versions": {name: version(name) for name in ("riskkit", "numpy", "scipy", "torch", "numba")},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def reopen(folder: Path) -> Request:
    """The question that a results folder answers."""
    try:
        stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))["request"]
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no run.json; expected a results folder such as results/theorem2_ridge."
        ) from None
    stored["axes"] = tuple((name, tuple(values)) for name, values in stored["axes"])
    stored["study"] = str(study.folder())
    return Request(**stored)


def main(argv: Sequence[str] | None = None) -> int:
    from riskkit.sweep import Parser

    parser = Parser(prog="riskkit.compare", description="Verdicts again, from what is stored.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="such as results/theorem2_ridge")
    arguments = parser.parse_args(argv)
    try:
        for folder in arguments.folders:
            request = reopen(folder)
            conclude(request, Store(folder)).print()
    except (StoreError, study.StudyError, ValueError) as error:
        print(f"riskkit.compare: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
