"""Populations from files of one's own: comma-separated text and numpy archives."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from riskkit.data.population import Population


def from_csv(
    path: str | Path,
    target: str,
    *,
    features: Sequence[str] = (),
    classes: bool = False,
    noise: float = 0.0,
    name: str = "",
) -> Population:
    """The rows of a comma-separated file with a header.

    Args:
        target: the column of the targets.
        features: the columns of the features, in this order; default: all others.
        classes: the targets are class labels, whatever they look like; else numbers.
        noise: of the kernel, as ``Population`` has it.
        name: default: the file's name without its suffix.

    Raises ValueError, in one line, for a column that is not there and for a cell that is no number, naming its line;
    OSError if the file cannot be read.
    """
    path = Path(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    header, body = (rows[0], [row for row in rows[1:] if row]) if rows else ([], [])
    wanted = list(features) or [column for column in header if column != target]
    for column in (target, *wanted):
        if column not in header:
            raise ValueError(f"{path.name}: there is no column {column!r}; its columns are {', '.join(header)}.")
    places, own = [header.index(column) for column in wanted], header.index(target)

    def number(line: int, place: int) -> float:
        try:
            return float(body[line][place])
        except (ValueError, IndexError):
            came = repr(body[line][place]) if place < len(body[line]) else "nothing"
            raise ValueError(
                f"{path.name}: {header[place]} must be a number in data row {line + 1}; got {came}. Leave the column "
                "or the row out, or fill it in."
            ) from None

    table = np.array([[number(line, place) for place in places] for line in range(len(body))]).reshape(-1, len(places))
    if classes:
        labels: list[str] | np.ndarray = [row[own] for row in body]
    else:
        labels = np.array([number(line, own) for line in range(len(body))])
    return Population(table, labels, noise=noise, name=name or path.stem)


def from_npz(path: str | Path, *, noise: float = 0.0, name: str = "") -> Population:
    """A numpy archive with the arrays ``features`` (N, p) and ``targets`` (N,); it is read without pickle.

    ``noise``: the probability with which a drawn label is replaced, as of ``Population``.

    Raises ValueError, in one line, for an archive without them; OSError if the file cannot be read.
    """
    path = Path(path)
    with np.load(path, allow_pickle=False) as file:
        missing = [array for array in ("features", "targets") if array not in file.files]
        if missing:
            raise ValueError(
                f"{path.name}: the archive must hold features and targets; it has {', '.join(file.files) or 'none'}."
            )
        return Population(file["features"], file["targets"], noise=noise, name=name or path.stem)
