"""Everything that is stored, on one HTML page to read, print and share.

The page needs no network and nothing beside it: figures are inline SVG, mathematics is MathML. For each experiment: the
question, the verdicts as sentences, the figures with their captions, the tables, where the numbers come from and the
command that gives them again. Nothing is computed.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import jinja2
from latex2mathml.converter import convert
from markupsafe import Markup, escape

from riskkit.experiment import study
from riskkit.identity import short
from riskkit.report import answers, statements
from riskkit.report.garbage import swept_up
from riskkit.report.tables import content
from riskkit.report.tables.references import bibliography, sources, toolkit_version
from riskkit.report.tables.study import study_headlines, study_tables, study_topics
from riskkit.report.tables.table import NUMERIC, Cell, Column, Table, plain
from riskkit.store.atomic import StoreError, read, write_text
from riskkit.store.provenance import nothing_stored

SVG = "http://www.w3.org/2000/svg"
LINK = "http://www.w3.org/1999/xlink"
DRAWN = frozenset({"svg", "g", "defs", "path", "use", "rect", "clipPath", "style", "line", "polyline", "image"})
"""SVG elements that a figure may have; no other is taken over."""

MOST = 7
"""Experiments that the page shows with their figures, unfolded."""
MOST_ROWS = 3000
"""Rows of a table, and sentences of a list, that the page shows; a browser takes no more with ease."""
ALARMS = ("VIOLATED", "REFUTED", "DISAGREES")
TONES = {
    **dict.fromkeys(("HOLDS", "TIGHT", "AGREES"), "good"),
    **dict.fromkeys(ALARMS, "bad"),
    "LOOSE": "loose",
}
GREEK = {
    "alpha": "α",
    "beta": "β",
    "lam": "λ",
    "mu": "μ",
    "rho": "ρ",
    "eta": "η",
    "theta": "θ",
    "eps": "ε",
    "Theta": "Θ",
}


class Figure(NamedTuple):
    """An SVG element, its caption, and what the caption lists (bounds, verdicts)."""

    name: str
    svg: Markup
    caption: str
    lists: dict[str, list[str]]


PLACES = frozenset({"d", "x", "y", "transform", "points"})
_ROUNDED = re.compile(r"-?\d+\.\d{3,}")
SCALE = "scale(0.015625)"
"""How matplotlib places a glyph's outline."""
_OUTLINE = re.compile(r"[MLQCZz\d\s.-]+")
_STYLE = re.compile(r"[\w\s:;#.,%-]+")
_GLYPH = re.compile(r"(STIX|DejaVu)[\w-]*-[0-9a-f]+")


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


class Drawings:
    """The drawings of a page: what they share, outlines of glyphs by name and styles, stands there once."""

    def __init__(self) -> None:
        self.glyphs: dict[str, str] = {}
        self.styles: dict[str, str] = {}
        self._count = 0

    def inline(self, path: Path, caption: str) -> Markup:
        """The drawing of an SVG file, fit to stand in a page with others: shapes alone, names of its own, sized by the
        page, places to a hundredth of a point. Raises StoreError for a file that is no SVG."""
        try:
            root = ElementTree.fromstring(read(path))
        except ElementTree.ParseError as error:
            raise StoreError(f"{path} is not readable as SVG ({error}); run riskkit figures again.") from error
        self._count += 1
        names: dict[str, str] = {}
        used = set(re.findall(r"#([\w-]+)", " ".join(v for element in root.iter() for v in element.attrib.values())))
        for element in list(root.iter()):
            element.text = element.text.strip() if element.text else None
            element.tail = None
            for child in list(element):
                if child.tag.rpartition("}")[2] not in DRAWN:
                    element.remove(child)
                elif self._shared(child):
                    names[child.attrib["id"]] = child.attrib["id"]
                    element.remove(child)
        for element in root.iter():
            name = element.attrib.pop("id", "")
            if name in used:
                names[name] = element.attrib["id"] = f"d{self._count}-{len(names)}"
        for element in root.iter():
            _merge(element)
            for key, value in list(element.attrib.items()):
                if key.startswith("on"):
                    del element.attrib[key]
                elif key in ("href", f"{{{LINK}}}href"):
                    del element.attrib[key]
                    element.attrib["href"] = f"#{names.get(value[1:], '')}" if value.startswith("#") else ""
                elif "url(#" in value:
                    element.attrib[key] = re.sub(r"url\(#([\w-]+)\)", lambda m: f"url(#{names.get(m[1], '')})", value)
                elif key in PLACES:
                    element.attrib[key] = " ".join(_ROUNDED.sub(_rounded, value).split())
                elif key == "style":
                    del element.attrib[key]
                    if _STYLE.fullmatch(value):
                        plain = value.replace(": ", ":").replace("; ", ";")
                        element.attrib["class"] = self.styles.setdefault(plain, f"s{len(self.styles)}")
        for key in ("width", "height", "version"):
            root.attrib.pop(key, None)
        root.attrib |= {"role": "img", "aria-label": caption}
        ElementTree.register_namespace("", SVG)
        return Markup(ElementTree.tostring(root, encoding="unicode"))

    def _shared(self, element: ElementTree.Element) -> bool:
        """Whether the element is a glyph's outline that the page has, from now on, under the glyph's name."""
        name, drawn = element.get("id", ""), " ".join(element.get("d", "").split())
        if not (_GLYPH.fullmatch(name) and _OUTLINE.fullmatch(drawn) and element.get("transform") == SCALE):
            return False
        return self.glyphs.setdefault(name, drawn) == drawn


def _merge(parent: ElementTree.Element) -> None:
    """Groups that follow one another, and say only the same clipping path, become one."""
    before: ElementTree.Element | None = None
    for child in list(parent):
        clipped = set(child.attrib) == {"clip-path"}
        if before is not None and clipped and (child.tag, child.attrib) == (before.tag, before.attrib):
            before.extend(list(child))
            parent.remove(child)
        else:
            before = child


class Section(NamedTuple):
    """One experiment. ``first``: whether it is shown at the top, unfolded."""

    name: str
    question: str
    answer: answers.Answer
    first: bool
    counts: list[tuple[str, int]]
    levels: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    figures: list[Figure]
    tables: list[Table]
    command: str
    provenance: list[tuple[str, str]]


def render(folder: Path) -> str:
    """The page; the same bytes for the same results. What cannot be read is named on it; StoreError if nothing can."""
    found, unreadable = content.everything(folder)
    if unreadable and not found:
        raise StoreError(f"{unreadable[0]}.")
    if not found:
        raise StoreError(nothing_stored(folder))
    everything = [verdict for result in found for verdict in result.verdicts]
    alarms = [(result.name, v) for result in found for v in result.verdicts if v["outcome"] in ALARMS]
    template = importlib.resources.files("riskkit.report").joinpath("report.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    drawings = Drawings()
    order = headlines([result.name for result in found])
    shown = {result.name: result for result in found}
    sections = [section(folder / name, shown[name], drawings, first=place < MOST) for place, name in enumerate(order)]
    overview = figures(folder, drawings)
    environment.filters |= {"prose": prose, "mathematics": mathematics, "cell": cell, "rival": content.rival}
    environment.filters |= {
        "latex": content.sentence,
        "about": content.about,
        "place": place,
        "told": told,
        "tone": lambda outcome: TONES.get(outcome, "open"),
    }
    stated = statements.standings({result.name: result.verdicts for result in found})
    return environment.from_string(template).render(
        stated=statements.table(stated) if stated else None,
        standing=statements.tally(stated),
        sections=sections,
        overview=overview,
        glyphs=Markup(
            "".join(f'<path id="{name}" d="{d}" transform="{SCALE}"/>' for name, d in drawings.glyphs.items())
        ),
        styles=Markup("".join(f".{name}{{{style}}}" for style, name in drawings.styles.items())),
        asked=study_headlines(found),
        pairs=answers.pairs(found),
        verdicts=[(result.name, verdict) for result in found for verdict in result.verdicts],
        summary=[answers.table(found), content.problems(found)],
        topics=study_topics(found),
        extra=study_tables(shown),
        counts=Counter(verdict["outcome"] for verdict in everything).most_common(),
        total=len(everything),
        unreadable=unreadable,
        alarms=alarms,
        numeric=(*NUMERIC, "interval"),
        most=MOST_ROWS,
        references=bibliography(result.record for result in found),
        sources=[source["text"] for source in sources(result.record for result in found).values()],
        version=toolkit_version(),
    )


def place(verdict: dict[str, Any]) -> str:
    """Along which coordinate, and what is held."""
    held = content.held(verdict["where"])
    return f"along {verdict['axis']}{f', {held}' if held else ''}" if verdict["axis"] else held or "all settings"


def told(verdict: dict[str, Any]) -> str:
    """The number that a verdict rests on."""
    if verdict["axis"] and verdict["slope"] is not None:
        claim = "" if verdict["claim_slope"] is None else f", claimed {short(verdict['claim_slope'])}"
        return f"exponent {short(verdict['slope'])}{claim}"
    return "" if verdict["ratio"] is None else f"ratio {short(verdict['ratio'])}"


def headlines(names: list[str]) -> list[str]:
    """The experiments in the order of the page: those that ``figures/__init__.py`` of the study lists first."""
    wanted: list[str] = []
    if study.has("figures"):
        wanted = list(getattr(study.module("figures"), "HEADLINES", ()))
    return [*(name for name in wanted if name in names), *(name for name in names if name not in wanted)]


def section(folder: Path, result: content.Results, drawings: Drawings, *, first: bool) -> Section:
    return Section(
        name=result.name,
        question=result.question,
        answer=answers.answer(result),
        first=first,
        counts=Counter(verdict["outcome"] for verdict in result.verdicts).most_common(),
        levels=[verdict for verdict in result.verdicts if not verdict["axis"]],
        lines=[verdict for verdict in result.verdicts if verdict["axis"]],
        figures=figures(folder, drawings),
        tables=content.of(result),
        command=command(result.record["request"]),
        provenance=provenance(result.record),
    )


def command(request: dict[str, Any]) -> str:
    """What a person types to compute the experiment again."""
    if "size" not in request:
        return f"riskkit.run(...)  # {request['experiment']}, in Python"
    words = ["python -m riskkit.sweep", str(request["experiment"])]
    if request["size"] != "laptop":
        words.append(f"--{request['size']}")
    if request["problem"]:
        words += ["--problem", str(request["problem"])]
    for axis, values in request["axes"]:
        words += [f"--{axis}", *(f"{v:g}" if float(f"{v:g}") == v else repr(v) for v in values)]
    for flag in ("replicates", "seed"):
        if request[flag] is not None:
            words += [f"--{flag}", str(request[flag])]
    if request["device"] != "cpu":
        words += ["--device", str(request["device"])]
    return " ".join(words)


def provenance(record: dict[str, Any]) -> list[tuple[str, str]]:
    request, runs = record["request"], record["runs"]
    versions = {name: number for name, number in record["versions"].items() if number is not None}
    rows = [
        ("problem", str(record["problem"])),
        ("step", str(record["step"])),
        ("replicates", f"{record['replicates']}, seed {record['seed']}, {request['dtype']} on {request['device']}"),
        ("computed", f"{len(runs)} runs, read at {sum(map(len, runs.values()))} cells"),
        ("with", ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))),
        ("on", f"Python {record['python']}, {record['machine']}"),
    ]
    return rows + [("session", _session(session)) for session in record["sessions"] if session["tasks_computed"]]


def _session(session: dict[str, Any]) -> str:
    # A sweep that stopped before its verdicts did not come to name its engines.
    engines, revision = ", ".join(session.get("engine", ["unnamed"])), session["revision"]["riskkit"]
    at = f" at revision {revision[:10]}" if revision else ""
    return (
        f"{session['started'][:16].replace('T', ' ')}, {session['seconds']:.0f} s, {session['cores']} cores of "
        f"{session['processor']}, {engines} engine{at}: {session['state']}"
    )


def figures(folder: Path, drawings: Drawings) -> list[Figure]:
    """The figures drawn for an experiment (or, in the results folder itself, for all)."""
    found = []
    for path in sorted((folder / "figures").glob("*.svg")):
        if not (path.is_file() and path.with_suffix(".txt").is_file()):
            continue  # a figure that could not be drawn
        paragraphs = read(path.with_suffix(".txt")).decode().strip().split("\n\n")
        lists = {}
        for paragraph in paragraphs[1:]:
            heading, *entries = paragraph.splitlines()
            lists[heading] = [entry.removeprefix("- ") for entry in entries]
        caption = " ".join(paragraphs[0].split())
        found.append(Figure(path.stem, drawings.inline(path, caption), caption, lists))
    return found


@functools.lru_cache(maxsize=2**14)
def prose(text: str) -> str:
    """Plain text with Greek letters, true minus signs and relations, as a page can show them."""
    text = re.sub(rf"(?<![\w.])({'|'.join(GREEK)})(?![A-Za-z])", lambda found: GREEK[found[1]], text)
    text = re.sub(r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}", text)
    return text.replace("<=", "≤").replace(">=", "≥").replace("+-", "±").replace("theta*", "θ*")


@functools.lru_cache(maxsize=2**14)
def mathematics(text: str) -> Markup:
    """Text whose parts between dollar signs are LaTeX, as HTML and MathML."""
    parts = text.split("$")
    made = [Markup(convert(part)) if place % 2 else escape(prose(part)) for place, part in enumerate(parts)]
    return Markup("").join(made)


def cell(value: Cell, column: Column) -> Markup:
    if isinstance(value, str) and column.align == "code":
        return Markup("<code>{}</code>").format(value)
    return mathematics(plain(value, column))


def write_report(folder: Path, path: Path | None = None) -> Path:
    """Writes the page (default: ``report.html`` in the results folder) and returns its path."""
    path = path or folder / "report.html"
    with swept_up():
        write_text(path, render(folder), durable=False)
    return path
