"""Lines for people on standard output and error, which may be closed, full or unable to write some characters."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO


class OutputError(Exception):
    """Standard output cannot be written: the reason, "" if whoever read it has seen enough and left."""

    def __init__(self, error: OSError | ValueError) -> None:
        gone = isinstance(error, BrokenPipeError)
        super().__init__("" if gone else getattr(error, "strerror", None) or str(error))


def printable(text: object) -> str:
    """What is not printable, such as a line break or a terminal's command in a file's name, is escaped."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(text))


def tell(line: str) -> None:
    """Writes a line to standard error; a sweep does not stop because nobody can read it."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(line), file=sys.stderr, flush=True)


def write_anything() -> None:
    """Makes both streams writable: what their encoding has not is escaped, and one that is closed leads nowhere."""
    if sys.stdout is None or sys.stderr is None:
        # The numbers of closed streams are taken, or the next file that is opened would get what is printed.
        while os.open(os.devnull, os.O_RDWR) <= 2:
            pass
        sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class _Watched:
    """A stream whose failures are told apart from those of all other files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise OutputError(error) from error


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Inside, an OutputError is raised where standard output cannot be written."""
    before = sys.stdout
    if isinstance(before, _Watched):
        yield
        before.flush()
        return
    sys.stdout = _Watched(before)
    try:
        yield
        sys.stdout.flush()
    finally:
        sys.stdout = before


def abandon() -> None:
    """What standard output and error still hold, and cannot write, leads nowhere: Python would tell of it at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, OutputError):
            with contextlib.suppress(OSError, ValueError, OutputError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                stream.flush()
