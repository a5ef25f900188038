"""The coupled run on S with one example replaced: the identity behind stability, and distances known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from problems import LinearOnBall, Logistic, MeanEstimation, MonotoneLink, Ridge, WarpedMean
from riskkit import SGD, Constant, InverseTime, Lookahead, Stream, simulate
from riskkit.engines import reference
from riskkit.engines.choice import Choice
from riskkit.measure.blocks import block_size, keeping, measure_block
from riskkit.measure.coupled import Pair
from riskkit.measure.own import PATH_RISK, PATH_ROOT_RISK, SQUARED_STABILITY
from riskkit.measure.runs import Runs, drawn_indices


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


def test_several_neighbours_are_runs_of_their_own_and_the_first_is_the_only_one():
    problem, n, algorithm = Ridge(dim=3), 6, Lookahead(3, 2, 0.5, Constant(0.3), batch=2)
    stream = Stream(4, range(32))
    data = problem.sample(stream, n)
    pair, alone = Pair.of(problem, stream, data, neighbours=3), Pair.of(problem, stream, data)
    assert torch.equal(pair.coupled[0], alone.coupled[0])
    for neighbour, left_out in zip(pair.coupled, pair.left_out, strict=True):
        moved = (neighbour != data).any(-1)
        assert (moved.sum(1) == 1).all()
        assert torch.equal(data[moved], left_out[:, 0])
    assert not torch.equal(pair.coupled[1], pair.coupled[2])
    runs = Runs([algorithm], [np.array([1, 3])], [Choice("reference", "")], threads=1)
    several, one, squared = (
        measure_block(problem, n, [algorithm], [np.array([1, 3])], ["run"], seed=4, first=0, engine="reference", **own)[
            0
        ].values
        for own in ({"neighbours": 3}, {}, {"neighbours": 3, "quantities": (SQUARED_STABILITY,)})
    )
    R = len(one["stability"])
    with reference.one_thread():
        stream = Stream(4, range(R))
        pair = Pair.of(problem, stream, problem.sample(stream, n), neighbours=3)
        (paths,) = pair.run(problem, runs, lambda sampling: drawn_indices(stream, n, sampling))
    apart = torch.stack([(path.theta - paths.own.theta).norm(dim=-1) for path in paths.coupled]).numpy()
    assert one["stability"] == pytest.approx(apart[0], abs=1e-14)
    assert several["stability"] == pytest.approx(apart.mean(0), abs=1e-14)
    assert squared["squared_stability"] == pytest.approx((apart**2).mean(0), abs=1e-14)
    assert np.array_equal(several["optimization"], one["optimization"])


@pytest.mark.parametrize("engine", ["reference", "fused_cpu"])
def test_runs_that_read_the_rows_of_S_are_those_on_neighbours_written_out(engine):
    """To the last bit, on plain steps and schemes, with a lane a configuration and a lane a replicate."""
    problem, n, R = Ridge(dim=3), 6, 32
    algorithms = [
        Lookahead(3, 2, 0.5, Constant(0.3), batch=2),
        SGD(9, Constant(0.2)),
        Lookahead(2, 3, 0.5, Constant(0.3)),
    ]
    stream = Stream(4, range(R))
    pair = Pair.of(problem, stream, problem.sample(stream, n), neighbours=3)
    for own in (algorithms, [algorithms[1]] * 9):
        rounds = [np.array([1, algorithm.rounds]) for algorithm in own]
        runs = Runs(own, rounds, [Choice(engine, "")] * len(own), threads=2)
        with reference.one_thread():
            found = pair.run(problem, runs, lambda sampling: drawn_indices(stream, n, sampling))
            for q, data in enumerate((pair.data, *pair.coupled)):
                expected = runs.on(problem, data, lambda sampling: drawn_indices(stream, n, sampling))
                for path, paths in zip(expected, found, strict=True):
                    run = (paths.own, *paths.coupled)[q]
                    assert torch.equal(path.theta, run.theta)
                    assert torch.equal(path.path_moment, run.path_moment)
                    assert torch.equal(path.diverged_at, run.diverged_at)


def test_runs_on_datasets_that_were_kept_are_those_on_datasets_drawn_anew():
    """To the last bit; those of the block before are let go."""
    runs = [SGD(9, Constant(0.3)), Lookahead(3, 2, 0.5, Constant(0.3))]

    def values(first: int) -> list[dict[str, np.ndarray]]:
        measured = measure_block(Logistic(dim=3), 6, runs, [np.array([3]), np.array([3])], "ab", seed=4, first=first)
        return [run.values | run.dataset for run in measured]

    anew = values(0)
    with keeping() as kept:
        again = [values(0), values(256), values(256), values(0)]
        assert len(kept) == 1
    for one, other in zip(anew * 2, [*again[0], *again[3]], strict=True):
        assert {name: value.tobytes() for name, value in one.items()} == {n: v.tobytes() for n, v in other.items()}
    assert (again[1][0]["excess"] == again[2][0]["excess"]).all()
    assert (again[1][0]["excess"] != anew[0]["excess"]).any()


@pytest.mark.parametrize("batch", [1, 3])
def test_means_along_the_path_are_of_the_iterates_before_each_step(batch):
    problem, n, J = Ridge(dim=3), 6, 9
    quantities = (PATH_RISK, PATH_ROOT_RISK)
    runs = [SGD(J, Constant(0.3), batch=batch), Lookahead(3, 2, 0.5, Constant(0.3), batch=batch)]
    rounds = [np.array([4, 9]), np.array([3])]
    first, second = measure_block(
        problem, n, runs, rounds, ["sgd", "lookahead"], seed=4, first=0, quantities=quantities
    )
    assert first.engine == "reference"
    every = simulate(problem, runs[0], n=n, replicates=len(first.values["path_risk"]), seed=4, rounds=range(1, J + 1))
    data = problem.sample(Stream(4, range(len(every.theta))), n)
    at_start = torch.zeros(len(data), 1, 3, dtype=torch.float64)
    iterates = torch.cat([at_start, torch.as_tensor(every.theta[:, :-1, 0])], dim=1)
    risks = problem.empirical_risk(iterates, data).numpy()
    for slot, steps in enumerate((4, 9)):
        assert first.values["path_risk"][:, slot, 0] == pytest.approx(risks[:, :steps].mean(1))
        assert first.values["path_root_risk"][:, slot, 1] == pytest.approx(np.sqrt(risks[:, :steps]).mean(1))
    assert second.values["path_risk"].shape == (len(data), 1, 2)
    assert (second.values["path_root_risk"] ** 2 <= second.values["path_risk"]).all()
    with pytest.raises(ValueError, match="path_risk is noted at every step"):
        measure_block(
            problem,
            n,
            [SGD(2, Constant(0.3))],
            [np.array([2])],
            ["x"],
            seed=4,
            first=0,
            engine="fused",
            quantities=quantities,
        )
