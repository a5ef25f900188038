"""House style of figures: widths of the venues, fonts, line styles, colours and markers, and how names and numbers are
written.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
from matplotlib.colors import to_hex
from tueplots import figsizes

from riskkit.identity import label

Kind = Literal["exact", "proved", "published", "claim", "trivial"]
"""What is computed beside the measurements: the columns of the table that are drawn as curves."""
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


def inches(width: Width) -> float:
    """The width of a page that is made now: of the text block, or a column, of the venue it is made for."""
    return float(getattr(VENUES[_venue.get()], width))


_KEPT = frozenset({"backend", "backend_fallback", "interactive", "toolbar", "timezone", "datapath"})
"""Parameters that are no matter of looks."""

STYLE: Any = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "text.hinting": "none",  # as long in a PNG as the page was laid out for
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
    "axes.formatter.useoffset": False,
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


_HOUSE = mpl.rcParamsDefault.copy()
_HOUSE.update(STYLE)
_LOOKS = {name: value for name, value in dict.items(_HOUSE) if name not in _KEPT}


@contextlib.contextmanager
def house_style() -> Iterator[None]:
    """matplotlib's own defaults under ``STYLE``: a figure depends on nothing that a user's matplotlibrc says."""
    # As dictionaries: rc_context looks at each of 300 parameters in Python, and so does dict.copy, since RcParams has
    # an iterator of its own; and this is entered for everything that is drawn.
    before = dict(dict.items(mpl.rcParams))
    try:
        dict.update(mpl.rcParams, _LOOKS)
        yield
    finally:
        dict.update(mpl.rcParams, before)


SMALL = 7.0
"""Point size of text inside panels, the smallest there is."""
INK = "#222222"
FAINT = "#777777"

PALETTE: tuple[tuple[str, str], ...] = (
    ("#0072b2", "o"),
    ("#2b0a5e", "s"),
    ("#d55e00", "^"),
    ("#009e73", "D"),
    ("#56b4e9", "P"),
    ("#cc79a7", "v"),
    ("#b58900", "X"),
    ("#7a5195", "p"),
)
"""Colours (after Okabe and Ito) and markers of algorithms, in the order of an experiment; a study may name its own."""

QUANTITIES: dict[str, tuple[str, str]] = {
    "excess": ("#0072b2", "o"),
    "optimization": ("#6b6b6b", "s"),
    "generalization": ("#9a9a9a", "^"),
}
"""Colour and marker of the excess risk and its two parts where they share a panel."""

COMPUTED: dict[Kind, tuple[Any, float, str]] = {
    "exact": ("solid", 1.0, "closed form"),
    "proved": ((0, (4.2, 2.0)), 0.9, "explicit bound"),
    "published": ((0, (4.2, 1.2, 1.0, 1.2)), 0.9, "published bound"),
    "claim": ((0, (1.0, 1.6)), 1.0, "claim, up to its constant"),
    "trivial": ((0, (6, 1.6, 1, 1.6)), 0.8, "trivial value"),
}
"""Line style, width and name of what is computed."""

NAMES = {
    "T": "outer rounds $T$",
    "k": "inner steps $k$",
    "n": "sample size $n$",
    "alpha": r"outer step $\alpha$",
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
    "batch": "batch size $b$",
    "b": "batch size $b$",
    "J": "updates $J$",
    "momentum": "momentum $m$",
    "gradients": "gradients",
}
SYMBOLS = {
    **{name: rf"\{name}" for name in ("alpha", "beta", "eta", "mu")},
    "eps": r"\epsilon",
    "lam": r"\lambda",
    "momentum": "m",
}


@functools.cache
def alpha_colour(alpha: float) -> str:
    """The colour of an alpha on every page: plasma, from orange (small) to dark purple (1, which is SGD); above 1
    viridis from blue to green (2)."""
    if not 0 < alpha <= 2:
        raise ValueError(f"alpha_colour: alpha must lie in (0, 2]; got {alpha!r}.")
    if alpha > 1:
        return to_hex(mpl.colormaps["viridis"](0.25 + 0.5 * (alpha - 1)))
    return to_hex(mpl.colormaps["plasma"](0.76 * (1 - alpha) + 0.02))


MOST_LABELS = 8
"""Lines of a panel that can be told apart by labels; with more, colours of alpha are read off a bar."""


def few(values: Iterable[float], most: int) -> list[float]:
    """At most so many of the values, sorted: both ends and those evenly between, by rank."""
    ordered = sorted(set(values))
    if len(ordered) <= most:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (most - 1))] for i in range(most)] if most > 1 else ordered[:1]


def symbols(where: dict[str, float]) -> str:
    r"""``{"alpha": 0.5, "k": 4}`` as mathtext, ``$\alpha = 0.5$, $k = 4$``."""
    return ", ".join(f"${SYMBOLS.get(name, name)} = {written([value])[0].strip('$')}$" for name, value in where.items())


def written(values: Sequence[float]) -> list[str]:
    """Numbers as an axis shows them.

    Where a power of two, whole or half, is long in decimals, all such are powers. What has an e is a multiple
    of a power of ten.
    """

    def power(value: float) -> str:
        if not 0 < value < math.inf:
            return ""
        exponent = round(2 * math.log2(value)) / 2
        return f"{exponent:g}" if abs(2.0**exponent - value) <= 1e-15 * value else ""

    def decimal(value: float) -> str:
        mantissa, e, exponent = label(value).partition("e")
        times = "" if mantissa == "1" else rf"{mantissa} \times "
        return rf"${times}10^{{{int(exponent)}}}$" if e else mantissa

    long = any(power(value) and len(f"{value:g}") > 5 for value in values)
    return [f"$2^{{{power(v)}}}$" if long and power(v) and v != 1 else decimal(v) for v in values]


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus, and no negative zero."""
    rounded = round(value, digits) + 0.0
    return f"{rounded:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
