"""``riskkit compare results/theorem2_ridge``: the verdicts again, from what is stored.

Nothing is computed but statistics: the table and the verdicts are a function of the shards and of the question in
run.json.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit.execution.conclusion import conclude, record, reopen, settle
from riskkit.execution.terminal import Terminal, verdict_text
from riskkit.experiment import study
from riskkit.store.shards import Store, StoreError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 judged, 1 some cells are not there, 2 bad input."""
    from riskkit.cli.sweep import Parser

    parser = Parser(prog="riskkit.compare", description="Verdicts again, from what is stored.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="such as results/theorem2_ridge")
    arguments = parser.parse_args(argv)
    status = 0
    try:
        asked = [(folder, *reopen(folder)) for folder in arguments.folders]
        for folder, request, known in asked:
            store = Store(folder)
            evidence, failures = settle(request, store, known)
            experiment = evidence.plan.experiment
            found = conclude(evidence, store)
            print(verdict_text(experiment.name, experiment.question, found, *Terminal.here()), end="")
            store.write_json("run.json", record(request, folder, failures))
            if failures:
                status = 1
                reasons = sorted({f"{state}: {reason}" for state, reason in failures.values()})
                print(f"riskkit.compare: {folder}: {len(failures)} runs have no result: {reasons[0]}", file=sys.stderr)
    except (StoreError, study.StudyError, ValueError) as error:
        print(f"riskkit.compare: {error}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
