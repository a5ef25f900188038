"""Simulated second moments on mean estimation against golden exact values: the whole algorithm in 120 numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from problems import MeanEstimation
from riskkit import InverseTime, Lookahead, Stream
from riskkit.engines import reference

ROWS = json.loads((Path(__file__).parent / "reference" / "mean_estimation_moments.json").read_text())["rows"]
# ||theta_0 - zbar||^2 = 2 and V_S = 1.5: the dataset of the golden values, for theta_0 = e_1.
DATA = torch.tensor([[0.0, 1.0, 1.5**0.5], [0.0, 1.0, -(1.5**0.5)]], dtype=torch.float64)
BLOCK = 512


def moments(rows, replicates):
    """Mean and standard error of ||theta_T - zbar||^2 for every golden row, over the given number of replicates."""
    keys = sorted({(row["alpha"], row["k"], row["offset"]) for row in rows})
    horizons = {key: sorted({r["T"] for r in rows if (r["alpha"], r["k"], r["offset"]) == key}) for key in keys}
    algorithms = [Lookahead(horizons[a, k, o][-1], k, a, InverseTime(1.0, o)) for a, k, o in keys]
    values = []
    for first in range(0, replicates, BLOCK):
        stream = Stream(2026, range(first, first + BLOCK))
        data = DATA.expand(BLOCK, -1, -1).contiguous()
        with reference.one_thread():
            paths = reference.run(
                MeanEstimation(dim=3),
                algorithms,
                data,
                lambda j, count, stream=stream: stream.indices(2, j, count),
                [np.array(horizons[key]) for key in keys],
            )
        mean = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
        squares = [(path.theta[:, :, 0] - mean).square().sum(-1).numpy() for path in paths]
        place = {(*key, T): (c, i) for c, key in enumerate(keys) for i, T in enumerate(horizons[key])}
        where = [place[row["alpha"], row["k"], row["offset"], row["T"]] for row in rows]
        values.append(np.stack([squares[c][:, i] for c, i in where], axis=1))
    stacked = np.concatenate(values)
    return stacked.mean(0), stacked.std(0, ddof=1) / len(stacked) ** 0.5


def agree(rows, replicates, most):
    mean, sem = moments(rows, replicates)
    exact = np.array([row["expected_sq_distance"] for row in rows])
    assert (sem < most * exact).all()
    assert (np.abs(mean - exact) < 4 * sem + 1e-12 * exact).all()


def test_short_runs_have_the_exact_second_moments():
    """60 cells with at most 64 k steps at 4 standard errors: a false alarm once in 260 seeds; 2,048 replicates."""
    agree([row for row in ROWS if row["T"] * row["k"] <= 160], 2048, most=0.05)


@pytest.mark.slow
def test_all_golden_cells_with_20480_replicates():
    """120 cells at 4 standard errors: a false alarm once in 130 seeds."""
    assert len(ROWS) == 120
    agree(ROWS, 20480, most=0.02)
