"""The file of a search: one line says what is searched, then one line an evaluation. A search that is begun again with
the same file asks it before it computes, and so goes on where it was."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from riskkit.attack.evaluation import AttackError, Value

Key = tuple[int, tuple[str, ...]]
"""An arm, and what was chosen in it, as text."""


class Journal:
    """Evaluations by what was chosen; kept in a file if there is one.

    Raises AttackError, in one line, for a file that is of another search, or of none.
    """

    def __init__(self, path: Path | None, header: dict[str, Any]) -> None:
        self._known: dict[Key, Value | None] = {}
        self._file: IO[str] | None = None
        if path is None:
            return
        whole = 0
        if path.exists():
            text = path.read_bytes()
            whole = text.rfind(b"\n") + 1  # a last line that was cut off is computed again
            lines = text[:whole].decode("utf-8", "replace").splitlines()
            self._read(path, lines, header)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+" if whole else "w", encoding="utf-8")
        self._file.seek(whole)
        self._file.truncate()
        if not whole:
            self._line(header)

    def _read(self, path: Path, lines: Sequence[str], header: dict[str, Any]) -> None:
        try:
            rows = [json.loads(line) for line in lines]
            if rows and rows[0] != json.loads(json.dumps(header)):
                raise AttackError(f"{path} is of another search (other bound, seed, space or code); name another file.")
            for row in rows[1:]:
                value = row["value"]
                known = None if value is None else Value(**{**value, "terms": tuple(value["terms"])})
                self._known[row["arm"], tuple(row["chosen"])] = known
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise AttackError(f"{path} is not the file of a search; name another file.") from error

    def __contains__(self, key: Key) -> bool:
        return key in self._known

    def __getitem__(self, key: Key) -> Value | None:
        return self._known[key]

    def put(self, key: Key, value: Value | None) -> None:
        self._known[key] = value
        if self._file is not None:
            self._line({"arm": key[0], "chosen": key[1], "value": None if value is None else dataclasses.asdict(value)})

    def _line(self, row: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
