"""``python docs/refresh_worst.py [--search [BOUND ...]] [--evaluations N]``: the worst cases known of every bound.

Known instances lie in docs/worst_cases.json, as programs. Each is evaluated again, and the table of docs/worst_case.md
between ``<!-- worst -->`` and ``<!-- end -->`` is written from what comes out; the one after ``<!-- assisted -->`` is
computed (it needs PEPit). With ``--search`` the bounds whose names start so (all, if none is given) are attacked first,
in each form with constants; a worse instance replaces the known one. With ``--folder`` their evaluations are kept, and
the same command goes on where it was stopped. One that somebody else knows is added by hand: a program, and a name
under ``found_by``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KNOWN, PAGE = ROOT / "docs" / "worst_cases.json", ROOT / "docs" / "worst_case.md"
EVALUATIONS = 400
BETTER = 1 + 1e-6
"""A ratio must be larger by this factor to replace a known one."""
Case = dict[str, Any]


def known() -> dict[str, Case]:
    """``BOUND FORM`` -> the worst case known."""
    return json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else {}


def forms() -> list[tuple[str, str]]:
    """Every bound of the theory, in each form with constants."""
    from riskkit.attack.catalogue import bounds

    return [(name, form) for name, bound in bounds().items() for form in bound.forms if form != "claim"]


def evaluated(case: Case) -> Any:
    """The value of the instance that a case's program makes."""
    scope: dict[str, Any] = {}
    exec(case["code"].replace("print(value.ratio)", ""), scope)
    return scope["value"]


def searched(cases: dict[str, Case], name: str, form: str, evaluations: int, folder: Path | None) -> None:
    from riskkit.attack import attack
    from riskkit.attack.evaluation import AttackError

    key, began = f"{name} {form}", time.process_time()
    file = None if folder is None else folder / f"{key.replace(' ', '_')}.jsonl"
    try:
        answer = attack(name, form=form, evaluations=evaluations, seconds=3600.0, progress=False, file=file)
    except AttackError as error:
        print(error, flush=True)
        return
    if answer.interrupted:
        raise KeyboardInterrupt
    spent = time.process_time() - began
    print(f"{answer.sentence} {spent:.0f} s of CPU; known before: {cases.get(key, {}).get('ratio')}", flush=True)
    found = answer.record()
    before = cases.get(key)
    made = found["evaluations"] + (before["evaluations"] if before else 0)
    if answer.value is None or (before and answer.value.ratio <= before["ratio"] * BETTER):
        if before:
            before["evaluations"] = made
        return
    cases[key] = {
        "ratio": answer.value.ratio,
        "found_by": f"riskkit attack, seed {found['seed']}",
        "evaluations": made,
        "kind": found["kind"],
        "chosen": found["chosen"],
        "code": found["code"],
    }


def saved(cases: dict[str, Case]) -> None:
    KNOWN.write_text(json.dumps(cases, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def word(ratio: float) -> str:
    from riskkit.attack.answer import EQUAL
    from riskkit.attack.attacking import TIGHT

    return "VIOLATED" if ratio > 1 + EQUAL else "TIGHT" if ratio * TIGHT >= 1 else "HOLDS"


def table(cases: dict[str, Case]) -> str:
    lines = [("bound", "form", "worst known", "", "found by", "instance")]
    for name, form in forms():
        case = cases.get(f"{name} {form}")
        if case is None:
            lines.append(
                (f"`{name}`", form, "none", "", "", "no instance with a known value was found, or none was sought")
            )
            continue
        lines.append((f"`{name}`", form, f"{case['ratio']:.3g}", word(case["ratio"]), case["found_by"], shown(case)))
    rows = [f"| {' | '.join(line)} |\n" for line in lines]
    return rows[0] + "|---" * len(lines[0]) + "|\n" + "".join(rows[1:]) + searches(cases)


def searches(cases: dict[str, Case]) -> str:
    """How much was searched, and whether a bound that is proved is violated."""
    counts = [case["evaluations"] for case in cases.values()]
    proved = [key for key, case in cases.items() if key.endswith(" proved") and word(case["ratio"]) == "VIOLATED"]
    none = f"The proved bounds that are violated: {', '.join(proved)}." if proved else "No proved bound is violated."
    return f"\nThe searches evaluated {min(counts)} to {max(counts)} instances a bound, {sum(counts)} in all. {none}\n"


def shown(case: Case) -> str:
    """The kind, and what was chosen, to three digits."""
    chosen = ", ".join(f"{key} {short(value)}" for key, value in case["chosen"].items())
    return f"{case['kind']}: {chosen}"


def short(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def settings() -> list[tuple[str, Any, int]]:
    """A bound, an algorithm and how many functions F_S is the mean of."""
    from riskkit import SGD, Constant, InverseTime, Lookahead

    first, second = "theorem1.optimization.average", "theorem2.distance.last"
    return [
        (first, SGD(4, Constant(0.5)), 1),
        (first, SGD(2, Constant(0.5)), 2),
        (first, Lookahead(2, 2, 0.5, Constant(0.5)), 1),
        (first, Lookahead(1, 4, 0.25, Constant(0.5)), 1),
        ("shamir2013.convex.optimization.last", SGD(4, Constant(0.5)), 1),
        (second, SGD(3, InverseTime(1.0, 2.0)), 1),
        (second, SGD(3, InverseTime(1.0, 2.0)), 2),
        (second, Lookahead(2, 2, 0.5, InverseTime(1.0, 2.0)), 1),
    ]


def assisted() -> list[Case]:
    """The rows, computed: seconds each."""
    from riskkit.attack import Instance, attack, evaluate, named, worst_case
    from riskkit.attack.arms import Family, Schedule
    from riskkit.attack.assisted import Class
    from riskkit.attack.parameters import Range
    from riskkit.problems import KinkedAtoms, LinearAtoms, LinearOnBall, MeanEstimation, QuadraticAtoms

    line = LinearAtoms(((1.0,),), (1.0,), 1.0)

    def bent(c: Any) -> Any:
        """G = 1, and D = 1 from the start to the knot."""
        return KinkedAtoms(((c["pull"], 0.0, 1 - abs(c["pull"])),), (1.0,), 0.0, 0.0, 4.0, 1.0)

    bowl = QuadraticAtoms(((0.0,),), (1.0,), (1.0,), (1.0,))
    families = [
        Family("a linear loss", (), lambda c: line, 4),
        Family("a quadratic loss", (), lambda c: bowl, 4),
        Family("a kink", (Range("pull", -0.49, 0.49),), bent, 4),
    ]
    rows = []
    for name, algorithm, n in settings():
        bound = named(name)
        strongly = bound.quantity == "distance"
        functions = Class(G=1.0, lam=1.0 if strongly else 0.0)
        worst = worst_case(algorithm, n, functions, bound.quantity, bound.output)
        at = evaluate(bound, "proved", Instance(bowl if strongly else line, algorithm, 2))
        fixed = Schedule("fixed", lambda most: (), lambda problem, size, c, most, a=algorithm: a)
        found = attack(bound, form="proved", evaluations=200, families=families, schedules=[fixed], progress=False)
        shipped = MeanEstimation() if strongly else LinearOnBall(dim=4, radius=1.0)
        measured = evaluate(bound, "proved", Instance(shipped, algorithm, 100), replicates=4096)
        rows.append(
            {
                "bound": name,
                "algorithm": f"{algorithm.name}, {told(algorithm)}",
                "n": n,
                "value": at.bound,
                "class": worst / at.bound,
                "found": found.ratio,
                "shipped": measured.ratio,
                "problem": type(shipped).__name__,
            }
        )
    return rows


def told(algorithm: Any) -> str:
    (stage,) = algorithm.stages
    return f"T = {stage.T}, k = {stage.k}, alpha = {stage.alpha:g}, eta_j = {algorithm.schedule}"


def assisted_table(rows: list[Case]) -> str:
    lines = [
        ("bound", "algorithm", "functions", "bound at D = G = 1", "worst of the class", "worst instance", "measured on")
    ]
    for row in rows:
        ratios = (f"{row[key]:.3f}" for key in ("class", "found"))
        measured = f"{row['problem']} {row['shipped']:.3f}"
        lines.append((f"`{row['bound']}`", row["algorithm"], f"{row['n']}", f"{row['value']:.4f}", *ratios, measured))
    written = [f"| {' | '.join(line)} |\n" for line in lines]
    return written[0] + "|---" * len(lines[0]) + "|\n" + "".join(written[1:])


def fill(**parts: str) -> None:
    """Writes parts of the page, each between its mark and the next end."""
    text = PAGE.read_text(encoding="utf-8")
    for name, written in parts.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, new=written: m[1] + new + m[2], text, flags=re.S
        )
    PAGE.write_text(text, encoding="utf-8")


def main() -> None:
    from riskkit.cli.common import Parser

    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", nargs="*", metavar="BOUND")
    parser.add_argument("--form", choices=("published", "proved"), help="attack this form alone")
    parser.add_argument("--evaluations", type=int, default=EVALUATIONS)
    parser.add_argument("--folder", type=Path, help="keep evaluations here, and go on from them")
    arguments = parser.parse_args()
    cases = known()
    for key in sorted(set(cases) - {f"{name} {form}" for name, form in forms()}):
        del cases[key]
    for case in cases.values():
        case["ratio"] = evaluated(case).ratio
    if arguments.search is not None:
        for name, form in forms():
            asked = not arguments.search or any(name.startswith(start) for start in arguments.search)
            if asked and arguments.form in (None, form):
                searched(cases, name, form, arguments.evaluations, arguments.folder)
                saved(cases)
    saved(cases)
    cases = known()
    fill(worst=table(cases), assisted=assisted_table(assisted()))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
