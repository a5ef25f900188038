"""The U of the excess risk in alpha with its two parts, Lookahead beside matched SGD, and the best alpha predicted."""

from __future__ import annotations

import math

from riskkit import plot
from riskkit.theory import theorem1

EXPERIMENT = "theorem1_alpha"
NAMES = {"optimization": "optimization error", "generalization": "generalization error", "excess": "excess, Lookahead"}


def draw(stored: plot.Stored) -> plot.Page:
    """Rows: n. Columns: kT. The averaged iterate throughout."""
    cells = stored.rows(output="average", algorithm="Lookahead", quantity="excess")
    sizes, products = sorted(cells["n"].unique()), sorted(cells["kT"].unique())
    page = plot.Page(
        f"Excess risk of Lookahead's averaged iterate on {stored.problem} against alpha, with its two parts and beside "
        "matched SGD (step alpha eta), for each n and kT",
        height=0.75 + 1.45 * len(sizes),
        rows=len(sizes),
        columns=len(products),
        share="grid",
    )
    for n in sizes:
        measured = bool((cells["status"] == "ok")[cells["n"] == n].any())
        D = math.sqrt(stored.dataset_mean("start_distance", n)) if measured else math.nan
        for kT in products:
            panel = page.panel(xlabel="alpha", ylabel="risk", title=plot.symbols({"n": n, "kT": kT}), yscale="linear")
            for k in sorted(cells["k"].unique()):
                draw_cell(panel, stored, {"n": int(n), "k": int(k), "T": int(kT // k)}, D)
        panel.axes.set_ylim(bottom=min(0.0, panel.axes.get_ylim()[0]))
    for verdict in stored.judged("excess", "average", "level"):
        page.quote(verdict)
    page.note(
        "A ring marks the smallest measured excess risk of Lookahead on the grid. The explicit bound's best alpha is "
        "min(1, D sqrt(n)/(eta G k sqrt(2T(T-1)))); the slides' is min(1, c sqrt(n/(kT))), drawn with c = 1 since they "
        "leave c open."
    )
    return page


def draw_cell(panel: plot.Panel, stored: plot.Stored, where: dict[str, float], D: float) -> None:
    """Excess risk and its parts, matched SGD, and the best alphas: measured, of the explicit bound, of the claim."""
    matched = stored.line("alpha", "excess", "average", where, algorithm="matched SGD")
    colour = plot.ALGORITHMS["matched SGD"][0]
    panel.measured(matched, colour=colour, marker="D", hollow=True, key="excess, matched SGD")
    for quantity in NAMES:
        line = stored.line("alpha", quantity, "average", where)
        colour, marker = plot.QUANTITIES[quantity]
        panel.measured(line, colour=colour, marker=marker, key=NAMES[quantity])
    good = line.rows[line.rows["status"] == "ok"]
    if good.empty:
        return
    best = good.sort_values("mean", kind="stable").iloc[0]
    ring = {"marker": "o", "ms": 8, "mfc": "none", "mec": plot.INK, "mew": 0.8, "ls": "none", "zorder": 8}
    panel.points(
        "best alpha measured",
        best["alpha"],
        best["mean"],
        x_name="alpha",
        about=where,
        key=r"best $\alpha$, measured",
        style=ring,
    )
    if best["alpha"] == line.rows["alpha"].min():
        panel.page.note(f"At n = {where['n']}, kT = {where['k'] * where['T']} it is the smallest alpha of the grid.")
    predicted = theorem1.best_alpha_average(where["n"], where["k"], where["T"], float(best["eta"]), float(best["G"]), D)
    claimed = theorem1.best_alpha_claim(where["n"], where["k"], where["T"])
    panel.mark(r"best $\alpha$, explicit bound", float(predicted), "explicit", about=where)
    panel.mark(r"best $\alpha$, claim ($c = 1$)", float(claimed), "claim", about=where)
