"""The long-form table: one row = one cell x output x quantity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.algorithms import traits
from riskkit.algorithms.staged import OUTPUTS
from riskkit.experiment.plan import Cell
from riskkit.measure.quantities import CONTROLS, DATASET, FOLLOWED
from riskkit.stats import slopes
from riskkit.stats.bands import simultaneous_bands
from riskkit.stats.columns import Columns
from riskkit.stats.jackknife import MINIMUM_INTERVAL
from riskkit.theory.bound import Floats
from riskkit.verdicts.data import REPORTED, Data, Level, excludes
from riskkit.verdicts.finding import coordinates

FIRST = ("experiment", "problem", "algorithm", "n", "T", "k", "alpha")
SHOWN = ("gradients", "eta", "beta", "batch")
LAST = (
    *("lam", "mu", "output", "quantity", "mean", "sem", "low", "high", "band_low", "band_high", "replicates"),
    *("estimator", "saved"),
    *("diverged", "diverged_at", "claim", "published", "proved", "trivial", "exact", "z_replace_one", "step", "L", "G"),
    *("d", "seed", "dtype", "engine", "run_id", "status", "reason"),
)
"""Columns, in their order; an experiment's other coordinates, and what else a run says of itself, stand before the
columns of ``SHOWN``."""


class _Place(NamedTuple):
    """What is said of a cell: its coordinates, and what its run says of itself."""

    coordinates: dict[str, Any]
    about: dict[str, Any]


def _columns(data: Data, places: Sequence[_Place]) -> list[str]:
    """Of the table, in its order."""
    fixed = {*FIRST, *SHOWN, *LAST}
    told = dict.fromkeys(name for place in places for part in place for name in part)
    others = [name for name in told if name not in fixed]
    return [*FIRST, *others, *SHOWN, *(name for name in _told(data) if name not in others), *LAST]


def _told(data: Data) -> list[str]:
    """The numbers of datasets that a kind of run gives beyond the usual ones; the table has their means."""
    return list(dict.fromkeys(name for run in data.measured.values() for name in run.dataset if name not in DATASET))


def table(data: Data) -> dict[str, list[Any] | npt.NDArray[Any]]:
    """The table, column by column, the cells running fastest.

    Simultaneous bands are drawn over what is judged or compared; where runs are read on a grid of gradients, over what
    is compared alone.
    """
    experiment, cells = data.plan.experiment, data.plan.cells
    states = [data.status(cell) for cell in cells]
    ok = np.array([state == "ok" for state, _ in states])
    places = [_Place(coordinates(cell), dict(cell.run.about())) for cell in cells]
    names = _columns(data, places)
    same = _of_cells(data, states, places, names)
    outputs = [traits.outputs(cell.algorithm) for cell in cells]
    banded = _banded(data)
    parts: dict[str, list[Any]] = {name: [] for name in names}
    nothing = np.full(len(cells), np.nan)
    for quantity in _quantities(data):
        for output in OUTPUTS:
            values = data.values(cells, quantity, output).without(~ok)
            estimate = slopes.estimate(values)
            band_low, band_high = np.full((2, len(cells)), np.nan)
            if quantity in banded:
                band_low, band_high = _bands(values, cells)
            width = np.array([data.minimum_width(cell, quantity) for cell in cells])
            level = _level(data, cells, quantity, output)
            how = data.estimators(cells, quantity, output)
            agreement = nothing
            if quantity == "generalization":
                apart = data.unpaired(cells, output).less(data.values(cells, "replace_one", output))
                gap = slopes.estimate(apart.without(~ok))
                with np.errstate(invalid="ignore", divide="ignore"):
                    agreement = np.where(gap.mean == 0, 0.0, gap.mean / np.where(gap.sem > 0, gap.sem, np.nan))
            part: dict[str, list[Any] | Floats] = {
                "experiment": [experiment.name] * len(cells),
                **same,
                "output": [output] * len(cells),
                "quantity": [quantity] * len(cells),
                "mean": estimate.mean,
                "sem": estimate.sem,
                "low": estimate.low - width,
                "high": estimate.high,
                "band_low": band_low - width,
                "band_high": band_high,
                "claim": level.claim,
                "published": level.published,
                "proved": level.proved,
                "trivial": _trivial(data, quantity, cells),
                "exact": data.exact(quantity, output, cells),
                "z_replace_one": agreement,
                "saved": _saved(data, quantity, output, values, how),
                "estimator": how,
                "reason": [
                    reason
                    or (f"{cell.name} has no output {output!r}" if output not in own else "")
                    or (f"not covered: {uncovered}" if uncovered else "")
                    for cell, own, (_, reason), uncovered in zip(
                        cells, outputs, states, level.reasons or [None] * len(cells), strict=True
                    )
                ],
            }
            for name in names:
                parts[name].append(part[name])
    return {
        name: np.concatenate(column) if isinstance(column[0], np.ndarray) else list(itertools.chain(*column))
        for name, column in parts.items()
    }


def _saved(data: Data, quantity: str, output: str, values: Columns, how: Sequence[str]) -> Floats:
    """(P,) the variance of what was measured over that of the estimate; nan where no control variate is used."""
    if quantity not in FOLLOWED or data.replicates < 2:
        return np.full(values.shape[1], np.nan)
    # What is neither controlled nor regressed is what was measured.
    other = [p for p, one in enumerate(how) if one not in ("simulated", "exact", "")]
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged has no variance
        before = after = values.variance()
        if other:
            before = after.copy()
            before[other] = data.raw([data.plan.cells[p] for p in other], quantity, output).variance()
    return np.where(after > 0, before / np.where(after > 0, after, 1.0), np.nan)


def _quantities(data: Data) -> list[str]:
    """Those that some run measured, the usual ones first; all of the usual ones where nothing was measured."""
    measured = dict.fromkeys(
        name for run in data.measured.values() for name in run.values if name != "path_moment" and name not in CONTROLS
    )
    return [
        *(name for name in REPORTED if not measured or name in measured),
        *(n for n in measured if n not in REPORTED),
    ]


def _banded(data: Data) -> set[str]:
    experiment = data.plan.experiment
    if experiment.read is None:
        return set(_quantities(data))
    compared = {quantity for reading in experiment.readings for quantity, _ in getattr(reading, "of", ())}
    return compared or {"optimization"}


def _level(data: Data, cells: Sequence[Cell], quantity: str, output: str) -> Level:
    """Of each cell the first bound on the quantity and output that covers it, else the first there is; no reasons where
    there is no bound."""
    nothing = np.full(len(cells), np.nan)
    bounds = [b for b in data.plan.experiment.bounds if (b.quantity, b.output) == (quantity, output)]
    if not bounds:
        return Level(nothing, nothing, nothing, [])
    found = Level(nothing.copy(), nothing.copy(), nothing.copy(), [None] * len(cells))
    chosen: dict[int, list[int]] = {}
    for p, cell in enumerate(cells):
        covering = (b for b, bound in enumerate(bounds) if excludes(bound, cell) is None)
        chosen.setdefault(next(covering, 0), []).append(p)
    for b, places in chosen.items():
        level = data.level(bounds[b], [cells[p] for p in places])
        for mine, theirs in zip(found[:3], level[:3], strict=True):
            mine[places] = theirs
        for p, reason in zip(places, level.reasons, strict=True):
            found.reasons[p] = reason
    return found


def _trivial(data: Data, quantity: str, cells: Sequence[Cell]) -> Floats:
    """NaN where nothing is known without a bound."""
    if quantity not in ("optimization", "excess", "generalization", "distance", "stability"):
        return np.full(len(cells), np.nan)
    known = data.trivial(quantity, cells)
    return np.where(np.isfinite(known), known, np.nan)


def _of_cells(
    data: Data, states: Sequence[tuple[str, str]], said: Sequence[_Place], names: Sequence[str]
) -> dict[str, list[Any]]:
    """The columns that are the same for every quantity and output."""
    cells = data.plan.cells
    diverged = [data.diverged(cell) for cell in cells]
    places = [{**place.about, **place.coordinates} for place in said]
    found = [data.of(cell) for cell in cells]
    whole = {"n", "T", "k", "gradients", "batch", "d"}
    named = [name for name in names if any(name in place for place in places)]
    coordinate = {
        name: [
            (int(place[name]) if name in whole and place[name] == place[name] else place[name])
            if name in place
            else np.nan
            for place in places
        ]
        for name in named
    }
    return {
        **{name: [np.nan] * len(cells) for name in ("T", "k", "alpha", *SHOWN, "lam", "mu", "L", "G", "d")},
        **coordinate,
        **{
            name: [
                math.nan if one is None else float(one[0].dataset.get(name, np.array(math.nan)).mean()) for one in found
            ]
            for name in _told(data)
        },
        "algorithm": [cell.name for cell in cells],
        "gradients": [cell.gradients for cell in cells],
        "replicates": [data.replicates] * len(cells),
        "diverged": [count for count, _ in diverged],
        "diverged_at": [step for _, step in diverged],
        "step": [traits.schedule(cell.algorithm) for cell in cells],
        "seed": [str(data.plan.experiment.seed)] * len(cells),
        "dtype": [data.plan.dtype] * len(cells),
        "engine": [one[0].engine if one is not None else "" for one in found],
        "run_id": [cell.address for cell in cells],
        "status": [state for state, _ in states],
    }


def _bands(values: Columns, cells: Sequence[Cell]) -> tuple[Floats, Floats]:
    """(P,) ends of the 95% band that is simultaneous over the sound cells of an algorithm; NaN for other cells."""
    low, high = np.full((2, len(cells)), np.nan)
    if values.replicates < MINIMUM_INTERVAL:
        return low, high
    sound = np.flatnonzero(values.finite)
    own: dict[str, list[int]] = {}
    for place, p in enumerate(sound.tolist()):
        own.setdefault(cells[p].name, []).append(place)
    sets = [np.array(places) for places in own.values()]
    for places, band in zip(sets, simultaneous_bands(values.columns(sound), sets), strict=True):
        low[sound[places]], high[sound[places]] = band.low, band.high
    return low, high
