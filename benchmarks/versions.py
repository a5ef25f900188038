"""``python -m benchmarks.versions``: riskkit on other Pythons, and on the lowest and newest dependencies it declares.

For each interpreter that is found and each set of dependencies: a virtual environment of its own, riskkit installed
into it with pip, a quick sweep of two experiments, a conformance test, and the named tests. Prints one line for each:
what was installed, and what failed first. Minutes, and up to gigabytes of downloads, for each.

    python -m benchmarks.versions --python python3.12 python3.13 --dependencies newest
    python -m benchmarks.versions --python python3.11 --dependencies lowest --tests tests/test_statistics.py

Lowest: every ``>=`` of pyproject.toml becomes ``==``. Interpreters come from the distribution, pyenv or uv.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SETS = ("newest", "lowest")
TESTS = ("tests/test_algorithm.py", "tests/test_statistics.py", "tests/test_theory.py", "tests/test_bad_input.py")
SHOWN = ("numpy", "scipy", "torch", "numba", "pandas", "pyarrow", "matplotlib")

INSTALLED = f"""
import sys
from importlib.metadata import version
print(sys.version.split()[0], *(f"{{name}} {{version(name)}}" for name in {SHOWN!r}), sep=", ")
"""


class Tried(NamedTuple):
    """One interpreter with one set: its version, those installed, the seconds, and the first failure ("" if none)."""

    python: str
    dependencies: str
    version: str
    installed: str
    seconds: float
    failed: str


def lowest() -> list[str]:
    """The declared lower bounds as pins."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    found = [re.match(r"([\w.-]+)>=([\w.]+)", line) for line in declared]
    return [f"{one[1]}=={one[2]}" for one in found if one is not None]


def attempt(python: str, dependencies: str, tests: list[str]) -> Tried:
    """Installs and tries; never raises for what fails inside."""
    began, home = time.monotonic(), Path(tempfile.mkdtemp(prefix="riskkit-versions-"))
    version, installed, failed = "", "", ""
    try:
        own = home / "venv"
        steps: list[list[str]] = [[python, "-m", "venv", str(own)]]
        inside = str(own / "bin" / "python")
        pins = home / "pins.txt"
        pins.write_text("\n".join(lowest() if dependencies == "lowest" else []) + "\n")
        source = home / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "results*", "build", "*.egg-info"))
        steps += [
            [inside, "-m", "pip", "install", "-q", "-c", str(pins), str(source), "pytest", "hypothesis", "statsmodels"],
            [
                inside,
                "-m",
                "riskkit",
                "sweep",
                "theorem2_exponents",
                "theorem1_stability",
                "--quick",
                "--out",
                "results",
            ],
            [inside, "-m", "riskkit", "check", "MeanEstimation"],
            [inside, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *(str(source / test) for test in tests)],
        ]
        for step in steps:
            done = subprocess.run(step, cwd=home, env=_environment(), capture_output=True, text=True, check=False)
            if done.returncode:
                said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
                wrong = [line for line in said if "Error" in line or line.startswith("FAILED")]
                failed = f"{' '.join(step[1:5])}: {(wrong or said or ['no output'])[-1][:160]}"
                break
            if step[1:4] == ["-m", "pip", "install"]:
                told = subprocess.run([inside, "-c", INSTALLED], capture_output=True, text=True, check=True).stdout
                version, _, installed = told.strip().partition(", ")
    except OSError as error:
        failed = str(error)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return Tried(python, dependencies, version, installed, time.monotonic() - began, failed)


def _environment() -> dict[str, str]:
    """Without the checkout: what is tried is what was installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="+", default=["python3.11", "python3.12", "python3.13"])
    parser.add_argument("--dependencies", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--tests", nargs="+", default=list(TESTS))
    arguments = parser.parse_args(words)
    tried = []
    for python in arguments.python:
        if shutil.which(python) is None:
            print(f"{python}: not found; install it, or name another with --python", flush=True)
            continue
        for dependencies in arguments.dependencies:
            one = attempt(python, dependencies, arguments.tests)
            tried.append(one)
            outcome = f"FAILED: {one.failed}" if one.failed else "passed"
            print(f"| {one.version or python} | {one.dependencies} | {one.installed} | {outcome} |", flush=True)
    return int(not tried or any(one.failed for one in tried))


if __name__ == "__main__":
    sys.exit(main())
