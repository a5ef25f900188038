"""Which experiments of a sweep stand as they were answered before, known before any library is loaded."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
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


def _address(arguments: argparse.Namespace, name: str) -> str:
    """Of the question, the code that asks it, and riskkit."""
    home = study.folder()
    asked: dict[str, Any] = {
        key: getattr(arguments, key)
        for key in ("quick", "paper", "problem", "n", "T", "k", "alpha", "replicates", "precision", "seed", "device")
    }
    problem = "" if arguments.problem is None else sources.source("problems", home)
    return sources.digest([asked, arguments.engine, str(home), sources.source(f"experiments.{name}", home), problem])


def answered(arguments: argparse.Namespace, chosen: Iterable[str]) -> Answered:
    """What was answered before from the same inputs, and is whole."""
    found = Answered([], [], [])
    if arguments.fresh or arguments.dry_run or arguments.verbose:
        return found
    outside = Made(arguments.out)
    for name in chosen:
        address = _address(arguments, name)
        if outside.stands(_beyond(name), address):
            found.beyond.append(name)
            continue
        made = Made(arguments.out / name)
        if made.stands(CONCLUSION, address):
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
    for name in names:
        folder = arguments.out / name
        outputs = [*(folder / file for file in FILES), *_shards(folder)]
        Made(folder).note({CONCLUSION: (_address(arguments, name), outputs)})
    if beyond:
        Made(arguments.out).note({_beyond(name): (_address(arguments, name), []) for name in beyond})
