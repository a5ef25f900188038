"""The official archives of CIFAR-10 and CIFAR-100, binary and python, read in memory; nothing is extracted to disk.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009,
https://www.cs.toronto.edu/~kriz/cifar.html. The archives are not part of riskkit; fetch them there.
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch

from riskkit.data.images import Images, Split
from riskkit.data.unpickling import HostileError, unpickled

SIDE = 32
PIXELS = 3 * SIDE * SIDE


class Archive(NamedTuple):
    """One of the four official files.

    Attributes:
        file: its published name.
        md5: its published checksum.
        folder: that all members lie in.
        train, test: the members with the images.
        labels: bytes before the pixels of a binary record, of which the last is the class; 0 for pickles.
        key: of the classes in a pickle.
    """

    file: str
    md5: str
    name: Literal["CIFAR-10", "CIFAR-100"]
    classes: int
    folder: str
    train: tuple[str, ...]
    test: str
    labels: int
    key: str

    @property
    def members(self) -> tuple[str, ...]:
        return (*self.train, self.test)


_FIVE = range(1, 6)
ARCHIVES = (
    Archive(
        "cifar-10-binary.tar.gz",
        "c32a1d4ab5d03f1284b67883e8d87530",
        "CIFAR-10",
        10,
        "cifar-10-batches-bin",
        tuple(f"data_batch_{i}.bin" for i in _FIVE),
        "test_batch.bin",
        1,
        "",
    ),
    Archive(
        "cifar-10-python.tar.gz",
        "c58f30108f718f92721af3b95e74349a",
        "CIFAR-10",
        10,
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in _FIVE),
        "test_batch",
        0,
        "labels",
    ),
    Archive(
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "CIFAR-100",
        100,
        "cifar-100-binary",
        ("train.bin",),
        "test.bin",
        2,
        "",
    ),
    Archive(
        "cifar-100-python.tar.gz",
        "eb9058c3a382ffc7106e4002c42a8d85",
        "CIFAR-100",
        100,
        "cifar-100-python",
        ("train",),
        "test",
        0,
        "fine_labels",
    ),
)


def read_cifar(path: str | Path, *, any_archive: bool = False) -> Images:
    """The training set and the test sample of an archive.

    Args:
        any_archive: admits files that are none of the four by their checksum, but have the members of one of them, in
            its format and with any number of images.

    Raises ValueError, in one line, for another checksum, a missing member, a truncated or damaged file, a pickle with
    more than data in it; OSError if the file cannot be read.
    """
    path = Path(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    known = next((archive for archive in ARCHIVES if archive.md5 == found), None)
    if known is None and not any_archive:
        expected = next((f"{one.md5} ({one.file})" for one in ARCHIVES if one.file == path.name), "")
        raise ValueError(
            f"{path.name}: the MD5 checksum must be {expected or 'that of one of the four official CIFAR archives'}; "
            f"got {found}. Fetch the file again, or use --any-archive if it is meant."
        )
    contents = _members(path)
    archive = known or _recognized(path, contents)
    missing = [name for name in archive.members if name not in contents.get(archive.folder, {})]
    if missing:
        raise ValueError(f"{path.name}: {archive.folder}/{missing[0]} is missing from the archive; fetch it again.")
    own = contents[archive.folder]
    return Images(
        archive.name,
        archive.classes,
        _joined([_part(path, archive, name, own[name]) for name in archive.train]),
        _part(path, archive, archive.test, own[archive.test]),
        known is not None,
    )


def _members(path: Path) -> dict[str, dict[str, bytes]]:
    """Folder -> name -> content of the files that an official archive has."""
    wanted = {(archive.folder, name) for archive in ARCHIVES for name in archive.members}
    found: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                if (folder, name) in wanted and (file := tar.extractfile(member)) is not None:
                    found.setdefault(folder, {})[name] = file.read()
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: the archive is damaged or cut off ({error}); fetch it again.") from error
    return found


def _recognized(path: Path, contents: dict[str, dict[str, bytes]]) -> Archive:
    for archive in ARCHIVES:
        if archive.folder in contents:
            return archive
    folders = ", ".join(archive.folder for archive in ARCHIVES)
    raise ValueError(f"{path.name}: the archive must hold the files of CIFAR in one of the folders {folders}.")


def _part(path: Path, archive: Archive, name: str, content: bytes) -> Split:
    where = f"{path.name}: {archive.folder}/{name}"
    if archive.labels:
        pixels, targets = _records(where, archive.labels, content)
    else:
        pixels, targets = _pickle(where, archive.key, content)
    if not len(targets) or targets.min() < 0 or targets.max() >= archive.classes:
        raise ValueError(f"{where} must hold images with classes 0 to {archive.classes - 1}; fetch the archive again.")
    images = torch.from_numpy(np.array(pixels).reshape(-1, 3, SIDE, SIDE))
    return Split(images, torch.from_numpy(targets.astype(np.int64)))


def _records(where: str, labels: int, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    size = labels + PIXELS
    if not content or len(content) % size:
        raise ValueError(
            f"{where} must hold records of {size} bytes each; got {len(content)} bytes. Fetch the archive again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    return records[:, labels:], records[:, labels - 1]


def _pickle(where: str, key: str, content: bytes) -> tuple[np.ndarray, np.ndarray]:
    try:
        found = unpickled(content)
    except HostileError as error:
        raise ValueError(f"{where} is refused: {error}.") from error
    pixels, targets = (found.get("data"), found.get(key)) if isinstance(found, dict) else (None, None)
    shaped = isinstance(pixels, np.ndarray) and pixels.ndim == 2 and pixels.shape[1] == PIXELS
    if not (shaped and isinstance(targets, list) and all(type(one) is int and 0 <= one < 1000 for one in targets)):
        raise ValueError(f"{where} must hold 'data', bytes (N, {PIXELS}), and {key!r}, a list of N class numbers.")
    assert isinstance(pixels, np.ndarray)
    if len(pixels) != len(targets):
        raise ValueError(f"{where} has {len(pixels)} images and {len(targets)} classes; fetch the archive again.")
    return pixels, np.array(targets)


def _joined(parts: list[Split]) -> Split:
    return Split(torch.cat([part.images for part in parts]), torch.cat([part.targets for part in parts]))
