"""What was made in a results folder, and from what: outputs are addressed as measurements are.

``made.json`` says of each output (the table and verdicts of an experiment, a figure, the tables, the report) the
address of what it was made from, and of each of its files what the file holds. An output stands as long as both are
true; then there is nothing to make again. A file that has not been touched since it was noted is not read again: size,
times and inode say so, as for git.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from riskkit.store.atomic import StoreError, read, write_json

NAME = "made.json"

SETTLED = 2 * 10**9
"""Nanoseconds after which a file's times tell every later change."""


class Made:
    """The outputs noted in one folder; a record that is missing or damaged knows of none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME
        try:
            found = json.loads(read(self.path))["outputs"]
            self._outputs: dict[str, Any] = dict(found)
        except (OSError, StoreError, KeyError, TypeError, ValueError):
            self._outputs = {}

    def notes(self, output: str) -> bool:
        """Whether it knows of the output at all."""
        return output in self._outputs

    def stands(self, output: str, address: str) -> bool:
        """Whether the output was made from these inputs, and its files are as they were."""
        try:
            noted = self._outputs[output]
            return noted["from"] == address and all(
                self._same(self.folder / name, known) for name, known in noted["files"].items()
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return False

    def files(self, output: str) -> list[Path]:
        """Those of an output that was noted."""
        return [self.folder / name for name in self._outputs[output]["files"]]

    def outputs(self) -> list[str]:
        """Those that were noted."""
        return list(self._outputs)

    def forget(self, output: str) -> None:
        """Removes the files of an output, and the note of it. Raises StoreError."""
        for path in self.files(output):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self._outputs = {name: noted for name, noted in Made(self.folder)._outputs.items() if name != output}
        write_json(self.path, {"outputs": self._outputs})

    def note(self, outputs: Mapping[str, tuple[str, Iterable[Path]]]) -> None:
        """Output -> the address of what it was made from, and its files. Raises StoreError."""
        self._outputs = {**Made(self.folder)._outputs}  # others note as well
        for output, (address, paths) in outputs.items():
            self._outputs[output] = {
                "from": address,
                "files": {path.relative_to(self.folder).as_posix(): _known(path) for path in paths},
            }
        write_json(self.path, {"outputs": self._outputs}, durable=False)

    def _same(self, path: Path, known: list[Any]) -> bool:
        content, *signature = known
        try:
            return signature == _signature(path) or hashlib.sha256(path.read_bytes()).hexdigest() == content
        except OSError:
            return False


_NAMED = re.compile(r"[0-9a-f]{32}-([0-9a-f]{64})\.parquet")
"""A shard, whose name holds its digest."""


def _known(path: Path) -> list[Any]:
    """The digest of a file, and its signature where that will show a change."""
    named = _NAMED.fullmatch(path.name)
    content = named[1] if named else hashlib.sha256(path.read_bytes()).hexdigest()
    signature = _signature(path)
    return [content, *(signature if time.time_ns() - signature[1] > SETTLED else [])]


def _signature(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
