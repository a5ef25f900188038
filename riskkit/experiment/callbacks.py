"""Functions that a person gives: where they stand, and what they raise, in one line."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

HERE = str(Path(__file__).resolve().parent.parent)


def place(thing: Any) -> str:
    """``(momentum.py, line 12)``: where a function, a method or a class with one was written; "" if nowhere."""
    code = _code(thing)
    if code is None and isinstance(thing, type):
        return _class_place(thing)
    if code is None or _foreign(code.co_filename):
        return ""
    return f" ({_file(code.co_filename)}, line {code.co_firstlineno})"


def raised_at(trace: TracebackType | None) -> str:
    """The last line of somebody's own code on the way to an error, as ``place`` writes it; "" if there is none."""
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not _foreign(file):
            found = f" ({_file(file)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def asked(who: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function answers; where it raises anything, ValueError in one line: ``who``, what was raised, where."""
    try:
        return function(*arguments)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".strip().replace("\n", " ").rstrip(".: ")
        raise ValueError(f"{who} raised {said}{raised_at(error.__traceback__)}.") from error


def _class_place(kind: type) -> str:
    """Of a class without a method of its own."""
    try:
        file, (_, line) = inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)
    except (OSError, TypeError):
        return ""
    return "" if _foreign(file) else f" ({_file(file)}, line {line})"


def _code(thing: Any) -> CodeType | None:
    for _ in range(8):
        if isinstance(thing, functools.partial | property):
            thing = thing.func if isinstance(thing, functools.partial) else thing.fget
        thing = getattr(thing, "__func__", getattr(thing, "__wrapped__", thing))
        code = getattr(thing, "__code__", None)
        if isinstance(code, CodeType):
            return code
        kind = thing if isinstance(thing, type) else type(thing)
        own = [value for name, value in vars(kind).items() if not name.startswith("__") or name == "__call__"]
        inside = next((value for value in own if hasattr(value, "__code__")), None)
        if inside is None:
            return None
        thing = inside
    return None


def _foreign(file: str) -> bool:
    """Whether a file is riskkit's own or a library's."""
    path = file.replace("\\", "/")
    return (
        "/site-packages/" in path
        or "/dist-packages/" in path
        or path.startswith((HERE, "<frozen", "<string", str(Path(sys.base_prefix) / "lib")))
    )


def _file(name: str) -> str:
    path = Path(name)
    return (
        f"{path.parent.name}/{path.name}" if path.parent.name in ("experiments", "problems", "figures") else path.name
    )
