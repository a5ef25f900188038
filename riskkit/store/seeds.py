"""Numbers of anybody's experiment: a CSV with a column for each method and a row for each seed."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from riskkit.store.atomic import StoreError, read


def read_seeds(path: Path, *, paired: bool = True) -> dict[str, npt.NDArray[np.float64]]:
    """Column name -> its numbers, (R,), in the order of the rows. The first row has the names.

    Raises ValueError, in one line, for a file that is no such table: a row of another length, an entry that is missing
    or no finite number. Where rows are no pairs, a column may be shorter than another: then its last rows are empty.
    """
    try:
        text = read(path).decode("utf-8-sig")
    except (OSError, StoreError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be a CSV with a row for each seed; it cannot be read: {error}.") from error
    lines = csv.reader(io.StringIO(text))
    rows = [(lines.line_num, row) for row in lines if row]
    if len(rows) < 2:
        raise ValueError(f"{path} must have a row of names and a row for each seed; it has {len(rows)} rows.")
    names = [name.strip() for name in rows[0][1]]
    if len(set(names)) < len(names) or not all(names):
        raise ValueError(f"{path}, line 1: each column needs a name of its own; got {', '.join(map(repr, names))}.")
    columns: dict[str, list[float]] = {name: [] for name in names}
    ended: dict[str, int] = {}
    for line, row in rows[1:]:
        if len(row) != len(names):
            raise ValueError(f"{path}, line {line}: {len(names)} entries are expected; got {len(row)}.")
        for name, entry in zip(names, row, strict=True):
            if not entry.strip():
                if paired:
                    raise ValueError(
                        f"{path}, line {line}: {name} is missing; give every seed a number, or leave its row out."
                    )
                ended.setdefault(name, line)
                continue
            try:
                value = float(entry)
            except ValueError:
                value = math.nan
            if not math.isfinite(value):
                raise ValueError(f"{path}, line {line}: {name} must be a finite number; got {entry.strip()!r}.")
            if name in ended:
                raise ValueError(f"{path}, line {ended[name]}: {name} is missing, but not after it; close the gap.")
            columns[name].append(value)
    return {name: np.array(values) for name, values in columns.items()}
