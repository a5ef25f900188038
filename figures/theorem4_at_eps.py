"""The generalization error of SLRLA and Lookahead where the optimization error is eps, against alpha, lam and eps."""

from __future__ import annotations

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "theorem4_at_eps"
OUTPUTS = {"Lookahead": "last", "SLRLA": "average"}


def draw(stored: plot.Stored) -> plot.Page | None:
    """A panel for each axis: the closed forms."""
    page = plot.Page(
        "Exact generalization error of Lookahead (last iterate) and SLRLA (average) after the first round with an "
        f"optimization error of at most eps, on {stored.problem} with the curvatures (1, lam)",
        height=2.3,
        columns=3,
    )
    bound = {name: f"theorem4.generalization at eps, {name}" for name in OUTPUTS}
    found = [v for v in stored.verdicts if v["kind"] == "rate" and v["bound"] == bound.get(v["algorithm"])]
    for axis in ("alpha", "lam", "eps"):
        panel = page.panel(xlabel=axis, ylabel="generalization error" if axis == "alpha" else "")
        for verdict in found:
            if verdict["axis"] != axis:
                continue
            name = verdict["algorithm"]
            colour, _ = stored.look(name)
            panel.curve(
                stored.line(axis, "generalization", OUTPUTS[name], verdict["where"], algorithm=name),
                "exact",
                colour=colour,
            )
            page.key(name, Line2D([], [], color=colour, lw=3))
            page.quote(verdict)
    page.note(
        "Theorem 4 (paper: Theorems 5 and 6) claims that SLRLA's is O(1/(n (beta/alpha + lam))), with beta = lam/8 "
        "here, and Lookahead's O(1/(n lam))."
    )
    return page if found else None
