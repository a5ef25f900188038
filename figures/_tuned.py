"""Closed forms of the table, for figures of ratios."""

from __future__ import annotations

from typing import Any

from riskkit.report import plot


def known(stored: plot.Stored, cell: dict[str, Any], algorithm: str, **where: float) -> float:
    """The table's closed form of the algorithm's excess risk at the cell; NaN where it has none."""
    where |= {name: float(cell[name]) for name in ("n", "lam", "gradients")}
    rows = stored.rows(quantity="excess", output="last", algorithm=algorithm, **where)
    return float(rows["exact"].iloc[0]) if len(rows) else float("nan")
