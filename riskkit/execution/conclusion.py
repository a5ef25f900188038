"""Table and verdicts of an experiment, a function of its shards and of the question in run.json."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from threadpoolctl import threadpool_limits

from riskkit.algorithms import traits
from riskkit.engines.choice import Choice
from riskkit.execution.growing import doubled, enough, pilot
from riskkit.execution.tasks import Request, engines
from riskkit.execution.terminal import Terminal, verdict_text
from riskkit.experiment import study
from riskkit.experiment.plan import Cell, Plan
from riskkit.problem import Problem
from riskkit.store import provenance
from riskkit.store.atomic import move, read
from riskkit.store.shards import MissingReplicatesError, Quarantined, QuarantineWarning, Store, StoreError
from riskkit.store.table import frame
from riskkit.theory.bound import Bound, Source
from riskkit.verdicts.data import Data
from riskkit.verdicts.finding import coordinates
from riskkit.verdicts.findings import Found, find
from riskkit.verdicts.table import table

if TYPE_CHECKING:
    import pandas as pd

IN_MEMORY = 2**24
"""Bytes of measurements above which only sums of them are kept in memory, where there are so many replicates that
statistics read sums."""

Lost = Mapping[str, tuple[str, str]]
"""The runs without a result, by address: status and reason."""


def gather(request: Request, store: Store, failures: Lost) -> Data:
    """What is stored of an experiment; raises MissingReplicatesError if a run is incomplete without having failed."""
    made = request.plan()
    complete = [address for address in made.runs if address not in failures]
    read = store.lay_out if request.summed() and request.bytes() > IN_MEMORY else store.get_many
    return Data(made, read(complete, made.size.replicates), dict(failures))


class Concluded(NamedTuple):
    """What is left to tell of an experiment whose table and verdicts have been written: the verdicts for a terminal,
    the engines that ran, and lines for people."""

    text: str
    engines: list[str]
    told: list[str]


class Lacking(NamedTuple):
    """Replicates are not there, or were damaged: their shards, and the error's words."""

    damaged: list[Quarantined]
    why: str


class Growing(NamedTuple):
    """More replicates are to come before anything is concluded."""

    request: Request
    told: list[str]


class Wish(NamedTuple):
    """What is asked beyond the replicates there are: half-widths of exponents, or at most so many replicates for the
    widths that lines declare."""

    precision: float | None = None
    decide: int | None = None


def conclude_stored(
    request: Request, root: Path, failures: Lost, terminal: Terminal | None, wish: Wish
) -> Concluded | Lacking | Growing:
    """``gather`` and ``conclude``, in any process; what depends on no other experiment. ``terminal``: where verdicts
    will be told; None: nowhere."""
    store, told = Store(root), list[str]()
    more: Request | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QuarantineWarning)  # told by whoever asked
        try:
            if wish.decide is not None and not failures:
                more, told = enough(gather(pilot(request), store, failures), request, wish.decide)
            if more is not None:
                return Growing(more, told)
            data = gather(request, store, failures)
        except MissingReplicatesError as error:
            return Lacking(store.quarantined, str(error))
    if wish.precision is not None and not failures:
        more, told = doubled(data, request, wish.precision)
    if more is not None:
        return Growing(more, told)
    kept = keep_other(request, root)
    if kept is not None:
        told.append(f"{request.experiment}: the table of another question that lay there is kept in {kept}.")
    ran = sorted({measured.engine for measured in data.measured.values()})
    experiment, found = data.plan.experiment, conclude(data, store)
    text = "" if terminal is None else shown(experiment.name, experiment.question, found, terminal)
    return Concluded(text, ran, told)


def shown(name: str, question: str, found: Found, terminal: Terminal) -> str:
    """The verdicts for a terminal. They are on disk by then, so what cannot be shown is one line."""
    try:
        return verdict_text(name, question, found, terminal)
    except Exception as error:
        return f"{name}: the verdicts are stored, but cannot be shown here: {type(error).__name__}: {error}\n"


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def conclude(data: Data, store: Store) -> Found:
    """Table and verdicts of one experiment, written beside its shards.

    On one thread of the BLAS: the bits of a matrix product change with their number.
    """
    found = find(data)
    write_conclusion(data, found, frame(table(data)), store)
    experiment = data.plan.experiment
    store.write_text("README.txt", provenance.explanation(experiment.name, experiment.question))
    return found


def write_conclusion(data: Data, found: Found, rows: pd.DataFrame, store: Store) -> None:
    """The table (``rows``) and verdict.json."""
    store.write_table("table", rows)
    store.write_json("verdict.json", concluded(data, found))


def concluded(data: Data, found: Found) -> dict[str, Any]:
    """verdict.json: the question, its verdicts and the numbers beside them."""
    return {
        "experiment": data.plan.experiment.name,
        "question": data.plan.experiment.question,
        "title": data.plan.experiment.title,
        "verdicts": [finding.to_json() for finding in found.findings],
        "comparisons": [comparison.to_json() for comparison in found.comparisons],
        "uncompared": found.uncompared,
        "running": [line.to_json() for line in found.running],
        "counts": [count.to_json() for count in found.counts],
        "best": [line.to_json() for line in found.best],
        "quantiles": [one.to_json() for one in found.quantiles],
    }


def record(request: Request, folder: Path, failures: Lost) -> dict[str, Any]:
    """run.json: the full question, which run answers which cell, what failed, and every sweep that had a part in it."""
    return {
        "request": request._asdict(),
        **described(request.plan(), engines(request), failures),
        "sessions": provenance.diaries(folder),
    }


def described(made: Plan, chosen: Mapping[str, Choice], failures: Lost) -> dict[str, Any]:
    """What run.json says of a plan, whoever asked for it; ``chosen``: run -> engine."""
    experiment = made.experiment
    runs: dict[str, Any] = {}
    for cell in made.cells:
        runs.setdefault(cell.address, []).append(_place(cell))
    problems = list(dict.fromkeys(run.problem for run in made.runs.values() if run.problem is not None))
    return {
        "question": experiment.question,
        "problem": repr(problems[0]) if problems else "",
        "constants": _constants(problems[0]) if problems else {},
        "problems": {repr(problem): _constants(problem) for problem in problems},
        "step": ", ".join(dict.fromkeys(traits.schedule(cell.algorithm) for cell in made.cells)),
        "algorithms": list(experiment.algorithms),
        "controls": list(experiment.controls),
        "methods": list(dict.fromkeys(repr(run.algorithm) for run in made.runs.values())),
        "engines": [
            {"problem": problem, **choice._asdict()}
            for problem, choice in sorted({(repr(made.runs[run].problem), choice) for run, choice in chosen.items()})
        ],
        "replicates": made.size.replicates,
        "seed": str(experiment.seed),
        "bounds": {bound.name: _stated(bound) for bound in experiment.bounds},
        "sources": {source.key: {"text": source.text, "bibtex": source.bibtex} for source in _sources(experiment)},
        "runs": runs,
        "failures": {run: {"status": status, "reason": reason} for run, (status, reason) in failures.items()},
        "versions": provenance.versions(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _place(cell: Cell) -> dict[str, Any]:
    place = {name: value if value == value else None for name, value in coordinates(cell).items()}
    return {"algorithm": cell.name, **place, "gradients": cell.gradients, "checkpoint": cell.rounds}


EARLIER = ("table.parquet", "table.csv", "verdict.json", "run.json")


def keep_other(request: Request, folder: Path) -> Path | None:
    """Moves the table and verdicts of another question to ``earlier/<number>`` and says where; None if there are none.

    Another question has another size, problem, seed or type of numbers, more replicates, or a cell that this one has
    not. What was asked before with fewer replicates or cells has only grown. Raises StoreError.
    """
    try:
        stored = json.loads(read(folder / "run.json"))
        asked = stored["request"]
        known = {json.dumps(cell, sort_keys=True) for cells in stored["runs"].values() for cell in cells}
        before = [asked.get(name) for name in ("size", "problem", "seed", "dtype")]
        replicates = int(stored["replicates"])
    except (OSError, KeyError, TypeError, ValueError, AttributeError):
        return None  # nothing that could be read is there
    made = request.plan()
    own = {json.dumps(_place(cell), sort_keys=True) for cell in made.cells}
    same = before == [request.size, request.problem, request.seed, request.dtype]
    if same and known <= own and replicates <= made.size.replicates:
        return None
    number = 1
    while (kept := folder / "earlier" / str(number)).exists():
        number += 1
    for name in EARLIER:
        if (folder / name).exists():
            move(folder / name, kept / name)
    return kept


def _stated(bound: Bound) -> dict[str, Any]:
    """What tables and captions say of a bound."""
    return {
        "title": bound.title,
        "quantity": bound.quantity,
        "output": bound.output,
        "statement": bound.statement,
        "claim": bound.claim_statement,
        "published": getattr(bound, "published_statement", ""),
        "forms": list(bound.forms),
        "source": bound.source.key,
        "place": bound.source.place,
    }


def _sources(experiment: Any) -> list[Source]:
    """Where the bounds and counts of an experiment stand, each once."""
    counts = [count for reading in experiment.readings for count in getattr(reading, "counts", ())]
    return list({stated.source.key: stated.source for stated in (*experiment.bounds, *counts)}.values())


def _constants(problem: Problem) -> dict[str, Any]:
    """Regime, dimension, radius and constants; "inf" where there is no finite one (JSON has no infinity)."""
    numbers = dataclasses.asdict(problem.constants)
    plain = {name: value if math.isfinite(value) else "inf" for name, value in numbers.items()}
    return {"regime": str(problem.regime), "dim": problem.dim, "radius": problem.radius, **plain}


def reopen(folder: Path) -> tuple[Request, Lost]:
    """The question that a results folder answers, and what of it had failed; raises StoreError."""
    path = folder / "run.json"
    try:
        stored = json.loads(read(path))
        asked = dict(stored["request"])
        if "size" not in asked:
            raise StoreError(f"{folder} was answered in Python, by no study; run that program again.")
        asked["axes"] = tuple((name, tuple(values)) for name, values in asked["axes"])
        asked["study"] = str(study.folder())
        failures = {run: (about["status"], about["reason"]) for run, about in stored["failures"].items()}
        return Request(**asked), failures
    except FileNotFoundError:
        raise StoreError(
            f"{folder} holds no run.json; expected the folder of a finished sweep, such as results/EXPERIMENT."
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{path} must hold a question of riskkit's; it is damaged; sweep again.") from error


def settle(request: Request, store: Store, failures: Lost) -> tuple[Data, Lost]:
    """``gather`` that takes what is not there as failed, for the reason on record if there is one."""
    complete: Lost = {}
    while True:
        try:
            return gather(request, store, complete), complete
        except MissingReplicatesError as error:
            unknown = ("failed", "not computed: replicates are missing from the store; run the same sweep again")
            complete = {**complete, **{run: failures.get(run, unknown) for run in error.missing}}
