"""The estimate of a cell: what was measured, less numbers of the same replicates that are known to have mean 0.

    controlled   generalization and excess less F(theta*) - F_S(theta*)
    regressed    the rest less its regression (``riskkit.stats.controls``), in this order, as many as may be fitted, on
                 - what was measured of the same run on the problem's quadratic companion less its expectation
                 - F(theta_0) - F_S(theta_0)
                 - F - F_S less the replace-one estimate, for generalization and excess without a companion: two
                   estimates of one expectation, so that what is left is their best combination
                 - the mean product of two examples' gradients at theta*
                 - F(theta*) - F_S(theta*)

The mean of the estimate is that of what was measured, whatever the controls are worth. What is coupled tells of the
replicates that have drawn the replaced example: coefficients that are fitted to those which have not know nothing of
the others, however much these vary. So it is used only where many have, by n and the number of draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from riskkit.algorithms.staged import OUTPUTS
from riskkit.measure.expectation import ENGINE as MOMENTS
from riskkit.measure.quantities import FOLLOWED, Measured, followed
from riskkit.stats.columns import Columns, reduced
from riskkit.stats.controls import regressed
from riskkit.theory.bound import Floats

CONTROLLED = ("generalization", "excess")
DATASETS = ("control_start", "control_pairs", "control")
"""Controls that a replicate's dataset gives, whatever runs on it."""

TOGETHER = 2**13
"""Numbers that are regressed together: they stay in cache."""

LARGEST = 1e150
"""A value from here on has no variance in float64: the sum of 2^17 squares of differences would be infinite."""


class Estimate(NamedTuple):
    """values (R, 1), whose mean is the estimate and whose jackknife its standard error; and ``controlled``,
    ``regressed`` or ``simulated``."""

    values: Columns
    how: str


class Wanted(NamedTuple):
    """What is to be estimated: a ``run`` at the checkpoint in place ``slot``.

    ``paired``: whether the replace-one estimate may be a control; not where it is what is tested, or where a run on S
    with one example exchanged is not the algorithm on it, as with a planted fault. ``followed_pairs``: whether the
    companion's stability may be one of stability."""

    run: Measured
    slot: int
    paired: bool = True
    followed_pairs: bool = True


def estimate(
    run: Measured, slot: int, quantity: str, output: str, *, paired: bool = True, followed_pairs: bool = True
) -> Estimate:
    """Of a quantity that the run measured; arguments as of ``Wanted``."""
    return estimates([Wanted(run, slot, paired, followed_pairs)], quantity, output)[0]


def estimates(wanted: Sequence[Wanted], quantity: str, output: str) -> list[Estimate]:
    """Of a quantity that all the runs measured, on as many replicates; an expectation stays as it is.

    The regressions of checkpoints with as many controls are made together."""
    found: list[Estimate] = []
    fitted: dict[int, list[tuple[int, Floats, list[Floats]]]] = {}
    sets: dict[int, dict[str, Floats]] = {}
    for place, (run, slot, paired, followed_pairs) in enumerate(wanted):
        measured = run.values[quantity][:, slot, OUTPUTS.index(output)]
        if quantity not in FOLLOWED or (run.engine.startswith(MOMENTS) and (measured == measured[0]).all()):
            found.append(Estimate(reduced(measured), "simulated"))
            continue
        if id(run) not in sets:
            sets[id(run)] = _of_datasets(run)
        controls = _controls(run, slot, quantity, output, sets[id(run)], paired=paired)
        if quantity == "stability" and not followed_pairs:
            controls = {}
        subtracted = quantity in CONTROLLED and "control" in run.dataset
        plain = measured - run.dataset["control"] if subtracted else measured
        found.append(Estimate(reduced(plain), "controlled" if subtracted else "simulated"))
        if controls and _moderate(plain):
            group = fitted.setdefault(len(controls), [])
            group.append((place, plain, list(controls.values())))
            if (len(group) + 1) * len(plain) > TOGETHER:
                _regress(found, group)
                group.clear()
    for group in fitted.values():
        if group:
            _regress(found, group)
    return found


def _regress(found: list[Estimate], group: Sequence[tuple[int, Floats, list[Floats]]]) -> None:
    """Puts what is regressed in the place of what is not."""
    plain = np.stack([values for _, values, _ in group], axis=1)
    made = regressed(plain, np.stack([np.stack(own, axis=1) for _, _, own in group])).T
    for (place, before, _), after in zip(group, made, strict=True):
        if not np.array_equal(before, after):
            found[place] = Estimate(reduced(after.copy()), "regressed")


def controls_of(run: Measured, slot: int, quantity: str, output: str, *, paired: bool = True) -> dict[str, Floats]:
    """Name -> (R,), below LARGEST and of mean 0, in the order in which they are taken."""
    return _controls(run, slot, quantity, output, _of_datasets(run), paired=paired)


def _of_datasets(run: Measured) -> dict[str, Floats]:
    """The controls that are the same for all quantities and checkpoints of a run."""
    found = {name: run.dataset[name] for name in DATASETS if name in run.dataset}
    return {name: values for name, values in found.items() if _moderate(values)}


def _controls(
    run: Measured, slot: int, quantity: str, output: str, sets: dict[str, Floats], *, paired: bool
) -> dict[str, Floats]:
    o = OUTPUTS.index(output)
    found: dict[str, Floats] = {}
    companion = has_companion(run, slot, quantity, output)
    if companion and _moderate(own := run.values[followed(quantity)][:, slot, o]):
        found["companion"] = own
    if quantity not in CONTROLLED:
        return found
    sets = dict(sets)
    if "control_start" in sets:
        found["control_start"] = sets.pop("control_start")
    if paired and not companion and {"generalization", "replace_one"} <= set(run.values):
        direct, other = (run.values[name][:, slot, o] for name in ("generalization", "replace_one"))
        if _moderate(apart := direct - other):
            found["replace-one"] = apart
    return found | sets


def has_companion(run: Measured, slot: int, quantity: str, output: str) -> bool:
    """Whether the same run on the problem's companion was measured, and stayed in range."""
    own = run.values.get(followed(quantity))
    return own is not None and bool(np.isfinite(own[:, slot, OUTPUTS.index(output)]).all())


def _moderate(values: Floats) -> bool:
    return bool((np.abs(values) < LARGEST).all())
