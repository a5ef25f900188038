"""The standard page of an experiment without a figure of its own: its errors along every axis, with their bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskkit.report.figures.page import Page
from riskkit.report.figures.stored import Stored
from riskkit.report.figures.style import FAINT, NAMES, Kind

ORDER = ("T", "k", "n", "alpha")
MOST_SLOPES = 4
"""Lines of one panel whose slopes are written into it."""


def errors(
    stored: Stored,
    *,
    judged: Sequence[tuple[str, str]] = (),
    axes: Sequence[str] = (),
    drawn: Sequence[Kind] = ("trivial", "exact", "published", "proved"),
    height: float | None = None,
) -> Page | None:
    """Errors along every axis with their bounds: a row for each (quantity, output), a column for each axis.

    Without ``judged`` and ``axes``: all that have a rate verdict. ``drawn``: what is drawn beside the measurements,
    where it is known. None if nothing was judged along any axis.
    """
    rates = [verdict for verdict in stored.verdicts if verdict["kind"] == "rate"]
    judged = judged or list(dict.fromkeys((verdict["quantity"], verdict["output"]) for verdict in rates))
    found = dict.fromkeys(verdict["axis"] for verdict in rates if verdict["axis"])
    axes = axes or [*(axis for axis in ORDER if axis in found), *(axis for axis in found if axis not in ORDER)]
    axes = [axis for axis in axes if any(stored.lines(axis, q, o) for q, o in judged)]
    if not (judged and axes):
        return None
    page = Page(
        f"{_sentence([f'{_name(q)} ({o} iterate)' for q, o in judged])} of "
        f"{_listed(stored.judged_algorithms)} on {stored.problem}, against "
        f"{', '.join(axes)}",
        height=height or 0.75 + 1.55 * len(judged),
        rows=len(judged),
        columns=len(axes),
        share="grid",
    )
    for quantity, output in judged:
        for axis in axes:
            panel = page.panel(xlabel=axis, ylabel=f"{_name(quantity)},\n{output} iterate")
            lines = stored.lines(axis, quantity, output)
            for line in lines:
                for kind in drawn:
                    panel.curve(line, kind)
                panel.measured(line, joined=not np.isfinite(line.rows["exact"]).any())
            if len(lines) <= MOST_SLOPES:
                panel.slopes(lines)
            else:
                page.note(f"The slopes of the {len(lines)} lines along {axis} are in the table of rates.")
                panel.end_labels(lines)
            if not lines:
                panel.text(0.5, 0.5, "not judged", colour=FAINT, ha="center")
            panel.cut()
        for verdict in stored.judged(quantity, output, "level"):
            page.quote(verdict)
    page.note("The verdicts give the values of the fixed variables.")
    return page


def _name(quantity: str) -> str:
    return NAMES.get(quantity, quantity.replace("_", " "))


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _sentence(parts: list[str]) -> str:
    text = _listed(parts)
    return text[0].upper() + text[1:]
