"""``riskkit figures theorem2``: figures again, from what is stored; nothing is computed.

A name may be that of a figure alone, such as ``overview``. Reaches the study's ``figures`` package, whose modules each
draw one figure from a results folder.
"""

from __future__ import annotations

import argparse
import os

from riskkit.cli.common import ANSWERED, STOPPED, BadInputError, Parser, add_results, reading, writing
from riskkit.execution.telling import printable, tell
from riskkit.experiment import sources, study


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "experiments", nargs="*", metavar="NAME", help="every experiment or figure that starts with NAME"
    )
    add_results(parser)
    parser.add_argument("--venue", default="neurips", help="neurips (default), icml, jmlr, iclr, tmlr or aistats")
    parser.add_argument("--png", action="store_true", help="beside .pdf and .svg")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise BadInputError(f"--jobs must be at least 1; got {arguments.jobs}.")
    from riskkit.report.figures import drawing
    from riskkit.store.provenance import nothing_stored, saved_from_python

    results, saved = arguments.results, saved_from_python(arguments.results)
    with reading():
        experiments = {*study.names(), *saved}
        pages = {*drawing.figure_names(study.folder())} - experiments
        named = study.select(arguments.experiments, beside=[*saved, *(pages if arguments.experiments else ())])
        owners = {
            name: sources.literal(f"figures.{name}", "EXPERIMENT", study.folder()) for name in named if name in pages
        }
    stored = [name for name in sorted(experiments) if (results / name).is_dir()]
    chosen = [name for name in named if name in stored]
    due: dict[str | None, set[str]] = {}
    for name, owner in owners.items():
        if owner is None or (isinstance(owner, str) and owner in stored and owner not in chosen):
            due.setdefault(owner, set()).add(name)
    if not stored or not (chosen or due):
        words = ", ".join(arguments.experiments)
        raise BadInputError(f"{results}/ holds nothing of {words}." if stored else nothing_stored(results))
    from riskkit.report import draw_figures, sized_for
    from riskkit.store.atomic import StoreError

    with reading(ValueError), sized_for(arguments.venue):
        pass
    with writing(results, StoreError):
        drawn = [draw_figures(results, chosen, arguments.venue, arguments.jobs, png=arguments.png)]
        if due:
            drawn.append(draw_figures(results, stored, arguments.venue, arguments.jobs, due, png=arguments.png))
    failures = dict.fromkeys(line for part in drawn for line in part.failures)
    for path in dict.fromkeys(path for part in drawn for path in part.paths):
        print(printable(f"figure {path}"))
    for line in failures:
        tell(f"riskkit figures: {line}.")
    return STOPPED if failures else ANSWERED
