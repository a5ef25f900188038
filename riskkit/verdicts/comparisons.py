"""Algorithms against one another on common random numbers: paired at a point or a budget, or each at its best."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from riskkit.algorithms import traits
from riskkit.experiment.plan import Cell
from riskkit.experiment.readings import POSITIVE, Paired, Tuned
from riskkit.experiment.runs import datasets
from riskkit.judges.outcome import counted
from riskkit.stats.columns import selecting_replicates
from riskkit.stats.jackknife import SEEN
from riskkit.stats.multiplicity import cautious, holm
from riskkit.stats.paired import paired_difference, paired_ratio
from riskkit.verdicts.counts import lines
from riskkit.verdicts.data import Data, clause, losses
from riskkit.verdicts.finding import Comparison, coordinates

ROUNDING = 1e-9
"""Two means that differ by no more than this part are the same to rounding: two ways to write one algorithm."""


def comparisons(data: Data) -> list[Comparison]:
    """Every judged algorithm against the controls, and what the readings ask for, Holm-adjusted as one family."""
    found: list[Comparison] = []
    if data.replicates >= 2:
        for reading in _asked(data):
            found += _tuned(data, reading) if isinstance(reading, Tuned) else _paired(data, reading)
    found = [comparison._replace(p_value=cautious(comparison.p_value)) for comparison in found]
    adjusted = holm([comparison.p_value for comparison in found])
    return [c._replace(p_adjusted=float(p)) for c, p in zip(found, adjusted, strict=True)]


def _asked(data: Data) -> list[Paired | Tuned]:
    experiment = data.plan.experiment
    controls = [Paired(name, experiment.controls, POSITIVE) for name in experiment.judged if experiment.controls]
    return [*controls, *(r for r in experiment.readings if isinstance(r, Paired | Tuned))]


def uncompared(data: Data) -> list[str]:
    """A sentence for each pair of algorithms, and each tuning, in which cells that are not sound had no part."""
    found = []
    for reading in _asked(data):
        if isinstance(reading, Tuned):
            found += _untuned(data, reading)
            continue
        for against in reading.against:
            pairs = _meeting(data, reading.algorithm, against)
            gone = [pair for pair in pairs if losses(data, (cell for part in pair for cell in part))]
            if gone:
                cells = dict.fromkeys(cell for pair in gone for part in pair for cell in part)
                kind = "pair" if data.plan.experiment.read is None else "pair of lines"
                count = counted(len(pairs), "pair") + ("" if kind == "pair" else " of lines")
                found.append(
                    f"{reading.algorithm} / {against}: {len(gone)} of {count} not compared; "
                    f"{clause(losses(data, cells))}"
                )
    return found


def _untuned(data: Data, reading: Tuned) -> list[str]:
    found = []
    for name in (reading.algorithm, *reading.against):
        own = [line for line in lines(data) if line.head.name == name]
        gone = [line for line in own if line.reason]
        if gone:
            lost = losses(data, (cell for line in gone for cell in line.cells))
            said = f"{len(gone)} of {counted(len(own), 'line')} had no part in the tuning"
            found.append(f"{name}: {said}; {clause(lost)}")
    return found


Part = tuple[Cell, ...]
"""A cell, or the cells of a line."""


def _meeting(data: Data, ours: str, theirs: str) -> list[tuple[Part, Part]]:
    """What is compared: cells at one point or, where runs are read on a grid of gradients, lines; of one problem and
    sample size, where the coordinates that both have agree. What shares its numbers is not compared."""
    plan = data.plan
    if plan.experiment.read is None:
        parts: list[list[Part]] = [[(cell,) for cell in data.named(name)] for name in (ours, theirs)]
    else:
        every = lines(data)
        parts = [[line.cells for line in every if line.head.name == name] for name in (ours, theirs)]
    uncounted = () if plan.experiment.read is None else ("gradients",)
    met = Meeting(_placed(part, uncounted) for part in parts[1])
    return [
        (a, b)
        for a in parts[0]
        for b in met.by(*_placed(a, uncounted)[:2])
        if (a[0].address, a[-1].rounds) != (b[0].address, b[-1].rounds)
    ]


def _placed(part: Part, uncounted: Sequence[str]) -> tuple[Hashable, dict[str, float], Part]:
    """Problem and sample size, and the coordinates that count."""
    run, point = part[0].run, part[0].point
    return (datasets(run), run.n), {name: value for name, value in point.items() if name not in uncounted}, part


Item = TypeVar("Item")


class Meeting(Generic[Item]):
    """Items of groups, each with coordinates, by where others meet them: where those that both have agree. Looked up,
    since each of many thousands meets one or two."""

    def __init__(self, items: Iterable[tuple[Hashable, Mapping[str, float], Item]]) -> None:
        self._shapes: dict[frozenset[str], list[tuple[int, Hashable, Mapping[str, float], Item]]] = {}
        for number, (group, where, item) in enumerate(items):
            self._shapes.setdefault(frozenset(where), []).append((number, group, where, item))
        self._places: dict[tuple[frozenset[str], tuple[str, ...]], dict[Any, list[tuple[int, Item]]]] = {}

    def by(self, group: Hashable, where: Mapping[str, float]) -> list[Item]:
        """Those of the group that one with such coordinates meets, in their order."""
        found: list[tuple[int, Item]] = []
        for shape in self._shapes:
            shared = tuple(sorted(shape.intersection(where)))
            found += self._at(shape, shared).get((group, *(where[name] for name in shared)), ())
        return [item for _, item in sorted(found, key=lambda one: one[0])]

    def _at(self, shape: frozenset[str], shared: tuple[str, ...]) -> dict[Any, list[tuple[int, Item]]]:
        """Those that have the coordinates ``shape``, by their values of those that are shared."""
        if (shape, shared) not in self._places:
            places = self._places.setdefault((shape, shared), {})
            for number, group, where, item in self._shapes[shape]:
                places.setdefault((group, *(where[name] for name in shared)), []).append((number, item))
        return self._places[shape, shared]


def _paired(data: Data, reading: Paired) -> list[Comparison]:
    found: list[Comparison] = []
    for against in reading.against:
        pairs = [pair for pair in _meeting(data, reading.algorithm, against) if not _lost(data, pair)]
        if data.plan.experiment.read is None:
            cells = [(a[0], b[0]) for a, b in pairs]
        else:
            cells = [met for a, b in pairs for met in _budgets(a, b, reading.fractions)]
        for quantity, output in reading.of:
            found += _ratios(data, cells, quantity, output, by=reading.by)
    return found


def _lost(data: Data, pair: tuple[Part, Part]) -> bool:
    return bool(losses(data, (cell for part in pair for cell in part)))


def _budgets(a: Part, b: Part, fractions: Sequence[float]) -> list[tuple[Cell, Cell]]:
    """The last cells of two lines within each fraction of the smaller budget."""
    budget = min(a[-1].gradients, b[-1].gradients)
    found = []
    for fraction in fractions:
        ours, theirs = ([cell for cell in part if cell.gradients <= fraction * budget] for part in (a, b))
        if ours and theirs:
            found.append((ours[-1], theirs[-1]))
    return found


def _ratios(
    data: Data,
    pairs: Sequence[tuple[Cell, Cell]],
    quantity: str,
    output: str,
    first: int = 0,
    note: str = "",
    by: str = "ratio",
) -> list[Comparison]:
    """Ratios (or differences) of the means of pairs of cells, on the replicates from ``first`` on; a mean that is not
    positive in every leave-out has no ratio. Fewer than SEEN replicates have an interval and no p-value: they may miss
    what is rare. A run that was tuned, and whose best value ends what was tried, decides nothing."""
    pairs = [pair for pair in pairs if all(output in traits.outputs(cell.algorithm) for cell in pair)]
    if not pairs:
        return []
    ours, theirs = zip(*pairs, strict=True)
    a, b = (data.values(cells, quantity, output).part(first) for cells in (ours, theirs))
    ratio, difference = paired_ratio(a, b), paired_difference(a, b)
    if a.replicates < SEEN:
        nothing = np.full(len(pairs), math.nan)
        ratio, difference = ratio._replace(p_value=nothing), difference._replace(p_value=nothing)
    found = []
    for p, (mine, other) in enumerate(pairs):
        about = (mine.name, other.name, note + _searched(data, mine, other), _where(mine, other), quantity, output)
        open_ended = any(_number(data, cell, "ends_grid") > 0 for cell in (mine, other))
        if by == "difference" or any(data.minimum_width(cell, quantity) > 0 for cell in (mine, other)):
            value, low, high, p_value = (float(part[p]) for part in difference)
            equal = a.columns([p]).equals(b.columns([p]))
            found.append(Comparison(*about, math.nan, value, low, high, 1.0 if equal or open_ended else p_value))
        elif np.isfinite(ratio.ratio[p]):
            value, low, high, p_value = (float(part[p]) for part in (ratio.ratio, ratio.low, ratio.high, ratio.p_value))
            same = abs(value - 1) <= ROUNDING
            untested = same or open_ended
            if low == high and not untested:
                p_value = math.nan  # exact: nothing is tested
            found.append(Comparison(*about, value, math.nan, low, high, 1.0 if untested else p_value))
    return found


def _number(data: Data, cell: Cell, name: str) -> float:
    """The mean of a number that a kind of run gives of its datasets; nan where it gives none."""
    found = data.of(cell)
    return math.nan if found is None or name not in found[0].dataset else float(found[0].dataset[name].mean())


def _searched(data: Data, mine: Cell, other: Cell) -> str:
    """How two runs that tune themselves were tuned; "" where neither does."""
    sizes = [_number(data, cell, "configurations") for cell in (mine, other)]
    if not any(size > 1 for size in sizes):
        return ""
    said = "both tuned" if all(size > 1 for size in sizes) else "one of them tuned"
    if sizes[0] != sizes[1]:
        said += f"; over {sizes[0]:g} and {sizes[1]:g} settings"
    ends = [cell.name for cell in (mine, other) if _number(data, cell, "ends_grid") > 0]
    return f" ({said}{f'; a best value of {ends[0]} ends its grid' if ends else ''})"


def _where(mine: Cell, other: Cell) -> dict[str, float]:
    own, theirs = coordinates(mine), coordinates(other)
    own["gradients"] = float(mine.gradients)
    differ = {f"against_{name}": theirs[name] for name in ("alpha", "beta", "eta") if name in theirs}
    return {**own, **differ}


def _tuned(data: Data, reading: Tuned) -> list[Comparison]:
    """Each algorithm at its best values of the tuned coordinates, chosen on the first quarter of the replicates and
    compared on the rest."""
    found: list[Comparison] = []
    chosen = selecting_replicates(data.replicates)
    for quantity, output in reading.of:
        best: dict[Any, tuple[float, Cell]] = {}
        tried: dict[Any, list[tuple[float, ...]]] = {}
        for cell in _ends(data):
            if cell.name not in (reading.algorithm, *reading.against) or output not in traits.outputs(cell.algorithm):
                continue
            held = tuple((n, v) for n, v in cell.point.items() if n not in _free(data, reading))
            key = (datasets(cell.run), cell.name, held)
            mean = float(data.values([cell], quantity, output).part(0, chosen).mean()[0])
            tried.setdefault(key, []).append(_tuned_values(cell, reading))
            if key not in best or mean < best[key][0]:
                best[key] = (mean, cell)
        inside = {key: _inside(_tuned_values(cell, reading), tried[key]) for key, (_, cell) in best.items()}
        others = Meeting((key[0], dict(key[2]), key) for key in best if key[1] in reading.against)
        for mine, (_, ours) in best.items():
            for yours in others.by(mine[0], dict(mine[2])) if mine[1] == reading.algorithm else ():
                theirs = best[yours][1]
                sizes = len(tried[mine]), len(tried[yours])
                said = ["both tuned", f"over {sizes[0]} and {sizes[1]} settings" if sizes[0] != sizes[1] else ""]
                decided = inside[mine] and inside[yours]
                said += [] if decided else ["a best step ends its grid"]
                note = f" ({'; '.join(filter(None, said))})"
                for compared in (quantity, *reading.beside):
                    met = _ratios(data, [(ours, theirs)], compared, output, chosen, note)
                    found += met if decided else [one._replace(p_value=1.0) for one in met]
    return found


def _ends(data: Data) -> list[Cell]:
    """The last cell of each line where runs are read on a grid of gradients, else every cell; those that are sound."""
    if data.plan.experiment.read is None:
        return [cell for cell in data.plan.cells if not losses(data, [cell])]
    return [line.cells[-1] for line in lines(data) if not line.reason]


def _free(data: Data, reading: Tuned) -> tuple[str, ...]:
    """The coordinates in which the cells of one tuning may differ."""
    return reading.over if data.plan.experiment.read is None else (*reading.over, "gradients")


def _tuned_values(cell: Cell, reading: Tuned) -> tuple[float, ...]:
    known = coordinates(cell)
    return tuple(known.get(name, math.nan) for name in reading.over)


def _inside(values: tuple[float, ...], tried: Sequence[tuple[float, ...]]) -> bool:
    """Whether no tuned value is an end of those tried; a coordinate with one value only is none that is tuned."""
    for value, every in zip(values, zip(*tried, strict=True), strict=True):
        if len(set(every)) > 1 and not min(every) < value < max(every):
            return False
    return True
