"""A study of two small experiments, one of which has a figure of its own, swept in this process."""

from __future__ import annotations

import contextlib
import sys

import pytest

from riskkit.execution import tasks
from riskkit.sweep import main

ONE = """
from problems.own import Own
from riskkit import Constant, Experiment, Grid, Lookahead, Size
from experiments._bounds import BOUND

EXPERIMENT = Experiment(
    question="Is {name} measured?",
    problem=Own(),
    algorithms={{"Lookahead": lambda p: Lookahead(p.T, p.k, p.alpha, Constant(0.1))}},
    bounds=(BOUND,),
    sizes={{"laptop": Size(Grid("T", n=10, k=1, alpha=0.5, T=(4, 16)), replicates=16)}},
)
"""
STUDY = {
    "problems/__init__.py": "from .own import Own\nfrom .other import Other\n\n__all__ = ['Other', 'Own']\n",
    "problems/own.py": "from riskkit.problems import MeanEstimation\n\n\nclass Own(MeanEstimation):\n    pass\n",
    "problems/other.py": "from riskkit.problems import MeanEstimation\n\n\nclass Other(MeanEstimation):\n    pass\n",
    "experiments/_bounds.py": "from riskkit.theory.zhou2021 import convex\n\nBOUND = convex.OPTIMIZATION_AVERAGE\n",
    "experiments/first.py": ONE.format(name="the first"),
    "experiments/second.py": ONE.format(name="the second")
    .replace("problems.own", "problems.other")
    .replace("Own", "Other")
    .replace(
        "from experiments._bounds import BOUND",
        "from riskkit.theory.zhou2021.convex import OPTIMIZATION_AVERAGE as BOUND",
    ),
    "figures/curve.py": """
from riskkit.report import plot

EXPERIMENT = "first"


def draw(stored):
    page = plot.Page("Errors of the first", height=1.5)
    panel = page.panel(xlabel="T", ylabel="optimization")
    for line in stored.lines("T", "optimization", "last"):
        panel.measured(line)
    return page
""",
}


def write(home):
    """Puts the study into a folder."""
    for name, text in STUDY.items():
        (home / name).parent.mkdir(exist_ok=True, parents=True)
        (home / name).write_text(text)


@contextlib.contextmanager
def within(study):
    """The study's folder as the working directory of what seems to be a new process."""
    kept = {name: module for name, module in sys.modules.items() if of_a_study(name)}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(study)
        patch.setattr(sys, "path", list(sys.path))
        forget()
        yield
    forget()
    sys.modules.update(kept)


def of_a_study(name):
    return name.partition(".")[0] in ("problems", "experiments", "figures")


def forget():
    """The modules of the study are imported anew."""
    for name in [name for name in sys.modules if of_a_study(name)]:
        del sys.modules[name]
    tasks._plan.cache_clear()


def swept(*words):
    return main([*words, "--jobs", "1"])
