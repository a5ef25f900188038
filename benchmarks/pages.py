"""CPU seconds of drawing every figure of a results folder again, by part, in one process.

python benchmarks/pages.py RESULTS             # of a sweep that has run
python benchmarks/pages.py RESULTS OLD         # another checkout beside this one, in turns, twice each
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from innermost import Clock

from riskkit.cli.common import Parser

HERE = Path(__file__).resolve().parent.parent


def parts(results: Path) -> None:
    """The innermost clock counts; files are PDF, SVG, numbers and caption."""
    began = time.process_time()
    from riskkit.report.figures import drawing, standard, stored
    from riskkit.report.figures.page import Page

    modules = drawing.figure_modules()
    loading = time.process_time() - began
    clock = Clock(rest="else")
    for module in modules.values():
        clock.on(module, "draw", "drawing")
    for owner, name, part in ((stored, "stored", "reading"), (standard, "errors", "drawing")):
        clock.on(owner, name, part)
        if hasattr(drawing, name):  # an older checkout, which has its own name of it
            clock.on(drawing, name, part)
    clock.on(Page, "finish", "layout")
    clock.on(Page, "save", "files")
    names = sorted(path.parent.name for path in results.glob("*/verdict.json"))
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            # Figures read the table, the verdicts, the record and, for some numbers, the shards.
            shutil.copytree(results / name, Path(folder) / name, ignore=shutil.ignore_patterns("figures", "tables"))
        drawn = drawing.draw_figures(Path(folder), names)
    if drawn.failures:
        sys.exit("\n".join(drawn.failures))
    clock.mark()
    spent = clock.spent + Counter({"loading": loading})
    pages = sum(bool(paths) for _, _, paths in drawn.done)
    print(f"{pages} pages, {sum(spent.values()):.1f} s:", ", ".join(f"{k} {v:.1f}" for k, v in spent.most_common()))


def main(results: Path, old: Path | None) -> None:
    for checkout in [old, HERE] * 2 if old else [HERE]:
        print(checkout, end=": ", flush=True)
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        subprocess.run([sys.executable, __file__, "parts", str(results)], check=True, cwd=checkout, env=environment)


if __name__ == "__main__":
    if sys.argv[1:2] == ["parts"]:
        parts(Path(sys.argv[2]))
        sys.exit()
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="RESULTS")
    parser.add_argument("old", type=Path, nargs="?", metavar="OLD", help="another checkout")
    given = parser.parse_args()
    for folder in (given.results, given.old):
        if folder is not None and not folder.is_dir():
            parser.error(f"{folder} must be a folder; it is none.")
    main(given.results.resolve(), given.old and given.old.resolve())
