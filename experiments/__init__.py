"""The standard experiments: each module holds one EXPERIMENT, a question and how it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from riskkit.report import Column, Headline, Results, Table, Topic
from riskkit.theory.statement import Statement


def headlines(results: Sequence[Results]) -> list[Headline]:
    """The questions of the study that these results answer, the main one first."""
    from experiments import _headline

    return _headline.headlines(results)


def topics(results: Sequence[Results]) -> list[Topic]:
    """A section for each theorem of the paper as printed: whether it holds, by how much, which steps of its proof fail,
    and what stands. Where none of their bounds is stored there is none."""
    from riskkit.report.tables import printed
    from riskkit.theory.zhou2021 import proof_audits, published

    found = printed.printed(results)
    made = []
    for name, title in published.TITLES.items():
        rows = [row for row in found if row.bound.startswith(f"paper.{name}.")]
        if not rows:
            continue
        steps = [step for step in proof_audits.STEPS if name in step.theorems]
        made.append(
            Topic(
                f"printed-{name}",
                title,
                printed.answer(rows),
                (f"What stands: {published.STANDS[name]}",),
                (printed.table(name, rows), *([_steps(steps)] if steps else [])),
            )
        )
    return made


def statements() -> tuple[Statement, ...]:
    """What the paper states, for the overview, the report and the tables."""
    from riskkit.theory.zhou2021.statements import STATEMENTS

    return STATEMENTS


def tables() -> list[Table]:
    """What this study shows beside its experiments: the audits of the paper's claims, its proofs, and its Table 3."""
    return [_claims(), _proofs(), _stands(), _printed_numbers()]


def _printed_numbers() -> Table:
    from riskkit.theory.zhou2021.table3 import audits

    columns = (
        Column("", "count"),
        Column("audit", "prose"),
        Column("printed", "prose"),
        Column("compared with", "prose"),
        Column("finding", "prose"),
    )
    caption = "What the printed numbers of Table 3 in Zhou et al. (2021) can decide, computed from them alone."
    title = "What do the numbers of Table 3 decide?"
    return Table("table3_audit", caption, columns, tuple(tuple(row) for row in audits()), title=title)


def _claims() -> Table:
    from riskkit.theory.zhou2021.audits import table
    from riskkit.theory.zhou2021.setting import NUMBERS

    rows = []
    for row in table():
        finding = row.finding if row.confirmed else f"NOT CONFIRMED: {row.finding}"
        rows.append((row.number, row.name, row.first, row.second, row.compared, finding))
    columns = (
        Column("", "count"),
        Column("audit", "prose"),
        Column("first", "code"),
        Column("second", "code"),
        Column("compared", "prose"),
        Column("finding", "prose"),
    )
    caption = (
        "The claims of Zhou et al. (2021) compared with each other; constants that the slides leave out are 1; "
        f"{NUMBERS}."
    )
    return Table("audits", caption, columns, tuple(rows), title="Do the claims agree with each other?")


def _proofs() -> Table:
    from riskkit.theory.zhou2021.proof_audits import STEPS

    return _steps(STEPS)


def _steps(steps: Sequence[Any]) -> Table:
    from riskkit.theory.zhou2021.proof_audits import rows as computed

    rows = []
    for row in computed(steps):
        finding = row.finding if row.confirmed else f"NOT CONFIRMED: {row.finding}"
        rows.append((row.number, row.theorems, row.page, row.printed, row.true, row.harm, finding))
    columns = (
        Column("", "count"),
        Column("theorem", "prose"),
        Column("page", "prose"),
        Column("printed", "code"),
        Column("what holds", "code"),
        Column("harm", "prose"),
        Column("finding", "prose"),
    )
    caption = (
        "Steps of the supplement's proofs that fail, each computed; theorems have the paper's numbers, with "
        "the slides'."
    )
    return Table("proofs", caption, columns, tuple(rows), title="Which steps of the printed proofs fail?")


def _stands() -> Table:
    from riskkit.theory.zhou2021 import proof_audits, published

    rows = []
    for name, title in published.TITLES.items():
        steps = ", ".join(f"{step.number}" for step in proof_audits.STEPS if name in step.theorems)
        rows.append((title, steps or "none found", published.STANDS[name]))
    columns = (Column("theorem", "prose"), Column("failing steps", "prose"), Column("what stands", "prose"))
    caption = "What is left of each printed theorem; steps have the numbers of the table of proofs."
    return Table("printed", caption, columns, tuple(rows), title="What stands of the printed theorems?")
