"""What the figures of gradient counts share: measured counts, claimed ones, and the generalization error there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from riskkit.report import plot

SERIES = (
    ("SGD", "last"),
    ("Lookahead", "last"),
    ("SLRLA", "average"),
    ("stagewise Lookahead", "average"),
    ("stagewise SGD", "average"),
    ("weighted SGD", "average"),
)
"""Each algorithm with the output that its bound speaks of."""
ROWS = (
    ("count", "gradients,\nmeasured"),
    ("claimed count", "gradients,\nclaimed"),
    ("generalization", "generalization error\nat $\\epsilon$"),
)

Count = dict[str, Any]


def draw(stored: plot.Stored, axis: str, alpha: float) -> plot.Page | None:
    """Columns: against eps for the largest and smallest value of the axis (lam; "": none), and against it. Rows:
    counts, measured and claimed, and the generalization error. ``alpha``: of the Lookahead that is shown."""
    counts = [c for c in stored.counts if (c["algorithm"], c["output"]) in SERIES]
    counts = [c for c in counts if c["algorithm"] != "Lookahead" or c["alpha"] == alpha]
    if not counts:
        return None
    moduli = sorted({c[axis] for c in counts}, reverse=True) if axis else []
    size = min(c["n"] for c in counts)
    middle = sorted({c["eps"] for c in counts})[1]
    ends = dict.fromkeys((moduli[0], moduli[-1])) if moduli else ()
    columns: list[tuple[str, dict[str, float]]] = [("eps", {"n": size, axis: end}) for end in ends] or [
        ("eps", {"n": size})
    ]
    if len(moduli) > 1:
        columns.append((axis, {"n": size, "eps": middle}))
    page = plot.Page(
        f"Gradients to reach the optimization error eps on {stored.problem} (n = {size:g}), measured, top, and "
        "claimed, middle, by Theorem 4 (paper: Theorems 5 and 6); bottom: the generalization error there",
        height=4.9,
        rows=3,
        columns=len(columns),
        share="grid",
    )
    panels = []
    for kind, ylabel in ROWS:
        for along, where in columns:
            title = (
                plot.symbols({k: float(f"{v:.4g}") for k, v in where.items() if k != "n"}) if kind == "count" else ""
            )
            scale = "linear" if kind == "generalization" else "log"
            panel = page.panel(xlabel=along, ylabel=ylabel, title=title, yscale=scale)
            panels.append(panel)
            for role, _ in SERIES:
                line = [c for c in counts if c["algorithm"] == role and all(c[k] == v for k, v in where.items())]
                draw_line(panel, stored, sorted(line, key=lambda c: c[along]), along, kind)
    alike(panels[: 2 * len(columns)])
    lost = [c for c in counts if c["gradients"] is None]
    for status in dict.fromkeys(c["status"] for c in lost):
        page.note(f"{sum(c['status'] == status for c in lost)} counts are omitted: {status}.")
    page.note(
        "SGD and Lookahead are read at their last iterate, the staged plans at the average that a stage passes on, "
        "weighted SGD at the average with weights j + j0; "
        f"Lookahead has alpha = {alpha:g}. Bars are 95% intervals. Claims are drawn with constant 1; the staged "
        "plans without a regularizer have SLRLA's."
    )
    for verdict in stored.judged("optimization", "average", "level"):
        page.quote(verdict)
    return page


def draw_line(panel: plot.Panel, stored: plot.Stored, line: Sequence[Count], axis: str, kind: str) -> None:
    if not line:
        return
    role = line[0]["algorithm"]
    colour, marker = stored.look(role)
    names = {"count": ("gradients", "low", "high"), "claimed count": ("claim", "", "")}
    value, low, high = names.get(kind, ("generalization", "generalization_low", "generalization_high"))

    def column(name: str) -> list[float]:
        return [np.nan if not name or not isinstance(c[name], float) else c[name] for c in line]

    claimed = kind == "claimed count"
    style: dict[str, Any] = {"color": colour, "lw": 1.2 if claimed else 0.8, "zorder": 3}
    style["ls"] = plot.COMPUTED["claim"][0] if claimed else "solid"
    if not claimed:
        style |= {"marker": marker, "ms": 3.0, "mew": 0.6, "mfc": "white" if role.startswith("stagewise") else colour}
    panel.points(
        kind,
        [c[axis] for c in line],
        column(value),
        x_name=axis,
        low=column(low),
        high=column(high),
        about={name: line[0][name] for name in ("algorithm", "n", "k", "alpha", "beta", "output")},
        style=style,
    )
    panel.ticks_at([c[axis] for c in line])
    if not claimed:
        panel.page.key(role, Line2D([], [], **style))


def alike(panels: Sequence[plot.Panel]) -> None:
    """The same y limits for all."""
    limits = np.array([panel.axes.get_ylim() for panel in panels])
    for panel in panels:
        panel.axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
