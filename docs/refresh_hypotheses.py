"""``python docs/refresh_hypotheses.py [--search [BOUND ...]]``: which hypotheses a bound needs: attacks without them.

What is known lies in docs/worst_hypotheses.json, the worst instance of each as a program. Each is evaluated again, and
the lists of docs/worst_case.md after ``<!-- needed -->`` and ``<!-- others -->`` are written from what comes out. With
``--search`` the bounds whose names start so (``BOUNDS``, if none is given) are attacked first, once without each of
their hypotheses that is not about which algorithm is meant, on instances that it alone excludes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from refresh_worst import Case, evaluated, fill, forms, known, shown, word

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "worst_hypotheses.json"
EVALUATIONS = 120
BOUNDS = ("theorem", "paper.theorem")
LARGE = 1e6
"""A ratio above this is of a run that diverges; the number says no more."""
ABOUT = (
    "constant_steps",
    "decreasing",
    "excluded",
    "gradient_descent",
    "heavy_ball",
    "in_stages",
    "inverse_time",
    "lookahead",
    "mu_steps",
    "one_stage",
    "passes_on",
    "scheduled",
    "sgd",
    "staged",
    "suffix_sgd",
)
"""Hypotheses that say which algorithm a bound speaks of: without them it is no statement."""


def asked(name: str) -> list[str]:
    from riskkit.attack.catalogue import bounds, hypotheses

    return [one for one in hypotheses(bounds()[name]) if one not in ABOUT]


def searched(cases: dict[str, Case], name: str, form: str, without: str, evaluations: int) -> None:
    from riskkit.attack import attack, named
    from riskkit.attack.evaluation import AttackError

    whole = named(name)

    def beyond(problem: Any, algorithm: Any) -> str | None:
        return "nothing changes." if whole.excludes(problem, algorithm) is None else None

    bound: Any = dataclasses.replace(whole, hypotheses=(*whole.hypotheses, beyond))
    key, more = f"{name} {form} {without}", {"evaluations": evaluations, "seconds": 3600.0, "progress": False}
    try:
        answer = attack(bound, label=name, form=form, without=without, **more)
    except AttackError as error:
        print(f"{key}: {error}", flush=True)
        cases.setdefault(key, {"ratio": None})
        return
    print(answer.sentence, flush=True)
    found, before = answer.record(), cases.get(key)
    if answer.value is None or (before and before["ratio"] and answer.value.ratio <= before["ratio"]):
        return
    cases[key] = {"ratio": answer.value.ratio, "kind": found["kind"], "chosen": found["chosen"], "code": found["code"]}


def violated(case: Case) -> bool:
    return case["ratio"] is not None and word(case["ratio"]) == "VIOLATED"


def needed(cases: dict[str, Case]) -> str:
    lines = ["| bound | form | without | ratio | instance |\n|---|---|---|---|---|\n"]
    for key, case in sorted(cases.items()):
        name, form, without = key.rsplit(" ", 2)
        if violated(case):
            ratio = f"{case['ratio']:.3g}" if case["ratio"] < LARGE else f"over {LARGE:g}"
            lines.append(f"| `{name}` | {form} | {without} | {ratio} | {shown(case)} |\n")
    return "".join(lines)


def others(cases: dict[str, Case]) -> str:
    """Beside the worst ratio that is known with all hypotheses."""
    worst, lines = known(), ["| bound | form | with all | without, on what it alone excludes |\n|---|---|---|---|\n"]
    for key in dict.fromkeys(key.rsplit(" ", 1)[0] for key in sorted(cases)):
        tried = {one.rsplit(" ", 1)[1]: case for one, case in sorted(cases.items()) if one.rsplit(" ", 1)[0] == key}
        mild = [
            f"{one}: {'no instance' if case['ratio'] is None else format(case['ratio'], '.3g')}"
            for one, case in tried.items()
            if not violated(case)
        ]
        name, form = key.rsplit(" ", 1)
        lines.append(f"| `{name}` | {form} | {worst[key]['ratio']:.3g} | {', '.join(mild) or 'none left'} |\n")
    return "".join(lines)


def main() -> None:
    from riskkit.cli.common import Parser

    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", nargs="*", metavar="BOUND")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    arguments = parser.parse_args()
    cases: dict[str, Case] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    every = {f"{name} {form} {one}": (name, form, one) for name, form in forms() for one in asked(name)}
    cases = {key: case for key, case in cases.items() if key in every}
    for case in cases.values():
        if case["ratio"] is not None:
            case["ratio"] = evaluated(case).ratio
    if arguments.search is not None:
        starts = tuple(arguments.search) or BOUNDS
        false = {key for key, case in known().items() if violated(case)}
        for name, form, without in every.values():
            if name.startswith(starts) and f"{name} {form}" not in false:
                searched(cases, name, form, without, arguments.evaluations)
                FILE.write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    FILE.write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fill(needed=needed(cases), others=others(cases))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
