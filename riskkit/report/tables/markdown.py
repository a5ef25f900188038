"""Markdown: a table with a rule under its headings."""

from __future__ import annotations

from riskkit.report.tables.table import NUMERIC, Table, plain


def pipe_table(table: Table) -> str:
    """A table with a rule under its headings; numbers are flush right."""
    rule = ["---:" if column.align in (*NUMERIC, "interval") else "---" for column in table.columns]
    rows = [[column.heading for column in table.columns], rule]
    rows += [[plain(cell, column) for cell, column in zip(row, table.columns, strict=True)] for row in table.rows]
    # A bar would end the cell; within mathematics a backslash before it means something else.
    rows = [[c.replace("|", "\\vert " if c.startswith("$") else "\\|") for c in row] for row in rows]
    body = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{table.caption}\n\n{body}\n"
