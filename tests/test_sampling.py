"""How examples are drawn: the theorems' way, and others that the oracle must tell from it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from problems import MeanEstimation
from riskkit import SGD, Constant, Lookahead, simulate
from riskkit.algorithms.staged import SAMPLINGS
from riskkit.measure.blocks import measure_block
from riskkit.measure.runs import drawn_indices
from riskkit.rng.streams import Stream
from riskkit.theory import exact_moments
from riskkit.theory.zhou2021 import convex, slrla


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_faults_of_the_sampling_are_caught(sampling):
    """SGD on mean estimation, 24 steps on 12 examples, 20,000 replicates: independent draws within 4 standard errors of
    the oracle, each fault more than 6 off it, and covered by no theorem."""
    n, steps, R = 12, 24, 20_000
    problem, algorithm = MeanEstimation(dim=3), dataclasses.replace(SGD(steps, Constant(0.2)), sampling=sampling)
    m = simulate(problem, algorithm, n=n, replicates=R, seed=1)
    moments = exact_moments.step_moments(Constant(0.2), 1.0, 1, 1.0, [steps])
    exact = float((moments.m2[0] * (1 + 1 / n) + moments.u[0] * (1 - 1 / n)) / 2)
    z = (m.optimization.mean() - exact) / (m.optimization.std(ddof=1) / math.sqrt(R))
    honest = sampling == "with replacement"
    assert abs(z) < 4 if honest else abs(z) > 6
    reason = convex.GENERALIZATION_LAST.excludes(problem, algorithm)
    assert (reason is None) == honest
    assert (slrla.stability_excluded(problem.constants, algorithm) is None) == honest
    if not honest:
        theorem = "Theorem 1 (paper: Theorem 3)"
        assert reason == f"{theorem} needs examples drawn independently, with replacement; got {sampling}."


@pytest.mark.parametrize("engine", ["reference", "fused"])
def test_each_run_of_a_batch_has_its_own_sampling(engine):
    """Runs of all samplings beside each other are what they are alone."""
    problem, step = MeanEstimation(dim=3), Constant(0.2)
    plans = [dataclasses.replace(Lookahead(6, 3, 0.5, step), sampling=sampling) for sampling in SAMPLINGS]
    rounds, names = [np.array([2, 6])] * len(SAMPLINGS), list(SAMPLINGS)
    together = measure_block(problem, 7, plans, rounds, names, seed=1, first=0, engine=engine)
    for plan, one in zip(plans, together, strict=True):
        alone = simulate(problem, plan, n=7, replicates=len(one.diverged_at), seed=1, rounds=[2, 6], engine=engine)
        assert np.array_equal(one.values["optimization"], alone.values["optimization"])


def test_one_shuffle_repeats_its_first_pass_and_a_full_batch_is_the_full_gradient():
    n = 5
    stream = Stream(3, range(4))
    once = drawn_indices(stream, n, "one shuffle")
    assert torch.equal(once(0, n), stream.shuffled(n, 0, n))
    assert torch.equal(once(3, 9), torch.cat([once(0, n)] * 3, dim=1)[:, 3:12])
    assert torch.equal(once(0, n).sort(1).values, torch.arange(n).expand(4, -1))
    full = dataclasses.replace(SGD(3, Constant(0.2), batch=n), sampling="without replacement")
    m = simulate(MeanEstimation(dim=2), full, n=n, replicates=32, seed=1, rounds=[1, 3])
    assert m.at("distance", 3) == pytest.approx(m.dataset["start_distance"] * 0.8**6, rel=1e-9)
    own = simulate(MeanEstimation(dim=2), full, n=n, replicates=32, seed=1, engine="reference")
    assert own.at("distance") == pytest.approx(m.dataset["start_distance"] * 0.8**6, rel=1e-9)
