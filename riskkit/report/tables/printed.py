"""Bounds that their source prints with constants, beside those that are re-derived: the verdicts on both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from riskkit.identity import short
from riskkit.report.tables.content import OUTPUT, QUANTITY, Results
from riskkit.report.tables.table import ABSENT, Column, Table


class Printed(NamedTuple):
    """The two verdicts on one bound for one algorithm; ``rederived`` None where no bound is proved."""

    experiment: str
    printed: dict[str, Any]
    rederived: dict[str, Any] | None

    @property
    def bound(self) -> str:
        return str(self.printed["bound"])

    @property
    def about(self) -> str:
        """``generalization error, average``."""
        quantity, output = str(self.printed["quantity"]), str(self.printed["output"])
        return f"{QUANTITY.get(quantity, quantity)}, {OUTPUT.get(output, output)}"

    @property
    def over_rederived(self) -> str:
        """The range of printed / re-derived."""
        ends = self.printed["over_proved"]
        return ABSENT if ends is None else " to ".join(dict.fromkeys(short(end, 2) for end in ends))


def printed(results: Sequence[Results]) -> list[Printed]:
    """Of every experiment the levels of published bounds that cover something, each with that of the proved form."""
    found = []
    for result in results:
        levels = {
            (v["bound"], v["algorithm"], v["form"]): v
            for v in result.verdicts
            if v["kind"] == "level" and not v["axis"]
        }
        for (bound, algorithm, form), one in levels.items():
            if form == "published" and one["outcome"] != "NOT COVERED":
                found.append(Printed(result.name, one, levels.get((bound, algorithm, "proved"))))
    return found


def said(verdict: dict[str, Any] | None) -> str:
    """``VIOLATED in 65 of 141 cells``, ``HOLDS in 141 cells``."""
    if verdict is None:
        return ABSENT
    if verdict["outcome"] == "VIOLATED":
        return f"VIOLATED in {verdict['exceeded']} of {verdict['points']} cells"
    return f"{verdict['outcome']} in {verdict['points']} cells" if verdict["points"] else str(verdict["outcome"])


def ratio(verdict: dict[str, Any] | None) -> str:
    """The largest measured / bound."""
    return ABSENT if verdict is None or verdict["ratio"] is None else short(verdict["ratio"])


def answer(rows: Sequence[Printed]) -> str:
    """In words: how many printed bounds hold, which are violated, by how much, and what becomes of those re-derived."""
    if not rows:
        return "Nothing is stored that tests it."
    against = [row for row in rows if row.printed["outcome"] == "VIOLATED"]
    holds = sum(row.printed["outcome"] == "HOLDS" for row in rows)
    parts = [f"{holds} of {len(rows)} printed bounds hold"]
    parts += [
        f"the printed bound on the {row.about} of {row.printed['algorithm']} is {said(row.printed)} (measured / "
        f"printed up to {ratio(row.printed)}, the re-derived bound: {said(row.rederived)})"
        for row in against
    ]
    if undecided := len(rows) - holds - len(against):
        parts.append(f"{undecided} undecided or vacuous")
    derived = [row.rederived for row in rows if row.rederived is not None]
    parts.append(f"{sum(one['outcome'] == 'HOLDS' for one in derived)} of {len(derived)} re-derived bounds hold")
    return "; ".join(parts) + "."


def table(name: str, rows: Sequence[Printed]) -> Table:
    """A row for each bound and algorithm."""
    cells = tuple(
        (
            row.about,
            str(row.printed["algorithm"]),
            said(row.printed),
            ratio(row.printed),
            said(row.rederived),
            ratio(row.rederived),
            row.over_rederived,
        )
        for row in rows
    )
    columns = (
        Column("bound on"),
        Column("method"),
        Column("as printed"),
        Column("measured / printed"),
        Column("re-derived"),
        Column("measured / re-derived"),
        Column("printed / re-derived"),
    )
    caption = (
        "The bound as printed and the bound re-derived, on the same cells: the verdict on each, measured / bound at "
        "its largest, and the range of printed / re-derived over the cells in which both say something."
    )
    return Table(name, caption, columns, cells)
