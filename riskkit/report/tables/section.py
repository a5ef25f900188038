"""A section of a paper, ready to paste: what was asked and measured, figures with captions, tables, and the sources."""

from __future__ import annotations

from pathlib import Path

from riskkit.report.tables import latex
from riskkit.report.tables.content import Results, of, sentence
from riskkit.report.tables.references import bibliography
from riskkit.store.atomic import read

SHOWN = ("levels", "rates", "paired")
"""Tables of the section; the others lie beside them."""
SIZE = r"width=\linewidth,height=.75\textheight,keepaspectratio"
"""Of a figure: the rest of the page is its caption's."""


def section(folder: Path, result: Results) -> str:
    r"""LaTeX that needs the packages its first line names, and ``\\riskkit`` defined as the results folder."""
    record = result.record
    levels = [verdict for verdict in result.verdicts if not verdict["axis"]]
    tables = [table for table in of(result) if table.name in SHOWN]
    label = result.name.replace("_", "-")
    lines = [
        f"% Needs \\usepackage{{{','.join((*latex.PACKAGES, 'graphicx'))}}}; the BibTeX entries stand at the end.",
        r"\providecommand{\riskkit}{results}  % the results folder, as LaTeX finds it",
        r"\begingroup\emergencystretch=3em  % long names do not hyphenate",
        f"\\paragraph{{{latex.text(result.question)}}}",
        f"We measure on {latex.text(_problem(str(record['problem'])))} with {record['replicates']} replicates.",
        f"Each has its own data and index sequence (seed {record['seed']}). Simulation never proves a bound.",
        *map(sentence, levels),
        r"\par\endgroup",
    ]
    for path in sorted((folder / "figures").glob("*.pdf")):
        if not (path.is_file() and path.with_suffix(".txt").is_file()):
            continue  # a figure that could not be drawn
        caption = read(path.with_suffix(".txt")).decode().split("\n\n")[0]
        lines += [
            r"\begin{figure}\centering",
            f"  \\includegraphics[{SIZE}]{{\\riskkit/{result.name}/figures/{path.name}}}",
            f"  \\caption{{{mixed(' '.join(caption.split()))}}}",
            f"  \\label{{fig:{label}-{path.stem.replace('_', '-')}}}",
            r"\end{figure}",
        ]
    for table in tables:
        source = f"\\input{{\\riskkit/{result.name}/tables/{table.name}}}"
        if latex.goes_over_pages(table):
            lines.append(f"{source}  % over several pages, with a caption of its own")
            continue
        lines += [
            r"\begin{table}\centering",
            f"  \\caption{{{latex.text(table.caption)}}}",
            f"  \\label{{tab:{label}-{table.name}}}",
            f"  {source}",
            r"\end{table}",
        ]
    entries = [f"% {line}".rstrip() for line in bibliography([record]).splitlines()]
    return "\n".join([*lines, "", "% For your .bib file:", *entries, ""])


def _problem(words: str) -> str:
    """``Ridge(dim=4)`` as prose."""
    name, _, fields = words.partition("(")
    return f"{name} ({fields.rstrip(')').replace('=', ' = ')})" if fields.rstrip(")") else name or "several problems"


def mixed(words: str) -> str:
    """Plain text in which dollar signs set mathematics, as captions of figures have it."""
    parts = words.split("$")
    return "".join(f"${part}$" if place % 2 else latex.text(part) for place, part in enumerate(parts))
