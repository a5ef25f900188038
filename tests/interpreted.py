"""The GPU engine in Triton's interpreter, beside the reference engine: prints how far apart they are, as JSON.

A process of its own, since Triton reads TRITON_INTERPRET when it is imported; test_fused_gpu.py starts it.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import torch

import problems
from riskkit import SGD, SLRLA, Constant, InverseTime, Lookahead, SLRLAAsCoded, Stage
from riskkit.algorithms import HeavyBall, MomentumLookahead, SuffixSGD, WeightedSGD
from riskkit.engines import reference
from riskkit.engines.triton import engine as fused_gpu
from riskkit.rng import philox_triton
from riskkit.rng.streams import Stream, purpose_number
from tests.own_formulas import AdaGrad, Clipped, Growing, Nesterov, ScheduleFree, SignSGD, SoftThreshold

ALGORITHMS = [
    Lookahead(8, 5, 0.5, Constant(0.05)),
    SGD(40, InverseTime(1.0, 20.0)),
    SLRLA([Stage(5, 4, 0.5, Constant(0.1), 0.3, "average"), Stage(2, 10, 0.2, InverseTime(1.0, 10.0), 0.1)]),
    SLRLAAsCoded([Stage(2, 10, 0.7, Constant(0.05), 0.2), Stage(1, 10, 1.0, Constant(0.02), 0.0)], anchor_every=7),
]
ROUNDS = [np.array(rounds) for rounds in ([1, 8], [10, 40], [3, 5, 7], [2, 3])]


SCHEMES = [
    Lookahead(4, 3, 0.5, Constant(0.05), batch=3),
    HeavyBall(10, InverseTime(1.0, 20.0), 0.9, batch=3),
    MomentumLookahead((Stage(2, 3, 0.3, Constant(0.05), 0.3), Stage(2, 2, 1.0, Constant(0.02))), 0.8, 0.01, batch=3),
    HeavyBall(12, Constant(0.05), 0.5, radius=0.05),
    SuffixSGD(12, Constant(0.05)),
    WeightedSGD(9, InverseTime(0.5, 10.0)),
]
OWN = [
    AdaGrad(7, Constant(0.1), radius=0.1, batch=2),
    Nesterov((Stage(2, 3, 0.3, Constant(0.02), 0.3), Stage(2, 2, 1.0, Constant(0.02))), 0.8, batch=2, radius=0.1),
    SignSGD(9, Constant(0.05)),
    Clipped(6, Constant(0.1), 0.1, batch=2),
    SoftThreshold(12, Constant(0.05)),
    ScheduleFree(8, Constant(0.1)),
    Growing(9, 1.1),
    Growing(4, 1e60),
]
OWN_READ = [np.array(r) for r in ([2, 7], [1, 2, 4], [3, 9], [6], [5, 12], [2, 8], [9], [2])]
READ = [np.array(rounds) for rounds in ([1, 4], [3, 10], [1, 2, 4], [12], [5, 6, 7, 12], [2, 9])]


def apart(problem, dtype, algorithms=ALGORITHMS, rounds=ROUNDS, share=1):
    """The largest relative distance of an output and of a path moment; and whether divergences are named alike. Two
    replicates, which draw from the same examples where ``share`` is 2."""
    stream = Stream(3, range(2), dtype=dtype)
    data = problem.sample(stream, 8)[: 2 // share]

    def indices(first, count):
        return stream.indices(8, first, count)

    with reference.one_thread():
        expected = reference.run(problem, algorithms, data, indices, rounds, share=share)
    found = fused_gpu.run(problem, algorithms, data, indices, rounds, share)
    pairs = list(zip(expected, found, strict=True))
    return {
        "theta": max(float(((a.theta - b.theta).norm(dim=-1) / a.theta.norm(dim=-1)).max()) for a, b in pairs),
        "moment": max(float((a.path_moment / b.path_moment - 1).abs().max()) for a, b in pairs),
        "diverged": [[a.diverged_at.tolist(), b.diverged_at.tolist()] for a, b in pairs],
    }


def words():
    """Whether Triton's words and indices are the stream's, bit for bit: every word of the address, seeds of all sizes,
    a count that ends within a program's counters."""
    replicates = [0, 1, 2**31, 2**32 - 1]
    numbers = torch.tensor(replicates)
    same = []
    for seed in (0, 1, 2**31, 2**32 + 5, 2**64 - 1):
        stream = Stream(seed, replicates)
        for first, count in ((0, 3), (2**32 - 100, 300)):
            expected = stream._words("index", first, count)
            own = philox_triton.words(numbers, first, count, purpose_number("index"), seed)
            drawn = philox_triton.words(numbers, first, count, purpose_number("index"), seed, 8191)
            expected_drawn = stream.indices(8191, 4 * first, 4 * count).reshape(-1, count, 4)
            same += [torch.equal(own, expected), torch.equal(drawn, expected_drawn)]
    return same


def main(names):
    answer = {name: apart(getattr(problems, name)(), torch.float64) for name in names}
    answer["single"] = apart(problems.Logistic(dim=5, radius=0.3), torch.float32)
    wild = [Lookahead(20, 1, 1.0, Constant(1e20)), Lookahead(20, 1, 0.5, Constant(0.1))]
    answer["wild"] = apart(problems.MeanEstimation(dim=2), torch.float64, wild, [np.array([3]), np.array([20])])
    many = [Lookahead(4, 3, 0.01 * (c + 1), Constant(0.1)) for c in range(35)]
    assert fused_gpu.blocks(35, 16, 8).C < 35  # a replicate's configurations in several programs
    answer["many"] = apart(problems.Ridge(dim=16), torch.float64, many, [np.array([4])] * 35)
    for name in ("Logistic", "MeanEstimation"):
        answer[f"schemes on {name}"] = apart(getattr(problems, name)(), torch.float64, SCHEMES, READ)
    logistic = problems.Logistic(dim=3, radius=0.3)
    answer["shared"] = apart(logistic, torch.float64, ALGORITHMS[:1], ROUNDS[:1], share=2)
    answer["schemes, shared"] = apart(logistic, torch.float64, SCHEMES[:1], READ[:1], share=2)
    answer["own"] = apart(problems.Logistic(dim=5), torch.float64, OWN, OWN_READ)
    answer["words"] = words()
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
