"""Readers of CIFAR's archives and of folder trees, on files that the tests make."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import pickle

import numpy as np
import pytest
import torch
from archives import KINDS, pictures, python2_pickle, tree, write

from riskkit.data import read_cifar, read_tree
from riskkit.data.unpickling import HostileError, unpickled

PIL = pytest.mark.skipif(importlib.util.find_spec("PIL") is None, reason="needs pillow")


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_holds_the_images_that_were_written(kind, tmp_path):
    archive = KINDS[kind]
    found = read_cifar(write(tmp_path / "mine.tar.gz", kind), any_archive=True)
    assert (found.name, found.classes, found.official) == (archive.name, archive.classes, False)
    sizes = [40 // len(archive.train)] * len(archive.train)
    parts = [pictures(size, archive.classes, seed) for seed, size in enumerate(sizes)]
    for split, pixels, targets in (
        (found.train, np.concatenate([p for p, _ in parts]), np.concatenate([t for _, t in parts])),
        (found.test, *pictures(20, archive.classes, len(sizes))),
    ):
        assert np.array_equal(split.images.numpy().reshape(-1, 3072), pixels)
        assert split.targets.tolist() == targets.tolist()
    mean, deviation = found.moments()
    whole = found.train.images.double() / 255
    torch.testing.assert_close(mean, whole.mean((0, 2, 3)), rtol=1e-12, atol=0)
    torch.testing.assert_close(deviation, whole.var((0, 2, 3), unbiased=False).sqrt(), rtol=1e-12, atol=0)


def test_the_published_checksum_makes_an_archive_official(tmp_path, monkeypatch):
    path = write(tmp_path / "cifar-10-binary.tar.gz")
    with pytest.raises(ValueError, match=r"MD5 checksum must be c32a1d4a.*cifar-10-binary.tar.gz.*; got [0-9a-f]{32}"):
        read_cifar(path)
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    known = KINDS["cifar-10-binary"]._replace(md5=digest)
    monkeypatch.setattr("riskkit.data.cifar.ARCHIVES", (known,))
    assert read_cifar(path).official


def test_equal_images_have_equal_content_in_both_formats(tmp_path):
    first, second = (
        read_cifar(write(tmp_path / kind, kind), any_archive=True) for kind in ("cifar-10-binary", "cifar-10-python")
    )
    assert first.content == second.content
    other = read_cifar(write(tmp_path / "x", train=45), any_archive=True)
    assert other.content != first.content


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/never",)


HOSTILE = {
    "os.system": pickle.dumps(Command(), 2),
    "in a dict": pickle.dumps({"data": Command()}, 4),
    "eval": b"cbuiltins\neval\n(U\x011tR.",
    "getattr": b"cbuiltins\ngetattr\n.",
    "numpy itself": b"cnumpy\nload\n(U\x01xtR.",
    "ndarray called": b"cnumpy\nndarray\n(K\x05tR.",
    "an array of objects": pickle.dumps(np.array([object], dtype=object), 2, fix_imports=True),
    "floats": pickle.dumps(np.zeros(3), 4),
    "a shape that does not fit": python2_pickle(np.zeros((2, 8), np.uint8), "labels", [1]).replace(
        b"J" + (8).to_bytes(4, "little"), b"J" + (9).to_bytes(4, "little")
    ),
    "a name that is changed": b"cnumpy\nndarray\n}U\x01aK\x01sb.",
    "persistent": b"U\x01xQ.",
    "an extension": b"\x80\x02\x82\x01.",
    "a set": pickle.dumps({1, 2}, 4),
    "cut off": python2_pickle(np.zeros((2, 8), np.uint8), "labels", [1])[:-20],
    "nothing": b"",
    "a circle": b"](h\x000.",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_pickle_with_more_than_plain_data_is_refused(content, monkeypatch):
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("a command was run"))
    with pytest.raises(HostileError):
        unpickled(content)


def test_plain_pickles_of_python_3_are_read_too():
    held = {b"a": [1, 2.5, None, True, "text", b"bytes"], "array": np.arange(6, dtype=np.uint8).reshape(2, 3)}
    for protocol in (3, 4, 5):
        found = (
            unpickled(pickle.dumps(held, protocol)) if protocol < 5 else unpickled(pickle.dumps({"a": held[b"a"]}, 5))
        )
        assert found["a"] == held[b"a"]
    assert np.array_equal(unpickled(pickle.dumps(held, 4))["array"], held["array"])


def test_damaged_archives_are_refused_in_one_line(tmp_path):
    whole = write(tmp_path / "whole").read_bytes()
    cut, text = tmp_path / "cut", tmp_path / "text"
    cut.write_bytes(whole[: len(whole) // 2])
    text.write_text("no archive")
    name = "data_batch_3.bin"
    for path, said in (
        (cut, "damaged or cut off"),
        (text, "damaged or cut off"),
        (write(tmp_path / "missing", without=(name,)), f"{name} is missing"),
        (write(tmp_path / "short", replaced={name: b"x" * 3000}), "records of 3073 bytes each; got 3000 bytes"),
        (write(tmp_path / "classes", replaced={name: b"\x0b" * 3073}), "classes 0 to 9"),
        (
            write(tmp_path / "hostile", "cifar-10-python", replaced={"data_batch_3": HOSTILE["os.system"]}),
            r"data_batch_3 is refused: it names (posix|nt).system, and only arrays are admitted",
        ),
        (
            write(tmp_path / "empty", "cifar-10-python", replaced={"data_batch_3": pickle.dumps({}, 2)}),
            r"must hold 'data', bytes \(N, 3072\), and 'labels'",
        ),
    ):
        with pytest.raises(ValueError, match=said) as raised:
            read_cifar(path, any_archive=True)
        assert "\n" not in str(raised.value)


@PIL
def test_a_folder_tree_is_decoded_the_same_wherever_it_is_taken_up(tmp_path):
    from riskkit.images import FromTree

    found = read_tree(tree(tmp_path / "x"))
    assert (found.classes, len(found.train), found.test.targets.tolist()) == (("cat", "dog"), 6, [0, 0, 0, 1, 1, 1])
    source = FromTree(found, 16, torch.device("cpu"), 0)
    numbers, keys = [torch.tensor([4, 0, 2]), torch.tensor([1, 5])], [7, 8]
    whole, again = (list(source.training(numbers[i:], keys[i:])) for i in (0, 1))
    assert whole[0][0].shape == (3, 3, 16, 16)
    assert whole[0][1].tolist() == [1, 0, 0]
    assert torch.equal(whole[1][0], again[0][0])
    assert not torch.equal(whole[0][0], next(source.training(numbers[:1], [9]))[0])
    images, targets = next(source.testing(4))
    assert (images.shape, targets.tolist()) == ((4, 3, 16, 16), [0, 0, 0, 1])


@PIL
@pytest.mark.slow
def test_workers_decode_the_same_and_their_errors_are_one_line(tmp_path):
    from riskkit.data.imagenet import ImageError
    from riskkit.images import FromTree

    found = read_tree(tree(tmp_path / "x"))
    numbers, keys = [torch.tensor([4, 0, 2]), torch.tensor([1, 5])], [7, 8]
    alone, beside = (list(FromTree(found, 16, torch.device("cpu"), n).training(numbers, keys)) for n in (0, 2))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(alone, beside, strict=True))
    found.train.paths[5].write_bytes(b"no image")
    for workers in (0, 1):
        with pytest.raises(ImageError, match=r"^\S+2\.png cannot be decoded \(UnidentifiedImageError\); replace it\.$"):
            list(FromTree(found, 16, torch.device("cpu"), workers).training(numbers, keys))


@PIL
def test_a_test_image_is_the_middle_of_the_scaled_one(tmp_path):
    from PIL import Image

    from riskkit.data.imagenet import Decoded

    found = read_tree(tree(tmp_path / "x", size=(256, 288)))
    own = Decoded(found.test, 224)[0, None][0]
    with Image.open(found.test.paths[0]) as image:
        assert np.array_equal(own.permute(1, 2, 0).numpy(), np.asarray(image.convert("RGB"))[32:256, 16:240])


@PIL
def test_trees_that_are_none_are_refused(tmp_path):
    from PIL import Image

    from riskkit.data.imagenet import Decoded

    with pytest.raises(ValueError, match=r"train/ is missing"):
        read_tree(tmp_path)
    found = read_tree(tree(tmp_path / "x"))
    (tmp_path / "x" / "val" / "bird").mkdir()
    with pytest.raises(ValueError, match="bird is in one of them only"):
        read_tree(tmp_path / "x")
    (tmp_path / "x" / "train" / "bird").mkdir()
    with pytest.raises(ValueError, match="bird holds no images"):
        read_tree(tmp_path / "x")
    found.train.paths[0].write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"0\.png cannot be decoded"):
        Decoded(found.train, 16)[0, 1]
    whole = io.BytesIO()
    Image.new("RGB", (30, 30)).save(whole, "png")
    found.train.paths[1].write_bytes(whole.getvalue()[:40])
    with pytest.raises(ValueError, match=r"1\.png cannot be decoded"):
        Decoded(found.train, 16)[1, None]
