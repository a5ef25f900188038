"""``python docs/refresh_printed.py [results]``: the tables and figures of docs/printed.md, from what is stored.

Between ``<!-- theorems -->`` and ``<!-- end -->``: for each printed bound its verdict, the largest measured / bound,
and the range of printed / re-derived, from the experiments ``printed_*``. Between ``<!-- stands -->`` and ``<!-- proofs
-->`` and their ends: what stands, and the failing steps, computed. After ``<!-- printed EXPERIMENT | BOUND | FORM |
ALGORITHM -->``, in docs/findings.md too: the sentence of that verdict.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from carried import stored  # noqa: E402

from riskkit.cli.common import Parser  # noqa: E402

PAGE, FINDINGS = ROOT / "docs" / "printed.md", ROOT / "docs" / "findings.md"
ROWS = (
    ("printed_optimization", "paper.theorem1.optimization.last", "Lookahead, Theorem 1's step"),
    ("printed_theorem2", "paper.theorem2.generalization.last", "Lookahead"),
    ("printed_optimization", "paper.corollary1.excess.last", "Lookahead, Theorem 1's step"),
    ("printed_theorem3", "paper.theorem3.optimization.average", "Lookahead, the paper's step"),
    ("printed_theorem3", "paper.theorem3.generalization.last", "Lookahead"),
    ("printed_theorem3", "paper.theorem3.generalization.average", "Lookahead"),
    ("printed_theorem3", "paper.theorem3.generalization.average", "Lookahead, the paper's step"),
    ("printed_optimization", "paper.theorem4.optimization.last", "Lookahead, Theorem 4's step"),
    ("printed_theorem4", "paper.theorem4.generalization.last", "Lookahead, step 1/(alpha mu (j+1))"),
    ("printed_theorem4", "paper.theorem4.generalization.last", "Lookahead, step 1/(mu (j+1))"),
    ("printed_theorem5", "paper.theorem5.optimization.average", "SLRLA"),
    ("printed_theorem5", "paper.theorem5.generalization.average", "SLRLA"),
    ("printed_theorem5", "paper.theorem6.generalization.average", "SLRLA"),
    ("printed_theorem5", "paper.theorem6.generalization.average.ii", "SLRLA"),
)
"""Experiment, bound, algorithm."""


def theorems(results: Path) -> str:
    """The table of the printed bounds."""
    from riskkit.report.tables import content
    from riskkit.report.tables.printed import printed, ratio, said

    found = {
        (row.experiment, row.bound, row.printed["algorithm"]): row for row in printed(content.everything(results)[0])
    }
    heading = "theorem, quantity, step, printed, measured / printed, re-derived, measured / re-derived"
    lines = [(*heading.split(", "), "printed / re-derived")]
    for experiment, bound, algorithm in ROWS:
        row = found[experiment, bound, algorithm]
        step = algorithm.partition(", ")[2].removeprefix("step ") or ("0.02" if "theorem3" in bound else "the paper's")
        step = "the paper's" if "'s step" in step else step
        second = ", case (ii)" if bound.endswith(".ii") else ""
        lines.append(
            (
                row.printed["title"].replace(" of the paper", "").split(",")[0] + second,
                f"{row.printed['quantity']}, {row.printed['output']}",
                step,
                said(row.printed),
                ratio(row.printed),
                said(row.rederived),
                ratio(row.rederived),
                row.over_rederived,
            )
        )
    return table(lines)


VIOLATED = {f"paper.theorem{number}.generalization.average" for number in (3, 5, 6)} | {
    "paper.theorem4.generalization.last",
    "paper.theorem6.generalization.average.ii",
}
"""The printed bounds that the page calls violated; a name for each sentence about them."""

ABOVE = {"paper.theorem1.optimization.last", "paper.theorem2.generalization.last", "paper.theorem4.optimization.last"}
"""Those that the page calls at least the re-derived ones in every cell."""


def untrue(results: Path) -> list[str]:
    """The page's sentences beside its tables that the stored verdicts do not bear out; none of a true page."""
    from riskkit.report.tables import content
    from riskkit.report.tables.printed import printed

    rows = [row for row in printed(content.everything(results)[0]) if row.bound.startswith("paper.")]
    found = []
    violated = {row.bound for row in rows if row.printed["outcome"] == "VIOLATED"}
    if violated != VIOLATED:
        found.append(f"violated are {', '.join(sorted(violated))}, where the page says {', '.join(sorted(VIOLATED))}")
    for row in rows:
        if row.rederived is None or row.rederived["outcome"] != "HOLDS":
            found.append(f"the re-derived bound {row.bound} does not hold in {row.experiment}")
        ends = row.printed["over_proved"]
        if row.bound in ABOVE and ends is not None and min(ends) < 1:
            found.append(f"{row.bound} as printed is {min(ends):.3g} times the re-derived bound in {row.experiment}")
    for name in dict.fromkeys(row.experiment for row in rows):
        found += _vacuous(results, name)
    return found


def _vacuous(results: Path, experiment: str) -> list[str]:
    """The cells in which a printed bound is exceeded and the re-derived one is not below what is true without it."""
    found = []
    for cell in stored(results, experiment, "cells"):
        printed, proved, trivial = (cell[name] for name in ("published", "proved", "trivial"))
        if printed is None or not cell["band_low"] > printed:
            continue
        if proved is None or (trivial is not None and proved >= trivial):
            found.append(
                f"the re-derived bound on {cell['quantity']} in {experiment} is vacuous where the printed one is "
                f"violated: n={cell['n']:g} k={cell['k']:g} alpha={cell['alpha']:g} T={cell['T']:g}"
            )
    return found


def verdict(results: Path, experiment: str, bound: str, form: str, algorithm: str) -> dict[str, Any]:
    """The level that is meant; ValueError if it is none or several."""
    found = [
        one
        for one in stored(results, experiment, "verdicts")
        if (one["bound"], one["form"], one["algorithm"]) == (bound, form, algorithm) and not one["axis"]
    ]
    if len(found) != 1:
        raise ValueError(f"{experiment} | {bound} | {form} | {algorithm}: expected one verdict, found {len(found)}.")
    return found[0]


def stands() -> str:
    from riskkit.theory.zhou2021 import proof_audits, published

    lines = [("theorem", "failing steps", "what stands")]
    for name, title in published.TITLES.items():
        steps = ", ".join(f"{step.number}" for step in proof_audits.STEPS if name in step.theorems)
        lines.append((title.replace(" of the paper", ""), steps or "none found", published.STANDS[name]))
    return table(lines)


def proofs() -> str:
    from riskkit.theory.zhou2021.proof_audits import table as computed

    lines = [("", "theorem", "page", "printed", "what holds", "harm", "computation")]
    for row in computed():
        if not row.confirmed:
            raise ValueError(f"step {row.number} of the proofs is not confirmed: {row.finding}")
        cells = (f"{row.number}", row.theorems, row.page, row.printed, row.true, row.harm, row.finding)
        lines.append(tuple(cell.replace("|", "\\|") for cell in cells))
    return table(lines)


def table(lines: Sequence[Iterable[str]]) -> str:
    """A Markdown table, its first line the heading."""
    rows = [f"| {' | '.join(line)} |\n" for line in lines]
    return rows[0] + "|---" * (rows[0].replace("\\|", "").count("|") - 1) + "|\n" + "".join(rows[1:])


def main(results: Path) -> None:
    from refresh import copied

    if false := untrue(results):
        raise ValueError(f"docs/printed.md: {'; '.join(false)}.")
    text = PAGE.read_text(encoding="utf-8")
    copied(results, set(re.findall(r"figures/(\w+)\.png", text)))
    parts: dict[str, Callable[[], str]] = {"theorems": lambda: theorems(results), "stands": stands, "proofs": proofs}
    for name, make in parts.items():
        written = make()
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, new=written: m[1] + new + m[2], text, flags=re.S
        )
    PAGE.write_text(text, encoding="utf-8")
    for page in (PAGE, FINDINGS):
        quote(page, results)


def quote(page: Path, results: Path) -> None:
    """Writes the sentences of the verdicts that a page names."""
    text = re.sub(
        r"(<!-- printed (\S+) \| (\S+) \| (\w+) \| (.+?) -->\n)(?:> .*\n)*",
        lambda m: f"{m[1]}> {sentence(verdict(results, m[2], m[3], m[4], m[5]))}\n",
        page.read_text(encoding="utf-8"),
    )
    page.write_text(text, encoding="utf-8")


def sentence(one: dict[str, Any]) -> str:
    return one["sentence"][0].upper() + one["sentence"][1:]


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", type=Path, default=ROOT / "results", help="default: results")
    chosen = parser.parse_args().results
    if not chosen.is_dir():
        parser.error(f"{chosen} must be a results folder; it is none.")
    main(chosen)
