"""``riskkit new my_study``: a study that runs at once, to be changed piece by piece."""

from __future__ import annotations

import argparse
import importlib.resources
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

from riskkit.cli.common import ANSWERED, BadInputError, Parser, a_path, writing
from riskkit.execution.telling import printable


def add_arguments(parser: Parser) -> None:
    parser.add_argument("folder", type=a_path, metavar="FOLDER", help="to be made, such as my_study")


def run(arguments: argparse.Namespace) -> int:
    folder: Path = arguments.folder
    check_place(folder)
    with writing(folder):
        write_study(folder)
    print(printable(f"{folder}/ is a study. To answer its question:  cd {folder} && riskkit sweep"))
    print("Its README.md says what each file holds; python -m pytest runs its tests.")
    return ANSWERED


def check_place(folder: Path) -> None:
    """Raises BadInputError unless a study can be made there."""
    if not re.fullmatch(r"[A-Za-z]\w*", folder.name, re.ASCII):
        raise BadInputError(
            f"FOLDER must end in a name of letters, digits and underscores that begins with a letter; got {folder}."
        )
    if not folder.parent.is_dir():
        raise BadInputError(f"{folder.parent} must be a folder, and is none; make it first.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(f"{folder} exists and is not an empty folder; choose another name.")


def write_study(folder: Path) -> None:
    """Writes the files of the study; raises OSError."""
    for place, template in _templates(importlib.resources.files("riskkit.cli").joinpath("study"), Path()):
        path = folder / place.with_suffix("")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = template.read_text(encoding="utf-8").replace("{{ name }}", folder.name)
        path.write_text(text, encoding="utf-8")


def _templates(folder: Traversable, place: Path) -> Iterator[tuple[Path, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _templates(entry, place / entry.name)
        elif entry.name.endswith(".jinja"):
            yield place / entry.name, entry
