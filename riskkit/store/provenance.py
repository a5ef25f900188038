"""Who ran what, where and when: everything about a sweep that its table must not depend on.

Each sweep keeps a diary of its own in ``results/<experiment>/sessions/``, rewritten while it runs: ``riskkit status``
reads it, and run.json gathers the diaries. Two sweeps at once write two diaries.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from riskkit.experiment.sources import installed
from riskkit.store.atomic import StoreError, read, write_json

PACKAGES = ("riskkit", "numpy", "scipy", "torch", "numba", "pandas", "pyarrow", "joblib", "distributed")


def now() -> str:
    """UTC, to the second: ``2026-11-24T15:00:00+00:00``."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def span(times: Sequence[float]) -> str:
    """From the first to the last of some moments (seconds since 1970), UTC, to the minute; "" if there is none."""
    told = (
        [f"{datetime.datetime.fromtimestamp(t, datetime.UTC):%Y-%m-%d %H:%M}" for t in (min(times), max(times))]
        if times
        else []
    )
    return " to ".join(dict.fromkeys(told)) + (" UTC" if told else "")


def versions() -> dict[str, str | None]:
    """Of the libraries that compute or write; None for one that is not installed."""
    return {name: installed(name) for name in PACKAGES}


def is_stored(folder: Path) -> bool:
    """True if the folder holds an experiment's table and verdicts."""
    return (folder / "table.parquet").is_file() and (folder / "verdict.json").is_file()


def from_python(folder: Path) -> bool:
    """Whether ``riskkit.run(...).save`` left the results, so that no study has their question; False where run.json
    cannot be read."""
    try:
        return "size" not in json.loads(read(folder / "run.json"))["request"]
    except (OSError, KeyError, TypeError, ValueError, StoreError):
        return False


def nothing_stored(results: Path) -> str:
    """The line of a command that shows what is stored, where nothing is."""
    if (results / "verdict.json").is_file():
        return f"{results}/ is the folder of one experiment; name the one above it."
    return f"nothing stored in {results}/; run python -m riskkit.sweep first."


def saved_from_python(results: Path) -> list[str]:
    """The experiments of a results folder that ``from_python`` is true of, sorted."""
    return sorted(path.parent.name for path in results.glob("*/run.json") if from_python(path.parent))


def revision(folder: Path) -> str | None:
    """The git commit of a folder, with ``+changes`` if files differ from it; None if it is in no repository's care."""

    def git(*words: str) -> str | None:
        command = ["git", "-C", str(folder), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # A virtual environment may lie in somebody's repository without being part of it.
    if not git("ls-files", "--", "."):
        return None
    commit = git("rev-parse", "HEAD")
    return f"{commit}+changes" if commit and git("status", "--porcelain", "--", ".") else commit


def circumstances(command: Sequence[str], study: Path) -> dict[str, Any]:
    """What can be said before the first task runs."""
    return {
        "command": list(command),
        "host": platform.node(),
        "pid": os.getpid(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions(),
        "revision": {"riskkit": revision(Path(__file__).resolve().parent), "study": revision(study)},
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor()


class Diary:
    """One sweep in one results folder. ``write`` is cheap enough for every few seconds."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        started = now()
        self.began = time.monotonic()
        stamp = re.sub(r"\D", "", started[:19])
        self.path = folder / "sessions" / f"{stamp}-{os.getpid()}-{secrets.token_hex(2)}.json"
        self.page: dict[str, Any] = {**about, "started": started, "updated": started, "state": "running"}

    def write(self, **news: object) -> None:
        """Adds to the page and puts it on disk; raises StoreError."""
        self.page.update(news, updated=now())
        write_json(self.path, self.page)


def diaries(folder: Path) -> list[dict[str, Any]]:
    """All sweeps that wrote to a results folder, the oldest first; a page that cannot be read is left out."""
    pages = []
    for path in sorted((folder / "sessions").glob("*.json")):
        try:
            page = json.loads(read(path))
        except (OSError, ValueError, StoreError):
            continue
        if isinstance(page, dict):
            pages.append(page)
    return pages


EXPLANATION = """\
Results of riskkit: python -m riskkit.sweep {name}

{question}

table.parquet, table.csv   one row = one cell x output x quantity: mean, sem, interval, bound, status and its reason
verdict.json               what the table says about each bound, with the numbers and a sentence for each
run.json                   the full question, which run answers which cell, what failed and why, and who ran it where
sessions/                  one file for each sweep that wrote here: command, host, versions, progress, seconds
made.json                  what table, verdicts, figures and tables were made from: what stands is not made again
shards/                    the measurements of every replicate, Parquet; <address of the question>-<SHA-256 of the file>
quarantine/                shards that failed their checks, if any; nothing reads them

The same command again computes only what is missing. Nothing here is pickled; any Parquet and JSON reader will do:
    riskkit.load("results/{name}")            the table, as a pandas DataFrame
    riskkit.load_replicates("results/{name}") the values behind it
    riskkit compare results/{name}            the verdicts again
    riskkit status results                    what is complete, what runs, what failed
"""


def explanation(name: str, question: str) -> str:
    """README.txt of a results folder."""
    return EXPLANATION.format(name=name, question=question)
