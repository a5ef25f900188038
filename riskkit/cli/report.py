"""``riskkit report results``: everything that is stored, on one page to read, print and share."""

from __future__ import annotations

import argparse
from pathlib import Path

from riskkit.cli.common import ANSWERED, Parser, a_path, reading, writing
from riskkit.execution.telling import printable


def add_arguments(parser: Parser) -> None:
    parser.add_argument("results", nargs="?", type=a_path, default=Path("results"), help="folder (default: results)")
    parser.add_argument("--out", type=a_path, help="the page (default: report.html in that folder)")


def run(arguments: argparse.Namespace) -> int:
    from riskkit.report import html
    from riskkit.store.atomic import StoreError, write_text

    path = arguments.out or arguments.results / "report.html"
    with reading(StoreError):
        page = html.render(arguments.results)
    with writing(path, StoreError):
        write_text(path, page)
    print(printable(f"report {path}"))
    return ANSWERED
