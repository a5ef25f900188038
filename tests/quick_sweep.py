"""A sweep without figures and with few draws for each band, for tests of what else lies on disk.

``python -m tests.quick_sweep ARGUMENTS`` is ``python -m riskkit.sweep ARGUMENTS`` but for that.
"""

from __future__ import annotations

import sys

import pytest

from riskkit.cli import common, sweep
from riskkit.cli import main as cli
from riskkit.stats import bands


def abridge(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sweep, "_present", lambda out, names, jobs: ([], []))
    patch.setattr(bands, "DRAWS", 255)
    bands._draws.cache_clear()


if __name__ == "__main__":
    abridge(pytest.MonkeyPatch())
    common.leave(cli.main(["sweep", *sys.argv[1:]]))
