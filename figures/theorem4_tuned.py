"""The excess risk of SLRLA over that of its stages at beta = 0, first step and alpha of both tuned, against beta."""

from __future__ import annotations

from figures._tuned import draw_ratios, explain
from riskkit.report import plot

EXPERIMENT = "theorem4_tuned"


def draw(stored: plot.Stored) -> plot.Page | None:
    """A panel for each problem, from well- to ill-conditioned; a colour for each budget; dashed at smaller n."""
    found = [c for c in stored.comparisons if c["algorithm"] == "SLRLA"]
    if not found:
        return None
    moduli = plot.few({c["lam"] for c in found}, 4)[::-1]
    budgets, sizes = plot.few({c["gradients"] for c in found}, 4), plot.few({c["n"] for c in found}, 2)
    page = plot.Page(
        "Excess risk of SLRLA (last iterate) over that of the same stages without a regularizer, first step and alpha "
        f"of both tuned, on {stored.problem} with the curvatures (1, lam), against beta",
        height=2.3,
        columns=len(moduli),
        share="row",
    )
    for name, shown in (("lam", moduli), ("gradients", budgets), ("n", sizes)):
        page.omitted(name, [c[name] for c in found], shown)
    for lam in moduli:
        panel = page.panel(
            xlabel="beta",
            ylabel="excess risk,\nover that at $\\beta = 0$",
            title=plot.symbols({"lam": lam}),
            yscale="linear",
        )
        panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
        for gradients in budgets:
            for n in sizes:
                line = [c for c in found if (c["lam"], c["gradients"], c["n"]) == (lam, gradients, n)]
                look, key = plot.PALETTE[budgets.index(gradients)], f"$kT = {gradients:g}$"
                draw_ratios(panel, stored, line, "beta", look, key, full=n == sizes[-1])
    explain(page, stored, sizes)
    page.note(
        "Colours: the gradients of the run. First step (at most 1/L) and alpha are the best by exact moments "
        "at every beta."
    )
    return page
