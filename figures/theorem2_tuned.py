"""The excess risk of Lookahead over SGD's with the step sizes of both tuned, by family of step sizes, against alpha."""

from __future__ import annotations

from figures._tuned import draw_ratios, explain
from riskkit.report import plot

EXPERIMENT = "theorem2_tuned"
MOST = 4
"""Panels."""


def draw(stored: plot.Stored) -> plot.Page | None:
    """A panel for each problem and budget; a colour for each family; full markers at the largest n."""
    found = [c for c in stored.comparisons if c["quantity"] == "excess"]
    if not found:
        return None
    every = sorted({(c["lam"], c["gradients"]) for c in found}, key=lambda pair: (-pair[0], pair[1]))
    settings = [every[int(place)] for place in plot.few(range(len(every)), MOST)]
    sizes, names = sorted({c["n"] for c in found}), list(dict.fromkeys(c["algorithm"] for c in found))
    page = plot.Page(
        "Excess risk of Lookahead (last iterate) over that of SGD at equal gradients, the step sizes of both tuned, on "
        f"{stored.problem} with the curvatures (1, lam), against alpha",
        height=2.3,
        columns=len(settings),
    )
    for lam, gradients in settings:
        first = (lam, gradients) == settings[0]
        ylabel = "excess risk,\nLookahead / SGD" if first else ""
        title = f"$\\lambda = {lam:g}$, $kT = {gradients:g}$"
        far = max(c["ratio"] for c in found if (c["lam"], c["gradients"]) == (lam, gradients)) > 2
        panel = page.panel(xlabel="alpha", ylabel=ylabel, title=title, yscale="log" if far else "linear")
        panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
        for name, look in zip(names, plot.PALETTE, strict=False):
            for n in sizes:
                line = [
                    c for c in found if (c["algorithm"], c["lam"], c["gradients"], c["n"]) == (name, lam, gradients, n)
                ]
                key = name.removeprefix("Lookahead, ")
                draw_ratios(panel, stored, line, "alpha", look, key, full=n == sizes[-1])
    explain(page, stored, sizes)
    if len(settings) < len(every):
        page.note(f"Panels: {len(settings)} of {len(every)} problems and budgets.")
    page.note(
        "Under 1, Lookahead's excess risk is the smaller one. Every step size is the best of its family by exact "
        "moments, with eta at most 1/L; alpha is as drawn. Each panel has its own y axis."
    )
    return page
