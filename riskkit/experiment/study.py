"""Finds the study made with the instrument: a folder that holds ``problems/`` and ``experiments/`` (and ``figures/``).

This is the only place where the instrument reaches for a study, and it does so at run time. The study is the nearest
enclosing folder of the working directory with both packages; else the checkout of an editable install; else the copy
in the wheel. Its modules are imported by their short names (``problems.x``), after the folder is put on ``sys.path``.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import functools
import importlib
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from riskkit.experiment.question import Experiment
    from riskkit.problem import Problem


class StudyError(Exception):
    """No such study, experiment or problem; the message is one line that says what was looked for and where."""


def folder(start: Path | None = None) -> Path:
    """The study's folder, as found from ``start`` (default: the working directory)."""
    here = (start or Path.cwd()).resolve()
    package = Path(__file__).resolve().parent.parent
    for candidate in (here, *here.parents, package.parent, package / "_study"):
        if (candidate / "problems" / "__init__.py").is_file() and (candidate / "experiments").is_dir():
            return candidate
    raise StudyError(f"no study found: expected a folder with problems/ and experiments/ at or above {here}.")


def enter(study: Path | None = None) -> Path:
    """Puts the study's folder first on ``sys.path`` and returns it. Raises StudyError if another study is loaded."""
    study = (study or folder()).resolve()
    if str(study) not in sys.path:
        sys.path.insert(0, str(study))
    return study


def module(name: str, study: Path | None = None) -> ModuleType:
    """Imports ``problems.x``, ``experiments.x`` or ``figures.x``, and makes sure that it lies in the study's folder."""
    study = enter(study)
    file = study.joinpath(*name.split("."))
    if not (file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()):
        raise StudyError(f"{name} is not in the study at {study}.")
    loaded = importlib.import_module(name)
    origin = Path(inspect.getfile(loaded)).resolve()
    if not origin.is_relative_to(study):
        raise StudyError(f"{name} was expected in the study at {study}, but {origin} was imported; run from the study.")
    return loaded


def names(study: Path | None = None) -> list[str]:
    """The experiments' names, sorted, without importing any."""
    home = (study or folder()) / "experiments"
    return sorted(file.stem for file in home.glob("*.py") if not file.stem.startswith("_"))


def questions(study: Path | None = None) -> dict[str, str]:
    """Name -> question, read from the source, so that listing them loads neither torch nor the problems."""
    home = (study or folder()) / "experiments"
    found = {}
    for name in names(study):
        tree = ast.parse((home / f"{name}.py").read_text(encoding="utf-8"))
        texts = [
            ast.literal_eval(keyword.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg == "question"
        ]
        found[name] = texts[0] if texts else ""
    return found


def select(wanted: Iterable[str], study: Path | None = None) -> list[str]:
    """The experiments whose names start with one of ``wanted`` (all of them if it is empty), sorted."""
    available, chosen = names(study), set()
    wanted = list(wanted)
    for prefix in wanted:
        matches = [name for name in available if name.startswith(prefix)] if prefix else []
        if not matches:
            raise StudyError(unknown("experiment", prefix, available))
        chosen.update(matches)
    return sorted(chosen) if wanted else available


def unknown(kind: str, name: str, available: Iterable[str]) -> str:
    """One line: there is no such thing, and these come nearest."""
    available = sorted(available)
    near = difflib.get_close_matches(name, available, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(available) or 'none'}."
    return f"unknown {kind} {name!r}: {hint}"


def experiment(name: str, study: Path | None = None) -> Experiment:
    """``experiments.<name>.EXPERIMENT``, which gets the module's name."""
    from riskkit.experiment.question import Experiment

    loaded = module(f"experiments.{name}", study)
    value = getattr(loaded, "EXPERIMENT", None)
    if not isinstance(value, Experiment):
        raise StudyError(f"experiments/{name}.py must define EXPERIMENT, an Experiment; got {type(value).__name__}.")
    return dataclasses.replace(value, name=name)


def problem(name: str, study: Path | None = None) -> Problem:
    """The problem class of that name in the ``problems`` package (case, "-" and "_" ignored), with default fields."""
    from riskkit.problem import Problem

    def plain(text: str) -> str:
        return text.replace("_", "").replace("-", "").replace(" ", "").casefold()

    package = module("problems", study)
    exported = getattr(package, "__all__", dir(package))
    classes = {key: getattr(package, key) for key in exported if isinstance(getattr(package, key), type)}
    for key, kind in classes.items():
        if plain(key) == plain(name):
            made = kind()
            if isinstance(made, Problem):
                return made
    raise StudyError(unknown("problem", name, classes))


@functools.cache
def _package(name: str) -> ModuleType:
    return module(name)


def __getattr__(name: str) -> ModuleType:
    """``from riskkit.study import problems``: the study's packages, from anywhere."""
    if name in ("problems", "experiments", "figures"):
        return _package(name)
    raise AttributeError(f"module 'riskkit.study' has no attribute {name!r}.")
