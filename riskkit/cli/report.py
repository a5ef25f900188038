"""``riskkit report results``: everything that is stored, on one HTML page; nothing is computed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from riskkit.report.html import write_report
from riskkit.store.atomic import StoreError


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 written, 2 bad input or nothing stored."""
    from riskkit.cli.sweep import Parser

    parser = Parser(prog="riskkit.report", description="All that is stored, on one self-contained HTML page.")
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"), help="folder (default: results)")
    parser.add_argument("--out", type=Path, help="the page (default: report.html in that folder)")
    arguments = parser.parse_args(argv)
    try:
        print(f"report {write_report(arguments.results, arguments.out)}")
    except StoreError as error:
        print(f"riskkit.report: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
