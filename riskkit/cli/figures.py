"""``riskkit figures theorem2``: figures again, from what is stored; nothing is computed.

Reaches the study's ``figures`` package, whose modules each draw one figure from a results folder.
"""

from __future__ import annotations

import argparse
import os

from riskkit.cli.common import ANSWERED, STOPPED, BadInputError, Parser, add_names, add_results, reading, writing
from riskkit.execution.telling import tell
from riskkit.experiment import study


def add_arguments(parser: Parser) -> None:
    add_names(parser)
    add_results(parser)
    parser.add_argument("--venue", default="neurips", help="neurips (default), icml, jmlr, iclr, tmlr or aistats")
    parser.add_argument("--png", action="store_true", help="beside .pdf and .svg")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise BadInputError(f"--jobs must be at least 1; got {arguments.jobs}.")
    from riskkit.store.provenance import saved_from_python

    with reading():
        chosen = study.select(arguments.experiments, beside=saved_from_python(arguments.results))
    stored = [name for name in chosen if (arguments.results / name).is_dir()]
    if not stored:
        raise BadInputError(f"nothing stored in {arguments.results}/; run python -m riskkit.sweep first.")
    from riskkit.report import draw_figures, sized_for
    from riskkit.store.atomic import StoreError

    with reading(ValueError), sized_for(arguments.venue):
        pass
    with writing(arguments.results, StoreError):
        drawn = draw_figures(arguments.results, stored, arguments.venue, arguments.jobs, png=arguments.png)
    for path in drawn.paths:
        print(f"figure {path}")
    for line in drawn.failures:
        tell(f"riskkit figures: {line}.")
    return STOPPED if drawn.failures else ANSWERED
