"""``python docs/refresh.py [results]``: what README.md and docs/findings.md show of the measurements, from what is stored.

Copies the figures that the two pages show into ``docs/figures/`` (with 64 colours), and writes into README.md the table
of answers and the output of the quickstart. ``python -m riskkit.sweep`` computes the results.
"""

from __future__ import annotations

import contextlib
import io
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


def main(results: Path) -> None:
    for name in sorted(shown()):
        (source,) = [*results.glob(f"*/figures/{name}.png"), *results.glob(f"figures/{name}.png")]
        image = Image.open(source).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        image.save(ROOT / "docs" / "figures" / f"{name}.png", optimize=True)
    readme = PAGES[0].read_text(encoding="utf-8")
    table = (results / "tables" / "answers.md").read_text(encoding="utf-8").split("\n\n", 1)[1]
    readme = re.sub(r"(<!-- answers -->\n).*?(<!-- end -->)", lambda m: m[1] + table + m[2], readme, flags=re.S)
    source, printed = quickstart()
    readme = re.sub(r"(```\n\n```text\n).*?(```)", lambda m: m[1] + printed + m[2], readme, count=1, flags=re.S)
    PAGES[0].write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "results"))
