"""Which experiments of a sweep stand as they were answered before, known before any library is loaded."""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.experiment import sources, study
from riskkit.store.made import Made

CONCLUSION = "table and verdicts"
FILES = ("table.parquet", "table.csv", "verdict.json", "run.json", "README.txt")
_SHARD = re.compile(r"[0-9a-f]{32}-[0-9a-f]{64}\.parquet")


class Answered(NamedTuple):
    """Experiments that stand, those that the default sweep does not run, and the files of their measurements."""

    standing: list[str]
    beyond: list[str]
    shards: list[Path]


def _addresses(arguments: argparse.Namespace) -> Callable[[str], str]:
    """Experiment -> the address of the question, the code that asks it, and riskkit."""
    home = study.folder()
    asked: dict[str, Any] = {
        key: getattr(arguments, key)
        for key in (
            "quick",
            "paper",
            "problem",
            "n",
            "T",
            "k",
            "alpha",
            "replicates",
            "precision",
            "decide",
            "seed",
            "device",
        )
    }

    @functools.cache
    def problem() -> str:
        return "" if arguments.problem is None else sources.source("problems", home)

    def address(name: str) -> str:
        used = sources.source(f"experiments.{name}", home)
        return sources.digest([asked, arguments.engine, str(home), used, problem()])

    return address


def answered(arguments: argparse.Namespace, chosen: Iterable[str]) -> Answered:
    """What was answered before from the same inputs, and is whole."""
    found = Answered([], [], [])
    if arguments.fresh or arguments.dry_run or arguments.verbose:
        return found
    outside, address = Made(arguments.out), _addresses(arguments)
    for name in chosen:
        left_out = not arguments.experiments and outside.notes(_beyond(name))  # what is named is answered
        if left_out and outside.stands(_beyond(name), address(name)):
            found.beyond.append(name)
            continue
        made = Made(arguments.out / name)
        if made.notes(CONCLUSION) and made.stands(CONCLUSION, address(name)):
            noted = [path for path in made.files(CONCLUSION) if path.parent.name == "shards"]
            if set(noted) == set(_shards(arguments.out / name)):  # what another run has added is looked at first
                found.standing.append(name)
                found.shards.extend(noted)
    return found


def _shards(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "shards").glob("*.parquet")) if _SHARD.fullmatch(path.name)]


def _beyond(name: str) -> str:
    return f"not of the default sweep: {name}"


def note(arguments: argparse.Namespace, names: Sequence[str], beyond: Sequence[str]) -> None:
    """Experiments that have been answered in full, and those that were left out."""
    address = _addresses(arguments)
    for name in names:
        folder = arguments.out / name
        outputs = [*(folder / file for file in FILES), *_shards(folder)]
        Made(folder).note({CONCLUSION: (address(name), outputs)})
    if beyond:
        Made(arguments.out).note({_beyond(name): (address(name), []) for name in beyond})
