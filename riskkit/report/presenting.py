"""Figures, tables and the report of what is stored, as far as they do not stand.

Those of one experiment as soon as it is stored, in any process; those of all, and the report, when all are. What fails
costs nothing else: it is a line, and an older file does not pass for what is stored.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from riskkit.execution.executors import Seats
from riskkit.report.standing import Standing
from riskkit.report.tables import content
from riskkit.store.atomic import StoreError


class Presented(NamedTuple):
    """A line for each output that was written, and for each that was not."""

    made: list[str]
    missing: list[str]


def present_one(results: Path, name: str) -> Presented:
    """Figures and tables of one experiment."""
    shown, found = Standing(results, [name], of_all=False), Presented([], [])
    _part("figures", lambda: _figures(shown, found), shown, found)
    _part("tables", lambda: _tables(shown, found), shown, found)
    return found


def present_all(
    results: Path, names: Sequence[str], done: Mapping[str, Presented], jobs: int, seats: Seats | None = None
) -> Presented:
    """Figures and tables of the experiments that are not ``done``, those of all, and the report; many figures in
    ``jobs`` processes, and in ``seats``, which are processes at work, any. While others draw, what no figure has a part
    in is written here."""
    found = Presented(
        [line for one in done.values() for line in one.made], [line for one in done.values() for line in one.missing]
    )
    shown, together = Standing(results, [name for name in names if name not in done]), Standing(results, [])
    alone = Standing(results, shown.names, of_all=False)
    waiting = [lambda: _part("tables", lambda: _tables(together, found), together, found)]

    def meanwhile() -> None:
        while waiting:
            waiting.pop()()

    _part("figures", lambda: _figures(shown, found, jobs, seats, meanwhile), shown, found)
    meanwhile()
    _part("tables", lambda: _tables(alone, found), alone, found)
    _part("report", lambda: _report(shown, found), shown, found)
    left_out = content.everything(results)[1]
    found.missing.extend(f"left out of the report and the tables of all: {line}" for line in left_out)
    return Presented(found.made, list(dict.fromkeys(found.missing)))


def _figures(
    shown: Standing,
    found: Presented,
    jobs: int = 1,
    seats: Seats | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> None:
    shown.forget_figures()
    due = shown.figures_due()
    if due is not None and not due:
        return
    from riskkit.report import draw_figures

    drawn = draw_figures(
        shown.results, shown.names, jobs=jobs, due=due, of_all=shown.of_all, seats=seats, meanwhile=meanwhile
    )
    shown.note_figures(drawn.done)
    found.made.extend(f"figure {path}" for path in drawn.paths if path.suffix == ".pdf")
    found.missing.extend(drawn.failures)


def _tables(shown: Standing, found: Presented) -> None:
    if (due := shown.tables_due()) is None:
        return
    from riskkit.report import write_tables

    paths = write_tables(shown.results, due, of_all=shown.of_all)
    shown.note_tables(paths)
    found.made.extend(f"tables {folder}/" for folder in dict.fromkeys(path.parent for path in paths))


def _report(shown: Standing, found: Presented) -> None:
    if not shown.report_due():
        return
    from riskkit.report import write_report

    path = write_report(shown.results)
    shown.note_report(path)
    found.made.append(f"report {path}")


def _part(name: str, make: Callable[[], None], shown: Standing, found: Presented) -> None:
    """What goes wrong is a line, whatever it is: a fault of presentation is no reason to leave out the rest."""
    try:
        make()
        return
    except StoreError as error:
        why = str(error).rstrip(".")
    except OSError as error:
        why = f"{error.filename or shown.results}: {error.strerror or error}"
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    found.missing.append(f"the {name} could not be written: {why}")
    with contextlib.suppress(Exception):  # an earlier sweep's would pass for what is stored
        for path in shown.outdated(name):
            path.unlink(missing_ok=True)
