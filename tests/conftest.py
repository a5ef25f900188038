"""The study lies beside the tests: its packages are imported by their short names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EXPERIMENTS = [
    "theorem1_alpha",
    "theorem1_attained",
    "theorem1_attained_optimization",
    "theorem2_exponents",
    "theorem2_ridge",
]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A results folder filled by one tiny sweep, which draws every figure, and the pages it drew, by name."""
    from riskkit import plot, sweep

    results, pages = tmp_path_factory.mktemp("results"), {}
    save = plot.Page.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            plot.Page, "save", lambda page, folder, name: pages.setdefault(name, page) and save(page, folder, name)
        )
        assert sweep.main([*EXPERIMENTS, "--quick", "--replicates", "32", "--jobs", "1", "--out", str(results)]) == 0
    return results, pages
