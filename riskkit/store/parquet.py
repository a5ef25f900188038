"""What every Parquet file of a store has: a schema number, a key in the metadata, and plain columns only."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from riskkit.store.atomic import StoreError

SCHEMA = 1
"""Version of what lies on disk. The form of a shard's name and the key of its header stay the same in all versions:
by them an older riskkit tells a newer shard from a broken one."""


KEY = b"riskkit"


def check_types(schema: pa.Schema) -> None:
    """Numbers, truth values and text only: nothing that would have to be built by code on reading."""
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_string)
        if not (any(test(kind) for test in plain) or pa.types.is_large_string(kind)):
            raise ValueError(f"column {field.name} must hold numbers, truth values or text; got {field.type}.")


def newer(path: Path, schema: int) -> StoreError:
    return StoreError(
        f"{path}: written by schema {schema}; this riskkit reads up to {SCHEMA}; "
        "upgrade riskkit or use --out elsewhere."
    )
