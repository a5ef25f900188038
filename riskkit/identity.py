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


class Addresses:
    """Addresses of many things that share parts: what a frozen dataclass says is read once, however many hold it."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[object, str]] = {}
        self._codes: dict[int, tuple[object, dict[str, str]]] = {}

    def of(self, parts: Mapping[str, object]) -> str:
        """The SHA-256, in hex, of ``parts`` as canonical JSON: sorted keys, exact floats, tuples as lists.

        A dataclass counts as its class name and, recursively, its fields, without those declared ``compare=False``
        (labels). Equal numbers are one: ``1`` and ``1.0``. Raises TypeError for any other type, an array or a set say,
        naming where it stands, and ValueError for NaN.
        """
        return hashlib.sha256(self._text(parts, ("parts",)).encode()).hexdigest()

    def _text(self, value: object, where: tuple[object, ...]) -> str:
        """The value as canonical JSON; ``where`` it stands, names of fields and places in sequences, for errors."""
        kind = type(value)
        if value is None:
            return "null"
        if isinstance(value, bool | np.bool_):
            return "true" if value else "false"
        if isinstance(value, str):
            return _quoted(value)
        if isinstance(value, int | np.integer):
            return str(int(value))
        if isinstance(value, float | np.floating):
            number = float(value)
            if math.isnan(number):
                raise ValueError(f"address: {_place(where)} must be a number equal to itself; got nan.")
            # 1 == 1.0 are one parameter, so they are one address; a shortest repr is exact.
            return str(int(number)) if number.is_integer() else json.dumps(number)
        if isinstance(value, tuple | list):
            return f"[{','.join([self._text(item, (*where, i)) for i, item in enumerate(value)])}]"
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str):
                    raise TypeError(f"address: the keys of {_place(where)} must be strings; got {key!r}.")
            items = [f"{_quoted(key)}:{self._text(value[key], (*where, key))}" for key in sorted(value)]
            return f"{{{','.join(items)}}}"
        if not dataclasses.is_dataclass(kind):
            raise TypeError(
                f"address: {_place(where)} must be None, a bool, number, string, tuple, list, mapping or dataclass of "
                f"them; got {kind.__name__}; turn it into one of these."
            )
        known = self._texts.get(id(value))
        if known is not None:
            return known[1]
        fields = {field.name: getattr(value, field.name) for field in _identity(kind) if _counts(field, value)}
        found = f'{{"class":{_quoted(kind.__name__)},"fields":{self._text(fields, where)}}}'
        if _frozen(kind):
            self._texts[id(value)] = value, found  # which keeps it: no other will have its id
        return found

    def codes(self, *values: object) -> dict[str, str]:
        """The code of every class that the values are of or hold, by name, and the content of every file that they
        name.

        Classes of the instrument that only describe, a stage say, are left out; so are labels (``compare=False``).
        """
        found: dict[str, str] = {}
        for value in values:
            self._visit(value, None, found)
        return found

    def _visit(self, value: object, owner: type | None, found: dict[str, str]) -> None:
        if isinstance(value, FunctionType):
            found[value.__qualname__] = code_of(value)
        elif isinstance(value, str) and owner is not None:
            content = content_of(value, owner)
            if content is not None:
                found[value] = content
        elif isinstance(value, tuple | list):
            for item in value:
                self._visit(item, owner, found)
        elif isinstance(value, Mapping):
            for item in value.values():
                self._visit(item, owner, found)
        elif dataclasses.is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            known = self._codes.get(id(value))
            if known is None:
                own: dict[str, str] = {}
                if _computes(kind):
                    own[kind.__qualname__] = code_of(kind)
                for field in _identity(kind):
                    if _counts(field, value):
                        self._visit(getattr(value, field.name), kind, own)
                known = value, own
                if _frozen(kind):
                    self._codes[id(value)] = known
            found |= known[1]


def address(parts: Mapping[str, object]) -> str:
    """``Addresses.of``, of one thing."""
    return Addresses().of(parts)


def codes(*values: object) -> dict[str, str]:
    """``Addresses.codes``, of some values."""
    return Addresses().codes(*values)


_quoted = json.encoder.encode_basestring_ascii


def _place(where: tuple[object, ...]) -> str:
    """``parts.algorithm.stages[0]``"""
    first, *rest = where
    return "".join([str(first), *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest)])


@functools.cache
def _frozen(kind: type) -> bool:
    return bool(kind.__dataclass_params__.frozen)  # type: ignore[attr-defined]


_COMPUTES = ("sample", "sizes", "init")
"""What a class of the instrument has that computes by itself: a problem, a schedule, a method. Of the others it is
known what they mean: an engine reads them."""


@functools.cache
def _computes(kind: type) -> bool:
    """Whether the code of a class decides numbers: of one's own always, of the instrument where it is of _COMPUTES."""
    own = kind.__module__.partition(".")[0] != "riskkit" or kind.__module__.startswith("riskkit.problems")
    return own or any(hasattr(kind, name) for name in _COMPUTES)


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
