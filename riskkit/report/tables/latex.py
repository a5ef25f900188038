"""LaTeX: a table no wider than the text (booktabs and siunitx), and plain text with its mathematics set as such."""

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


PACKAGES = ("booktabs", "siunitx", "amsmath", "amssymb", "array", "longtable")
WIDTH = 397.48
"""Points of a line of text, 5.5 in: NeurIPS, ICLR and article at 10 pt with its usual margins have no less."""
SAFE = 0.965
"""The part of a line that a table may take by estimated widths."""
PAGE = 430.0
"""Points of height that a page has for a table; a higher one goes over several pages."""
SIZES = {"small": 9.0, "footnotesize": 8.0, "scriptsize": 7.0}
"""LaTeX's sizes below 10 pt, in points."""
GAP = 2.2
"""Points between a column and its rule-free edge (``tabcolsep``)."""
SPARE = 1.5
"""Ems that a column of numbers may be wider than its widest number for the sake of their decimal points."""
WRAPPED = 0.34
"""The least part of its natural width that a column of text keeps before the next smaller size is tried."""


def tabular(table: Table) -> str:
    r"""A table to ``\input``, no wider than a line of text: a ``tabular`` for a table environment, or, with more rows
    than a page has, a ``longtable`` with its caption. Its first line is the caption, to paste."""
    size, spec, height = _layout(table)
    numeric = [_on_the_point(column, cells) for column, cells in zip(table.columns, _columns(table), strict=True)]
    heads = " & ".join(f"{{{text(column.heading)}}}" for column in table.columns) + r" \\"
    caption = f"\\caption{{{text(table.caption)}}}"
    long = height > PAGE
    kind = "longtable" if long else "tabular"
    lines = [
        f"% {caption}",
        f"% Needs \\usepackage{{{','.join(PACKAGES)}}}.",
        f"{{\\{size}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}",
        f"\\begin{{{kind}}}{{@{{}}{spec}@{{}}}}",
        *([f"{caption} \\\\", r"\toprule", heads, r"\midrule", r"\endfirsthead"] if long else []),
        r"\toprule",
        heads,
        r"\midrule",
        *([r"\endhead"] if long else []),
    ]
    for place, row in enumerate(table.rows):
        if place and place in table.breaks:
            lines.append(r"\addlinespace")
        cells = [_placed(*place) for place in zip(row, table.columns, numeric, strict=True)]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", f"\\end{{{kind}}}}}", ""])


def goes_over_pages(table: Table) -> bool:
    """Whether the table is a ``longtable``, which has its caption within."""
    return _layout(table)[2] > PAGE


def _columns(table: Table) -> list[list[Cell]]:
    return [[row[i] for row in table.rows] for i in range(len(table.columns))]


def _layout(table: Table) -> tuple[str, str, float]:
    """The largest size, and columns for it, in which the table is no wider than a line of text; and its height."""
    columns = _columns(table)
    natural = [_natural(column, cells) for column, cells in zip(table.columns, columns, strict=True)]
    least = [_least(column, cells, wide) for column, cells, wide in zip(table.columns, columns, natural, strict=True)]
    for size, points in SIZES.items():
        room = (SAFE * WIDTH - 2 * GAP * (len(columns) - 1)) / points
        if sum(natural) <= room:
            spec = " ".join(_specification(c, cells) for c, cells in zip(table.columns, columns, strict=True))
            return size, spec, 1.25 * points * (len(table.rows) + len(table.breaks) / 2)
        slack = sum(natural) - sum(least)
        share = (room - sum(least)) / slack if slack else 0.0
        if share < WRAPPED and size != "scriptsize":
            continue
        made, lines = [], [1] * len(table.rows)
        for column, cells, most, small in zip(table.columns, columns, natural, least, strict=True):
            if most > small:
                width = points * (small + max(0.0, share) * (most - small))
                made.append(f">{{\\raggedright\\arraybackslash}}p{{{width:.1f}pt}}")
                for row, cell in enumerate(cells):
                    lines[row] = max(lines[row], _lines(_shown(cell, column), width / points))
            else:
                made.append(_specification(column, cells))
        return size, " ".join(made), 1.25 * points * (sum(lines) + len(table.breaks) / 2)
    raise AssertionError("the smallest size ends the loop")


def _lines(words: str, width: float) -> int:
    """How many lines of so many ems a text takes, each filled with as many words as it holds."""
    count, filled = 1, 0.0
    for word in re.findall(rf".+?(?:[ /_-]|{_HUMP}|$)", words):
        if filled and filled + _width(word.rstrip()) > width:
            count, filled = count + 1, 0.0
        filled += _width(word)
    return count


def _natural(column: Column, cells: Sequence[Cell]) -> float:
    """The width of a column on one line, in ems of its size."""
    if column.align in NUMERIC:
        reserved = _reserved(_digits(column, cells)) if _on_the_point(column, cells) else 0.0
        return max(_width(column.heading), reserved, _widest(column, cells))
    if column.align == "code":
        return max([_width(column.heading), *(0.56 * len(_shown(cell, column)) for cell in cells)])
    if column.align == "interval":
        return max([_width(column.heading), *(0.5 + _interval_width(cell) for cell in cells)])
    return max([_width(column.heading), *(_width(_shown(cell, column)) for cell in cells)])


def _interval_width(cell: Cell) -> float:
    if not isinstance(cell, tuple):
        return _width(plain(cell, Column("")))
    return 1.6 + sum(_number_width(number(end, "fixed")) for end in cell)


def _number_width(written: str) -> float:
    """Digits, and a power of ten written out."""
    return 2.9 + 0.5 * len(written.partition("e")[0]) if "e" in written else 0.5 * len(written) + 0.3


def _widest(column: Column, cells: Sequence[Cell]) -> float:
    """The width of the widest number of a column."""
    return max((_number_width(plain(cell, column)) for cell in cells), default=0.0)


def _reserved(digits: str) -> float:
    """The width of a column whose numbers stand on their decimal point, and have so many digits."""
    return 0.5 * sum(int(n) for n in re.findall(r"\d+", digits)) + (3.6 if "e" in digits else 0.8)


def _on_the_point(column: Column, cells: Sequence[Cell]) -> bool:
    """Whether numbers stand on their decimal point: not where that takes much more room than the widest of them."""
    if column.align not in NUMERIC:
        return False
    return _reserved(_digits(column, cells)) <= max(_width(column.heading), _widest(column, cells)) + SPARE


def _least(column: Column, cells: Sequence[Cell], natural: float) -> float:
    """The width of the longest word of a column that can be broken; else its natural width."""
    if column.align in NUMERIC or column.align in ("interval", "p"):
        return natural
    if column.align == "math":
        return min(natural, 14.0)
    if column.align == "code":
        words = [word for cell in cells for word in re.split(r"[ /)]", _shown(cell, column))]
        return min(natural, max([_width(column.heading), *(0.56 * len(word) for word in words)]) + 0.7)
    words = [word for cell in cells for word in re.split(rf"[ /_-]|{_HUMP}", _shown(cell, column))]
    words += column.heading.split()
    return min(natural, max(map(_width, words), default=0.0) + 0.7)


def _shown(cell: Cell, column: Column) -> str:
    """What is read of a cell, without the commands that set it."""
    if isinstance(cell, str) and column.align == "math":
        return re.sub(
            r"[{}\\;,^_]", "", re.sub(r"\\(?:frac|left|right|;|,|!)", "", re.sub(r"\\[A-Za-z]{3,}", "x", cell))
        )
    written = plain(cell, column)
    return written.replace("`", "") if column.align == "code" else written


def _width(words: str) -> float:
    """Of text in Computer Modern, in ems: estimated, rather too wide than too narrow."""
    narrow, wide = "ijltfr.,;:'|!()[] ", "mwMWQO%@-+=<>"
    return sum(0.36 if char in narrow else 0.86 if char in wide else 0.74 if char.isupper() else 0.54 for char in words)


def _placed(cell: Cell, column: Column, on_the_point: bool) -> str:
    """A cell as its column takes it: siunitx sets powers of ten itself, and reads what stands in braces as text."""
    written = _cell(cell, column)
    if column.align not in NUMERIC or on_the_point == _is_number(written):
        return written
    return f"{{{written}}}" if on_the_point else f"${_mathematics(written)}$"


def _cell(cell: Cell, column: Column) -> str:
    if isinstance(cell, tuple):
        return "$[" + r",\,".join(_mathematics(number(end, "fixed")) for end in cell) + "]$"
    if isinstance(cell, str) and column.align == "math":
        return f"${cell}$"
    if isinstance(cell, str) and column.align == "code":
        return f"\\texttt{{{re.sub(r'([/)])', _breakable, escaped(cell))}}}"
    written = plain(cell, column)
    if column.align == "prose":
        return re.sub("(/)", _breakable, escaped(written))
    if not isinstance(cell, str) and written.endswith("inf"):
        return r"$\infty$"
    return written if _is_number(written) else re.sub(rf"(\\_|{_HUMP})", _breakable, text(written))


_HUMP = r"(?<=[a-z])(?=[A-Z][a-z])"
"""Where a class's name may be broken."""


def _breakable(found: re.Match[str]) -> str:
    return f"{found[1]}\\allowbreak{{}}"


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", text) is not None


def _specification(column: Column, cells: Sequence[Cell]) -> str:
    """The column's type; for numbers on their decimal point with the digits that siunitx must make room for."""
    if _on_the_point(column, cells):
        return f"S[table-format={_digits(column, cells)}]"
    return "r" if column.align in (*NUMERIC, "interval") else "l"


def _digits(column: Column, cells: Sequence[Cell]) -> str:
    """siunitx's ``table-format``."""
    found = [text for cell in cells if _is_number(text := plain(cell, column))]
    mantissas = [re.sub(r"e.*", "", text).lstrip("-").partition(".") for text in found]
    sign = "-" if any(text.startswith("-") for text in found) else ""
    whole = max((len(before) for before, _, _ in mantissas), default=1)
    decimals = max((len(after) for _, _, after in mantissas), default=0)
    powers = [int(text.partition("e")[2]) for text in found if "e" in text]
    power = ""
    if powers:
        power = f"e{'-' if min(powers) < 0 else ''}{max(len(str(abs(p))) for p in powers)}"
    return f"{sign}{whole}{f'.{decimals}' if decimals else ''}{power}"


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
