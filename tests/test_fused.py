"""The fused CPU engine against the reference engine on the same examples and index stream, and against itself."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import problems
from problems import LinearOnBall, Logistic, MeanEstimation, PowerLawLeastSquares, Ridge
from riskkit import SGD, SLRLA, Constant, InverseTime, Lookahead, SLRLAAsCoded, Stage, simulate, vectors
from riskkit.engines import formulas, reference, schedule
from riskkit.engines.numba import compiled, schemes
from riskkit.engines.numba import engine as fused_cpu
from riskkit.problem import Coordinatewise, Linear
from riskkit.rng.streams import Stream

FAST = [name for name in problems.__all__ if hasattr(getattr(problems, name)(), "formula")]
SINGLE = ["Logistic", "PowerLawLeastSquares", "SinePerturbedQuadratic"]
"""Compiled in single precision as well by the default tests; the others are slow."""

STAGED = [
    Lookahead(200, 5, 0.5, Constant(0.05)),
    SGD(1000, InverseTime(1.0, 20.0)),
    SLRLA([Stage(50, 4, 0.5, Constant(0.1), 0.3, "average"), Stage(40, 20, 0.2, InverseTime(1.0, 10.0), 0.1)]),
    SLRLAAsCoded([Stage(60, 10, 0.7, Constant(0.05), 0.2), Stage(40, 10, 1.0, Constant(0.02), 0.0)], anchor_every=7),
    Lookahead(333, 3, 0.1, InverseTime(2.0, 9.0)),
    SLRLA([Stage(30, 1, 0.3, Constant(0.1), output="average"), Stage(97, 10, 1.0, Constant(0.02), 0.4)]),
]
ROUNDS = [
    np.array(r) for r in ([1, 7, 200], [10, 256, 257, 1000], [30, 50, 60, 90], [3, 61, 100], [333], [30, 31, 127])
]


def both(problem, algorithms, rounds, n=30, replicates=5, dtype=torch.float64, threads=1, data=None):
    stream = Stream(3, range(replicates), dtype=dtype)
    data = problem.sample(stream, n) if data is None else data

    def indices(first, count):
        return stream.indices(n, first, count)

    with reference.one_thread():
        expected = reference.run(problem, algorithms, data, indices, rounds)
    return expected, fused_cpu.run(problem, algorithms, data, indices, rounds, threads)


def agree(expected, found, tolerance):
    for one, other in zip(expected, found, strict=True):
        size = one.theta.norm(dim=-1)
        apart = (one.theta - other.theta).norm(dim=-1)
        assert (apart <= tolerance * size).all(), f"{float((apart / size).max()):.1e}"
        torch.testing.assert_close(other.path_moment, one.path_moment, rtol=tolerance, atol=0)
        assert torch.equal(one.diverged_at, other.diverged_at)


def same_bits_alone(problem, made, ends, others):
    """Each run by itself, of 4 replicates, has the bits that it has in other companies: ``others`` are found runs, or
    more of the same, in the order of ``made``."""
    for i, own in enumerate(made):
        _, (alone,) = both(problem, [own], ends[i : i + 1], replicates=4)
        for other in (one for found in others for one in found[i :: len(made)]):
            assert torch.equal(alone.theta[:, -1], other.theta[:4, -1])
            assert torch.equal(alone.path_moment[:, -1], other.path_moment[:4, -1])


@pytest.mark.parametrize("name", FAST)
def test_the_engines_agree_in_double_precision(name):
    """Every output, stages, anchors and projection included, over 1,000 steps."""
    problem = getattr(problems, name)()
    agree(*both(problem, STAGED, ROUNDS, n=8 if name == "MonotoneLink" else 30), 1e-10)


@pytest.mark.parametrize("name", [n if n in SINGLE else pytest.param(n, marks=pytest.mark.slow) for n in FAST])
def test_the_engines_agree_in_single_precision(name):
    problem = getattr(problems, name)()
    algorithms, rounds = STAGED * 2, ROUNDS * 2
    agree(*both(problem, algorithms, rounds, n=8 if name == "MonotoneLink" else 30, dtype=torch.float32), 5e-6)


@pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 9, 33])
@pytest.mark.parametrize("problem", [Ridge, LinearOnBall])
def test_the_engines_agree_in_every_dimension_with_and_without_projection(problem, dim):
    made = problem(dim=dim, radius=0.05) if problem is LinearOnBall else problem(dim=dim)
    expected, found = both(made, STAGED, ROUNDS)
    agree(expected, found, 1e-10)
    if problem is LinearOnBall:
        assert max(float(path.theta.norm(dim=-1).max()) for path in expected) >= 0.05 * (1 - 1e-12)  # the ball was felt


@pytest.mark.parametrize("configurations", [1, 2, 3, 4])
def test_few_configurations_share_a_vector_among_replicates(configurations):
    agree(*both(Logistic(dim=5), STAGED[:configurations], ROUNDS[:configurations], replicates=11), 1e-10)


def test_a_run_has_the_same_bits_in_any_company_and_on_any_number_of_threads():
    problem = Logistic(dim=7, radius=0.5)
    _, together = both(problem, STAGED * 3, ROUNDS * 3, replicates=13)
    _, threaded = both(problem, STAGED * 3, ROUNDS * 3, replicates=13, threads=3)
    for i, algorithm in enumerate(STAGED):
        _, (alone,) = both(problem, [algorithm], [ROUNDS[i]], replicates=13)
        _, (fewer,) = both(problem, [algorithm], [ROUNDS[i]], replicates=4)
        for other in (together[i], together[i + 6], together[i + 12], threaded[i]):
            assert torch.equal(alone.theta, other.theta)
            assert torch.equal(alone.path_moment, other.path_moment)
        assert torch.equal(fewer.theta, alone.theta[:4])


@pytest.mark.parametrize(
    "made", [STAGED, [dataclasses.replace(one, batch=3) for one in STAGED]], ids=["plain", "batches"]
)
def test_replicates_that_share_banks_leave_the_bits_as_they_are(made, monkeypatch):
    """However many share them, full banks and banks with spare lanes, longer and shorter ones; not a whole group."""
    found = []
    for together in (1, 2, 4, 8):
        for owner in (fused_cpu, schemes):
            monkeypatch.setattr(owner, "sharing", lambda *_, together=together: together)
        found.append(both(Logistic(dim=7, radius=0.5), made, ROUNDS, replicates=13)[1])
    for paths in found[1:]:
        for one, other in zip(found[0], paths, strict=True):
            assert torch.equal(one.theta, other.theta)
            assert torch.equal(one.path_moment, other.path_moment)
            assert torch.equal(one.diverged_at, other.diverged_at)


@pytest.mark.parametrize(
    ("lengths", "replicates", "most", "expected"),
    [
        ([100] * 8, 512, 8, 1),  # a bank is full
        ([100] * 3, 512, 8, 8),  # spare lanes in any fewer
        ([100] * 3, 512, 5, 2),  # as many as the cache holds
        ([100] * 2, 512, 8, 4),  # one full bank
        ([2**e for e in range(4, 12)], 512, 8, 8),  # lanes that wait for the longest
        ([100] * 6, 512, 8, 1),  # two spare lanes cost less than bringing rows together
        ([100], 4, 8, 4),
    ],
)
def test_replicates_share_banks_where_that_is_faster(lengths, replicates, most, expected):
    assert schedule.members(lengths, 8, replicates, most) == expected


@pytest.mark.parametrize(
    "problem",
    [PowerLawLeastSquares(dim=7, radius=None), Ridge(dim=6, lam=0.2, radius=0.15), Logistic(dim=5, radius=50.0)],
    ids=["free", "projected", "far from the ball"],
)
def test_what_comes_between_two_steps_in_one_lane_leaves_the_bits_of_the_others(problem):
    """Steps go in pairs: mixings, readings, stages, pulls and projections after odd numbers of gradients, or none."""
    step = InverseTime(2.0, 5.0)
    algorithms = [
        SGD(45, step),
        Lookahead(45, 1, 0.5, step),
        Lookahead(15, 3, 0.3, step),
        Lookahead(9, 5, 0.7, step),
        Lookahead(11, 4, 0.5, step),
        SLRLA([Stage(7, 1, 0.5, step, 0.0, "average"), Stage(5, 3, 1.0, step), Stage(4, 2, 0.2, step, 0.0, "average")]),
        SLRLAAsCoded([Stage(9, 1, 0.5, step, 0.3), Stage(6, 3, 0.6, step, 0.0)], anchor_every=5),
    ]
    ends = [np.array([a.rounds]) for a in algorithms]
    every = [np.arange(1, a.rounds + 1) for a in algorithms]
    alone = [both(problem, [a], [end], replicates=9)[1][0] for a, end in zip(algorithms, ends, strict=True)]
    expected, found = both(problem, algorithms, every, replicates=9)
    agree(expected, found, 1e-12)
    _, many = both(problem, algorithms[::-1] * 3, ends[::-1] * 3, replicates=9)
    for one, *others in zip(alone, found, many[6::-1], many[13:6:-1], strict=True):
        for other in others:
            assert torch.equal(one.theta[:, -1], other.theta[:, -1])
            assert torch.equal(one.path_moment[:, -1], other.path_moment[:, -1])


def test_checkpoints_do_not_change_the_bits():
    _, (few,) = both(Ridge(), STAGED[:1], [np.array([200])])
    _, (many,) = both(Ridge(), STAGED[:1], [np.arange(1, 201)])
    assert torch.equal(few.theta[:, 0], many.theta[:, -1])


def test_chunks_do_not_change_the_bits(monkeypatch):
    _, whole = both(Logistic(dim=5), STAGED, ROUNDS)
    monkeypatch.setattr(fused_cpu, "TABLE", 1)
    _, parts = both(Logistic(dim=5), STAGED, ROUNDS)
    for one, other in zip(whole, parts, strict=True):
        assert torch.equal(one.theta, other.theta)


def test_alpha_one_is_sgd_bit_for_bit():
    for problem in (Logistic(dim=6), MeanEstimation(dim=4)):
        algorithms = [
            SGD(60, InverseTime(1.0, 2.0)),
            *(Lookahead(60 // k, k, 1.0, InverseTime(1.0, 2.0)) for k in (2, 5)),
        ]
        _, found = both(problem, algorithms, [np.array([a.rounds]) for a in algorithms])
        for other in found[1:]:
            assert torch.equal(found[0].theta, other.theta)


def test_divergence_is_named_as_by_the_reference_engine():
    problem = MeanEstimation(dim=4)
    algorithms = [Lookahead(1000, 1, 1.0, Constant(h)) for h in (4.0, 0.1)] + [Lookahead(300, 3, 0.5, Constant(40.0))]
    rounds = [np.array([100, 250, 1000])] * 2 + [np.array([10, 300])]
    data = torch.as_tensor(np.random.default_rng(0).normal(size=(5, 30, 4)))
    data[3, 7] = 1e300
    expected, found = both(problem, algorithms, rounds, data=data)
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.diverged_at, other.diverged_at)
    assert (found[0].diverged_at > 0).all()
    assert found[1].diverged_at.ge(0).tolist() == [False, False, False, True, False]


def test_a_span_gone_through_again_is_the_same_to_the_neighbours():
    """A lane that leaves the range sends its bank back to the span's start: parameters, stage, anchor and moment."""
    problem = problems.MeanEstimation(dim=3)
    stream = Stream(1, range(3))
    data = problem.sample(stream, 8)
    tame = SLRLA([Stage(5, 4, 0.5, Constant(0.1), 0.3, "average"), Stage(4, 5, 0.2, Constant(0.05), 0.1)])
    wild = Lookahead(40, 1, 1.0, Constant(1e20))
    rounds = np.array([2, 5, 9])

    def run(*algorithms):
        return fused_cpu.run(
            problem, algorithms, data, lambda j, c: stream.indices(8, j, c), [rounds] * len(algorithms)
        )

    (alone,) = run(tame)
    _, beside = run(wild, tame)
    assert torch.equal(alone.theta, beside.theta)
    assert torch.equal(alone.path_moment, beside.path_moment)


def test_trajectories_meet_the_golden_ones():
    golden = json.loads((Path(__file__).parent / "reference" / "trajectories.json").read_text())

    @dataclasses.dataclass(frozen=True)
    class Given:
        formula: Linear
        name: str = "given"
        dim: int = 3
        start: tuple[float, ...] = (0.0, 0.0, 0.0)
        radius: None = None

    data = torch.as_tensor(np.column_stack([golden["X"], golden["y"]]))[None]
    indices = torch.as_tensor(golden["indices"])[None]
    for case in golden["cases"]:
        slope = (Ridge() if case["loss"] == "squared" else Logistic()).formula.slope
        algorithm = SLRLA(
            [Stage(s["T"], s["k"], s["alpha"], Constant(s["eta"]), s["beta"], s["output"]) for s in case["stages"]]
        )
        (path,) = fused_cpu.run(
            Given(Linear(slope, 0.0, case["lam"])),
            [algorithm],
            data,
            lambda first, count: indices[:, first : first + count],
            [np.arange(1, algorithm.rounds + 1)],
        )
        np.testing.assert_allclose(path.theta[0, :, 0], case["slow"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dtype", "ulps"), [("float64", 1.5), ("float32", 1.5)])
def test_elementary_functions_of_lanes(dtype, ulps):
    kind = np.dtype(dtype)
    x = np.random.default_rng(0).uniform(-80, 80, 2**12).astype(kind)
    exp, sin, cos = (np.empty_like(x) for _ in range(3))

    @vectors.fragment
    def fill(x, exp, sin, cos, width):
        for i in range(0, len(x), width):
            a = vectors.load(x, i)
            vectors.store(exp, i, math.exp(a))
            vectors.store(sin, i, math.sin(a))
            vectors.store(cos, i, math.cos(a))

    import numba

    numba.njit(fill.py_func)(x, exp, sin, cos, vectors.count(kind))
    eps, wide = np.finfo(kind).eps, x.astype(np.float64)
    assert np.abs(exp / np.exp(wide) - 1).max() <= ulps * eps
    assert max(np.abs(sin - np.sin(wide)).max(), np.abs(cos - np.cos(wide)).max()) <= ulps * eps


def branching(u: float, y: float, delta: float) -> float:
    """Huber's slope."""
    r = u - y
    if abs(r) <= delta:
        return r
    return math.copysign(delta, r)


@dataclasses.dataclass(frozen=True)
class Huber:
    formula: Linear | Coordinatewise
    dim: int = 4
    name: str = "Huber"
    start: tuple[float, ...] = (0.0,) * 4
    radius: None = None

    def gradient(self, theta, z):
        x, y = z[..., :-1], z[..., -1:]
        return ((x * theta).sum(-1, keepdim=True) - y).clamp(-0.5, 0.5) * x


def test_a_formula_with_a_branch_runs_lane_by_lane():
    data = torch.as_tensor(np.random.default_rng(0).normal(size=(5, 30, 5)))
    agree(*both(Huber(Linear(branching, 0.5)), STAGED, ROUNDS, data=data), 1e-10)


def test_formulas_that_cannot_be_compiled_are_refused_with_the_reason():
    assert fused_cpu.refusal(Huber(Linear(branching, 0.5))) is None
    assert fused_cpu.refusal(Huber(Linear(lambda u, y, _: np.tanh(u - y)))) == "<lambda> of its formula uses np"
    local = 2.0
    reason = fused_cpu.refusal(Huber(Linear(lambda u, y, _: local * u)))
    assert reason == "<lambda> of its formula uses variables of an enclosing function"
    assert fused_cpu.refusal(problems.ErfCommittee()) == "erf committee has no formula"


def test_compiled_code_is_found_on_disk_by_the_next_process():
    part = formulas.part(PowerLawLeastSquares().formula)
    both(PowerLawLeastSquares(), STAGED, ROUNDS)
    script = (
        "import numpy as np\nfrom tests.test_fused import *\n"
        "both(PowerLawLeastSquares(), STAGED, ROUNDS)\n"
        "stats = compiled.kernel(formulas.part(PowerLawLeastSquares().formula)).advance.stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))\n"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "0"]
    assert part == formulas.part(PowerLawLeastSquares().formula)


@pytest.mark.parametrize("loop", compiled.LOOPS)
def test_the_compiled_code_is_named_after_every_file_that_decides_it(loop):
    """All modules of riskkit that the loop uses, directly or not, are hashed."""
    root = Path(vectors.__file__).parent.parent
    hashed, seen, waiting = set(compiled.sources(loop)), set(), [compiled.sources(loop)[0]]
    while waiting:
        file = waiting.pop()
        assert file in hashed
        seen.add(file)
        for name in re.findall(r"^from riskkit\.([\w.]+) import", file.read_text(), flags=re.M):
            module = root / name.replace(".", "/")
            used = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
            waiting += [used] if used not in seen else []
    assert set((root / "vectors").glob("*.py")) <= hashed


@dataclasses.dataclass(frozen=True)
class Own:
    """A method of one's own; only its name matters here."""

    name: str = "mine"
    steps: int = 3


def test_auto_takes_the_fused_engine_where_it_covers_the_run_and_says_why():
    fast = simulate(MeanEstimation(dim=4), SGD(50, Constant(0.1)), n=20, replicates=40)
    assert fast.engine == ("fused_cpu", "the problem has a formula, and the device is cpu")
    slow = simulate(MeanEstimation(dim=4), SGD(50, Constant(0.1)), n=20, replicates=40, engine="reference")
    assert slow.engine == ("reference", "asked for")
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=0, atol=1e-14)
    committee = simulate(problems.ErfCommittee(), SGD(5, Constant(0.1)), n=20, replicates=4)
    assert committee.engine == ("reference", "erf committee has no formula")
    with pytest.raises(
        ValueError, match=r"^engine fused: mine is no staged lookahead, and has no scheme; use auto or reference\.$"
    ):
        simulate(MeanEstimation(dim=4), Own(), n=20, replicates=4, engine="fused")
