"""``riskkit figures theorem2``: figures again, from what is stored; nothing is computed.

Reaches the study's ``figures`` package, whose modules each draw one figure from a results folder.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from riskkit.cli.common import ANSWERED, BadInputError, Parser, add_names, add_results, reading, writing
from riskkit.experiment import study

if TYPE_CHECKING:
    from collections.abc import Sequence


def draw(results: Path, names: Sequence[str], venue: str = "neurips", jobs: int = 1) -> list[Path]:
    """Draws every figure of the study that the named experiments feed, as wide as the venue's text block, in so many
    processes; returns the files written."""
    from riskkit.execution.executors import Seats

    if not study.has("figures"):
        return []
    package = study.module("figures")
    if jobs == 1 or len(names) == 1:
        return list(package.draw(results, list(names), venue))
    seats, home = Seats(jobs), study.folder()
    try:
        parts = [seats.submit(_part, home, results, name, venue) for name in (*names, None)]
        return [path for part in parts for path in part.result()]
    finally:
        seats.kill()


def _part(home: Path, results: Path, name: str | None, venue: str) -> list[Path]:
    """The figures of one experiment or, without a name, those of all, in any process."""
    package = study.module("figures", home)
    return list(package.draw_together(results, venue) if name is None else package.draw_one(results, name, venue))


def add_arguments(parser: Parser) -> None:
    add_names(parser)
    add_results(parser)
    parser.add_argument("--venue", default="neurips", help="neurips (default), icml, jmlr, iclr, tmlr or aistats")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise BadInputError(f"--jobs must be at least 1; got {arguments.jobs}.")
    with reading():
        chosen = study.select(arguments.experiments)
    stored = [name for name in chosen if (arguments.results / name).is_dir()]
    if not stored:
        raise BadInputError(f"nothing stored in {arguments.results}/; run python -m riskkit.sweep first.")
    from riskkit.report import plot
    from riskkit.store.atomic import StoreError

    with reading(ValueError), plot.sized_for(arguments.venue):
        pass
    with writing(arguments.results, StoreError):
        for path in draw(arguments.results, stored, arguments.venue, arguments.jobs):
            print(f"figure {path}")
    return ANSWERED
