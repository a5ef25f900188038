"""A folder tree of images, as ImageNet's is laid out: train/CLASS/image and val/CLASS/image; PIL decodes.

Every image is decoded when it is asked for, in worker processes of torch's DataLoader. Cuts and flips of a training
image come from its own number and the step's key, not from the worker that decodes it.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's training images by channel, as everyone uses them, in units of 255."""
LARGER = 256 / 224
"""A test image's shorter side, in units of the side that is cut out of its middle."""


class ImageError(ValueError):
    """An image that cannot be decoded; one line."""


class Listed(NamedTuple):
    """Paths and classes of one part of a tree."""

    paths: tuple[Path, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.paths)


class Tree(NamedTuple):
    """A folder tree: ``folder/train`` and ``folder/val`` with a folder for each of the ``classes`` names."""

    folder: Path
    classes: tuple[str, ...]
    train: Listed
    test: Listed


def read_tree(folder: str | Path) -> Tree:
    """Lists a folder tree; classes are numbered in the order of their folders' names.

    Raises ValueError, in one line, for a missing part, a class without images, classes that the parts do not share, or
    fewer than two; ImportError if PIL is missing; OSError if a folder cannot be read.
    """
    folder = Path(folder)
    try:
        import PIL  # noqa: F401
    except ImportError as error:
        raise ImportError("a folder of images needs the package pillow; pip install 'riskkit[images]'.") from error
    names: dict[str, list[str]] = {}
    for part in ("train", "val"):
        if not (folder / part).is_dir():
            raise ValueError(
                f"{folder}: a folder tree must hold train/ and val/ with a folder for each class; {part}/ is missing."
            )
        names[part] = sorted(entry.name for entry in (folder / part).iterdir() if entry.is_dir())
    if len(names["train"]) < 2:
        raise ValueError(f"{folder / 'train'} must hold a folder for each of at least two classes; make them.")
    if apart := sorted(set(names["train"]) ^ set(names["val"])):
        raise ValueError(f"{folder}: train/ and val/ must hold the same classes; {apart[0]} is in one of them only.")
    classes = tuple(names["train"])
    return Tree(folder, classes, _listed(folder / "train", classes), _listed(folder / "val", classes))


def _listed(folder: Path, classes: tuple[str, ...]) -> Listed:
    paths: list[Path] = []
    targets: list[int] = []
    for target, name in enumerate(classes):
        own = sorted(path for path in (folder / name).iterdir() if path.suffix.lower() in SUFFIXES)
        if not own:
            raise ValueError(f"{folder / name} holds no images ({', '.join(SUFFIXES)}); take the class out or fill it.")
        paths += own
        targets += [target] * len(own)
    return Listed(tuple(paths), torch.tensor(targets))


class Decoded(Dataset[tuple[Tensor, int]]):
    """Images of a list, cut to ``side`` x ``side``, uint8 (3, side, side), with their classes.

    An index is (number of the image, key). With a key, an int, the image is cut at random as torchvision's
    RandomResizedCrop does with its defaults (area .08 to 1, ratio 3/4 to 4/3) and flipped with chance 1/2. With None
    its middle is taken: the shorter side becomes 256/224 of ``side`` first.

    Raises ImageError, in one line, for an image that cannot be decoded.
    """

    def __init__(self, listed: Listed, side: int) -> None:
        self.listed, self.side = listed, side

    def __len__(self) -> int:
        return len(self.listed)

    def __getitem__(self, index: tuple[int, int | None]) -> tuple[Tensor, int]:
        from PIL import Image

        number, key = index
        path = self.listed.paths[number]
        try:
            with Image.open(path) as file:
                image = file.convert("RGB")
        except Exception as error:  # PIL raises whatever a damaged file leads it to
            raise ImageError(f"{path} cannot be decoded ({type(error).__name__}); replace it.") from error
        cut = self._middle(image) if key is None else self._random(image, random.Random(f"{key} {number}"))
        return torch.from_numpy(np.array(cut)).permute(2, 0, 1).contiguous(), int(self.listed.targets[number])

    def _middle(self, image: Any) -> Any:
        from PIL import Image

        factor = round(self.side * LARGER) / min(image.size)
        width, height = (max(self.side, round(factor * length)) for length in image.size)
        left, top = (width - self.side) // 2, (height - self.side) // 2
        whole = image.resize((width, height), Image.Resampling.BILINEAR)
        return whole.crop((left, top, left + self.side, top + self.side))

    def _random(self, image: Any, draw: random.Random) -> Any:
        from PIL import Image

        box = _box(image.width, image.height, draw)
        cut = image.resize((self.side, self.side), Image.Resampling.BILINEAR, box=box)
        return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else cut


def _box(width: int, height: int, draw: random.Random) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a random part: ten tries, then the largest one in the middle."""
    for _ in range(10):
        area = width * height * draw.uniform(0.08, 1.0)
        ratio = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round(float(np.sqrt(area * ratio))), round(float(np.sqrt(area / ratio)))
        if 0 < w <= width and 0 < h <= height:
            left, top = draw.randint(0, width - w), draw.randint(0, height - h)
            return left, top, left + w, top + h
    w, h = min(width, round(height * 4 / 3)), min(height, round(width * 4 / 3))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
