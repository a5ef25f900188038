"""``riskkit COMMAND``: one parser, whose sub-commands each lie in a file of this folder.

A command's file has ``add_arguments(parser)`` and ``run(arguments)``; it is imported when the command is asked for.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence
from typing import Any

from riskkit.cli.common import Parser, add_traceback, carry_out, ended, given, leave
from riskkit.execution.telling import write_anything
from riskkit.experiment.study import unknown

COMMANDS = {
    "sweep": "run experiments, compare them with the theorems' bounds, draw figures and tables",
    "compare": "the verdicts again, from what is stored",
    "figures": "the figures again, from what is stored",
    "tables": "LaTeX and Markdown tables, from what is stored",
    "report": "all that is stored, on one HTML page",
    "status": "what is complete, what runs, what failed",
    "train": "train the paper's networks on CIFAR or ImageNet archives that you have",
    "plan": "how many replicates a question needs, from pilot runs or a CSV of anybody's numbers",
    "new": "a study that runs, to be changed piece by piece",
    "explain": "a bound's statement, terms, constants and proof",
    "attack": "the worst case of a bound, found by a search of the instances that it allows",
    "check": "conformance tests: is a problem, method, schedule, bound or torch optimizer what it says it is?",
}


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from riskkit.report.tables.references import toolkit_version

        print(f"riskkit {toolkit_version()}")
        parser.exit()


def main(words: Sequence[str] | None = None) -> int:
    """The exit status of a command line, by default the one that was typed."""
    words = given(words)
    write_anything()
    os.environ["MPLBACKEND"] = "agg"  # a notebook's, say, may not be installed; riskkit opens no window
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # no file of riskkit holds a day; numpy fails over one that is no number
    parser = Parser(prog="riskkit", description="Tests theorems on excess risk by simulation.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and stop")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, text in COMMANDS.items()}
    if not words or (words[0].startswith("-") and words[0] != "--"):
        parser.parse_args(words[:1])  # help, version, or the error that a command is required
    if words[0] not in parsers:
        parser.error(unknown("command", words[0], parsers))
    name, command = words[0], parsers[words[0]]
    module = importlib.import_module(f"riskkit.cli.{name}")
    module.add_arguments(command)
    add_traceback(command)
    arguments = command.parse_args(words[1:])
    arguments.words = words[1:]
    return carry_out(command.prog, lambda: module.run(arguments), trace=arguments.traceback)


def run() -> None:
    """The console script."""
    leave(ended(main))
