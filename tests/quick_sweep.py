"""A sweep without figures and with few draws for each band, for tests of what else lies on disk.

``python -m tests.quick_sweep ARGUMENTS`` is ``python -m riskkit.sweep ARGUMENTS`` but for that.
"""

from __future__ import annotations

import sys

import pytest

from riskkit.cli import common
from riskkit.cli import main as cli
from riskkit.report import presenting
from riskkit.stats import bands


def show_nothing(patch: pytest.MonkeyPatch) -> None:
    """Sweeps end with table, verdicts and record."""
    for name in ("present_one", "present_all"):
        patch.setattr(presenting, name, lambda *_: presenting.Presented([], []))


def abridge(patch: pytest.MonkeyPatch) -> None:
    show_nothing(patch)
    patch.setattr(bands, "DRAWS", 255)
    bands._draws.cache_clear()


if __name__ == "__main__":
    abridge(pytest.MonkeyPatch())
    common.leave(cli.main(["sweep", *sys.argv[1:]]))
