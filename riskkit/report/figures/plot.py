r"""What the author of a figure imports: pages of panels, drawn from what is stored, that remember what they show.

    from riskkit.report import plot

    EXPERIMENT = "my_experiment"


    def draw(stored: plot.Stored) -> plot.Page:
        page = plot.Page("Optimization error along T", height=2.4)
        panel = page.panel(xlabel="T", ylabel="optimization error")
        lines = stored.lines("T", "optimization", "last")
        for line in lines:
            panel.curve(line, "proved")
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

Sizes are those of the venue's text block (``sized_for("icml")``, ``riskkit figures --venue icml``), text is 7 to 9 pt
at print size in the STIX face that matplotlib carries (next to Times, TrueType, embedded), and the files hold no date:
drawn twice they have the same bytes.
"""

from riskkit.report.figures.page import Page
from riskkit.report.figures.panels import Panel
from riskkit.report.figures.standard import errors
from riskkit.report.figures.stored import Line, Stored, differing, is_stored, stored
from riskkit.report.figures.style import (
    COMPUTED,
    DEFAULT_VENUE,
    FAINT,
    INK,
    MOST_LABELS,
    NAMES,
    PALETTE,
    QUANTITIES,
    SMALL,
    STYLE,
    VENUES,
    Kind,
    alpha_colour,
    few,
    house_style,
    signed,
    sized_for,
    symbols,
    written,
)

__all__ = [
    "COMPUTED",
    "DEFAULT_VENUE",
    "FAINT",
    "INK",
    "MOST_LABELS",
    "NAMES",
    "PALETTE",
    "QUANTITIES",
    "SMALL",
    "STYLE",
    "VENUES",
    "Kind",
    "Line",
    "Page",
    "Panel",
    "Stored",
    "alpha_colour",
    "differing",
    "errors",
    "few",
    "house_style",
    "is_stored",
    "signed",
    "sized_for",
    "stored",
    "symbols",
    "written",
]
