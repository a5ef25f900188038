"""What is stored of an experiment, as if one coordinate had had twenty values, or one, or a third of the cells were
lost: what a page has to fit, without computing it."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd

COORDINATES = ("n", "T", "k", "alpha", "lam", "beta", "mu", "eta", "momentum", "batch")
MEASURED = ("mean", "sem", "low", "high", "band_low", "band_high", "claim", "published", "proved", "trivial", "exact")
LISTS = ("comparisons", "counts", "best", "quantiles")


def coordinates(table):
    return [name for name in COORDINATES if name in table and table[name].dropna().nunique() > 1]


def _place(entry):
    """Where a verdict, comparison, count or best value stands."""
    return entry["where"] if isinstance(entry.get("where"), dict) else entry


def twenty(table, verdict, name):
    """Rows and entries at the nearest stored value stand for each of twenty values between the ends."""
    known = np.array(sorted(set(table[name].dropna())), dtype=float)
    whole = (known == np.round(known)).all()
    last = max(known[-1], known[0] * (20 if whole else 4))
    values = np.geomspace(known[0], last, 20) if known[0] > 0 else np.linspace(known[0], known[-1], 20)
    if whole:
        values = np.unique(np.round(values))
        values = values if len(values) == 20 else known[0] + np.arange(20)
    values = np.array([float(f"{value:.3g}") for value in values])
    if name == "alpha":
        values = np.arange(1, 21) / 20
    source = {value: known[np.argmin(np.abs(known - value))] for value in values}
    parts = [table[table[name] == old].assign(**{name: new}) for new, old in source.items()]
    made = dict(verdict)
    for key in ("verdicts", *LISTS):
        made[key] = []
        for entry in verdict[key]:
            place = _place(entry)
            if place.get(name) is None:
                made[key].append(entry)
            for new, old in source.items():
                if place.get(name) == old:
                    made[key].append(copy.deepcopy(entry))
                    _place(made[key][-1])[name] = float(new)
    return pd.concat([table[table[name].isna()], *parts], ignore_index=True), made


def one(table, verdict, names):
    """The largest value of each coordinate alone."""
    made = dict(verdict)
    for name in names:
        largest = table[name].max()
        table = table[table[name].isna() | (table[name] == largest)].reset_index(drop=True)
        for key in ("verdicts", *LISTS):
            made[key] = [
                one for one in made[key] if _place(one).get(name) in (None, largest) and one.get("axis") != name
            ]
    return table, made


def missing(table, verdict):
    """A third of the cells failed."""
    rng, table = np.random.default_rng(0), table.copy()
    cell = table.groupby(["algorithm", "n", "T", "k", "alpha", "gradients"], dropna=False).ngroup()
    lost = (rng.random(cell.max() + 1) < 0.35)[cell]
    table.loc[lost, [name for name in MEASURED if name in table]] = np.nan
    table.loc[lost, "status"], table.loc[lost, "reason"] = "failed", "a reason"
    kept = [comparison for comparison in verdict["comparisons"] if rng.random() > 0.35]
    return table, {**verdict, "comparisons": kept}


def variants(table, verdict):
    """Name -> table and verdicts."""
    names = coordinates(table)
    yield "missing", missing(table, verdict)
    for name in names:
        yield f"twenty {name}", twenty(table, verdict, name)
        yield f"one {name}", one(table, verdict, [name])
    yield "one cell", one(table, verdict, names)
