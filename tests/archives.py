"""Archives of images in the four official formats of CIFAR, as small as a test likes, for tests to make."""

from __future__ import annotations

import io
import struct
import tarfile

import numpy as np

from riskkit.data.cifar import ARCHIVES

KINDS = {archive.file.removesuffix(".tar.gz"): archive for archive in ARCHIVES}


def pictures(images, classes, seed):
    """Images uint8 (images, 3072), darker where the class is small, and classes."""
    draw = np.random.default_rng(seed)
    targets = np.arange(images) % classes
    noise = draw.integers(0, 60, (images, 3072))
    return (noise + 180 * targets[:, None] // classes).astype(np.uint8), targets


def python2_pickle(pixels, key, targets):
    """As Python 2 wrote it: protocol 2, text and bytes alike as short strings, the array by ``_reconstruct``."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    raw = pixels.tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85" + text(b"b") + b"tR("
        b"K\x01(" + b"".join(b"J" + struct.pack("<i", side) for side in pixels.shape) + b"t"
        b"cnumpy\ndtype\n("
        + text(b"u1")
        + b"K\x00K\x01tR(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89T" + struct.pack("<i", len(raw)) + raw + b"tb"
    )
    classes = b"](" + b"".join(b"K" + bytes([int(target)]) for target in targets) + b"e"
    return (
        b"\x80\x02}(" + text(b"data") + array + text(key.encode()) + classes + text(b"batch_label") + text(b"x") + b"u."
    )


def part(archive, pixels, targets):
    if not archive.labels:
        return python2_pickle(pixels, archive.key, targets)
    labels = np.stack([targets // 5, targets], 1)[:, 2 - archive.labels :].astype(np.uint8)
    return np.hstack([labels, pixels]).tobytes()


def write(path, kind="cifar-10-binary", train=40, test=20, without=(), replaced=None):
    """An archive of so many images in all parts; ``replaced``: content of members by name."""
    archive = KINDS[kind]
    sizes = [train // len(archive.train)] * len(archive.train) + [test]
    with tarfile.open(path, "w:gz") as tar:
        for seed, (name, size) in enumerate(zip(archive.members, sizes, strict=True)):
            if name in without:
                continue
            content = (replaced or {}).get(name) or part(archive, *pictures(size, archive.classes, seed))
            member = tarfile.TarInfo(f"{archive.folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def tree(folder, classes=("cat", "dog"), size=(40, 30)):
    """A folder tree with three images of a class in each part."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for name in ("train", "val"):
        for number in classes:
            own = folder / name / number
            own.mkdir(parents=True)
            for i in range(3):
                pixels = draw.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
                Image.fromarray(pixels).save(own / f"{i}.png")
    return folder
