"""The study lies beside the tests: its packages are imported by their short names."""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: threads of BLAS and torch that wait for each other spin on them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

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
    "theorem2_tuned",
    "theorem3_alpha",
    "theorem3_exponents",
    "theorem4_at_eps",
    "theorem4_counts",
    "theorem4_pl",
    "theorem4_regularizer",
    "theorem4_tuned",
]


TOGETHER = {
    **dict.fromkeys(("test_figures", "test_tables", "test_report"), "drawn"),
    **{name: name for name in ("test_cluster", "test_fused_gpu", "test_losses", "test_outputs", "test_sweep")},
}
"""Files whose tests share something dear; pytest-xdist gives each to one worker, and all other tests one by one."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return TOGETHER.get(Path(nodeid.partition("::")[0]).stem, nodeid)

    return Together(config, log)


PAGES = {}
"""The pages that this process has drawn, by name."""


@pytest.fixture(scope="session")
def results(tmp_path_factory, request):
    """A results folder filled by tiny sweeps, which draw every figure; one for all workers.

    What is read on a grid of gradients runs 32 times as long as a grid of T; here it gets an eighth of that.
    """
    from riskkit import sweep
    from riskkit.execution import tasks
    from riskkit.experiment import study
    from riskkit.report import plot

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base  # pytest-xdist gives a worker its own
    results, save = shared / "results", plot.Page.save
    long = [name for name in EXPERIMENTS if study.experiment(name).read is not None]
    tiny = ["--quick", "--replicates", "32", "--jobs", "1", "--out", str(results)]
    with open(shared / "results.lock", "w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "results.whole").exists():
            patch.setattr(plot.Page, "save", lambda page, *to: PAGES.__setitem__(to[1], page) or save(page, *to))
            assert sweep.main([*[name for name in EXPERIMENTS if name not in long], *tiny]) == 0
            patch.setattr(tasks, "QUICK_STEPS", 64)
            assert sweep.main([*long, *tiny]) == 0
            (shared / "results.whole").touch()
    return results


@pytest.fixture(scope="session")
def drawn(results):
    """``results``, and the pages that were drawn, by name."""
    from riskkit.experiment import study
    from riskkit.report import plot
    from riskkit.report.figures import drawing

    if not PAGES:  # another worker has drawn them
        looks = drawing.algorithm_looks(study.folder())
        everything = [plot.stored(one, looks) for one in sorted(results.iterdir()) if plot.is_stored(one)]
        with plot.house_style():
            for name, module in drawing.figure_modules().items():
                if module.EXPERIMENT is not None and not plot.is_stored(results / module.EXPERIMENT):
                    continue
                shown = plot.stored(results / module.EXPERIMENT, looks) if module.EXPERIMENT else everything
                if (page := module.draw(shown)) is not None:
                    PAGES[name] = page
    return results, PAGES


@pytest.fixture
def unpresented(monkeypatch):
    """Sweeps end with table, verdicts and record: figures, tables and report have tests of their own."""
    from quick_sweep import show_nothing

    show_nothing(monkeypatch)
