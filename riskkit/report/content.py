"""Which tables there are, and what stands in them: of one experiment, and of all that are stored."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.report import latex
from riskkit.report.table import Cell, Column, Table
from riskkit.store.atomic import StoreError, read
from riskkit.theory.zhou2021 import BOUNDS

OUTPUT = {"last": "last iterate", "average": "average"}
QUANTITY = {
    "optimization": "optimization error",
    "generalization": "generalization error",
    "excess": "excess risk",
    "population_excess": "population excess risk",
    "distance": "squared distance",
}
MEANING = {
    "L": "every l(.; z) is L-smooth",
    "G": "every l(.; z) has gradients of norm at most G on Theta",
    "lam": "F_S is lam-strongly convex for every S",
    "lam_example": "every l(.; z) is lam-strongly convex",
    "mu": "F_S is mu-PL for every S",
    "rho": "F_S is rho-weakly convex for every S",
    "M": "the loss varies by at most M on Theta",
}


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


# Words for what a verdict holds against what


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


# The verdicts as sentences


def sentence(verdict: dict[str, Any]) -> str:
    """The verdict as a LaTeX sentence that cites the paper."""
    bound = BOUNDS.get(verdict["bound"])
    against = (
        f"Theorem~{bound.theorem} of \\cite{{zhou2021lookahead}}" if bound else latex.escaped(rival(verdict["bound"]))
    )
    subject, finding = latex.text(_started(str(verdict["subject"]))), latex.text(_started(str(verdict["finding"])))
    outcome = f"\\textsc{{{str(verdict['outcome']).lower()}}}"
    return f"{subject}, against {against}: {outcome}. {finding}."


def _started(text: str) -> str:
    return text[0].upper() + text[1:] if text else text


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
