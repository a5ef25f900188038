"""``riskkit check Ridge``: conformance tests of problems, methods, schedules, bounds and torch optimizers.

A problem is named as the study or riskkit names it (``Ridge``), anything by its module (``problems.Ridge``,
``my.problems:Interval``, ``my.study:BOUND``), with fields in parentheses where they are wanted
(``problems:Logistic(dim=16)``, ``my.study:Suffix(64, Constant(0.1))``). A class is taken with its default fields, an
object as it is. A torch optimizer is a function (or class) that makes it on a list of parameters
(``my.module:make_optimiser``, ``torch.optim:SGD``). Exit status 1: one of them has a fault.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import ANSWERED, STOPPED, BadInputError, Parser, reading
from riskkit.experiment import study
from riskkit.experiment.callbacks import raised_at

if TYPE_CHECKING:
    from riskkit.conformance import Report

KINDS = "method, schedule, bound or torch optimizer"
MEMBERS = ("sample", "gradient", "sizes", "init", "query", "evaluate", "excludes", "stages")


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "problems",
        nargs="+",
        metavar="THING",
        help="such as Ridge, problems.Ridge, problems:Logistic(dim=16), my.module:BOUND; or a function of params that "
        "returns a torch optimizer",
    )


def run(arguments: argparse.Namespace) -> int:
    with reading():
        study.enter()
        if not {"", str(Path.cwd())} & set(sys.path):
            sys.path.append(str(Path.cwd()))  # a console script has its own folder there instead
        checks = [_named(name) for name in arguments.problems]
    faulty = False
    for check in checks:
        found = check()
        print(found)
        faulty |= bool(found.faults)
    return STOPPED if faulty else ANSWERED


def _named(name: str) -> Callable[[], Report]:
    """The check of what is named."""
    head, bracket, rest = name.partition("(")
    fields = bracket + rest
    home, _, kind = head.replace(":", ".").rpartition(".")
    try:
        if head == kind and kind:
            known = study.problem_class(kind)
            module: Any = ModuleType(kind)
            setattr(module, known.__name__, known)
            kind = known.__name__
        else:
            module = _module(home)
        named = _built(kind + fields, module)
        if not fields and _takes_params(named):
            return _optimiser(name, named)
        made = named() if isinstance(named, type) else named
    except (study.StudyError, BadInputError):
        raise
    except Exception as error:  # whatever a module of somebody else's raises
        said = " ".join(str(error).split()).rstrip(".: ")
        raise BadInputError(
            f"{name!r} must name a problem (or a {KINDS}), with its fields where they have no defaults: "
            f"{type(error).__name__}: {said}{raised_at(error.__traceback__)}."
        ) from error
    if not any(hasattr(made, member) for member in MEMBERS):
        raise BadInputError(f"{name!r} must name a problem; {_kind(made)} lacks some members of one.")
    return lambda: _checked(made, module)


def _checked(made: Any, module: Any) -> Report:
    from riskkit.conformance import check

    on = _settings(module) if hasattr(made, "evaluate") else []
    return check(made, on=on) if on else check(made)


def _settings(module: Any) -> list[tuple[Any, Any]]:
    """The problems and algorithms of the experiment beside a bound, if there is one."""
    experiment = getattr(module, "EXPERIMENT", None)
    if experiment is None:
        return []
    cells = experiment.plan(experiment.size("laptop")).cells
    return list({(cell.run.problem, cell.algorithm): None for cell in cells if cell.run.problem is not None})[:64]


def _kind(made: Any) -> str:
    return str(getattr(made, "__name__", type(made).__name__))


def _built(text: str, module: Any) -> Any:
    """``Name``, or ``Name(1, radius=2.0, step=Constant(0.1))``: names of the module or of riskkit, and literals."""
    tree = ast.parse(text.strip(), mode="eval").body

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            if hasattr(module, node.id):
                return getattr(module, node.id)
            import riskkit

            return getattr(riskkit, node.id)
        if isinstance(node, ast.Attribute):
            return getattr(value(node.value), node.attr)
        if isinstance(node, ast.Call):
            if any(keyword.arg is None for keyword in node.keywords):
                raise ValueError("fields are given by name or in their order")
            named = {str(keyword.arg): value(keyword.value) for keyword in node.keywords}
            return value(node.func)(*map(value, node.args), **named)
        if isinstance(node, ast.Tuple):
            return tuple(map(value, node.elts))
        return ast.literal_eval(node)

    return value(tree)


def _takes_params(named: Any) -> bool:
    """Whether it needs one argument: a problem's fields have defaults, an optimizer's parameters have none."""
    if not callable(named) or any(hasattr(named, member) for member in MEMBERS):
        return False
    try:
        parameters = inspect.signature(named).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return len(needed) == 1


def _optimiser(name: str, make: Any) -> Callable[[], Report]:
    from riskkit.conformance import check_optimiser

    def run() -> Report:
        try:
            return check_optimiser(make)
        except ValueError as error:
            raise BadInputError(f"{name!r}: {error}") from error

    return run


def _module(name: str) -> Any:
    """A study without problems means those of riskkit."""
    if name.split(".")[0] == "problems" and not study.has("problems"):
        name = f"riskkit.{name}"
    return importlib.import_module(name)
