"""The whole excess risk with its two parts, along n and along k, on the problems of several experiments."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = None
PANELS = (
    ("theorem2_ridge", "n", "last", "ridge"),
    ("theorem1_stability", "n", "last", "pseudo-Huber"),
    ("theorem3_alpha", "n", "last", "warped mean"),
    ("theorem1_attained_optimization", "k", "average", "linear, fixed $kT$"),
)
"""Experiment, axis, output, title."""


def draw(everything: list[plot.Stored]) -> plot.Page | None:
    """One panel for each experiment that is stored and was swept along the axis."""
    by_name = {stored.name: stored for stored in everything}
    lines: list[tuple[plot.Stored, str, str, str, dict[str, float]]] = []
    for name, axis, output, title in PANELS:
        if name in by_name and (where := longest(by_name[name], axis, output)) is not None:
            lines.append((by_name[name], axis, output, title, where))
    if not lines:
        return None
    page = plot.Page(
        "Excess risk of Lookahead and its two parts, the optimization and the generalization error, against n and k",
        height=2.1,
        columns=len(lines),
    )
    for place, (stored, axis, output, title, where) in enumerate(lines):
        panel = page.panel(xlabel=axis, ylabel="risk" if place == 0 else "", title=title)
        for quantity in ("optimization", "generalization", "excess"):
            colour, marker = plot.QUANTITIES[quantity]
            line = stored.line(axis, quantity, output, where)
            panel.measured(line, colour=colour, marker=marker, key=plot.NAMES[quantity])
        held = ", ".join(f"{name} = {value:g}" for name, value in (where).items())
        page.note(f"{title.replace('$', '')}: {output} iterate, {held}.")
    return page


def longest(stored: plot.Stored, axis: str, output: str) -> dict[str, float] | None:
    """What is held along the experiment's longest line on that axis; None if it has none."""
    found = [v for v in stored.verdicts if v["axis"] == axis and v["output"] == output and v["kind"] == "rate"]
    lines: list[dict[str, float]] = [verdict["where"] for verdict in found]
    return max(lines, key=lambda where: len(stored.line(axis, "excess", output, where).rows), default=None)
