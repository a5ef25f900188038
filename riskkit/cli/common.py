"""What all commands share: arguments, one-line errors, and the exit statuses.

0 answered; 1 some cells failed, the command had to stop, or an internal error; 2 bad input, nothing was computed;
130 interrupted by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from riskkit.execution.telling import OutputError, abandon, printable, tell, watched, write_anything
from riskkit.experiment.study import StudyError

ANSWERED, STOPPED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class BadInputError(Exception):
    """One line: what was expected, what came, what to do."""


class StoppedError(Exception):
    """A command that could not go on; one line."""


class Parser(argparse.ArgumentParser):
    """argparse with one line instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {one_line(message)}\n")


def one_line(message: object) -> str:
    """What is not printable, a line break in a file's name say, is escaped; the digits of a huge number are counted."""
    text = printable(message)
    return re.sub(r"\d[\d,]{38,}\d", lambda m: f"{m[0][:6]}... ({sum(map(str.isdigit, m[0]))} digits)", text)


def add_traceback(parser: Parser) -> None:
    """Every command has it."""
    parser.add_argument("--traceback", action="store_true", help="show where an error was raised")


def add_names(parser: Parser) -> None:
    """The experiments that are meant."""
    parser.add_argument("experiments", nargs="*", metavar="NAME", help="every experiment that starts with NAME")


def add_results(parser: Parser) -> None:
    """The folder that a command reads."""
    parser.add_argument("--results", type=a_path, default=Path("results"), help="results folder (default: results)")


def a_path(typed: str) -> Path:
    """A file or folder as typed: the home folder is found for a ~ that no shell has replaced."""
    if not typed:
        raise argparse.ArgumentTypeError("must name a file or folder; got ''")
    try:
        return Path(typed).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"names a home folder that is not known; got {typed!r}") from None


@contextlib.contextmanager
def reading(*kinds: type[Exception]) -> Iterator[None]:
    """While arguments, experiments, plans and results are read: a StudyError, or one of ``kinds``, is bad input.

    Nothing is computed inside. What is raised outside is no bad input, whatever its type.
    """
    expected: tuple[type[Exception], ...] = (StudyError, *kinds)
    try:
        yield
    except expected as error:
        raise BadInputError(str(error)) from error


@contextlib.contextmanager
def writing(folder: Path, *kinds: type[Exception]) -> Iterator[None]:
    """While files are written: one of ``kinds``, or an error of the disk, stops the command."""
    try:
        yield
    except kinds as error:
        raise StoppedError(str(error)) from error
    except OSError as error:
        raise StoppedError(f"{error.filename or folder}: {error.strerror or error}.") from error


def carry_out(name: str, run: Callable[[], int], *, trace: bool = False) -> int:
    """The command's exit status; what went wrong is told in one line on standard error."""
    try:
        with _terminable(), watched():
            return run()
    except KeyboardInterrupt as error:
        return _tell(name, "; ".join(["interrupted", *map(str, error.args)]), INTERRUPTED)
    except OutputError as error:
        return _unread(name, error)
    except Exception as error:
        if trace:
            traceback.print_exc()
        match error:
            case BadInputError():
                return _tell(name, error, BAD_INPUT)
            case StoppedError():
                return _tell(name, error, STOPPED)
        words = f"{type(error).__name__}: {error}".rstrip(".: ")
        return _tell(name, f"{words}; this is a fault of riskkit; --traceback shows where.", STOPPED)


def _unread(name: str, error: OutputError) -> int:
    abandon()
    return _tell(name, f"standard output: {error}.", STOPPED) if str(error) else STOPPED


def _tell(name: str, message: object, status: int) -> int:
    tell(f"{name}: {one_line(message)}")
    return status


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the body as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ended(main: Callable[[], int]) -> int:
    """The exit status of a command line, also where its help or its first error has ended it."""
    write_anything()
    try:
        with watched():
            return main()
    except SystemExit as error:
        try:
            with watched():
                return error.code if isinstance(error.code, int) else ANSWERED
        except OutputError as lost:
            return _unread("riskkit", lost)
    except OutputError as error:
        return _unread("riskkit", error)


def leave(status: int) -> NoReturn:
    """Ends the process without waiting for a task that is still running in a thread of it."""
    abandon()
    if any(thread.name.startswith("riskkit") for thread in threading.enumerate()):
        os._exit(status)
    sys.exit(status)


def given(words: Sequence[str] | None) -> list[str]:
    """``words``, by default those that were typed."""
    return list(sys.argv[1:] if words is None else words)
