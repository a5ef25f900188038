"""``riskkit train --data cifar-10-binary.tar.gz --network resnet18 --optimiser SLRLA --seeds 3``: the paper's rows.

Trains networks on images that the user has, and tabulates their accuracies on the test sample beside the paper's. What
is finished is kept, and the same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.resources
import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import ANSWERED, BadInputError, Parser, StoppedError, a_path, reading, writing
from riskkit.execution.telling import printable, tell
from riskkit.experiment.study import unknown

if TYPE_CHECKING:
    import torch

    from riskkit.images import Plan
    from riskkit.images.sources import Source
    from riskkit.images.training import Told

SPEEDS = "speeds.json"
WORDS = (
    "What a row takes: training images x epochs x seeds / (images a second), and the looks at the test sample. "
    "Measured by python -m benchmarks.training{where}: {rows}. On a GPU nothing was measured: run --measure there."
)


def add_arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--data", type=a_path, metavar="PATH", help="an official CIFAR archive, or a folder with train/ and val/")
    add(
        "--network", default="resnet18", help="resnet18 (default), vgg16, vgg16-bn, wrn-16-10, resnet18-imagenet, small"
    )
    add(
        "--optimiser",
        nargs="+",
        default=["SLRLA"],
        metavar="NAME",
        help="one or several of SGD, SLA, SLRLA (default), Adam, AdaBound, RAdam, AdamW, AdaBelief",
    )
    add("--seeds", type=int, default=3, metavar="N", help="runs of each, with the seeds 0 to N - 1 (default: 3)")
    numbers = parser.add_argument_group("numbers of the recipe", "the defaults are those of the paper's code")
    number = numbers.add_argument
    number("--lr", type=float, help="step size at first (.1; AdamW .0003; others have to be given)")
    number("--weight-decay", type=float, help="(.001; AdamW 1; others have to be given)")
    number("--epochs", type=int, help="(100; resnet18-imagenet 200)")
    number("--batch", type=int, default=128, help="images in a step (128)")
    number("--milestones", type=float, nargs="*", default=[0.3, 0.6, 0.8], help="parts of the epochs (.3 .6 .8)")
    number("--factor", type=float, default=0.2, help="of lr at milestones (.2)")
    number("--k", type=int, default=5, help="steps in a round of SLA and SLRLA (5)")
    number("--alpha", type=float, default=0.8, help="of SLA and SLRLA (.8)")
    number("--beta", type=float, default=0.2, help="of SLRLA (.2)")
    number("--anchor-every", type=int, default=5, help="steps, of SLRLA as coded (5); 0: SLRLA as published")
    number("--padding", type=int, default=4, help="pixels around an image in memory of which a part is cut (4)")
    number("--flip", action=argparse.BooleanOptionalAction, default=True, help="flip half of the images")
    number(
        "--statistics", type=int, default=50, help="batches for batch norm's statistics of slow weights (50); 0: none"
    )
    machine = parser.add_argument_group("machine")
    where = machine.add_argument
    where("--device", default="cpu", help="cpu (default), cuda or cuda:N")
    where("--precision", choices=("float32", "bfloat16"), help="of the forward pass (cpu: float32; cuda: bfloat16)")
    where("--channels-last", action=argparse.BooleanOptionalAction, default=None, help="memory order (cuda: yes)")
    where("--threads", type=int, help="of torch on the CPU; bits depend on it (default: torch's)")
    where("--workers", type=int, default=min(8, os.cpu_count() or 1), help="processes that decode a folder's images")
    where("--save-every", type=float, default=300.0, metavar="SECONDS", help="between checkpoints in an epoch (300)")
    add("--any-archive", action="store_true", help="accept an archive that is none of the official ones")
    add("--out", type=a_path, default=Path("results/training"), help="folder (default: results/training)")
    add("--measure", action="store_true", help="measure images a second on random images, then stop")
    add("--seconds", type=float, default=10.0, help="that --measure takes (10)")
    parser.epilog = _times()


def _times() -> str:
    """What --measure gave where it was last run for the documentation."""
    text = importlib.resources.files("riskkit.images").joinpath(SPEEDS).read_text(encoding="utf-8")
    found = json.loads(text)
    rows = "; ".join(
        f"{row['network']} {row['cpu']:.3g} images/s, {row['hours']:,.0f} h a seed" for row in found["rows"]
    )
    return WORDS.format(where=f" on {found['machine']}", rows=rows)


def run(arguments: argparse.Namespace) -> int:
    with reading(ValueError, ImportError):
        plans = _plans(arguments)
        device = _device(arguments)
    if arguments.measure:
        return _measure(plans[0], device, arguments.seconds)
    if arguments.data is None:
        raise BadInputError("--data is missing: name an official CIFAR archive or a folder with train/ and val/.")
    with reading(ValueError, ImportError), _file_errors(arguments.data):
        source = _source(arguments, plans[0], device)
        for plan in plans:
            _fits(plan, source, device)
    return _train(arguments, plans, source, device)


def _plans(arguments: argparse.Namespace) -> list[Plan]:
    from riskkit.images import NETWORKS, Plan, settled
    from riskkit.images.plan import standard_epochs
    from riskkit.optim import TABLE3

    if arguments.network not in NETWORKS:
        raise BadInputError(unknown("network", arguments.network, NETWORKS))
    if arguments.seeds < 1:
        raise BadInputError(f"--seeds must be at least 1; got {arguments.seeds}.")
    if arguments.workers < 0 or (arguments.threads is not None and arguments.threads < 1):
        raise BadInputError("--workers must be at least 0 and --threads at least 1.")
    cuda = arguments.device.startswith("cuda")
    found = []
    for name in dict.fromkeys(arguments.optimiser):
        if name not in TABLE3:
            raise BadInputError(unknown("optimiser", name, TABLE3))
        standard = settled(arguments.network, name)
        lr = arguments.lr if arguments.lr is not None or standard is None else standard.lr
        decay = arguments.weight_decay
        decay = decay if decay is not None or standard is None else standard.weight_decay
        if lr is None or decay is None:
            raise BadInputError(f"--lr and --weight-decay must be given for {name}: the paper has no numbers for it.")
        epochs = arguments.epochs if arguments.epochs is not None else standard_epochs(arguments.network)
        plan = Plan(
            arguments.network,
            name,
            lr,
            decay,
            epochs=epochs,
            batch=arguments.batch,
            milestones=tuple(arguments.milestones),
            factor=arguments.factor,
            k=arguments.k,
            alpha=arguments.alpha,
            beta=arguments.beta,
            anchor_every=arguments.anchor_every,
            padding=arguments.padding,
            flip=arguments.flip,
            precision=arguments.precision or ("bfloat16" if cuda else "float32"),
            channels_last=cuda if arguments.channels_last is None else arguments.channels_last,
            statistics=arguments.statistics,
        )
        _tried(plan)
        found.append(plan)
    return found


def _tried(plan: Plan) -> None:
    """Builds the optimizer on one number, so that what it refuses is refused before anything is read."""
    import torch

    plan.optimizer([torch.nn.Parameter(torch.zeros(1))])


def _device(arguments: argparse.Namespace) -> torch.device:
    import torch

    try:
        device = torch.device(arguments.device)
    except RuntimeError:
        raise BadInputError(f"--device must be cpu, cuda or cuda:N; got {arguments.device}.") from None
    if device.type not in ("cpu", "cuda"):
        raise BadInputError(f"--device must be cpu, cuda or cuda:N; got {arguments.device}.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadInputError(f"--device {arguments.device}: torch sees {torch.cuda.device_count()} CUDA devices here.")
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
    return device


@contextlib.contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """An OSError of the data is bad input, in one line."""
    try:
        yield
    except OSError as error:
        raise BadInputError(f"--data {error.filename or path}: {error.strerror or error}.") from error


def _source(arguments: argparse.Namespace, plan: Plan, device: torch.device) -> Source:
    from riskkit.data import read_cifar, read_tree
    from riskkit.images import NETWORKS, FromTree, InMemory

    side = NETWORKS[plan.network].side
    if arguments.data.is_dir():
        return FromTree(read_tree(arguments.data), side, device, arguments.workers)
    if side != 32:
        raise BadInputError(
            f"--network {plan.network} is for a folder of images, cut to {side} x {side}; CIFAR has 32 x 32."
        )
    images = read_cifar(arguments.data, any_archive=arguments.any_archive)
    return InMemory(images, device, padding=plan.padding, flip=plan.flip)


def _fits(plan: Plan, source: Source, device: torch.device) -> None:
    import torch

    from riskkit.execution.tasks import physical_memory
    from riskkit.images import memory

    if source.train < 2:
        raise BadInputError(f"{source.name} must hold at least 2 training images; got {source.train}.")
    needed = memory(plan, source.classes) + source.resident
    there = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else physical_memory()
    if needed > there:
        raise BadInputError(
            f"{plan.network} with {plan.optimiser} and --batch {plan.batch} needs {needed / 2**30:,.1f} GiB at least; "
            f"{device} has {there / 2**30:,.1f}; take a smaller --batch."
        )


def _train(arguments: argparse.Namespace, plans: Sequence[Plan], source: Source, device: torch.device) -> int:
    from riskkit.images import tables, train
    from riskkit.images.checkpoints import load
    from riskkit.images.training import identity
    from riskkit.store.atomic import StoreError, prepare_folder

    out: Path = arguments.out
    jobs = [(plan, seed) for seed in range(arguments.seeds) for plan in plans]
    with reading(StoreError):
        prepare_folder(out)
    folders = {job: out / _name(*job, identity(job[0], source, job[1])) for job in jobs}
    with reading(ValueError):
        for (plan, seed), folder in folders.items():
            _finished(folder)
            load(folder, identity(plan, source, seed), device)
    with writing(out, StoreError):
        for number, ((plan, seed), folder) in enumerate(folders.items(), 1):
            if _finished(folder) is not None:
                continue
            with _stopping(plan), _progress(f"{plan.optimiser}, seed {seed} ({number} of {len(jobs)})") as told:
                train(plan, source, seed, folder, device, every=arguments.save_every, told=told)
        runs = [found for path in sorted(out.glob("*/run.json")) if (found := _finished(path.parent)) is not None]
        written = tables.write(runs, out)
    print(written[0].read_text(encoding="utf-8"), end="")
    for path in written:
        print(printable(f"table {path}"))
    return ANSWERED


def _name(plan: Plan, seed: int, identity: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    return f"{plan.network}-{plan.optimiser}-seed{seed}-{digest}"


def _finished(folder: Path) -> dict[str, Any] | None:
    """What a finished run has left; ValueError if it cannot be read."""
    path = folder / "run.json"
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["identity"]["plan"], found["history"][-1]["right"], found["right"]
    except (ValueError, KeyError, IndexError, TypeError, OSError) as error:
        raise ValueError(f"{path} is no result that can be read; move its folder away to begin anew.") from error
    return found


@contextlib.contextmanager
def _stopping(plan: Plan) -> Iterator[None]:
    """Memory that runs out on the way, or an image that is damaged, stops the command; the last checkpoint is kept."""
    import torch

    from riskkit.data.imagenet import ImageError

    try:
        yield
    except ImageError as error:
        raise StoppedError(f"{error} The last checkpoint is kept.") from error
    except (MemoryError, RuntimeError) as error:
        short = isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)
        if not short:
            raise
        raise StoppedError(
            f"memory ran out; take a smaller --batch than {plan.batch}. The last checkpoint is kept."
        ) from error


@contextlib.contextmanager
def _progress(words: str) -> Iterator[Told]:
    """A bar on a terminal, else a line every half minute."""
    from riskkit.execution.progress import bar

    began = said = time.monotonic()
    first: list[int] = []
    shown = bar()
    line = shown.add_task(words, total=1.0) if shown is not None else None

    def told(done: int, steps: int, loss: float) -> None:
        nonlocal said
        now = time.monotonic()
        first.append(done) if not first else None
        left = (now - began) * (steps - done) / (done - first[0]) if done > first[0] else math.nan
        about = "" if math.isnan(left) else f", about {left / 60:,.0f} min left"
        text = f"{words}: step {done:,} of {steps:,}" + ("" if math.isnan(loss) else f", loss {loss:.3f}") + about
        if shown is not None and line is not None:
            shown.update(line, completed=done / steps, description=text)
        elif now - said > 30:
            said = now
            tell(text)

    with shown if shown is not None else contextlib.nullcontext():
        yield told


def _measure(plan: Plan, device: torch.device, seconds: float) -> int:
    import torch

    from riskkit.images import speed

    classes, images = (1000, 1_281_167) if plan.network == "resnet18-imagenet" else (10, 50_000)
    found = speed(plan, classes, device, seconds)
    threads = f", {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    print(
        f"{plan.network} with {plan.optimiser}, batch {plan.batch}, {plan.precision}, {device}{threads}: "
        f"{found.images:,.1f} images/s, {found.cpu:,.1f} in a second of CPU time ({found.steps} steps timed)."
    )
    print(
        f"{images:,} training images x {plan.epochs} epochs: {found.hours(images, plan.epochs):,.1f} h for each seed."
    )
    return ANSWERED
