"""A table as data: columns, rows of cells, and one cell as plain text; ``latex`` and ``markdown`` set the whole."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from riskkit.identity import label, short
from riskkit.stats.multiplicity import LEAST

Align = Literal["text", "fixed", "significant", "interval", "count", "p", "math", "code", "prose"]
Cell = str | float | int | tuple[float, float] | None
ABSENT = "--"
NUMERIC = ("fixed", "significant", "count")
"""What is set flush right."""
LARGE = 1e5
"""From here on a number has three digits that count, not three decimals."""


class Column(NamedTuple):
    """A heading and how its cells are written: fixed (3 decimals, 3 digits from LARGE on), significant (3 digits),
    interval (two fixed), p (a p-value), math (LaTeX), code (a formula in plain characters), prose (text as long as a
    sentence)."""

    heading: str
    align: Align = "text"


class Table(NamedTuple):
    """Rows of cells under columns. A cell that is None has nothing to say.

    ``breaks``: the rows before which a group begins; ``title``: its heading on a page, where it has one of its own.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    breaks: frozenset[int] = frozenset()
    title: str = ""


def plain(cell: Cell, column: Column) -> str:
    """A cell as Markdown and HTML show it."""
    if cell is None:
        return ABSENT
    if isinstance(cell, str):
        return {"math": f"${cell}$", "code": f"`{cell}`"}.get(column.align, cell)
    if isinstance(cell, tuple):
        return "[" + ", ".join(number(end, "fixed") for end in cell) + "]"
    return number(cell, column.align)


def number(value: float, align: Align) -> str:
    if not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    if align == "p" and value <= LEAST:
        return f"< {LEAST:g}"  # none below is stored
    if align == "fixed":
        return f"{round(value, 3) + 0.0:.3f}" if abs(value) < LARGE else short(value)
    return short(value, 2) if align == "p" else short(value) if align == "significant" else label(value)
