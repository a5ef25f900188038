"""``riskkit tables theorem2``: tables again, in LaTeX and Markdown, from what is stored; nothing is computed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit.experiment import study
from riskkit.report.tables import write_tables
from riskkit.store.atomic import StoreError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 written, 2 bad input or nothing stored."""
    from riskkit.cli.sweep import Parser

    parser = Parser(prog="riskkit.tables", description="LaTeX and Markdown tables, from what is stored.")
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="every experiment that starts with NAME")
    parser.add_argument("--results", type=Path, default=Path("results"), help="results folder (default: results)")
    arguments = parser.parse_args(argv)
    try:
        written = write_tables(arguments.results, study.select(arguments.experiments))
    except (StoreError, study.StudyError) as error:
        print(f"riskkit.tables: {error}", file=sys.stderr)
        return 2
    if not written:
        print(f"riskkit.tables: nothing stored in {arguments.results}/; run the sweep first.", file=sys.stderr)
        return 2
    for path in written:
        print(f"table {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
