"""The study lies beside the tests: its packages are imported by their short names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EXPERIMENTS = [
    "negative_controls",
    "theorem1_alpha",
    "theorem1_attained",
    "theorem1_attained_optimization",
    "theorem1_power_law",
    "theorem1_stability",
    "theorem1_tuned",
    "theorem2_alpha",
    "theorem2_edge",
    "theorem2_exponents",
    "theorem2_ridge",
    "theorem3_alpha",
    "theorem3_exponents",
    "theorem4_counts",
    "theorem4_pl",
    "theorem4_regularizer",
]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A results folder filled by tiny sweeps, which draw every figure, and the pages they drew, by name.

    What is read on a grid of gradients runs 32 times as long as a grid of T; here it gets an eighth of that.
    """
    from riskkit import sweep
    from riskkit.execution import tasks
    from riskkit.experiment import study
    from riskkit.report import plot

    results, pages = tmp_path_factory.mktemp("results"), {}
    save = plot.Page.save
    long = [name for name in EXPERIMENTS if study.experiment(name).read is not None]
    tiny = ["--quick", "--replicates", "32", "--jobs", "1", "--out", str(results)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            plot.Page, "save", lambda page, folder, name: pages.__setitem__(name, page) or save(page, folder, name)
        )
        assert sweep.main([*[name for name in EXPERIMENTS if name not in long], *tiny]) == 0
        patch.setattr(tasks, "QUICK_STEPS", 64)
        assert sweep.main([*long, *tiny]) == 0
    return results, pages
