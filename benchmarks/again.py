"""What a sweep costs: its first run, the same again, with one figure and with one experiment changed.

    python benchmarks/again.py [WORDS OF THE SWEEP]      # Linux
    python benchmarks/again.py first OLD [WORDS]         # the first run alone, of this checkout and of another one

The study is copied to a temporary folder, where it is changed. Wall seconds, and CPU seconds of the command and of all
processes that it has started, those that it did not wait for too: they become children of this one, which does.
The experiment that is changed, theorem2_exponents, is also run alone: its own time.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from riskkit.cli.common import Parser

ROOT = Path(__file__).resolve().parent.parent
CHANGED = "theorem2_exponents"
BEFORE, AFTER = "MeanEstimation(dim=4", "MeanEstimation(dim=5"
"""Another problem: everything of the experiment is computed anew."""
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: processes that lose their parent become children of the one that has asked for them."""
LINES = {
    "--help": ["--help"],
    "--list": ["--list"],
    "bad input (--replicates 0)": ["--replicates", "0"],
    "bad input (no such experiment)": ["no_such_experiment"],
    "bad input (no such problem)": ["--problem", "Ridgge"],
    "bad input (--alpha 3)": ["--alpha", "3"],
}


def used() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def timed(code: list[str], folder: Path, root: Path = ROOT) -> tuple[float, float]:
    """Wall seconds of a command; CPU seconds of it and of every process that it has started."""
    before, began = used(), time.perf_counter()
    subprocess.run(
        [sys.executable, *code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    wall = time.perf_counter() - began
    with contextlib.suppress(ChildProcessError):
        while True:  # the server that workers are forked from ends after its command
            os.waitpid(-1, 0)
    return wall, used() - before


def shown(name: str, seconds: tuple[float, float]) -> None:
    print(f"{name:58} {seconds[0]:7.2f} s {seconds[1]:7.2f} s of CPU", flush=True)


@contextlib.contextmanager
def study(root: Path = ROOT) -> Iterator[Path]:
    """A copy of a checkout's experiments and figures."""
    with tempfile.TemporaryDirectory() as name:
        for part in ("experiments", "figures"):
            shutil.copytree(root / part, Path(name) / part, ignore=shutil.ignore_patterns("__pycache__"))
        yield Path(name)


def first(old: Path, words: list[str]) -> None:
    """Old, new, new, old: on a machine that others use, CPU seconds and their ratio."""
    for root in (old, ROOT, ROOT, old):
        with study(root) as folder:
            shown(f"first run of {root.name}", timed(["-m", "riskkit.sweep", *words], folder, root))


def main(words: list[str]) -> None:
    sweep = ["-m", "riskkit.sweep", *words]
    with study() as folder:
        shown("import riskkit", min(timed(["-c", "import riskkit"], folder) for _ in range(3)))
        for line, arguments in LINES.items():
            shown(line, min(timed(["-m", "riskkit.sweep", *arguments], folder) for _ in range(3)))
        alone = ["-m", "riskkit.sweep", CHANGED]
        shown(f"{CHANGED}, from an empty folder", timed(alone, folder))
        shutil.rmtree(folder / "results")
        shown("first run", timed(sweep, folder))
        shown("the same again", min(timed(sweep, folder) for _ in range(3)))
        figure, experiment = (folder / part / f"{CHANGED}.py" for part in ("figures", "experiments"))
        figure.write_text(figure.read_text() + "\n# changed\n")
        shown("one figure changed", timed(sweep, folder))
        before = experiment.read_text()
        assert BEFORE in before
        experiment.write_text(before.replace(BEFORE, AFTER))
        wall, cpu = timed(sweep, folder)
        own = timed([*alone, "--out", str(folder / "alone")], folder)
        shown(f"one experiment changed ({CHANGED})", (wall, cpu))
        shown("  its own time: the same experiment alone, no other stored", own)
        shown("  more than its own time (target: 3 s)", (wall - own[0], cpu - own[1]))


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    if {"-h", "--help"} & set(sys.argv[1:]):
        Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(["--help"])
    match sys.argv[1:]:
        case ["first", old, *rest]:
            first(Path(old).resolve(), rest)
        case given:
            main(given)
