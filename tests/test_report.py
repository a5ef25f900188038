"""The report: one page that needs nothing else, with all that is stored and nothing that is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from conftest import EXPERIMENTS

from riskkit.cli import main as cli
from riskkit.report import html, statements
from riskkit.report.screen import MOST_LINES, screen
from riskkit.report.tables import content
from riskkit.store.shards import StoreError

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Checks that elements nest, and collects ids, links, and the text."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.links, self.text, self.tags = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src", "xlink:href", "data", "action")]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(results):
    text = (results / "report.html").read_text()
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    reader.words = " ".join(" ".join(reader.text).split())
    return text, reader


def test_the_page_needs_nothing_else(page):
    """No address but those that name a vocabulary, no link but within the page."""
    text, reader = page
    assert all(link.startswith("#") for link in reader.links)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    vocabularies = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/1998/Math/MathML"}
    assert addresses <= vocabularies
    assert not {"link", "img", "iframe", "object", "image"} & set(reader.tags)
    assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_every_name_is_there_once_and_every_link_leads_somewhere(page):
    _, reader = page
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.links} <= set(reader.ids)


def test_it_says_everything(results, page):
    text, reader = page
    for name in EXPERIMENTS:
        folder = results / name
        stored = json.loads((folder / "verdict.json").read_text())
        assert html.prose(stored["question"]) in reader.words
        for verdict in stored["verdicts"]:
            assert html.prose(verdict["finding"])[1:] in reader.words
        for figure in folder.glob("figures/*.svg"):
            assert f'<figure id="figure-{figure.stem}">' in text
        assert f"python -m riskkit.sweep {name} --quick --replicates 32" in reader.words
        assert repr_of_problem(folder) in reader.words
    assert reader.tags.count("svg") == 1 + len(list(results.rglob("figures/*.svg")))  # one holds the glyphs
    assert "@inproceedings{zhou2021lookahead," in text
    assert reader.tags.count("math") > 10


def test_of_very_many_rows_the_page_has_the_first_and_says_where_all_are(results, monkeypatch):
    monkeypatch.setattr(html, "MOST_ROWS", 2)
    text = html.render(results)
    assert len(text) < len((results / "report.html").read_text())
    assert re.search(r"The first 2 of \d+ rows; tables/rates\.md has all\.", text)
    assert re.search(r"The first 2 of \d+ verdicts; verdict\.json has all\.", text)
    assert max(len(re.findall("<tr", body)) for body in re.findall(r"<tbody>.*?</tbody>", text, re.S)) == 2


def repr_of_problem(folder):
    return json.loads((folder / "run.json").read_text())["problem"]


def test_written_again_the_bytes_are_the_same(results, tmp_path, capsys):
    assert cli.main(["report", str(results), "--out", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_bytes() == (results / "report.html").read_bytes()
    assert capsys.readouterr().out == f"report {tmp_path / 'page.html'}\n"


def test_text_and_drawings_that_are_hostile_are_made_harmless(results, tmp_path):
    name = "theorem1_attained_optimization"
    shutil.copytree(results / name, tmp_path / name)
    verdict = json.loads((tmp_path / name / "verdict.json").read_text())
    verdict["question"] = "<script>alert(1)</script>?"
    (tmp_path / name / "verdict.json").write_text(json.dumps(verdict))
    drawing = tmp_path / name / "figures" / "theorem1_optimization.svg"
    hostile = '<script>alert(2)</script><a href="https://example.org"><path/></a><g onclick="alert(3)"/></svg>'
    drawing.write_text(drawing.read_text().replace("</svg>", hostile))
    page = html.render(tmp_path)
    assert "<script>alert" not in page
    assert "alert(2)" not in page
    assert "alert(3)" not in page
    assert "example.org" not in page
    drawing.write_text("<svg")
    with pytest.raises(StoreError, match="not readable as SVG"):
        html.render(tmp_path)


def test_what_speaks_against_a_bound_comes_first(results, tmp_path):
    name = "theorem2_ridge"
    shutil.copytree(results / name, tmp_path / name, ignore=shutil.ignore_patterns("figures"))
    assert "No bound is violated" in html.render(tmp_path)
    path = tmp_path / name / "verdict.json"
    verdict = json.loads(path.read_text())
    verdict["verdicts"][0]["outcome"] = "VIOLATED"
    path.write_text(json.dumps(verdict))
    page = html.render(tmp_path)
    assert "What speaks against a bound" in page
    assert "No figure is drawn" in page


def test_an_empty_folder_is_one_line(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert "nothing stored" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        ({}, "python -m riskkit.sweep x"),
        ({"size": "paper", "seed": 3}, "python -m riskkit.sweep x --paper --seed 3"),
        ({"axes": [["k", [1, 4]]], "problem": "Ridge"}, "python -m riskkit.sweep x --problem Ridge --k 1 4"),
        ({"replicates": 64, "device": "cuda"}, "python -m riskkit.sweep x --replicates 64 --device cuda"),
    ],
)
def test_the_command_that_gives_it_again(request_, wanted):
    asked = {"experiment": "x", "size": "laptop", "problem": None, "axes": [], "replicates": None, "seed": None}
    assert html.command({**asked, "device": "cpu", **request_}) == wanted


@pytest.mark.parametrize(
    ("plain", "wanted"),
    [
        ("alpha = 0.5, lam^2 n >= 4", "α = 0.5, λ^2 n ≥ 4"),
        ("slope -0.5, pre-asymptotic, 1e-5", "slope −0.5, pre-asymptotic, 1e-5"),
        ("[-0.5, +0.2], kT-1, lambda", "[−0.5, +0.2], kT-1, lambda"),
    ],
)
def test_prose(plain, wanted):
    assert html.prose(plain) == wanted


PROBE = """
<script>
const found = {wide: document.documentElement.scrollWidth - innerWidth, rows: rows.length};
const field = document.getElementById("filter");
field.value = "theorem2_ridge excess";
field.dispatchEvent(new Event("input"));
found.shown = rows.filter(([row]) => !row.hidden).length;
found.open = document.getElementById("everything").open;
const uses = [...document.querySelectorAll("figure svg use")].slice(0, 400);
found.drawn = uses.filter(one => one.getBBox().width > 0).length;
found.folded = document.getElementById("theorem3_alpha").closest("details.other").open;
document.title = JSON.stringify(found);
</script></body>"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1200])
def test_in_a_browser(results, tmp_path, width):
    """Nothing is wider than the window, a link unfolds what it leads to, the filter keeps matching rows."""
    page = tmp_path / "page.html"
    page.write_text((results / "report.html").read_text().replace("</body>", PROBE))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += [f"--window-size={width},900", "--dump-dom", f"{page.as_uri()}#theorem3_alpha"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout)
    if title is None:
        pytest.skip(f"Chromium does not run here: {done.stderr[-200:]}")
    found = json.loads(title[1])
    wanted = [
        v
        for v in json.loads((results / "theorem2_ridge" / "verdict.json").read_text())["verdicts"]
        if v["quantity"] == "excess"
    ]
    assert found["wide"] <= 0
    assert found["rows"] == sum(len(json.loads(p.read_text())["verdicts"]) for p in results.glob("*/verdict.json"))
    assert 0 < len(wanted) <= found["shown"] < found["rows"]
    assert found["open"]
    assert found["folded"]
    assert found["drawn"] > 300


def test_the_answers_of_the_study_stand_first(page):
    text, reader = page
    assert "Does Lookahead generalize better than SGD here?" in reader.words
    assert text.index('id="answers"') < text.index('<h2 id="')
    places = [text.index(f'<h2 id="{name}">') for name in html.headlines(EXPERIMENTS)]
    assert places == sorted(places)
    assert text.index('id="others"') > places[html.MOST - 1]


def test_the_last_screen_of_all_experiments_is_one_screen_and_cuts_no_text(results):
    stored, _ = content.everything(results)
    lines = screen(stored, results, 120).splitlines()
    assert len(stored) > MOST_LINES
    assert len(lines) <= 39  # and one more with what was computed
    assert not any("..." in line or "\N{HORIZONTAL ELLIPSIS}" in line for line in lines)
    text = " ".join(" ".join(lines).split())
    for term in (
        "Excess risk:",
        "Lookahead: T rounds",
        "SLRLA:",
        "n:",
        "PL:",
        "The paper:",
        "Setting:",
    ):
        assert term in text.partition("Terms.")[2]
    assert "tables/answers.md" in text


def test_hostile_styles_do_not_leave_their_drawing(tmp_path):
    path = tmp_path / "x.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><path style="fill:red}body{color:red" d="M 0 0"/></svg>')
    drawings = html.Drawings()
    assert "body" not in drawings.inline(path, "x")
    assert drawings.styles == {}


def test_the_sources_statements_stand_with_their_denominators(drawn, page):
    results, _ = drawn
    stored = {p.parent.name: json.loads(p.read_text())["verdicts"] for p in results.glob("*/verdict.json")}
    found = statements.standings(stored)
    assert statements.tally(found) in page[1].words
    for one in found:
        assert html.prose(one.statement.says) in page[1].words
