"""``python -m riskkit.figures theorem2``: figures again, from what is stored; nothing is computed.

Reaches the study's ``figures`` package, whose modules each draw one figure from a results folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit import study


def draw(results: Path, names: Sequence[str], venue: str = "neurips") -> list[Path]:
    """Draws every figure of the study that the named experiments feed, as wide as the venue's text block; returns the
    files written."""
    package = study.module("figures")
    written: list[Path] = package.draw(results, list(names), venue)
    return written


def main(argv: Sequence[str] | None = None) -> int:
    from riskkit.sweep import Parser

    parser = Parser(prog="riskkit.figures", description="Figures again, from what is stored.")
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="every experiment that starts with NAME")
    parser.add_argument("--results", type=Path, default=Path("results"), help="results folder (default: results)")
    parser.add_argument("--venue", default="neurips", help="neurips (default), icml, jmlr, iclr, tmlr or aistats")
    arguments = parser.parse_args(argv)
    try:
        stored = [name for name in study.select(arguments.experiments) if (arguments.results / name).is_dir()]
        if not stored:
            print(
                f"riskkit.figures: nothing stored in {arguments.results}/; run python -m riskkit.sweep first.",
                file=sys.stderr,
            )
            return 2
        for path in draw(arguments.results, stored, arguments.venue):
            print(f"figure {path}")
    except (study.StudyError, ValueError) as error:
        print(f"riskkit.figures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
