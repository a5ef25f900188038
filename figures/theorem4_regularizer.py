"""SLRLA's regularizer swept, as published and as in the authors' code, over the same stages without it."""

from __future__ import annotations

from typing import Any

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "theorem4_regularizer"
ROLES = ("SLRLA", "SLRLA as coded")


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: optimization error, excess risk at the end of the budget. Columns: lam, from well- to ill-conditioned."""
    found = [c for c in stored.comparisons if c["against"] == "stagewise Lookahead" and c["algorithm"] in ROLES]
    if not found:
        return None
    moduli = plot.few((c["lam"] for c in found), 4)[::-1]
    pairs = list(dict.fromkeys((c["quantity"], c["output"]) for c in found))
    page = plot.Page(
        f"Error of SLRLA over that of the same stages without a regularizer on {stored.problem} against beta, as "
        "published and as coded, at the end of the budget",
        height=0.9 + 1.5 * len(pairs),
        rows=len(pairs),
        columns=len(moduli),
        share="grid",
    )
    page.omitted("lam", (c["lam"] for c in found), moduli)
    for quantity, output in pairs:
        for lam in moduli:
            title = plot.symbols({"lam": lam}) if (quantity, output) == pairs[0] else ""
            ylabel = f"{plot.NAMES[quantity]},\nover that at $\\beta = 0$"
            panel = page.panel(xlabel="beta", ylabel=ylabel, title=title)
            panel.axes.axhline(1, color=plot.FAINT, lw=0.6, zorder=1)
            for role in ROLES:
                ours = [c for c in found if (c["algorithm"], c["lam"]) == (role, lam)]
                ours = [c for c in ours if (c["quantity"], c["output"]) == (quantity, output)]
                draw_line(panel, stored, role, [c for c in ours if c["gradients"] == max(c["gradients"] for c in ours)])
    page.note(
        f"Ratios of means over {stored.replicates} replicates on common random numbers, with 95% intervals. Filled: "
        "differs from 1 after Holm over all comparisons of the experiment. As coded, beta stands for half the strength."
    )
    return page


def draw_line(panel: plot.Panel, stored: plot.Stored, role: str, line: list[dict[str, Any]]) -> None:
    line = sorted(line, key=lambda c: c["beta"])
    if not line:
        return
    colour, marker = stored.look(role)
    panel.axes.plot([c["beta"] for c in line], [c["ratio"] for c in line], color=colour, lw=0.7, zorder=3)
    for c in line:
        face = "white" if c["outcome"] == "undecided" else colour
        style = {"marker": marker, "ms": 3.6, "mew": 0.7, "color": colour, "mfc": face, "ls": "none", "zorder": 5}
        about = {
            name: c[name] for name in ("algorithm", "quantity", "output", "n", "T", "k", "alpha", "lam", "outcome")
        }
        ends = {"low": c["low"], "high": c["high"]}
        panel.points("ratio", c["beta"], c["ratio"], x_name="beta", about=about, style=style, **ends)
    panel.ticks_at([c["beta"] for c in line])
    panel.page.key(role, Line2D([], [], color=colour, marker=marker, ms=3.6, lw=0.7))
