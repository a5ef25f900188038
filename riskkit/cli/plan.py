"""``riskkit plan pilot.csv --compare A B --power 0.9 --difference 0.01``: how many replicates a question needs.

The CSV may be of anybody's experiment: a row of names, then a row for each seed, a column for each method. Its numbers
are the pilot, and are judged as well, as a comparison of pairs (``--unpaired``: of two groups). A folder of results
says what its verdicts need.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING, Any

from riskkit.cli.common import ANSWERED, BadInputError, Parser, a_path, reading

if TYPE_CHECKING:
    from riskkit.stats.planning import Pilot

ASSURANCE = 0.8
"""With what probability a plan is enough: a pilot knows the spread only roughly."""


def add_arguments(parser: Parser) -> None:
    parser.add_argument("source", type=a_path, metavar="FILE", help="a CSV of numbers per seed, or results/EXPERIMENT")
    parser.add_argument("--column", metavar="NAME", help="plan for the mean of one column")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="plan for (and judge) the difference A - B")
    parser.add_argument("--unpaired", action="store_true", help="rows are no pairs: A and B had seeds of their own")
    parser.add_argument("--width", type=float, metavar="W", help="half-width of the 95%% interval that is wanted")
    parser.add_argument("--power", type=float, metavar="P", help="probability of seeing --difference (level .05)")
    parser.add_argument("--difference", type=float, metavar="D", help="the difference that must not be missed")
    parser.add_argument("--budget", type=float, metavar="R", help="replicates that can be afforded at most")


def run(arguments: argparse.Namespace) -> int:
    with reading(ValueError):
        _check(arguments)
        text = _of_results(arguments) if arguments.source.is_dir() else _of_seeds(arguments)
    print(text)
    return ANSWERED


def _check(arguments: argparse.Namespace) -> None:
    for name in ("width", "difference"):
        value = getattr(arguments, name)
        if value is not None and not (0 < value < math.inf):
            raise BadInputError(f"--{name} must be a finite number > 0; got {value:g}.")
    if arguments.power is not None and not 0.05 < arguments.power < 1:
        raise BadInputError(f"--power must lie between .05 and 1; got {arguments.power:g}.")
    if (arguments.power is None) != (arguments.difference is None):
        raise BadInputError("--power and --difference go together: a power is that of seeing some difference.")
    if arguments.budget is not None and not 2 <= arguments.budget < math.inf:
        raise BadInputError(f"--budget must be at least 2 replicates; got {arguments.budget:g}.")
    if arguments.column and (arguments.compare or arguments.power):
        raise BadInputError("--column plans for the mean of one column by --width; --compare A B takes two.")


def _of_seeds(arguments: argparse.Namespace) -> str:
    from riskkit.stats.planning import pilot
    from riskkit.store.seeds import read_seeds

    columns = read_seeds(arguments.source, paired=not arguments.unpaired)
    wanted = [arguments.column] if arguments.column else arguments.compare or list(columns)
    for name in wanted:
        if name not in columns:
            raise ValueError(f"{arguments.source} has no column {name!r}; it has {', '.join(columns)}.")
    if len(wanted) > 2:
        raise ValueError(
            f"{arguments.source} has {len(columns)} columns; name two with --compare, or one with --column."
        )
    if len(wanted) == 1 and arguments.power is not None:
        raise ValueError(f"--power compares two columns; {arguments.source} has {wanted[0]} alone. Take --width.")
    chosen = [columns[name] for name in wanted]
    found = pilot(*chosen, paired=not arguments.unpaired)
    lines = [_judged(wanted, chosen, found, arguments.unpaired)]
    lines += [_planned(found, goal, arguments) for goal in ("width", "power") if getattr(arguments, goal) is not None]
    return "\n".join(lines)


def _judged(names: list[str], chosen: list[Any], found: Pilot, unpaired: bool) -> str:
    """What the pilot itself says: the mean or the difference, its interval, and for pairs the ratio of the means."""
    from riskkit.stats.jackknife import MINIMUM_INTERVAL, MINIMUM_VERDICT, t_quantile
    from riskkit.stats.multiplicity import p_text
    from riskkit.stats.paired import paired_ratio
    from riskkit.stats.slopes import tail

    what = names[0] if len(names) == 1 else f"{names[0]} - {names[1]}"
    pairs = "pairs" if len(names) == 2 and not unpaired else "replicates"
    said = f"{what}: {found.mean:.4g}, standard deviation {found.sd:.3g} ({found.replicates} {pairs}"
    said += " of each)" if unpaired and len(names) == 2 else ")"
    if found.replicates < MINIMUM_INTERVAL:
        return f"{said}; fewer than {MINIMUM_INTERVAL} have no interval here."
    sem = _sem(chosen, found)
    half = t_quantile(0.95, found.df) * sem
    said += f"; 95% interval [{found.mean - half:.4g}, {found.mean + half:.4g}]"
    if len(names) == 1:
        return f"{said}."
    if pairs == "pairs" and all((column > 0).all() for column in chosen):
        ratio = paired_ratio(*chosen)
        said += f"; ratio of the means {float(ratio.ratio):.4g} [{float(ratio.low):.4g}, {float(ratio.high):.4g}]"
    if found.replicates < MINIMUM_VERDICT:
        return f"{said}; fewer than {MINIMUM_VERDICT} give no verdict."
    p = 2 * tail(abs(found.mean), sem, found.df)
    word = "undecided" if p > 0.05 else "smaller" if found.mean < 0 else "larger"
    return f"{said}; {names[0]} against {names[1]}: {word} ({p_text(p)})."


def _sem(chosen: list[Any], found: Pilot) -> float:
    if found.groups == 1:
        return found.sd / math.sqrt(found.replicates)
    return math.sqrt(sum(column.var(ddof=1) / len(column) for column in chosen))


def _planned(found: Pilot, goal: str, arguments: argparse.Namespace) -> str:
    from riskkit.stats.planning import replicates_for_power, replicates_for_width

    def needed(sd: float) -> int:
        if goal == "width":
            return replicates_for_width(sd, arguments.width, groups=found.groups)
        return replicates_for_power(sd, arguments.difference, arguments.power, groups=found.groups)

    replicates, nominal = needed(found.assured_sd(ASSURANCE)), needed(found.sd)
    wish = (
        f"a 95% interval of +-{arguments.width:g}"
        if goal == "width"
        else f"power {arguments.power:g} against a difference of {arguments.difference:g}"
    )
    if arguments.budget is not None and replicates > arguments.budget:
        raise ValueError(
            f"{wish} needs {replicates} replicates, and the budget is {arguments.budget:g}; raise it, or ask for less."
        )
    each = " of each" if found.groups == 2 else ""
    return (
        f"{wish}: {replicates} replicates{each} (enough with probability {ASSURANCE:g}; {nominal} if the pilot's "
        "standard deviation were the true one)."
    )


def _of_results(arguments: argparse.Namespace) -> str:
    """What each undecided verdict of a results folder needs, and what a budget decides."""
    from riskkit.report.statements import UNDECIDED
    from riskkit.store.atomic import StoreError, read

    path = arguments.source / "verdict.json"
    try:
        verdicts = json.loads(read(path))["verdicts"]
        rows = [(one["outcome"], one["replicates_needed"], one["replicates"], one["sentence"]) for one in verdicts]
    except (FileNotFoundError, StoreError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must hold the verdicts of a sweep; sweep first. ({error})") from error
    open_ = [row for row in rows if row[0] in UNDECIDED]
    planned = sorted((row for row in open_ if row[1] is not None), key=lambda row: float(row[1]))
    within = [row for row in planned if arguments.budget is None or row[1] <= arguments.budget]
    if planned and not within:
        raise ValueError(
            f"{arguments.source}: the nearest of {len(planned)} undecided verdicts needs about {planned[0][1]:.0f} "
            f"replicates, and the budget is {arguments.budget:g}; raise it."
        )
    lines = [f"{len(open_)} of {len(rows)} verdicts are undecided; replicates would decide {len(planned)} of them:"]
    lines += [
        f"  about {needed:.0f} (now {now}): {text.partition(f': {word}')[0]}" for word, needed, now, text in within
    ]
    if len(within) < len(planned):
        lines.append(f"  {len(planned) - len(within)} more lie beyond the budget of {arguments.budget:g}.")
    return "\n".join(lines) if planned else lines[0].rpartition(";")[0] + "; no number of replicates is known to help."
