"""Theorem 3 under a PL inequality: the error against T and its exponent against alpha, one column for each k."""

from __future__ import annotations

import numpy as np

from riskkit.report import plot

EXPERIMENT = "theorem3_exponents"


def draw(stored: plot.Stored) -> plot.Page | None:
    """Top: errors along T with the explicit bound and the claim. Bottom: exponents, of which the claim's are wrong."""
    judged = {(v["where"]["k"], v["where"]["alpha"]): v for v in stored.judged("optimization", "last", "rate")}
    cells = stored.rows(quantity="optimization", output="last", algorithm="Lookahead")
    lines = [
        stored.line("T", "optimization", "last", {"n": n, "k": k, "alpha": alpha}, judged.get((k, alpha)))
        for n, k, alpha in sorted(set(zip(cells["n"], cells["k"], cells["alpha"], strict=True)))
    ]
    if not lines:
        return None
    periods = plot.few((line.where["k"] for line in lines), 4)
    page = plot.Page(
        f"Optimization error of Lookahead on {stored.problem}, a nonconvex PL problem, against T (top) and its "
        "exponent against alpha (bottom), for each k",
        height=4.2,
        rows=2,
        columns=len(periods),
        share="row",
    )
    for k in periods:
        panel = page.panel(xlabel="T", ylabel="optimization", title=plot.symbols({"k": k}))
        ours = [line for line in lines if line.where["k"] == k]
        smallest = min(line.where["alpha"] for line in ours)
        for line in ours:
            if line.where["alpha"] in (smallest, 0.5, 1.0):
                panel.curve(line, "claim")
                panel.curve(line, "proved")
            panel.measured(line)
        if k == periods[-1]:
            panel.end_labels(ours)
    for k in periods:
        panel = page.panel(xlabel="alpha", ylabel="exponent in $T$", xscale="linear", yscale="linear")
        exponents(panel, [line for line in lines if line.where["k"] == k])
    for verdict in stored.judged("optimization", "last", "level"):
        page.quote(verdict)
    page.omitted("k", (line.where["k"] for line in lines), periods)
    page.note(
        "Top: bound and claim for the smallest alpha, 1/2, and 1. Exponents are least-squares slopes with 95% "
        "jackknife-t intervals over "
        "whole replicates; the claim's, the explicit bound's and the measured ones are fitted on the same points."
    )
    return page


def exponents(panel: plot.Panel, lines: list[plot.Line]) -> None:
    """Measured, of the explicit bound, of the claim, and the recursion's limit -min(2 alpha, 1)."""
    known = [line for line in lines if line.verdict.get("slope") is not None]
    about = {"quantity": "optimization", "output": "last", "algorithm": "Lookahead"}

    def curve(kind: str, source: list[plot.Line], column: str, style: dict[str, object], key: str = "") -> None:
        ends = {end: [line.verdict[f"slope_{end}"] for line in source] for end in ("low", "high")}
        panel.points(
            kind,
            [line.where["alpha"] for line in source],
            [line.verdict[column] for line in source],
            x_name="alpha",
            low=ends["low"] if kind == "measured" else None,
            high=ends["high"] if kind == "measured" else None,
            about=about | ({"k": source[0].where["k"]} if source else {}),
            key=key,
            style=style,
        )

    knee = np.array([0.0, 0.5, 1.0])
    limit = {"color": plot.FAINT, "ls": plot.COMPUTED["trivial"][0], "lw": 0.8}
    panel.points("limit", knee, -np.minimum(2 * knee, 1), x_name="alpha", style=limit, key=r"$-\min(2\alpha, 1)$")
    claimed = [line for line in lines if line.verdict.get("claim_slope") is not None]
    curve("claim", claimed, "claim_slope", {"color": plot.INK, "ls": plot.COMPUTED["claim"][0], "lw": 1.2})
    proved = [line for line in known if line.verdict["explicit_slope"] is not None]
    curve("proved", proved, "explicit_slope", {"color": plot.INK, "ls": plot.COMPUTED["proved"][0], "lw": 0.9})
    for line in known:
        colour = plot.alpha_colour(line.where["alpha"])
        curve("measured", [line], "slope", {"color": colour, "ls": "none", "marker": "o", "ms": 3.2})
