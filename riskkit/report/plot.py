r"""House style of figures: a page of panels, drawn from what is stored, that remembers every number it shows.

    from riskkit import plot

    EXPERIMENT = "theorem2_ridge"


    def draw(stored: plot.Stored) -> plot.Page:
        page = plot.Page("Optimization error along T", height=2.4)
        panel = page.panel(xlabel="T", ylabel="optimization error")
        lines = stored.lines("T", "optimization", "last")
        for line in lines:
            panel.curve(line, "explicit")
            panel.measured(line)
        panel.slopes(lines)
        return page

The rules that every page keeps:

* What is measured has markers; what is computed has none. A line style says which computation: solid for a closed
  form, dashed for an explicit bound, dotted for the slides' claim, dash-dotted for the trivial value. So bound and data
  are told apart without colour.
* An alpha has its colour on every page (dark purple is alpha = 1, which is SGD), and so has an algorithm.
* Bars are the table's 95% intervals, each for its own cell; a shaded band is the table's simultaneous one, over all
  cells of the algorithm. Nothing is fitted, averaged or tested here.
* A cell that was not measured is a gap in its line, a cross at the foot of the panel, and a sentence under the page.
* The primitives record what they draw: the CSV beside a figure is what was plotted, because it was made while plotting.

Sizes are those of the venue's text block (``sized_for("icml")``, ``riskkit figures --venue icml``), text is
7 to 9 pt at print size in the STIX face that matplotlib carries (next to Times, TrueType, embedded), and the files hold
no date: drawn twice they have the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.lines import Line2D
from matplotlib.offsetbox import AnchoredOffsetbox, TextArea, VPacker
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, NullFormatter, NullLocator
from tueplots import figsizes

from riskkit.store.atomic import StoreError, make_folder, read, write, write_text
from riskkit.store.shards import Store, load
from riskkit.theory.zhou2021 import BOUNDS

Floats = npt.NDArray[np.float64]
Kind = Literal["exact", "explicit", "claim", "trivial"]
Width = Literal["text", "column"]


class Venue(NamedTuple):
    """Widths of the text block and of a column, in inches; the same where there is one column only."""

    text: float
    column: float

    @classmethod
    def of(cls, full: Callable[[], dict[str, Any]], half: Callable[[], dict[str, Any]] | None = None) -> Venue:
        """The widths that tueplots knows, without the golden ratio and the paddings that come with them."""
        text, column = (float(size()["figure.figsize"][0]) for size in (full, half or full))
        return cls(text, column)


VENUES = {
    "neurips": Venue.of(figsizes.neurips2024),
    "icml": Venue.of(figsizes.icml2024_full, figsizes.icml2024_half),
    "jmlr": Venue.of(figsizes.jmlr2001),
    "iclr": Venue.of(figsizes.iclr2024),
    "tmlr": Venue.of(figsizes.tmlr2023),
    "aistats": Venue.of(figsizes.aistats2025_full, figsizes.aistats2025_half),
}
"""Text and column widths of the venues' style files."""

DEFAULT_VENUE = "neurips"
_venue: ContextVar[str] = ContextVar("venue", default=DEFAULT_VENUE)


@contextlib.contextmanager
def sized_for(venue: str) -> Iterator[None]:
    """Pages that are made inside have the widths of the venue; ValueError for one that is not in ``VENUES``."""
    if venue not in VENUES:
        raise ValueError(f"venue must be one of {', '.join(VENUES)}; got {venue!r}.")
    token = _venue.set(venue)
    try:
        yield
    finally:
        _venue.reset(token)


STYLE: Any = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7.5,
    "axes.linewidth": 0.5,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.minor.width": 0.35,
    "ytick.minor.width": 0.35,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 4,
    "axes.titley": 1.0,
    "axes.labelpad": 2,
    "lines.linewidth": 1.0,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "legend.handletextpad": 0.5,
    "legend.borderaxespad": 0.2,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.02,
    "figure.constrained_layout.hspace": 0.03,
    "figure.constrained_layout.wspace": 0.03,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "riskkit",
    "figure.dpi": 220,
    "savefig.dpi": "figure",
}
MOST_SLOPES = 4
"""Lines of one panel whose slopes are written into it."""
REACH = 300.0
"""How far above all else a bound is followed."""
SMALL = 7.0
"""Point size of text inside panels, the smallest there is."""
INK = "#222222"
FAINT = "#777777"

ALGORITHMS: dict[str, tuple[str, str]] = {
    "Lookahead": ("#0072b2", "o"),
    "SGD": ("#2b0a5e", "s"),
    "matched SGD": ("#d55e00", "^"),
    "SLRLA": ("#009e73", "D"),
    "SLRLA as coded": ("#56b4e9", "P"),
    "stagewise Lookahead": ("#cc79a7", "v"),
    "stagewise SGD": ("#b58900", "X"),
    "weighted SGD": ("#7a5195", "p"),
}
"""Colour (after Okabe and Ito) and marker of each algorithm."""

QUANTITIES: dict[str, tuple[str, str]] = {
    "excess": ("#0072b2", "o"),
    "optimization": ("#6b6b6b", "s"),
    "generalization": ("#9a9a9a", "^"),
}
"""Colour and marker of Lookahead's excess risk and its two parts where they share a panel."""

COMPUTED: dict[Kind, tuple[Any, float, str]] = {
    "exact": ("solid", 1.0, "closed form"),
    "explicit": ((0, (4.2, 2.0)), 0.9, "explicit bound"),
    "claim": ((0, (1.0, 1.6)), 1.0, "claim, up to its constant"),
    "trivial": ((0, (6, 1.6, 1, 1.6)), 0.8, "trivial value"),
}
"""Line style, width and name of what is computed."""

PLACES = {
    "upper left": 2,
    "lower right": 4,
    "upper right": 1,
    "lower left": 3,
    "center left": 6,
    "center right": 7,
    "upper center": 9,
    "lower center": 8,
    "center": 10,
}
"""matplotlib's codes of the places for a box, in the order in which they are preferred."""

NAMES = {
    "T": "outer rounds $T$",
    "k": "inner steps $k$",
    "n": "sample size $n$",
    "alpha": r"outer step $\alpha$",
    "matched_alpha": r"outer step $\alpha$",
    "kT": "gradients $kT$",
    "optimization": "optimization error",
    "generalization": "generalization error",
    "excess": "excess risk",
    "population_excess": "population excess risk",
    "replace_one": "replace-one estimate of the generalization error",
    "stability": "stability",
    "path_stability": "largest stability so far",
    "distance": "squared distance",
    "eps": r"optimization error $\epsilon$",
    "lam": r"strong convexity $\lambda$",
    "mu": r"PL constant $\mu$",
    "beta": r"regularization $\beta$",
    "eta": r"step size $\eta$",
    "gradients": "gradients",
}
SYMBOLS = {"alpha": r"\alpha", "eps": r"\epsilon", "lam": r"\lambda", "beta": r"\beta", "eta": r"\eta", "mu": r"\mu"}


def alpha_colour(alpha: float) -> str:
    """The colour of an alpha in (0, 1] on every page: plasma, from orange (small) to dark purple (1, which is SGD)."""
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha_colour: alpha must lie in (0, 1]; got {alpha!r}.")
    return to_hex(mpl.colormaps["plasma"](0.76 * (1 - alpha) + 0.02))


def symbols(where: dict[str, float]) -> str:
    r"""``{"alpha": 0.5, "k": 4}`` as mathtext, ``$\alpha = 0.5$, $k = 4$``."""
    return ", ".join(f"${SYMBOLS.get(name, name)} = {written([value])[0].strip('$')}$" for name, value in where.items())


def written(values: Sequence[float]) -> list[str]:
    """Numbers as an axis shows them: where one is a power of two that is long in decimals, all of them as powers."""

    def power(value: float) -> int | None:
        mantissa, exponent = math.frexp(value)
        return exponent - 1 if mantissa == 0.5 else None

    long = any(power(value) is not None and len(f"{value:g}") > 5 for value in values)
    return [f"$2^{{{power(v)}}}$" if long and power(v) is not None and v != 1 else f"{v:g}" for v in values]


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus, and no negative zero."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


# What is stored


class Line(NamedTuple):
    """The cells of one line of a sweep under one algorithm, in the order of its axis, and the verdict on it.

    Attributes:
        rows: of the table, one quantity and output.
        where: the coordinates that are held.
        verdict: the rate verdict as stored in verdict.json (or the exponent verdict, where that was asked for).
    """

    rows: pd.DataFrame
    axis: str
    where: dict[str, float]
    verdict: dict[str, Any]

    def against(self, axis: str) -> Line:
        """The same cells over another column of the table that grows with the axis, such as kT for T."""
        return self._replace(axis=axis)


@dataclasses.dataclass(frozen=True)
class Stored:
    """One experiment as it lies in a results folder: its table, its verdicts, paired comparisons, (of a race) counts
    of gradients and (along alpha) best alphas, its record.

    The table has the column kT beside those that ``riskkit.load`` gives.
    """

    folder: Path
    table: pd.DataFrame
    verdicts: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    counts: list[dict[str, Any]]
    best_alphas: list[dict[str, Any]]
    question: str
    record: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def problem(self) -> str:
        return str(self.table["problem"].iloc[0])

    @property
    def replicates(self) -> int:
        return int(self.table["replicates"].iloc[0])

    def rows(self, **where: str | float) -> pd.DataFrame:
        """Rows of the table whose columns have the given values (numbers to 1e-12 of themselves)."""
        keep = np.ones(len(self.table), dtype=bool)
        for name, value in where.items():
            column = self.table[name]
            if isinstance(value, str):
                keep &= (column == value).to_numpy()
            else:
                keep &= np.isclose(column.to_numpy(dtype=np.float64), value, rtol=1e-12, atol=0.0)
        return self.table[keep]

    def lines(self, axis: str, quantity: str, output: str, kind: str = "rate") -> list[Line]:
        """The lines of Lookahead along the axis, one for each rate verdict (or ``kind="exponent"``), in its order."""
        found, seen = [], set()
        for verdict in self.verdicts:
            about = (verdict["axis"], verdict["quantity"], verdict["output"], verdict["kind"])
            key = json.dumps(verdict["where"], sort_keys=True)
            if about != (axis, quantity, output, kind) or key in seen:
                continue
            seen.add(key)
            found.append(self.line(axis, quantity, output, verdict["where"], verdict))
        return found

    def line(
        self,
        axis: str,
        quantity: str,
        output: str,
        where: dict[str, float],
        verdict: dict[str, Any] | None = None,
        algorithm: str = "Lookahead",
    ) -> Line:
        """One algorithm along the axis with the coordinates ``where`` held.

        Along alpha, matched SGD is placed at the alpha by which its steps are shortened.
        """
        rows = self.rows(quantity=quantity, output=output, algorithm=algorithm, **where)
        if axis == "alpha" and algorithm == "matched SGD":
            axis = "matched_alpha"
        return Line(rows.sort_values(axis, kind="stable"), axis, dict(sorted(where.items())), verdict or {})

    def dataset_mean(self, name: str, n: int) -> float:
        """Mean over the replicates of a number of the datasets of size n, such as ``start_distance`` (D_S^2).

        Raises StoreError if no cell of that size was measured.
        """
        runs = self.table.loc[(self.table["n"] == n) & (self.table["status"] == "ok"), "run_id"]
        if runs.empty:
            raise StoreError(f"{self.folder} has no measured cell with n = {n}; run the same sweep again.")
        run = str(runs.iloc[0])
        return float(Store(self.folder).get_many([run], self.replicates)[run].dataset[name].mean())

    def judged(self, quantity: str, output: str, kind: str) -> list[dict[str, Any]]:
        """The verdicts of one kind on one quantity and output."""
        return [v for v in self.verdicts if (v["quantity"], v["output"], v["kind"]) == (quantity, output, kind)]


def is_stored(folder: Path) -> bool:
    """True if the folder holds an experiment's table and verdicts."""
    return (folder / "table.parquet").is_file() and (folder / "verdict.json").is_file()


def stored(folder: Path) -> Stored:
    """Opens ``results/<experiment>``; raises StoreError for files that are missing or cannot be read."""
    try:
        table = load(folder)
        verdict, record = (json.loads(read(folder / name)) for name in ("verdict.json", "run.json"))
        judged = {name: verdict[name] for name in ("verdicts", "comparisons", "counts", "best_alphas", "question")}
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{folder} must hold table.parquet, verdict.json and run.json, whole ({error}); run the same sweep again."
        ) from error
    return Stored(folder, table.assign(kT=table["k"] * table["T"]), **judged, record=record)


# The page


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
        self._done = self._shaded = False
        with mpl.rc_context(STYLE):
            self.figure = Figure(figsize=(getattr(VENUES[_venue.get()], width), height))
            FigureCanvasAgg(self.figure)
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
        with mpl.rc_context(STYLE):
            axes = self.figure.add_subplot(
                self._grid[row, column], sharey=left and left.axes, sharex=above and above.axes
            )
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
            made._ticks = above._ticks
        self.panels.append(made)
        return made

    def note(self, text: str) -> None:
        """A sentence for the caption."""
        if text not in self.notes:
            self.notes.append(text)

    def key(self, name: str, handle: Artist) -> None:
        """An entry of the key above the panels; the first handle of a name stays."""
        self._key.setdefault(name, handle)

    def quote(self, verdict: dict[str, Any]) -> None:
        """Puts the verdict's sentence, and the statement of the bound it judges, into the caption."""
        if not verdict:
            return
        bound = BOUNDS.get(verdict["bound"])
        if bound is not None:
            claim = f"; claim ${bound.claim_statement}$" if bound.claim_statement else ""
            self.statements.setdefault(f"{bound.name}: explicit bound ${bound.statement}${claim}.")
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
        with mpl.rc_context(STYLE):
            if self._shaded:
                self.key("simultaneous 95% band", Patch(facecolor=FAINT, alpha=0.35, lw=0))
            if self._key:
                self._draw_key()
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
            for panel in self.panels:
                panel.place_box()
            for panel in self.panels:
                panel.tick()
            self._settle(layout)
            # Laid out once and for all: the same places in every format, and no second pass for each.
            self.figure.set_layout_engine("none")
            for panel in self.panels:
                panel.spread_labels()
        return self.figure

    def _settle(self, layout: LayoutEngine) -> None:
        """Repeats the layout until nothing moves: what lies outside the axes is placed relative to them."""
        places = [panel.axes.get_position().bounds for panel in self.panels]
        for _ in range(8):
            layout.execute(self.figure)
            before, places = places, [panel.axes.get_position().bounds for panel in self.panels]
            if np.allclose(before, places, rtol=0, atol=1e-3):
                return

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
            *("panel", "kind", "quantity", "output", "algorithm", "n", "T", "k", "alpha", "matched_alpha"),
            *("x_name", "x", "y", "low", "high", "band_low", "band_high", "status"),
        ]
        more = dict.fromkeys(name for record in self.records for name in record if name not in columns)
        return pd.DataFrame(self.records, columns=[*columns, *more])

    def save(self, folder: Path, name: str) -> list[Path]:
        """Writes <name>.pdf, .png, .svg, .csv (the numbers) and .txt (the caption); equal pages give equal bytes."""
        figure, caption = self.finish(), self.caption
        make_folder(folder)
        written = [folder / f"{name}.{suffix}" for suffix in ("pdf", "png", "svg", "csv", "txt")]
        with mpl.rc_context(STYLE):
            # The figure is laid out: the canvases draw at once, where savefig would first draw without drawing.
            pdf, png, svg = io.BytesIO(), io.BytesIO(), io.BytesIO()
            about, dots = {"Title": self.title, "Creator": "riskkit"}, figure.dpi
            canvases: tuple[Any, Any, Any] = FigureCanvasPdf(figure), FigureCanvasSVG(figure), FigureCanvasAgg(figure)
            canvases[2].print_png(png, metadata={"Title": self.title, "Description": caption, "Software": "riskkit"})
            canvases[0].print_pdf(pdf, metadata={**about, "Subject": caption, "CreationDate": None})
            canvases[1].print_svg(svg, metadata={**about, "Date": None})
            figure.dpi = dots  # PDF and SVG have set theirs
        for path, sink in zip(written, (pdf, png, svg), strict=False):
            write(path, sink.getvalue())
        write_text(written[3], self.numbers().to_csv(index=False, lineterminator="\n"))
        write_text(written[4], caption)
        return written


class Panel:
    """One pair of axes on a page. The methods draw rows of a table and record what they drew."""

    def __init__(self, page: Page, axes: Axes, name: str) -> None:
        self.page, self.axes, self.name = page, axes, name
        self._labels: list[Text] = []
        self._ticks: set[float] = set()
        self._trivial: set[tuple[bytes, bytes]] = set()
        self._box: AnchoredOffsetbox | None = None

    def measured(
        self,
        line: Line,
        *,
        value: str = "mean",
        colour: str | None = None,
        marker: str | None = None,
        joined: bool = True,
        hollow: bool = False,
        key: str = "measured, 95% interval",
    ) -> None:
        """Markers at the means with the table's intervals and its simultaneous band; a cross at the foot of the panel
        for each missing cell.

        On a logarithmic axis an estimate at or under zero is shown as a triangle at the foot of the panel.
        ``joined``: with a thin line, broken at gaps; leave it out where a closed form is drawn.
        """
        rows = line.rows
        x, y, low, high = (rows[c].to_numpy(dtype=np.float64) for c in (line.axis, value, "low", "high"))
        band = rows[["band_low", "band_high"]].to_numpy(dtype=np.float64).T
        colours = self._colours(line, colour)
        shape = marker or ALGORITHMS["Lookahead"][1]
        below = (y <= 0) if self.axes.get_yscale() == "log" else np.zeros(len(y), dtype=bool)
        drawn = np.isfinite(y) & ~below
        floor = np.where(low > 0, low, y * 1e-3) if self.axes.get_yscale() == "log" else low
        with mpl.rc_context(STYLE):
            if joined:
                self.axes.plot(x, np.where(drawn, y, np.nan), color=self._line_colour(line, colour), lw=0.7, zorder=3)
            bars = drawn & np.isfinite(low)
            limits = self.axes.get_autoscaley_on()
            self.axes.vlines(
                x[bars], floor[bars], high[bars], colors=[colours[i] for i in np.flatnonzero(bars)], lw=0.9, zorder=4
            )
            self.axes.set_autoscaley_on(limits)
            self._shade(x, y, band, drawn, self._line_colour(line, colour))
            chosen = [colours[i] for i in np.flatnonzero(drawn)]
            self.axes.scatter(
                x[drawn],
                y[drawn],
                s=11,
                marker=shape,
                facecolors="white" if hollow else chosen,
                edgecolors=chosen,
                linewidths=0.7,
                zorder=5,
            )
            foot = self.axes.get_xaxis_transform()
            for absent, mark, size in ((~np.isfinite(y), "x", 14), (below, "v", 12)):
                if absent.any():
                    self.axes.scatter(
                        x[absent],
                        np.full(absent.sum(), 0.03),
                        s=size,
                        marker=mark,
                        c=[colours[i] for i in np.flatnonzero(absent)],
                        linewidths=0.8,
                        transform=foot,
                        clip_on=False,
                        zorder=6,
                    )
        shown = colour or INK
        face = "white" if hollow else shown
        handle = Line2D([], [], color=shown, marker=shape, ms=3.2, mfc=face, mew=0.7, lw=0.7 if joined else 0)
        self.page.key(key, handle)
        for i in np.flatnonzero(~np.isfinite(y)):
            row = rows.iloc[i]
            words = {"failed": "failed to run (cross)", "diverged": "diverged (cross)"}.get(
                row["status"], "no estimate"
            )
            self.page.missing.setdefault(words, {})[_cell(row)] = str(row["reason"]).rstrip(".")
        for i in np.flatnonzero(below):
            words = "with an estimate at or below zero, which a logarithmic axis cannot show (triangle)"
            self.page.missing.setdefault(words, {})[
                (*_cell(rows.iloc[i]), str(rows["quantity"].iloc[i]), str(rows["output"].iloc[i]))
            ] = ""
        if line.axis != "gradients":
            self._ticks.update(x)
        self._record("measured", line, x, y, {"low": low, "high": high, "band_low": band[0], "band_high": band[1]})
        self.page.quote(line.verdict)
        for replicates in rows["replicates"].unique():
            self.page.note(
                f"Means over {replicates} replicates. Bars are 95% intervals, each for its own cell; a shaded band is "
                "simultaneous (95%) over all cells of its algorithm."
            )

    def _shade(self, x: Floats, y: Floats, band: Floats, drawn: npt.NDArray[np.bool_], colour: str) -> None:
        """The simultaneous band as an area, broken at gaps and where it has no end."""
        known = drawn & np.isfinite(band).all(axis=0)
        if not known.any():
            return
        low = np.where(band[0] > 0, band[0], y * 1e-3) if self.axes.get_yscale() == "log" else band[0]
        limits = self.axes.get_autoscaley_on()
        self.axes.set_autoscaley_on(False)
        self.axes.fill_between(x, low, band[1], where=known, color=colour, alpha=0.18, lw=0, zorder=1.2)
        self.axes.set_autoscaley_on(limits)
        self.page._shaded = True

    def curve(self, line: Line, kind: Kind, *, colour: str | None = None) -> None:
        """What is computed at the same cells: a column of the table, as a line without markers."""
        x, y = (line.rows[c].to_numpy(dtype=np.float64) for c in (line.axis, kind))
        if not np.isfinite(y).any():
            return
        if kind == "trivial" and (drawn := (x.tobytes(), y.tobytes())) in self._trivial:
            return
        if kind == "trivial":
            self._trivial.add(drawn)
        style, width, name = COMPUTED[kind]
        grey = kind == "trivial" and colour is None
        with mpl.rc_context(STYLE):
            self.axes.plot(
                x,
                y,
                color=FAINT if grey else self._line_colour(line, colour),
                ls=style,
                lw=width,
                zorder={"trivial": 1.5, "exact": 2, "claim": 2.2, "explicit": 2.4}[kind],
            )
        self.page.key(name, Line2D([], [], color=INK if not grey else FAINT, ls=style, lw=width))
        self._ticks.update(x)
        self._record(kind, line, x, y)

    def points(
        self,
        kind: str,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        x_name: str,
        low: npt.ArrayLike | None = None,
        high: npt.ArrayLike | None = None,
        along: Literal["x", "y"] = "y",
        about: Mapping[str, object] = MappingProxyType({}),
        key: str = "",
        style: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Numbers that are no rows of the table (exponents, predictions), recorded under ``kind``.

        ``low`` and ``high`` are ends of intervals in y, or in x as ``along`` says; ``about`` fills further columns of
        the record; ``style`` holds matplotlib's properties of a line.
        """
        x, y = _column(x), _column(y)
        lower, upper = (np.full(len(x), np.nan) if end is None else _column(end) for end in (low, high))
        with mpl.rc_context(STYLE):
            (artist,) = self.axes.plot(x, y, **style)
            bars = np.isfinite(lower) & np.isfinite(upper)
            if bars.any():
                extend = self.axes.vlines if along == "y" else self.axes.hlines
                across = x if along == "y" else y
                extend(across[bars], lower[bars], upper[bars], colors=artist.get_color(), lw=0.9, zorder=4)
            if key:
                handle = Line2D([], [])
                handle.update_from(artist)
                self.page.key(key, handle)
        for i in range(len(x)):
            entry = {"panel": self.name, "kind": kind, "x_name": x_name, "x": x[i], "y": y[i]}
            self.page.records.append({**entry, "low": lower[i], "high": upper[i], "status": "ok", **about})

    def mark(self, name: str, x: float, kind: Kind, *, about: Mapping[str, object] = MappingProxyType({})) -> None:
        """A vertical line at x, in the line style of what is computed."""
        style, width, _ = COMPUTED[kind]
        with mpl.rc_context(STYLE):
            self.axes.axvline(x, color=FAINT, ls=style, lw=width, zorder=1)
        self.page.key(name, Line2D([], [], color=FAINT, ls=style, lw=width))
        self.page.records.append({"panel": self.name, "kind": name, "x_name": "x", "x": x, "status": "ok", **about})

    def end_label(self, line: Line, text: str = "", *, value: str = "mean", colour: str | None = None) -> None:
        r"""Writes what is held ($\alpha$, or the text) beside the last measured point of the line; labels of one panel
        are moved apart."""
        y = line.rows[value].to_numpy(dtype=np.float64)
        rows = line.rows[np.isfinite(y) & ((y > 0) | (self.axes.get_yscale() != "log"))]
        if rows.empty:
            return
        last = rows.iloc[-1]
        with mpl.rc_context(STYLE):
            label = self.axes.text(
                1.015,
                float(last[value]),
                text,
                color=self._line_colour(line, colour),
                transform=self.axes.get_yaxis_transform(),
                va="center",
                ha="left",
                fontsize=SMALL,
            )
        self._labels.append(label)

    def end_labels(self, lines: Sequence[Line]) -> None:
        """What distinguishes each line, beside its last measured point."""
        for line in lines:
            words = symbols({name: line.where[name] for name in differing(lines) if name in line.where})
            self.end_label(line, words, colour=FAINT if line.axis == "alpha" else None)

    def box(self, entries: Iterable[tuple[str, str]]) -> None:
        """Lines of small text, (words, colour) each, where nothing else is; the y axis is widened if need be."""
        with mpl.rc_context(STYLE):
            areas = [TextArea(words, textprops={"color": colour, "fontsize": SMALL}) for words, colour in entries]
            packed = VPacker(children=list[Artist](areas), pad=0, sep=1.5)
            self._box = AnchoredOffsetbox("upper left", child=packed, pad=0.1, borderpad=0.25, frameon=False)
            self._box.set_in_layout(False)
            self._box.set_zorder(7)
            self.axes.add_artist(self._box)

    def slopes(self, lines: Sequence[Line]) -> None:
        """Measured slope, and the claim's (or the oracle's), of each line, in its colour, where nothing else is.

        Several lines are told apart by what distinguishes them; a single one shows its outcome as well.
        """
        entries: list[tuple[str, str]] = []
        differ = differing(lines)
        claims = {signed(line.verdict["claim_slope"]) for line in lines if line.verdict.get("claim_slope") is not None}
        for line in lines:
            about = symbols({name: line.where[name] for name in differ if name in line.where})
            judged = line.verdict
            colour = INK if line.axis == "alpha" else self._line_colour(line, None)
            if judged.get("slope") is None:
                words = f"{about}: {str(judged['outcome']).lower()}" if about else str(judged["outcome"]).lower()
            else:
                words = f"{about}: slope {signed(judged['slope'])}" if about else f"slope {signed(judged['slope'])}"
                if len(claims) > 1:
                    words = f"{words.replace(': slope', ':')} / {signed(judged['claim_slope'])}"
            entries.append((words, colour))
        if claims:
            entries.append((f"claim {claims.pop()}" if len(claims) == 1 else "slope / claim", INK))
        self.box(entries)

    def text(self, x: float, y: float, words: str, *, colour: str = INK, ha: str = "left", va: str = "center") -> None:
        """Small text at a place given in fractions of the panel."""
        with mpl.rc_context(STYLE):
            self.axes.text(x, y, words, color=colour, ha=ha, va=va, fontsize=SMALL, transform=self.axes.transAxes)

    def inside(self, y: float, words: str, *, colour: str = FAINT) -> None:
        """Small text at the left edge of the panel, at the height y of its data, over whatever lines cross it."""
        with mpl.rc_context(STYLE):
            where = self.axes.get_yaxis_transform()
            self.axes.text(
                0.02,
                y,
                words,
                color=colour,
                ha="left",
                va="center",
                fontsize=SMALL,
                transform=where,
                zorder=6,
                bbox={"fc": "white", "lw": 0, "pad": 0.6},
            )

    def beside(self, y: float, words: str, *, colour: str = INK) -> None:
        """Small text to the right of the panel, at the height y of its data."""
        with mpl.rc_context(STYLE):
            where = self.axes.get_yaxis_transform()
            self.axes.text(1.03, y, words, color=colour, ha="left", va="center", fontsize=SMALL, transform=where)

    def outside(self, y: float, words: str, inches: float) -> None:
        """Small bold text that begins so many inches to the left of the panel, at the height y of its data."""
        with mpl.rc_context(STYLE):
            self.axes.annotate(
                words,
                (0, y),
                (-inches * 72, 0),
                xycoords=self.axes.get_yaxis_transform(),
                textcoords="offset points",
                ha="left",
                va="center",
                fontsize=SMALL,
                fontweight="bold",
                annotation_clip=False,
            )

    def ticks_at(self, values: Iterable[float]) -> None:
        """Lets the x axis have its ticks among these values too; those of measured points are in any case."""
        self._ticks.update(values)

    def cut(self) -> None:
        """Lets a bound that is ``REACH`` times above everything else leave the panel at its top, and says so."""
        lines = [artist for artist in self.axes.lines if artist.get_linestyle() != "None"]
        dashed = [artist for artist in lines if artist.get_zorder() == 2.4]
        others = [float(np.nanmax(np.append(a.get_ydata(), -np.inf))) for a in lines if a not in dashed]
        highest = max(others, default=-math.inf)
        if not (self.axes.get_yscale() == "log" and 0 < highest < math.inf):
            return
        if self.axes.get_ylim()[1] > REACH * highest:
            self.axes.set_ylim(top=REACH * highest)
            self.page.note("A bound that is higher still leaves its panel at the top.")

    def tick(self) -> None:
        """Ticks at measured x values, as many as fit, plain numbers; decades on a logarithmic y axis."""
        if self.axes.get_xscale() == "log" and self._ticks:
            values = sorted(self._ticks)
            low, high = self.axes.get_xlim()
            inch = self.axes.get_position().width * self.page.figure.get_figwidth() / math.log(high / low)
            chosen = thinned(values, [math.log(value) * inch for value in values])
            self.axes.xaxis.set_major_locator(FixedLocator(chosen))
            self.axes.xaxis.set_major_formatter(FixedFormatter(written(chosen)))
            self.axes.xaxis.set_minor_locator(FixedLocator([v for v in values if v not in chosen]))
            self.axes.xaxis.set_minor_formatter(NullFormatter())
        if self.axes.get_yscale() == "log":
            low, high = self.axes.get_ylim()
            if math.log10(high / low) > 1.5:
                self.axes.yaxis.set_major_locator(LogLocator(numticks=7))
                self.axes.yaxis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=7))
            else:
                few = sum(low <= m * 10.0**e <= high for m in (1, 2, 5) for e in range(-12, 12)) < 2
                subs = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7) if few else (1, 2, 5)
                self.axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
                self.axes.yaxis.set_major_formatter("{x:g}")
                self.axes.yaxis.set_minor_locator(NullLocator())
            self.axes.yaxis.set_minor_formatter(NullFormatter())

    def place_box(self) -> None:
        """Moves the box to where it covers nothing that is drawn; makes room in a corner if there is no such place."""
        if self._box is None:
            return
        for _ in range(12):
            crowding = {place: self._covered(place) for place in PLACES}
            free = min(PLACES, key=lambda place: crowding[place])
            self._box.loc = PLACES[free]
            if not crowding[free]:
                return
            best = min(("upper left", "lower right", "upper right", "lower left"), key=lambda place: crowding[place])
            low, high = self.axes.get_ylim()
            if self.axes.get_yscale() == "log":
                stretch = (high / low) ** 0.08
                self.axes.set_ylim(*((low, high * stretch) if best.startswith("upper") else (low / stretch, high)))
            else:
                stretch = (high - low) * 0.08
                self.axes.set_ylim(*((low, high + stretch) if best.startswith("upper") else (low - stretch, high)))

    def _covered(self, place: str) -> int:
        """How many points of the lines and markers, taken every pixel or two, the box would hide there."""
        assert self._box is not None
        self._box.loc = PLACES[place]
        extent = self._box.get_window_extent().padded(2)
        hidden = 0
        for artist in self.axes.lines:
            vertices = artist.get_transform().transform(artist.get_xydata())
            for (x0, y0), (x1, y1) in itertools.pairwise(vertices):
                if np.isfinite([x0, y0, x1, y1]).all():
                    steps = np.linspace(0, 1, 2 + int(math.hypot(x1 - x0, y1 - y0) / 2))
                    hidden += extent.count_contains(np.column_stack([x0 + steps * (x1 - x0), y0 + steps * (y1 - y0)]))
        for group in self.axes.collections:
            offsets = group.get_offset_transform().transform(np.asarray(group.get_offsets()))
            hidden += extent.padded(3).count_contains(offsets)
        return hidden

    def spread_labels(self) -> None:
        """Moves the end labels apart, as little as possible."""
        if not self._labels:
            return
        dots = self.page.figure.dpi
        gap = SMALL * 1.12 * dots / 72
        wanted = [float(self.axes.transData.transform((1, label.get_position()[1]))[1]) for label in self._labels]
        for label, place in zip(self._labels, apart(wanted, gap), strict=True):
            label.set_y(float(self.axes.transData.inverted().transform((0, place))[1]))

    def _colours(self, line: Line, colour: str | None) -> list[str]:
        if colour is not None:
            return [colour] * len(line.rows)
        return [alpha_colour(alpha) for alpha in line.rows["alpha"]]

    def _line_colour(self, line: Line, colour: str | None) -> str:
        if colour is not None:
            return colour
        alphas = line.rows["alpha"].unique()
        return alpha_colour(float(alphas[0])) if len(alphas) == 1 else FAINT

    def _record(
        self, kind: str, line: Line, x: Floats, y: Floats, ends: Mapping[str, Floats] = MappingProxyType({})
    ) -> None:
        columns = ("quantity", "output", "algorithm", "n", "T", "k", "alpha", "matched_alpha", "status")
        for i, row in enumerate(line.rows[list(columns)].to_dict("records")):
            entry = {"panel": self.name, "kind": kind, "x_name": line.axis, "x": x[i], "y": y[i]}
            entry |= {name: end[i] for name, end in ends.items()} | {str(name): value for name, value in row.items()}
            self.page.records.append(entry)


def errors(
    stored: Stored,
    *,
    judged: Sequence[tuple[str, str]] = (),
    axes: Sequence[str] = (),
    drawn: Sequence[Kind] = ("trivial", "exact", "explicit"),
    height: float | None = None,
) -> Page | None:
    """Errors along every axis with their bounds: a row for each (quantity, output), a column for each axis.

    Without ``judged`` and ``axes``: all that have a rate verdict. ``drawn``: what is drawn beside the measurements,
    where it is known. None if nothing was judged along any axis.
    """
    rates = [verdict for verdict in stored.verdicts if verdict["kind"] == "rate"]
    judged = judged or list(dict.fromkeys((verdict["quantity"], verdict["output"]) for verdict in rates))
    axes = axes or [axis for axis in ("T", "k", "n", "alpha") if any(verdict["axis"] == axis for verdict in rates)]
    if not (judged and axes):
        return None
    page = Page(
        f"{_sentence([f'{NAMES[q]} ({o} iterate)' for q, o in judged])} of Lookahead on {stored.problem}, against "
        f"{', '.join(axes)}",
        height=height or 0.75 + 1.55 * len(judged),
        rows=len(judged),
        columns=len(axes),
        share="grid",
    )
    for quantity, output in judged:
        for axis in axes:
            panel = page.panel(xlabel=axis, ylabel=f"{NAMES[quantity]},\n{output} iterate")
            lines = stored.lines(axis, quantity, output)
            for line in lines:
                for kind in drawn:
                    panel.curve(line, kind)
                panel.measured(line, joined=not np.isfinite(line.rows["exact"]).any())
            if len(lines) <= MOST_SLOPES:
                panel.slopes(lines)
            else:
                page.note(f"The slopes of the {len(lines)} lines along {axis} are in the table of rates.")
                panel.end_labels(lines)
            if not lines:
                panel.text(0.5, 0.5, "not judged", colour=FAINT, ha="center")
            panel.cut()
        for verdict in stored.judged(quantity, output, "level"):
            page.quote(verdict)
    page.note("What is held along each axis is said in the verdicts.")
    return page


def differing(lines: Sequence[Line]) -> list[str]:
    """The coordinates that are held along each line, but not at one value for all."""
    names = dict.fromkeys(name for line in lines for name in line.where)
    return [name for name in names if len({line.where.get(name) for line in lines}) > 1]


def _cell(row: Any) -> tuple[str, ...]:
    """What tells one cell of the table from another."""
    return tuple(str(row[name]) for name in ("algorithm", "n", "T", "k", "alpha", "matched_alpha"))


def _sentence(parts: list[str]) -> str:
    text = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
    return text[0].upper() + text[1:]


def _column(values: npt.ArrayLike) -> Floats:
    return np.atleast_1d(np.asarray(values, dtype=np.float64))


def thinned(values: Sequence[float], places: Sequence[float]) -> list[float]:
    """The values that can be written at their places (inches) with the labels kept apart.

    Every m-th from the first on, m as small as fits, where the places are even; else both ends, then those farthest
    from the ones chosen.
    """

    letters = [3 if text.startswith("$") else len(text) for text in written(values)]

    def fits(left: int, right: int) -> bool:
        return abs(places[right] - places[left]) >= (letters[left] + letters[right]) * 0.025 + 0.07

    steps = np.diff(places)
    if len(steps) and np.allclose(steps, steps[0], rtol=0.02):
        for every in range(1, len(values)):
            kept = range(0, len(values), every)
            if all(fits(i, i + every) for i in kept[:-1]):
                return [values[i] for i in kept]
    chosen = {0, len(values) - 1}
    while True:
        free = [i for i in range(len(values)) if all(fits(c, i) for c in chosen)]
        if not free:
            return [values[i] for i in sorted(chosen)]
        chosen.add(max(free, key=lambda i: (min(abs(places[i] - places[c]) for c in chosen), -letters[i])))


def apart(wanted: Iterable[float], gap: float) -> list[float]:
    """Places at least ``gap`` apart, in the order of the wanted ones, with the least sum of squared moves.

    With y_i - i gap for y_i the constraint is monotonicity: pool adjacent violators.
    """
    wanted = list(wanted)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    pools: list[tuple[float, int]] = []
    for rank, i in enumerate(order):
        total, count = wanted[i] - rank * gap, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, members = pools.pop()
            total, count = total + more, count + members
        pools.append((total, count))
    level = [total / count for total, count in pools for _ in range(count)]
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = level[rank] + rank * gap
    return places
