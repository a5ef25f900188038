"""Lookahead over SGD with the same step: against the batch, and against an outer step in (0, 2]."""

from __future__ import annotations

import numpy as np
from matplotlib.lines import Line2D

from riskkit.report import plot
from riskkit.theory.field import moments

EXPERIMENT = "lookahead_batches"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Left: optimization error against the batch. Right: Lookahead / SGD against alpha, at each T."""
    rows = stored.rows(quantity="optimization", output="last")
    ratios = [c for c in stored.comparisons if (c["quantity"], c["output"]) == ("optimization", "last")]
    if rows.empty or not ratios:
        return None
    page = plot.Page(
        f"Optimization error of Lookahead (last iterate) on {stored.problem} with a constant step size: against the "
        "batch size b, and over that of SGD against the outer step alpha",
        height=2.6,
        columns=2,
    )
    longest = rows["T"].max()
    left = page.panel(xlabel="b", ylabel="optimization error", title=plot.symbols({"T": float(longest)}))
    staged = rows[(rows["T"] == longest) & (rows["algorithm"] == "Lookahead")]
    alphas = plot.few(staged[staged["b"] > 1]["alpha"], 4)
    page.omitted("alpha", staged[staged["b"] > 1]["alpha"], alphas)
    for alpha in alphas:
        line = staged[staged["alpha"] == alpha].sort_values("b")
        left.measured(
            plot.Line(line, "b", {}, {}, "Lookahead"),
            colour=plot.alpha_colour(alpha),
            marker="o",
            key=f"Lookahead, $\\alpha = {alpha:g}$",
        )
        line = rows[(rows["algorithm"] == "local SGD") & (rows["T"] == longest) & (rows["alpha"] == alpha)]
        if len(line) > 1:
            left.measured(
                plot.Line(line.sort_values("b"), "b", {}, {}, "local SGD"),
                colour=plot.alpha_colour(alpha),
                marker="P",
                key=f"local SGD, $\\alpha = {alpha:g}$",
            )
    whole = rows[(rows["T"] == longest) & (rows["algorithm"] == "SGD")].drop_duplicates("b").sort_values("b")
    left.measured(plot.Line(whole, "b", {}, {}, "SGD"), colour=plot.INK, marker="s", key="SGD")
    right = page.panel(xlabel="alpha", ylabel="Lookahead / SGD", xscale="linear")
    rounds = plot.few({c["T"] for c in ratios}, len(plot.PALETTE))
    page.omitted("T", [c["T"] for c in ratios], rounds)
    for index, T in enumerate(rounds):
        at = sorted((c for c in ratios if c["T"] == T and c["b"] == 1), key=lambda c: c["alpha"])
        if len(at) < 2:
            continue
        colour, marker = plot.PALETTE[index]
        right.ratios(
            at,
            "alpha",
            about={"quantity": "optimization", "output": "last", "T": T},
            style={"color": colour, "marker": marker, "ms": 3.2, "ls": "none", "zorder": 5},
        )
        page.key(f"$T = {T:g}$", Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0))
    k, h = float(ratios[0]["k"]), float(rows["eta"].iloc[0]) * 1.0
    dense = np.linspace(0.25, 1.75, 31)
    right.points(
        "floors",
        dense,
        np.array([moments.floor_ratio(h, int(k), alpha) for alpha in dense]),
        x_name="alpha",
        about={"quantity": "optimization", "output": "last"},
        style={"color": plot.INK, "lw": 0.9},
    )
    page.key("ratio of stationary errors", Line2D([], [], color=plot.INK, lw=0.9))
    right.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
    page.note(
        "Equal numbers of steps kT; a step takes b gradients. Local SGD has b workers, which take k steps of one "
        "gradient each and average: its crosses lie on Lookahead's marks."
    )
    return page
