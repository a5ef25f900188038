"""Lookahead and SGD at equal kT against the step size of each: what is left of an advantage when both are tuned."""

from __future__ import annotations

from riskkit.report import plot

EXPERIMENT = "theorem1_tuned"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: last iterate, average. Columns: n. One line for SGD and for each alpha, over the step size."""
    table = stored.table[stored.table["quantity"] == "excess"]
    if table.empty:
        return None
    sizes, budget = plot.few(table["n"], 4), table["gradients"].max()
    page = plot.Page(
        f"Excess risk on {stored.problem} after {budget:g} gradients against the constant step size, SGD and Lookahead",
        height=3.6,
        rows=2,
        columns=len(sizes),
        share="grid",
    )
    page.omitted("n", table["n"], sizes)
    page.bar = table["alpha"].nunique() > plot.MOST_LABELS
    for output in ("last", "average"):
        for n in sizes:
            title = plot.symbols({"n": n}) if output == "last" else ""
            panel = page.panel(xlabel="eta", ylabel=f"excess risk,\n{output} iterate", title=title)
            cells = table[(table["output"] == output) & (table["n"] == n) & (table["gradients"] == budget)]
            for (role, alpha), rows in cells.groupby(["algorithm", "alpha"]):
                line = plot.Line(rows.sort_values("eta"), "eta", {"n": n, "alpha": alpha}, {})
                marker = stored.look(str(role))[1]
                key = role if role == "SGD" or page.bar else f"{role}, $\\alpha = {alpha:g}$"
                panel.measured(line, colour=plot.alpha_colour(alpha), marker=marker, key=str(key))
    ratios = [(c["ratio"], c["low"], c["high"], c) for c in stored.comparisons if c["quantity"] == "excess"]
    for ratio, low, high, c in ratios:
        ends = "; a best step ends its grid" if "ends its grid" in c["against"] else ""
        page.note(
            f"Both tuned, {c['output']} iterate, n = {c['n']:g}: Lookahead (alpha = {c['alpha']:g}, "
            f"eta = {c['eta']:g}) over SGD (eta = {c['against_eta']:g}) is {ratio:.4f} [{low:.4f}, {high:.4f}]{ends}."
        )
    return page
