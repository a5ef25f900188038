"""The long-form table of a results folder: written, and loaded."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from riskkit.store import parquet
from riskkit.store.atomic import StoreError, read, write


def frame(columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]]) -> pd.DataFrame:
    """A DataFrame from named columns (P,) of equal length."""
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
        parquet.check_types(arrow.schema)
    except (pa.ArrowException, ValueError) as error:
        raise ValueError(f"write_table: {error}") from error
    # The metadata of pandas would tie the bytes to its version.
    arrow = arrow.replace_schema_metadata({parquet.KEY: json.dumps({"schema": parquet.SCHEMA}).encode()})
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

    ``"results/ridge"`` without a table of its own stands for every folder that begins so (``ridge_small``, ...),
    one after the other. Raises FileNotFoundError if there is none, StoreError for a table that cannot be read.
    """
    return concatenated([_load_table(folder / "table.parquet") for folder in folders(path)])


def concatenated(tables: list[pa.Table]) -> pd.DataFrame:
    # "permissive": whole numbers in one table and fractions in another are floats together.
    return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().to_pandas()


def folders(path: str | Path) -> list[Path]:
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
        parquet.check_types(table.schema)
        schema = json.loads((table.schema.metadata or {})[parquet.KEY])["schema"]
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} must be a table of riskkit's; it is damaged or another's; {advice}.") from error
    if schema > parquet.SCHEMA:
        raise parquet.newer(path, schema)
    return table.replace_schema_metadata(None)
