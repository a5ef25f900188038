"""Finds the study made with the instrument: a folder with ``experiments/``, and maybe ``problems/`` and ``figures/``.

This is the only place where the instrument reaches for a study, and it does so at run time. The study is the nearest
enclosing folder of the working directory with experiments; else the one that is shipped, in the checkout of an editable
install or in the wheel. Its modules are imported by their short names (``experiments.x``), after the folder is put on
``sys.path``. The shipped problems, ``riskkit.problems``, are there for every study.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from riskkit.experiment.callbacks import raised_at

if TYPE_CHECKING:
    from riskkit.experiment.question import Experiment
    from riskkit.problem import Problem


class StudyError(Exception):
    """No such study, experiment or problem; the message is one line that says what was looked for and where."""


def folder(start: Path | None = None) -> Path:
    """The study's folder, as found from ``start`` (default: the working directory)."""
    here = (start or Path.cwd()).resolve()
    package = Path(__file__).resolve().parent.parent
    for candidate in (here, *here.parents, package / "_study", package.parent):
        if any((candidate / "experiments").glob("*.py")):
            return candidate
    raise StudyError(f"no study found: expected a folder with experiments/ and a module in it, at or above {here}.")


def enter(study: Path | None = None) -> Path:
    """Puts the study's folder first on ``sys.path`` and returns it."""
    study = (study or folder()).resolve()
    if str(study) not in sys.path:
        sys.path.insert(0, str(study))
    return study


def has(name: str, study: Path | None = None) -> bool:
    """Whether the study has ``problems``, ``figures`` or a module of one of its packages."""
    file = (study or folder()).joinpath(*name.split("."))
    return file.with_suffix(".py").is_file() or (file / "__init__.py").is_file()


def module(name: str, study: Path | None = None) -> ModuleType:
    """Imports ``problems``, ``experiments.x`` or ``figures.x``, and makes sure that it lies in the study's folder.

    Raises StudyError if there is none, if another one is found first, and for whatever it raises itself.
    """
    study = enter(study)
    if not has(name, study):
        raise StudyError(f"{name} is not in the study at {study}.")
    _package(name.partition(".")[0], study)
    try:
        loaded = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise StudyError(f"{name} of the study at {study} cannot be imported: {_told(error)}") from error
    origin = Path(inspect.getfile(loaded)).resolve()
    if not origin.is_relative_to(study):
        raise StudyError(f"{name} was expected in the study at {study}, but {origin} was imported; run from the study.")
    return loaded


def _package(name: str, study: Path) -> None:
    """Makes a folder without ``__init__.py`` a package of its own: a namespace would lose to a package of that name
    anywhere else on the path."""
    home = study / name
    if name in sys.modules or not home.is_dir() or (home / "__init__.py").is_file():
        return
    spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(home)]
    sys.modules[name] = importlib.util.module_from_spec(spec)


def _told(error: BaseException) -> str:
    """The error's words in one line, and the last line of somebody's own code on the way to it."""
    if isinstance(error, SyntaxError) and error.filename:
        file = Path(error.filename)
        return f"{type(error).__name__}: {error.msg} ({file.parent.name}/{file.name}, line {error.lineno})."
    if isinstance(error, SystemExit):
        return f"it ends the process (exit {error.code}) where it is imported{raised_at(error.__traceback__)}."
    said = " ".join(str(error).split()).rstrip(".: ")
    return f"{type(error).__name__}: {said}{raised_at(error.__traceback__)}."


def names(study: Path | None = None) -> list[str]:
    """The experiments' names, sorted, without importing any."""
    home = (study or folder()) / "experiments"
    return sorted(file.stem for file in home.glob("*.py") if not file.stem.startswith("_"))


def questions(study: Path | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Name -> title and question, read from the source, so that listing them loads neither torch nor the problems; and,
    of the modules that cannot be read so, name -> why."""
    home = (study or folder()) / "experiments"
    found: dict[str, str] = {}
    broken: dict[str, str] = {}
    for name in names(study):
        try:
            tree = ast.parse((home / f"{name}.py").read_text(encoding="utf-8"), str(home / f"{name}.py"))
        except (SyntaxError, ValueError, OSError) as error:
            broken[name] = _told(error)
            continue
        if not any(isinstance(node, ast.Name | ast.alias) and _defines(node) for node in ast.walk(tree)):
            broken[name] = f"it defines no EXPERIMENT (experiments/{name}.py)."
            continue
        found[name] = next((text for node in ast.walk(tree) if (text := _question(node)) is not None), "")
    return found, broken


def _defines(node: ast.Name | ast.alias) -> bool:
    return "EXPERIMENT" in ((node.id,) if isinstance(node, ast.Name) else (node.name, node.asname))


def _question(node: ast.AST) -> str | None:
    """The question that a call states as a plain text, after its title."""
    stated = {
        keyword.arg: str(keyword.value.value)
        for keyword in (node.keywords if isinstance(node, ast.Call) else [])
        if keyword.arg in ("title", "question") and isinstance(keyword.value, ast.Constant)
    }
    if "question" not in stated:
        return None
    return ". ".join(stated[name] for name in ("title", "question") if name in stated)


def select(wanted: Iterable[str], study: Path | None = None, beside: Iterable[str] = ()) -> list[str]:
    """The experiments whose names start with one of ``wanted`` (all of them if it is empty), sorted; ``beside``: names
    that are no study's."""
    available, chosen = sorted({*names(study), *beside}), set()
    wanted = list(wanted)
    for prefix in wanted:
        matches = [name for name in available if name.startswith(prefix)] if prefix else []
        if not matches:
            raise StudyError(unknown("experiment", prefix, available))
        chosen.update(matches)
    return sorted(chosen) if wanted else available


def unknown(kind: str, name: str, available: Iterable[str], listed: str = "") -> str:
    """One line: there is no such thing, and these come nearest; if none does, all, or what lists all (``listed``)."""
    available = sorted(available)
    near = difflib.get_close_matches(name, available, n=3, cutoff=0.4)
    every = f"{listed} lists them all." if listed else f"there are {', '.join(available) or 'none'}."
    hint = f"did you mean {' or '.join(near)}?" if near else every
    return f"unknown {kind} {name!r}: {hint}"


def experiment(name: str, study: Path | None = None) -> Experiment:
    """``experiments.<name>.EXPERIMENT``, which gets the module's name."""
    from riskkit.experiment.question import Experiment

    loaded = module(f"experiments.{name}", study)
    value = getattr(loaded, "EXPERIMENT", None)
    if not isinstance(value, Experiment):
        raise StudyError(f"experiments/{name}.py must define EXPERIMENT, an Experiment; got {type(value).__name__}.")
    return dataclasses.replace(value, name=name)


def problems(study: Path | None = None) -> dict[str, type]:
    """Name -> class: the study's own problems, if it has any, then those of ``riskkit.problems``."""
    packages = [module("problems", study)] if has("problems", study) else []
    packages.append(importlib.import_module("riskkit.problems"))
    found: dict[str, type] = {}
    for package in packages:
        for name in getattr(package, "__all__", dir(package)):
            if isinstance(getattr(package, name), type):
                found.setdefault(name, getattr(package, name))
    return found


def check_problem(name: str, study: Path | None = None) -> None:
    """Refuses a name that no package of problems lists in its ``__all__``; imports none, and so refuses nothing where
    a package does not say what it has."""
    home = study or folder()
    places = [home / "problems"] if has("problems", home) else []
    package = Path(__file__).resolve().parent.parent
    places.append(next(p for p in (package / "problems", package.parent / "problems") if p.is_dir()))
    listed: set[str] = set()
    for place in places:
        if (names := _listed(place / "__init__.py")) is None:
            return
        listed.update(names)
    if _plain(name) not in map(_plain, listed):
        raise StudyError(unknown("problem", name, listed))


def _listed(file: Path) -> list[str] | None:
    """What a package's ``__all__`` says, where it is written out."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return None
    said = [
        node.value
        for node in body
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and "__all__" in ast.unparse(node)
    ]
    try:
        names = ast.literal_eval(said[0]) if len(said) == 1 and said[0] is not None else None
    except ValueError:
        return None
    return list(names) if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names) else None


def problem(name: str, study: Path | None = None) -> Problem:
    """The problem class of that name (case, "-" and "_" ignored), with default fields; the study's own comes first."""
    from riskkit.problem import Problem

    made = problem_class(name, study)()
    if not isinstance(made, Problem):
        raise StudyError(unknown("problem", name, problems(study)))
    return made


def problem_class(name: str, study: Path | None = None) -> type:
    """The class of that name; StudyError if there is none."""
    classes = problems(study)
    for key, kind in classes.items():
        if _plain(key) == _plain(name):
            return kind
    raise StudyError(unknown("problem", name, classes))


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").replace(" ", "").casefold()
