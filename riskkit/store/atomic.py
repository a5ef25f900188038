"""Files that are whole or not there: a reader sees the old file or the new one, and a power cut loses neither.

The bytes go to a temporary file in the same folder, fsync, rename, fsync of the folder. Every failure of the disk is
an ordinary event, told in one line.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

LONGEST_NAME = 105
"""Characters of a shard's name: no file's is longer."""
_ABANDONED = 24 * 3600.0
"""Seconds after which a temporary file belongs to no living writer: a write takes seconds."""


class StoreError(Exception):
    """What lies on disk cannot be read or written. One line: what was expected, what came, what to do."""


def read(path: Path) -> bytes:
    """The file's bytes; raises FileNotFoundError if there is none, StoreError for any other trouble."""
    with reading(path):
        return path.read_bytes()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns an OSError into a StoreError, but lets FileNotFoundError pass: whoever reads knows what that means."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refusal(path, error) from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> StoreError:
    kept = "run the same command again: what is finished is kept"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            line = f"the disk is full ({error.strerror}); free some space and {kept}"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            line = f"access refused ({error.strerror}); allow it or use --out elsewhere"
        case errno.ENAMETOOLONG:
            line = "the path is too long; use --out elsewhere"
        case errno.EFBIG:
            line = (
                f"a file may not grow so large ({error.strerror}); raise the limit (ulimit -f), or use --out on a disk "
                f"without it, and {kept}"
            )
        case errno.EEXIST | errno.ELOOP if path.is_symlink():
            line = "it is a link that leads nowhere; use --out elsewhere"
        case errno.ENOTDIR | errno.EEXIST | errno.EISDIR:
            line = f"a file and a folder are in each other's place ({error.strerror}); use --out elsewhere"
        case errno.ENOENT:
            line = f"its folder went away; {kept}"
        case _:
            line = f"{error.strerror or error}; check the disk and {kept}"
    return StoreError(f"{path}: {line}.")


def _temporary(folder: Path) -> Path:
    return folder / f".{os.getpid()}-{secrets.token_hex(8)}.tmp"


def prepare_folder(folder: Path) -> None:
    """Creates the folder, proves that files can be made in it, and removes what writers killed a day ago left there."""
    make_folder(folder)
    with writing(folder):
        for leftover in folder.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > _ABANDONED:
                    leftover.unlink()
        probe = folder / f"{_temporary(folder).stem:0<{LONGEST_NAME}}.tmp"
        probe.touch()
        probe.unlink()


def make_folder(folder: Path) -> None:
    """Creates the folder and those above it, durably; raises StoreError."""
    with writing(folder):
        if not folder.is_dir():
            if not folder.parent.is_dir():
                make_folder(folder.parent)
            try:
                folder.mkdir(exist_ok=True)
            except FileNotFoundError:
                if not folder.parent.is_dir():
                    raise
                raise StoreError(f"{folder}: no folder can be made there; use --out elsewhere.") from None
            _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: fsync of a file covers its contents, not its name."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot sync a folder and say so with EINVAL; their server orders the renames.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)


def write(path: Path, payload: bytes, *, durable: bool = True) -> None:
    """The file at ``path`` becomes ``payload`` at once and durably; raises StoreError and leaves no temporary file.

    ``durable=False``: a loss of power may cost the file, which suits what can be made again from what is stored.
    """
    make_folder(path.parent)
    if path.exists() and not (path.is_file() or path.is_dir()):  # a new file would take the place of a device
        raise StoreError(f"{path} is a device or a pipe, and a file is to be written; name another place.")
    temporary = _temporary(path.parent)
    with writing(path):
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                view = memoryview(payload)
                while view:
                    view = view[os.write(handle, view) :]
                if durable:
                    os.fsync(handle)
            finally:
                os.close(handle)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)


def move(folder: Path, to: Path) -> None:
    """Renames a folder on the same disk, durably; raises StoreError if that cannot be."""
    make_folder(to.parent)
    with writing(folder):
        folder.rename(to)
        _sync_folder(to.parent)
        _sync_folder(folder.parent)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """``write`` of UTF-8 text; bytes of a path in another encoding are escaped, as in JSON."""
    write(path, text.encode(errors="backslashreplace"), durable=durable)


def write_json(path: Path, value: object, *, durable: bool = True) -> None:
    """``write`` of JSON with sorted keys: equal values give equal bytes.

    NaN, which JSON has not, becomes null; infinities the strings "inf" and "-inf". Numpy scalars and arrays, tuples and
    mappings are taken as what they hold; TypeError for anything else.
    """
    text = json.dumps(plain(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n", durable=durable)


def plain(value: object) -> Any:
    """The value as it is read back from the JSON that ``write_json`` writes."""
    match value:
        case None | bool() | int() | str():
            return value
        case np.generic() | np.ndarray():
            return plain(value.tolist())
        case float():
            if math.isnan(value):
                return None
            return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
        case Mapping():
            if not all(isinstance(key, str) for key in value):
                raise TypeError(f"write_json: keys must be strings; got {list(value)!r}.")
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    raise TypeError(f"write_json: needs numbers, text, lists and mappings; got {type(value).__name__}.")
