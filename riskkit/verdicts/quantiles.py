"""Quantiles over replicates: their intervals, and what a bound that holds with probability 1 - delta says of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from riskkit.experiment.plan import Cell
from riskkit.experiment.readings import Quantiles
from riskkit.identity import label, short
from riskkit.judges.arrays import all_cells
from riskkit.judges.outcome import Outcome, Verdict, counted, not_covered, starved, undecided
from riskkit.stats.jackknife import MINIMUM_VERDICT, Floats
from riskkit.stats.quantiles import exceedance, quantile
from riskkit.verdicts.data import Data, sound, subject
from riskkit.verdicts.finding import Finding, coordinates, finding


class QuantileOf(NamedTuple):
    """The quantile of 1 - ``share`` at one cell: measured (raw values, without control variates), its 95% interval, and
    the bound (nan where there is none)."""

    algorithm: str
    where: dict[str, float]
    quantity: str
    output: str
    share: float
    value: float
    low: float
    high: float
    bound: float

    def to_json(self) -> dict[str, Any]:
        """As verdict.json has it; a number that is not finite is null."""
        numbers = {
            name: value if math.isfinite(value := getattr(self, name)) else None
            for name in ("value", "low", "high", "bound")
        }
        about = {name: getattr(self, name) for name in ("algorithm", "quantity", "output", "share")}
        return {**self.where, **about, **numbers}


def quantile_answers(data: Data, reading: Quantiles) -> tuple[list[Finding], list[QuantileOf]]:
    """A verdict for each algorithm and share that has a bound, and every quantile."""
    findings: list[Finding] = []
    measured: list[QuantileOf] = []
    for name in reading.algorithms or data.plan.experiment.judged:
        cells = data.named(name)
        good, _ = sound(data, cells)
        if not good:
            continue
        values = np.full((data.replicates, len(good)), np.nan)
        for p, cell in enumerate(good):
            if (own := data.replicate_values(cell, reading.quantity, reading.output)) is not None:
                values[:, p] = own
        for share in reading.shares:
            limit, reason = _limits(data, reading, good, share)
            at = quantile(values, 1 - share)
            measured += [
                QuantileOf(
                    name,
                    coordinates(cell),
                    reading.quantity,
                    reading.output,
                    share,
                    *(float(x[p]) for x in (*at, limit)),
                )
                for p, cell in enumerate(good)
            ]
            if reading.bound is not None:
                about = f"{subject(reading.quantity, reading.output, name, cells)}, exceeded with probability"
                trivial = data.trivial(reading.quantity, good)
                judged = judge_exceedance(values, limit, trivial, share, f"{about} {label(share)}", reason)
                findings.append(
                    finding(
                        f"{reading.name}, delta = {label(share)}",
                        dataclasses.replace(judged, against=reading.title),
                        title=reading.title,
                        algorithm=name,
                        form="proved",
                        quantity=reading.quantity,
                        output=reading.output,
                    )
                )
    return findings, measured


def _limits(data: Data, reading: Quantiles, cells: Sequence[Cell], share: float) -> tuple[Floats, str | None]:
    """(P,) the bound at each cell, and the first reason why it says nothing somewhere."""
    found, place = np.full(len(cells), np.nan), {(cell.point, cell.name): p for p, cell in enumerate(cells)}
    first = None
    for group in data.alike(cells) if reading.bound is not None else ():
        reason = reading.covers(group[0].run.problem, group[0].algorithm)
        first = first or reason
        if reason is None and reading.bound is not None:
            values = np.asarray(reading.bound(data.at(group), share), dtype=np.float64)
            found[[place[cell.point, cell.name] for cell in group]] = values
    return found, first


def judge_exceedance(
    values: Floats, limit: Floats, trivial: Floats, share: float, about: str, reason: str | None
) -> Verdict:
    """Is limit (P,) exceeded with a probability of at most ``share`` by values (R, P)? Where it is nan it says nothing,
    for the ``reason``. HOLDS needs it of every cell, VIOLATED the contrary of one after Bonferroni."""
    known = np.isfinite(limit)
    if not known.any():
        return not_covered("level", reason or "nothing is proved for these settings", subject=about)
    live = known & (np.where(known, limit, np.inf) < trivial)
    if not live.any():
        draft = undecided("level", about, len(values))
        said = f"the bound is at or above what is true of every run in {all_cells(int(known.sum()))}"
        return draft.concluded(Outcome.VACUOUS, said)
    known = live
    values, limit = values[:, known], limit[known]
    draft = undecided("level", about, len(values), points=int(known.sum()))
    if len(values) < MINIMUM_VERDICT:
        return starved(draft)
    often, seldom = exceedance(values, limit, share)
    at = quantile(values, 1 - share)
    ratios = at.value / limit
    draft = dataclasses.replace(draft, ratio=float(ratios.max()))
    p_violated = min(1.0, float(seldom.min()) * len(limit))
    found = (
        f"quantile / bound is at most {short(float(ratios.max()))} in {counted(len(limit), 'cell')} (exact "
        f"binomial tests, {counted(len(values), 'replicate')})"
    )
    if p_violated <= 0.05:
        return draft.concluded(Outcome.VIOLATED, f"the bound is exceeded more often than stated; {found}", p_violated)
    if float(often.max()) <= 0.05:
        return draft.concluded(Outcome.HOLDS, found, float(often.max()))
    needed = math.ceil(math.log(0.05) / math.log(1 - share))
    return draft.concluded(Outcome.INCONCLUSIVE, found, min(p_violated, float(often.max())), float(needed))
