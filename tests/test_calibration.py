"""The calibration study with fewer trials; ``python -m benchmarks.calibration`` prints the whole table.

A row that just meets its requirement is refused with probability .001 on either side; with some 190 rows and fixed
seeds, an honest change of the statistics would raise a false alarm about once in five.
"""

from __future__ import annotations

import pytest

from benchmarks.calibration import STUDIES


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.__name__)
def test_calibration(study):
    trials = max(STUDIES[study] // 6, 60)
    refused = [row for row in study(trials) if not row.accepted]
    assert refused == []
