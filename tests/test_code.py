"""Identity by code: an edit that may change numbers moves a run to another address, and no other edit does."""

from __future__ import annotations

import dataclasses
import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from riskkit import SGD, Constant, HeavyBall, simulate
from riskkit.code import code_of
from riskkit.experiment.runs import Simulated, run_address
from riskkit.identity import codes
from riskkit.problems import MeanEstimation, Ridge

HELPERS = '''
"""Beside the study."""

SLOPE = 2.0


def doubled(x):
    return SLOPE * x


def unused(x):
    return x
'''

STUDY = '''
"""A schedule, a problem and a method of one's own."""

import dataclasses
from pathlib import Path

import numpy as np

import w18_helpers as helpers
from riskkit.problems import MeanEstimation

SCALE = 0.5
TABLE = {"a": 1.0}
ROWS = np.loadtxt(Path(__file__).with_name("rows.csv"))


def root(j):
    return np.sqrt(j + 1)


class Base:
    def weight(self):
        return 1.0


@dataclasses.dataclass(frozen=True)
class Own(Base):
    """eta_j."""

    c: float = 1.0

    def sizes(self, T, k):
        """A docstring."""
        # A comment.
        return SCALE * helpers.doubled(self.c) * TABLE["a"] * self.weight() * (lambda x: x)(1 / root(np.arange(T * k)))

    def rows(self):
        return ROWS.sum() + len(open(Path(__file__).parent / "more.csv").read())


class Problem(MeanEstimation):
    def sample(self, stream, n):
        from w18_helpers import doubled

        return doubled(super().sample(stream, n))
'''
numbers = itertools.count()


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Reads the study with some of its words exchanged, and answers with the module."""
    monkeypatch.chdir(tmp_path)

    def read(*exchanged: tuple[str, str], helpers: tuple[str, str] = ("", ""), rows: str = "1 2\n", more: str = "x"):
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        text = STUDY
        for before, after in exchanged:
            assert before in text
            text = text.replace(before, after)
        (folder / "rows.csv").write_text(rows)
        (folder / "more.csv").write_text(more)
        for name, said in (("w18_helpers", HELPERS.replace(*helpers)), ("w18_study", text)):
            (folder / f"{name}.py").write_text(said)
            spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
            module = importlib.util.module_from_spec(spec)
            monkeypatch.setitem(sys.modules, name, module)
            spec.loader.exec_module(module)
        return code_of(module.Own), code_of(module.Problem)

    return read


SAME = {
    "a docstring": [("A docstring.", "Another one.")],
    "no docstring": [('        """A docstring."""\n', "")],
    "a comment": [("# A comment.", "# Nothing new under the sun.")],
    "lines": [("\ndef root", "\n\n\n\ndef root")],
    "an annotation": [("def root(j):", "def root(j: int) -> float:"), ("c: float", "c: 'float'")],
    "what nothing uses": [("class Base", "OTHER = 3\n\n\nclass Base")],
    "layout": [("return np.sqrt(j + 1)", "return np.sqrt(\n        j\n        + 1\n    )")],
}
OTHER = {
    "a number of the method": [("1 / root(np.arange(T * k))", "2 / root(np.arange(T * k))")],
    "an operator": [("SCALE * helpers", "SCALE + helpers")],
    "a function that it uses": [("np.sqrt(j + 1)", "np.sqrt(j + 2)")],
    "a number that it uses": [("SCALE = 0.5", "SCALE = 0.6")],
    "a table that it uses": [('TABLE = {"a": 1.0}', 'TABLE = {"a": 1.5}')],
    "its base": [("return 1.0\n", "return 1.1\n")],
    "a default": [("c: float = 1.0", "c: float = 1.5")],
    "a lambda": [("lambda x: x)", "lambda x: x + 1)")],
    "another method": [("def rows(self):", "def weight(self):\n        return 3.0\n\n    def rows(self):")],
}


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_decides_no_number_keeps_the_address(change, study):
    assert study() == study(*change)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_may_decide_a_number_moves_the_address(change, study):
    assert study()[0] != study(*change)[0]


def test_helpers_and_data_files_of_the_study_count(study):
    before = study()
    assert study(helpers=("x):\n    return x", "x):\n    return -x")) == before  # nothing uses it
    slope = study(helpers=("2.0", "2.5"))
    assert slope[0] != before[0]
    assert slope[1] != before[1]  # imported inside of the method
    assert study(rows="1 3\n")[0] != before[0]
    assert study(more="y")[0] != before[0]
    assert study(rows="1 3\n")[1] == before[1]


def test_a_base_of_the_shipped_problems_counts(study):
    assert (
        study()[1] != study(("class Problem(MeanEstimation)", "class Problem(__import__('riskkit').problems.Ridge)"))[1]
    )


PRINT = """
import riskkit.problems as problems
from riskkit import HeavyBall
from riskkit.code import code_of
print(*map(code_of, [problems.Ridge, problems.MonotoneLink, HeavyBall]))
"""


def test_it_is_the_same_in_every_process():
    root = Path(__file__).resolve().parent.parent
    told = {
        subprocess.run(
            [sys.executable, "-c", PRINT],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_without_a_source_the_bytecode_counts():
    def made(text):
        names = {"__name__": "nowhere"}
        exec(f"class A:\n    def f(self, x):\n        return {text}\n", names)
        return code_of(names["A"])

    assert made("x + 1") == made("x  +  1")
    assert made("x + 1") != made("x + 2")
    assert made("x in {'a', 'b'}") != made("x in {'a', 'c'}")


def test_a_source_that_was_edited_after_it_was_read_is_not_believed(tmp_path):
    def read(text, later):
        path = tmp_path / f"edited{next(numbers)}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        path.write_text(later)
        return code_of(module.A)

    old, new = ("class A:\n    def f(self):\n        return 1\n", "class A:\n    def f(self):\n        return 2\n")
    assert read(old, new) != read(new, new)
    assert read(old, new) == read(old, new)


def test_the_address_of_a_run_has_the_code_of_its_classes():
    method, problem = HeavyBall(8, Constant(0.1)), MeanEstimation()
    assert set(codes(problem, method)) == {"MeanEstimation", "HeavyBall", "Constant"}
    assert set(codes(problem, SGD(8, Constant(0.1)))) == {"MeanEstimation", "Constant"}  # an engine reads the stages

    def where(problem, method):
        return run_address(Simulated(problem, 10, method, (8,)), 0, "float64")

    class HeavyBall2(HeavyBall):
        def step(self, state, gradient, j):
            return super().step(state, 2 * gradient, j)

    class Sampled(Ridge):
        def sample(self, stream, n):
            return 2 * super().sample(stream, n)

    Sampled.__name__, HeavyBall2.__name__ = "Ridge", "HeavyBall"
    assert where(Ridge(), method) != where(Sampled(), method)
    assert where(Ridge(), method) != where(Ridge(), HeavyBall2(8, Constant(0.1)))
    assert where(Ridge(), method) == where(Ridge(), dataclasses.replace(method, name="a label"))
    assert simulate(problem, method, n=10, replicates=2).values["excess"].shape == (2, 1, 2)
