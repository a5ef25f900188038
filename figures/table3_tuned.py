"""Each method's difference from stagewise SGD on digits, all tuned, beside the accuracies that Table 3 prints."""

from __future__ import annotations

from matplotlib.lines import Line2D

from figures._table3 import errors, parts, rows, ticks
from riskkit.report import plot
from riskkit.theory.zhou2021.table3 import COLUMNS, PRINTED

EXPERIMENT = "table3_tuned"
BASELINE = "stagewise SGD"
SETS = {"CIFAR-10": ("#009e73", "v"), "CIFAR-100": ("#cc79a7", "P"), "ImageNet": ("#7a5195", "X")}


def draw(stored: plot.Stored) -> plot.Page | None:
    """Rows: label noise. Columns: the parts of the excess risk, the error rate, and the printed accuracies."""
    found = [c for c in stored.comparisons if str(c["against"]).partition(" (")[0] == BASELINE]
    if not found:
        return None
    places = sorted({(c.get("cnn", 0.0), c["noise"]) for c in found})
    lines = {
        place: rows([c for c in found if (c.get("cnn", 0.0), c["noise"]) == place], baseline=BASELINE)
        for place in places
    }
    most = max(map(len, lines.values()))
    page = plot.Page(
        f"{stored.problem.partition(',')[0].rpartition(' ')[2]}, every method tuned alike, less stagewise SGD, with "
        "paired 95% intervals, beside the accuracies printed in Table 3",
        height=0.7 + len(places) * (0.45 + 0.23 * most),
        rows=len(places),
        columns=3,
        share="row",
        widths=(3, 2, 2),
    )
    for cnn, noise in places:
        where = {"noise": noise, "cnn": cnn}
        title = f"{'CNN' if cnn else 'MLP'}, label noise {noise:g}"
        panel = page.panel(xlabel="difference of risks", title=title, xscale="linear", yscale="linear")
        parts(panel, lines[cnn, noise], where)
        panel = page.panel(xlabel="of error rates, points", title="digits", xscale="linear", yscale="linear")
        errors(panel, lines[cnn, noise], where)
        panel = page.panel(xlabel="of error rates, points", title="printed", xscale="linear", yscale="linear")
        _printed(panel, list(lines[cnn, noise]))
    page.note(
        f"{stored.replicates} replicates with common samples, starts and minibatches, none of which tuned a method. "
        "Right: the error rates of Zhou et al. (2021), Table 3, less stagewise SGD's in the same column, on the "
        "networks and data named there; methods without a printed number have no mark."
    )
    return page


def _printed(panel: plot.Panel, labels: list[str]) -> None:
    panel.axes.axvline(0, color=plot.FAINT, lw=0.6, zorder=1)
    for place, label in enumerate(labels):
        if label not in PRINTED:
            continue
        for c, column in enumerate(COLUMNS):
            colour, marker = SETS[column.data]
            value = PRINTED[BASELINE][c] - PRINTED[label][c]
            style = {"color": colour, "marker": marker, "ms": 2.6, "ls": "none", "alpha": 0.8}
            about = {"algorithm": label, "data": column.data, "network": column.network}
            panel.points("printed", [value], [place], x_name="difference", about=about, style=style)
            panel.page.key(column.data, Line2D([], [], color=colour, marker=marker, ms=3.2, lw=0))
    ticks(panel, labels)
