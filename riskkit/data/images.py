"""Sets of images: a training set and a test sample, in memory, as they were published."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import torch
from torch import Tensor


class Split(NamedTuple):
    """Images uint8 (N, 3, h, w) and their classes int64 (N,)."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> Split:
        return Split(self.images.to(device), self.targets.to(device))


class Images(NamedTuple):
    """A training set and a test sample.

    Attributes:
        name: such as CIFAR-10.
        classes: K.
        train, test: one Split each.
        official: the archive is the published one, by its checksum.
    """

    name: str
    classes: int
    train: Split
    test: Split
    official: bool

    @property
    def content(self) -> str:
        """SHA-256, in hex, of all images and classes."""
        digest = hashlib.sha256(f"{self.classes}".encode())
        for split in (self.train, self.test):
            digest.update(str(tuple(split.images.shape)).encode())
            digest.update(split.images.contiguous().numpy().tobytes())
            digest.update(split.targets.numpy().astype("<i8").tobytes())
        return digest.hexdigest()

    @property
    def bytes(self) -> int:
        """Of the images in memory."""
        return self.train.images.nbytes + self.test.images.nbytes

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the training images by channel, float64 of shape (3,) each, in units of 255; a
        channel that never changes has the deviation 1."""
        counts = torch.stack([torch.bincount(self.train.images[:, c].flatten(), minlength=256) for c in range(3)])
        levels = torch.arange(256, dtype=torch.float64) / 255
        chance = counts.double() / counts.sum(1, keepdim=True)
        mean = chance @ levels
        deviation = ((levels - mean[:, None]).square() * chance).sum(1).sqrt()
        return mean, torch.where(deviation > 0, deviation, 1.0)
