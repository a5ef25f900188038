"""SLA and SLRLA on digits, all else equal: what each changes in optimization, generalization and error rate."""

from __future__ import annotations

from figures._table3 import errors, parts, rows
from riskkit.report import plot

EXPERIMENT = "table3"
BASELINE = ""
"""Every row names both methods."""


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: label noise, at the largest n. Columns: the parts of the excess risk, and the error rate."""
    if not stored.comparisons:
        return None
    n = max(c["n"] for c in stored.comparisons)
    found = [c for c in stored.comparisons if c["n"] == n]
    noises = sorted({c["noise"] for c in found})
    lines = {noise: rows([c for c in found if c["noise"] == noise], baseline=BASELINE) for noise in noises}
    most = max(map(len, lines.values()))
    page = plot.Page(
        f"{stored.problem.partition(',')[0]}, n = {n:g}, all else equal: differences with paired 95% intervals",
        height=0.7 + len(noises) * (0.5 + 0.28 * most),
        rows=len(noises),
        columns=2,
        share="row",
        widths=(3, 2),
    )
    for noise in noises:
        where, title = {"n": n, "noise": noise}, f"label noise {noise:g}"
        panel = page.panel(xlabel="difference of risks", title=title, xscale="linear", yscale="linear")
        parts(panel, lines[noise], where)
        panel = page.panel(xlabel="difference of error rates, points", xscale="linear", yscale="linear")
        errors(panel, lines[noise], where)
    page.note(f"First method less second, {stored.replicates} replicates with common samples, starts and minibatches.")
    for verdict in stored.verdicts:
        page.quote(verdict)
    return page
