"""Measurements that are too many for memory, laid out column by column in a file.

A shard holds some replicates of many runs; a judge reads all replicates of one cell. So what shards hold is written
once into a file that lies beside them and has no name, so that nothing of it is left whatever happens. Its arrays are
maps of the file: what was read of one is let go with it.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from riskkit.measure.quantities import Measured
from riskkit.store.atomic import writing
from riskkit.store.layout import agree


class _Place(NamedTuple):
    """Where an array lies: at a byte, of so many columns (K, O) or (), replicates running fastest."""

    at: int
    columns: tuple[int, ...]


class Scratch:
    """A file without a name for arrays of float64 over so many ``replicates``: in ``folder``, or where the system keeps
    temporary files if that may only be read. Raises StoreError where it cannot be written."""

    def __init__(self, folder: Path, replicates: int) -> None:
        self.replicates = replicates
        self._folder, self._end = folder, 0
        with writing(folder):
            place = folder if os.access(folder, os.W_OK) else None
            self._file = tempfile.TemporaryFile(dir=place, buffering=0)  # noqa: SIM115
        weakref.finalize(self, self._file.close)  # maps stay

    def room(self, columns: tuple[int, ...]) -> _Place:
        place = _Place(self._end, columns)
        size = 8 * self.replicates * int(np.prod(columns, dtype=int))
        self._end += -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        return place

    def put(self, place: _Place, values: np.ndarray, first: int) -> None:
        """values (R', K, O) or (R',), the replicates from ``first`` on."""
        columns = np.moveaxis(values, 0, -1).reshape(-1, len(values))
        with writing(self._folder):
            for c, column in enumerate(columns):
                left = memoryview(np.ascontiguousarray(column).tobytes())
                at = place.at + 8 * (c * self.replicates + first)
                while left:
                    written = os.pwrite(self._file.fileno(), left, at)
                    left, at = left[written:], at + written

    def get(self, place: _Place) -> np.ndarray:
        """(R, K, O) or (R,), to be read only."""
        count = self.replicates * int(np.prod(place.columns, dtype=int))
        content = mmap.mmap(self._file.fileno(), 8 * count, access=mmap.ACCESS_READ, offset=place.at)
        found = np.frombuffer(content, dtype=np.float64).reshape(*place.columns, self.replicates)
        return np.moveaxis(found, -1, 0)


class OnDisk(Mapping[str, np.ndarray]):
    """Arrays by name, mapped whenever one is asked for."""

    def __init__(self, scratch: Scratch, places: dict[str, _Place]) -> None:
        self._scratch, self._places = scratch, places

    def __getitem__(self, name: str) -> np.ndarray:
        return self._scratch.get(self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Laid:
    """One run, written block by block; ``head`` is the first of them."""

    def __init__(self, scratch: Scratch, head: Measured) -> None:
        self._scratch = scratch
        self._values = {name: scratch.room(values.shape[1:]) for name, values in head.values.items()}
        self._dataset = {name: scratch.room(()) for name in head.dataset}
        self._run, self._rounds, self._engines = head.run, head.rounds, {head.engine}
        # Hardly any run diverges: one number stands for all.
        self._diverged = np.broadcast_to(np.array(-1, dtype=np.int64), scratch.replicates)

    def add(self, block: Measured, cut: slice) -> None:
        """Those of the block's replicates that are in the cut. Raises StoreError for another question's."""
        agree(self._run, self._rounds, self._values, block)
        first = block.first + cut.start
        for name, place in self._values.items():
            self._scratch.put(place, block.values[name][cut], first)
        for name, place in self._dataset.items():
            self._scratch.put(place, block.dataset[name][cut], first)
        self._engines.add(block.engine)
        if (block.diverged_at[cut] != -1).any():
            if not self._diverged.flags.writeable:
                self._diverged = self._diverged.copy()
            self._diverged[first : first + cut.stop - cut.start] = block.diverged_at[cut]

    def measured(self) -> Measured:
        return Measured(
            run=self._run,
            first=0,
            rounds=self._rounds,
            values=OnDisk(self._scratch, self._values),
            dataset=OnDisk(self._scratch, self._dataset),
            diverged_at=self._diverged,
            engine=" + ".join(sorted(self._engines)),
        )
