"""``python docs/refresh.py [results]``: what README.md and docs/findings.md show, from what is stored.

Copies the figures that the two pages show into ``docs/figures/`` (with 64 colours); writes into README.md the table of
answers and the output of the quickstart, and into docs/findings.md the sentence of the verdict that a comment names:
``<!-- verdict theorem2_ridge | theorem2.optimization.last | T alpha=0.5 -->`` (no axis: the level). Then refreshes
docs/printed.md (``refresh_printed``). The results are those of ``python -m riskkit.sweep``.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "findings.md")


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
    """Copies figures into ``docs/figures/``."""
    for name in sorted(figures):
        (source,) = [*results.glob(f"*/figures/{name}.png"), *results.glob(f"figures/{name}.png")]
        image = Image.open(source).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        image.save(ROOT / "docs" / "figures" / f"{name}.png", optimize=True)


def main(results: Path) -> None:
    copied(results, shown())
    readme = PAGES[0].read_text(encoding="utf-8")
    table = (results / "tables" / "answers.md").read_text(encoding="utf-8").split("\n\n", 1)[1]
    readme = re.sub(r"(<!-- answers -->\n).*?(<!-- end -->)", lambda m: m[1] + table + m[2], readme, flags=re.S)
    _, printed = quickstart()
    readme = re.sub(r"(```\n\n```text\n).*?(```)", lambda m: m[1] + printed + m[2], readme, count=1, flags=re.S)
    PAGES[0].write_text(readme, encoding="utf-8")
    findings = re.sub(
        r"(<!-- verdict (\S+) \| (.+?) \|(.*?) -->\n)(?:> .*\n)*",
        lambda m: f"{m[1]}> {sentence(results, *(part.strip() for part in m.groups()[1:4]))}\n",
        PAGES[1].read_text(encoding="utf-8"),
    )
    PAGES[1].write_text(findings, encoding="utf-8")
    sys.path.insert(0, str(ROOT / "docs"))
    import refresh_printed

    refresh_printed.main(results)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "results"))
