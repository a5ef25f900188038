"""Theorem 1's generalization bound where the error is known in closed form: along T, k, n and alpha, both outputs."""

from __future__ import annotations

from riskkit import plot

EXPERIMENT = "theorem1_attained"
AXES = ("T", "k", "n", "alpha")


def draw(stored: plot.Stored) -> plot.Page:
    """Rows: last iterate, average. Columns: the axes."""
    page = plot.Page(
        f"Generalization error of Lookahead on {stored.problem}, last iterate (top) and average (bottom), against T, "
        "k, n and alpha",
        height=3.8,
        rows=2,
        columns=4,
        share="grid",
    )
    for output in ("last", "average"):
        for axis in AXES:
            panel = page.panel(xlabel=axis, ylabel=f"generalization error,\n{output} iterate")
            lines = stored.lines(axis, "generalization", output)
            for line in lines:
                panel.curve(line, "exact")
                panel.curve(line, "explicit")
                panel.measured(line, joined=False)
            panel.slopes(lines)
    page.note(f"Means over {stored.replicates} replicates with 95% intervals, most of them smaller than the markers.")
    page.note(
        "The explicit bound is twice the closed form, so that the bound at an alpha lies on the error at 2 alpha; what "
        "is held along each axis is said in the verdicts."
    )
    return page
