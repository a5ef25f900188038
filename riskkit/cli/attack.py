"""``riskkit attack theorem1.optimization.average``: the worst case of a bound, found by a search.

Tries laws on few examples, spectra, starts, k, alpha, T, n and step sizes within the bound's hypotheses, and takes
expectations exactly where it can. Writes FOLDER/BOUND FORM: the answer as JSON, the worst instance as a program, a map
of measured / bound, and the evaluations, with which the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from riskkit.cli.common import ANSWERED, BadInputError, Parser, a_path, reading, writing
from riskkit.execution.telling import printable
from riskkit.experiment import study

EVALUATIONS, SECONDS, TIGHT = 3000, 110.0, 1.5
"""As ``attack`` has them, without loading what searches."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "bound", nargs="?", metavar="BOUND", help="such as theorem1.optimization.average, or my.module:BOUND"
    )
    parser.add_argument("--list", action="store_true", help="names of bounds, their forms with constants, then stop")
    parser.add_argument("--form", choices=("published", "proved"), help="default: as printed where the bound is")
    parser.add_argument(
        "--evaluations", type=int, default=EVALUATIONS, metavar="N", help=f"instances tried (default: {EVALUATIONS})"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="S", help=f"stop after S seconds (default: {SECONDS:g})"
    )
    parser.add_argument(
        "--tight", type=float, default=TIGHT, metavar="X", help=f"TIGHT: within this factor (default: {TIGHT:g})"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the search (default: 0)")
    parser.add_argument(
        "--simulate", action="store_true", help="simulate instances whose expectations are not known exactly"
    )
    parser.add_argument("--without", metavar="HYPOTHESIS", help="drop a hypothesis, to see whether it is needed")
    parser.add_argument("--out", type=a_path, default=Path("attacks"), metavar="FOLDER", help="default: attacks")


def run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        return _list()
    if arguments.bound is None:
        raise BadInputError("expected a BOUND, such as theorem1.optimization.average; --list lists them.")
    from riskkit.attack.attacking import attack
    from riskkit.attack.catalogue import form_of, named
    from riskkit.attack.evaluation import AttackError
    from riskkit.attack.landscape import landscape, page
    from riskkit.store.atomic import StoreError, write_json, write_text

    if arguments.seed < 0:
        raise BadInputError(f"--seed must be a whole number >= 0; got {arguments.seed}.")
    with reading(AttackError):
        study.enter()
        if not {"", str(Path.cwd())} & set(sys.path):
            sys.path.append(str(Path.cwd()))  # a console script has its own folder there instead
        bound = named(arguments.bound)
        form = form_of(bound, arguments.form)
        without = "" if arguments.without is None else f" without {arguments.without}"
        folder = arguments.out / f"{bound.name} {form}{without}".replace(" ", "_").replace(",", "")
        with writing(folder, StoreError):
            answer = attack(
                bound,
                form=form,
                evaluations=arguments.evaluations,
                seconds=arguments.seconds,
                tight=arguments.tight,
                seed=arguments.seed,
                simulate=arguments.simulate,
                without=arguments.without,
                file=folder / "evaluations.jsonl",
                label=arguments.bound,
            )
    print(answer.sentence)
    with writing(folder, StoreError):
        write_json(folder / "answer.json", answer.record())
        if answer.code:
            write_text(folder / "instance.py", answer.code)
            print(f"\n{answer.code}")
        if not answer.interrupted and (found := landscape(answer)) is not None:
            page(answer, found).save(folder, "landscape")
    print(printable(f"Answer, program, map and evaluations: {folder}"))
    if answer.interrupted:
        raise KeyboardInterrupt(f"the best so far is in {folder}; the same command goes on")
    return ANSWERED


def _list() -> int:
    from riskkit.attack.catalogue import bounds

    forms = {name: ", ".join(form for form in bound.forms if form != "claim") for name, bound in bounds().items()}
    width = max(map(len, forms))
    for name, said in forms.items():
        if said:
            print(f"{name:{width}}  {said}")
    return ANSWERED
