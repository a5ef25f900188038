"""The paper's schedules for softmax regression on digits: both errors and their sum along the gradients taken."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "digits_softmax"
METHODS = ("Lookahead", "SLA", "SLRLA")


def draw(stored: plot.Stored) -> plot.Page | None:
    """Columns: optimization error, generalization error, excess risk, of the last iterate. One line a method (and
    beta)."""
    table = stored.table[(stored.table["output"] == "last") & stored.table["algorithm"].isin(METHODS)]
    if table.empty:
        return None
    smallest = table[["n", "side"]].min()
    table = table[(table["n"] == smallest["n"]) & (table["side"] == smallest["side"])]
    every = table[table["algorithm"] == "SLRLA"]["beta"]
    betas = plot.few(every, 4)
    table = table[(table["algorithm"] != "SLRLA") | table["beta"].isin(betas)]
    page = plot.Page(
        f"Errors of Lookahead, stagewise Lookahead (SLA) and SLRLA with momentum on {stored.problem}, the paper's "
        "schedules, along the gradients taken",
        height=2.3,
        columns=3,
    )
    page.omitted("beta", every, betas)
    for quantity in ("optimization", "generalization", "excess"):
        scale = "log" if quantity == "optimization" else "linear"
        panel = page.panel(xlabel="gradients", ylabel=quantity, yscale=scale)
        ours = table[table["quantity"] == quantity]
        for place, ((name, beta), rows) in enumerate(ours.groupby(["algorithm", "beta"])):
            colour, marker = plot.PALETTE[place % len(plot.PALETTE)]
            key = f"{name}, $\\beta = {beta:g}$" if name == "SLRLA" else str(name)
            line = plot.Line(rows.sort_values("gradients"), "gradients", {}, {})
            panel.measured(line, colour=colour, marker=marker, key=key)
    share = float(table["seen"].iloc[0])
    page.note(
        "The population is the rows of the data set, so that every risk is an exact sum; a sample has seen "
        f"{100 * share:.0f}% of them on average."
    )
    return page
