"""What runs say together: accuracies on the test sample with their errors, and paired differences of optimizers.

The test sample is one draw from the distribution of images, common to all runs. A mean over seeds of an accuracy on it
has two errors, which are told apart: that of the seeds, and that of the sample. For one network the latter is binomial.

The best epoch's accuracy is chosen on the sample that it is read from. Its *optimism* is estimated without other data:
the epoch is chosen on one half of the test sample (images with even numbers) and read on the other, both ways, less the
difference of the halves in the last epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from riskkit.images.networks import NETWORKS
from riskkit.report.tables.latex import tabular
from riskkit.report.tables.markdown import pipe_table
from riskkit.report.tables.table import Column, Table
from riskkit.stats.paired import paired_difference
from riskkit.store.atomic import write_text
from riskkit.theory.zhou2021.table3 import COLUMNS, PRINTED

Run = Mapping[str, Any]
"""What ``train`` returns and ``run.json`` holds."""


class Row(NamedTuple):
    """Runs that differ in their seed alone. Accuracies in percent, differences in points.

    Attributes:
        data, network, optimiser, seeds: which runs; a diverged one is counted in ``diverged`` and has no accuracy.
        last: mean accuracy after the last epoch.
        over_seeds: its standard error over seeds; nan for one seed.
        over_test: its standard error over test images.
        best: mean of the best accuracy over the epochs.
        optimism: how much of ``best`` - the accuracy of the same network on other test images is choice.
        paper: the accuracy that the paper prints, None where it has none.
        changed: the numbers that are not the paper's.
    """

    data: str
    network: str
    optimiser: str
    seeds: tuple[int, ...]
    diverged: int
    test: int
    epochs: int
    last: float
    over_seeds: float
    over_test: float
    best: float
    optimism: float
    paper: float | None
    changed: tuple[str, ...]
    statistics: str


class Difference(NamedTuple):
    """Mean accuracy of one row less that of another on their common seeds, in points.

    Attributes:
        seeds: how many.
        over_seeds: standard error over seeds; nan for one.
        low, high: 95% interval over seeds, nan with fewer than 16.
        over_test: standard error over test images, of which both rows saw the same.
        apart: share of test images, in percent, on which one is right and the other wrong, mean over seeds.
    """

    first: Row
    second: Row
    seeds: int
    difference: float
    over_seeds: float
    low: float
    high: float
    over_test: float
    apart: float


def rows(runs: Sequence[Run]) -> list[Row]:
    """In the order in which their first runs come."""
    return [_row(group) for group in _groups(runs)]


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Between all pairs of optimizers on the same network, data and epochs with a seed in common; the paper's order."""
    groups = _groups(runs)
    order = list(PRINTED)
    groups.sort(key=lambda group: -order.index(_printed_name(group[0]["identity"]["plan"]["optimiser"])))
    found = []
    for i, first in enumerate(groups):
        for second in groups[i + 1 :]:
            if _comparable(first[0]) == _comparable(second[0]) and (one := _difference(first, second)) is not None:
                found.append(one)
    return found


def _groups(runs: Sequence[Run]) -> list[list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        own = run["identity"]
        groups.setdefault(repr((own["plan"], own["data"])), []).append(run)
    return list(groups.values())


def _comparable(run: Run) -> tuple[Any, ...]:
    plan = run["identity"]["plan"]
    return run["identity"]["data"]["content"], plan["network"], plan["epochs"]


def _printed_name(optimiser: str) -> str:
    return "stagewise SGD" if optimiser == "SGD" else optimiser


def _right(run: Run) -> np.ndarray:
    """bool (N,)."""
    packed = np.frombuffer(bytes.fromhex(run["right"]), np.uint8)
    return np.unpackbits(packed)[: run["identity"]["data"]["test"]].astype(bool)


def _row(group: Sequence[Run]) -> Row:
    head = group[0]
    plan, data = head["identity"]["plan"], head["identity"]["data"]
    whole = [run for run in group if run["status"] == "complete"]
    last = best = over_seeds = over_test = optimism = math.nan
    if whole:
        right = np.array([_right(run) for run in whole])
        accuracies = 100 * right.mean(1)
        last = float(accuracies.mean())
        over_seeds = float(accuracies.std(ddof=1) / math.sqrt(len(whole))) if len(whole) > 1 else math.nan
        over_test = 100 * float(right.mean(0).std() / math.sqrt(right.shape[1]))
        best = float(np.mean([100 * max(sum(e["right"]) for e in run["history"]) / data["test"] for run in whole]))
        optimism = float(np.mean([_optimism(run) for run in whole]))
    return Row(
        data["name"],
        plan["network"],
        plan["optimiser"],
        tuple(run["identity"]["seed"] for run in group),
        len(group) - len(whole),
        data["test"],
        plan["epochs"],
        last,
        over_seeds,
        over_test,
        best,
        optimism,
        _paper(head),
        tuple(head["changed"]),
        head["statistics"],
    )


def _paper(run: Run) -> float | None:
    """The entry of Table 3; the data have to be the official ones, or have ImageNet's numbers."""
    data, plan = run["identity"]["data"], run["identity"]["plan"]
    imagenet = (data["train"], data["test"]) == (1_281_167, 50_000)
    name = "ImageNet" if imagenet else data["name"] if run["official"] else ""
    network = NETWORKS[plan["network"]].column
    for place, column in enumerate(COLUMNS):
        if (column.data, column.network) == (name, network):
            return PRINTED[_printed_name(plan["optimiser"])][place]
    return None


def _optimism(run: Run) -> float:
    """In points: chosen on one half and read on the other, both ways."""
    right = np.array([epoch["right"] for epoch in run["history"]], dtype=np.float64)  # (epochs, 2)
    test = run["identity"]["data"]["test"]
    accuracy = 100 * right / [(test + 1) // 2, max(test // 2, 1)]
    found = []
    for own, other in ((0, 1), (1, 0)):
        chosen = int(accuracy[:, own].argmax())
        found.append((accuracy[chosen, own] - accuracy[chosen, other]) - (accuracy[-1, own] - accuracy[-1, other]))
    return float(np.mean(found))


def _difference(first: Sequence[Run], second: Sequence[Run]) -> Difference | None:
    ours, theirs = ({r["identity"]["seed"]: _right(r) for r in g if r["status"] == "complete"} for g in (first, second))
    common = [seed for seed in ours if seed in theirs]
    if not common:
        return None
    a, b = (np.array([own[seed] for seed in common], dtype=np.float64) for own in (ours, theirs))
    gaps = 100 * (a - b).mean(1)
    low = high = over_seeds = math.nan
    if len(common) > 1:
        found = paired_difference(100 * a.mean(1), 100 * b.mean(1))
        low, high = float(found.low), float(found.high)
        over_seeds = float(gaps.std(ddof=1) / math.sqrt(len(common)))
    return Difference(
        _row(first),
        _row(second),
        len(common),
        float(gaps.mean()),
        over_seeds,
        low,
        high,
        100 * float((a - b).mean(0).std() / math.sqrt(a.shape[1])),
        100 * float((a != b).mean()),
    )


def tables(runs: Sequence[Run]) -> list[Table]:
    """The two tables of some runs; the second only if two optimizers have a seed in common."""
    made = [_accuracies(rows(runs))]
    found = differences(runs)
    return made + [_pairs(found)] * bool(found)


def write(runs: Sequence[Run], folder: Path) -> list[Path]:
    """``training.md`` with both tables, and a LaTeX file for each; StoreError if the disk refuses."""
    made = tables(runs)
    paths = [folder / "training.md", *(folder / f"{table.name}.tex" for table in made)]
    write_text(paths[0], "\n".join(map(pipe_table, made)))
    for path, table in zip(paths[1:], made, strict=True):
        write_text(path, tabular(table))
    return paths


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _accuracies(found: Sequence[Row]) -> Table:
    sizes = ", ".join(f"{size:,}" for size in dict.fromkeys(row.test for row in found))
    fast = any(row.statistics == "of the fast weights" for row in found)
    caption = (
        f"Accuracy in percent on a test sample ({sizes} images) that all rows share. Last: after the last epoch, mean "
        "over seeds; beside it its standard error over seeds, and over test images. Best: the best epoch's, chosen on "
        "the test sample itself, and how much of it is choice (optimism, in points, measured on halves of the sample). "
        "Paper: Table 3 of Zhou et al., NeurIPS 2021, which reports the best epoch. Changed: numbers that are not the "
        "paper's."
    )
    if fast:
        caption += " Slow weights were tested with batch norm's statistics of the fast weights."
    columns = (
        Column("data"),
        Column("network"),
        Column("optimizer"),
        Column("epochs", "count"),
        Column("seeds", "count"),
        Column("diverged", "count"),
        Column("last", "fixed"),
        Column("+- seeds", "fixed"),
        Column("+- test", "fixed"),
        Column("best", "fixed"),
        Column("optimism", "fixed"),
        Column("paper", "fixed"),
        Column("changed"),
    )
    body = tuple(
        (
            row.data,
            row.network,
            row.optimiser,
            row.epochs,
            len(row.seeds),
            row.diverged,
            _known(row.last),
            _known(row.over_seeds),
            _known(row.over_test),
            _known(row.best),
            _known(row.optimism),
            row.paper,
            ", ".join(name.replace("_", " ") for name in row.changed) or None,
        )
        for row in found
    )
    return Table("training_accuracies", caption, columns, body, title="Accuracies")


def _pairs(found: Sequence[Difference]) -> Table:
    caption = (
        "Differences of mean accuracies after the last epoch, in points, on common seeds: equal initial weights, order "
        "of images, cuts and flips. Beside them the standard errors over seeds, and over test images, and the 95% "
        "interval over seeds, from 16 seeds on. Apart: the share of test images, in percent, on which one of two "
        "networks is right and the other wrong."
    )
    columns = (
        Column("data"),
        Column("network"),
        Column("optimizers"),
        Column("seeds", "count"),
        Column("difference", "fixed"),
        Column("+- seeds", "fixed"),
        Column("95%", "interval"),
        Column("+- test", "fixed"),
        Column("apart", "fixed"),
    )
    body = tuple(
        (
            one.first.data,
            one.first.network,
            f"{one.first.optimiser} - {one.second.optimiser}",
            one.seeds,
            one.difference,
            _known(one.over_seeds),
            None if math.isnan(one.low) else (one.low, one.high),
            _known(one.over_test),
            _known(one.apart),
        )
        for one in found
    )
    return Table("training_differences", caption, columns, body, title="Differences")
