"""What the figures along alpha share: the U of the excess risk with its parts, and the map of the best alpha."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from riskkit.report import plot

KEYS = {"optimization": "optimization error", "generalization": "generalization error", "excess": "excess, Lookahead"}


def u(stored: plot.Stored, output: str) -> plot.Page | None:
    """Rows: n. Columns: kT. The excess risk of Lookahead with its parts, that of matched SGD, and the best alphas."""
    found = [line for line in stored.best if line["output"] == output]
    if not found:
        return None
    sizes, products = (plot.few((line[name] for line in found), 4) for name in ("n", "kT"))
    page = plot.Page(
        f"Excess risk of Lookahead ({output} iterate) on {stored.problem} against alpha, with its two parts and beside "
        "matched SGD (step alpha eta), for each n and kT",
        height=0.75 + 1.45 * len(sizes),
        rows=len(sizes),
        columns=len(products),
        share="grid",
    )
    for name, shown in (("n", sizes), ("kT", products)):
        page.omitted(name, (line[name] for line in found), shown)
    for n in sizes:
        for kT in products:
            panel = page.panel(xlabel="alpha", ylabel="risk", title=plot.symbols({"n": n, "kT": kT}), yscale="linear")
            for line in (line for line in found if (line["n"], line["kT"]) == (n, kT)):
                draw_line(panel, stored, line)
        panel.axes.set_ylim(bottom=min(0.0, panel.axes.get_ylim()[0]))
    for verdict in [*stored.judged("excess", output, "level"), *stored.judged("excess", output, "minimiser")]:
        page.quote(verdict)
    page.note(
        "A ring marks the smallest measured excess risk of Lookahead on the grid, a bar under it the alphas not "
        "excluded at 95%. The best alpha of the explicit bound and of the slides' claim (its constants 1) are the "
        "minimisers of those expressions."
    )
    return page


def draw_line(panel: plot.Panel, stored: plot.Stored, best: dict[str, Any]) -> None:
    """Excess risk and its parts, matched SGD, and the best alphas: measured, of the explicit bound, of the claim."""
    where = {name: best[name] for name in ("n", "k", "T")}
    matched = stored.line("alpha", "excess", best["output"], where, algorithm="matched SGD")
    colour = stored.look("matched SGD")[0]
    panel.measured(matched, colour=colour, marker="D", hollow=True, key="excess, matched SGD")
    for quantity in KEYS:
        line = stored.line("alpha", quantity, best["output"], where)
        colour, marker = plot.QUANTITIES[quantity]
        panel.measured(line, colour=colour, marker=marker, key=KEYS[quantity])
    if best["at"] is None or not np.isfinite(line.rows["mean"]).any():
        return
    there = line.rows[np.isclose(line.rows["alpha"], best["at"])]
    if there.empty:
        return
    at = there.iloc[0]
    ring = {"marker": "o", "ms": 8, "mfc": "none", "mec": plot.INK, "mew": 0.8, "ls": "none", "zorder": 8}
    foot = {"color": plot.INK, "lw": 2.2, "solid_capstyle": "butt", "zorder": 8}
    about = {**where, "quantity": "excess", "output": best["output"]}
    key = r"best $\alpha$, measured"
    panel.points("best alpha", best["at"], at["mean"], x_name="alpha", about=about, key=key, style=ring)
    low = float(np.nanmin(line.rows["mean"]))
    panel.points("not excluded", [best["low"], best["high"]], [low * 0.88] * 2, x_name="alpha", about=about, style=foot)
    if best["at"] == line.rows["alpha"].min():
        panel.page.note(f"At n = {best['n']:g}, kT = {best['kT']:g} it is the smallest alpha of the grid.")
    for name, kind in ((r"best $\alpha$, explicit bound", "proved"), (r"best $\alpha$, claim", "claim")):
        if best[kind] is not None and best[kind] >= line.rows["alpha"].min() / 1.5:
            panel.mark(name, best[kind], kind, about=about)  # type: ignore[arg-type]
        elif best[kind] is not None:
            panel.page.note(f"{name.replace('$', '').replace(chr(92), '')}, lies left of the panel where not drawn.")


def chart(stored: plot.Stored, output: str) -> plot.Page | None:
    """Maps over (n, kT): the best alpha measured, of the explicit bound, and of the claim with its constants 1."""
    import seaborn as sns  # a second to load, which other pages need not wait for

    every = [line for line in stored.best if line["output"] == output and line["at"] is not None]
    # One period: at each n and kT the map has one cell.
    period = min((line["k"] for line in every), default=0)
    sizes, products = (plot.few((line[name] for line in every), 8) for name in ("n", "kT"))
    found = [line for line in every if line["n"] in sizes and line["kT"] in products and line["k"] == period]
    if not found:
        return None
    frame = pd.DataFrame(found).sort_values(["n", "kT"])
    page = plot.Page(
        f"Best alpha of Lookahead ({output} iterate) on {stored.problem} over n and kT: measured, and as minimisers of "
        "the explicit bound and of the claim",
        height=0.95 + 0.42 * frame["n"].nunique(),
        columns=3,
        share="row",
    )
    colours = mpl.colors.ListedColormap([plot.alpha_colour(a) for a in np.geomspace(0.05, 1, 256)])
    norm = mpl.colors.LogNorm(0.05, 1)
    for value, title in (("at", "measured"), ("proved", "explicit bound"), ("claim", "claim")):
        panel = page.panel(xlabel="kT", ylabel="n", title=title, xscale="linear", yscale="linear")
        grid = frame.pivot_table(index="n", columns="kT", values=value)
        words = grid.map(lambda x: "0" if x < 1e-6 else f"{x:.2g}")
        if value == "at":
            words = frame.assign(words=[_interval(line) for line in found_in(frame)]).pivot_table(
                index="n", columns="kT", values="words", aggfunc="first"
            )
        with plot.house_style():
            sns.heatmap(
                grid.clip(lower=0.05),
                ax=panel.axes,
                cmap=colours,
                norm=norm,
                annot=words.to_numpy(),
                fmt="",
                cbar=False,
                linewidths=1,
                annot_kws={"fontsize": plot.SMALL},
            )
        panel.axes.set(xlabel=plot.NAMES["kT"], ylabel=plot.NAMES["n"] if value == "at" else "")
        panel.axes.tick_params(length=0, rotation=0)
        panel.axes.tick_params(labelleft=value == "at")
        for line in found_in(frame):
            about = {"n": line["n"], "alpha": line[value], "quantity": "excess", "output": output, "status": "ok"}
            ends = {"low": line["low"], "high": line["high"]} if value == "at" else {}
            page.records.append(
                {"panel": panel.name, "kind": title, "x_name": "kT", "x": line["kT"], "y": line[value], **about, **ends}
            )
    for verdict in stored.judged("excess", output, "minimiser"):
        page.quote(verdict)
    page.omitted("n", (line["n"] for line in every), sizes)
    page.omitted("kT", (line["kT"] for line in every), products)
    if any(line["k"] != period for line in every):
        page.note(f"k = {period:g}; the table has the other values of k.")
    page.note("In brackets: the alphas of the grid that are not excluded at 95%. The claim's constants are 1.")
    return page


def found_in(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")


def _interval(line: dict[str, Any]) -> str:
    return f"{line['at']:g}\n[{line['low']:g}, {line['high']:g}]"
