"""Figures: what is drawn is what is stored, at the venue's size, in the same bytes, with nothing overlapping."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import json
import re
import shutil
import zlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import stretched
from conftest import EXPERIMENTS
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from riskkit import load
from riskkit.cli import main as cli
from riskkit.experiment import study
from riskkit.report import plot
from riskkit.report.figures import drawing, fonts, panels, stored, vector
from riskkit.report.figures import page as pages_made
from riskkit.report.figures.frame import Frame
from riskkit.report.figures.panels import apart, inside
from riskkit.report.figures.stored import assembled
from riskkit.report.figures.vector import Drawing
from riskkit.store.table import write_table

HOME = {
    name: module.EXPERIMENT or ""
    for name, module in drawing.figure_modules().items()
    if not module.EXPERIMENT or module.EXPERIMENT in EXPERIMENTS
    if not name.startswith("printed")
}
"""Figure -> the experiment in whose folder it lies. The others are drawn in tests/test_published.py (of experiments
without an axis), test_trained.py and test_finite_population.py."""

BEYOND = {
    "overview",
    "negative_controls",
    "theorem1_map",
    "theorem1_matched",
    "theorem2_edge",
    "theorem2_tuned",
    "theorem4_at_eps",
    "theorem4_counts",
    "theorem4_pl",
    "theorem4_regularizer",
    "theorem4_tuned",
}
"""Figures whose numbers are those of verdict.json, or closed forms, and no measurements of the table."""

MAPS = ("theorem1_map",)
"""Whose panels have rows and columns in place of axes."""

OWN = ("excess", "theorem1_tuned", "theorem4_budget")
"""Figures of cells that take more than the coordinates of a grid to name."""

GRIDS = [n for n in EXPERIMENTS if study.experiment(n).read is None and "Lookahead" in study.experiment(n).algorithms]

ESTIMATES = ["mean", "sem", "low", "high", "band_low", "band_high"]


@pytest.fixture
def broken(drawn, tmp_path):
    """A copy of the results in which one cell of each experiment failed, one diverged and one estimate is negative."""
    results, _ = drawn
    for name in GRIDS:
        folder = tmp_path / name
        folder.mkdir()
        for file in ("table.parquet", "verdict.json", "run.json"):
            shutil.copy(results / name / file, folder / file)
        shutil.copytree(results / name / "shards", folder / "shards")
        table = load(folder)
        ours = table[table["algorithm"] == "Lookahead"]
        cells = ours[["n", "T", "k", "alpha"]].drop_duplicates().reset_index(drop=True)
        for place, status in ((1, "failed"), (2, "diverged")):
            lost = (table[["n", "T", "k", "alpha"]] == cells.iloc[place]).all(axis=1) & (
                table["algorithm"] == "Lookahead"
            )
            table.loc[lost, [*ESTIMATES, "claim", "proved", "trivial"]] = np.nan
            table.loc[lost, "status"], table.loc[lost, "reason"] = status, f"a reason for {status}"
        below = (table[["n", "T", "k", "alpha"]] == cells.iloc[3]).all(axis=1) & (table["quantity"] == "generalization")
        table.loc[below, ["mean", "low", "high"]] = (-1e-3, -2e-3, 1e-3)
        write_table(folder / "table.parquet", table)
    return tmp_path


def place(results: Path, name: str) -> Path:
    return results / HOME[name] / "figures" / name


def test_every_figure_is_drawn_from_a_quick_run_in_all_forms(drawn):
    results, pages = drawn
    assert set(HOME) == set(pages)
    for name in HOME:
        for suffix in (".pdf", ".svg", ".csv", ".txt"):
            assert place(results, name).with_suffix(suffix).stat().st_size > 0
        assert not place(results, name).with_suffix(".png").exists()


@pytest.mark.parametrize("name", HOME)
def test_the_page_is_as_wide_as_the_text_block(drawn, name):
    results, _ = drawn
    payload = place(results, name).with_suffix(".pdf").read_bytes()
    width, height = map(float, re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", payload).groups())
    assert abs(width / 72 - 5.5) < 0.01
    assert height / 72 < 9


@pytest.mark.parametrize(("width", "inches"), [("text", (5.5, 6.75, 6.0)), ("column", (5.5, 3.25, 6.0))])
def test_each_venue_has_its_width(width, inches, tmp_path):
    """NeurIPS, ICML, JMLR: the numbers of their style files."""
    for venue, wanted in zip(("neurips", "icml", "jmlr"), inches, strict=True):
        with plot.sized_for(venue):
            page = plot.Page("empty", height=1.5, width=width)
        page.panel(xlabel="T", ylabel="excess")
        page.save(tmp_path, venue)
        payload = (tmp_path / f"{venue}.pdf").read_bytes()
        assert abs(float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", payload).group(1)) / 72 - wanted) < 0.01


def test_a_venue_has_a_folder_of_its_own(drawn, tmp_path, capsys):
    results, _ = drawn
    name = "theorem1_attained_optimization"
    shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
    assert cli.main(["figures", name, "--venue", "icml", "--png", "--results", str(tmp_path)]) == 0
    assert [path.name for path in (tmp_path / name / "figures").iterdir()] == ["icml"]
    image = imread(tmp_path / name / "figures" / "icml" / "theorem1_optimization.png")
    assert abs(image.shape[1] / 220 - 6.75) < 0.01
    assert cli.main(["figures", name, "--venue", "nature", "--results", str(tmp_path)]) == 2
    assert "venue must be one of neurips, icml, jmlr" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("venue", ["icml", "jmlr"])
def test_every_figure_is_legible_at_other_widths(drawn, venue):
    results, _ = drawn
    everything = [plot.stored(one) for one in sorted(results.iterdir()) if plot.is_stored(one)]
    with plot.sized_for(venue):
        for name in HOME:
            module = drawing.figure_modules()[name]
            page = module.draw(plot.stored(results / module.EXPERIMENT) if module.EXPERIMENT else everything)
            legible(page.finish())


@pytest.mark.parametrize("name", HOME)
def test_fonts_are_embedded_as_truetype(drawn, name):
    results, _ = drawn
    payload = place(results, name).with_suffix(".pdf").read_bytes()
    assert b"/Type3" not in payload
    assert payload.count(b"/FontFile2") == payload.count(b"/FontDescriptor /") >= 1 or b"/FontFile2" in payload
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", payload, re.S)
    assert any(zlib.decompressobj().decompress(s)[:4] in (b"\0\1\0\0", b"true") for s in streams if s[:1] == b"\x78")


@pytest.mark.parametrize("name", HOME)
def test_text_is_legible_whole_and_apart(drawn, name):
    """Sizes 7 to 9 pt; no text crosses the edge of the page or another text."""
    _, pages = drawn
    legible(pages[name].finish())


@pytest.mark.parametrize("name", [name for name in HOME if name not in MAPS])
def test_every_point_is_in_its_panel(drawn, name):
    _, pages = drawn
    shown(pages[name])


def shown(page):
    """No measured point lies beyond its panel."""
    page.finish()
    panels = {panel.name: panel.axes for panel in page.panels}
    for point in page.records:
        axes = panels[point["panel"]]
        if point["kind"] in ("measured", "ratio", "exact") and (axes.get_yscale() == "linear" or point["y"] > 0):
            for value, limits in ((point["x"], axes.get_xlim()), (point["y"], axes.get_ylim())):
                assert not np.isfinite(value) or min(limits) <= value <= max(limits), point


def legible(figure):
    FigureCanvasAgg(figure)  # dots of a PNG, with letters moved to them
    with mpl.rc_context(plot.STYLE):  # as it is saved: tick labels are made when they are drawn
        figure.draw_without_rendering()
    left, bottom, right, top = figure.bbox.padded(1).extents
    drawn = set(figure.findobj(Text)) - beyond(figure)
    texts = [text for text in figure.findobj(Text) if text in drawn and text.get_visible() and text.get_text().strip()]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert 7 <= text.get_fontsize() <= 9, text
        assert left <= box.x0 <= box.x1 <= right, text
        assert bottom <= box.y0 <= box.y1 <= top, text
    for (one, a), (other, b) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        if one.get_text() == other.get_text() and np.allclose(a.bounds, b.bounds):
            continue
        # Extents hold the leading of a line; letters touch only where boxes share more than that.
        assert min(a.x1, b.x1) - max(a.x0, b.x0) <= 1 or min(a.y1, b.y1) - max(a.y0, b.y0) <= 4, (one, other)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOME)
def test_a_page_of_twenty_values_of_one_and_of_lost_cells_is_legible(drawn, name):
    results, _ = drawn
    module = study.module(f"figures.{name}")
    if module.EXPERIMENT is None:
        pytest.skip("it shows verdicts of all experiments, however many values each has")
    folder = results / module.EXPERIMENT
    verdict, record = (json.loads((folder / part).read_text()) for part in ("verdict.json", "run.json"))
    looks = drawing.algorithm_looks(study.folder())
    for _, (table, changed) in stretched.variants(load(folder), verdict):
        with plot.house_style():
            given = assembled(folder, table, copy.deepcopy(changed), copy.deepcopy(record), looks)
            if (page := module.draw(given)) is not None:
                legible(page.finish())
                if name not in MAPS:
                    shown(page)


def test_slopes_of_several_lines_fit_into_a_narrow_panel():
    found = {"slope": 1.0, "claim_slope": 1.0}
    lines = [plot.Line(pd.DataFrame(), "alpha", {"n": n}, found) for n in (880.0, 1030.0)]
    page = plot.Page("narrow", height=1.5, columns=5)
    for _ in range(5):
        panel = page.panel(xlabel="alpha")
        panel.points("made up", [0.1, 1.0], [0.1, 1.0], x_name="alpha")
        panel.slopes(lines)
    page.finish()
    shown = [area.get_text() for area in panel._box.get_child().get_children()]
    assert shown == ["$n = 880$: +1.00", "$n = 1030$: +1.00", "slope; claim +1.00"]
    assert panel._box.get_window_extent().width <= panel.axes.bbox.width + 2


def beyond(figure):
    """Tick labels outside the view, which matplotlib keeps but does not draw."""
    hidden = set()
    for axes in figure.axes:
        for axis, length in ((axes.xaxis, axes.bbox.width), (axes.yaxis, axes.bbox.height)):
            low, high = sorted(axis.get_transform().transform(axis.get_view_interval()))
            pixel = (high - low) / length
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low - pixel <= axis.get_transform().transform(tick.get_loc()) <= high + pixel:
                    hidden |= {tick.label1, tick.label2}
    return hidden


@pytest.mark.parametrize("name", [name for name in HOME if name not in BEYOND and name not in OWN])
def test_the_csv_holds_what_is_stored(drawn, name):
    """Each measured or computed point of the CSV is the table's, and has the place and ends of a drawn mark."""
    results, pages = drawn
    numbers = pd.read_csv(place(results, name).with_suffix(".csv"))
    table = load(results / HOME[name])
    table["kT"] = table["k"] * table["T"]
    keys = ["quantity", "output", "algorithm", "n", "T", "k", "alpha"]
    columns = {"measured": "mean", "exact": "exact", "proved": "proved", "trivial": "trivial"}
    points = numbers[numbers["kind"].isin(columns) & numbers["n"].notna()]
    assert len(points) > 20
    indexed = table.set_index(keys)
    for row in points.to_dict("records"):
        cell = indexed.loc[tuple(row[key] for key in keys)]
        assert row["y"] == cell[columns[row["kind"]]]
        coordinate = row[row["x_name"]] if row["x_name"] in keys else cell[row["x_name"]]
        assert row["x"] == coordinate
        if row["kind"] == "measured":
            for column in ("low", "high", "band_low", "band_high", "status"):
                assert row[column] == cell[column]
            ends = [row[column] for column in ("band_low", "low", "high", "band_high")]
            if cell["sem"] <= 1e-12 * abs(row["y"]):  # every replicate has the same number
                assert ends == pytest.approx([row["y"]] * 4, rel=1e-12)
            else:
                assert ends == sorted(set(ends))  # a family needs more than one cell
    marked = {
        (panel.name, x, y)
        for panel in pages[name].panels
        for group in panel.axes.collections
        for x, y in np.asarray(group.get_offsets())
    }
    measured = points[points["kind"] == "measured"]
    if pages[name].panels[0].axes.get_yscale() == "log":
        measured = measured[measured["y"] > 0]  # others are triangles
    assert {(row.panel, row.x, row.y) for row in measured.itertuples()} <= marked


@pytest.mark.parametrize("name", OWN)
def test_what_is_measured_is_in_the_table(drawn, name):
    results, _ = drawn
    numbers = pd.read_csv(place(results, name).with_suffix(".csv"))
    homes = [HOME[name]] if HOME[name] else EXPERIMENTS
    columns = ["mean", "low", "high", "band_low", "band_high"]
    stored = {tuple(row) for home in homes for row in load(results / home)[columns].to_numpy()}
    measured = numbers[numbers["kind"] == "measured"]
    assert len(measured) >= 10
    assert set(measured[["y", *columns[1:]]].dropna().itertuples(index=False, name=None)) <= stored


def test_exponents_are_those_of_the_verdicts(drawn):
    results, _ = drawn
    numbers = pd.read_csv(place(results, "theorem2_exponents").with_suffix(".csv"))
    verdicts = json.loads((results / "theorem2_exponents" / "verdict.json").read_text())["verdicts"]
    stored = {
        v["where"]["alpha"]: v
        for v in verdicts
        if (v["kind"], v["axis"], v["quantity"]) == ("exponent", "T", "optimization")
    }
    exponents = numbers[(numbers["panel"] == "b") & (numbers["kind"] == "measured")]
    assert sorted(exponents["x"]) == sorted(stored)
    for row in exponents.itertuples():
        assert (row.y, row.low, row.high) == tuple(stored[row.x][key] for key in ("slope", "slope_low", "slope_high"))
    limits = numbers[numbers["kind"] == "limit"]
    assert all(limits["y"] == -np.minimum(2 * limits["x"], 1))


def test_the_overview_marks_every_verdict_that_has_a_number(drawn):
    results, _ = drawn
    numbers = pd.read_csv(place(results, "overview").with_suffix(".csv"))
    verdicts = [
        verdict
        for name in EXPERIMENTS
        for verdict in json.loads((results / name / "verdict.json").read_text())["verdicts"]
    ]
    wanted = [v["ratio"] if v["kind"] in ("level", "identity") else v["difference"] for v in verdicts]
    assert sorted(numbers["x"]) == sorted(value for value in wanted if value is not None)
    outcomes = [v["outcome"] for v, value in zip(verdicts, wanted, strict=True) if value is not None]
    assert sorted(numbers["status"]) == sorted(outcomes)


def test_counts_are_those_of_the_verdicts_and_gaps_are_said(drawn, tmp_path):
    results, _ = drawn
    name = "theorem4_counts"
    shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
    path = tmp_path / name / "verdict.json"
    verdict = json.loads(path.read_text())
    lost = [c for c in verdict["counts"] if (c["algorithm"], c["output"], c["alpha"]) == ("Lookahead", "last", 0.5)][:4]
    for count in lost:
        count.update(gradients=None, low=None, high=None, status="not reached within the budget")
    path.write_text(json.dumps(verdict))
    page = drawing.figure_modules()[name].draw(plot.stored(tmp_path / name))
    legible(page.finish())
    assert "not reached within the budget" in page.caption.replace("\n", " ")
    numbers = page.numbers()
    drawn_counts = numbers[(numbers["kind"] == "count") & (numbers["x_name"] == "eps")]
    stored = {
        (c["algorithm"], c["alpha"], c["output"], c["lam"], c["eps"]): [c[key] for key in ("gradients", "low", "high")]
        for c in verdict["counts"]
    }
    moduli = {"a": 1.0, "b": 0.125}
    assert len(drawn_counts) > 40
    for row in drawn_counts.itertuples():
        wanted = stored[row.algorithm, row.alpha, row.output, moduli[row.panel], row.x]
        assert [None if np.isnan(v) else v for v in (row.y, row.low, row.high)] == wanted


def test_captions_quote_statements_and_verdicts(drawn):
    results, _ = drawn
    caption = place(results, "theorem1_attained").with_suffix(".txt").read_text()
    verdicts = json.loads((results / "theorem1_attained" / "verdict.json").read_text())["verdicts"]
    assert r"\frac{2\alpha\eta G^2 kT}{n}" in caption
    for verdict in verdicts:
        if verdict["kind"] in ("rate", "level"):
            assert verdict["sentence"] in caption


def test_drawing_again_gives_the_same_bytes(drawn, tmp_path):
    results, _ = drawn
    name = "theorem1_attained_optimization"
    shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
    first = {path.name: path.read_bytes() for path in (results / name / "figures").iterdir()}
    mpl.rcParams["font.size"] = 20  # what a notebook has set does not reach the page
    try:
        drawing.draw_figures(tmp_path, [name])
    finally:
        mpl.rcdefaults()
    assert {path.name: path.read_bytes() for path in (tmp_path / name / "figures").iterdir()} == first


def test_missing_cells_are_shown_and_said(broken):
    for name, module in drawing.figure_modules().items():
        if name in BEYOND or module.EXPERIMENT not in GRIDS:
            continue
        page = module.draw(plot.stored(broken / module.EXPERIMENT))
        figure = page.finish()
        legible(figure)
        said = " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))
        assert "1 cell failed to run (cross)" in said, name
        assert "1 cell diverged (cross)" in said, name
        assert "a reason for failed" in page.caption.replace("\n", " ")
        crosses = [
            mark
            for panel in page.panels
            for mark in panel.axes.collections
            if mark.get_transform() is not None and mark.get_zorder() == 6
        ]
        assert sum(len(mark.get_offsets()) for mark in crosses) >= 2, name
        lost = page.numbers()
        lost = lost[(lost["kind"] == "measured") & lost["status"].isin(["failed", "diverged"])]
        assert len(lost) >= 2
        assert lost["y"].isna().all()
        # The joining lines break there: no segment passes over a gap.
        for panel in page.panels:
            gaps = set(lost.loc[lost["panel"] == panel.name, "x"])
            joined = [np.array(line.get_data()) for line in panel.axes.lines if line.get_zorder() == 3]
            if joined:
                assert gaps <= {x for line in joined for x in line[0][np.isnan(line[1])]}, name


def test_an_estimate_below_zero_is_a_triangle_on_a_logarithmic_axis(broken):
    page = drawing.figure_modules()["theorem1_attained"].draw(plot.stored(broken / "theorem1_attained"))
    said = " ".join(text.get_text().replace("\n", " ") for text in page.finish().findobj(Text))
    assert "at or below zero" in said


def test_an_experiment_without_a_measured_cell_is_drawn_empty(drawn, tmp_path):
    results, _ = drawn
    for name in EXPERIMENTS:
        shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
        table = load(tmp_path / name)
        table[[*ESTIMATES, "claim", "proved", "trivial", "exact"]] = np.nan
        table["status"], table["reason"] = "failed", "nothing ran"
        write_table(tmp_path / name / "table.parquet", table)
    for module in drawing.figure_modules().values():
        if module.EXPERIMENT in EXPERIMENTS and (page := module.draw(plot.stored(tmp_path / module.EXPERIMENT))):
            page.finish()


def test_a_figure_of_ones_own_takes_under_15_lines(drawn):
    """The example of the module's docstring and of docs/figures.md, as it stands, on an experiment that there is."""
    results, _ = drawn
    example = re.search(r"    from riskkit.report import plot.*?return page\n", plot.__doc__, re.S).group()
    source = "\n".join(line.removeprefix("    ") for line in example.splitlines())
    assert len(source.splitlines()) < 15
    assert source in (Path(__file__).parent.parent / "docs" / "figures.md").read_text()
    names = {}
    exec(source, names)
    assert names["EXPERIMENT"]
    legible(names["draw"](plot.stored(results / "theorem2_ridge")).finish())


def test_of_very_many_lines_some_are_drawn_and_the_caption_says_of_how_many(drawn, monkeypatch):
    results, _ = drawn
    shown = plot.stored(results / "theorem2_exponents")
    every = shown.lines("T", "optimization", "last")
    assert len(every) == 6
    for module in (stored, panels):
        monkeypatch.setattr(module, "MOST_LINES", 3)
    some = shown.lines("T", "optimization", "last")
    assert [line.where["alpha"] for line in some] == [every[i].where["alpha"] for i in (0, 2, 5)]
    page = plot.errors(shown, judged=[("optimization", "last")], axes=["T"])
    assert "Of 6 lines along T 3 are drawn, evenly spread." in page.notes
    assert len({record["alpha"] for record in page.records if record["kind"] == "measured"}) == 3


def test_an_experiment_without_a_module_gets_the_standard_page(drawn, tmp_path):
    results, _ = drawn
    shutil.copytree(results / "theorem2_ridge", tmp_path / "own", ignore=shutil.ignore_patterns("figures"))
    written = drawing.draw_figures(tmp_path, ["own", "absent"]).paths
    assert tmp_path / "own" / "figures" / "errors.pdf" in written
    assert tmp_path / "figures" / "overview.pdf" in written
    assert pd.read_csv(tmp_path / "own" / "figures" / "errors.csv")["quantity"].nunique() == 3


def test_a_study_without_figures_gets_the_standard_page(drawn, tmp_path, monkeypatch):
    results, _ = drawn
    for file in (tmp_path / "problems" / "__init__.py", tmp_path / "experiments" / "own.py"):
        file.parent.mkdir()
        file.touch()
    monkeypatch.chdir(tmp_path)
    assert drawing.figure_modules() == {}
    shutil.copytree(results / "theorem2_ridge", tmp_path / "theorem2_ridge", ignore=shutil.ignore_patterns("figures"))
    written = drawing.draw_figures(tmp_path, ["theorem2_ridge"]).paths
    assert {path.relative_to(tmp_path) for path in written} == {
        Path("theorem2_ridge", "figures", f"errors.{suffix}") for suffix in ("pdf", "svg", "csv", "txt")
    }


def test_a_png_is_drawn_where_it_is_asked_for_and_in_every_later_drawing(drawn, tmp_path):
    results, _ = drawn
    shutil.copytree(results / "theorem2_ridge", tmp_path / "theorem2_ridge", ignore=shutil.ignore_patterns("figures"))
    due = {"theorem2_ridge": ["theorem2_ridge"]}
    drawn_as = tmp_path / "theorem2_ridge" / "figures" / "theorem2_ridge.png"
    assert drawn_as in drawing.draw_figures(tmp_path, ["theorem2_ridge"], due=due, png=True).paths
    whole = drawn_as.read_bytes()
    assert abs(imread(drawn_as).shape[1] / 220 - 5.5) < 0.01
    drawn_as.write_bytes(b"older")
    assert drawn_as in drawing.draw_figures(tmp_path, ["theorem2_ridge"], due=due).paths
    assert drawn_as.read_bytes() == whole


def of_all_kinds():
    """A page with what renderers treat each in a way of its own: mathematics, turned text, images, hatches, clips;
    with a grid, ticks on every side, and one of another look than the rest."""
    page = plot.Page("mixed", height=2.0, columns=2)
    left, right = page.panel(xlabel="T", ylabel="excess"), page.panel(xlabel="n", xscale="linear", yscale="linear")
    left.points("made up", [1, 10, 100], [1e-3, 1e-2, 1.0], x_name="T", low=[5e-4, 5e-3, 0.5], high=[2e-3, 0.02, 2.0])
    left.box([(r"$\alpha = 2 \times 10^{-3}$", "red")])
    left.axes.text(2, 0.1, r"turned, $\frac{x}{2}$", rotation=30)
    with plot.house_style():
        right.axes.imshow(np.linspace(0, 1, 12).reshape(3, 4), aspect="auto", interpolation="nearest")
        right.axes.bar([0, 1], [1, 2], hatch="//", alpha=0.5)
        right.axes.scatter([0, 1, 2], [0, 1, 5], c=["red", "green", "blue"])
        right.axes.pcolormesh(np.arange(4), np.arange(3), np.arange(6).reshape(2, 3))
        right.axes.set_title("ticks")
        right.axes.tick_params(right=True, labelright=True, labelrotation=20)
        right.axes.yaxis.get_major_ticks(4)[2].label1.set(fontsize=12, color="red")
        right.axes.grid(True)
    page.finish()
    return page.figure


@pytest.fixture
def mixed():
    return of_all_kinds()


def test_what_is_found_once_is_what_matplotlib_finds_each_time(mixed, monkeypatch):
    """Ticks, their looks, what stands around axes, and places of letters."""

    class Anew(Frame):
        _init_axis, _still = Axes._init_axis, contextlib.nullcontext

    with plot.house_style():
        ours = Drawing(mixed).svg({"Date": None})
    monkeypatch.setattr(pages_made, "Frame", Anew)
    for module in (pages_made, vector):
        monkeypatch.setattr(module, "laid_out_once", contextlib.nullcontext)
    monkeypatch.setattr(vector, "OUTLINES", TextToPath())
    anew = of_all_kinds()
    with plot.house_style():
        theirs = Drawing(anew).svg({"Date": None})
    assert ours == theirs


@pytest.mark.skipif(not fonts.NUMBERED, reason="fonts are reduced at once there")
def test_fonts_are_the_same_whatever_pages_came_before(mixed, monkeypatch):
    with plot.house_style():
        drawing = Drawing(mixed)
        with monkeypatch.context() as at_once:
            at_once.setattr(fonts, "NUMBERED", False)
            wanted = drawing.pdf({"CreationDate": None})
        monkeypatch.setattr(fonts, "_few", {})
        first = drawing.pdf({"CreationDate": None})
        other = plot.Page("other letters", height=1.0)
        other.panel(xlabel=r"$\Omega \oplus \aleph$ \N{GREEK SMALL LETTER PSI}").text(0.5, 0.5, "\N{SECTION SIGN}")
        Drawing(other.finish()).pdf({"CreationDate": None})
        later = drawing.pdf({"CreationDate": None})
    assert wanted == first == later


def test_one_pass_draws_the_svg_that_matplotlib_draws(mixed):
    with plot.house_style():
        ours, theirs = Drawing(mixed).svg({"Date": None}), io.BytesIO()
        FigureCanvasSVG(mixed).print_svg(theirs, metadata={"Date": None})
    assert ours == theirs.getvalue()


def test_one_pass_draws_the_pdf_that_matplotlib_draws(mixed):
    """Except for the places of letters, which matplotlib rounds to dots before it measures where they end."""
    with plot.house_style(), mpl.rc_context({"pdf.compression": 0}):
        ours, theirs = Drawing(mixed).pdf({"CreationDate": None}), io.BytesIO()
        FigureCanvasPdf(mixed).print_pdf(theirs, metadata={"CreationDate": None})
    pages = [re.search(rb"stream\r?\n(.*?)endstream", one, re.S).group(1) for one in (ours, theirs.getvalue())]
    kept = [[line for line in page.splitlines() if not line.endswith((b"cm", b"Td", b"re f Q"))] for page in pages]
    assert kept[0] == kept[1]
    assert len(kept[0]) > 500


def test_several_processes_draw_the_same_bytes(drawn, tmp_path):
    results, _ = drawn
    names = ["theorem1_attained_optimization", "theorem2_ridge"]
    for name in names:
        shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
    written = drawing.draw_figures(tmp_path, [*names, "absent"], jobs=2).paths
    assert tmp_path / "figures" / "overview.pdf" in written
    ours = [path.relative_to(tmp_path) for path in written if path.parent != tmp_path / "figures"]
    assert set(ours) == {path.relative_to(results) for name in names for path in (results / name / "figures").iterdir()}
    assert all((tmp_path / path).read_bytes() == (results / path).read_bytes() for path in ours)


def test_an_alpha_keeps_its_colour_and_small_differences_show():
    colours = [plot.alpha_colour(alpha) for alpha in (0.05, 0.1, 0.25, 0.5, 0.75, 1.0)]
    assert len(set(colours)) == len(colours)
    lightness = [luminance(colour) for colour in colours]
    assert lightness == sorted(lightness, reverse=True)  # told apart in print without colour
    assert all(1.05 / (value + 0.05) > 2 for value in lightness)  # and seen on white
    with pytest.raises(ValueError, match=r"alpha must lie in \(0, 2\]; got 0"):
        plot.alpha_colour(0)


def luminance(colour):
    channels = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_labels_move_apart_as_little_as_possible():
    assert apart([0.0, 10.0], 2.0) == [0.0, 10.0]
    assert apart([5.0, 5.0], 2.0) == [4.0, 6.0]
    wanted = np.random.default_rng(1).uniform(0, 20, 12)
    places = np.array(apart(list(wanted), 2.0))
    ranked = places[np.argsort(wanted)]
    assert (np.diff(ranked) > 2.0 - 1e-9).all()
    # No uniform shift of a touching group brings it nearer (the optimality condition of the least squares problem).
    groups = np.split(np.argsort(wanted), np.flatnonzero(np.diff(ranked) > 2.0 + 1e-9) + 1)
    for group in groups:
        assert abs((places - wanted)[group].mean()) < 1e-9


def test_labels_that_are_apart_stay_on_the_page():
    assert inside([3.0, 5.0], 2.0, 0.0, 9.0) == [3.0, 5.0]
    assert inside([1.0, -5.0, 8.0], 2.0, 0.0, 9.0) == [4.0, 2.0, 7.0]


def test_labels_beside_lines_are_not_below_their_axis(drawn):
    """Where they fit above it, as on all pages of a quick sweep: numbers of the x axis stand below."""
    _, pages = drawn
    found = 0
    for name, page in pages.items():
        for axes in page.figure.axes:
            for label in axes.texts:
                if label.get_position()[0] == 1.015:
                    found += 1
                    assert label.get_window_extent().y0 > axes.bbox.y0 - 0.2 * label.get_fontsize(), (name, label)
    assert found > 10
