"""Stability on average of Lookahead with batches: against the batch in l1 and l2, and over that of matched SGD."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "lookahead_stability"
MEASURES = (("stability", "l1"), ("squared_stability", "l2"))


def draw(stored: plot.Stored) -> plot.Page | None:
    """Left and middle: l1 and l2 against the batch, with the bounds. Right: Lookahead over matched SGD along T."""
    rows = stored.rows(output="last")
    if rows.empty:
        return None
    alpha = sorted(set(rows["alpha"]))[0]
    page = plot.Page(
        f"Stability on average of Lookahead and of SGD with the step alpha eta (last iterate) on {stored.problem}: "
        "against the batch size b, and the ratio of the two",
        height=2.6,
        columns=3,
    )
    lookahead = rows[(rows["algorithm"] == "Lookahead") & np.isclose(rows["alpha"], alpha)]
    batches = lookahead[lookahead["b"] > 1]
    if batches.empty:
        return None
    T = batches["T"].max()
    for quantity, words in MEASURES:
        panel = page.panel(xlabel="b", ylabel=f"{words} stability", title=plot.symbols({"T": float(T), "alpha": alpha}))
        for algorithm in stored.record["algorithms"]:
            line = stored.rows(quantity=quantity, output="last", algorithm=algorithm)
            line = line[(line["T"] == T) & np.isclose(line["alpha"], alpha)].sort_values("b")
            if line.empty:
                continue
            colour, marker = stored.look(algorithm)
            panel.measured(plot.Line(line, "b", {}, {}, algorithm), colour=colour, marker=marker, key=algorithm)
            if algorithm == "Lookahead":
                panel.points(
                    "proved",
                    line["b"].astype(float),
                    line["proved"].to_numpy(dtype=float),
                    x_name="b",
                    about={"quantity": quantity, "output": "last", "algorithm": algorithm},
                    style={"color": colour, "lw": 0.9, "ls": "--"},
                )
                page.key("explicit bound", Line2D([], [], color=plot.INK, lw=0.9, ls="--"))
    right = page.panel(xlabel="T", ylabel="Lookahead / matched SGD", yscale="linear")
    for (quantity, words), (colour, marker) in zip(MEASURES, plot.PALETTE[3:], strict=False):
        at = sorted(
            (
                c
                for c in stored.comparisons
                if c["quantity"] == quantity and c["b"] == 1 and np.isclose(c["alpha"], alpha)
            ),
            key=lambda c: c["T"],
        )
        if not at:
            continue
        right.ratios(
            at,
            "T",
            about={"quantity": quantity, "output": "last"},
            style={"color": colour, "marker": marker, "ms": 3.2, "lw": 0.8},
        )
        page.key(f"{words}, $b = 1$", Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0.8))
    right.ticks_at(sorted({float(c["T"]) for c in stored.comparisons if c["b"] == 1}))
    right.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
    page.note(
        "l1 and l2: means over the replaced example of the distance between runs on S and on S with that example "
        "replaced, and of its square. Equal numbers of steps kT; a step takes b gradients."
    )
    return page
