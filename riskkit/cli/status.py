"""``riskkit status results``: what is complete, what runs, what died, what failed.

Reads the diaries of the sweeps alone, so it can be asked while they run and answers at once.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.cli.common import ANSWERED, Parser, a_path, reading
from riskkit.execution.progress import spoken
from riskkit.execution.telling import printable
from riskkit.store.atomic import StoreError
from riskkit.store.provenance import diaries

SILENCE = 60.0
"""Seconds without a new page after which a sweep counts as dead: it writes one every five."""


ABOUT = 30
"""Columns that the last words of a line need at least in a table; on a narrower terminal there is none."""
BORDERS = "│  │  │  │  │  │  │"


class State(NamedTuple):
    """One sweep of one experiment. ``state``: "running", "finished", "interrupted", "stopped" or "died"."""

    experiment: str
    state: str
    cells: int
    cells_done: int
    replicates: int
    replicates_done: int
    failures: tuple[str, ...]
    seconds_left: float | None
    seconds: float
    silent: float
    """Seconds since its last sign of life."""
    where: str
    command: str

    @property
    def about(self) -> str:
        match self.state:
            case "running":
                left = "" if self.seconds_left is None else f"about {spoken(self.seconds_left)} left, "
                return f"{left}{self.where}"
            case "finished":
                return f"took {spoken(self.seconds)}, {spoken(self.silent)} ago"
        return f"{spoken(self.silent)} ago; to go on: {self.command}"


def states(results: Path) -> list[State]:
    """The last sweep of each experiment, and any others that still run.

    ``results`` holds experiments' folders or is one. Raises StoreError if there is none.
    """
    folders = (
        [results] if (results / "sessions").is_dir() else sorted(path.parent for path in results.glob("*/sessions"))
    )
    found: list[State] = []
    for folder in folders:
        pages = diaries(folder)
        for number, page in enumerate(pages):
            state = _state(folder.name, page)
            if state is not None and (number == len(pages) - 1 or state.state == "running"):
                found.append(state)
    if not found:
        raise StoreError(f"{results} holds no sweeps; expected a folder such as results/, written by riskkit sweep.")
    return found


def _state(name: str, page: dict[str, Any]) -> State | None:
    """None for a page that is no diary's."""
    try:
        updated = datetime.datetime.fromisoformat(page["updated"])
        silent = max(0.0, (datetime.datetime.now(datetime.UTC) - updated).total_seconds())
        state = str(page["state"])
        if state == "running" and (silent > SILENCE or _dead(page)):
            state = "died"
        words = [str(word) for word in page["command"] if word != "--fresh"]
        left = page.get("seconds_left")
        failures = page.get("failures", [])
        return State(
            experiment=name,
            state=state,
            cells=int(page.get("cells", 0)),
            cells_done=int(page.get("cells_done", 0)),
            replicates=int(page.get("replicates", 0)),
            replicates_done=int(page.get("replicates_done", 0)),
            failures=tuple(f"n = {one['n']}: {one['status']}: {one['reason']}" for one in failures),
            seconds_left=None if left is None else float(left),
            seconds=float(page.get("seconds", 0.0)),
            silent=silent,
            where=f"{page['workers']} on {page['host']}",
            command=shlex.join(words),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _dead(page: dict[str, Any]) -> bool:
    """Whether the sweep's process is known to be gone; of another host nothing is known."""
    if page["host"] != platform.node():
        return False
    try:
        os.kill(int(page["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def add_arguments(parser: Parser) -> None:
    parser.add_argument("results", nargs="?", type=a_path, default=Path("results"), help="default: results")


def run(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    with reading(StoreError):
        found = states(arguments.results)
    headings = ("experiment", "state", "cells", "replicates", "failed", "about")
    rows = [
        (
            printable(state.experiment),
            state.state,
            f"{state.cells_done:,}/{state.cells:,}",
            f"{state.replicates_done:,}/{state.replicates:,}",
            str(len(state.failures)),
            printable(state.about),
        )
        for state in found
    ]
    console = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False)
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    if sum(widths[:-1]) + min(widths[-1], ABOUT) + len(BORDERS) <= console.width:
        shown = Table()
        for heading in headings:
            shown.add_column(heading, no_wrap=heading != headings[-1], overflow="fold")
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
    else:
        for row in rows:
            console.print(", ".join([f"{row[0]}: {row[1]}", *map(" ".join, zip(headings[2:5], row[2:5], strict=True))]))
            console.print(Padding(row[-1], (0, 0, 0, 2)))
    for state in found:
        for reason in dict.fromkeys(state.failures):
            console.print(printable(f"{state.experiment}, {reason}"))
    return ANSWERED
