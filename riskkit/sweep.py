"""``python -m riskkit.sweep``: runs experiments, confronts them with their bounds, prints verdicts, draws figures.

Exit status: 0 the questions were answered, whatever the answers; 1 some cells failed to run; 2 bad input.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from riskkit import study

if TYPE_CHECKING:
    from riskkit.execute import Request
    from riskkit.store import Store


class Parser(argparse.ArgumentParser):
    """argparse with one line instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


class BadInputError(Exception):
    """One line: what was expected, what came, what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        if arguments.list:
            return _list()
        return _sweep(arguments)
    except (BadInputError, study.StudyError, ValueError) as error:
        print(f"riskkit.sweep: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("riskkit.sweep: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130


def _parser() -> Parser:
    parser = Parser(prog="riskkit.sweep", description="Run experiments and confront them with the theorems' bounds.")
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="every experiment that starts with NAME")
    parser.add_argument("--list", action="store_true", help="names and questions, then stop")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one block of replicates and short runs: seconds")
    size.add_argument("--paper", action="store_true", help="paper size: minutes to hours")
    parser.add_argument("--dry-run", action="store_true", help="count cells, runs and bytes, then stop")
    parser.add_argument("--problem", metavar="NAME", help="replace the problem, e.g. LogisticRidge")
    for axis, text in (("n", "sample sizes"), ("T", "outer rounds"), ("k", "inner steps"), ("alpha", "outer steps")):
        parser.add_argument(f"--{axis}", nargs="*", type=float, metavar=axis.upper(), help=f"replace the axis: {text}")
    parser.add_argument("--replicates", type=float, metavar="R", help="datasets and index streams for each cell")
    parser.add_argument(
        "--precision",
        type=float,
        metavar="H",
        help="double the replicates until every fitted exponent's 95%% interval is at most +-H wide",
    )
    parser.add_argument("--seed", type=int, help="a whole number in [0, 2^64)")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="results folder (default: results)")
    return parser


def _list() -> int:
    for name, question in study.questions().items():
        print(f"{name:24} {question}")
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise BadInputError(f"--jobs must be at least 1; got {arguments.jobs}.")
    if arguments.precision is not None and not 0 < arguments.precision < math.inf:
        raise BadInputError(f"--precision must be a finite number > 0; got {arguments.precision:g}.")
    chosen = study.select(arguments.experiments)
    # Only now: the numerical libraries take a second to load.
    from riskkit.compare import conclude
    from riskkit.confront import refusal
    from riskkit.execute import Failure, Request, execute, tasks
    from riskkit.store import Store, StoreError

    started = time.monotonic()
    _check_device(arguments.device)
    home = study.folder()
    axes = tuple(
        (name, tuple(getattr(arguments, name)))
        for name in ("n", "T", "k", "alpha")
        if getattr(arguments, name) is not None
    )
    requests = []
    for name in chosen:
        experiment = study.experiment(name)
        if experiment.laptop is None and not arguments.paper and not arguments.experiments:
            continue  # too slow for the default sweep
        requests.append(
            Request(
                study=str(home),
                experiment=name,
                size="paper" if arguments.paper else "quick" if arguments.quick else "laptop",
                problem=arguments.problem,
                axes=axes,
                replicates=None if arguments.replicates is None else _whole("--replicates", arguments.replicates),
                seed=arguments.seed,
                device=arguments.device,
            )
        )
    refused = [reason for request in requests if (reason := refusal(request.plan())) is not None]
    if requests and len(refused) == len(requests):
        raise BadInputError(refused[0])

    if arguments.dry_run:
        return _dry_run(requests, arguments.precision)
    try:
        stores = {request.experiment: Store(arguments.out / request.experiment) for request in requests}
        for store in stores.values():
            store.prepare()
            _verify(store)
        blocks = 0
        failures: list[Failure] = []
        jobs = 1 if arguments.device.startswith("cuda") else arguments.jobs
        growing = requests
        while growing:
            work = [
                (task, stores[request.experiment])
                for request in growing
                for task in tasks(request, stores[request.experiment].have())
            ]
            work.sort(key=lambda pair: -pair[0].gradients)
            failures = execute(work, jobs)
            blocks += len(work)
            growing = []
            if arguments.precision is not None and not failures:
                for i, request in enumerate(requests):
                    if (grown := _grown(request, stores[request.experiment], arguments.precision)) is not None:
                        requests[i] = grown
                        growing.append(grown)
        outcomes = [conclude(request, stores[request.experiment], failures) for request in requests]
    except StoreError as error:
        raise BadInputError(str(error)) from error
    for outcome in outcomes:
        outcome.print()
    _draw(arguments.out, [request.experiment for request in requests])
    _tabulate(arguments.out, [request.experiment for request in requests])
    print(f"{blocks} blocks computed; {time.monotonic() - started:.0f} s in all; results in {arguments.out}/.")
    for failure in failures:
        print(f"failed: {failure.task.request.experiment}, n = {failure.task.n}: {failure.reason}", file=sys.stderr)
    return 1 if failures else 0


MOST_REPLICATES = 2**17
"""Precision on demand goes no further."""


def _grown(request: Request, store: Store, precision: float) -> Request | None:
    """The request with twice the replicates if some exponent is not known to +-precision yet. The width alone decides,
    never what a verdict would say; the replicates there are stay the first ones."""
    from riskkit.compare import gather
    from riskkit.confront import half_width

    width, replicates = half_width(gather(request, store)), request.plan().size.replicates
    if not width > precision:
        return None
    if 2 * replicates > MOST_REPLICATES:
        print(
            f"{request.experiment}: +-{width:.2g} after {replicates} replicates; at most {MOST_REPLICATES} are made.",
            file=sys.stderr,
        )
        return None
    print(f"{request.experiment}: +-{width:.2g} after {replicates} replicates; doubling them.", file=sys.stderr)
    return request._replace(replicates=2 * replicates)


def _verify(store: Store) -> None:
    """Reads every shard before planning, so that a damaged one is computed again in this very sweep."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said below, in one line each
        for bad in store.verify():
            kept = "" if bad.kept is None else f", kept as {bad.kept}"
            print(
                f"riskkit.sweep: shard {bad.name} is damaged ({bad.reason}){kept}; computing it again.", file=sys.stderr
            )


def _whole(flag: str, value: float) -> int:
    if not (math.isfinite(value) and value == math.floor(value) and value >= 1):
        raise BadInputError(f"{flag} must be a whole number >= 1; got {value:g}.")
    return int(value)


def _check_device(device: str) -> None:
    import torch

    if device == "cpu":
        return
    kind, _, number = device.partition(":")
    if kind != "cuda" or (number and not number.isdigit()):
        raise BadInputError(f"--device must be cpu, cuda or cuda:N; got {device!r}.")
    if not torch.cuda.is_available():
        raise BadInputError(
            f"--device {device} needs a CUDA device and a CUDA build of torch; none is here. Use --device cpu."
        )
    if number and int(number) >= torch.cuda.device_count():
        raise BadInputError(f"--device {device}: there are {torch.cuda.device_count()} CUDA devices, counted from 0.")


def _dry_run(requests: Sequence[Request], precision: float | None) -> int:
    from riskkit.algorithm import OUTPUTS
    from riskkit.execute import tasks
    from riskkit.measure import QUANTITIES

    for request in requests:
        about = ""
        if precision is not None:
            predicted, because = _predicted(request, precision)
            request = request._replace(replicates=predicted)
            about = f" (for +-{precision:g}, {because})"
        made = request.plan()
        checkpoints = sum(len(run.rounds) for run in made.runs.values())
        size = 8 * made.size.replicates * checkpoints * len(OUTPUTS) * len(QUANTITIES)
        gradients = made.size.replicates * sum(run.algorithm.steps for run in made.runs.values())
        print(
            f"{request.experiment}: {len(made.cells)} cells, {len(made.runs)} runs, {made.size.replicates} "
            f"replicates{about}, {len(tasks(request, {}))} blocks, {gradients:.2g} gradients, {size / 2**20:.1f} MiB "
            "before compression"
        )
    return 0


SPREAD = 0.5
"""Squared coefficient of variation of an error, of an optimiser near its noise floor in a few dimensions: what a
prediction assumes before anything has been measured."""


def _predicted(request: Request, precision: float) -> tuple[int, str]:
    """The replicates that ``--precision`` would end with, by the planning formula and the rule of doubling."""
    import numpy as np

    from riskkit.rates import replicates_needed

    made = request.plan()
    lines = [
        np.array([getattr(point, sweep.axis) for point in line], dtype=float)
        for sweep in made.size.sweeps
        for line in sweep.lines()
        if sweep.axis != "alpha" and len(line) >= 4
    ]
    look = made.size.replicates
    needed = max((replicates_needed(precision, x, SPREAD) for x in lines), default=look)
    while look < needed and 2 * look <= MOST_REPLICATES:
        look *= 2
    return look, f"assuming errors with cv^2 = {SPREAD:g}"


def _draw(out: Path, names: Sequence[str]) -> None:
    from riskkit.figures import draw

    for path in draw(out, names):
        if path.suffix == ".pdf":
            print(f"figure {path}")


def _tabulate(out: Path, names: Sequence[str]) -> None:
    from riskkit.tables import write

    folders = dict.fromkeys(path.parent for path in write(out, names))
    for folder in folders:
        print(f"tables {folder}/")


if __name__ == "__main__":
    sys.exit(main())
