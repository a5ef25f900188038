"""The last iterate of SGD on Harvey's maximum: J times its error grows like log J; a suffix average's does not."""

from __future__ import annotations

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "sgd_last_iterate"
SERIES = (("SGD", "last", "last iterate"), ("SGD", "average", "average of all"), ("suffix SGD", "average", "last half"))


def draw(stored: plot.Stored) -> plot.Page | None:
    """One panel: J times the optimization error over J, on a logarithmic axis."""
    rows = stored.rows(quantity="optimization")
    if rows.empty:
        return None
    page = plot.Page(
        f"J times the optimization error of SGD after J gradients on {stored.problem} in J dimensions",
        height=2.5,
    )
    panel = page.panel(xlabel="J", ylabel="$J \\times$ optimization error", xscale="log", yscale="linear")
    for (algorithm, output, words), (colour, marker) in zip(SERIES, plot.PALETTE, strict=False):
        line = rows[(rows["algorithm"] == algorithm) & (rows["output"] == output)].sort_values("T")
        J = line["T"].to_numpy(dtype=float)
        panel.points(
            "scaled",
            J,
            J * line["mean"].to_numpy(dtype=float),
            x_name="T",
            about={"quantity": "optimization", "output": output, "algorithm": algorithm},
            style={"color": colour, "marker": marker, "ms": 3.5, "lw": 0.8},
        )
        page.key(words, Line2D([], [], color=colour, marker=marker, ms=3.5, lw=0.8))
    panel.ticks_at(sorted(set(rows["T"].astype(float))))
    page.note(
        "The function, its dimension and the order of its subgradients are chosen for the number of gradients J; "
        "nothing is random. A straight rising line is an error of order (log J)/J, a flat one of order 1/J."
    )
    return page
