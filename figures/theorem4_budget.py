"""SGD, Lookahead, SLRLA and its controls at equal budgets: the errors along the gradients that were taken."""

from __future__ import annotations

from figures._counts import SERIES
from riskkit.report import plot

EXPERIMENT = "theorem4_counts"
ALPHA = 0.5
QUANTITIES = ("optimization", "generalization", "excess")


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: optimization error, generalization error, excess risk. Columns: the largest and the smallest lam."""
    table = stored.table[(stored.table["algorithm"] != "Lookahead") | (stored.table["alpha"] == ALPHA)]
    if table.empty:
        return None
    size, moduli = table["n"].min(), (table["lam"].max(), table["lam"].min())
    page = plot.Page(
        f"Errors of SGD, Lookahead, SLRLA and its controls on {stored.problem} along the gradients taken",
        height=5.2,
        rows=3,
        columns=2,
        share="grid",
    )
    for quantity in QUANTITIES:
        for lam in moduli:
            title = plot.symbols({"lam": lam}) if quantity == "optimization" else ""
            scale = "log" if quantity == "optimization" else "linear"
            panel = page.panel(xlabel="gradients", ylabel=quantity, title=title, yscale=scale)
            for role, output in SERIES:
                rows = table[
                    (table["quantity"] == quantity) & (table["output"] == output) & (table["algorithm"] == role)
                ]
                rows = rows[(rows["lam"] == lam) & (rows["n"] == size)].sort_values("gradients")
                colour, marker = stored.look(role)
                line = plot.Line(rows[::3], "gradients", {}, {})
                panel.measured(line, colour=colour, marker=marker, hollow=role.startswith("stagewise"), key=role)
    page.note(
        "SGD and Lookahead are read at their last iterate, the staged plans at the average of the stage, weighted SGD "
        "at the average with weights j + j0; every third checkpoint is shown. A stage's average begins anew with it, "
        "hence the waves."
    )
    return page
