"""``python -m benchmarks.versions``: riskkit on other Pythons, and on the lowest and newest dependencies it declares.

For each interpreter and each set of dependencies: a virtual environment of its own, riskkit installed into it with pip,
a quick sweep of two experiments, a conformance test, and the named tests; the first failure ends it. Prints a row for
each. Minutes, and up to gigabytes of downloads, for each.

    python -m benchmarks.versions --python python3.12 python3.13 --dependencies newest --write
    python -m benchmarks.versions --python python3.11 --dependencies lowest --tests tests/test_statistics.py

``--write`` keeps what came out in docs/versions.json, in place of what was kept of the same Python and set, and writes
the table of docs/running.md from it: a row for each Python that pyproject.toml allows and each set, tried or not.

Lowest: every ``>=`` of pyproject.toml's dependencies becomes ``==``. Interpreters come from the distribution, pyenv or
uv, by name or by path.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from riskkit.cli.common import Parser

ROOT = Path(__file__).resolve().parent.parent
PAGE, KEPT = ROOT / "docs" / "running.md", ROOT / "docs" / "versions.json"
START, END = "<!-- versions -->\n", "<!-- end -->"
SETS = ("newest", "lowest")
TESTS = ("tests/test_algorithm.py", "tests/test_statistics.py", "tests/test_theory.py", "tests/test_bad_input.py")
TOOLS = ("pytest", "hypothesis", "statsmodels")
"""What the named tests need besides; never held to a lower bound."""
SWEEP = ("theorem2_exponents", "theorem1_stability")
CHECK = "MeanEstimation"
SHOWN = ("numpy", "scipy", "torch", "numba", "pandas", "pyarrow", "matplotlib")
STEPS = ("install", "sweep", "check", "tests")

INSTALLED = f"""
from importlib.metadata import version
print(*(f"{{name}} {{version(name)}}" for name in {SHOWN!r}), sep=", ")
"""
MINOR = "import platform; print(platform.python_version())"


class Tried(NamedTuple):
    """One interpreter with one set. ``came``: what each step that ran came to; ``failed``: "" if none did."""

    python: str
    dependencies: str
    installed: str
    came: dict[str, str]
    failed: str
    tests: list[str]
    machine: str
    day: str

    @property
    def minor(self) -> str:
        return ".".join(self.python.split(".")[:2])


def declared() -> dict[str, Any]:
    """The project's table of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def lowest(lines: list[str]) -> list[str]:
    """The lower bounds of declared dependencies, as pins with their markers. Raises ValueError where there is none."""
    pins = []
    for line in lines:
        found = re.fullmatch(r"([\w.-]+)>=([\w.]+)[^;]*(;.*)?", line)
        if found is None:
            raise ValueError(f"pyproject.toml declares {line!r}: no lower bound to try")
        pins.append(f"{found[1]}=={found[2]}{found[3] or ''}")
    return pins


def supported(requires: str) -> list[str]:
    """``">=3.11,<3.14"``: 3.11, 3.12 and 3.13."""
    found = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", requires)
    if found is None:
        raise ValueError(f"pyproject.toml requires Python {requires!r}; expected '>=3.A,<3.B'")
    return [f"3.{minor}" for minor in range(int(found[1]), int(found[2]))]


def version(python: str) -> str | None:
    """Of an interpreter, 3.12.1; None where there is none, or only a name for one that does not start."""
    if shutil.which(python) is None:
        return None
    done = subprocess.run([python, "-c", MINOR], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def attempt(python: str, number: str, dependencies: str, tests: list[str]) -> Tried:
    """Installs and tries; never raises for what fails inside."""
    home = Path(tempfile.mkdtemp(prefix="riskkit-versions-"))
    came: dict[str, str] = {}
    installed, failed = "", ""
    inside = str(home / "venv" / "bin" / "python")
    source, pins = home / "source", home / "pins.txt"
    module = [inside, "-m"]
    steps = {
        "install": [*module, "pip", "install", "-q", "-c", str(pins), str(source), *TOOLS],
        "sweep": [*module, "riskkit", "sweep", *SWEEP, "--quick", "--out", "results"],
        "check": [*module, "riskkit", "check", CHECK],
        "tests": [*module, "pytest", "-q", "-p", "no:cacheprovider", *(str(source / test) for test in tests)],
    }
    caught: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        pins.write_text("".join(f"{pin}\n" for pin in lowest(declared()["dependencies"]) if dependencies == "lowest"))
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "results*", "build", "*.egg-info"))
        subprocess.run([python, "-m", "venv", str(home / "venv")], check=True, capture_output=True)
        for name in STEPS:
            done = subprocess.run(steps[name], cwd=home, env=_environment(), text=True, check=False, **caught)
            if done.returncode:
                failed = f"{name}: {_wrong(done.stdout.replace(str(home), '...'))}"
            ended = "FAILED" if done.returncode else "passed"
            came[name] = _counted(done.stdout) or ended if name == "tests" else ended
            if done.returncode:
                break
            if name == "install":
                told = subprocess.run([inside, "-c", INSTALLED], capture_output=True, text=True, check=True)
                installed = told.stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        failed = str(error)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    machine, day = f"{platform.system()}, {platform.machine()}", datetime.now(UTC).date().isoformat()
    return Tried(number, dependencies, installed, came, failed, tests, machine, day)


def _wrong(said: str) -> str:
    """The line that says what went wrong: the first failing test, else the last error."""
    lines = [line for line in said.splitlines() if line.strip()]
    tests = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    named = [line for line in lines if "Error" in line]
    return (tests[:1] or named or lines or ["no output"])[-1].strip()[:160]


def _counted(said: str) -> str:
    """``"210 passed, 2 skipped, 1 deselected in 60.1s"``: without the time; "" where there is no such line."""
    found = re.findall(r"^(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", said, re.MULTILINE)
    return found[-1] if found else ""


def _environment() -> dict[str, str]:
    """Without the checkout: what is tried is what was installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def row(one: Tried) -> str:
    came = [one.came.get(name, "--") for name in STEPS]
    return f"| {' | '.join([one.python, one.dependencies, one.installed or '--', *came, one.day])} |"


def page(kept: list[Tried]) -> str:
    """Markdown: a row for each Python and set, what failed, and what no run covered."""
    project = declared()
    lines = [
        f"| Python | dependencies | installed | {' | '.join(STEPS)} | day |",
        f"|{'---|' * (len(STEPS) + 4)}",
    ]
    missing = []
    for minor in supported(project["requires-python"]):
        for dependencies in SETS:
            one = next((one for one in kept if (one.minor, one.dependencies) == (minor, dependencies)), None)
            if one is None:
                missing.append(f"{minor} {dependencies}")
            lines.append(row(one) if one else f"| {minor} | {dependencies} | not tried |{' |' * (len(STEPS) + 1)}")
    for one in kept:
        if one.failed:
            lines += ["", f"Python {one.python}, {one.dependencies}: `{one.failed}`."]
    for machine, tests in sorted({(one.machine, tuple(one.tests)) for one in kept}):
        which = [
            f"{one.minor} {one.dependencies}" for one in kept if (one.machine, tuple(one.tests)) == (machine, tests)
        ]
        lines += ["", f"On {machine}, tests {', '.join(f'`{test}`' for test in tests)}: {', '.join(which)}."]
    extras = ", ".join(f"`{name}`" for name in sorted(project["optional-dependencies"]))
    rest = [
        f"Sweep: `{' '.join(SWEEP)} --quick`. Check: `{CHECK}`. Not tried: the other experiments and tests,",
        f"and the optional dependencies ({extras}), of which only {', '.join(TOOLS)} were installed,",
        "in the newest releases that fit.",
    ]
    if missing:
        rest.append(f"No run was made of {', '.join(missing)}.")
    lines += ["", " ".join(rest)]
    return "\n".join(lines) + "\n"


def read() -> list[Tried]:
    return [Tried(**one) for one in json.loads(KEPT.read_text(encoding="utf-8"))] if KEPT.exists() else []


def write(tried: list[Tried]) -> None:
    """Into docs/versions.json and the page, in place of what was kept of the same Python and set."""
    new = {(one.minor, one.dependencies): one for one in [*read(), *tried]}
    kept = [new[key] for key in sorted(new, key=lambda key: ([int(part) for part in key[0].split(".")], key[1]))]
    KEPT.write_text(json.dumps([one._asdict() for one in kept], indent=1) + "\n", encoding="utf-8")
    before, rest = PAGE.read_text(encoding="utf-8").split(START)
    PAGE.write_text(f"{before}{START}{page(kept)}{END}{rest.split(END, 1)[1]}", encoding="utf-8")


def main(words: list[str] | None = None) -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = supported(declared()["requires-python"])
    parser.add_argument("--python", nargs="+", default=[f"python{minor}" for minor in known])
    parser.add_argument("--dependencies", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--tests", nargs="+", default=list(TESTS))
    parser.add_argument("--write", action="store_true", help=f"keep it, and write {PAGE.relative_to(ROOT)} anew")
    arguments = parser.parse_args(words)
    tried = []
    for python in arguments.python:
        number = version(python)
        if number is None:
            print(f"{python}: no interpreter that starts; install it, or name another with --python", flush=True)
            continue
        for dependencies in arguments.dependencies:
            one = attempt(python, number, dependencies, arguments.tests)
            tried.append(one)
            print(row(one) + (f"\nFAILED at {one.failed}" if one.failed else ""), flush=True)
            if arguments.write:
                write([one])
    return int(not tried or any(one.failed for one in tried))


if __name__ == "__main__":
    sys.exit(main())
