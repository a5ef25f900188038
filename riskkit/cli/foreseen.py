"""What a dry run says of the verdicts that an experiment will give: how many can be decided, and why not the others."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from typing import TYPE_CHECKING

from riskkit.identity import short

if TYPE_CHECKING:
    from riskkit.execution.tasks import Request
    from riskkit.store.shards import Store
    from riskkit.verdicts.foreseen import Foreseen
    from riskkit.verdicts.foreseen_means import Outlook

PILOT = 256
"""Stored replicates that a dry run takes variances from."""


def told(request: Request, store: Store, *, fresh: bool) -> list[str]:
    """The lines: rates, levels, exact values, counts and comparisons; the last two where replicates are stored."""
    from riskkit.execution.conclusion import gather
    from riskkit.store.shards import MissingReplicatesError
    from riskkit.verdicts.foreseen import foreseen
    from riskkit.verdicts.foreseen_means import outlooks

    made = request.plan()
    pilot, basis = None, "no variances are stored"
    if not fresh:
        with contextlib.suppress(MissingReplicatesError):
            count = min(PILOT, made.size.replicates)
            pilot = gather(request._replace(replicates=count), store, {})
            basis = f"by the variances of {count} stored replicates"
    words: dict[str, list[str]] = {}
    said: dict[str, list[str]] = {}
    for rate in foreseen(made, pilot):
        words.setdefault("rate", []).append(rate.word)
        said.setdefault("rate", []).append(_rate(rate))
    for other in outlooks(made, pilot):
        words.setdefault(other.kind, []).append(other.word)
        said.setdefault(other.kind, []).append(_other(other))
    lines = []
    for kind, found in words.items():
        count = Counter(found)
        one = len(found) == 1
        tally = f"  {len(found)} {kind}{'' if one else 's'} {'is' if one else 'are'} judged: "
        tally += f"{count['decided']} {'tell ratios that are 5% from 1' if kind == 'comparison' else 'can be decided'}"
        tally += f", {count['unknown']} if the replicates are enough" if count["unknown"] else ""
        lines += [f"{tally} ({basis})", *(f"    open: {line}" for line in said[kind] if line)]
    return lines


def _rate(one: Foreseen) -> str:
    """Why it stays open; empty where it need not."""
    from riskkit.verdicts.data import listed, words

    line = one.line
    why = {
        "few points": f"the bound says something at {one.points} of {len(line.x)} points, and a rate needs 4",
        "transient": f"a transient, if the error follows its bound: explicit / claim has slope {one.moves:+.2f} at "
        "the end",
        "few replicates": f"about {short(one.replicates, 2)} replicates would do",
    }.get(one.word)
    if why is None:
        return ""
    return (
        f"{words(line.bound.quantity)} of {line.algorithm} ({line.bound.output} iterate) along "
        f"{line.axis} ({listed(line.where)}), {line.bound.title}: {why}"
    )


def _other(one: Outlook) -> str:
    enough = f"about {short(one.replicates, 2)} replicates would do"
    why = {
        "vacuous": "the bound is at or above what is true of every run in all cells",
        "not covered": "no bound with constants is proved for this output",
        "few points": "fewer of the targets are reached than a growth needs",
        "few replicates": enough
        if math.isfinite(one.replicates)
        else "the mean is where no number of replicates would",
    }.get(one.word)
    return "" if why is None else f"{one.about}: {why}"
