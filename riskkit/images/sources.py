"""Batches of images on a device: from memory, or decoded from a folder tree by torch's DataLoader.

Which images a batch holds, and how they are cut and flipped, follows from the numbers that are handed over: it is the
same wherever a run is taken up again, on every device and with any number of workers.
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from riskkit.data.imagenet import DEVIATION, MEAN, Decoded, ImageError, Listed, Tree
from riskkit.data.images import Images

Batch = tuple[Tensor, Tensor]
"""Images float32 (b, 3, side, side), normalized by channel, and classes int64 (b,), both on the device."""


NAMED = f"{ImageError.__module__}.{ImageError.__qualname__}: "


class Source(Protocol):
    """A training set and a test sample.

    Attributes:
        name, classes: as in tables.
        side: of the images, in pixels.
        train, test: how many images.
        official: known to be the published set.
        content: SHA-256 that stands for the data.
        resident: bytes in the device's memory.
    """

    name: str
    classes: int
    side: int
    train: int
    test: int
    official: bool
    content: str
    resident: int

    def training(self, numbers: Sequence[Tensor], keys: Sequence[int]) -> Iterator[Batch]:
        """A batch for each entry: images by their numbers, cut and flipped as the key says."""
        ...

    def testing(self, size: int) -> Iterator[Batch]:
        """The test sample in its order, ``size`` images at a time."""
        ...


class InMemory:
    """A Source of ``Images``; ``padding`` and ``flip`` say how training images are cut and flipped."""

    def __init__(self, images: Images, device: torch.device, *, padding: int = 4, flip: bool = True) -> None:
        self.name, self.classes, self.official = images.name, images.classes, images.official
        self.train, self.test, self.side = len(images.train), len(images.test), images.train.images.shape[-1]
        self.content, self.resident = images.content, images.bytes
        self._images, self._device, self._padding, self._flip = images, device, padding, flip
        self._placed: Images | None = None
        self._moments = [part.float().to(device)[:, None, None] for part in images.moments()]

    def _on_device(self) -> Images:
        if self._placed is None:
            train, test = self._images.train, self._images.test
            self._placed = self._images._replace(train=train.to(self._device), test=test.to(self._device))
        return self._placed

    def training(self, numbers: Sequence[Tensor], keys: Sequence[int]) -> Iterator[Batch]:
        """A batch for each entry of ``numbers``, which holds the numbers of b images, int64 of shape (b,); an entry of
        ``keys`` seeds the batch's cuts and flips."""
        split = self._on_device().train
        for chosen, key in zip(numbers, keys, strict=True):
            place = chosen.to(self._device)
            yield self._normalized(cut(split.images[place], key, self._padding, flip=self._flip)), split.targets[place]

    def testing(self, size: int) -> Iterator[Batch]:
        """The test sample in its order, ``size`` images at a time."""
        split = self._on_device().test
        for first in range(0, self.test, size):
            yield self._normalized(split.images[first : first + size]), split.targets[first : first + size]

    def _normalized(self, images: Tensor) -> Tensor:
        mean, deviation = self._moments
        return (images.float() / 255 - mean) / deviation


def cut(images: Tensor, key: int, padding: int, *, flip: bool) -> Tensor:
    """Each image (3, h, w) of a batch moved by -padding .. padding pixels down and right, black moving in, and flipped
    with chance 1/2."""
    size, _, height, width = images.shape
    draw = torch.Generator().manual_seed(key)
    top, left = (torch.randint(2 * padding + 1, (size, 1), generator=draw).to(images.device) for _ in range(2))
    mirrored = (torch.randint(2, (size, 1), generator=draw) == 1).to(images.device)
    down, right = (torch.arange(length, device=images.device) for length in (height, width))
    rows = top + down
    columns = left + (torch.where(mirrored, width - 1 - right, right) if flip else right)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    each = torch.arange(size, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


class FromTree:
    """A Source of a folder tree (``riskkit.data.imagenet``); ``workers`` processes decode."""

    official = False

    def __init__(self, tree: Tree, side: int, device: torch.device, workers: int) -> None:
        self.name, self.classes, self.side = tree.folder.name, len(tree.classes), side
        self.train, self.test, self.resident = len(tree.train), len(tree.test), 0
        parts = ("train", "val")
        names = [
            path.relative_to(tree.folder / part).as_posix()
            for part, listed in zip(parts, (tree.train, tree.test), strict=True)
            for path in listed.paths
        ]
        self.content = hashlib.sha256("\n".join([str(self.train), *names]).encode()).hexdigest()
        self._tree, self._device, self._workers = tree, device, workers
        self._mean, self._deviation = (torch.tensor(part, device=device)[:, None, None] for part in (MEAN, DEVIATION))

    def training(self, numbers: Sequence[Tensor], keys: Sequence[int]) -> Iterator[Batch]:
        """A batch for each entry of ``numbers``, which holds the numbers of b images, int64 of shape (b,); an entry of
        ``keys`` seeds the batch's cuts and flips."""
        batches = [[(n, key) for n in chosen.tolist()] for chosen, key in zip(numbers, keys, strict=True)]
        return self._loaded(self._tree.train, batches)

    def testing(self, size: int) -> Iterator[Batch]:
        """The test sample in its order, ``size`` images at a time."""
        numbers: list[tuple[int, int | None]] = [(n, None) for n in range(self.test)]
        return self._loaded(self._tree.test, [numbers[first : first + size] for first in range(0, self.test, size)])

    def _loaded(self, listed: Listed, batches: Any) -> Iterator[Batch]:
        loader = DataLoader(
            Decoded(listed, self.side),
            batch_sampler=batches,
            num_workers=self._workers,
            pin_memory=self._device.type == "cuda",
            multiprocessing_context="spawn" if self._workers else None,
            worker_init_fn=_deaf,
        )
        try:
            for images, targets in loader:
                moved = images.to(self._device, non_blocking=True)
                yield (moved.float() / 255 - self._mean) / self._deviation, targets.to(self._device, non_blocking=True)
        except ImageError as error:  # a worker's has its traceback in the message, the error in the last line
            raise ImageError(str(error).strip().splitlines()[-1].removeprefix(NAMED)) from error


def _deaf(worker: int) -> None:
    """Ctrl-C reaches all processes of a terminal: the one that trains ends the others once its step is done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
