"""``riskkit tables theorem2``: tables for a paper and for a page, from what is stored; nothing is computed."""

from __future__ import annotations

import argparse

from riskkit.cli.common import ANSWERED, BadInputError, Parser, add_names, add_results, reading, writing
from riskkit.execution.telling import printable
from riskkit.experiment import study


def add_arguments(parser: Parser) -> None:
    add_names(parser)
    add_results(parser)


def run(arguments: argparse.Namespace) -> int:
    from riskkit.store.provenance import nothing_stored, saved_from_python

    with reading():
        chosen = study.select(arguments.experiments, beside=saved_from_python(arguments.results))
    from riskkit.report import write_tables
    from riskkit.report.tables import content
    from riskkit.store.atomic import StoreError

    stored = sorted(arguments.results.glob("*/verdict.json"))
    if not stored:
        raise BadInputError(nothing_stored(arguments.results))
    with reading(StoreError):
        for path in stored:
            if path.parent.name in chosen:
                content.results(path.parent)
    with writing(arguments.results, StoreError):
        written = write_tables(arguments.results, chosen)
    for path in written:
        print(printable(f"table {path}"))
    return ANSWERED
