"""``riskkit compare results/theorem2_ridge``: the verdicts again, from what is stored.

Nothing is computed but statistics: the table and the verdicts are a function of the shards and of the question in
run.json. Exit status 1: some cells are not there.
"""

from __future__ import annotations

import argparse

from riskkit.cli.common import ANSWERED, STOPPED, Parser, a_path, reading, writing
from riskkit.execution.telling import tell


def add_arguments(parser: Parser) -> None:
    parser.add_argument("folders", nargs="+", type=a_path, metavar="FOLDER", help="such as results/theorem2_ridge")


def run(arguments: argparse.Namespace) -> int:
    from riskkit.execution.conclusion import conclude, record, reopen, settle
    from riskkit.execution.terminal import Terminal, verdict_text
    from riskkit.store.shards import Store, StoreError

    with reading(StoreError, ValueError):
        asked = [(Store(folder), *reopen(folder)) for folder in arguments.folders]
        for store, request, _ in asked:
            request.plan()
            store.have()
    status = ANSWERED
    for store, request, known in asked:
        with writing(store.root, StoreError):
            data, failures = settle(request, store, known)
            experiment, found = data.plan.experiment, conclude(data, store)
            print(verdict_text(experiment.name, experiment.question, found, Terminal.here()), end="")
            store.write_json("run.json", record(request, store.root, failures))
        if failures:
            status = STOPPED
            reasons = sorted({f"{state}: {reason}" for state, reason in failures.values()})
            line = f"riskkit compare: {store.root}: {len(failures)} runs have no result: {reasons[0]}"
            tell(line)
    return status
