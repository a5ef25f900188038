"""Where the paper's Theorem 3 fails on the linear loss: measured over printed bound, with the computed edge."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np

from riskkit.report import plot
from riskkit.theory.zhou2021 import published

EXPERIMENT = "printed_theorem3"
MOST = {"k": 3, "T": 8, "alpha": 20}
"""Values that are shown."""


def draw(stored: plot.Stored) -> plot.Page | None:
    """A map over alpha and T for each k; a thick line between cells where the bound fails and where it does not."""
    import seaborn as sns  # a second to load, which other pages need not wait for

    rows = stored.rows(quantity="generalization", output="average", algorithm="Lookahead")
    rows = rows[np.isfinite(rows["mean"]) & (rows["k"] > 1)]
    if rows.empty:
        return None
    n = rows["n"].mode().min()  # the sample size with most cells
    rows = rows[rows["n"] == n].assign(ratio=rows["mean"] / rows["published"])
    every = {name: rows[name] for name in MOST}
    shown = {name: plot.few(values, MOST[name]) for name, values in every.items()}
    for name, values in shown.items():
        rows = rows[rows[name].isin(values)]
    periods = shown["k"]
    page = plot.Page(
        "Generalization error of the averaged iterate over the bound that the paper's Theorem 3 (slide 1) prints, on "
        f"{stored.problem}, over alpha and T; above 1 the printed bound is violated",
        height=1.0 + 0.24 * rows["alpha"].nunique(),
        columns=len(periods),
        share="row",
    )
    for name, values in shown.items():
        page.omitted(name, every[name], values)
    norm = mpl.colors.TwoSlopeNorm(0.0, -1.0, 1.7)  # log10 of the ratio
    for place, k in enumerate(periods):
        panel = page.panel(xlabel="T", ylabel="alpha", title=f"$k = {k:g}$", xscale="linear", yscale="linear")
        grid = rows[rows["k"] == k].pivot_table(index="alpha", columns="T", values="ratio").sort_index(ascending=False)
        with plot.house_style():
            sns.heatmap(
                np.log10(grid.clip(lower=0.1)),
                ax=panel.axes,
                cmap="RdBu_r",
                norm=norm,
                annot=grid.map(lambda x: f"{x:.2g}").to_numpy(),
                fmt="",
                cbar=False,
                linewidths=0.6,
                annot_kws={"fontsize": plot.SMALL},
                xticklabels=[f"{T:g}" for T in grid.columns],
                yticklabels=[f"{alpha:g}" for alpha in grid.index],
            )
        panel.axes.set(xlabel=plot.NAMES["T"], ylabel="" if place else plot.NAMES["alpha"])
        panel.axes.tick_params(length=0, rotation=0, labelleft=place == 0)
        edge(panel, k, grid.index.to_numpy(), grid.columns.to_numpy())
        for _, row in rows[rows["k"] == k].iterrows():
            about = {"n": n, "k": k, "alpha": row["alpha"], "quantity": "generalization", "output": "average"}
            entry = {"panel": panel.name, "kind": "ratio", "x_name": "T", "x": row["T"], "y": row["ratio"]}
            page.records.append({**entry, **about, "published": row["published"], "status": "ok"})
    for verdict in stored.judged("generalization", "average", "level"):
        if verdict["algorithm"] == "Lookahead":
            page.quote(verdict)
    page.note(
        "The thick line is the computed edge: the printed bound lies below the exact value, "
        "(eta/(2n)) (alpha k (T-1) + k - 1), where alpha k (T+1) < k - 1."
    )
    return page


def edge(panel: plot.Panel, k: float, alphas: np.ndarray, rounds: np.ndarray) -> None:
    """Along the borders of cells that lie on different sides of alpha k (T+1) = k - 1."""
    fails = published.theorem3_fails(k, alphas[:, None], rounds[None, :])
    style: dict[str, Any] = {"color": plot.INK, "lw": 2.0, "solid_capstyle": "round", "clip_on": False, "zorder": 6}
    for i, j in np.ndindex(fails.shape):
        if j + 1 < fails.shape[1] and fails[i, j] != fails[i, j + 1]:
            panel.axes.plot([j + 1, j + 1], [i, i + 1], **style)
        if i + 1 < fails.shape[0] and fails[i, j] != fails[i + 1, j]:
            panel.axes.plot([j, j + 1], [i + 1, i + 1], **style)
