"""``python docs/refresh.py [results]``: what README.md and the pages of findings show, from what is stored.

Fills in the numbers that carry the sentences of the pages (``carried``), and fails before writing anything if one
has left its range; writes the output of the quickstart, and the sentence of the verdict that a comment names:
``<!-- verdict theorem2_ridge | theorem2.optimization.last | T alpha=0.5 -->`` (no axis: the level). docs/carried.json
keeps what was filled in. Copies the figures that the pages show into ``docs/figures/`` (with 64 colours), and refreshes
docs/printed.md (``refresh_printed``). The results are those of ``python -m riskkit.sweep``, and into the same folder of
``python -m riskkit.sweep table3_tuned``. ``--paper`` fills in docs/paper_size.md alone (``refresh_paper``).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import refresh_paper  # noqa: E402
import refresh_printed  # noqa: E402
from carried import Carried, UntrueError, carried, filled  # noqa: E402

from riskkit.cli.common import Parser, a_path  # noqa: E402
from riskkit.report.figures import drawing  # noqa: E402

PAGES = (ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("findings", "field", "printed")))


def quickstart() -> tuple[str, str]:
    """README's program, and what it prints when it runs."""
    source = re.search(r"```python\n(.*?)```\n\n```text\n", PAGES[0].read_text(encoding="utf-8"), re.S).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "README.md", "exec"), {})
    return source, printed.getvalue()


def shown() -> set[str]:
    """The figures that the pages show, by name."""
    return {name for page in PAGES for name in re.findall(r"figures/(\w+)\.png", page.read_text(encoding="utf-8"))}


def sentence(results: Path, experiment: str, bound: str, line: str) -> str:
    """The sentence of the one verdict that is meant; ValueError if it is none or several."""
    axis, *held = line.split() or [""]
    where = {name: float(value) for name, value in (entry.split("=") for entry in held)}
    verdicts = json.loads((results / experiment / "verdict.json").read_text(encoding="utf-8"))["verdicts"]
    found = [
        verdict["sentence"]
        for verdict in verdicts
        if (verdict["bound"], verdict["axis"] or "") == (bound, axis) and where.items() <= verdict["where"].items()
    ]
    if len(found) != 1:
        raise ValueError(f"{experiment} | {bound} | {line}: expected one verdict, found {len(found)}.")
    return found[0][0].upper() + found[0][1:]


def copied(results: Path, figures: set[str]) -> None:
    """Draws figures as .png and copies them into ``docs/figures/``."""
    modules = drawing.figure_modules()
    due: dict[str | None, set[str]] = {}
    for name in figures:
        due.setdefault(modules[name].EXPERIMENT, set()).add(name)
    owners = sorted(path.parent.name for path in results.glob("*/verdict.json")) if None in due else list(due)
    if failures := drawing.draw_figures(results, owners, due=due, png=True).failures:
        raise ValueError(f"{'; '.join(failures)}.")
    for name in sorted(figures):
        (source,) = [*results.glob(f"*/figures/{name}.png"), *results.glob(f"figures/{name}.png")]
        image = Image.open(source).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        image.save(ROOT / "docs" / "figures" / f"{name}.png", optimize=True)


def main(results: Path) -> None:
    found: dict[str, str] = {}
    untrue: list[str] = []

    def fill(name: str) -> Carried:
        try:
            value = carried(results, name)
        except UntrueError as error:
            untrue.append(str(error))
            return Carried("", "")
        found[re.sub(r"\s+", " ", name)] = value.text
        return value

    pages = {}
    for page in PAGES:
        text = filled(page.read_text(encoding="utf-8"), fill)
        pages[page] = re.sub(
            r"(<!-- verdict (\S+) \| (.+?) \|(.*?) -->\n)(?:> .*\n)*",
            lambda m: f"{m[1]}> {sentence(results, *(part.strip() for part in m.groups()[1:4]))}\n",
            text,
        )
    if untrue:
        raise UntrueError("\n".join(untrue))
    _, printed = quickstart()
    pages[PAGES[0]] = re.sub(
        r"(```\n\n```text\n).*?(```)", lambda m: m[1] + printed + m[2], pages[PAGES[0]], count=1, flags=re.S
    )
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
    (ROOT / "docs" / "carried.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    copied(results, shown())
    refresh_printed.main(results)


if __name__ == "__main__":
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", type=a_path, help="default: results, or results/paper with --paper")
    parser.add_argument("--paper", action="store_true", help="docs/paper_size.md alone, from the paper size")
    given = parser.parse_args()
    chosen = given.results or ROOT / "results" / ("paper" if given.paper else "")
    if not chosen.is_dir():
        parser.error(f"{chosen} must be a results folder; it is none.")
    try:
        (refresh_paper.main if given.paper else main)(chosen)
    except UntrueError as error:
        sys.exit(str(error))
