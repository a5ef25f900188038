"""The content address: what was asked names where the answer lies.

Two questions share an address exactly when everything that decides the numbers agrees: values, and the code of the
classes they are of (``riskkit.code``). Labels, order, workers and batch sizes decide nothing and stay out.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np

from riskkit.code import code_of, content_of

LATER = {"later": True}
"""``metadata`` of a dataclass's field that older versions had not: at its default it changes no address."""


@functools.cache
def _identity(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    """The fields that take part in equality; ``compare=False`` is how a dataclass marks a label."""
    return tuple(field for field in dataclasses.fields(kind) if field.compare)


def _counts(field: dataclasses.Field[Any], value: object) -> bool:
    return not (field.metadata.get("later") and getattr(value, field.name) == field.default)


def _canonical(value: object, where: str) -> object:
    """The value in JSON's own types; floats go through their shortest repr, which is exact."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            raise ValueError(f"address: {where} must be a number equal to itself; got nan.")
        # 1 == 1.0 are one parameter, so they are one address.
        return int(number) if number.is_integer() else number
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, tuple | list):
        return [_canonical(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"address: the keys of {where} must be strings; got {key!r}.")
        return {key: _canonical(item, f"{where}.{key}") for key, item in value.items()}
    kind = type(value)
    if dataclasses.is_dataclass(kind):
        fields = {
            field.name: _canonical(getattr(value, field.name), f"{where}.{field.name}")
            for field in _identity(kind)
            if _counts(field, value)
        }
        return {"class": kind.__name__, "fields": fields}
    raise TypeError(
        f"address: {where} must be None, a bool, number, string, tuple, list, mapping or dataclass of them; "
        f"got {kind.__name__}; turn it into one of these."
    )


def address(parts: Mapping[str, object]) -> str:
    """The SHA-256, in hex, of ``parts`` as canonical JSON: sorted keys, exact floats, tuples as lists.

    A dataclass counts as its class name and, recursively, its fields, without those declared ``compare=False``
    (labels). Equal numbers are one: ``1`` and ``1.0``. Raises TypeError for any other type, an array or a set say,
    naming where it stands, and ValueError for NaN.
    """
    text = json.dumps(_canonical(parts, "parts"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


_COMPUTES = ("sample", "sizes", "init")
"""What a class of the instrument has that computes by itself: a problem, a schedule, a method. Of the others it is
known what they mean: an engine reads them."""


def codes(*values: object) -> dict[str, str]:
    """The code of every class that the values are of or hold, by name, and the content of every file that they name.

    Classes of the instrument that only describe, a stage say, are left out; so are labels (``compare=False``).
    """
    found: dict[str, str] = {}

    def visit(value: object, owner: type | None) -> None:
        if isinstance(value, FunctionType):
            found[value.__qualname__] = code_of(value)
        elif isinstance(value, str) and owner is not None:
            content = content_of(value, owner)
            if content is not None:
                found[value] = content
        elif isinstance(value, tuple | list):
            for item in value:
                visit(item, owner)
        elif isinstance(value, Mapping):
            for item in value.values():
                visit(item, owner)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            own = kind.__module__.partition(".")[0] != "riskkit" or kind.__module__.startswith("riskkit.problems")
            if own or any(hasattr(kind, name) for name in _COMPUTES):
                found[kind.__qualname__] = code_of(kind)
            for field in _identity(kind):
                if _counts(field, value):
                    visit(getattr(value, field.name), kind)

    for value in values:
        visit(value, None)
    return found


def label(value: float) -> str:
    """A number as short as ``:g`` writes it if that is the number, else with up to 12 digits."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value + 0.0:.0f}"
    for digits in (6, 9):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= 1e-12 * abs(value) or value != value:
            return text
    return f"{value:.12g}"


def short(value: float, digits: int = 3) -> str:
    """A measured number with so many digits that count: 0.41, 350, 9500 and not 3.5e+02; powers of ten beyond 10^6 and
    below 10^-4."""
    if not math.isfinite(value) or value == 0:
        return f"{value + 0.0:g}"
    text = f"{value:.{digits}g}"
    power = math.floor(math.log10(abs(float(text))))
    return text if not digits <= power <= 6 else f"{float(text):.0f}"
