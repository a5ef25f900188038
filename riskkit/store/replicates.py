"""The values of single replicates, loaded from the shards of a results folder."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from riskkit.algorithms.staged import OUTPUTS
from riskkit.store.atomic import StoreError, read
from riskkit.store.shards import MissingReplicatesError, Store
from riskkit.store.table import concatenated, folders


def load_replicates(path: str | Path) -> pd.DataFrame:
    """The values behind ``load``'s means, one row = one cell x output x quantity x replicate.

    Columns: experiment, the cell's coordinates (algorithm, n, T, k, alpha, ...), run (its content address), output,
    quantity, replicate, value, diverged_at (the gradient after which the replicate diverged, -1 if it did not). The
    values are as measured, before any control variate. Runs that are not stored in full are left out, with a warning
    that names them. Raises as ``load`` does, and MissingReplicatesError if no run is complete.
    """
    return concatenated([_load_replicates(folder) for folder in folders(path)])


def _load_replicates(folder: Path) -> pa.Table:
    path = folder / "run.json"
    try:
        record = json.loads(read(path))
        experiment = record["request"]["experiment"]
        replicates = int(record["replicates"])
        cells = [(run, dict(labels)) for run, places in record["runs"].items() for labels in places]
        checkpoints = [int(labels.pop("checkpoint")) for _, labels in cells]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{path} must say which run answers which cell; it is missing or damaged; run the same sweep again."
        ) from error
    store, runs = Store(folder), list(record["runs"])
    try:
        measured = store.get_many(runs, replicates)
    except MissingReplicatesError as error:
        complete = [run for run in runs if run not in error.missing]
        if not complete:
            raise
        warnings.warn(str(error), UserWarning, stacklevel=3)
        measured = store.get_many(complete, replicates)

    kept: list[dict[str, Any]] = []
    values: list[npt.NDArray[np.float64]] = []
    diverged: list[npt.NDArray[np.int64]] = []
    quantities: list[str] = []
    for (run, labels), rounds in zip(cells, checkpoints, strict=True):
        if run not in measured:
            continue
        one = measured[run]
        quantities = quantities or list(one.values)
        at = np.flatnonzero(one.rounds == rounds)
        if len(at) != 1 or list(one.values) != quantities:
            raise StoreError(f"{path}: run {run} has no checkpoint {rounds}; run the same sweep again.")
        kept.append({"experiment": experiment, **labels, "run": run})
        # (R, O) for each quantity -> output, quantity, replicate
        values.append(np.stack([one.values[name][:, at[0], :].T for name in quantities], axis=1).ravel())
        diverged.append(np.tile(one.diverged_at, len(OUTPUTS) * len(quantities)))
    C, O, Q, R = len(kept), len(OUTPUTS), len(quantities), replicates  # noqa: E741
    columns: dict[str, Any] = {}
    cell = np.repeat(np.arange(C), O * Q * R)
    for name in kept[0]:
        labels = pa.array([labels.get(name) for labels in kept])
        if pa.types.is_null(labels.type):
            labels = labels.cast(pa.float64())  # NaN in every cell, which JSON has as null
        columns[name] = labels.dictionary_encode().take(cell) if pa.types.is_string(labels.type) else labels.take(cell)
    columns["output"] = pa.DictionaryArray.from_arrays(np.tile(np.repeat(np.arange(O), Q * R), C), list(OUTPUTS))
    columns["quantity"] = pa.DictionaryArray.from_arrays(np.tile(np.repeat(np.arange(Q), R), C * O), quantities)
    columns["replicate"] = np.tile(np.arange(R), C * O * Q)
    columns["value"] = np.concatenate(values)
    columns["diverged_at"] = np.concatenate(diverged)
    return pa.table(columns)
