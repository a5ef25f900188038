"""What a sweep costs: its first run, the same again, with one figure and with one experiment changed.

    python benchmarks/again.py [WORDS OF THE SWEEP]

The study is copied to a temporary folder, where it is changed. Wall seconds and CPU seconds, processes of their own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES = {
    "--help": ["--help"],
    "--list": ["--list"],
    "bad input (--replicates 0)": ["--replicates", "0"],
    "bad input (no such experiment)": ["no_such_experiment"],
    "bad input (no such problem)": ["--problem", "Ridgge"],
    "bad input (--alpha 3)": ["--alpha", "3"],
}


def timed(code: list[str], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a process and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def shown(name: str, seconds: tuple[float, float]) -> None:
    print(f"{name:42} {seconds[0]:7.2f} s {seconds[1]:7.2f} s of CPU", flush=True)


def main(words: list[str]) -> None:
    sweep = ["-m", "riskkit.sweep", *words]
    with tempfile.TemporaryDirectory() as name:
        study = Path(name)
        for part in ("experiments", "figures"):
            shutil.copytree(ROOT / part, study / part, ignore=shutil.ignore_patterns("__pycache__"))
        shown("import riskkit", min(timed(["-c", "import riskkit"], study) for _ in range(3)))
        for line, arguments in LINES.items():
            shown(line, min(timed(["-m", "riskkit.sweep", *arguments], study) for _ in range(3)))
        shown("theorem2_exponents, from an empty folder", timed(["-m", "riskkit.sweep", "theorem2_exponents"], study))
        shutil.rmtree(study / "results")
        shown("first run", timed(sweep, study))
        shown("the same again", min(timed(sweep, study) for _ in range(3)))
        figure, experiment = (
            study / "figures" / "theorem2_exponents.py",
            study / "experiments" / "theorem2_exponents.py",
        )
        figure.write_text(figure.read_text() + "\n# changed\n")
        shown("one figure changed", timed(sweep, study))
        experiment.write_text(experiment.read_text().replace("seed=", "seed=1 + ") + "\n# changed\n")
        shown("one experiment changed", timed(sweep, study))


if __name__ == "__main__":
    main(sys.argv[1:])
