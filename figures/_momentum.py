"""What the pages on momentum share: heavy ball and SGD along T, a panel for each value of a coordinate."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from matplotlib.lines import Line2D

from riskkit.report import plot

MOST = 4
"""Columns."""


def page(
    stored: plot.Stored,
    coordinate: str,
    quantities: tuple[tuple[str, str], ...],
    title: str,
    note: str,
    height: float,
    share: Literal["none", "row"] = "row",
) -> plot.Page | None:
    """Rows: quantities. Columns: the values of ``coordinate`` at which heavy ball runs, under whatever name that begins
    so, with the momentum where it differs between them. Thin lines are closed forms, dashed ones the explicit bound."""
    heavy = stored.rows()
    heavy = heavy[heavy["algorithm"].str.startswith("heavy ball")]
    every = [value for value in set(heavy[coordinate]) if not math.isnan(value)] if not heavy.empty else []
    columns = plot.few(every, MOST)
    if not columns:
        return None
    drawn = plot.Page(title, height=height, rows=len(quantities), columns=len(columns), share=share)
    drawn.omitted(coordinate, every, columns)
    for row, (quantity, output) in enumerate(quantities):
        for value in columns:
            held = {coordinate: value}
            own = heavy[np.isclose(heavy[coordinate], value)]["momentum"].unique()
            if len(own) == 1 < heavy["momentum"].nunique():
                held["momentum"] = float(own[0])
            head = plot.symbols(held) if row == 0 else ""
            panel = drawn.panel(xlabel="T", ylabel=quantity if value == columns[0] else "", title=head)
            for algorithm in stored.record["algorithms"]:
                rows = stored.rows(quantity=quantity, output=output, algorithm=algorithm)
                rows = rows[np.isclose(rows[coordinate], value)].sort_values("T")
                if rows.empty:
                    continue
                colour, marker = stored.look(algorithm)
                about = {"quantity": quantity, "output": output, "algorithm": algorithm, coordinate: value}
                for name, words, style in (("exact", "closed form", "-"), ("proved", "explicit bound", "--")):
                    known = rows[name].to_numpy(dtype=float) if name in rows else np.array([math.nan])
                    if quantity != "stability" or (name == "proved" and not algorithm.startswith("heavy ball")):
                        continue
                    if not np.isfinite(known).any():
                        continue
                    panel.points(
                        name,
                        rows["T"].astype(float),
                        known,
                        x_name="T",
                        about=about,
                        style={"color": colour, "lw": 0.9, "ls": style},
                    )
                    drawn.key(words, Line2D([], [], color=plot.INK, lw=0.9, ls=style))
                panel.measured(plot.Line(rows, "T", {}, {}, algorithm), colour=colour, marker=marker, key=algorithm)
    longer = "; 'SGD, longer step' has eta/(1 - momentum), with which it moves as far on a constant gradient"
    drawn.note(
        f"SGD has heavy ball's step size eta{longer if 'SGD, longer step' in stored.record['algorithms'] else ''}. "
        f"Stability: mean distance between runs on S and on S with one example replaced. {note}"
    )
    return drawn
