"""``riskkit figures theorem2``: figures again, from what is stored; nothing is computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit.experiment import study


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 drawn, 2 bad input or nothing stored."""
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
        from riskkit.report.drawing import draw_figures  # loads matplotlib

        for path in draw_figures(arguments.results, stored, arguments.venue, arguments.jobs):
            print(f"figure {path}")
    except (study.StudyError, ValueError) as error:
        print(f"riskkit.figures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
