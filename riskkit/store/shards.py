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

import contextlib
import hashlib
import io
import os
import time
import warnings
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from riskkit.measure.quantities import Measured
from riskkit.store import parquet
from riskkit.store.atomic import StoreError, move, prepare_folder, read, reading, write, write_json, write_text
from riskkit.store.layout import NAME, BrokenError, Header, extract, header_text, join, read_footer, tabulate
from riskkit.store.scratch import Laid, Scratch
from riskkit.store.table import write_table

__all__ = [
    "MissingReplicatesError",
    "QuarantineWarning",
    "Quarantined",
    "Store",
    "StoreError",
]

LOOK_AGAIN = 1.0
"""Seconds between two looks for what other sweeps have written."""


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


class Store:
    """The shards of one experiment under ``root``; any number of processes may read and write at once.

    Folders are created by the first ``put`` (or ``prepare``). A shard that fails its checks is moved to
    ``root/quarantine``, named in a ``QuarantineWarning``, listed in ``quarantined``, and counts as missing.
    Raises StoreError if ``root`` is a file.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.quarantined: list[Quarantined] = []
        self._headers: dict[str, Header] = {}
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
        header, table = tabulate(measured)
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

    def written(self, runs: Container[str]) -> list[float]:
        """When the shards that hold some of the runs were written, seconds since 1970 by the file system's clock."""
        found = []
        for name, header in self._scan().items():
            if any(run in runs for run in header.runs):
                with contextlib.suppress(OSError):
                    found.append((self._shards / name).stat().st_mtime)
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
        """``get`` for many runs, reading each shard once, with its checksum verified; ValueError for replicates < 1."""
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
                return {run: join([pieces[name].pop(run) for name in chosen[run]], replicates) for run in wanted}

    def lay_out(self, runs: Iterable[str], replicates: int) -> dict[str, Measured]:
        """``get_many`` of the first ``replicates`` (a count), for what is not to be in memory at once: its arrays are
        maps of a file beside the shards (``riskkit.store.scratch``). Raises StoreError where that cannot be written,
        too."""
        wanted = list(dict.fromkeys(runs))
        while True:
            found = self._laid_out(wanted, replicates)
            # A shard that turned out bad may have a twin, written by another sweep: choose again.
            if found is not None:
                return found

    def _laid_out(self, wanted: list[str], replicates: int) -> dict[str, Measured] | None:
        """None if a shard is bad."""
        cuts: dict[str, dict[str, slice]] = {}
        for run, names in self._choose(wanted, replicates).items():
            reached = 0
            for name in names:
                header = self._headers[name]
                stop = min(replicates, header.stop)
                if stop > reached:
                    cuts.setdefault(name, {})[run] = slice(reached - header.first, stop - header.first)
                    reached = stop
        scratch, laid = Scratch(self.root, replicates), dict[str, Laid]()
        for name, own in cuts.items():
            content = self._read(name, list(own))
            if content is None:
                return None
            for run, block in content.items():
                if run not in laid:
                    laid[run] = Laid(scratch, block)
                laid[run].add(block, own[run])
        return {run: laid[run].measured() for run in wanted}

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

    def _scan(self) -> dict[str, Header]:
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

    def _open(self, name: str) -> Header | None:
        """The header of a shard; None if the shard is bad or has just gone."""
        path = self._shards / name
        try:
            with reading(path):
                footer = read_footer(path)
            return self._header(name, header_text(footer))
        except FileNotFoundError:
            return None
        except BrokenError as error:
            self._quarantine(name, str(error))
            return None

    def _header(self, name: str, text: bytes) -> Header:
        parts = NAME.fullmatch(name)
        if parts is None:
            raise BrokenError("its name is not that of a shard")
        schema, header = Header.decode(text)
        if header is None:
            # A damaged byte can look like a newer schema: believe it only from an intact file.
            path = self._shards / name
            payload = read(path)
            if hashlib.sha256(payload).hexdigest() != parts[2]:
                raise BrokenError("its contents do not match its checksum")
            raise parquet.newer(path, schema)
        if header.address() != parts[1]:
            raise BrokenError("its name belongs to other runs")
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
            parts = NAME.fullmatch(name)
            if parts is None or hashlib.sha256(payload).hexdigest() != parts[2]:
                raise BrokenError("its contents do not match its checksum")
            return extract(payload, self._headers[name], runs) if runs else {}
        except FileNotFoundError:
            self._headers.pop(name, None)
            self._report(Quarantined(name, "it was deleted while in use", None))
            return None
        except BrokenError as error:
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
