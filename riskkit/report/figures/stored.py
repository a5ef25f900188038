"""What a results folder holds of one experiment, as figures read it: cells of the table by their lines, verdicts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from riskkit.report.figures.style import PALETTE, few
from riskkit.store.atomic import StoreError, read
from riskkit.store.provenance import is_stored as is_stored
from riskkit.store.shards import Store
from riskkit.store.table import load

MOST_LINES = 64
"""Lines along one axis that a page draws of one quantity; of more than these, some that are evenly spread."""


class Line(NamedTuple):
    """The cells of one line of a sweep under one algorithm, in the order of its axis, and the verdict on it.

    Attributes:
        rows: of the table, one quantity and output.
        where: the coordinates that are held.
        verdict: the rate verdict as stored in verdict.json (or the exponent verdict, where that was asked for).
        algorithm: by its name in the experiment.
        among: of how many lines it was chosen, where these are too many for a page; else 0.
    """

    rows: pd.DataFrame
    axis: str
    where: dict[str, float]
    verdict: dict[str, Any]
    algorithm: str = ""
    among: int = 0

    def against(self, axis: str) -> Line:
        """The same cells over another column of the table that grows with the axis, such as kT for T."""
        return self._replace(axis=axis)


@dataclasses.dataclass(frozen=True)
class Stored:
    """One experiment as it lies in a results folder: its table, its verdicts, paired comparisons, counts of gradients
    best values of a coordinate and quantiles, its question and its record.

    The table has the column kT beside those that ``riskkit.load`` gives. A verdict has, under ``stated``, what run.json
    says of its bound (None where it judges none). ``looks``: colour and marker of algorithms that the study names.
    """

    folder: Path
    table: pd.DataFrame
    verdicts: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    best: list[dict[str, Any]]
    question: str
    record: dict[str, Any]
    looks: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    quantiles: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    _having: dict[tuple[str, str | float], npt.NDArray[np.bool_]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def look(self, algorithm: str) -> tuple[str, str]:
        """Colour and marker of an algorithm: the study's own, or by its place in the experiment."""
        if algorithm in self.looks:
            return self.looks[algorithm]
        names = list(self.record["algorithms"])
        return PALETTE[(names.index(algorithm) if algorithm in names else len(names)) % len(PALETTE)]

    @property
    def judged_algorithms(self) -> list[str]:
        """Those that bounds are told of, all but the controls."""
        return [name for name in self.record["algorithms"] if name not in self.record["controls"]]

    @property
    def name(self) -> str:
        """Of the experiment."""
        return self.folder.name

    @property
    def problem(self) -> str:
        """The name of the (first) problem."""
        return str(self.table["problem"].iloc[0])

    @property
    def replicates(self) -> int:
        """Of each setting."""
        return int(self.table["replicates"].iloc[0])

    def rows(self, **where: str | float) -> pd.DataFrame:
        """Rows of the table whose columns have the given values (numbers to 1e-12 of themselves)."""
        return self.table.iloc[self._places(where)]

    def _places(self, where: Mapping[str, str | float]) -> npt.NDArray[np.intp]:
        """Of the rows, in the table. Few values of a column are asked for, again and again: each is looked for once."""
        keep = np.ones(len(self.table), dtype=bool)
        for name, value in where.items():
            if (having := self._having.get((name, value))) is None:
                column = self.table[name]
                if isinstance(value, str):
                    having = (column == value).to_numpy()
                else:
                    having = np.isclose(column.to_numpy(dtype=np.float64), value, rtol=1e-12, atol=0.0)
                self._having[name, value] = having
            keep &= having
        return np.flatnonzero(keep)

    def lines(self, axis: str, quantity: str, output: str, kind: str = "rate") -> list[Line]:
        """The lines along the axis, one for each rate verdict (or ``kind="exponent"``), in their order; of more than
        MOST_LINES so many, evenly spread."""
        judged, seen = [], set()
        for verdict in self.verdicts:
            about = (verdict["axis"], verdict["quantity"], verdict["output"], verdict["kind"])
            if about != (axis, quantity, output, kind):
                continue
            key = verdict["algorithm"], json.dumps(verdict["where"], sort_keys=True)
            if key not in seen:
                seen.add(key)
                judged.append(verdict)
        chosen = [judged[int(i)] for i in few(range(len(judged)), MOST_LINES)]
        among = len(judged) if len(chosen) < len(judged) else 0
        return [
            self.line(axis, quantity, output, one["where"], one, one["algorithm"])._replace(among=among)
            for one in chosen
        ]

    def line(
        self,
        axis: str,
        quantity: str,
        output: str,
        where: dict[str, float],
        verdict: dict[str, Any] | None = None,
        algorithm: str = "",
    ) -> Line:
        """One algorithm (default: the first that is judged) along the axis with the coordinates ``where`` held."""
        algorithm = algorithm or self.judged_algorithms[0]
        places = self._places({"quantity": quantity, "output": output, "algorithm": algorithm, **where})
        along = np.argsort(self.table[axis].to_numpy()[places], kind="stable")
        return Line(self.table.iloc[places[along]], axis, dict(sorted(where.items())), verdict or {}, algorithm)

    def dataset_mean(self, name: str, n: int) -> float:
        """Mean over the replicates of a number of the datasets of size n, such as ``start_distance`` (D_S^2).

        Raises StoreError if no cell of that size was measured.
        """
        runs = self.table.loc[(self.table["n"] == n) & (self.table["status"] == "ok"), "run_id"]
        if runs.empty:
            raise StoreError(f"{self.folder} has no measured cell with n = {n}; run the same sweep again.")
        run = str(runs.iloc[0])
        return float(Store(self.folder).get_many([run], self.replicates)[run].dataset[name].mean())

    def judged(self, quantity: str, output: str, kind: str) -> list[dict[str, Any]]:
        """The verdicts of one kind on one quantity and output."""
        return [v for v in self.verdicts if (v["quantity"], v["output"], v["kind"]) == (quantity, output, kind)]


def stored(folder: Path, looks: Mapping[str, tuple[str, str]] = MappingProxyType({})) -> Stored:
    """Opens ``results/<experiment>``; raises StoreError for files that are missing or cannot be read."""
    try:
        table = load(folder)
        verdict, record = (json.loads(read(folder / name)) for name in ("verdict.json", "run.json"))
        return assembled(folder, table, verdict, record, looks)
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder} must hold table.parquet, verdict.json and run.json, whole ({error}); run the same sweep again."
        ) from error


def assembled(
    folder: Path,
    table: pd.DataFrame,
    verdict: Mapping[str, Any],
    record: Mapping[str, Any],
    looks: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> Stored:
    """From the table and what verdict.json and run.json hold; KeyError for a part that is missing."""
    judged = {name: verdict[name] for name in ("verdicts", "comparisons", "counts", "best", "quantiles", "question")}
    record["bounds"], record["algorithms"], record["controls"]
    for one in judged["verdicts"]:
        one["stated"] = record["bounds"].get(one["bound"])
    return Stored(folder, table.assign(kT=table["k"] * table["T"]), **judged, record=dict(record), looks=looks)


def differing(lines: Sequence[Line]) -> list[str]:
    """The coordinates that are held along each line, but not at one value for all."""
    names = dict.fromkeys(name for line in lines for name in line.where)
    return [name for name in names if len({line.where.get(name) for line in lines}) > 1]
