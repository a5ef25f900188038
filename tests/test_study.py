"""The study: the shipped problems under one name and its short form, and a folder of one's own with what it needs.

Everything happens in a fresh process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_guides import complete, study

ROOT = Path(__file__).resolve().parent.parent
SAME = """
import pickle, sys
from riskkit.problems import Ridge
import riskkit.problems.ridge
from riskkit.experiment import study
assert Ridge is riskkit.problems.ridge.Ridge is type(study.problem("ridge")), study.problem("ridge")
assert type(study.experiment("theorem2_ridge").problem) is Ridge
assert Ridge.__module__ == "riskkit.problems.ridge"
assert isinstance(pickle.loads(pickle.dumps(Ridge())), Ridge)
print(riskkit.problems.__file__)
"""
SHORT = """
import problems, problems.ridge
from problems import Ridge as Short, pseudo_huber
from problems.ball import minimise_convex
import riskkit.problems.ball
assert Short is Ridge is problems.ridge.Ridge
assert problems is riskkit.problems
assert minimise_convex is riskkit.problems.ball.minimise_convex
"""
ONE = """
from riskkit import Constant, Experiment, Grid, Lookahead, Size
from riskkit.problems import MeanEstimation
from riskkit.theory.zhou2021 import convex

GRID = Grid("T", n=10, k=1, alpha=0.5, T=(4, 16))
EXPERIMENT = Experiment(
    question="Does a study need more than this?",
    problem=MeanEstimation(),
    algorithms={"Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, Constant(0.1))},
    bounds=(convex.OPTIMIZATION_AVERAGE,),
    sizes={"laptop": Size(GRID, replicates=16), "paper": Size(GRID, replicates=32)},
)
"""

OWN = """
import dataclasses
from riskkit.problems import Ridge as Shipped

__all__ = ["Ridge"]


@dataclasses.dataclass(frozen=True)
class Ridge(Shipped):
    lam: float = 0.2
"""


def python(*words: str, cwd: Path, path: Path | None = None) -> str:
    """What a fresh process prints; another riskkit than the one under test may be first on its path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def both(*programs: str, cwd: Path) -> list[str]:
    """What several fresh processes print, side by side: most of their time is the loading of libraries."""
    with ThreadPoolExecutor() as pool:
        return [text.strip() for text in pool.map(lambda program: python("-c", program, cwd=cwd), programs)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, unpacked: what it would install, without its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"  # building leaves its own folders in the source
    source.mkdir()
    for name in ("riskkit", "problems", "experiments", "figures"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "."]
    subprocess.run([*command, "--wheel-dir", str(folder)], cwd=source, check=True, capture_output=True)
    (built,) = folder.glob("riskkit-*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_checkout_has_one_class_under_both_names():
    shipped = ROOT / "problems" / "__init__.py"
    assert [Path(line) for line in both(SAME + SHORT, "import problems" + SAME + SHORT, cwd=ROOT)] == [shipped] * 2


def test_an_editable_install_has_the_shipped_problems_and_study_anywhere(tmp_path):
    assert Path(python("-c", SAME, cwd=tmp_path).strip()) == ROOT / "problems" / "__init__.py"


def test_a_wheel_has_the_shipped_problems_and_study_anywhere(wheel, tmp_path):
    home = Path(python("-c", SAME, cwd=tmp_path, path=wheel).strip())
    assert home == wheel / "riskkit" / "problems" / "__init__.py"
    listed = python("-m", "riskkit.sweep", "--list", cwd=tmp_path, path=wheel)
    assert listed == python("-m", "riskkit.sweep", "--list", cwd=ROOT)
    assert "conforms" in python("-m", "riskkit", "check", "problems.MeanEstimation", cwd=tmp_path, path=wheel)


def test_the_guide_of_a_theorem_of_ones_own_works_from_the_wheel_in_an_empty_folder(wheel, tmp_path):
    """Verdict, figure, table, report and bibliography, in under 60 lines."""
    experiment, commands = study(ROOT / "docs" / "guides" / "hardt.md", tmp_path)
    (words,) = commands
    python("-m", "riskkit", *words, cwd=tmp_path, path=wheel)
    complete(tmp_path / "results", experiment)


def test_another_checkout_is_the_one_that_runs_there(tmp_path):
    """Whatever is installed: two checkouts share an environment."""
    for name in ("riskkit", "problems", "experiments", "figures"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert Path(python("-c", SAME + SHORT, cwd=tmp_path).strip()) == tmp_path / "problems" / "__init__.py"


def test_problems_of_ones_own_keep_their_name_and_come_first(tmp_path):
    for name in ("problems", "experiments"):
        (tmp_path / name).mkdir()
    (tmp_path / "experiments" / "one.py").write_text(ONE)
    (tmp_path / "problems" / "__init__.py").write_text(OWN)
    code = """
import problems, riskkit.problems
from riskkit.experiment import study
assert type(study.problem("Ridge")) is problems.Ridge is not riskkit.problems.Ridge
assert type(study.problem("Logistic")) is riskkit.problems.Logistic
assert problems.Ridge.__module__ == "problems"
print(study.has("problems"), study.has("figures"), study.has("experiments.one"), study.has("experiments.two"))
"""
    assert python("-c", code, cwd=tmp_path) == "True False True False\n"


def test_a_copy_of_the_shipped_problems_is_a_package_of_its_own(tmp_path):
    shutil.copytree(ROOT / "problems", tmp_path / "problems", ignore=shutil.ignore_patterns("__pycache__"))
    code = """
import problems, riskkit.problems
assert problems.Ridge is not riskkit.problems.Ridge
assert problems.Ridge.__module__ == "problems.ridge"
"""
    python("-c", code, cwd=tmp_path)


@pytest.mark.parametrize("kind", ["editable", "wheel"])
def test_a_study_is_one_file(kind, tmp_path, request):
    """From the question to the report, outside of the checkout, without problems/, figures/ or any __init__."""
    path = request.getfixturevalue("wheel") if kind == "wheel" else None
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.py").write_text(ONE)
    told = python("-m", "riskkit.sweep", "--jobs", "1", "--engine", "reference", cwd=tmp_path, path=path)
    assert "Does a study need more than this?" in told
    assert "Report: results/report.html" in told
    assert "Does a study need more than this?" in (tmp_path / "results" / "report.html").read_text()


def test_a_study_that_cannot_be_imported_is_bad_input_and_says_where(tmp_path):
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "one.py").write_text("question = 1\nquestion.answer\n")
    command = [sys.executable, "-m", "riskkit.sweep"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "AttributeError: 'int' object has no attribute 'answer' (experiments/one.py, line 2)" in done.stderr
