"""The coupled run on S with one example replaced: the identity behind stability, and distances known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from problems import LinearOnBall, Logistic, MeanEstimation, MonotoneLink, WarpedMean
from riskkit import Constant, InverseTime, Lookahead, Stream, simulate
from riskkit.measure.blocks import block_size


def test_on_the_linear_loss_the_distance_counts_the_visits():
    """theta_T = alpha eta sum z_{i_j} inside the ball: the runs differ by alpha eta N_i (z' - z_i), exactly."""
    problem, n, T, k, alpha, eta = LinearOnBall(dim=3, radius=100.0), 10, 6, 4, 0.3, 0.1
    replicates = block_size(problem, n)
    m = simulate(problem, Lookahead(T, k, alpha, Constant(eta)), n=n, replicates=replicates, rounds=[2, 6])
    stream = Stream(0, range(replicates))
    i = (stream.words("replaced", 1, 1)[:, 0, 0] * n) >> 32
    old = problem.sample(stream, n)[torch.arange(replicates), i]
    fresh = problem.sample(Stream(0, range(replicates), family="fresh "), 1)[:, 0]
    for rounds in (2, 6):
        visits = (stream.indices(n, 0, rounds * k) == i[:, None]).sum(1)
        expected = alpha * eta * visits.double() * (fresh - old).norm(dim=1)
        assert np.allclose(m.at("stability", T=rounds), expected, rtol=1e-12, atol=1e-14)
    assert (m.at("path_stability") >= m.at("stability", T=2)).all()
    assert (m.at("path_stability") >= m.at("stability")).all()


@pytest.mark.parametrize(
    ("problem", "step"),
    [
        (MeanEstimation(dim=4), InverseTime(1.0, 2)),
        (Logistic(dim=4, radius=5.0), Constant(0.5)),
        (WarpedMean(), InverseTime(1.0, 20)),
        (MonotoneLink(), Constant(0.01)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_replace_one_identity(problem, step):
    """|z| < 4 for both outputs of four problems: a false alarm once in 2,000 seeds; and precise enough to mean it."""
    m = simulate(problem, Lookahead(24, 5, 0.5, step), n=8, replicates=6000, seed=3)
    for output in ("last", "average"):
        direct = m.at("generalization", output=output) - m.dataset["control"]
        gap = m.at("replace_one", output=output) - direct
        sem = gap.std(ddof=1) / np.sqrt(len(gap))
        assert abs(gap.mean()) < 4 * sem
        assert sem < 0.15 * direct.mean()


def test_the_fresh_example_is_independent_of_the_sample():
    stream = Stream(5, range(4))
    fresh = Stream(5, range(4), family="fresh ")
    assert not torch.equal(stream.normals("examples", 1, 4), fresh.normals("examples", 1, 4))
    assert torch.equal(fresh.normals("examples", 1, 4), Stream(5, range(4)).normals("fresh examples", 1, 4))


def test_on_given_examples_there_is_no_coupled_run():
    data = np.random.default_rng(0).normal(size=(6, 2))
    m = simulate(MeanEstimation(dim=2), Lookahead(3, 2, 0.5, Constant(0.1)), data=data, replicates=3)
    assert "stability" not in m.values
    with pytest.raises(KeyError, match="quantity must be one of"):
        m.at("replace_one")
