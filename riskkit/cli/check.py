"""``riskkit check Ridge``: conformance tests of problems, with their default fields.

A problem is named as the study or riskkit names it (``Ridge``), or by its module (``problems.Ridge``,
``my.problems:Interval``). Exit status 1: one of them has a fault.
"""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import ANSWERED, STOPPED, BadInputError, Parser, reading
from riskkit.experiment import study

if TYPE_CHECKING:
    from riskkit.problem import Problem


def add_arguments(parser: Parser) -> None:
    parser.add_argument("problems", nargs="+", metavar="PROBLEM", help="such as Ridge, problems.Ridge, my.module:Mine")


def run(arguments: argparse.Namespace) -> int:
    from riskkit.conformance import check

    with reading():
        study.enter()
        problems = [_named(name) for name in arguments.problems]
    faulty = False
    for problem in problems:
        found = check(problem)
        print(found)
        faulty |= bool(found.faults)
    return STOPPED if faulty else ANSWERED


def _named(name: str) -> Problem:
    home, _, kind = name.replace(":", ".").rpartition(".")
    if name == kind:
        return study.problem(name)
    try:
        made: Any = getattr(_module(home), kind)()
    except study.StudyError:
        raise
    except Exception as error:  # whatever a module of somebody else's raises
        raise BadInputError(f"{name!r} must name a problem whose fields have defaults: {error}") from error
    from riskkit.problem import Problem

    if not isinstance(made, Problem):
        raise BadInputError(f"{name!r} must name a problem; {type(made).__name__} lacks some members of one.")
    return made


def _module(name: str) -> Any:
    """A study without problems means those of riskkit."""
    if name.split(".")[0] == "problems" and not study.has("problems"):
        name = f"riskkit.{name}"
    return importlib.import_module(name)
