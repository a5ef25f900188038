r"""Tables for a paper and for a page, from what is stored; nothing is computed.

Each table is written as LaTeX (booktabs and siunitx; ``\input`` it) and as Markdown into
``results/<experiment>/tables/``:

    bounds     what each bound says, explicitly and as claimed
    levels     measured / bound at its largest; measured / exact where a closed form is known
    rates      measured exponents with their intervals, beside the claims' or the closed form's
    running    the same between neighbouring points
    paired     Lookahead over its controls on common random numbers
    problem    the constants, and what each asserts
    sentences  the verdicts as sentences to paste into a paper

and into ``results/tables/`` those of all experiments: ``answers`` (a row for each), ``verdicts`` (a row for each
bound), ``problems``, ``audits``, and ``references.bib``.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

from riskkit.store.atomic import StoreError, make_folder, read, write_text
from riskkit.theory.zhou2021 import BOUNDS

Align = Literal["text", "fixed", "significant", "interval", "count", "p", "math", "code", "prose"]
Cell = str | float | int | tuple[float, float] | None
ABSENT = "--"


class Column(NamedTuple):
    """A heading and how its cells are written: fixed (3 decimals), significant (3 digits), interval (two fixed), p (a
    p-value), math (LaTeX), code (a formula in plain characters), prose (text as long as a sentence)."""

    heading: str
    align: Align = "text"


class Table(NamedTuple):
    """Rows of cells under columns. A cell that is None has nothing to say.

    ``breaks``: the rows before which a group begins.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    breaks: frozenset[int] = frozenset()

    def latex(self) -> str:
        r"""A ``tabular`` to ``\input`` into a table."""
        spec = " ".join(_specification(column, [row[i] for row in self.rows]) for i, column in enumerate(self.columns))
        numeric = [column.align in NUMERIC for column in self.columns]
        heads = [f"{{{latex(column.heading)}}}" for column in self.columns]
        lines = [
            f"% {self.caption}",
            r"% Needs \usepackage{booktabs,siunitx,amsmath,amssymb}.",
            f"\\begin{{tabular}}{{{spec}}}",
            r"\toprule",
            " & ".join(heads) + r" \\",
            r"\midrule",
        ]
        for place, row in enumerate(self.rows):
            if place and place in self.breaks:
                lines.append(r"\addlinespace")
            cells = [_latex_cell(cell, column) for cell, column in zip(row, self.columns, strict=True)]
            # siunitx reads what stands in braces as text.
            cells = [
                f"{{{cell}}}" if is_number and not _is_number(cell) else cell
                for cell, is_number in zip(cells, numeric, strict=True)
            ]
            lines.append(" & ".join(cells) + r" \\")
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])

    def markdown(self) -> str:
        """A table with a rule under its headings; numbers are flush right."""
        rule = ["---:" if column.align in (*NUMERIC, "interval") else "---" for column in self.columns]
        rows = [[column.heading for column in self.columns], rule]
        rows += [[plain(cell, column) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows]
        # A bar would end the cell; within mathematics a backslash before it means something else.
        rows = [[c.replace("|", "\\vert " if c.startswith("$") else "\\|") for c in row] for row in rows]
        body = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        return f"{self.caption}\n\n{body}\n"


NUMERIC = ("fixed", "significant", "count")
OUTPUT = {"last": "last iterate", "average": "average"}
QUANTITY = {
    "optimization": "optimization error",
    "generalization": "generalization error",
    "excess": "excess risk",
    "population_excess": "population excess risk",
    "distance": "squared distance",
}
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
MEANING = {
    "L": "every l(.; z) is L-smooth",
    "G": "every l(.; z) has gradients of norm at most G on Theta",
    "lam": "F_S is lam-strongly convex for every S",
    "lam_example": "every l(.; z) is lam-strongly convex",
    "mu": "F_S is mu-PL for every S",
    "rho": "F_S is rho-weakly convex for every S",
    "M": "the loss varies by at most M on Theta",
}
PAPER = """@inproceedings{zhou2021lookahead,
  title     = {Towards Understanding Why Lookahead Generalizes Better Than {SGD} and Beyond},
  author    = {Zhou, Pan and Yan, Hanshu and Yuan, Xiaotong and Feng, Jiashi and Yan, Shuicheng},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  year      = {2021},
}
"""


def toolkit_entry() -> str:
    """BibTeX for riskkit itself, in the version that runs."""
    return f"""@software{{riskkit,
  title   = {{riskkit: theorems on excess risk confronted with exact measurements}},
  author  = {{{{The riskkit authors}}}},
  version = {{{version("riskkit")}}},
  year    = {{2026}},
}}
"""


# From one cell to text


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
    if align == "p" and value < 1e-4:
        return "< 1e-4"
    if align == "fixed":
        return f"{round(value, 3) + 0.0:.3f}"
    return f"{value:.2g}" if align == "p" else f"{value:.3g}" if align == "significant" else f"{value:g}"


def _latex_cell(cell: Cell, column: Column) -> str:
    if isinstance(cell, tuple):
        return "$[" + r",\,".join(number(end, "fixed") for end in cell) + "]$"
    if isinstance(cell, str) and column.align == "math":
        return f"${cell}$"
    if isinstance(cell, str) and column.align == "code":
        return f"\\texttt{{{_escaped(cell)}}}"
    text = plain(cell, column)
    if column.align == "prose":
        return _escaped(text)
    if not isinstance(cell, str) and text.endswith("inf"):
        return r"$\infty$"
    return text if _is_number(text) else latex(text)


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


def latex(text: str) -> str:
    """Plain text as LaTeX: special characters escaped; names, relations and signed numbers set as mathematics."""
    parts, place = [], 0
    for found in _MATHEMATICS.finditer(text):
        parts += [_escaped(text[place : found.start()]), f"${_mathematics(found.group())}$"]
        place = found.end()
    return "".join([*parts, _escaped(text[place:])])


def _mathematics(text: str) -> str:
    name, _, rest = text.partition(" ") if not text.startswith("l(") else (text, "", "")
    rest = rest.replace("<=", r"\le").replace(">=", r"\ge")
    whole = f"{SYMBOLS.get(name, name)} {rest}".strip().replace("+-", r"\pm ").replace("  ", " ")
    return re.sub(r"(\d)e([+-]?)0*(\d+)", lambda m: f"{m[1]}\\times 10^{{{m[2].strip('+')}{m[3]}}}", whole)


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}"}
    special |= {">": r"\textgreater{}", "|": r"\textbar{}"} | {character: f"\\{character}" for character in "&%$#_{}"}
    return "".join(special.get(character, character) for character in text)


def sentence(verdict: dict[str, Any]) -> str:
    """The verdict as a LaTeX sentence that cites the paper."""
    bound = BOUNDS.get(verdict["bound"])
    against = f"Theorem~{bound.theorem} of \\cite{{zhou2021lookahead}}" if bound else _escaped(rival(verdict["bound"]))
    subject, finding = str(verdict["subject"]), str(verdict["finding"])
    outcome = f"\\textsc{{{str(verdict['outcome']).lower()}}}"
    return f"{latex(subject[0].upper() + subject[1:])}, against {against}: {outcome}. {latex(_started(finding))}."


def _started(text: str) -> str:
    return text[0].upper() + text[1:] if text else text


def rival(bound: str) -> str:
    """What a verdict holds the measurement against: a theorem, the closed form, or an identity."""
    if bound.startswith("exact "):
        return "the closed form"
    name = bound.partition(".")[0]
    return f"Theorem {name[7:]}" if re.fullmatch(r"theorem\d+", name) else f"the {name}"


def about(bound: str) -> str:
    """``"theorem2.optimization.last"`` in words."""
    quantity, _, output = bound.removeprefix("exact ").rpartition(".")
    quantity = quantity.rpartition(".")[2]
    words = [QUANTITY.get(quantity, quantity), OUTPUT.get(output, output)] if quantity else []
    return ", ".join([rival(bound), *words])


def _against(verdict: dict[str, Any]) -> str:
    """What the verdict measures against; a name that is no bound's, or a count's, does not say for which output."""
    words = about(verdict["bound"])
    if "." in verdict["bound"] and verdict["quantity"] != "gradients":
        return words
    return f"{words}, {OUTPUT.get(verdict['output'], verdict['output'])}"


def held(where: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in where.items())


# The tables of one experiment


class Results(NamedTuple):
    """What the tables are made of: verdict.json and run.json of one experiment."""

    name: str
    question: str
    verdicts: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    running: list[dict[str, Any]]
    record: dict[str, Any]


def results(folder: Path) -> Results:
    """Opens ``results/<experiment>``; raises StoreError for files that are missing or cannot be read."""
    try:
        verdict, record = (json.loads(read(folder / name)) for name in ("verdict.json", "run.json"))
        return Results(
            name=folder.name,
            question=verdict["question"],
            verdicts=verdict["verdicts"],
            comparisons=verdict["comparisons"],
            running=verdict["running"],
            record=record,
        )
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder} must hold verdict.json and run.json, whole ({error!r}); run riskkit compare {folder}."
        ) from error


def of(result: Results) -> list[Table]:
    """The experiment's tables, those without a row left out."""
    made = [make(result) for make in (bounds, levels, rates, running, paired, problem)]
    return [table for table in made if table.rows]


def bounds(result: Results) -> Table:
    rows = []
    for name in result.record["bounds"]:
        bound = BOUNDS.get(name)
        if bound is not None:
            rows.append((about(name), bound.statement, bound.claim_statement))
    columns = (Column("bound"), Column("explicit", "math"), Column("claim", "math"))
    return Table("bounds", f"The bounds that {result.name} confronts.", columns, tuple(rows))


def levels(result: Results) -> Table:
    rows = [
        (_against(v), v["points"] or None, v["ratio"], str(v["outcome"]), v["p_adjusted"])
        for v in result.verdicts
        if v["axis"] in ("", None)
    ]
    columns = (
        Column("measured against"),
        Column("cells", "count"),
        Column("ratio", "significant"),
        Column("outcome"),
        Column("p (Holm)", "p"),
    )
    caption = (
        f"{result.name}: measured / bound at its largest (against a closed form: measured / exact in the cell that is "
        "farthest off), over all cells that are judged."
    )
    return Table("levels", caption, columns, tuple(rows))


def rates(result: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    breaks, before = set(), None
    along = [v for v in result.verdicts if v["axis"]]
    kinds = list(dict.fromkeys((v["bound"], v["output"]) for v in along))
    for v in sorted(along, key=lambda v: kinds.index((v["bound"], v["output"]))):
        if (v["bound"], v["output"]) != before:
            breaks.add(len(rows))
        rows.append(
            (
                _against(v) if (v["bound"], v["output"]) != before else "",
                v["axis"],
                held(v["where"]),
                v["slope"],
                _interval(v, "slope"),
                v["claim_slope"],
                _interval(v, "difference"),
                str(v["outcome"]),
            )
        )
        before = v["bound"], v["output"]
    columns = (
        Column("measured against"),
        Column("along"),
        Column("held"),
        Column("exponent", "fixed"),
        Column("95% interval", "interval"),
        Column("claimed", "fixed"),
        Column("difference, 90%", "interval"),
        Column("outcome"),
    )
    caption = (
        f"{result.name}: measured exponents with 95% intervals beside those of the claim (or closed form) on the same "
        "points, and 90% intervals of the difference, which decide."
    )
    return Table("rates", caption, columns, tuple(rows), frozenset(breaks))


def running(result: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    for line in result.running:
        breaks.add(len(rows))
        first = (f"{QUANTITY.get(line['quantity'], line['quantity'])}, {OUTPUT[line['output']]}", held(line["where"]))
        for i, span in enumerate(line["spans"]):
            ends = tuple(line[end][i] for end in ("low", "high"))
            known = ends if None not in ends else None
            shown = first if i == 0 else ("", "")
            rows.append(
                (*shown, line["axis"], f"{span[0]:g} to {span[1]:g}", line["slope"][i], known, line["claim_slope"][i])
            )
    columns = (
        Column("quantity"),
        Column("held"),
        Column("along"),
        Column("between"),
        Column("exponent", "fixed"),
        Column("95% interval", "interval"),
        Column("claimed", "fixed"),
    )
    caption = f"{result.name}: exponents between neighbouring points with 95% intervals, and the claim's own."
    return Table("running", caption, columns, tuple(rows), frozenset(breaks))


def paired(result: Results) -> Table:
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for comparison in result.comparisons:
        key = (comparison["against"], comparison["quantity"], comparison["output"])
        groups.setdefault(key, []).append(comparison)
    rows: list[tuple[Cell, ...]] = []
    for (against, quantity, output), group in groups.items():
        least, most = (find(group, key=lambda c: c["ratio"]) for find in (min, max))
        outcomes = Counter(comparison["outcome"] for comparison in group)
        counts = (len(group), outcomes["smaller"], outcomes["larger"])
        rows.append(
            (
                against,
                f"{QUANTITY[quantity]}, {OUTPUT[output]}",
                *(part for end in (least, most) for part in (end["ratio"], _interval(end, ""))),
                *counts,
            )
        )
    columns = (
        Column("over"),
        Column("quantity"),
        Column("least", "fixed"),
        Column("95% interval", "interval"),
        Column("most", "fixed"),
        Column("95% interval", "interval"),
        Column("cells", "count"),
        Column("smaller", "count"),
        Column("larger", "count"),
    )
    caption = (
        f"{result.name}: ratio of Lookahead's mean to another algorithm's on common random numbers, least and most "
        "over the cells, and in how many it is smaller or larger after Holm."
    )
    return Table("paired", caption, columns, tuple(rows))


def problem(result: Results) -> Table:
    record, constants = result.record, dict(result.record["constants"])
    rows: list[tuple[Cell, ...]] = [
        ("problem", record["problem"], ""),
        ("regime", constants.pop("regime"), "of F_S"),
        ("d", constants.pop("dim"), "parameters"),
        ("Theta", _domain(constants.pop("radius")), ""),
        ("step", record["step"], "eta_j"),
    ]
    for name, meaning in MEANING.items():
        value = constants[name]
        known = math.inf if value == "inf" else float(value)
        if name in ("lam", "lam_example", "mu") and known == 0:
            meaning = "not assumed"
        elif known == math.inf:
            meaning = "no finite constant"
        rows.append((name.replace("_example", " of l(.; z)"), f"{known:.4g}", meaning))
    columns = (Column("constant"), Column("value"), Column("what it asserts"))
    return Table("problem", f"{result.name}: the problem, its constants and assumptions.", columns, tuple(rows))


def _domain(radius: float | None) -> str:
    return "R^d" if radius is None else f"ball of radius {radius:g}"


def _interval(values: dict[str, Any], name: str) -> tuple[float, float] | None:
    low, high = (values[f"{name}_{end}".lstrip("_")] for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


# The tables of all experiments


def of_all(everything: Sequence[Results]) -> list[Table]:
    """``verdicts``, ``problems`` and ``answers`` of the experiments given, and the ``audits``, which need none."""
    return [verdicts(everything), problems(everything), audits(), answers(everything)]


def answers(everything: Sequence[Results]) -> Table:
    """A row for each experiment: its question, and how its verdicts came out."""
    rows: list[tuple[Cell, ...]] = []
    for result in everything:
        level = [v for v in result.verdicts if not v["axis"]]
        bounded = [v["ratio"] for v in level if v["kind"] == "level" and v["ratio"] is not None]
        lines = [v for v in result.verdicts if v["axis"]]
        rows.append((result.question, _counted(level), max(bounded, default=None), _counted(lines)))
    columns = (
        Column("question", "prose"),
        Column("bounds and closed forms"),
        Column("measured / bound", "significant"),
        Column("exponents along T, k, n, alpha"),
    )
    caption = "Every experiment: its question, how its levels came out, measured / bound at its largest, and its rates."
    return Table("answers", caption, columns, tuple(rows))


def _counted(verdicts: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(str(v["outcome"]) for v in verdicts).most_common())


def verdicts(everything: Sequence[Results]) -> Table:
    """A row for each bound (or closed form) of each experiment."""
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    for result in everything:
        breaks.add(len(rows))
        for place, name in enumerate(dict.fromkeys(v["bound"] for v in result.verdicts)):
            found = [v for v in result.verdicts if v["bound"] == name]
            level = [v for v in found if not v["axis"]]
            lines = _counted([v for v in found if v["axis"]])
            ratios = [v["ratio"] for v in level if v["ratio"] is not None]
            rows.append(
                (
                    result.name if place == 0 else "",
                    about(name),
                    ", ".join(dict.fromkeys(str(v["outcome"]) for v in level)),
                    max(ratios, default=None),
                    lines,
                )
            )
    columns = (
        Column("experiment"),
        Column("measured against"),
        Column("level"),
        Column("ratio", "significant"),
        Column("lines along T, k, n, alpha"),
    )
    caption = "Every verdict: the level with measured / bound at its largest, and how many lines came out how."
    return Table("verdicts", caption, columns, tuple(rows), frozenset(breaks))


def problems(everything: Sequence[Results]) -> Table:
    names = ("L", "G", "lam", "mu", "rho", "M")
    rows: list[tuple[Cell, ...]] = []
    for result in everything:
        constants = result.record["constants"]
        values = [math.inf if constants[name] == "inf" else float(constants[name]) for name in names]
        made = result.record["problem"].partition("(")[0]
        where = _domain(constants["radius"])
        rows.append((result.name, made, constants["regime"], where, constants["dim"], *values))
    columns = (
        Column("experiment"),
        Column("problem"),
        Column("regime"),
        Column("Theta"),
        Column("d", "count"),
        *(Column(name, "significant") for name in names),
    )
    caption = "The problems and their constants; 0 for lam, mu: not assumed; 0 for rho: convex."
    return Table("problems", caption, columns, tuple(rows))


def audits() -> Table:
    from riskkit.theory.zhou2021.audits import table  # computes for half a second

    rows: list[tuple[Cell, ...]] = []
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
    caption = "The claims held against each other; constants that the slides leave out are 1."
    return Table("audits", caption, columns, tuple(rows))


# Files


def write(folder: Path, names: Iterable[str]) -> list[Path]:
    """Writes the tables of the named experiments that are stored in the results folder, and those of all that are
    stored; returns the files. Equal results give equal bytes."""
    written: list[Path] = []
    for name in dict.fromkeys(names):
        if (folder / name / "verdict.json").is_file():
            result = results(folder / name)
            written += _write(folder / name / "tables", of(result))
            written.append(folder / name / "tables" / "sentences.tex")
            lines = [f"\\item {sentence(verdict)}" for verdict in result.verdicts]
            write_text(written[-1], "\n".join([r"\begin{itemize}", *lines, r"\end{itemize}", ""]))
    everything = [results(path.parent) for path in sorted(folder.glob("*/verdict.json"))]
    if everything:
        written += _write(folder / "tables", of_all(everything))
        written.append(folder / "tables" / "references.bib")
        write_text(written[-1], PAPER + "\n" + toolkit_entry())
    return written


def _write(folder: Path, tables: Iterable[Table]) -> list[Path]:
    make_folder(folder)
    written = []
    for table in tables:
        forms: tuple[tuple[str, Callable[[], str]], ...] = (("tex", table.latex), ("md", table.markdown))
        for suffix, make in forms:
            written.append(folder / f"{table.name}.{suffix}")
            write_text(written[-1], make())
    return written
