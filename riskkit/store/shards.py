"""The only thing on disk: typed, checksummed, resumable.

    results/<experiment>/shards/<address>-<sha256>.parquet    some runs on one block of replicates
                         quarantine/                          shards that failed their checks, kept for inspection
                         table.parquet, table.csv, verdict.json, run.json, README.txt
                         sessions/                            one diary for each sweep (riskkit.store.provenance)
    results/aside/<experiment>-<number>/                      what ``--fresh`` has put aside

A shard is plain Parquet, one row for each run, checkpoint T, output and replicate (in that order, the last running
fastest), one column for each quantity and each number of the dataset. Its name has two halves. The first is the
address of what it holds, and says so before the payload is read; the second is the SHA-256 of the whole file, and
proves it. Every single-byte error, truncation or exchanged name breaks one of them. Both come with the one rename that
makes the shard visible, so there is no moment at which a shard exists without its checksum.

Nothing is pickled, and only numbers, truth values and text are read back: opening a stranger's results runs no code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from riskkit.algorithms.staged import OUTPUTS
from riskkit.identity import address
from riskkit.store.atomic import StoreError, move, prepare_folder, read, reading, write, write_json, write_text

if TYPE_CHECKING:
    from riskkit.measure.decomposition import Measured

__all__ = [
    "SCHEMA",
    "MissingReplicatesError",
    "QuarantineWarning",
    "Quarantined",
    "Store",
    "StoreError",
    "frame",
    "load",
    "load_replicates",
    "write_json",
    "write_table",
    "write_text",
]

SCHEMA = 1
"""Version of what lies on disk. The form of a shard's name and the key of its header stay the same in all versions:
by them an older riskkit tells a newer shard from a broken one."""

LOOK_AGAIN = 1.0
"""Seconds between two looks for what other sweeps have written."""

_KEY = b"riskkit"
_NAME = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})\.parquet")
_PLACE = ("run", "T", "output", "replicate", "engine", "diverged_at")


class MissingReplicatesError(StoreError, KeyError):
    """Runs that the store does not hold in full; ``missing`` maps each to the ranges of replicates it lacks."""

    def __init__(self, missing: dict[str, tuple[range, ...]]) -> None:
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        run, lacks = next(iter(self.missing.items()))
        others = f" (and {len(self.missing) - 1} more runs lack some)" if len(self.missing) > 1 else ""
        ranges = ", ".join(f"{r.start}..{r.stop - 1}" for r in lacks)
        return f"run {run} lacks replicates {ranges}{others}; run the same sweep again to compute them."


class QuarantineWarning(UserWarning):
    """A shard failed its checks and counts as missing."""


class Quarantined(NamedTuple):
    """A shard that failed its checks: its file name, why, and where it lies now (None: it is gone)."""

    name: str
    reason: str
    kept: Path | None


class _BrokenError(Exception):
    """A shard is not what its name says."""


@dataclasses.dataclass(frozen=True)
class _Header:
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
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, separators=(",", ":")).encode()

    @staticmethod
    def decode(text: bytes) -> tuple[int, _Header | None]:
        """(schema, header); the header is None if the schema is a newer one. Raises _BrokenError."""
        try:
            fields = json.loads(text)
            schema = fields.pop("schema")
            if type(schema) is not int or schema < 1:
                raise _BrokenError("its header names no schema")
            if schema > SCHEMA:
                return schema, None
            for name in ("runs", "checkpoints", "quantities", "dataset"):
                fields[name] = tuple(fields[name])
            header = _Header(**fields)
            if not all(isinstance(value, str) for value in (*header.runs, *header.quantities, *header.dataset)):
                raise _BrokenError("its header is not readable")
            counts = (header.first, header.replicates, *header.checkpoints)
            if not all(type(value) is int and value >= 0 for value in counts):
                raise _BrokenError("its header is not readable")
            if len(header.runs) != len(header.checkpoints):
                raise _BrokenError("its header is not readable")
            return schema, header
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _BrokenError("its header is not readable") from error


class Store:
    """The shards of one experiment under ``root``; any number of processes may read and write at once.

    Folders are created by the first ``put`` (or ``prepare``). A shard that fails its checks is moved to
    ``root/quarantine``, named in a ``QuarantineWarning``, listed in ``quarantined``, and counts as missing.
    Raises StoreError if ``root`` is a file.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.quarantined: list[Quarantined] = []
        self._headers: dict[str, _Header] = {}
        self._bad: set[str] = set()
        """Bad shards that could not be moved away."""
        self._held: dict[str, set[int]] = {}
        self._look_again = 0.0
        for path in (self.root, self._shards):
            with reading(path):
                taken = path.exists() and not path.is_dir()
            if taken:
                raise StoreError(f"{path} must be a folder; it is a file; move it away or use --out elsewhere.")

    @property
    def _shards(self) -> Path:
        return self.root / "shards"

    def prepare(self) -> None:
        """Creates the folders and proves that they can be written; removes what writers killed long ago left behind.

        Raises StoreError now rather than after hours of computing.
        """
        for folder in (self.root, self._shards):
            prepare_folder(folder)

    def put(self, measured: Sequence[Measured]) -> Path:
        """Writes one shard: different runs on the same replicates, in any order; the bytes do not depend on it.

        When this returns the shard is on the disk, whatever happens next; when it raises StoreError, nothing is.
        Raises ValueError for measurements that do not belong in one shard.
        """
        header, table = _tabulate(measured)
        sink = io.BytesIO()
        pq.write_table(
            table,
            sink,
            compression="lz4",  # doubles hardly shrink, whatever a slower method tries
            use_dictionary=["run", "output", "engine"],
            write_statistics=["run", "T", "output", "replicate"],
            row_group_size=max(1, table.num_rows),
        )
        payload = sink.getvalue()
        name = f"{header.address()}-{hashlib.sha256(payload).hexdigest()}.parquet"
        path = self._shards / name
        write(path, payload)
        self._bad.discard(name)
        return path

    def have(self) -> dict[str, set[int]]:
        """For each run the first replicates of the blocks present.

        Reads the footers of shards not seen before; payloads are verified when they are read. Raises StoreError if a
        shard is of a newer schema.
        """
        found: dict[str, set[int]] = {}
        for header in self._scan().values():
            for run in header.runs:
                found.setdefault(run, set()).add(header.first)
        return found

    def holds(self, runs: Iterable[str], first: int) -> bool:
        """Whether the block that starts at ``first`` is there for all the runs: maybe another sweep has just put it.

        Looks at the disk again only after a while, so that asking before every task costs next to nothing.
        """
        if time.monotonic() >= self._look_again:
            began = time.monotonic()
            self._held = self.have()
            self._look_again = time.monotonic() + max(LOOK_AGAIN, 20 * (time.monotonic() - began))
        return all(first in self._held.get(run, ()) for run in runs)

    def set_aside(self) -> Path | None:
        """Moves the whole folder to ``aside/<name>-<number>`` beside it, and says where; None if there is none.

        Raises StoreError if it cannot be moved.
        """
        shelf = self.root.parent / "aside"
        number = 1
        while self.root.is_dir():
            kept = shelf / f"{self.root.name}-{number}"
            number += 1
            if kept.exists():
                continue
            move(self.root, kept)
            self._headers, self._held, self._look_again = {}, {}, 0.0
            return kept
        return None

    def get(self, run: str, replicates: int) -> Measured:
        """Replicates 0 .. ``replicates`` - 1 of a run; raises MissingReplicatesError naming what is not there."""
        return self.get_many([run], replicates)[run]

    def get_many(self, runs: Iterable[str], replicates: int) -> dict[str, Measured]:
        """``get`` for many runs, reading each shard once, with its checksum verified."""
        if replicates < 1:
            raise ValueError(f"replicates must be at least 1; got {replicates}.")
        wanted = list(dict.fromkeys(runs))
        pieces: dict[str, dict[str, Measured]] = {}
        while True:
            chosen = self._choose(wanted, replicates)
            needed: dict[str, list[str]] = {}
            for run, names in chosen.items():
                for name in names:
                    if run not in pieces.get(name, {}):
                        needed.setdefault(name, []).append(run)
            intact = True
            for name, found in needed.items():
                content = self._read(name, found)
                if content is None:
                    intact = False
                else:
                    pieces.setdefault(name, {}).update(content)
            # A shard that turned out bad may have a twin, written by another sweep: choose again.
            if intact:
                # Each piece is let go once it is joined, lest all measurements be in memory twice.
                return {run: _join([pieces[name].pop(run) for name in chosen[run]], replicates) for run in wanted}

    def check(self, runs: Iterable[str], replicates: int) -> None:
        """Raises as ``get_many`` would, at the price of the checksums: nothing is unpacked."""
        wanted = list(dict.fromkeys(runs))
        sound: set[str] = set()
        while True:
            chosen = self._choose(wanted, replicates)
            needed = {name for names in chosen.values() for name in names} - sound
            sound |= {name for name in sorted(needed) if self._read(name, []) is not None}
            if needed <= sound:
                return

    def verify(self) -> list[Quarantined]:
        """Reads every shard, quarantines the bad ones and returns them."""
        before = len(self.quarantined)
        for name in list(self._scan()):
            self._read(name, [])
        return self.quarantined[before:]

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """``write_table`` to ``root/<name>.parquet`` and ``.csv``."""
        write_table(self.root / f"{name}.parquet", table)

    def write_json(self, name: str, value: object) -> None:
        """``write_json`` to ``root/<name>``."""
        write_json(self.root / name, value)

    def write_text(self, name: str, text: str) -> None:
        """``write_text`` to ``root/<name>``."""
        write_text(self.root / name, text)

    def _scan(self) -> dict[str, _Header]:
        """The headers of all shards present, by name in order."""
        try:
            with reading(self._shards):
                names = sorted(name for name in os.listdir(self._shards) if name.endswith(".parquet"))
        except FileNotFoundError:
            names = []
        headers = {}
        for name in names:
            if name in self._bad:
                continue
            header = self._headers.get(name) or self._open(name)
            if header is not None:
                headers[name] = header
        self._headers = headers
        return headers

    def _open(self, name: str) -> _Header | None:
        """The header of a shard; None if the shard is bad or has just gone."""
        path = self._shards / name
        try:
            with reading(path):
                footer = _footer(path)
            return self._header(name, _metadata(footer))
        except FileNotFoundError:
            return None
        except _BrokenError as error:
            self._quarantine(name, str(error))
            return None

    def _header(self, name: str, text: bytes) -> _Header:
        parts = _NAME.fullmatch(name)
        if parts is None:
            raise _BrokenError("its name is not that of a shard")
        schema, header = _Header.decode(text)
        if header is None:
            # A damaged byte can look like a newer schema: believe it only from an intact file.
            path = self._shards / name
            payload = read(path)
            if hashlib.sha256(payload).hexdigest() != parts[2]:
                raise _BrokenError("its contents do not match its checksum")
            raise _newer(path, schema)
        if header.address() != parts[1]:
            raise _BrokenError("its name belongs to other runs")
        return header

    def _choose(self, runs: list[str], replicates: int) -> dict[str, list[str]]:
        """For each run the shards that together hold the replicates, in order; MissingReplicatesError if none do."""
        of: dict[str, list[str]] = {run: [] for run in runs}
        headers = self._scan()
        for name, header in headers.items():
            for run in header.runs:
                if run in of:
                    of[run].append(name)
        chosen: dict[str, list[str]] = {}
        missing: dict[str, tuple[range, ...]] = {}
        for run, names in of.items():
            blocks = sorted(names, key=lambda name: (headers[name].first, -headers[name].replicates, name))
            kept: list[str] = []
            holes: list[range] = []
            reached = 0
            for name in blocks:
                header = headers[name]
                if header.stop <= reached or header.first >= replicates:
                    continue
                if header.first > reached:
                    holes.append(range(reached, header.first))
                kept.append(name)
                reached = header.stop
            if reached < replicates:
                holes.append(range(reached, replicates))
            if holes:
                missing[run] = tuple(holes)
            chosen[run] = kept
        if missing:
            raise MissingReplicatesError(missing)
        return chosen

    def _read(self, name: str, runs: list[str]) -> dict[str, Measured] | None:
        """The given runs of a shard, its checksum verified; None if the shard is bad."""
        path = self._shards / name
        try:
            payload = read(path)
            parts = _NAME.fullmatch(name)
            if parts is None or hashlib.sha256(payload).hexdigest() != parts[2]:
                raise _BrokenError("its contents do not match its checksum")
            return _extract(payload, self._headers[name], runs) if runs else {}
        except FileNotFoundError:
            self._headers.pop(name, None)
            self._report(Quarantined(name, "it was deleted while in use", None))
            return None
        except _BrokenError as error:
            self._quarantine(name, str(error))
            return None

    def _quarantine(self, name: str, reason: str) -> None:
        self._headers.pop(name, None)
        path, folder = self._shards / name, self.root / "quarantine"
        kept = folder / name
        try:
            folder.mkdir(exist_ok=True)
            number = 1
            while kept.exists():
                number += 1
                kept = folder / f"{name}.{number}"
            path.rename(kept)
        except FileNotFoundError:
            return  # another sweep has moved it, and says so
        except OSError:
            # Results that may only be read: leave the shard where it is, and let it count as missing here.
            self._bad.add(name)
            kept = path
        self._report(Quarantined(name, reason, kept))

    def _report(self, event: Quarantined) -> None:
        self.quarantined.append(event)
        self._look_again = 0.0
        where = "" if event.kept is None else f"; kept as {event.kept}"
        message = f"shard {event.name} counts as missing: {event.reason}{where}; the same sweep recomputes it."
        warnings.warn(message, QuarantineWarning, stacklevel=4)


def _tabulate(measured: Sequence[Measured]) -> tuple[_Header, pa.Table]:
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
    header = _Header(int(head.first), R, tuple(one.run for one in runs), checkpoints, quantities, dataset)
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
    return header, pa.table(columns).replace_schema_metadata({_KEY: header.encode()})


def _check(run: str, name: str, array: npt.NDArray[Any], dtype: type, shape: tuple[int, ...]) -> None:
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"put: {name} of run {run} must be {dtype.__name__} {shape}; got {array.dtype} {array.shape}.")


def _extract(payload: bytes, header: _Header, runs: list[str]) -> dict[str, Measured]:
    """The given runs of a shard whose checksum holds; _BrokenError if it was not laid out by this module."""
    from riskkit.measure.decomposition import Measured  # loads torch, which ``load`` does not need

    R, O = header.replicates, len(OUTPUTS)  # noqa: E741
    try:
        table = pq.read_table(io.BytesIO(payload), use_threads=False)
        _check_types(table.schema)
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
            raise _BrokenError("its rows are not those its header promises")
        found = {}
        for run in runs:
            i = header.runs.index(run)
            K, span = header.checkpoints[i], slice(edges[i], edges[i + 1])
            if not (
                (codes["run"][span] == meaning["run"].index(run)).all()
                and (codes["output"][span].reshape(K, O, R) == outputs).all()
                and (numbers["replicate"][span].reshape(K * O, R) == np.arange(header.first, header.stop)).all()
            ):
                raise _BrokenError("its rows are not in order")
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
        raise _BrokenError("its contents are not a shard's") from error


def _join(blocks: list[Measured], replicates: int) -> Measured:
    """Blocks that together cover 0 .. replicates - 1, as one; each gives what the ones before do not reach."""
    head = blocks[0]
    cuts: list[slice] = []
    reached = 0
    for block in blocks:
        stop = min(replicates, block.first + len(block.diverged_at))
        cuts.append(slice(reached - block.first, stop - block.first))
        reached = stop
        if not np.array_equal(block.rounds, head.rounds) or block.values.keys() != head.values.keys():
            raise StoreError(
                f"run {head.run}: its blocks disagree on checkpoints or quantities; one address must mean one "
                "question; move the shards away and run the sweep again."
            )
    pairs = list(zip(blocks, cuts, strict=True))
    return dataclasses.replace(
        head,
        first=0,
        values={name: np.concatenate([block.values[name][cut] for block, cut in pairs]) for name in head.values},
        dataset={name: np.concatenate([block.dataset[name][cut] for block, cut in pairs]) for name in head.dataset},
        diverged_at=np.concatenate([block.diverged_at[cut] for block, cut in pairs]),
        engine=" + ".join(sorted({block.engine for block in blocks})),
    )


def _footer(path: Path) -> bytes:
    """The Parquet metadata as a file of its own, without the payload before it; _BrokenError if there is none."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65536))
        tail = file.read()
        length = int.from_bytes(tail[-8:-4], "little")
        if size < 12 or tail[-4:] != b"PAR1" or length > size - 12:
            raise _BrokenError("it does not end like a Parquet file")
        if length + 8 > len(tail):
            file.seek(size - length - 8)
            tail = file.read()
    return b"PAR1" + tail[-length - 8 :]


def _metadata(footer: bytes) -> bytes:
    try:
        found = pq.read_metadata(io.BytesIO(footer)).metadata
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _BrokenError("its Parquet metadata is not readable") from error
    if not found or _KEY not in found:
        raise _BrokenError("it has no header of riskkit's")
    text: bytes = found[_KEY]
    return text


def _check_types(schema: pa.Schema) -> None:
    """Numbers, truth values and text only: nothing that would have to be built by code on reading."""
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
        if not (any(test(kind) for test in plain) or pa.types.is_large_string(kind)):
            raise ValueError(f"column {field.name} must hold numbers, truth values or text; got {field.type}.")


def _newer(path: Path, schema: int) -> StoreError:
    return StoreError(
        f"{path}: written by schema {schema}; this riskkit reads up to {SCHEMA}; "
        "upgrade riskkit or use --out elsewhere."
    )


# Tables and records.


def frame(columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> pd.DataFrame:
    """A DataFrame from named columns of equal length."""
    return pd.DataFrame(dict(columns))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes ``path`` (``table.parquet``) and the same as ``table.csv`` beside it, each atomically.

    Equal tables give equal bytes; CSV floats are shortest reprs, exact. Raises ValueError for a column that holds
    neither numbers, truth values nor text, StoreError if it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".parquet":
        raise ValueError(f"write_table: path must end in .parquet; got {path}.")
    try:
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        # A column of nothing but None has no type of its own; here it is text.
        arrow = arrow.cast(
            pa.schema([pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in arrow.schema])
        )
        _check_types(arrow.schema)
    except (pa.ArrowException, ValueError) as error:
        raise ValueError(f"write_table: {error}") from error
    # The metadata of pandas would tie the bytes to its version.
    arrow = arrow.replace_schema_metadata({_KEY: json.dumps({"schema": SCHEMA}).encode()})
    sink = io.BytesIO()
    pq.write_table(arrow, sink, compression="zstd", write_page_checksum=True, row_group_size=max(1, arrow.num_rows))
    text = io.BytesIO()
    text.write((",".join(f'"{name}"' for name in arrow.column_names) + "\n").encode())
    csv.write_csv(arrow, text, csv.WriteOptions(include_header=False))
    write(path.with_suffix(".csv"), text.getvalue())
    write(path, sink.getvalue())


def load(path: str | Path) -> pd.DataFrame:
    """The long-form table of a results folder: one row = one cell x output x quantity; the columns ``mean``, ``sem``,
    ``claim``, ``explicit``, ``status`` and so on are described in docs/reference.md.

    ``"results/theorem2"`` without a table of its own stands for every folder that begins so (``theorem2_ridge``, ...),
    one after the other. Raises FileNotFoundError if there is none, StoreError for a table that cannot be read.
    """
    return _concatenated([_load_table(folder / "table.parquet") for folder in _folders(path)])


def load_replicates(path: str | Path) -> pd.DataFrame:
    """The values behind ``load``'s means, one row = one cell x output x quantity x replicate.

    Columns: experiment, the cell's coordinates (algorithm, n, T, k, alpha, ...), run (its content address), output,
    quantity, replicate, value, diverged_at (the gradient after which the replicate diverged, -1 if it did not). The
    values are as measured, before any control variate. Runs that are not stored in full are left out, with a warning
    that names them. Raises as ``load`` does, and MissingReplicatesError if no run is complete.
    """
    return _concatenated([_load_replicates(folder) for folder in _folders(path)])


def _concatenated(tables: list[pa.Table]) -> pd.DataFrame:
    # "permissive": whole numbers in one table and fractions in another are floats together.
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().to_pandas()


def _folders(path: str | Path) -> list[Path]:
    path = Path(path)
    if (path / "table.parquet").is_file():
        return [path]
    beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    found = [one for one in beside if one.name.startswith(path.name) and (one / "table.parquet").is_file()]
    if found and path.name:
        return found
    inside = sorted(one.parent.name for one in path.glob("*/table.parquet"))
    advice = f"name one of {', '.join(inside)} in it" if inside else f"run: python -m riskkit.sweep {path.name}"
    raise FileNotFoundError(f"no results in {path} nor in a folder beginning with that name; {advice}.")


def _load_table(path: Path) -> pa.Table:
    advice = "run the same sweep again: it writes the table anew from what is stored"
    try:
        payload = read(path)
        table = pq.read_table(io.BytesIO(payload), use_threads=False, page_checksum_verification=True)
        _check_types(table.schema)
        schema = json.loads((table.schema.metadata or {})[_KEY])["schema"]
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} must be a table of riskkit's; it is damaged or another's; {advice}.") from error
    if schema > SCHEMA:
        raise _newer(path, schema)
    return table.replace_schema_metadata(None)


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
