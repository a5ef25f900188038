"""Kills a sweep at many points, runs it again, and compares tables: ``python tests/killed_sweep.py FOLDER POINTS``.

One process imports everything once and forks a sweep for each death. The first ten die at the steps by which the
third shard is written, the others when a random number of shards is there and a little later; every fifth of those
computes in two worker processes. Figures are left out: they are drawn after the table is on disk. Prints ``number
shards equal`` for each point: how many shards the death had left, and whether the table after resuming has the bytes
of an uninterrupted run's.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from riskkit.cli import main as cli
from riskkit.execution import loop  # noqa: F401 (loads torch before the first fork)
from riskkit.report import presenting
from riskkit.store import atomic, shards

GRID = ["theorem2_exponents", "--n", "10", "20", "--T", "4", "8", "16", "32", "64", "--alpha", "0.25", "1", "--k", "1"]
"""20 points, each with two controls: 60 cells."""
ARGUMENTS = [*GRID, "--replicates", "2500", "--engine", "reference"]
TASKS = 20
STEPS = [
    ("open", "before"),
    ("open", "after"),
    ("write", "before"),
    ("write", "during"),
    ("write", "after"),
    ("fsync", "before"),
    ("fsync", "after"),
    ("replace", "before"),
    ("replace", "after"),
    ("close", "before"),
]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at(name: str, when: str) -> None:
    """From now on the third shard kills its writer at the first call of os.<name>, before, during or after it."""
    real: Callable[..., Any] = getattr(os, name)
    written, writing = 0, False

    def watched(path: Path, payload: bytes) -> None:
        nonlocal written, writing
        written += 1
        writing = written == 3
        atomic.write(path, payload)

    def step(*arguments: Any) -> Any:
        if not writing:
            return real(*arguments)
        if when == "before":
            die()
        if when == "during":
            real(arguments[0], arguments[1][:50])
            die()
        answer = real(*arguments)
        die()
        return answer

    shards.write = watched
    setattr(atomic.os, name, step)


def quietly(arguments: list[str]) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return cli.main(["sweep", *arguments])


def forked(arguments: list[str], dying: tuple[str, str] | None = None) -> int:
    child = os.fork()
    if child == 0:
        if dying is not None:
            dying_at(*dying)
        os._exit(quietly(arguments))
    return child


def shard_files(out: Path) -> int:
    return len(list((out / "theorem2_exponents" / "shards").glob("*.parquet")))


def finished(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def main(folder: Path, points: int) -> None:
    for name in ("present_one", "present_all"):
        setattr(presenting, name, lambda *_: presenting.Presented([], []))
    began = time.monotonic()
    _, status = os.waitpid(forked([*ARGUMENTS, "--jobs", "1", "--out", str(folder / "whole")]), 0)
    assert status == 0
    took = time.monotonic() - began
    whole = (folder / "whole" / "theorem2_exponents" / "table.parquet").read_bytes()
    draw = random.Random(1)
    for number in range(points):
        out = folder / str(number)
        jobs = "2" if number >= len(STEPS) and number % 5 == 0 else "1"
        arguments = [*ARGUMENTS, "--jobs", jobs, "--out", str(out)]
        child = forked(arguments, STEPS[number] if number < len(STEPS) else None)
        if number >= len(STEPS):
            patience, target = time.monotonic() + 60, draw.randint(0, TASKS)
            while shard_files(out) < target and time.monotonic() < patience and not finished(child):
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.1 if target else took))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert number >= len(STEPS) or os.WIFSIGNALED(status), (number, status)
        left = shard_files(out)
        _, status = os.waitpid(forked([*ARGUMENTS, "--jobs", "1", "--out", str(out)]), 0)
        assert status == 0, (number, status)
        equal = (out / "theorem2_exponents" / "table.parquet").read_bytes() == whole
        print(number, left, equal, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
    os._exit(0)
