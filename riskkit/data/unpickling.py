"""Pickled data without pickle's power: numbers, text, bytes, lists, tuples, dicts and arrays of bytes, nothing else.

The official python archives of CIFAR are pickles. A pickle may name any function of any module, and have it called.
This reader knows three names, those of a numpy array, and stands in for each with a class of its own that can only hold
bytes. Every other name is refused before anything is called.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

_BYTES = ("u1", "uint8", "|u1")


class HostileError(ValueError):
    """A pickle that holds more than plain data; one line."""


class _Kind:
    """In the place of ``numpy.dtype``: unsigned bytes."""

    def __init__(self, code: object = None, *_: object) -> None:
        if _plain(code) not in _BYTES:
            raise HostileError(f"an array must hold unsigned bytes; got the type {code!r}")

    def __setstate__(self, state: object) -> None:
        """Byte order and alignment, which bytes do not have."""


class _Array:
    """In the place of ``numpy.ndarray``."""

    def __init__(self) -> None:
        self.array: np.ndarray = np.zeros(0, np.uint8)

    def __setstate__(self, state: object) -> None:
        match state:
            case (int(), tuple() as shape, _Kind(), fortran, bytes() | str() as raw):
                content = raw.encode("latin1") if isinstance(raw, str) else raw
                fits = all(type(side) is int and side >= 0 for side in shape) and math.prod(shape) == len(content)
                if not fits or fortran:
                    raise HostileError(f"an array of shape {shape!r} does not fit its {len(content)} bytes")
                self.array = np.frombuffer(content, np.uint8).reshape(shape)
            case _:
                raise HostileError("an array whose state is none")


class _Name:
    """In the place of a name that a pickle may call, with no attribute that a pickle could set."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> NoReturn:
        raise HostileError("it changes what is none of its own")


def _unusual(*_: object) -> NoReturn:
    raise HostileError("an array made in no usual way")


def _reconstruct(kind: object, shape: object, code: object) -> _Array:
    """An empty array, whose state comes next."""
    if kind is not _NDARRAY:
        raise HostileError("an array of an unknown class")
    return _Array()


_NDARRAY, _DTYPE, _RECONSTRUCT = _Name(_unusual), _Name(_Kind), _Name(_reconstruct)
_KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DTYPE,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise HostileError(f"it names {module}.{name}, and only arrays are admitted") from None

    def persistent_load(self, pid: object) -> NoReturn:
        raise HostileError("it refers to objects outside of itself")


def unpickled(content: bytes) -> Any:
    """What a pickle of plain data holds, of Python 2 or 3; text of Python 2 is read as Latin-1.

    Raises HostileError, a ValueError in one line, for anything that is no plain data, and for bytes that are no pickle.
    """
    try:
        return _freed(_Unpickler(io.BytesIO(content), encoding="latin1").load())
    except HostileError:
        raise
    except Exception as error:  # pickle raises whatever a damaged stream leads it to
        raise HostileError(f"it is no pickle of plain data ({type(error).__name__})") from error


def _freed(value: Any) -> Any:
    """The value with arrays in the place of their stand-ins, and keys as text."""
    match value:
        case _Array():
            return value.array
        case dict():
            return {_plain(key): _freed(item) for key, item in value.items()}
        case list() | tuple():
            return [_freed(item) for item in value]
        case None | bool() | int() | float() | str() | bytes():
            return value
    raise HostileError(f"it holds a {type(value).__name__}")


def _plain(text: object) -> object:
    return text.decode("latin1") if isinstance(text, bytes) else text
