"""The bytes of one shard.

Plain Parquet, one row for each run, checkpoint T, output and replicate (in that order, the last running fastest), one
column for each quantity and each number of the dataset, and a header in the metadata that says what it holds.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from riskkit.algorithms.staged import OUTPUTS
from riskkit.identity import address
from riskkit.measure.quantities import Measured
from riskkit.store import parquet
from riskkit.store.atomic import StoreError

NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})\.parquet")
_PLACE = ("run", "T", "output", "replicate", "engine", "diverged_at")


class BrokenError(Exception):
    """A shard is not what its name says."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a shard says of itself in its Parquet metadata; authenticated by the first half of its name."""

    first: int
    replicates: int
    runs: tuple[str, ...]
    checkpoints: tuple[int, ...]
    quantities: tuple[str, ...]
    dataset: tuple[str, ...]

    @property
    def stop(self) -> int:
        return self.first + self.replicates

    def address(self) -> str:
        return address({"runs": self.runs, "first": self.first, "replicates": self.replicates})[:32]

    def encode(self) -> bytes:
        return json.dumps({"schema": parquet.SCHEMA, **dataclasses.asdict(self)}, separators=(",", ":")).encode()

    @staticmethod
    def decode(text: bytes) -> tuple[int, Header | None]:
        """(schema, header); the header is None if the schema is a newer one. Raises BrokenError."""
        try:
            fields = json.loads(text)
            schema = fields.pop("schema")
            if type(schema) is not int or schema < 1:
                raise BrokenError("its header names no schema")
            if schema > parquet.SCHEMA:
                return schema, None
            for name in ("runs", "checkpoints", "quantities", "dataset"):
                fields[name] = tuple(fields[name])
            header = Header(**fields)
            if not all(isinstance(value, str) for value in (*header.runs, *header.quantities, *header.dataset)):
                raise BrokenError("its header is not readable")
            counts = (header.first, header.replicates, *header.checkpoints)
            if not all(type(value) is int and value >= 0 for value in counts):
                raise BrokenError("its header is not readable")
            if len(header.runs) != len(header.checkpoints):
                raise BrokenError("its header is not readable")
            return schema, header
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BrokenError("its header is not readable") from error


def tabulate(measured: Sequence[Measured]) -> tuple[Header, pa.Table]:
    """The shard's rows; ValueError if the measurements do not belong in one."""
    if not measured:
        raise ValueError("put: needs at least one measured run; got none.")
    runs = sorted(measured, key=lambda one: one.run)
    head, R = runs[0], len(runs[0].diverged_at)
    quantities, dataset = tuple(sorted(head.values)), tuple(sorted(head.dataset))
    if len({*quantities, *dataset, *_PLACE}) < len(quantities) + len(dataset) + len(_PLACE):
        raise ValueError(f"put: names of quantities and dataset must differ from each other and from {_PLACE}.")
    if len({one.run for one in runs}) < len(runs):
        raise ValueError("put: each run may come once in a shard; one came twice.")
    for one in runs:
        K = len(one.rounds)
        if K == 0 or R == 0:
            raise ValueError(f"put: run {one.run} must have checkpoints and replicates; got {K} and {R}.")
        if (one.first, len(one.diverged_at)) != (head.first, R):
            raise ValueError(f"put: all runs of a shard must share one block of replicates; run {one.run} does not.")
        if (tuple(sorted(one.values)), tuple(sorted(one.dataset))) != (quantities, dataset):
            raise ValueError(f"put: all runs of a shard must have the same quantities; run {one.run} does not.")
        _check(one.run, "rounds", one.rounds, np.int64, (K,))
        _check(one.run, "diverged_at", one.diverged_at, np.int64, (R,))
        for name, array in one.values.items():
            _check(one.run, name, array, np.float64, (R, K, len(OUTPUTS)))
        for name, array in one.dataset.items():
            _check(one.run, name, array, np.float64, (R,))

    checkpoints = tuple(len(one.rounds) for one in runs)
    header = Header(int(head.first), R, tuple(one.run for one in runs), checkpoints, quantities, dataset)
    O = len(OUTPUTS)  # noqa: E741
    rows = [K * O for K in checkpoints]
    where = np.repeat(np.arange(len(runs), dtype=np.int32), np.array(rows) * R)
    columns: dict[str, Any] = {
        "run": pa.DictionaryArray.from_arrays(where, list(header.runs)),
        "T": np.concatenate([np.repeat(one.rounds, O * R) for one in runs]),
        "output": pa.DictionaryArray.from_arrays(
            np.tile(np.repeat(np.arange(O, dtype=np.int32), R), sum(checkpoints)), list(OUTPUTS)
        ),
        "replicate": np.tile(np.arange(head.first, head.first + R), sum(rows)),
        "engine": pa.array([one.engine for one in runs]).take(pa.array(where)).dictionary_encode(),
        "diverged_at": np.concatenate([np.tile(one.diverged_at, count) for one, count in zip(runs, rows, strict=True)]),
    }
    for name in quantities:
        columns[name] = np.concatenate([one.values[name].transpose(1, 2, 0).ravel() for one in runs])
    for name in dataset:
        columns[name] = np.concatenate([np.tile(one.dataset[name], n) for one, n in zip(runs, rows, strict=True)])
    return header, pa.table(columns).replace_schema_metadata({parquet.KEY: header.encode()})


def _check(run: str, name: str, array: npt.NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"put: {name} of run {run} must be {dtype.__name__} {shape}; got {array.dtype} {array.shape}.")


def extract(payload: bytes, header: Header, runs: list[str]) -> dict[str, Measured]:
    """The given runs of a shard whose checksum holds; BrokenError if it was not laid out by this module."""
    R, O = header.replicates, len(OUTPUTS)  # noqa: E741
    try:
        table = pq.read_table(io.BytesIO(payload), use_threads=False)
        parquet.check_types(table.schema)
        numbers = {
            name: table.column(name).to_numpy()
            for name in ("T", "replicate", "diverged_at", *header.quantities, *header.dataset)
        }
        texts = {name: table.column(name).unify_dictionaries().combine_chunks() for name in ("run", "output")}
        codes = {name: column.indices.to_numpy() for name, column in texts.items()}
        meaning = {name: column.dictionary.to_pylist() for name, column in texts.items()}
        outputs = np.array([meaning["output"].index(output) for output in OUTPUTS])[:, None]
        engines = table.column("engine")
        edges = np.cumsum([0, *(K * O * R for K in header.checkpoints)]).tolist()
        if edges[-1] != table.num_rows:
            raise BrokenError("its rows are not those its header promises")
        found = {}
        for run in runs:
            i = header.runs.index(run)
            K, span = header.checkpoints[i], slice(edges[i], edges[i + 1])
            if not (
                (codes["run"][span] == meaning["run"].index(run)).all()
                and (codes["output"][span].reshape(K, O, R) == outputs).all()
                and (numbers["replicate"][span].reshape(K * O, R) == np.arange(header.first, header.stop)).all()
            ):
                raise BrokenError("its rows are not in order")
            start = slice(span.start, span.start + R)
            found[run] = Measured(
                run=run,
                first=header.first,
                rounds=numbers["T"][span][:: O * R].copy(),
                # Views: one checkpoint's replicates stay side by side, as they are read.
                values={name: numbers[name][span].reshape(K, O, R).transpose(2, 0, 1) for name in header.quantities},
                dataset={name: numbers[name][start].copy() for name in header.dataset},
                diverged_at=numbers["diverged_at"][start].copy(),
                engine=engines[span.start].as_py(),
            )
        return found
    except (pa.ArrowException, KeyError, ValueError, OSError, AttributeError) as error:
        raise BrokenError("its contents are not a shard's") from error


def join(blocks: list[Measured], replicates: int) -> Measured:
    """Blocks that together cover 0 .. replicates - 1, as one; each gives what the ones before do not reach."""
    head = blocks[0]
    cuts: list[slice] = []
    reached = 0
    for block in blocks:
        stop = min(replicates, block.first + len(block.diverged_at))
        cuts.append(slice(reached - block.first, stop - block.first))
        reached = stop
        agree(head.run, head.rounds, head.values, block)
    pairs = list(zip(blocks, cuts, strict=True))
    return dataclasses.replace(
        head,
        first=0,
        values={name: np.concatenate([block.values[name][cut] for block, cut in pairs]) for name in head.values},
        dataset={name: np.concatenate([block.dataset[name][cut] for block, cut in pairs]) for name in head.dataset},
        diverged_at=np.concatenate([block.diverged_at[cut] for block, cut in pairs]),
        engine=" + ".join(sorted({block.engine for block in blocks})),
    )


def agree(run: str, rounds: npt.NDArray[np.int64], quantities: Iterable[str], block: Measured) -> None:
    """Raises StoreError for a block of a run with other checkpoints or quantities."""
    if not np.array_equal(block.rounds, rounds) or set(block.values) != set(quantities):
        raise StoreError(
            f"run {run}: its blocks disagree on checkpoints or quantities; one address must mean one question; move "
            "the shards away and run the sweep again."
        )


def read_footer(path: Path) -> bytes:
    """The Parquet metadata as a file of its own, without the payload before it; BrokenError if there is none."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65536))
        tail = file.read()
        length = int.from_bytes(tail[-8:-4], "little")
        if size < 12 or tail[-4:] != b"PAR1" or length > size - 12:
            raise BrokenError("it does not end like a Parquet file")
        if length + 8 > len(tail):
            file.seek(size - length - 8)
            tail = file.read()
    return b"PAR1" + tail[-length - 8 :]


def header_text(footer: bytes) -> bytes:
    try:
        found = pq.read_metadata(io.BytesIO(footer)).metadata
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BrokenError("its Parquet metadata is not readable") from error
    if not found or parquet.KEY not in found:
        raise BrokenError("it has no header of riskkit's")
    text: bytes = found[parquet.KEY]
    return text
