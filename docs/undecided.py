"""``python docs/undecided.py BEFORE AFTER [PAPER]``: docs/undecided.md, what results folders leave undecided.

BEFORE and AFTER are of the default size, PAPER of the paper size; of the last, each experiment stands beside AFTER's.

Statements of a source only. One asks a *question*: a bound, in one form, of an algorithm, output and quantity, as a
level or along an axis; a question has a statement for each line of the grids. A question that the first folder asks and
the second does not is left out, and its statements count as undecided there, but for those that another experiment of
the second asks (``REPLACED``): one statement for one, of the same bound and form at the same k and alpha.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import designs
import refresh_paper

from riskkit.cli.common import Parser

PAGE = Path(__file__).resolve().parent / "undecided.md"
OPEN = frozenset({"INCONCLUSIVE", "PRE-ASYMPTOTIC", "TOO FEW POINTS", "VACUOUS", "NOT COVERED"})
"""The words that decide nothing."""

REPLACED = {"theorem2_edge": "theorem1_quadratic", "theorem1_attained_optimization": "theorem1_best_alpha"}
"""Experiment -> the one in which what it no longer asks is asked."""


class Row(NamedTuple):
    """Statements of one experiment: undecided and in all, before and after; ``left_out`` of those before, ``elsewhere``
    those of them that another experiment asks now."""

    experiment: str
    before: tuple[int, int]
    after: tuple[int, int]
    left_out: int
    elsewhere: int


def stated(results: Path) -> dict[str, list[dict[str, Any]]]:
    """Experiment -> its verdicts on statements of a source."""
    found = {}
    for path in sorted(results.glob("*/verdict.json")):
        record = json.loads(path.read_text())
        found[record["experiment"]] = [one for one in record["verdicts"] if one["group"] == "source"]
    return found


def question(verdict: dict[str, Any]) -> tuple[Any, ...]:
    names = ("bound", "algorithm", "form", "output", "quantity", "axis")
    return (verdict["kind"], *(verdict[name] or "" for name in names))


def same(verdict: dict[str, Any]) -> tuple[Any, ...]:
    """What a statement shares with the one that replaces it: not the problem, the sample size and the horizon."""
    held = tuple((name, verdict["where"].get(name)) for name in ("k", "alpha"))
    axis = verdict["axis"] if verdict["kind"] == "minimiser" else ""
    return (verdict["kind"], *(verdict[name] or "" for name in ("bound", "form", "output", "quantity")), axis, held)


def replaced(gone: Sequence[dict[str, Any]], instead: Sequence[dict[str, Any]]) -> int:
    """How many of the statements that are left out another experiment asks, each once."""
    there = [same(one) for one in instead]
    found = 0
    for one in gone:
        if same(one) in there:
            there.remove(same(one))
            found += 1
    return found


def rows(before: Path, after: Path) -> list[Row]:
    """One for each experiment that states something in either folder."""
    first, second = stated(before), stated(after)

    def counted(verdicts: Sequence[dict[str, Any]]) -> tuple[int, int]:
        return sum(one["outcome"] in OPEN for one in verdicts), len(verdicts)

    found = []
    for name in sorted({*first, *second}):
        old, new = first.get(name, []), second.get(name, [])
        asked = {question(one) for one in new}
        gone = [one for one in old if question(one) not in asked]
        elsewhere = replaced(gone, second.get(REPLACED.get(name, ""), []))
        if old or new:
            found.append(Row(name, counted(old), counted(new), len(gone), elsewhere))
    return found


def remedy(verdict: dict[str, Any]) -> str:
    """What would decide it."""
    if verdict["replicates_needed"] is not None:
        return f"about {verdict['replicates_needed']:.2g} replicates, where the sweep has {verdict['replicates']}"
    return {
        "TOO FEW POINTS": "a grid with four points at which the bound says something",
        "NOT COVERED": "a setting that its hypotheses cover",
        "VACUOUS": "a setting in which it lies below what is true of every run",
        "PRE-ASYMPTOTIC": "a window beyond the transient",
    }.get(verdict["outcome"], "a longer window, or a smaller family of tests")


def rest(after: Path, title: str) -> str:
    """The undecided statements of a results folder, each with what would decide it."""
    lines = ["", f"## {title}", ""]
    for name, verdicts in stated(after).items():
        for one in verdicts:
            if one["outcome"] in OPEN:
                about = one["sentence"].partition(f": {one['outcome']}")[0]
                lines.append(f"- `{name}`, {about}: {one['outcome']}; {remedy(one)}.")
    return "\n".join(lines if len(lines) > 3 else [*lines, "None."]) + "\n"


def at_paper_size(after: Path, paper: Path) -> str:
    """A row for each experiment that states something at either size. Raises ValueError for a folder that is not of
    paper size."""
    refresh_paper.asked(paper)
    default, large = stated(after), stated(paper)
    lines = [
        "",
        "## At paper size",
        "",
        "Undecided / in all, beside the default size. Longer axes ask more statements; what has not run at paper size",
        "is not counted there.",
        "",
        "| experiment | default | paper |",
        "|---|---|---|",
    ]
    sums = [[0, 0], [0, 0]]
    for name in sorted({*default, *large}):
        own = [default.get(name), large.get(name)]
        if not any(own):
            continue
        told = []
        for verdicts, total in zip(own, sums, strict=True):
            counts = [] if verdicts is None else [sum(one["outcome"] in OPEN for one in verdicts), len(verdicts)]
            told.append(f"{counts[0]} / {counts[1]}" if counts else "not run")
            for place, count in enumerate(counts):
                total[place] += count
        lines.append(f"| `{name}` | {told[0]} | {told[1]} |")
    shares = [f"{few} / {every} ({100 * few / max(every, 1):.1f}%)" for few, every in sums]
    return "\n".join([*lines, f"| all | {shares[0]} | {shares[1]} |"]) + "\n"


def left_out(row: Row) -> str:
    """As the page says it."""
    if not row.elsewhere:
        return str(row.left_out or "")
    return f"{row.left_out}, of which `{REPLACED[row.experiment]}` asks {row.elsewhere}"


def page(found: Sequence[Row]) -> str:
    """The page; its last row sums up, with what is left out counted as undecided."""
    lines = [
        "# What is left undecided",
        "",
        "Statements of the sources in the default sweep, undecided / in all: before expectations took the place of",
        "means and experiments were planned for what can be decided, and after. A question of the first sweep that the",
        "second does not ask is left out; its statements count as undecided in the last row, but for those that",
        "another experiment asks now, at the same k and alpha.",
        "",
        "| experiment | before | after | left out |",
        "|---|---|---|---|",
    ]
    for row in found:
        lines.append(
            f"| `{row.experiment}` | {row.before[0]} / {row.before[1]} | {row.after[0]} / {row.after[1]} | "
            f"{left_out(row)} |"
        )
    before = tuple(sum(row.before[part] for row in found) for part in (0, 1))
    after = tuple(sum(row.after[part] for row in found) for part in (0, 1))
    gone = sum(row.left_out - row.elsewhere for row in found)
    share = [100 * before[0] / max(before[1], 1), 100 * (after[0] + gone) / max(after[1] + gone, 1)]
    told = [f"{part[0]} / {part[1]}" for part in (before, (after[0] + gone, after[1] + gone))]
    lines += [
        f"| all | {told[0]} ({share[0]:.0f}%) | {told[1]} ({share[1]:.0f}%) | {gone or ''} |",
        "",
        "    python docs/undecided.py BEFORE AFTER [PAPER]",
        "",
        "with results folders; an experiment that the first one did not have stands with 0 / 0. `riskkit plan",
        "results/EXPERIMENT` says how many replicates would decide what replicates can.",
    ]
    return "\n".join(lines + designs.table()) + "\n"


def main(words: Sequence[str]) -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("before", "after"):
        parser.add_argument(name, type=Path, metavar=name.upper(), help="a results folder of the default size")
    parser.add_argument("paper", type=Path, nargs="*", metavar="PAPER", help="one of the paper size, or none")
    given = parser.parse_args(words)
    before, after, paper = given.before, given.after, given.paper
    if len(paper) > 1 or not all(folder.is_dir() for folder in (before, after, *paper)):
        parser.error("results folders are needed: BEFORE AFTER, and one of paper size or none.")
    text = page(rows(before, after)) + rest(after, "What would decide each that is left")
    try:
        for large in paper:
            text += at_paper_size(after, large) + rest(large, "What would decide each that is left at paper size")
    except ValueError as error:
        print(f"undecided.py: {error}", file=sys.stderr)
        return 2
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
