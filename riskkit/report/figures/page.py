"""A page: one figure made of panels, its key and caption, what is missing from it, and every number that it shows."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.patches import Patch

from riskkit.report.figures.frame import Frame
from riskkit.report.figures.panels import Panel
from riskkit.report.figures.style import FAINT, NAMES, SMALL, Width, alpha_colour, house_style, inches
from riskkit.report.figures.texts import laid_out_once
from riskkit.report.figures.vector import NOTING, Canvas, Drawing
from riskkit.store.atomic import make_folder, write, write_text

SUFFIXES = ("pdf", "svg", "png", "csv", "txt")
"""Of the files of a figure; .png where it is asked for."""
STATED = {"claim": "claim", "published": "as printed", "statement": "explicit bound"}
"""The forms of a bound as captions call them, by the names under which their statements are stored."""


class Page:
    """One figure: panels in a grid, the key above, what is missing below, and a record of every number drawn.

    Args:
        title: the caption's first sentence (without a full stop); not drawn.
        height: in inches; the width is that of the venue the page is made for (see ``sized_for``).
        rows, columns: of the grid; panels fill it row by row.
        width: of the text block, or of one column of it.
        widths: of the columns, relative to each other.
        share: ``"row"`` gives the panels of a row one y axis, labelled once; ``"grid"`` those of a column one x axis
            as well.
    """

    def __init__(
        self,
        title: str,
        *,
        height: float,
        rows: int = 1,
        columns: int = 1,
        width: Width = "text",
        widths: Sequence[float] | None = None,
        share: Literal["none", "row", "grid"] = "none",
    ) -> None:
        self.title = title
        self.notes: list[str] = []
        self.statements: dict[str, None] = {}
        self.sentences: dict[str, None] = {}
        self.records: list[dict[str, Any]] = []
        self.panels: list[Panel] = []
        self.missing: dict[str, dict[tuple[str, ...], str]] = {}
        self._key: dict[str, Artist] = {}
        self._rows, self._columns, self._share = rows, columns, share
        self._done = self.shaded = self.bar = False
        with house_style():
            self.figure = Figure(figsize=(inches(width), height))
            Canvas(self.figure)
            self._grid = self.figure.add_gridspec(rows, columns, width_ratios=widths)

    def panel(
        self,
        *,
        xlabel: str,
        ylabel: str = "",
        title: str = "",
        xscale: str = "log",
        yscale: str = "log",
    ) -> Panel:
        """The next panel of the grid. ``xlabel`` is a column of the table (and names the axis) or plain text."""
        place = len(self.panels)
        row, column = divmod(place, self._columns)
        left = self.panels[row * self._columns] if self._share != "none" and column else None
        above = self.panels[column] if self._share == "grid" and row else None
        with house_style():
            axes = Frame(self.figure, self._grid[row, column], sharey=left and left.axes, sharex=above and above.axes)
            self.figure.add_subplot(axes)
            axes.set_xscale(xscale)
            axes.set_yscale(yscale)
            if left is None:
                axes.set_ylabel(NAMES.get(ylabel, ylabel))
            else:
                axes.tick_params(labelleft=False)
            if self._share == "grid" and row < self._rows - 1:
                axes.tick_params(labelbottom=False)
            else:
                axes.set_xlabel(NAMES.get(xlabel, xlabel))
            if title:
                axes.set_title(title)
        made = Panel(self, axes, chr(ord("a") + place))
        if above is not None:
            made.ticks = above.ticks
        self.panels.append(made)
        return made

    def note(self, text: str) -> None:
        """A sentence for the caption; "" is none."""
        if text and text not in self.notes:
            self.notes.append(text)

    def key(self, name: str, handle: Artist) -> None:
        """An entry of the key above the panels; the first handle of a name stays."""
        self._key.setdefault(name, handle)

    def quote(self, verdict: dict[str, Any]) -> None:
        """Puts the verdict's sentence, and the statement of the bound it judges, into the caption."""
        if not verdict:
            return
        bound = verdict.get("stated")
        if bound is not None:
            said = "; ".join(f"{words} ${bound[form]}$" for form, words in STATED.items() if bound.get(form))
            if said:
                self.statements.setdefault(f"{verdict['bound']}: {said}.")
        self.sentences.setdefault(str(verdict["sentence"]))

    @property
    def caption(self) -> str:
        """Title, notes, the statements of the bounds drawn, the verdicts on what is shown, and what is missing."""
        reasons = dict.fromkeys(reason for cells in self.missing.values() for reason in cells.values() if reason)
        parts = [f"{self.title}.", *self.notes, *self._gaps(), *(f"Reason: {reason}." for reason in reasons)]
        text = textwrap.fill(" ".join(parts), 100)
        for heading, entries in (("Bounds", self.statements), ("Verdicts", self.sentences)):
            if entries:
                text += f"\n\n{heading}\n" + "\n".join(f"- {entry}" for entry in entries)
        return text + "\n"

    def _gaps(self) -> list[str]:
        found = []
        for reason, cells in self.missing.items():
            number = len(cells)
            found.append(f"{number} cell{'s' if number > 1 else ''} {reason}.")
        return found

    def finish(self) -> Figure:
        """The figure with its key, its gaps said, its axes ticked and its labels spread; further calls change
        nothing."""
        if self._done:
            return self.figure
        self._done = True
        with house_style(), laid_out_once(NOTING):
            for panel in self.panels:
                panel.top()
                panel.foot()
            if self.shaded:
                self.key("simultaneous 95% band", Patch(facecolor=FAINT, alpha=0.35, lw=0))
            if self._key:
                self._draw_key()
            if self.bar:
                self._draw_bar()
            gaps = self._gaps()
            if gaps:
                text = "Not drawn: " + " ".join(gaps)
                width = int(self.figure.get_figwidth() * 22)
                self.figure.supxlabel(
                    textwrap.fill(text, width), fontsize=SMALL, color=FAINT, x=0.01, ha="left", style="italic"
                )
            layout = self.figure.get_layout_engine()
            assert layout is not None
            # Ticks come first, as many as the width before the layout has room for: they take part in it.
            for panel in self.panels:
                panel.tick()
            layout.execute(self.figure)
            for _ in range(3):  # the room that one panel makes moves what is drawn in those that share its axis
                limits = [panel.axes.get_ylim() for panel in self.panels]
                for panel in self.panels:
                    panel.place_box()
                if limits == [panel.axes.get_ylim() for panel in self.panels]:
                    break
            for panel in self.panels:
                panel.tick()
            self._settle(layout)
            # Laid out once and for all: the same places in every format, and no second pass for each.
            self.figure.set_layout_engine("none")
            for panel in self.panels:
                panel.tick()
                panel.small_ticks()
                panel.spread_labels()
        return self.figure

    def _repr_png_(self) -> bytes:
        """The drawing, as a notebook shows it."""
        return self._png({})

    def _png(self, about: Mapping[str, str]) -> bytes:
        figure, png = self.finish(), io.BytesIO()
        with house_style():
            canvas: Any = FigureCanvasAgg(figure)
            canvas.print_png(png, metadata=dict(about))
        return png.getvalue()

    def _settle(self, layout: LayoutEngine) -> None:
        """Repeats the layout until nothing moves: what lies outside the axes is placed relative to them."""
        places = [panel.axes.get_position().bounds for panel in self.panels]
        for _ in range(8):
            for panel in self.panels:
                panel.axes.forget()
            layout.execute(self.figure)
            before, places = places, [panel.axes.get_position().bounds for panel in self.panels]
            if np.allclose(before, places, rtol=0, atol=1e-3):
                return

    def _draw_bar(self) -> None:
        """The colours of alpha, beside the panels."""
        alphas = np.linspace(0.005, 1, 100)
        colours = ListedColormap([alpha_colour(alpha) for alpha in alphas])
        scale = ScalarMappable(Normalize(0, 1), colours)
        shown = [panel.axes for panel in self.panels]
        bar = self.figure.colorbar(scale, ax=shown, fraction=0.03, pad=0.015, aspect=28, ticks=[0, 0.25, 0.5, 0.75, 1])
        bar.outline.set_linewidth(0.5)
        bar.set_label(NAMES["alpha"])

    def omitted(self, name: str, values: Iterable[float], shown: Sequence[float]) -> None:
        """The caption says so where not all ``values`` of a coordinate are ``shown``, by a panel or a line."""
        if len(shown) < len(found := set(values)):
            self.note(f"Of {len(found)} values of {name}, {len(shown)} are drawn; the table has all.")

    def _draw_key(self) -> None:
        """The key above the panels, in as few rows as the page is wide enough for."""
        names, handles = list(self._key), list(self._key.values())
        for rows in range(1, len(names) + 1):
            columns = math.ceil(len(names) / rows)
            # Legends fill column by column; this order makes them read along the rows.
            order = [i for column in range(columns) for i in range(column, len(names), columns)]
            key = self.figure.legend(
                [handles[i] for i in order], [names[i] for i in order], loc="outside upper center", ncols=columns
            )
            width = key.get_window_extent().width / self.figure.dpi
            if width <= self.figure.get_figwidth() - 0.05:
                return
            key.remove()

    def numbers(self) -> pd.DataFrame:
        """Everything drawn, one row a point, in the order of drawing."""
        columns = [
            *("panel", "kind", "quantity", "output", "algorithm", "n", "T", "k", "alpha"),
            *("x_name", "x", "y", "low", "high", "band_low", "band_high", "status"),
        ]
        more = dict.fromkeys(name for record in self.records for name in record if name not in columns)
        return pd.DataFrame(self.records, columns=[*columns, *more])

    def save(self, folder: Path, name: str, png: bool = False) -> list[Path]:
        """Writes <name>.pdf, .svg, .csv (the numbers) and .txt (the caption); equal pages give equal bytes. With
        ``png``, and where there is one already, which would be older than the others, <name>.png as well."""
        figure, caption = self.finish(), self.caption
        make_folder(folder)
        about = {"Title": self.title, "Creator": "riskkit"}
        with house_style():
            drawing = Drawing(figure)
            files = {
                "pdf": drawing.pdf({**about, "Subject": caption, "CreationDate": None}),
                "svg": drawing.svg({**about, "Date": None}),
            }
            if png or (folder / f"{name}.png").exists():
                files["png"] = self._png({"Title": self.title, "Description": caption, "Software": "riskkit"})
        for one, content in files.items():
            write(folder / f"{name}.{one}", content, durable=False)
        numbers, words = folder / f"{name}.csv", folder / f"{name}.txt"
        write_text(numbers, self.numbers().to_csv(index=False, lineterminator="\n"), durable=False)
        write_text(words, caption, durable=False)
        return [*(folder / f"{name}.{one}" for one in files), numbers, words]
