"""``riskkit sweep``: runs experiments, compares them with their bounds, draws figures, prints the answers.

Exit status 0: the questions were answered, whatever the answers. 1: some cells failed to run, or the sweep had to stop
(a full disk, workers that are gone, ``--fail-fast``). Whatever it is, what is finished is on disk, and the same command
goes on from there.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import re
import shlex
import shutil
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import (
    ANSWERED,
    BAD_INPUT,
    STOPPED,
    BadInputError,
    Parser,
    StoppedError,
    a_path,
    add_names,
    one_line,
    reading,
    writing,
)
from riskkit.execution.loading import loading
from riskkit.execution.telling import printable, tell
from riskkit.experiment import study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from riskkit.cli.standing import Answered
    from riskkit.execution.executors import Workers
    from riskkit.execution.scheduling import Failure
    from riskkit.execution.tasks import Request
    from riskkit.store.shards import Store

MOST_JOBS = 1024
MOST_DECIDING = 2**17
"""Replicates that ``--decide`` may be given at most."""
AXES = ("n", "T", "k", "alpha")
"""Those that a flag replaces."""


def add_arguments(parser: Parser) -> None:
    add_names(parser)
    parser.add_argument("--list", action="store_true", help="names and questions, then stop")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one block of replicates and short runs: seconds")
    size.add_argument("--paper", action="store_true", help="paper size: minutes to hours")
    parser.add_argument("--verbose", action="store_true", help="print every verdict, and the files that were written")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="count cells, runs and bytes, predict the time and what can be decided, stop",
    )
    parser.add_argument("--fresh", action="store_true", help="start over: earlier results move to OUT/aside")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first task that fails three times")
    parser.add_argument("--problem", metavar="NAME", help="replace the problem, e.g. LogisticRidge")
    for axis, text in (
        ("n", "sample sizes"),
        ("T", "numbers of outer rounds"),
        ("k", "numbers of inner steps"),
        ("alpha", "outer step sizes"),
    ):
        parser.add_argument(
            f"--{axis}", nargs="*", type=float, metavar=axis.upper(), help=f"{text} (replaces the default grid)"
        )
    parser.add_argument(
        "--replicates", type=float, metavar="R", help="independent data sets and index sequences for each setting"
    )
    parser.add_argument(
        "--precision",
        type=float,
        metavar="H",
        help="double the replicates until the 95%% CI of every exponent has half-width at most H",
    )
    parser.add_argument(
        "--decide",
        type=float,
        metavar="R",
        help="add, at most up to R, the replicates that every line's declared width takes: computed from the variances "
        "of the first quarter, before any verdict",
    )
    parser.add_argument("--seed", type=_seed, help="a whole number in [0, 2^64), also as 1e3")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    parser.add_argument(
        "--engine",
        default="auto",
        help="auto (default): exact moments where they are known, else the fastest engine that supports the problem; "
        "moments (on squared losses given each sample, slowly and without index noise); reference; fused",
    )
    parser.add_argument(
        "--jobs", type=int, help="processes, or threads for one experiment that is compiled (default: one a core)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="run on a Dask cluster: tcp://host:8786")
    parser.add_argument(
        "--out",
        type=a_path,
        help="results folder (default: results, and a folder in it for another size, problem or seed: results/quick)",
    )


def run(arguments: argparse.Namespace) -> int:
    arguments.out = arguments.out or _place(arguments)
    resume = shlex.join(["python", "-m", "riskkit.sweep", *(word for word in arguments.words if word != "--fresh")])
    try:
        return _list() if arguments.list else _sweep(arguments)
    except StoppedError as error:
        raise StoppedError(f"{error} To go on: {resume}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is finished is kept. To go on: {resume}") from None


def _place(arguments: argparse.Namespace) -> Path:
    """Where results lie unless it is said: those of another size, problem or seed do not replace the usual ones."""
    parts = [name for name in ("quick", "paper") if getattr(arguments, name)]
    parts += [arguments.problem] if arguments.problem else []
    parts += [] if arguments.seed is None else [f"seed-{arguments.seed}"]
    return Path("results", "-".join(parts)) if parts else Path("results")


def _list() -> int:
    with reading():
        asked, broken = study.questions()
    for name, question in asked.items():
        print(f"{name:24} {question}")
    for name, why in broken.items():
        tell(f"riskkit sweep: experiments/{name}.py cannot be listed: {why}")
    return BAD_INPUT if broken else ANSWERED


def _sweep(arguments: argparse.Namespace) -> int:
    _check_flags(arguments)
    with reading():
        chosen = study.select(arguments.experiments)
        from riskkit.cli import standing

        before = standing.answered(arguments, chosen)
    left = [name for name in chosen if name not in before.standing and name not in before.beyond]
    if not left and before.standing:
        return _told_again(arguments, before)
    from riskkit.execution.executors import Seats, WorkersError, beside, nearby, serve

    # One experiment is planned, judged and, where its engine is compiled, computed here.
    served = (
        _jobs(arguments) > 1
        and not arguments.dry_run
        and serve([_asked(arguments, name) for name in left] if len(left) > 1 else [], compute=len(left) > 1)
    )
    # Only now: the numerical libraries take a second to load.
    with loading():
        from riskkit.execution.conclusion import Wish
        from riskkit.execution.loop import Follow, answer
        from riskkit.execution.scheduling import FailFastError
        from riskkit.execution.tasks import engines
        from riskkit.execution.terminal import Terminal
        from riskkit.experiment.vetting import vet
        from riskkit.store.provenance import circumstances
        from riskkit.store.shards import StoreError
        from riskkit.verdicts.bounds import refusal

    started = time.monotonic()
    _check_device(arguments.device)
    with reading(ValueError):
        requests = _requests(arguments, left)
        for request in requests:
            _check_accepts(request.experiment, [axis for axis, _ in request.axes])
            _check_size(request, arguments.out)
            engines(request)
            vet(request.plan())
        refused = [reason for request in requests if (reason := refusal(request.plan())) is not None]
    if requests and len(refused) == len(requests):
        raise BadInputError(refused[0])
    _check_compilers(requests)
    _check_drawing()
    if arguments.dry_run:
        return _dry_run(requests, arguments)

    from riskkit.report import presenting

    workers = _workers(arguments, requests)
    jobs = _jobs(arguments)
    judges = nearby(workers, jobs, len(requests) > 1)
    drawers = beside(workers, jobs) if served and not isinstance(judges.executor, Seats) else judges
    # One experiment's figures are dealt out once it is judged.
    show = functools.partial(presenting.present_one, arguments.out) if drawers is judges else None
    about = {
        **circumstances(["python", "-m", "riskkit.sweep", *arguments.words], study.folder()),
        "device": arguments.device,
        "workers": workers.name,
    }
    asked = [request.experiment for request in requests]
    names = sorted([*asked, *before.standing])

    def stored(name: str, whole: bool) -> None:
        with writing(arguments.out, StoreError):
            standing.note(arguments, [name] if whole else [], [])

    try:
        stores = _stores(arguments, requests)
        found = answer(
            requests,
            stores,
            workers,
            judges,
            about,
            Follow(stored, show),
            wish=Wish(arguments.precision, None if arguments.decide is None else int(arguments.decide)),
            allowed=0 if arguments.fail_fast else math.inf,
            jobs=jobs,
            terminal=Terminal.here() if arguments.verbose else None,
        )
        with writing(arguments.out, StoreError):
            standing.note(arguments, [], [name for name in left if name not in asked])
        # Everything that was asked for is written before a word is printed: what becomes of standard output costs
        # nothing.
        seats = drawers.executor if isinstance(drawers.executor, Seats) else None
        made, missing = presenting.present_all(arguments.out, names, found.shown, jobs, seats)
    except (StoreError, WorkersError) as error:
        raise StoppedError(str(error)) from error
    except FailFastError as error:
        raise StoppedError(f"--fail-fast: {_told(error.failure)}") from error
    finally:
        for them in (workers, judges, drawers):
            them.stop()
    seconds = time.monotonic() - started
    for line, count in Counter(map(_told, found.failures)).items():
        tell(f"failed: {line}{f' ({count} blocks)' if count > 1 else ''}")
    for line in missing:
        tell(f"riskkit sweep: {line}.")
    if arguments.verbose:
        for text in found.texts:
            print(text, end="")
        for line in made:
            print(printable(line))
    print(_screen(arguments.out, names), end="")
    _count(
        found.computed, found.taken + len(before.shards), _moments(before.shards) or found.measured, seconds, arguments
    )
    return STOPPED if found.failures or missing else ANSWERED


def _told_again(arguments: argparse.Namespace, before: Answered) -> int:
    """The same question of the same code, answered before: only what is told of the answers may be missing."""
    from riskkit.report import presenting

    started = time.monotonic()
    _, missing = presenting.present_all(arguments.out, before.standing, {}, _jobs(arguments))
    for line in missing:
        tell(f"riskkit sweep: {line}.")
    print(_screen(arguments.out, before.standing), end="")
    _count(0, len(before.shards), _moments(before.shards), time.monotonic() - started, arguments)
    return STOPPED if missing else ANSWERED


def _moments(shards: Sequence[Path]) -> str:
    from riskkit.store.provenance import span

    return span([path.stat().st_mtime for path in shards])


def _count(computed: int, taken: int, measured: str, seconds: float, arguments: argparse.Namespace) -> None:
    """The last line."""
    blocks = f"{computed} {'block' if computed == 1 else 'blocks'} computed"
    if taken:
        blocks += f", {taken} taken from the store (measured {measured})"
    print(
        f"{blocks}; {seconds:.0f} s in all; --verbose prints every verdict; figures and tables lie in "
        f"{printable(arguments.out)}/."
    )


def _check_flags(arguments: argparse.Namespace) -> None:
    """What is wrong whatever the experiments are."""
    from riskkit.execution.executors import WorkersError, check_address
    from riskkit.identity import label

    if arguments.jobs is not None and not 1 <= arguments.jobs <= MOST_JOBS:
        raise BadInputError(f"--jobs must lie between 1 and {MOST_JOBS}; got {arguments.jobs}.")
    if arguments.precision is not None and not 0 < arguments.precision < math.inf:
        raise BadInputError(f"--precision must be a finite number > 0; got {arguments.precision:g}.")
    kind, _, number = arguments.device.partition(":")
    if arguments.device != "cpu" and (kind != "cuda" or (":" in arguments.device and not number.isdecimal())):
        raise BadInputError(f"--device must be cpu, cuda or cuda:N; got {arguments.device!r}.")
    if arguments.seed is not None and not 0 <= arguments.seed < 2**64:
        raise BadInputError(f"--seed must be a whole number in [0, 2^64); got {arguments.seed}.")
    if arguments.decide is not None:
        _whole("--decide", arguments.decide)
        if arguments.decide > MOST_DECIDING:
            raise BadInputError(f"--decide makes at most {MOST_DECIDING} replicates; got {label(arguments.decide)}.")
        if arguments.precision is not None:
            raise BadInputError("--decide and --precision are two rules for one number of replicates; drop one.")
    if arguments.scheduler is not None and (arguments.jobs is not None or arguments.device != "cpu"):
        raise BadInputError("--scheduler leaves it to the cluster where tasks run; drop --jobs and --device.")
    for name in AXES:
        if getattr(arguments, name) == []:
            raise BadInputError(f"--{name} needs at least one value; got none.")
    if arguments.scheduler is not None:
        with reading(WorkersError):
            check_address(arguments.scheduler)
    if arguments.replicates is not None:
        _whole("--replicates", arguments.replicates)
    with reading(ValueError):
        _check_axes(dict(_axes(arguments)))
        if arguments.problem is not None:
            study.check_problem(arguments.problem)


def _axes(arguments: argparse.Namespace) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return tuple((name, tuple(values)) for name in AXES if (values := getattr(arguments, name)) is not None)


def _told(failure: Failure) -> str:
    return f"{failure.task.request.experiment}, n = {failure.task.n}: {one_line(failure.reason).rstrip('.')}."


def _requests(arguments: argparse.Namespace, chosen: Sequence[str]) -> list[Request]:
    from riskkit.execution.tasks import Request

    requests = []
    for name in chosen:
        if "laptop" not in study.experiment(name).sizes and not arguments.paper and not arguments.experiments:
            continue  # too slow for the default sweep
        requests.append(Request(**_asked(arguments, name)))
    return requests


def _asked(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """The fields of a Request."""
    return {
        "study": str(study.folder()),
        "experiment": name,
        "size": "paper" if arguments.paper else "quick" if arguments.quick else "laptop",
        "problem": arguments.problem,
        "axes": _axes(arguments),
        "replicates": None if arguments.replicates is None else _whole("--replicates", arguments.replicates),
        "seed": arguments.seed,
        "device": arguments.device,
        "engine": arguments.engine,
    }


def _check_axes(axes: Mapping[str, Sequence[float]]) -> None:
    """What is wrong with a value, before an experiment is asked whether it has the axis."""
    if not axes:
        return
    from riskkit.experiment.point import Grid
    from riskkit.identity import label

    for name, values in axes.items():
        for value in values:
            if name == "alpha" and not 0 < value <= 2:
                raise BadInputError(f"--alpha must lie in (0, 2]; got {label(value)}.")
            least = {"n": 2, "T": 1, "k": 1}.get(name)
            if least is not None and not (math.isfinite(value) and value == math.floor(value) and value >= least):
                raise BadInputError(f"--{name} must be a whole number >= {least}; got {label(value)}.")
    Grid("n", **{"n": (2,), "T": (1,), "k": (1,), "alpha": (1.0,), **axes})


def _check_accepts(name: str, axes: Sequence[str]) -> None:
    """Whether the experiment has the axes that are replaced."""
    grids = next(iter(study.experiment(name).sizes.values())).grids
    own = {axis for grid in grids for axis in grid.coordinates}
    flags = [f"--{axis}" for axis in AXES if axis in own]
    for axis in axes:
        if axis not in own:
            raise BadInputError(f"{name} does not accept --{axis}; it accepts {', '.join(flags) or 'none of them'}.")


def _jobs(arguments: argparse.Namespace) -> int:
    jobs: int | None = arguments.jobs
    return (os.cpu_count() or 1) if jobs is None else jobs


def _workers(arguments: argparse.Namespace, requests: Sequence[Request]) -> Workers:
    from riskkit.execution.executors import WorkersError, cluster, in_process, processes
    from riskkit.execution.tasks import engines

    if arguments.scheduler is not None:
        with reading(WorkersError):
            return cluster(arguments.scheduler)
    jobs = _jobs(arguments)
    if jobs == 1 or arguments.device != "cpu":
        return in_process()
    # The reference engine and stacks of networks hold Python's lock, as verdicts and figures do; the fused ones do not.
    used = {choice.engine for request in requests for choice in engines(request).values()}
    return processes(jobs) if len(requests) > 1 or used & {"reference", "stacked"} else in_process(jobs)


def _stores(arguments: argparse.Namespace, requests: Sequence[Request]) -> dict[str, Store]:
    """One store an experiment, proved to be writable and of a schema that can be read."""
    from riskkit.store.shards import Store, StoreError

    with reading(StoreError, ValueError):
        stores = {request.experiment: Store(arguments.out / request.experiment) for request in requests}
        for store in stores.values():
            if arguments.fresh and (kept := store.set_aside()) is not None:
                tell(f"riskkit sweep: the earlier results are kept as {kept}.")
            store.prepare()
            _check_places(arguments.out, store.root)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # damaged shards are told of when they are computed again
                store.have()
    return stores


def _check_places(out: Path, folder: Path) -> None:
    """What is written last has its place too."""
    from riskkit.store.atomic import prepare_folder

    for place in (out / "figures", out / "tables", folder / "figures", folder / "tables"):
        if place.exists():
            prepare_folder(place)
    for place in (out / "report.html", folder / "verdict.json", folder / "run.json", folder / "table.parquet"):
        if place.is_dir():
            raise BadInputError(f"{place} is a folder, and a file is to be written there; use --out elsewhere.")


def _whole(flag: str, value: float) -> int:
    from riskkit.identity import label

    if not (math.isfinite(value) and value == math.floor(value) and value >= 1):
        raise BadInputError(f"{flag} must be a whole number >= 1; got {label(value)}.")
    return int(value)


def _seed(typed: str) -> int:
    """A whole number, also as 1e3 where that is exact."""
    try:
        return int(typed)
    except ValueError:
        value = float(typed) if re.fullmatch(r"[\d.]+[eE]\+?\d+", typed) else math.nan
        if not (value.is_integer() and value <= 2**53):
            raise argparse.ArgumentTypeError(f"must be a whole number in [0, 2^64); got {typed!r}") from None
        return int(value)


def _check_compilers(requests: Sequence[Request]) -> None:
    """The fused engine is compiled; interpreted, it would not run at all."""
    from numba import config

    from riskkit.execution.tasks import engines

    if getattr(config, "DISABLE_JIT", 0) and any(
        choice.engine.startswith("fused") for request in requests for choice in engines(request).values()
    ):
        raise BadInputError(
            "NUMBA_DISABLE_JIT is set, and the fused engine needs its compiler; unset it, or use --engine reference."
        )


def _check_drawing() -> None:
    """matplotlib reads the user's configuration as it is loaded, and what it cannot read would cost every figure."""
    try:
        import matplotlib as mpl  # noqa: F401
    except Exception as error:
        raise BadInputError(
            f"matplotlib cannot be loaded, and no figure could be drawn: {type(error).__name__}: {error}; look at "
            "matplotlibrc, in this folder or where MATPLOTLIBRC says."
        ) from error


def _check_device(device: str) -> None:
    import torch

    if device == "cpu":
        return
    number = device.partition(":")[2]
    if not torch.cuda.is_available():
        raise BadInputError(
            f"--device {device} needs a CUDA device and a CUDA build of torch; none is here. Use --device cpu."
        )
    if number and int(number) >= torch.cuda.device_count():
        raise BadInputError(f"--device {device}: there are {torch.cuda.device_count()} CUDA devices, counted from 0.")


def _check_size(request: Request, out: Path) -> None:
    """Refuses what this machine cannot hold, in memory or beside ``out``, before it has tried."""
    from riskkit.execution.tasks import RUNS_A_BATCH, physical_memory

    made, memory = request.plan(), physical_memory()
    runs = list(made.runs.values())
    wants = {
        "its measurements": (request.concluding(), "fewer --replicates or a smaller grid"),
        "one block of datasets": (
            max(8 * run.block * run.n * run.dim for run in runs),
            "a smaller --n",
        ),
        "the step sizes of one batch": (
            16 * max(run.algorithm.steps for run in runs) * min(len(runs), RUNS_A_BATCH),
            "fewer steps (--T, --k)",
        ),
    }
    for what, (size, instead) in wants.items():
        if size > memory:
            raise BadInputError(
                f"{request.experiment}: {what} would take {size / 2**30:,.0f} GiB, and this machine has "
                f"{memory / 2**30:,.0f}; ask for {instead}."
            )
    if request.summed():
        _check_disk(request, out)


def _check_disk(request: Request, out: Path) -> None:
    """Refuses what is laid out in a file to be judged (``riskkit.store.scratch``) and finds no room beside ``out``.

    Shards are compressed, nobody knows how far: a disk that they fill stops the sweep, which keeps what is finished.
    """
    try:
        place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
        size, free = request.bytes(), shutil.disk_usage(place).free
    except OSError:
        return  # what is wrong with the folder is told where it is made
    if size > free:
        raise BadInputError(
            f"{request.experiment}: to be judged, its measurements would take {size / 2**30:,.1f} GiB of disk, and "
            f"{place} has {free / 2**30:,.1f} free; ask for fewer --replicates or a smaller grid, or use --out "
            "elsewhere."
        )


def _dry_run(requests: Sequence[Request], arguments: argparse.Namespace) -> int:
    from riskkit.cli.foreseen import told
    from riskkit.execution.progress import spoken
    from riskkit.execution.tasks import missing_tasks, probe
    from riskkit.experiment.expected import Expected
    from riskkit.store.shards import Store, StoreError

    began, total = time.monotonic(), 0.0
    for request in requests:
        about = ""
        if arguments.precision is not None:
            predicted, because = _predicted(request, arguments.precision)
            request = request._replace(replicates=predicted)
            about = f" (for +-{arguments.precision:g}, {because})"
        made = request.plan()
        gradients = made.size.replicates * sum(run.algorithm.steps for run in made.runs.values())
        with reading(StoreError, ValueError):
            store = Store(arguments.out / request.experiment)
            have = {} if arguments.fresh else store.have()
            missing = missing_tasks(request, have)
        cost = probe(request)
        seconds = sum(cost.of(task) for task in missing)
        exact = sum(isinstance(cell.run, Expected) for cell in made.cells)
        simulated = "" if not exact else f" ({exact} by exact moments, which no replicates change)"
        total += seconds
        print(
            f"{request.experiment}: {len(made.cells)} cells{simulated}, {len(made.runs)} runs, {made.size.replicates} "
            f"replicates{about}, {len(missing)} of {len(missing_tasks(request, {}))} blocks to compute, "
            f"{gradients:.2g} gradients in all, {request.bytes() / 2**20:.1f} MiB before compression, "
            f"{spoken(seconds)} of computing"
        )
        for line in told(request, store, fresh=arguments.fresh):
            print(line)
    jobs = _jobs(arguments)
    share = "" if arguments.scheduler is not None else f", about {spoken(total / jobs)} on {jobs} cores"
    print(
        f"predicted: {spoken(total)} of computing{share}, and seconds for verdicts and figures; by a probe of "
        f"{spoken(time.monotonic() - began)}: a few gradient steps of each experiment's largest block."
    )
    return ANSWERED


SPREAD = 0.5
"""Squared coefficient of variation of an error, of an optimiser near its noise floor in a few dimensions: what a
prediction assumes before anything has been measured."""


def _predicted(request: Request, precision: float) -> tuple[int, str]:
    """The replicates that ``--precision`` would end with, by the planning formula and the rule of doubling."""
    import numpy as np

    from riskkit.execution.growing import MOST_REPLICATES
    from riskkit.judges.rate import UNBOUNDED_AXES
    from riskkit.stats.planning import replicates_needed

    made = request.plan()
    lines = [
        np.array([point[grid.along] for point in line], dtype=float)
        for grid in made.size.grids
        for line in grid.lines()
        if grid.along in UNBOUNDED_AXES and len(line) >= 4
    ]
    look = made.size.replicates
    needed = max((replicates_needed(precision, x, SPREAD) for x in lines), default=look)
    while look < needed and 2 * look <= MOST_REPLICATES:
        look *= 2
    return look, f"assuming errors with cv^2 = {SPREAD:g}"


def _screen(out: Path, names: Sequence[str]) -> str:
    """The answers to the questions that were asked, in words; a line where they cannot be told."""
    from riskkit.report.screen import screen
    from riskkit.report.tables import content

    try:
        # A file or a pipe gets what a page of 120 columns shows.
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
        return screen([content.results(out / name) for name in names], out, width)
    except Exception as error:
        return f"The answers cannot be shown: {type(error).__name__}: {error}\n"
