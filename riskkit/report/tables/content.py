"""Which tables there are, and what stands in them: of one experiment, and of all that are stored."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.identity import label, short
from riskkit.report.tables import latex
from riskkit.report.tables.table import Cell, Column, Table
from riskkit.store.atomic import StoreError, read

OUTPUT = {"last": "last iterate", "average": "average"}
QUANTITY = {
    "optimization": "optimization error",
    "generalization": "generalization error",
    "excess": "excess risk",
    "population_excess": "population excess risk",
    "distance": "squared distance",
    "replace_one": "replace-one estimate",
    "error": "error rate",
}
MEANING = {
    "L": "every l(.; z) is L-smooth",
    "G": "every l(.; z) has gradients of norm at most G on Theta",
    "lam": "F_S is lam-strongly convex for every S",
    "lam_example": "every l(.; z) is lam-strongly convex",
    "mu": "F_S is mu-PL for every S",
    "rho": "F_S is rho-weakly convex for every S",
    "M": "the loss varies by at most M on Theta",
    "l_max": "no loss exceeds l_max on Theta",
}
FORMS = {"claim": "claim", "published": "as printed", "statement": "explicit"}
"""The forms of a bound in words, by the names under which a record holds their statements."""


class Results(NamedTuple):
    """What the tables are made of: verdict.json and run.json of one experiment."""

    name: str
    question: str
    verdicts: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    running: list[dict[str, Any]]
    record: dict[str, Any]
    title: str = ""


VERDICT = (
    *("algorithm", "axis", "bound", "claim_slope", "finding", "form", "kind", "outcome", "output", "quantity"),
    *("ratio", "sentence", "slope", "subject", "title", "where"),
)
COMPARISON = ("algorithm", "against", "quantity", "output", "ratio", "difference", "outcome")
"""Fields that every page and table relies on."""


def results(folder: Path) -> Results:
    """Opens ``results/<experiment>``; raises StoreError for files that are missing or cannot be read."""
    try:
        verdict, record = (json.loads(read(folder / name)) for name in ("verdict.json", "run.json"))
        for one, fields in [(v, VERDICT) for v in verdict["verdicts"]] + [
            (c, COMPARISON) for c in verdict["comparisons"]
        ]:
            if absent := [name for name in fields if name not in one]:
                raise KeyError(f"an entry without {absent[0]}, as of another version")
        for one in verdict["verdicts"]:
            one["stated"] = record["bounds"].get(one["bound"])
        return Results(
            name=folder.name,
            question=verdict["question"],
            verdicts=verdict["verdicts"],
            comparisons=verdict["comparisons"],
            running=verdict["running"],
            record=record,
            title=str(verdict.get("title", "")),
        )
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder} must hold verdict.json and run.json, whole ({error!r}); run riskkit compare {folder}."
        ) from error


def everything(folder: Path) -> tuple[list[Results], list[str]]:
    """All experiments stored in a results folder that can be read, and a line for each that cannot."""
    found, failures = [], []
    for path in sorted(folder.glob("*/verdict.json")):
        try:
            found.append(results(path.parent))
        except StoreError as error:
            failures.append(str(error).rstrip("."))
    return found, failures


def of(result: Results) -> list[Table]:
    """The experiment's tables, those without a row left out."""
    made = [make(result) for make in (bounds, levels, rates, running, paired, problem)]
    return [table for table in made if table.rows]


# Words for what a verdict holds against what


def rival(verdict: dict[str, Any]) -> str:
    """What a verdict compares the measurement with: a bound, the closed form, or an identity."""
    return str(verdict["title"]) or str(verdict["bound"])


def about(verdict: dict[str, Any]) -> str:
    """The title of a bound, its quantity and its output, in words."""
    quantity, output = str(verdict["quantity"]), str(verdict["output"])
    return ", ".join([rival(verdict), QUANTITY.get(quantity, quantity), OUTPUT.get(output, output)])


def _named(verdict: dict[str, Any], several: bool) -> str:
    """With the algorithm, where an experiment judges several."""
    return f"{about(verdict)}, {verdict['algorithm']}" if several and verdict["algorithm"] else about(verdict)


def _several(result: Results) -> bool:
    return len({verdict["algorithm"] for verdict in result.verdicts if verdict["algorithm"]}) > 1


def held(where: dict[str, float]) -> str:
    return ", ".join(f"{name} = {label(value)}" for name, value in where.items())


# The tables of one experiment


def bounds(result: Results) -> Table:
    stated = result.record["bounds"].values()
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    for bound in stated:
        breaks.add(len(rows))
        forms = [(words, bound[form]) for form, words in FORMS.items() if bound.get(form)]
        rows += [(about(bound) if place == 0 else "", *form) for place, form in enumerate(forms)]
    columns = (Column("bound"), Column("form"), Column("statement", "math"))
    return Table("bounds", f"The bounds that {result.name} tests.", columns, tuple(rows), frozenset(breaks))


def levels(result: Results) -> Table:
    several = _several(result)
    rows = [
        (_named(v, several), v["points"] or None, v["ratio"], str(v["outcome"]), v["p_adjusted"])
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
    several = _several(result)
    kinds = list(dict.fromkeys(_kind(v) for v in along))
    for v in sorted(along, key=lambda v: kinds.index(_kind(v))):
        if _kind(v) != before:
            breaks.add(len(rows))
        rows.append(
            (
                _named(v, several) if _kind(v) != before else "",
                v["axis"],
                held(v["where"]),
                v["slope"],
                _interval(v, "slope"),
                v["claim_slope"],
                _interval(v, "difference"),
                str(v["outcome"]),
            )
        )
        before = _kind(v)
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


def _kind(verdict: dict[str, Any]) -> tuple[str, str, str]:
    return str(verdict["bound"]), str(verdict["output"]), str(verdict["algorithm"])


def running(result: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    several = len({line["algorithm"] for line in result.running}) > 1
    for line in result.running:
        breaks.add(len(rows))
        of = f", {line['algorithm']}" if several else ""
        said = f"{QUANTITY.get(line['quantity'], line['quantity'])}, {OUTPUT[line['output']]}{of}"
        first = (said, held(line["where"]))
        for i, span in enumerate(line["spans"]):
            ends = tuple(line[end][i] for end in ("low", "high"))
            known = ends if None not in ends else None
            shown = first if i == 0 else ("", "")
            rows.append(
                (
                    *shown,
                    line["axis"],
                    f"{label(span[0])} to {label(span[1])}",
                    line["slope"][i],
                    known,
                    line["claim_slope"][i],
                )
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
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for comparison in result.comparisons:
        key = (comparison["algorithm"], comparison["against"], comparison["quantity"], comparison["output"])
        groups.setdefault(key, []).append(comparison)
    rows: list[tuple[Cell, ...]] = []
    for (algorithm, against, quantity, output), group in groups.items():
        least, most = (find(group, key=_compared) for find in (min, max))
        outcomes = Counter(comparison["outcome"] for comparison in group)
        counts = (len(group), outcomes["smaller"], outcomes["larger"])
        sign = "-" if any(comparison["ratio"] is None for comparison in group) else "/"
        rows.append(
            (
                f"{algorithm} {sign} {against}",
                f"{QUANTITY.get(quantity, quantity)}, {OUTPUT[output]}",
                *(part for end in (least, most) for part in (_compared(end), _interval(end, ""))),
                *counts,
            )
        )
    columns = (
        Column("ratio"),
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
        f"{result.name}: ratio of two algorithms' means on common random numbers, least and most over the cells, and "
        "in how many it is smaller or larger after Holm."
    )
    return Table("paired", caption, columns, tuple(rows))


def _compared(comparison: dict[str, Any]) -> float:
    """The ratio of the means, or their difference where that was asked for or a minimum is an interval."""
    return float(comparison["difference"] if comparison["ratio"] is None else comparison["ratio"])


def problem(result: Results) -> Table:
    record, constants = result.record, dict(result.record["constants"])
    rows: list[tuple[Cell, ...]] = []
    if not constants:  # runs of another kind than simulated ones have no such problem
        return Table("problem", "", (Column("constant"), Column("value"), Column("what it asserts")), ())
    rows = [
        ("problem", record["problem"], ""),
        ("regime", constants.pop("regime"), "of F_S"),
        ("d", constants.pop("dim"), "parameters"),
        ("Theta", _domain(constants.pop("radius")), ""),
        ("step", record["step"], "eta_j"),
    ]
    for name, meaning in MEANING.items():
        value = constants.get(name, "inf")
        known = math.inf if value == "inf" else float(value)
        if name in ("lam", "lam_example", "mu") and known == 0:
            meaning = "not assumed"
        elif known == math.inf:
            meaning = "no finite constant"
        rows.append((name.replace("_example", " of l(.; z)"), short(known, 4), meaning))
    columns = (Column("constant"), Column("value"), Column("what it asserts"))
    return Table("problem", f"{result.name}: the problem, its constants and assumptions.", columns, tuple(rows))


def _domain(radius: float | None) -> str:
    return "R^d" if radius is None else f"ball of radius {label(radius)}"


def _interval(values: dict[str, Any], name: str) -> tuple[float, float] | None:
    low, high = (values[f"{name}_{end}".lstrip("_")] for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


# The verdicts as sentences


def sentence(verdict: dict[str, Any]) -> str:
    """The verdict as a LaTeX sentence that cites the source of its bound."""
    bound = verdict["stated"]
    against = latex.escaped(str(verdict.get("against") or rival(verdict)))
    if bound is not None:
        against = f"{against.replace(' ', '~')} of \\cite{{{bound['source']}}}"
    subject, finding = latex.text(_started(str(verdict["subject"]))), latex.text(_started(str(verdict["finding"])))
    outcome = f"\\textsc{{{str(verdict['outcome']).lower()}}}"
    return f"{subject}, against {against}: {outcome}. {finding}."


def _started(text: str) -> str:
    return text[0].upper() + text[1:] if text else text


# The tables of all experiments


def of_all(everything: Sequence[Results]) -> list[Table]:
    """``verdicts`` and ``problems`` of the experiments given; ``answers`` are made by the module of that name."""
    return [verdicts(everything), problems(everything)]


def _counted(verdicts: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(str(v["outcome"]) for v in verdicts).most_common())


def verdicts(everything: Sequence[Results]) -> Table:
    """A row for each bound (or closed form) of each experiment."""
    rows: list[tuple[Cell, ...]] = []
    breaks = set()
    for result in everything:
        breaks.add(len(rows))
        for place, name in enumerate(dict.fromkeys((v["bound"], v["algorithm"]) for v in result.verdicts)):
            found = [v for v in result.verdicts if (v["bound"], v["algorithm"]) == name]
            level = [v for v in found if not v["axis"]]
            lines = _counted([v for v in found if v["axis"]])
            ratios = [v["ratio"] for v in level if v["ratio"] is not None]
            rows.append(
                (
                    result.name if place == 0 else "",
                    _named(found[0], _several(result)),
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
        Column("lines along the axes"),
    )
    caption = "Every verdict: the level with measured / bound at its largest, and how many lines came out how."
    return Table("verdicts", caption, columns, tuple(rows), frozenset(breaks))


def problems(everything: Sequence[Results]) -> Table:
    names = ("L", "G", "lam", "mu", "rho", "M")
    rows: list[tuple[Cell, ...]] = []
    for result in everything:
        constants = result.record["constants"]
        if not constants:
            continue
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
