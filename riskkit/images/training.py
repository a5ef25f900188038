"""One network, trained and tested; killed at any time and taken up again, it ends in the same state.

Initial weights, the order of the images, cuts, flips and dropout are functions of the seed and of the epoch's or
step's number. So a run that goes on from a checkpoint sees what it would have seen, and two optimizers with one seed
see the same: they are paired. On a CPU with the same number of threads the bits are equal.
"""

from __future__ import annotations

import contextlib
import copy
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from riskkit.images.checkpoints import load, save, save_weights
from riskkit.images.networks import NETWORKS, has_statistics, parameters
from riskkit.images.plan import Plan, key
from riskkit.images.sources import Batch, Source
from riskkit.optim import Lookahead
from riskkit.store.atomic import plain, write_json

EVALUATED = 500
"""Test images at a time."""

Told = Callable[[int, int, float], None]
"""Is told, now and then, of the steps that are done, of all steps, and of the training loss in this epoch."""


class Trainer:
    """A network with its optimizer, ready to take steps."""

    def __init__(self, plan: Plan, classes: int, seed: int, device: torch.device) -> None:
        self.plan, self.seed, self.device, self.step = plan, seed, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(key(seed, "weights"))
            network = NETWORKS[plan.network].build(classes)
        order = torch.channels_last if plan.channels_last else torch.contiguous_format
        self.network = network.to(device)
        self.network.to(memory_format=order)  # type: ignore[call-overload]
        self.optimizer = plan.optimizer(self.network.parameters())
        self._order = order
        self._drops = any(isinstance(layer, nn.Dropout) for layer in network.modules())

    def forward(self, network: nn.Module, images: Tensor) -> Tensor:
        """Scores, float32 (b, K)."""
        images = images.contiguous(memory_format=self._order)
        mixed = self.plan.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            scores: Tensor = network(images)
        return scores.float()

    def take(self, images: Tensor, targets: Tensor) -> Tensor:
        """One step on a batch; returns its mean loss, a tensor on the device."""
        if self._drops:
            torch.manual_seed(key(self.seed, "dropout", self.step))
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(self.forward(self.network, images), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        return loss.detach()

    def next_stage(self) -> None:
        if isinstance(self.optimizer, Lookahead):
            self.optimizer.next_stage()
        for group in self.optimizer.param_groups:
            group["lr"] *= self.plan.factor

    @contextlib.contextmanager
    def evaluated(self, source: Source, epoch: int) -> Iterator[nn.Module]:
        """The network as it is tested: with slow weights, and batch norm's statistics computed again for them."""
        if not isinstance(self.optimizer, Lookahead):
            yield self.network.eval()
            return
        with self.optimizer.slow_weights():
            network = self.network
            if has_statistics(network) and self.plan.statistics:
                network = copy.deepcopy(network)
                batches = min(self.plan.statistics, max(source.train // self.plan.batch, 1))
                draw = torch.Generator().manual_seed(key(self.seed, "statistics", epoch))
                numbers = torch.randperm(source.train, generator=draw)[: batches * self.plan.batch]
                keys = [key(self.seed, "statistics cut", epoch * batches + i) for i in range(batches)]
                with torch.no_grad():
                    images = (x for x, _ in source.training(numbers.chunk(batches), keys))
                    torch.optim.swa_utils.update_bn((self._ordered(x) for x in images), network)
            yield network.eval()

    def _ordered(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=self._order)

    def right(self, source: Source, epoch: int) -> np.ndarray:
        """Which images of the test sample are classified right, bool (test,)."""
        found = []
        with self.evaluated(source, epoch) as network, torch.no_grad():
            for images, targets in source.testing(EVALUATED):
                found.append((self.forward(network, images).argmax(1) == targets).cpu())
        return torch.cat(found).numpy()


def identity(plan: Plan, source: Source, seed: int) -> dict[str, Any]:
    """What a run is: equal identities are one run."""
    data = {"name": source.name, "content": source.content, "train": source.train, "test": source.test}
    return plain({"plan": plan.identity(), "data": data, "seed": seed})


def train(
    plan: Plan,
    source: Source,
    seed: int,
    folder: Path,
    device: torch.device,
    *,
    every: float = 300.0,
    told: Told = lambda done, steps, loss: None,
) -> dict[str, Any]:
    """Trains to the end, from the folder's checkpoint if there is one; returns what ``folder/run.json`` then holds.

    ``seed`` is of the initial weights, the order of images, cuts, flips and dropout.

    Saves a checkpoint after every epoch, ``every`` seconds, and when Ctrl-C or SIGTERM interrupts, which raises
    KeyboardInterrupt after the step that is under way. At the end the checkpoint gives way to ``weights.pt``, the
    weights that were tested last.

    Raises ValueError, in one line, for a checkpoint that is none of this run; StoreError if the disk refuses.
    """
    trainer = Trainer(plan, source.classes, seed, device)
    own = identity(plan, source, seed)
    steps = _steps(source.train, plan.batch)
    history: list[dict[str, Any]] = []
    loss = torch.zeros((), dtype=torch.float64, device=device)
    state = load(folder, own, device)
    if state is not None:
        trainer.network.load_state_dict(state["network"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.step, history = int(state["step"]), state["history"]
        loss += float(state["loss"])

    def keep() -> None:
        parts = {"network": trainer.network.state_dict(), "optimizer": trainer.optimizer.state_dict()}
        save(folder, own, {**parts, "step": trainer.step, "history": history, "loss": float(loss)})

    saved, total = time.monotonic(), plan.epochs * steps
    right = np.zeros(0, bool)
    with _interruptible() as asked:
        while trainer.step < total:
            epoch, within = divmod(trainer.step, steps)
            for images, targets in _epoch(plan, source, seed, epoch, within, steps):
                loss += trainer.take(images, targets).double() * len(targets)
                inside = trainer.step % steps
                if inside and (asked() or time.monotonic() - saved > every):
                    keep()
                    saved = time.monotonic()
                    _leave(asked, trainer.step, total)
                if trainer.step % 10 == 0:
                    told(trainer.step, total, float(loss) / (inside * plan.batch) if inside else math.nan)
            mean = float(loss) / _used(source.train, plan.batch)
            loss.zero_()
            right = trainer.right(source, epoch)
            halves = [int(right[half::2].sum()) for half in (0, 1)]
            lr = float(trainer.optimizer.param_groups[0]["lr"])
            history.append({"epoch": epoch + 1, "lr": lr, "loss": mean, "right": halves})
            if not math.isfinite(mean):
                break
            if epoch + 1 in plan.stage_ends:
                trainer.next_stage()
            if trainer.step < total:
                keep()
                saved = time.monotonic()
                _leave(asked, trainer.step, total)
    return _finished(trainer, source, own, history, right, folder)


def _finished(
    trainer: Trainer,
    source: Source,
    own: dict[str, Any],
    history: list[dict[str, Any]],
    right: np.ndarray,
    folder: Path,
) -> dict[str, Any]:
    plan = trainer.plan
    slow = isinstance(trainer.optimizer, Lookahead)
    norm = has_statistics(trainer.network)
    found = plain(
        {
            "identity": own,
            "status": "complete" if math.isfinite(history[-1]["loss"]) else "diverged",
            "official": source.official,
            "changed": plan.changed(),
            "parameters": parameters(trainer.network),
            "device": _device(trainer.device),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "statistics": "none" if not norm else ("own" if not slow or plan.statistics else "of the fast weights"),
            "history": history,
            "right": np.packbits(right).tobytes().hex(),
        }
    )
    with trainer.evaluated(source, plan.epochs - 1) as network:
        save_weights(folder, network.state_dict())
    write_json(folder / "run.json", found)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return found


def _steps(train: int, batch: int) -> int:
    """In an epoch; a last batch of one image, of which batch norm can make nothing, is left out."""
    return max(train // batch + (train % batch > 1), 1)


def _used(train: int, batch: int) -> int:
    return train - (train % batch == 1 and train > batch)


def _epoch(plan: Plan, source: Source, seed: int, epoch: int, within: int, steps: int) -> Iterator[Batch]:
    """The batches of an epoch from one of them on."""
    draw = torch.Generator().manual_seed(key(seed, "order", epoch))
    order = torch.randperm(source.train, generator=draw)[: _used(source.train, plan.batch)]
    numbers = torch.split(order, plan.batch)
    keys = [key(seed, "cut", epoch * steps + i) for i in range(within, steps)]
    return source.training(numbers[within:], keys)


def _leave(asked: Callable[[], bool], step: int, total: int) -> None:
    if asked():
        raise KeyboardInterrupt(f"after step {step:,} of {total:,}, which is kept; the same command goes on")


@contextlib.contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM wait for the step that is under way; a second one does not. Yields whether one has come."""
    came: list[int] = []

    def note(number: int, frame: object) -> None:
        if came:
            _now()
        came.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _now() -> NoReturn:
    raise KeyboardInterrupt("at once; the last checkpoint is kept")


def _device(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
