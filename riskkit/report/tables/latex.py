"""LaTeX: a table as a ``tabular`` (booktabs and siunitx), and plain text with its mathematics set as such."""

from __future__ import annotations

import re
from collections.abc import Sequence

from riskkit.report.tables.table import NUMERIC, Cell, Column, Table, number, plain

SYMBOLS = {
    "alpha": r"\alpha",
    "lam": r"\lambda",
    "beta": r"\beta",
    "eps": r"\varepsilon",
    "mu": r"\mu",
    "rho": r"\rho",
    "eta_j": r"\eta_j",
    "Theta": r"\Theta",
    "R^d": r"\mathbb{R}^d",
    "l(.; z)": r"\ell(\cdot; z)",
    "|z|": r"\lvert z\rvert",
}
"""What is set as mathematics under another name than its own."""


def tabular(table: Table) -> str:
    r"""A ``tabular`` to ``\input`` into a table."""
    spec = " ".join(_specification(column, [row[i] for row in table.rows]) for i, column in enumerate(table.columns))
    numeric = [column.align in NUMERIC for column in table.columns]
    heads = [f"{{{text(column.heading)}}}" for column in table.columns]
    lines = [
        f"% {table.caption}",
        r"% Needs \usepackage{booktabs,siunitx,amsmath,amssymb}.",
        f"\\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
    ]
    for place, row in enumerate(table.rows):
        if place and place in table.breaks:
            lines.append(r"\addlinespace")
        cells = [_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)]
        # siunitx reads what stands in braces as text.
        cells = [
            f"{{{cell}}}" if is_number and not _is_number(cell) else cell
            for cell, is_number in zip(cells, numeric, strict=True)
        ]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _cell(cell: Cell, column: Column) -> str:
    if isinstance(cell, tuple):
        return "$[" + r",\,".join(number(end, "fixed") for end in cell) + "]$"
    if isinstance(cell, str) and column.align == "math":
        return f"${cell}$"
    if isinstance(cell, str) and column.align == "code":
        return f"\\texttt{{{escaped(cell)}}}"
    written = plain(cell, column)
    if column.align == "prose":
        return escaped(written)
    if not isinstance(cell, str) and written.endswith("inf"):
        return r"$\infty$"
    return written if _is_number(written) else text(written)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", text) is not None


def _specification(column: Column, cells: Sequence[Cell]) -> str:
    """The column's type; for numbers with the digits that siunitx must make room for."""
    if column.align not in NUMERIC:
        return {"interval": "r", "code": r"p{0.15\linewidth}", "prose": r"p{0.25\linewidth}"}.get(column.align, "l")
    found = [text for cell in cells if _is_number(text := plain(cell, column))]
    mantissas = [re.sub(r"e.*", "", text).lstrip("-").partition(".") for text in found]
    sign = "-" if any(text.startswith("-") for text in found) else ""
    whole = max((len(before) for before, _, _ in mantissas), default=1)
    decimals = max((len(after) for _, _, after in mantissas), default=0)
    powers = [int(text.partition("e")[2]) for text in found if "e" in text]
    power = ""
    if powers:
        power = f"e{'-' if min(powers) < 0 else ''}{max(len(str(abs(p))) for p in powers)}"
    return f"S[table-format={sign}{whole}{f'.{decimals}' if decimals else ''}{power}]"


# From a sentence to LaTeX

_NUMBER = r"[+-]?\d+(?:\.\d+|/\d+)?(?:e[+-]?\d+)?"
_SIGNED = r"(?:[+-]\d+(?:\.\d+)?(?:e[+-]?\d+)?|\d+(?:\.\d+)?e[+-]?\d+)"
_NAME = r"(?:alpha|lam|beta|eps|mu|rho|eta_j|theta_0|Theta|R\^d|D\^2|f_0|F_S|kT|j0|\|z\||l\(\.; z\)|[nTkpLGMS])"
_MATHEMATICS = re.compile(
    rf"(?<![\w./+-]){_NAME} (?:=|<=|>=|<|>) {_NUMBER}|(?<!\w)\+-\s?{_NUMBER}"
    rf"|(?<![\w./+-]){_NAME}(?![\w/^*(=]|\.\w)|(?<![\w.]){_SIGNED}(?!\w)"
)


def text(plain: str) -> str:
    """Plain text as LaTeX: special characters escaped; names, relations and signed numbers set as mathematics."""
    parts, place = [], 0
    for found in _MATHEMATICS.finditer(plain):
        parts += [escaped(plain[place : found.start()]), f"${_mathematics(found.group())}$"]
        place = found.end()
    return "".join([*parts, escaped(plain[place:])])


def _mathematics(text: str) -> str:
    name, _, rest = text.partition(" ") if not text.startswith("l(") else (text, "", "")
    rest = rest.replace("<=", r"\le").replace(">=", r"\ge")
    whole = f"{SYMBOLS.get(name, name)} {rest}".strip().replace("+-", r"\pm ").replace("  ", " ")
    return re.sub(r"(\d)e([+-]?)0*(\d+)", lambda m: f"{m[1]}\\times 10^{{{m[2].strip('+')}{m[3]}}}", whole)


def escaped(text: str) -> str:
    """Plain text with the characters that LaTeX reads as commands escaped, and nothing set as mathematics."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}"}
    special |= {">": r"\textgreater{}", "|": r"\textbar{}"} | {character: f"\\{character}" for character in "&%$#_{}"}
    return "".join(special.get(character, character) for character in text)
