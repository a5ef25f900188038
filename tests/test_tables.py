"""Tables: what they hold is what verdict.json and run.json hold, in LaTeX that compiles and Markdown that parses."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import re
import shutil
import subprocess

import pytest
from conftest import EXPERIMENTS

from riskkit import SGD, Experiment, Grid, InverseTime, Lookahead, Size, run
from riskkit.cli import main as cli
from riskkit.problems import MeanEstimation
from riskkit.report.tables import content, latex, markdown
from riskkit.report.tables.table import Column, Table
from riskkit.store.shards import StoreError
from riskkit.theory.zhou2021 import strongly_convex

SMALL = Table(
    "small",
    "Two rows.",
    (Column("where"), Column("slope", "fixed"), Column("ends", "interval"), Column("ratio", "significant")),
    (
        ("alpha = 0.5, k = 4", -0.49951, (-0.5031, -0.4960), 1.2e-5),
        ("50% & more", math.inf, None, 10.0),
    ),
    frozenset({1}),
)


def test_a_table_as_latex():
    assert (
        latex.tabular(SMALL)
        == r"""% \caption{Two rows.}
% Needs \usepackage{booktabs,siunitx,amsmath,amssymb,array,longtable}.
{\small\setlength{\tabcolsep}{2.2pt}
\begin{tabular}{@{}l S[table-format=-1.3] r S[table-format=2.1e-1]@{}}
\toprule
{where} & {slope} & {ends} & {ratio} \\
\midrule
$\alpha = 0.5$, $k = 4$ & -0.500 & $[-0.503,\,-0.496]$ & 1.2e-05 \\
\addlinespace
50\% \& more & {$\infty$} & -- & 10 \\
\bottomrule
\end{tabular}}
"""
    )


def test_a_table_as_markdown():
    assert (
        markdown.pipe_table(SMALL)
        == """Two rows.

| where | slope | ends | ratio |
| --- | ---: | ---: | ---: |
| alpha = 0.5, k = 4 | -0.500 | [-0.503, -0.496] | 1.2e-05 |
| 50% & more | inf | -- | 10 |
"""
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("slope +0.014 (90% interval [-0.008, +0.037])", r"slope $+0.014$ (90\% interval [$-0.008$, $+0.037$])"),
        ("n = 50, k = 5, alpha = 0.25", r"$n = 50$, $k = 5$, $\alpha = 0.25$"),
        ("p = 2.5e-05, 0.00012 after", r"$p = 2.5\times 10^{-5}$, 0.00012 after"),
        ("the largest |z| over 60 cells", r"the largest $\lvert z\rvert$ over 60 cells"),
        ("for alpha < 1/2 and a margin of +-0.05", r"for $\alpha < 1/2$ and a margin of $\pm 0.05$"),
        ("not L-smooth: F_S, f_x & 2e3", r"not $L$-smooth: $F_S$, f\_x \& $2\times 10^{3}$"),
        ("theorem2_ridge, a pre-asymptotic ratio 2 / 3", r"theorem2\_ridge, a pre-asymptotic ratio 2 / 3"),
    ],
)
def test_text_as_latex(text, wanted):
    assert latex.text(text) == wanted


def read_markdown(text):
    """Rows of a Markdown table as lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert len({len(row) for row in rows}) == 1
    return rows[0], rows[2:]


def read_latex(text):
    """Rows of a tabular as lists of cells; braces, which make siunitx read text, taken off."""
    assert r"\begin{tabular}" in text or r"\begin{longtable}" in text
    body = text.split("\\midrule\n")[-1].split(r"\bottomrule")[0]
    body = body.replace("\\addlinespace\n", "").replace("\\endhead\n", "")
    rows = [re.split(r"(?<!\\)&", line.removesuffix(r" \\")) for line in body.strip().splitlines()]
    return [[cell.strip() for cell in row] for row in rows]


def test_every_form_has_the_same_rows(results):
    found = sorted(results.glob("*/tables/*.md")) + sorted(results.glob("tables/*.md"))
    assert len(found) >= 5 * 5 + 4
    for path in found:
        heads, rows = read_markdown(path.read_text())
        typeset = read_latex(path.with_suffix(".tex").read_text())
        assert len(rows) == len(typeset) > 0
        assert {len(row) for row in typeset} == {len(heads)}
        for row, other in zip(rows, typeset, strict=True):
            for cell, twin in zip(row, other, strict=True):
                if re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", cell):
                    assert cell == twin.strip("{}")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_rates_are_those_of_the_verdicts(results, name):
    verdicts = json.loads((results / name / "verdict.json").read_text())["verdicts"]
    lines = [verdict for verdict in verdicts if verdict["axis"]]
    if not lines:
        assert not (results / name / "tables" / "rates.md").exists()
        return
    _, rows = read_markdown((results / name / "tables" / "rates.md").read_text())
    assert len(rows) == len(lines)
    groups = {}  # the lines of one bound, algorithm and output stand together, in the order in which these first come
    for verdict in lines:
        groups.setdefault((verdict["bound"], verdict["algorithm"], verdict["output"]), []).append(verdict)
    heads = [row[0] for row in rows if row[0]]
    assert len(heads) == len(set(heads)) == len(groups)
    for row, verdict in zip(rows, itertools.chain(*groups.values()), strict=True):
        assert row[1] == verdict["axis"]
        assert row[-1] == verdict["outcome"]
        if verdict["slope"] is None:
            assert row[3:7] == ["--"] * 4
            continue
        assert abs(float(row[3]) - verdict["slope"]) <= 5.01e-4
        if verdict["slope_low"] is None:  # an exact slope has no interval
            assert row[4] == "--"
        else:
            ends = [float(end) for end in row[4].strip("[]").split(",")]
            for end, key in zip(ends, ("slope_low", "slope_high"), strict=True):
                assert abs(end - verdict[key]) <= 5.01e-4
        assert abs(float(row[5]) - verdict["claim_slope"]) <= 5.01e-4


def test_running_exponents_are_slopes_between_neighbours(results):
    """Of the means in the table, for the quantities that have no control variate the same to rounding."""
    from riskkit import load

    name = "theorem3_alpha"  # which is simulated
    table = load(results / name)
    running = json.loads((results / name / "verdict.json").read_text())["running"]
    lines = [line for line in running if (line["axis"], line["quantity"]) == ("T", "optimization")]
    assert len(lines) == 2
    assert {len(line["spans"]) for line in lines} == {5}
    for line in lines:
        keep = (table["algorithm"] == "Lookahead") & (table["quantity"] == "optimization") & (table["output"] == "last")
        for key, value in line["where"].items():
            keep &= table[key] == value
        cells = table[keep].set_index("T")
        for (first, second), slope, low, high, claim in zip(
            *(line[key] for key in ("spans", "slope", "low", "high", "claim_slope")), strict=True
        ):
            for column, value in (("mean", slope), ("claim", claim)):
                ratio = cells.loc[second, column] / cells.loc[first, column]
                assert value == pytest.approx(math.log(ratio) / math.log(second / first), rel=1e-9)
            assert low < slope < high


def test_constants_are_the_problems(results):
    from problems import Ridge

    _, rows = read_markdown((results / "theorem2_ridge" / "tables" / "problem.md").read_text())
    values = {row[0]: row[1] for row in rows}
    constants = Ridge(dim=4, lam=0.5, signal=2.0, radius=1.9).constants
    assert values["L"] == f"{constants.L:.4g}"
    assert values["lam"] == f"{constants.lam:.4g}"
    assert values["regime"] == "strongly convex"


def test_a_sentence_for_each_verdict_cites_the_paper(results):
    verdicts = json.loads((results / "theorem2_ridge" / "verdict.json").read_text())["verdicts"]
    text = (results / "theorem2_ridge" / "tables" / "sentences.tex").read_text()
    assert text.count("\\item ") == len(verdicts)
    # 32 replicates: a bound HOLDS only if the range of the loss leaves no room.
    theorem = r"Theorem~2~\(paper:~Theorem~1\) of \\cite\{zhou2021lookahead\}"
    said = theorem + r": \\textsc\{(holds|inconclusive)\}. Measured / bound is at most"
    assert re.search(said, text)
    bibliography = (results / "tables" / "references.bib").read_text()
    assert set(re.findall(r"@\w+\{(\w+),", bibliography)) == {
        "zhou2021lookahead",
        "lacostejulien2012simpler",
        "riskkit",
    }


def test_the_verdict_table_counts_every_verdict(results):
    _, rows = read_markdown((results / "tables" / "verdicts.md").read_text())
    counted = sum(int(number) for row in rows for number in re.findall(r"\d+", row[4]))
    verdicts = [
        v for name in EXPERIMENTS for v in json.loads((results / name / "verdict.json").read_text())["verdicts"]
    ]
    assert counted == sum(bool(verdict["axis"]) for verdict in verdicts)


def test_written_again_the_bytes_are_the_same(results):
    before = {path: path.read_bytes() for path in results.rglob("tables/*")}
    assert cli.main(["tables", "theorem2", "--results", str(results)]) == 0
    assert {path: path.read_bytes() for path in results.rglob("tables/*")} == before


def test_results_that_are_not_there_are_one_line(tmp_path, capsys):
    assert cli.main(["tables", "--results", str(tmp_path)]) == 2
    assert "nothing stored" in capsys.readouterr().err
    (tmp_path / "verdict.json").write_text("{}")
    with pytest.raises(StoreError, match="must hold verdict"):
        content.results(tmp_path)


MANY = Table("many", "Fifty rows.", SMALL.columns, SMALL.rows * 25)
WIDE = Table(
    "wide",
    "Long words in every column.",
    tuple(Column(f"a heading of several words {i}") for i in range(8)),
    (tuple("words that go on and on, of theorem2_exponents" for _ in range(8)),) * 3,
)


def test_many_rows_go_over_pages_with_their_caption():
    text = latex.tabular(MANY)
    assert r"\begin{longtable}" in text
    assert r"\caption{Fifty rows.} \\" in text.split("\\toprule")[0]
    assert len(read_latex(text)) == 50
    assert latex.goes_over_pages(MANY)
    assert not latex.goes_over_pages(SMALL)


def test_text_gives_way_before_numbers():
    """Columns of text are broken into lines where they are not all as wide as they would like."""
    text = latex.tabular(WIDE)
    widths = [float(width) for width in re.findall(r"p\{([\d.]+)pt\}", text)]
    assert len(widths) == 8
    assert sum(widths) + 7 * 2 * latex.GAP <= latex.WIDTH
    assert r"theorem2\_\allowbreak{}exponents" in text


def test_no_table_is_estimated_wider_than_the_text(results):
    """By character widths, where no LaTeX is installed to measure them."""
    for path in results.rglob("tables/*.tex"):
        for spec in re.findall(r"\\begin\{(?:tabular|longtable)\}\{@\{\}(.*)@\{\}\}", path.read_text()):
            fixed = sum(float(width) for width in re.findall(r"p\{([\d.]+)pt\}", spec))
            assert fixed <= latex.WIDTH


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_every_table_and_section_compiles_within_the_text(results, tmp_path):
    """Nothing is wider than a line of text, 5.5 in, nor higher than a page."""
    packages = [*latex.PACKAGES, "graphicx"]
    found = subprocess.run(["kpsewhich", *(f"{name}.sty" for name in packages)], capture_output=True, check=False)
    if len(found.stdout.split()) < len(packages):
        pytest.skip("booktabs or siunitx is not installed")
    lines = [
        rf"\documentclass{{article}}\usepackage{{{','.join(packages)}}}\setlength{{\textwidth}}{{{latex.WIDTH}pt}}",
        rf"\newcommand{{\riskkit}}{{{results}}}\begin{{document}}",
    ]
    parts = [*results.rglob("tables/*.tex"), *results.glob("*/section.tex")]
    for path in sorted(parts):
        end = r"\clearpage" if path.name == "section.tex" else r"\par"
        lines.append(rf"\typeout{{PART {path.relative_to(results)}}}\noindent\input{{{path}}}{end}")
    (tmp_path / "all.tex").write_text("\n".join([*lines, r"\end{document}"]))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"]
    for _ in range(2):  # a longtable knows its widths at the second
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    part, troubles = "", []
    for line in (tmp_path / "all.log").read_text(encoding="latin-1").splitlines():
        part = line if line.startswith("PART ") else part
        wide = re.match(r"Overfull .hbox \(([\d.]+)pt", line)
        if (wide and float(wide[1]) > 2) or "Float too large" in line:
            troubles.append(f"{part}: {line}")
    assert troubles == []
    assert len(parts) > 100


SPREAD = Table(
    "spread",
    "From small to large numbers, and long names without a space.",
    (Column("problem"), Column("M", "significant"), Column("most", "fixed"), Column("95% interval", "interval")),
    (
        ("SinePerturbedQuadratic", 0.117, 1.353, (1.340, 1.367)),
        ("PowerLawLeastSquares", 1.72e6, 2.9856e10, (8.65e9, 1.03e11)),
    ),
)


def test_large_numbers_are_powers_of_ten_and_long_names_may_break():
    """A column with 10^10 below 1.353 has no decimal point to stand on, and no interval has 25 digits."""
    written = latex.tabular(SPREAD)
    assert "S[" not in written
    assert r"$2.99\times 10^{10}$" in written
    assert r"$[8.65\times 10^{9},\,1.03\times 10^{11}]$" in written
    assert r"Sine\allowbreak{}Perturbed\allowbreak{}Quadratic" in written
    assert markdown.pipe_table(SPREAD).count("2.99e+10") == 1


def test_a_figure_of_a_section_leaves_room_for_its_caption(results):
    """A page of figures may be higher than wide: its width alone would let it grow beyond the text."""
    found = [line for path in results.glob("*/section.tex") for line in path.read_text().splitlines()]
    figures = [line for line in found if r"\includegraphics" in line]
    assert figures
    assert all(r"height=.75\textheight,keepaspectratio" in line for line in figures)


HOSTILE = r"50% of_x #1 & y {z} ^~ \a <b> |c|"


def hostile(**named) -> Experiment:
    """An experiment whose names LaTeX and mathtext would read as commands."""
    asked = {"title": HOSTILE, "question": f"Is {HOSTILE} right?", "algorithm": HOSTILE, "bound": HOSTILE} | named
    step = InverseTime(lam=1.0, offset=2)
    return Experiment(
        name="own_x_",
        title=asked["title"],
        question=asked["question"],
        problem=Odd_Name(dim=2, lam=1.0),
        algorithms={
            asked["algorithm"]: lambda p: Lookahead(p.T, p.k, p.alpha, step),
            "SGD 1": lambda p: SGD(p.T, step),
        },
        controls=("SGD 1",),
        bounds=(dataclasses.replace(strongly_convex.OPTIMIZATION, title=asked["bound"]),),
        sizes={"laptop": Size(Grid("T", n=20, k=2, alpha=0.5, T=(4, 8, 16, 32)), replicates=32)},
    )


class Odd_Name(MeanEstimation):  # noqa: N801
    """A class as a user may name it."""

    name = HOSTILE


@pytest.mark.parametrize("part", ["title", "question", "algorithm", "bound"])
def test_a_dollar_in_a_name_is_refused_since_it_would_begin_mathematics(part):
    with pytest.raises(ValueError, match=r"must have no \$, which would begin mathematics in figures; got") as error:
        hostile(**{part: "costs $5?"})
    assert "\n" not in str(error.value)


def test_names_that_latex_reads_as_commands_stand_in_tables_section_and_figure_as_they_are(tmp_path):
    run(hostile()).save(tmp_path)
    (page,) = tmp_path.rglob("*.svg")
    assert page.with_suffix(".txt").read_text().count("50% of_x #1 & y") >= 1
    sections = [*tmp_path.rglob("section.tex")]
    parts = [*tmp_path.rglob("tables/*.tex"), *sections]
    assert len(parts) > 8
    assert all(r"50\% of\_" in one.read_text() for one in sections)
    if (compiler := shutil.which("pdflatex")) and shutil.which("kpsewhich"):
        lines = [rf"\noindent\input{{{path}}}\clearpage" for path in parts]
        head = rf"\documentclass{{article}}\usepackage{{{','.join([*latex.PACKAGES, 'graphicx'])}}}"
        body = [rf"\newcommand{{\riskkit}}{{{tmp_path}}}\begin{{document}}", *lines, r"\end{document}"]
        (tmp_path / "all.tex").write_text("\n".join([head, *body]))
        command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "all.tex"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="latin-1", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
