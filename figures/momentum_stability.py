"""Replace-one stability of heavy ball and SGD along T, with the closed forms, at each momentum."""

from __future__ import annotations

import math

from matplotlib.lines import Line2D

from riskkit.report import plot

EXPERIMENT = "momentum_stability"
QUANTITIES = (("stability", "last"), ("excess", "last"))


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: stability, excess risk. Columns: momentum."""
    momenta = sorted(m for m in set(stored.table["momentum"]) if not math.isnan(m))
    if not momenta:
        return None
    page = plot.Page(
        f"Replace-one stability and excess risk of heavy ball and SGD (last iterate) on {stored.problem} along T",
        height=3.9,
        rows=len(QUANTITIES),
        columns=len(momenta),
        share="row",
    )
    for quantity, output in QUANTITIES:
        for momentum in momenta:
            title = f"momentum = {momentum:g}" if quantity == "stability" else ""
            panel = page.panel(xlabel="T", ylabel=quantity if momentum == momenta[0] else "", title=title)
            for algorithm in stored.record["algorithms"]:
                rows = stored.rows(quantity=quantity, output=output, algorithm=algorithm, momentum=momentum)
                if rows.empty:
                    continue
                colour, marker = stored.look(algorithm)
                line = plot.Line(rows.sort_values("T"), "T", {}, {}, algorithm)
                if quantity == "stability" and "exact" in rows:
                    panel.points(
                        "exact",
                        line.rows["T"].astype(float),
                        line.rows["exact"].to_numpy(dtype=float),
                        x_name="T",
                        about={"quantity": quantity, "output": output, "algorithm": algorithm, "momentum": momentum},
                        style={"color": colour, "lw": 0.9},
                    )
                    page.key("closed form", Line2D([], [], color=plot.INK, lw=0.9))
                panel.measured(line, colour=colour, marker=marker, key=algorithm)
    page.note(
        "SGD has heavy ball's step size eta; 'SGD, longer step' has eta/(1 - momentum), with which it moves as far on "
        "a constant gradient. Stability: mean distance between runs on S and on S with one example replaced."
    )
    return page
