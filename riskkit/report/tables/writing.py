r"""The tables of a results folder, for a paper and for a page, from what is stored; nothing is computed.

Each table is written as LaTeX (booktabs and siunitx; ``\input`` it) and as Markdown into
``results/<experiment>/tables/``:

    bounds     what each bound says, explicitly and as claimed
    levels     measured / bound at its largest; measured / exact where a closed form is known
    rates      measured exponents with their intervals, beside the claims' or the closed form's
    running    the same between neighbouring points
    paired     one algorithm over another on common random numbers
    problem    the constants, and what each asserts
    sentences  the verdicts as sentences to paste into a paper

beside them ``section.tex``, a section to paste into a paper, and into ``results/tables/`` those of all experiments:
``answers`` (a row for each), ``statements`` (of the source), ``verdicts`` (a row for each bound), ``problems``,
``audits``, and ``references.bib``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from riskkit.report import answers, statements
from riskkit.report.tables import content, latex, markdown
from riskkit.report.tables.references import bibliography
from riskkit.report.tables.section import section
from riskkit.report.tables.study import study_tables
from riskkit.report.tables.table import Table
from riskkit.store.atomic import make_folder, write_text


def write_tables(folder: Path, names: Iterable[str], of_all: bool = True) -> list[Path]:
    """Writes the tables of the named experiments that are stored in the results folder, and with ``of_all`` those of
    all that are stored and can be read; returns the files. Equal results give equal bytes."""
    written: list[Path] = []
    for name in dict.fromkeys(names):
        if (folder / name / "verdict.json").is_file():
            result = content.results(folder / name)
            written += _write(folder / name / "tables", content.of(result))
            written.append(folder / name / "section.tex")
            write_text(written[-1], section(folder / name, result), durable=False)
            written.append(folder / name / "tables" / "sentences.tex")
            lines = [f"\\item {content.sentence(verdict)}" for verdict in result.verdicts]
            write_text(written[-1], "\n".join([r"\begin{itemize}\sloppy", *lines, r"\end{itemize}", ""]), durable=False)
    everything, _ = content.everything(folder) if of_all else ([], [])
    if everything:
        own = study_tables(result.name for result in everything)
        made = [*content.of_all(everything), answers.table(everything), *own]
        found = statements.standings({result.name: result.verdicts for result in everything})
        if any(one.outcomes for one in found):
            made.append(statements.table(found))
        written += _write(folder / "tables", made)
        written.append(folder / "tables" / "references.bib")
        write_text(written[-1], bibliography(result.record for result in everything), durable=False)
    return written


def _write(folder: Path, tables: Iterable[Table]) -> list[Path]:
    make_folder(folder)
    written = []
    for table in tables:
        for suffix, text in (("tex", latex.tabular(table)), ("md", markdown.pipe_table(table))):
            written.append(folder / f"{table.name}.{suffix}")
            write_text(written[-1], text, durable=False)
    return written
