"""``python -m riskkit.figures theorem2``: figures again, from what is stored; nothing is computed.

Reaches the study's ``figures`` package, whose modules each draw one figure from a results folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit.execution.executors import Seats
from riskkit.experiment import study


def draw(results: Path, names: Sequence[str], venue: str = "neurips", jobs: int = 1) -> list[Path]:
    """Draws every figure of the study that the named experiments feed, as wide as the venue's text block, in so many
    processes; returns the files written."""
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


def main(argv: Sequence[str] | None = None) -> int:
    from riskkit.cli.sweep import Parser

    parser = Parser(prog="riskkit.figures", description="Figures again, from what is stored.")
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="every experiment that starts with NAME")
    parser.add_argument("--results", type=Path, default=Path("results"), help="results folder (default: results)")
    parser.add_argument("--venue", default="neurips", help="neurips (default), icml, jmlr, iclr, tmlr or aistats")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    arguments = parser.parse_args(argv)
    if arguments.jobs < 1:
        print(f"riskkit.figures: --jobs must be at least 1; got {arguments.jobs}.", file=sys.stderr)
        return 2
    try:
        stored = [name for name in study.select(arguments.experiments) if (arguments.results / name).is_dir()]
        if not stored:
            print(
                f"riskkit.figures: nothing stored in {arguments.results}/; run python -m riskkit.sweep first.",
                file=sys.stderr,
            )
            return 2
        for path in draw(arguments.results, stored, arguments.venue, arguments.jobs):
            print(f"figure {path}")
    except (study.StudyError, ValueError) as error:
        print(f"riskkit.figures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
