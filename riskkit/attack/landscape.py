"""The ratio around the worst instance, over the two parameters that matter most there."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from riskkit.attack.answer import Answer
from riskkit.attack.evaluation import evaluate, excluded
from riskkit.attack.parameters import Range
from riskkit.attack.search import SEARCHED
from riskkit.report import Page, plot

Floats = npt.NDArray[np.float64]

ALONG, ACROSS = 9, 13
"""Points along each parameter alone, and along each side of the map."""


class Landscape(NamedTuple):
    """The ratio (ACROSS, ACROSS) over two parameters, nan where an instance is not allowed or has no value.

    ``x``, ``y``: the values of each, ascending, without those that repeat.
    """

    names: tuple[str, str]
    x: Floats
    y: Floats
    ratio: Floats


def landscape(answer: Answer) -> Landscape | None:
    """None where fewer than two parameters move the ratio, or no instance has a value."""
    arm = answer.arm
    if arm is None:
        return None
    line = np.linspace(0, 1, ALONG)
    spread: dict[int, float] = {}
    for place, parameter in enumerate(arm.parameters):
        if not isinstance(parameter, Range) or parameter.low == parameter.high:
            continue
        ratios = [_ratio(answer, {place: u}) for u in line]
        known = [ratio for ratio in ratios if ratio > 0]
        if len(known) > 1 and max(known) > min(known) * (1 + 1e-9):
            spread[place] = math.log(max(known) / min(known))
    if len(spread) < 2:
        return None
    first, second = sorted(sorted(spread, key=lambda place: -spread[place])[:2])
    (u, x), (v, y) = (_values(answer, place) for place in (first, second))
    ratio = np.array([[_ratio(answer, {first: a, second: b}) for a in u] for b in v])
    return Landscape((arm.parameters[first].name, arm.parameters[second].name), x, y, ratio)


def _values(answer: Answer, place: int) -> tuple[Floats, Floats]:
    """Coordinates and values of one parameter, each value once, that of the worst instance among them."""
    assert answer.arm is not None
    parameter = answer.arm.parameters[place]
    found = {parameter.at(u): u for u in [*np.linspace(0, 1, ACROSS), answer.coordinates[place]]}
    x = sorted(found)
    return np.array([found[value] for value in x]), np.array(x, dtype=np.float64)


def _ratio(answer: Answer, moved: dict[int, float]) -> float:
    assert answer.arm is not None
    assert answer.value is not None
    try:
        instance = answer.arm.instance([moved.get(i, u) for i, u in enumerate(answer.coordinates)])
    except ValueError:
        return math.nan
    if excluded(answer.bound, instance) is not None:
        return math.nan
    replicates = 0 if answer.value.exact else SEARCHED
    value = evaluate(answer.bound, answer.form, instance, replicates=replicates, seed=answer.seed)
    return math.nan if value is None else value.ratio


def page(answer: Answer, found: Landscape) -> Page:
    """A map of measured / bound; the worst instance is marked."""
    assert answer.arm is not None
    made = Page(
        f"Measured over bound around the worst instance of {answer.bound.name} ({answer.form}), over the two "
        "parameters that matter most there; above 1 the bound is violated",
        height=3.0,
        width="column",
    )
    parameters = {parameter.name: parameter for parameter in answer.arm.parameters}
    scales = ["log" if getattr(parameters[name], "log", False) else "linear" for name in found.names]
    panel = made.panel(xlabel=found.names[0], ylabel=found.names[1], xscale=scales[0], yscale=scales[1])
    with plot.house_style():
        shown = panel.axes.pcolormesh(found.x, found.y, found.ratio, shading="nearest", cmap="viridis")
        made.figure.colorbar(shown, ax=panel.axes, label="measured / bound")
        at = [answer.arm.choices(answer.coordinates)[name] for name in found.names]
        panel.axes.plot(*at, marker="x", color="white", ms=7, mew=2, ls="", clip_on=False)
    for (j, i), ratio in np.ndenumerate(found.ratio):
        entry = {"panel": panel.name, "kind": "ratio", "quantity": answer.bound.quantity, "output": answer.bound.output}
        place = {"x_name": found.names[0], "x": found.x[i], "y_name": found.names[1], "y_value": found.y[j]}
        made.records.append({**entry, **place, "y": ratio, "status": "ok" if ratio == ratio else "not allowed"})
    made.note(
        "All other parameters are those of the worst instance, at the cross. Where a bound says nothing there is a gap."
    )
    made.note(answer.sentence)
    return made
