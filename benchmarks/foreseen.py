"""``python -m benchmarks.foreseen RESULTS``: how often what a dry run foresees came true in a sweep.

For each kind (rate, level, exact value, count, comparison) and each word that is foreseen, without variances and with
those of the first 256 replicates: how many, and how many of them were decided. The variances are those of replicates
that the verdicts rest on too. A comparison counts as decided if each of its ratios is smaller or larger; what is
foreseen is that they are known to the declared width, and one near 1 stays undecided all the same.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from riskkit.cli.common import Parser
from riskkit.execution.conclusion import gather, reopen
from riskkit.store.shards import Store
from riskkit.verdicts.data import listed
from riskkit.verdicts.foreseen import foreseen
from riskkit.verdicts.foreseen_means import Outlook, outlooks

OPEN = frozenset({"INCONCLUSIVE", "PRE-ASYMPTOTIC", "TOO FEW POINTS", "VACUOUS", "NOT COVERED"})
PILOT = 256


Kinds = Counter[tuple[str, str, bool]]
"""(kind, word, whether it was decided) -> how many."""


def decided(one: Outlook, record: dict[str, Any]) -> bool | None:
    """Whether what is foreseen was decided; None where nothing was said of it."""
    if one.kind == "comparison":
        names = ("algorithm", "against", "quantity", "output")
        said = [c["outcome"] for c in record["comparisons"] if tuple(c[name] for name in names) == one.key]
        return all(word != "undecided" for word in said) if said else None
    said = [v["outcome"] for v in record["verdicts"] if _key(one.kind, v) == one.key]
    return all(word not in OPEN for word in said) if said else None


def _key(kind: str, v: dict[str, Any]) -> tuple[str, ...] | None:
    if kind == "level" and v["kind"] == "level":
        return v["bound"], v["algorithm"], v["form"]
    if kind == "exact value" and v["kind"] == "identity":
        return v["bound"], v["algorithm"]
    if kind == "count" and v["kind"] == "count":
        return v["bound"], v["algorithm"], v["output"], v["axis"], listed(dict(sorted(v["where"].items())))
    return None


def counted(results: Path) -> dict[str, Kinds]:
    """``before`` and ``pilot`` -> (kind, word, whether it was decided) -> how many."""
    found: dict[str, Kinds] = {"before": Counter(), "pilot": Counter()}
    for folder in sorted(path.parent for path in results.glob("*/verdict.json")):
        request, failures = reopen(folder)
        made = request.plan()
        record = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
        outcomes = {
            (v["bound"], v["algorithm"], v["axis"], tuple(sorted(v["where"].items()))): v["outcome"]
            for v in record["verdicts"]
            if v["kind"] == "rate"
        }
        few = request._replace(replicates=min(PILOT, made.size.replicates))
        for way, pilot in (("before", None), ("pilot", gather(few, Store(folder), failures))):
            for one in foreseen(made, pilot):
                line = one.line
                outcome = outcomes.get((line.bound.name, line.algorithm, line.axis, tuple(sorted(line.where.items()))))
                if outcome is not None:
                    found[way]["rate", one.word, outcome not in OPEN] += 1
            for other in outlooks(made, pilot):
                if (was := decided(other, record)) is not None:
                    found[way][other.kind, other.word, was] += 1
    return found


def main(results: Path) -> None:
    print("| known | kind | foreseen | of them | decided |\n|---|---|---|---|---|")
    for way, counts in counted(results).items():
        known = "bounds alone" if way == "before" else f"variances of {PILOT} replicates"
        for kind, word in dict.fromkeys((kind, word) for kind, word, _ in counts):
            settled, opened = counts[kind, word, True], counts[kind, word, False]
            print(f"| {known} | {kind} | {word} | {settled + opened} | {settled} |")


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS")
    chosen = parser.parse_args().results
    if not chosen.is_dir():
        parser.error(f"{chosen} must be a results folder; it is none.")
    main(chosen)
