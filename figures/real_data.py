"""Theorems 1 and 2 on five pairs of real data and loss: both errors and their bounds against T."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "real_data"
JUDGED = {"optimization": ("average", "last"), "generalization": ("last", "last")}
"""Quantity -> the output under Theorem 1, and under Theorem 2."""


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: optimization, generalization. Columns: the pairs."""
    table = stored.table[stored.table["algorithm"] == "Lookahead"]
    if table.empty:
        return None
    smallest = table[["n", "alpha"]].min()
    table = table[(table["n"] == smallest["n"]) & (table["alpha"] == smallest["alpha"])]
    pairs = sorted(table["pair"].unique())
    page = plot.Page(
        "Optimization and generalization error of Lookahead on real data, and the bounds of Theorem 1 (paper: "
        "Theorem 3; convex losses) or Theorem 2 (paper: Theorems 1 and 2; losses with a ridge), against T",
        height=3.8,
        rows=2,
        columns=len(pairs),
        share="row",
    )
    problems: dict[str, None] = {}
    for quantity, outputs in JUDGED.items():
        for pair in pairs:
            own = table[(table["pair"] == pair) & (table["quantity"] == quantity)]
            rows = own[own["output"] == outputs[int(own["lam"].iloc[0] > 0)]].sort_values("T")
            problem = str(rows["problem"].iloc[0])
            data, _, loss = problem.partition(" (")
            title = f"{data.partition(' 4 x 4')[0]}\n{loss.rstrip(')')}" if quantity == "optimization" else ""
            problems[problem] = None
            panel = page.panel(xlabel="T", ylabel=quantity, title=title)
            line = plot.Line(rows, "T", {"pair": pair}, {})
            panel.measured(line, colour=plot.PALETTE[0][0])
            panel.curve(line, "proved", colour=plot.PALETTE[0][0])
    page.note(f"Columns: {'; '.join(problems)}.")
    page.note(
        "Theorem 1 bounds the optimization error of the averaged iterate; the other panels show the last iterate."
    )
    return page
