"""Theorem 2 where it is attained: the optimization error against T, and its exponent against alpha."""

from __future__ import annotations

import numpy as np

from riskkit.report import plot

EXPERIMENT = "theorem2_exponents"
ABOUT = {"quantity": "optimization", "output": "last", "algorithm": "Lookahead"}
ENDS = ("low", "high")


def draw(stored: plot.Stored) -> plot.Page:
    """Left: errors along T, one line an alpha. Right: the exponents of those lines."""
    page = plot.Page(
        f"Optimization error of Lookahead on {stored.problem} against T (left) and its exponent against alpha (right)",
        height=2.6,
        columns=2,
        widths=(1.15, 1.0),
    )
    errors = page.panel(xlabel="T", ylabel="optimization")
    lines = stored.lines("T", "optimization", "last")
    for line in lines:
        errors.curve(line, "exact")
        errors.curve(line, "proved")
        errors.measured(line, joined=False)
    errors.end_labels(lines)
    exponents(page, stored, lines)
    page.note("The exponents are least-squares slopes with 95% jackknife-t intervals over whole replicates.")
    return page


def exponents(page: plot.Page, stored: plot.Stored, lines: list[plot.Line]) -> None:
    """The measured exponents with their intervals beside the closed form's on the same grid, the explicit bound's, and
    the limit -min(2 alpha, 1), which no finite grid reaches."""
    panel = page.panel(xlabel="alpha", ylabel="exponent in $T$", xscale="linear", yscale="linear")
    on_grid = stored.lines("T", "optimization", "last", kind="exponent")

    def curve(kind: str, source: list[plot.Line], column: str, style: dict[str, object], key: str = "") -> None:
        known = [line for line in source if line.verdict[column] is not None]
        alphas = [line.where["alpha"] for line in known]
        values = [line.verdict[column] for line in known]
        low, high = ([line.verdict[f"{column}_{end}"] for line in known] if column == "slope" else None for end in ENDS)
        panel.points(kind, alphas, values, x_name="alpha", low=low, high=high, about=ABOUT, key=key, style=style)

    knee = np.array([0.0, 0.5, 1.0])
    limit = {"color": plot.FAINT, "ls": plot.COMPUTED["claim"][0]}
    panel.points("limit", knee, -np.minimum(2 * knee, 1), x_name="alpha", style=limit, key=r"limit $-\min(2\alpha, 1)$")
    curve("proved", lines, "explicit_slope", {"color": plot.INK, "ls": plot.COMPUTED["proved"][0], "lw": 0.9})
    curve("exact", on_grid, "claim_slope", {"color": plot.INK, "lw": 1.0})
    for line in on_grid or lines:
        colour = plot.alpha_colour(line.where["alpha"])
        curve("measured", [line], "slope", {"color": colour, "ls": "none", "marker": "o", "ms": 3.2})
