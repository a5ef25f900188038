"""``python -m benchmarks.foreseen RESULTS``: how often what a dry run foresees of a rate came true in a sweep.

For each word that is foreseen, without variances and with those of the first 256 replicates: how many lines, and how
many of them were decided. The variances are those of replicates that the verdicts rest on too.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from riskkit.execution.conclusion import gather, reopen
from riskkit.store.shards import Store
from riskkit.verdicts.foreseen import foreseen

OPEN = frozenset({"INCONCLUSIVE", "PRE-ASYMPTOTIC", "TOO FEW POINTS", "VACUOUS", "NOT COVERED"})
PILOT = 256


def counted(results: Path) -> dict[str, Counter[tuple[str, bool]]]:
    """``before`` and ``pilot`` -> (word, whether the line was decided) -> lines."""
    found: dict[str, Counter[tuple[str, bool]]] = {"before": Counter(), "pilot": Counter()}
    for folder in sorted(path.parent for path in results.glob("*/verdict.json")):
        request, failures = reopen(folder)
        made = request.plan()
        verdicts = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))["verdicts"]
        outcomes = {
            (v["bound"], v["algorithm"], v["axis"], tuple(sorted(v["where"].items()))): v["outcome"]
            for v in verdicts
            if v["kind"] == "rate"
        }
        few = request._replace(replicates=min(PILOT, made.size.replicates))
        for way, pilot in (("before", None), ("pilot", gather(few, Store(folder), failures))):
            for one in foreseen(made, pilot):
                line = one.line
                outcome = outcomes.get((line.bound.name, line.algorithm, line.axis, tuple(sorted(line.where.items()))))
                if outcome is not None:
                    found[way][one.word, outcome not in OPEN] += 1
    return found


def main(results: Path) -> None:
    print("| known | foreseen | lines | decided |\n|---|---|---|---|")
    for way, counts in counted(results).items():
        known = "bounds alone" if way == "before" else f"variances of {PILOT} replicates"
        for word in dict.fromkeys(word for word, _ in counts):
            decided, opened = counts[word, True], counts[word, False]
            print(f"| {known} | {word} | {decided + opened} | {decided} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
