"""Lines for people on standard error, which may be closed, full or unable to write some characters."""

from __future__ import annotations

import contextlib
import sys


def tell(line: str) -> None:
    """Writes a line; a sweep does not stop because nobody can read it."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def write_anything() -> None:
    """Lets standard output and error escape what their encoding has not, where they would raise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
