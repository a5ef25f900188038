"""A panel: one pair of axes on a page, which draws rows of a table and records what it drew."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.markers import TICKDOWN, TICKLEFT, MarkerStyle
from matplotlib.offsetbox import AnchoredOffsetbox, TextArea, VPacker
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, Locator, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from riskkit.report.figures.frame import Frame
from riskkit.report.figures.stored import MOST_LINES, Line, differing
from riskkit.report.figures.style import (
    COMPUTED,
    FAINT,
    INK,
    MOST_LABELS,
    PALETTE,
    SMALL,
    STYLE,
    Kind,
    alpha_colour,
    few,
    house_style,
    signed,
    symbols,
    written,
)

Floats = npt.NDArray[np.float64]

LONG = 10.0
"""How far under the lowest mean or curve, as a factor, intervals and bands are followed on a logarithmic axis."""

MOST_AREAS = 3
"""Bands of one colour that can be told apart where they overlap."""

SHORT = 20.0
"""Ratio of the ends of a logarithmic axis below which it has too few decades for ticks."""

REACH = 300.0
"""How far above all else a bound is followed."""

BETWEEN = tuple(range(2, 10))
"""Small ticks of a decade."""

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


class Sheet(Protocol):
    """What a panel asks of its page."""

    figure: Figure
    records: list[dict[str, Any]]
    missing: dict[str, dict[tuple[str, ...], str]]
    shaded: bool
    bar: bool
    panels: list[Panel]

    def key(self, name: str, handle: Artist) -> None: ...

    def note(self, text: str) -> None: ...

    def quote(self, verdict: dict[str, Any]) -> None: ...


class Panel:
    """One pair of axes on a page. The methods draw rows of a table and record what they drew."""

    def __init__(self, page: Sheet, axes: Frame, name: str) -> None:
        self.page, self.axes, self.name = page, axes, name
        self._labels: list[Text] = []
        self.ticks: set[float] = set()
        self._areas: dict[str, list[Any]] = {}
        self._trivial: set[tuple[bytes, bytes]] = set()
        self._box: AnchoredOffsetbox | None = None
        self._shorter: Sequence[str] = ()
        self._small: dict[str, Locator] = {}
        self._cuts = False

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
        x, y, low, high, *ends = (
            rows[c].to_numpy(dtype=np.float64) for c in (line.axis, value, "low", "high", "band_low", "band_high")
        )
        band = np.stack(ends)
        colours = self._colours(line, colour)
        shape = marker or PALETTE[0][1]
        below = (y <= 0) if self.axes.get_yscale() == "log" else np.zeros(len(y), dtype=bool)
        drawn = np.isfinite(y) & ~below
        floor = np.where(low > 0, low, y * 1e-3) if self.axes.get_yscale() == "log" else low
        with house_style():
            if joined:
                self.axes.plot(x, np.where(drawn, y, np.nan), color=self._line_colour(line, colour), lw=0.7, zorder=3)
            bars = drawn & np.isfinite(low)
            limits = self.axes.get_autoscaley_on()
            self._bars(x[bars], floor[bars], high[bars], [colours[i] for i in np.flatnonzero(bars)])
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
            self.ticks.update(x)
        self._record("measured", line, x, y, {"low": low, "high": high, "band_low": band[0], "band_high": band[1]})
        self.page.quote(line.verdict)
        if line.among:
            self.page.note(f"Of {line.among} lines along {line.axis} {MOST_LINES} are drawn, evenly spread.")
        for replicates in rows["replicates"].unique():
            self.page.note(
                f"Means over {replicates} replicates. Bars are 95% intervals, each for its own cell; a shaded band is "
                "simultaneous (95%) over all cells of its algorithm."
            )

    def _bars(self, x: Floats, low: Floats, high: Floats, colours: Any, along: Literal["x", "y"] = "y") -> None:
        """Intervals at x, in y (or at heights x, in x). Their ends count for the limits as they are: as matplotlib's
        own lines they would be computed back from pixels, and a single x would become two that differ by rounding."""
        if not len(x):
            return
        ends = np.stack([np.column_stack([x, low]), np.column_stack([x, high])], axis=1)
        if along == "x":
            ends = ends[:, :, ::-1]
        self.axes.add_collection(LineCollection(list(ends), colors=colours, linewidths=0.9, zorder=4), autolim=False)
        self.axes.update_datalim(ends.reshape(-1, 2))
        self.axes.autoscale(None)  # type: ignore[arg-type]  # when somebody asks for the limits

    def _shade(self, x: Floats, y: Floats, band: Floats, drawn: npt.NDArray[np.bool_], colour: str) -> None:
        """The simultaneous band as an area, broken at gaps and where it has no end."""
        known = drawn & np.isfinite(band).all(axis=0)
        if not known.any():
            return
        low = np.where(band[0] > 0, band[0], y * 1e-3) if self.axes.get_yscale() == "log" else band[0]
        limits = self.axes.get_autoscaley_on()
        self.axes.set_autoscaley_on(False)
        area = self.axes.fill_between(x, low, band[1], where=known, color=colour, alpha=0.18, lw=0, zorder=1.2)
        self.axes.set_autoscaley_on(limits)
        alike = self._areas.setdefault(colour, [])
        alike.append(area)
        if len(alike) > MOST_AREAS:
            for one in alike:
                one.set_visible(False)
            self.page.note(f"Bands of more than {MOST_AREAS} lines of one colour in a panel are not drawn.")
        else:
            self.page.shaded = True

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
        with house_style():
            self.axes.plot(
                x,
                y,
                color=FAINT if grey else self._line_colour(line, colour),
                ls=style,
                lw=width,
                zorder={"trivial": 1.5, "exact": 2, "claim": 2.2, "published": 2.3, "proved": 2.4}[kind],
            )
        self.page.key(name, Line2D([], [], color=INK if not grey else FAINT, ls=style, lw=width))
        self.ticks.update(x)
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
        about: Mapping[str, object] | Sequence[Mapping[str, object]] = MappingProxyType({}),
        key: str = "",
        style: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Numbers x and y (P,) that are no rows of the table (exponents, predictions), recorded under ``kind``.

        ``low`` and ``high`` are ends of intervals in y, or in x as ``along`` says; ``about`` fills further columns of
        the record, one mapping for all or for each; ``style`` holds matplotlib's properties of a line.
        """
        x, y = _column(x), _column(y)
        lower, upper = (np.full(len(x), np.nan) if end is None else _column(end) for end in (low, high))
        with house_style():
            (artist,) = self.axes.plot(x, y, **style)
            bars = np.isfinite(lower) & np.isfinite(upper)
            if bars.any():
                across = x if along == "y" else y
                self._bars(across[bars], lower[bars], upper[bars], artist.get_color(), along)
            if key:
                handle = Line2D([], [])
                handle.update_from(artist)
                self.page.key(key, handle)
        for i, told in enumerate([about] * len(x) if isinstance(about, Mapping) else about):
            entry = {"panel": self.name, "kind": kind, "x_name": x_name, "x": x[i], "y": y[i]}
            self.page.records.append({**entry, "low": lower[i], "high": upper[i], "status": "ok", **told})

    def ratios(
        self,
        comparisons: Sequence[Mapping[str, Any]],
        x_name: str,
        *,
        about: Mapping[str, object],
        style: Mapping[str, Any],
    ) -> None:
        """Stored comparisons by their ratios and intervals, along one of their coordinates, in the order given."""
        x, ratio, low, high = ([one[name] for one in comparisons] for name in (x_name, "ratio", "low", "high"))
        self.points("ratio", x, ratio, x_name=x_name, low=low, high=high, about=about, style=style)

    def mark(self, name: str, x: float, kind: Kind, *, about: Mapping[str, object] = MappingProxyType({})) -> None:
        """A vertical line at x, in the line style of what is computed."""
        style, width, _ = COMPUTED[kind]
        with house_style():
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
        with house_style():
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
        """What distinguishes each line, beside its last measured point; with more lines than can be labelled, a bar
        for the colours of alpha, and else labels for some."""
        if len(lines) > MOST_LABELS and differing(lines) == ["alpha"] and lines[0].axis != "alpha":
            self.page.bar = True
            return
        chosen = few(range(len(lines)), MOST_LABELS)
        if len(chosen) < len(lines):
            self.page.note(f"Of {len(lines)} lines {len(chosen)} are labelled.")
        for line in (lines[int(i)] for i in chosen):
            words = symbols({name: line.where[name] for name in differing(lines) if name in line.where})
            self.end_label(line, words, colour=FAINT if line.axis == "alpha" else None)

    def box(self, entries: Iterable[tuple[str, str]], shorter: Sequence[str] = ()) -> None:
        """Lines of small text, (words, colour) each, where nothing else is; the y axis is widened if need be.
        ``shorter``: words for a panel that is narrower than those."""
        entries, self._shorter = list(entries), shorter
        if not entries:
            return
        with house_style():
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
        if len(lines) > MOST_LABELS:
            self.page.note("The slopes of many lines are in the table of rates.")
            self.end_labels(lines)
            return
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
            entries.append((f"claim {next(iter(claims))}" if len(claims) == 1 else "slope / claim", INK))
        once = [words.replace(": slope ", ": ") for words, _ in entries]  # which numbers are slopes is said at the end
        self.box(entries, [*once[:-1], f"slope; {once[-1]}"] if differ and len(claims) == 1 else ())

    def text(self, x: float, y: float, words: str, *, colour: str = INK, ha: str = "left", va: str = "center") -> None:
        """Small text at the place (x, y), in fractions of the panel."""
        with house_style():
            self.axes.text(x, y, words, color=colour, ha=ha, va=va, fontsize=SMALL, transform=self.axes.transAxes)

    def inside(self, y: float, words: str, *, colour: str = FAINT) -> None:
        """Small text at the left edge of the panel, at the height y of its data, over whatever lines cross it."""
        with house_style():
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
        with house_style():
            where = self.axes.get_yaxis_transform()
            self.axes.text(1.03, y, words, color=colour, ha="left", va="center", fontsize=SMALL, transform=where)

    def outside(self, y: float, words: str, inches: float) -> None:
        """Small bold text that begins so many inches to the left of the panel, at the height y of its data."""
        with house_style():
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
        self.ticks.update(values)

    def cut(self) -> None:
        """Lets a bound that is ``REACH`` times above everything else leave the panel at its top, and says so.

        Only when the page is finished: what is drawn afterwards, here or in a panel of the same axis, has its place.
        """
        self._cuts = True

    def top(self) -> None:
        """Carries out ``cut``."""
        joined = self._joined() if self._cuts else []
        lines = [artist for panel in joined for artist in panel.axes.lines if artist.get_linestyle() != "None"]
        dashed = [artist for artist in lines if artist.get_zorder() == 2.4]
        others = [float(np.nanmax(np.append(a.get_ydata(), -np.inf))) for a in lines if a not in dashed]
        highest = max(others, default=-math.inf)
        if not (self.axes.get_yscale() == "log" and 0 < highest < math.inf):
            return
        if self.axes.get_ylim()[1] > REACH * highest:
            self.axes.set_ylim(top=REACH * highest)
            self.page.note("A bound that is higher still leaves its panel at the top.")

    def _joined(self) -> list[Panel]:
        """The panels of this y axis."""
        return [p for p in self.page.panels if self.axes.get_shared_y_axes().joined(self.axes, p.axes)]

    def foot(self) -> None:
        """Lets an interval or band that reaches to zero leave a logarithmic panel at its foot."""
        if self.axes.get_yscale() != "log":
            return
        together = [panel.name for panel in self._joined()]
        entries = [entry for entry in self.page.records if entry["panel"] in together and "y" in entry]
        shown = [entry for entry in entries if 0 < float(entry["y"]) < math.inf]
        # An estimate that cannot be told from 0 is drawn, and no room is made for its interval.
        clear = [entry for entry in shown if float(entry.get("low", 1.0)) > 0] or shown
        lowest = min(
            min((float(entry["y"]) / LONG for entry in clear), default=0.0),
            min((float(entry["y"]) / 2 for entry in shown), default=0.0),
        )
        if 0 < self.axes.get_ylim()[0] < lowest:
            self.axes.set_ylim(bottom=lowest)
            self.page.note("An interval or band that reaches to zero leaves its panel at the foot.")

    def tick(self) -> None:
        """Ticks at measured x values, as many as fit, plain numbers; decades on a logarithmic y axis. The small ones,
        which have no labels, are drawn by ``small_ticks``, when the page is laid out."""
        if self.axes.get_xscale() == "log":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that the limits are one
                low, high = self.axes.get_xlim()
            if high / low < 1 + 1e-6:  # an axis of one value has no width of its own
                self.axes.set_xlim(low / 2, high * 2)
        if self.axes.get_xscale() == "log":
            low, high = self.axes.get_xlim()
            values = sorted(self.ticks)
            if not values and high / low < SHORT:  # between decades matplotlib labels what does not fit
                own = [float(entry.get("x", math.nan)) for entry in self.page.records if entry["panel"] == self.name]
                values = sorted({x for x in own if low <= x <= high})
            if values:
                inch = self.axes.get_position().width * self.page.figure.get_figwidth() / math.log(high / low)
                chosen = thinned(values, [math.log(value) * inch for value in values])
                self.axes.xaxis.set_major_locator(FixedLocator(chosen))
                self.axes.xaxis.set_major_formatter(FixedFormatter(written(chosen)))
                self._small["x"] = FixedLocator([value for value in values if value not in chosen])
            elif high / low >= SHORT:
                self._small["x"] = LogLocator(subs="auto")
                self._small["x"].set_axis(self.axes.xaxis)  # its length says how many
            if values or high / low >= SHORT:
                self.axes.xaxis.set_minor_locator(NullLocator())
        if self.axes.get_yscale() == "log":
            low, high = self.axes.get_ylim()
            self._small.pop("y", None)
            if math.log10(high / low) > 1.5:
                self.axes.yaxis.set_major_locator(LogLocator(numticks=7))
                self._small["y"] = LogLocator(subs=BETWEEN, numticks=7)
            else:
                few = sum(low <= m * 10.0**e <= high for m in (1, 2, 5) for e in range(-12, 12)) < 2
                subs = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7) if few else (1, 2, 5)
                self.axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=7))
                self.axes.yaxis.set_major_formatter("{x:g}")
            self.axes.yaxis.set_minor_locator(NullLocator())

    def small_ticks(self) -> None:
        """Draws them as one line for each axis: as ticks they would be five artists each."""
        for name, locator in self._small.items():
            if name == "x":
                limits, across = self.axes.get_xlim(), self.axes.get_xaxis_transform()
            else:
                limits, across = self.axes.get_ylim(), self.axes.get_yaxis_transform()
            low, high = sorted(limits)
            places = [place for place in locator.tick_values(low, high) if low <= place <= high]
            none = [0.0] * len(places)
            with house_style():
                ticks = Line2D(
                    *((places, none) if name == "x" else (none, places)),
                    marker=MarkerStyle(TICKDOWN if name == "x" else TICKLEFT),
                    markersize=STYLE[f"{name}tick.minor.size"],
                    markeredgewidth=STYLE[f"{name}tick.minor.width"],
                    color="black",
                    linestyle="none",
                    zorder=1.5,
                    clip_on=False,
                    transform=across,
                )
            ticks.set_in_layout(False)
            self.axes.add_artist(ticks)

    def place_box(self) -> None:
        """Moves the box to where it covers nothing that is drawn; makes room in a corner if there is no such place."""
        if self._box is None:
            return
        renderer: Any = self.page.figure.canvas.get_renderer()  # type: ignore[attr-defined]
        size = self._box.get_bbox(renderer)
        if size.width > self.axes.bbox.width and self._shorter:
            packed: Any = self._box.get_child()
            for area, words in zip(packed.get_children(), self._shorter, strict=True):
                area.set_text(words)
            size = self._box.get_bbox(renderer)
        for _ in range(12):
            drawn, centres = self._drawn()
            crowding: dict[str, int] = {}
            for place, code in PLACES.items():
                self._box.loc = code
                crowding[place] = _covered(size.translated(*self._box.get_offset(size, renderer)), drawn, centres)
                if not crowding[place]:
                    return
            free = min(PLACES, key=lambda place: crowding[place])
            self._box.loc = PLACES[free]
            best = min(("upper left", "lower right", "upper right", "lower left"), key=lambda place: crowding[place])
            low, high = self.axes.get_ylim()
            if self.axes.get_yscale() == "log":
                stretch = (high / low) ** 0.08
                self.axes.set_ylim(*((low, high * stretch) if best.startswith("upper") else (low / stretch, high)))
            else:
                stretch = (high - low) * 0.08
                self.axes.set_ylim(*((low, high + stretch) if best.startswith("upper") else (low - stretch, high)))

    def _drawn(self) -> tuple[Floats, Floats]:
        """Points of the lines and intervals, (N, 2), taken every pixel or two, and markers, (M, 2), in pixels."""
        points, centres = [np.empty((0, 2))], [np.empty((0, 2))]
        for artist in self.axes.lines:
            vertices = artist.get_transform().transform(artist.get_xydata())
            there = np.isfinite(vertices).all(axis=1)
            first = np.flatnonzero(there[:-1] & there[1:])
            starts, ends = vertices[first], vertices[first + 1]
            points.append(_along(starts, ends, 2 + (np.hypot(*(ends - starts).T) / 2).astype(int)))
        for group in self.axes.collections:
            if isinstance(group, LineCollection):
                pairs = [np.asarray(segment)[[0, -1]] for segment in group.get_segments()]
                if pairs:
                    places = group.get_transform().transform(np.concatenate(pairs)).reshape(-1, 2, 2)
                    places = places[np.isfinite(places).all(axis=(1, 2))]
                    points.append(_along(places[:, 0], places[:, 1], np.full(len(places), 100)))
            else:
                centres.append(group.get_offset_transform().transform(np.asarray(group.get_offsets())))
        return np.concatenate(points), np.concatenate(centres)

    def spread_labels(self) -> None:
        """Moves the end labels apart, as little as possible, and not below the axis if they fit above it."""
        if not self._labels:
            return
        dots = self.page.figure.dpi
        gap = SMALL * 1.12 * dots / 72
        wanted = [float(self.axes.transData.transform((1, label.get_position()[1]))[1]) for label in self._labels]
        # Not beside the numbers of the x axis, where there is room above it.
        top, bottom = self.page.figure.bbox.y1, self.axes.bbox.y0 - gap / 2
        if (len(wanted) + 1) * gap > top - bottom:
            bottom = self.page.figure.bbox.y0
        for label, place in zip(self._labels, inside(apart(wanted, gap), gap, bottom, top), strict=True):
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
        columns = ("quantity", "output", "algorithm", "n", "T", "k", "alpha", "status")
        told = [line.rows[name].tolist() for name in columns]
        for i, values in enumerate(zip(*told, strict=True)):
            entry = {"panel": self.name, "kind": kind, "x_name": line.axis, "x": x[i], "y": y[i]}
            entry |= {name: end[i] for name, end in ends.items()} | dict(zip(columns, values, strict=True))
            self.page.records.append(entry)


def _cell(row: Any) -> tuple[str, ...]:
    """What tells one cell of the table from another."""
    return tuple(str(row[name]) for name in ("algorithm", "n", "T", "k", "alpha", "gradients"))


def _covered(box: Bbox, drawn: Floats, centres: Floats) -> int:
    """How many of the points of lines and of the markers the box would hide, some room around it."""
    extent = box.padded(2)
    return int(extent.count_contains(drawn)) + int(extent.padded(3).count_contains(centres))


def _along(starts: Floats, ends: Floats, counts: npt.NDArray[np.int64]) -> Floats:
    """Evenly many points from each start to its end, both among them: ``counts`` of each, at least 2."""
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (step / np.repeat(counts - 1, counts))[:, None]
    return np.repeat(starts, counts, axis=0) + share * np.repeat(ends - starts, counts, axis=0)


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


def inside(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The places, ``gap`` apart, moved to where none is nearer to an end than ``gap``, as far as there is room."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for rank, i in enumerate(order):
        moved[i] = max(moved[i], low + (rank + 1) * gap)
    for rank, i in enumerate(reversed(order)):
        moved[i] = min(moved[i], high - (rank + 1) * gap)
    return moved


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
