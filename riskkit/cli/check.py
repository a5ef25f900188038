"""``riskkit check Ridge``: conformance tests of problems, with their default fields, and of torch optimizers.

A problem is named as the study or riskkit names it (``Ridge``), or by its module (``problems.Ridge``,
``my.problems:Interval``). A torch optimizer is named by its module and a function (or class) that makes it on a
list of parameters (``my.module:make_optimiser``, ``torch.optim:SGD``). Exit status 1: one of them has a fault.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import ANSWERED, STOPPED, BadInputError, Parser, reading
from riskkit.experiment import study

if TYPE_CHECKING:
    from riskkit.conformance import Report


def add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "problems",
        nargs="+",
        metavar="PROBLEM",
        help="such as Ridge, problems.Ridge, my.module:Mine; or a function of params that returns a torch optimizer",
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
    from riskkit.conformance import check

    home, _, kind = name.replace(":", ".").rpartition(".")
    if name == kind:
        problem = study.problem(name)
        return lambda: check(problem)
    try:
        named: Any = getattr(_module(home), kind)
        if _takes_params(named):
            return _optimiser(name, named)
        made = named()
    except (study.StudyError, BadInputError):
        raise
    except Exception as error:  # whatever a module of somebody else's raises
        raise BadInputError(
            f"{name!r} must name a problem whose fields have defaults, or a function of params that returns a torch "
            f"optimizer: {error}"
        ) from error
    from riskkit.problem import Problem

    if not isinstance(made, Problem):
        raise BadInputError(f"{name!r} must name a problem; {type(made).__name__} lacks some members of one.")
    return lambda: check(made)


def _takes_params(named: Any) -> bool:
    """Whether it needs one argument: a problem's fields have defaults, an optimizer's parameters have none."""
    if not callable(named):
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
