"""Means and exponents against values that are known exactly; planted faults; and two estimators of one expectation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.experiment.plan import Cell
from riskkit.experiment.point import held
from riskkit.experiment.readings import Exact, Same, Unbiased
from riskkit.experiment.runs import datasets
from riskkit.identity import short
from riskkit.judges.exponent import judge_exponent, judge_limit
from riskkit.judges.identity import judge_control, judge_identity
from riskkit.judges.outcome import Outcome, Verdict, counted, not_covered, undecided
from riskkit.stats.slopes import MINIMUM_POINTS
from riskkit.theory.bound import Floats
from riskkit.verdicts.bounds import on_line
from riskkit.verdicts.data import (
    RAN_AWAY,
    Data,
    judged_on,
    listed,
    nothing_left,
    sound,
    subject,
    with_losses,
)
from riskkit.verdicts.finding import Finding, finding

ESTIMATOR_MARGIN = 0.25
"""The margin within which two estimators of the generalization error are equivalent, as a part of the largest
generalization error among the cells: they check each other, and no figure of a paper rests on their agreement."""


def exact_findings(data: Data, reading: Exact) -> list[Finding]:
    """For each algorithm whose expectation is known: an identity over all cells, an exponent along each line in T, and
    the exact ratio to a control's mean."""
    found: list[Finding] = []
    for name in reading.algorithms or data.plan.experiment.judged:
        cells, exact = data.named(name), known_cells(data, reading, name)
        found += _identity(data, reading, name, cells, exact)
        found += _exponents(data, reading, name, exact)
        if reading.ratio_to:
            found += _ratio(data, reading, name, cells)
    return found


def known_cells(data: Data, reading: Exact, name: str) -> dict[Cell, float]:
    """The cells of an algorithm whose expectation is known, and what it is."""
    return _known(data, reading, data.named(name))


def _known(data: Data, reading: Exact, cells: Sequence[Cell]) -> dict[Cell, float]:
    found: dict[Cell, float] = {}
    for group in data.alike(cells):
        found |= dict(zip(group, data.expected(reading, group).tolist(), strict=True))
    return {cell: value for cell, value in found.items() if np.isfinite(value)}


def _about(reading: Exact, name: str) -> dict[str, str]:
    return {"algorithm": name, "quantity": reading.quantity, "output": reading.output, "title": "the closed form"}


def _identity(data: Data, reading: Exact, name: str, cells: Sequence[Cell], exact: dict[Cell, float]) -> list[Finding]:
    about = subject(reading.quantity, reading.output, name, cells)
    if not exact:
        if not cells:
            return []
        judged = not_covered("identity", "its expectation is not known at any checkpoint", subject=about)
    else:
        judged = judged_on(
            data,
            "identity",
            about,
            list(exact),
            lambda good: (judge_control if reading.planted else judge_identity)(
                data.values(good, reading.quantity, reading.output),
                np.array([exact[cell] for cell in good]),
                subject=about,
            ),
        )
    key = "planted" if reading.planted else "exact"
    if reading.planted:
        ran_away = [reason for state, reason in map(data.status, cells) if state in RAN_AWAY]
        if ran_away:
            judged = judged.concluded(Outcome.DETECTED, f"flagged by the engine: {ran_away[0]}")
            judged = with_losses(judged, data, cells)
    return [finding(f"{key} {reading.quantity}.{reading.output}", judged, form="exact", **_about(reading, name))]  # type: ignore[arg-type]


def _exponents(data: Data, reading: Exact, name: str, exact: dict[Cell, float]) -> list[Finding]:
    found: list[Finding] = []
    for grid in data.plan.size.grids:
        for line in grid.lines() if grid.along == "T" else []:
            cells = on_line(data.plan, line, name)
            if len(cells) < MINIMUM_POINTS or not all(cell in exact for cell in cells):
                continue
            where = held(line, "T")
            about = f"{subject(reading.quantity, reading.output, name, cells)} ({listed(where)})"
            good, _ = sound(data, cells)
            if len(good) < MINIMUM_POINTS:
                judged = nothing_left("exponent", about, data, cells, axis="T")
            else:
                judged = judge_exponent(
                    data.values(good, reading.quantity, reading.output),
                    np.array([cell.point["T"] for cell in good], dtype=float),
                    np.array([exact[cell] for cell in good]),
                    subject=about,
                    axis="T",
                    asymptote=data.plan.experiment.asymptote(reading.quantity, where),
                )
                judged = with_losses(judged, data, cells)
            found.append(
                finding(
                    f"exact {reading.quantity}.{reading.output}",
                    judged,
                    form="exact",
                    axis="T",
                    where=where,
                    **_about(reading, name),  # type: ignore[arg-type]
                )
            )
    return found


def limit_findings(data: Data) -> list[Finding]:
    """For each quantity whose exponent in the limit is stated, each output that a bound speaks of, each judged
    algorithm and each line along T: the measured exponent against the limit."""
    experiment, found = data.plan.experiment, []
    pairs = dict.fromkeys((b.quantity, b.output) for b in experiment.bounds if b.quantity in experiment.limits)
    for (quantity, output), name in itertools.product(pairs, experiment.judged):
        for grid in data.plan.size.grids:
            for line in grid.lines() if grid.along == "T" else []:
                where = held(line, "T")
                cells, limit = on_line(data.plan, line, name), experiment.asymptote(quantity, where)
                if len(cells) < MINIMUM_POINTS or not np.isfinite(limit):
                    continue
                about = f"{subject(quantity, output, name, cells)} ({listed(where)})"
                good, _ = sound(data, cells)
                if len(good) < MINIMUM_POINTS:
                    judged = nothing_left("limit", about, data, cells, axis="T")
                else:
                    x = np.array([cell.point["T"] for cell in good], dtype=float)
                    values = data.values(good, quantity, output)
                    judged = with_losses(judge_limit(values, x, limit, subject=about, axis="T"), data, cells)
                found.append(
                    finding(
                        f"limit {quantity}.{output}",
                        judged,
                        title="the exponent in the limit",
                        algorithm=name,
                        form="proved",
                        axis="T",
                        where=where,
                        quantity=quantity,
                        output=output,
                    )
                )
    return found


def _ratio(data: Data, reading: Exact, name: str, cells: Sequence[Cell]) -> list[Finding]:
    """Whether the ratio of the two means is the exact one, where both are known: E[a] - r E[b] = 0, with a and b from
    the same replicates. Cells that share their numbers say nothing."""
    plan = data.plan
    met = [(cell, other) for cell in cells if (other := plan.cell(cell.point, reading.ratio_to)) is not None]
    met = [(a, b) for a, b in met if (a.address, a.rounds) != (b.address, b.rounds)]
    mine, theirs = (_known(data, reading, [pair[side] for pair in met]) for side in (0, 1))
    pairs = [(a, b) for a, b in met if a in mine and theirs.get(b, 0.0) > 0]
    if not pairs:
        return []
    ratio = {pair: mine[pair[0]] / theirs[pair[1]] for pair in pairs}
    about = (
        f"{subject(reading.quantity, reading.output, name, cells)} less its exact multiple of {reading.ratio_to}'s "
        f"({short(min(ratio.values()))} to {short(max(ratio.values()))})"
    )
    both = [cell for pair in pairs for cell in pair]
    there = [pair for pair in pairs if all(data.status(cell)[0] == "ok" for cell in pair)]
    if there:
        a, b = (data.values([pair[side] for pair in there], reading.quantity, reading.output) for side in (0, 1))
        factor, scale = np.array([ratio[pair] for pair in there]), np.array([mine[pair[0]] for pair in there])
        judged = judge_identity(a.less(b, factor), np.zeros(len(there)), subject=about, scale=scale)
        judged = with_losses(judged, data, both)
    else:
        judged = nothing_left("identity", about, data, both)
    key = f"exact ratio {reading.quantity}.{reading.output}"
    return [finding(key, judged, form="exact", **_about(reading, name))]  # type: ignore[arg-type]


def unbiased_findings(data: Data, reading: Unbiased) -> list[Finding]:
    """For each algorithm whether a deviation has the mean 0; of a planted fault, whether it is detected."""
    found = []
    for name in reading.algorithms or data.plan.experiment.judged:
        cells = [cell for cell in data.named(name) if (of := data.of(cell)) is None or reading.quantity in of[0].values]
        about = subject(reading.quantity, reading.output, name, cells) if cells else ""

        def judge(good: list[Cell], about: str = about) -> Verdict:
            scale = np.abs(data.values(good, reading.scale, reading.output).mean())
            nothing: Floats = np.zeros(len(good))
            values = data.values(good, reading.quantity, reading.output)
            return (judge_control if reading.planted else judge_identity)(values, nothing, subject=about, scale=scale)

        if cells:
            key = "planted" if reading.planted else "unbiased"
            found.append(
                finding(
                    f"{key} {reading.quantity}.{reading.output}",
                    judged_on(data, "identity", about, cells, judge),
                    title="no bias",
                    algorithm=name,
                    form="exact",
                    quantity=reading.quantity,
                    output=reading.output,
                )
            )
    return found


def same_findings(data: Data, reading: Same) -> list[Finding]:
    """Whether two algorithms have the same numbers, bit for bit, at every point where both run."""
    found = []
    for against in reading.against:
        others = {(datasets(cell.run), cell.point): cell for cell in data.named(against)}
        pairs = [
            (c, others[datasets(c.run), c.point])
            for c in data.named(reading.algorithm)
            if (datasets(c.run), c.point) in others
        ]
        good = [(a, b) for a, b in pairs if data.of(a) is not None and data.of(b) is not None]
        if not good:
            continue
        worst = 0.0
        for a, b in good:
            (mine, i), (theirs, j) = data.of(a), data.of(b)  # type: ignore[misc]
            for name in mine.values.keys() & theirs.values.keys():
                one, other = mine.values[name][:, i], theirs.values[name][:, j]
                if not np.array_equal(one, other, equal_nan=True):
                    worst = max(worst, float(np.nanmax(np.abs(one - other), initial=0.0)), np.finfo(float).tiny)
        about = f"all numbers of {reading.algorithm} beside those of {against}"
        draft = undecided("identity", about, data.replicates, points=len(good))
        place = f"in all {data.replicates} replicates of {counted(len(good), 'cell')}"
        if worst == 0.0:
            judged = draft.concluded(Outcome.AGREES, f"they are equal to the last bit {place}")
        else:
            judged = draft.concluded(Outcome.DISAGREES, f"they differ by up to {short(worst)} {place}")
        judged = with_losses(judged, data, [cell for pair in pairs for cell in pair])
        found.append(
            finding(
                f"same as {against}",
                judged,
                title="equality",
                algorithm=reading.algorithm,
                form="exact",
                quantity="excess",
                output="last",
            )
        )
    return found


def estimator_findings(data: Data) -> list[Finding]:
    """For each output whether F - F_S and the replace-one identity have the same mean in every cell: two estimators
    that share nothing but the trajectory. Runs that are not paired have no such estimate."""
    cells = [cell for cell in data.real if (of := data.of(cell)) is None or "replace_one" in of[0].values]
    found = []
    for output in OUTPUTS:
        own = [cell for cell in cells if output in traits.outputs(cell.algorithm)]
        if not own:
            continue
        about = f"replace-one estimate less the direct one of the generalization error ({output} iterate)"

        def judge(good: list[Cell], output: str = output, about: str = about) -> Verdict:
            direct, other = data.unpaired(good, output), data.values(good, "replace_one", output)
            scale = max(float(np.abs(direct.mean()).max()), np.finfo(float).tiny)
            nothing: Floats = np.zeros(len(good))
            return judge_identity(other.less(direct), nothing, subject=about, margin=ESTIMATOR_MARGIN, scale=scale)

        judged = judged_on(data, "identity", about, own, judge)
        found.append(
            finding(
                "replace-one identity",
                judged,
                title="the replace-one identity",
                algorithm="",
                form="exact",
                quantity="replace_one",
                output=output,
            )
        )
    return found
