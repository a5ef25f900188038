"""Everything that is to be found out on a GPU, in one script of under 12 minutes, each part with a limit of its own.

    python benchmarks/gpu_day.py OUT                  with a card: four parts, their words in OUT/<part>.txt
    python benchmarks/gpu_day.py OUT --interpreted    on a CPU, in Triton's interpreter: the first part alone, tiny
    python benchmarks/gpu_day.py OUT --only agreement --formulas Ridge Logistic

agreement: every formula against the reference engine on the same examples and index stream, in both precisions, stages,
anchors, projection, batches, momentum and a divergence included. table: ``benchmarks/gpu.py``, with its floors. sweep:
two experiments at paper size, with ``--device cuda``. registers: what the compiler made of the loops.

A part that fails, or takes too long, costs no other. Exit status 0 if all came through and all formulas agree.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMITS = {"agreement": 180, "table": 210, "sweep": 240, "registers": 60}
"""Seconds; the most important first."""
ALLOWED = {"float64": 1e-10, "float32": 5e-6}
"""Relative distance of the outputs over 1,000 steps (docs/performance.md)."""


def agreement(names: list[str], tiny: bool) -> int:
    """How far apart the two engines are, formula by formula; the number of those that do not agree."""
    sys.path.insert(0, str(ROOT))
    import numpy as np
    import torch

    import problems
    from riskkit import SGD, SLRLA, Constant, HeavyBall, InverseTime, Lookahead, SLRLAAsCoded, Stage
    from riskkit.engines import reference
    from riskkit.engines.triton import engine as fused_gpu
    from riskkit.rng.streams import Stream

    device, R, times = ("cpu", 2, 1) if tiny else ("cuda", 64, 25)
    staged = [
        Lookahead(8 * times, 5, 0.5, Constant(0.05)),
        SGD(40 * times, InverseTime(1.0, 20.0)),
        SLRLA(
            [Stage(5 * times, 4, 0.5, Constant(0.1), 0.3, "average"), Stage(2 * times, 10, 0.2, Constant(0.05), 0.1)]
        ),
        SLRLAAsCoded([Stage(2 * times, 10, 0.7, Constant(0.05), 0.2)], anchor_every=7),
        Lookahead(2 * times, 5, 0.5, Constant(0.05), batch=3),
    ]
    wild = Lookahead(4, 1, 1.0, Constant(1e20))
    reads = ([1, 8 * times], [40 * times], [5 * times, 7 * times], [2 * times], [2 * times], [10 * times], [4])
    rounds = [np.array(read) for read in reads]
    wrong = 0
    for name in names or [n for n in problems.__all__ if hasattr(getattr(problems, n)(), "formula")]:
        problem = getattr(problems, name)()
        heavy = HeavyBall(10 * times, Constant(0.01), radius=problem.radius)
        algorithms = [*staged, heavy, wild]
        for kind, allowed in ALLOWED.items():
            began = time.perf_counter()
            stream = Stream(3, range(R), dtype=getattr(torch, kind), device=device)
            n = 8 if tiny else min(64, getattr(problem, "largest_n", 64))
            data = problem.sample(stream, n)

            def indices(first: int, count: int, stream: Stream = stream, n: int = n) -> torch.Tensor:
                return stream.indices(n, first, count)

            expected = reference.run(problem, algorithms, data, indices, rounds)
            found = fused_gpu.run(problem, algorithms, data, indices, rounds)
            pairs = list(zip(expected, found, strict=True))
            far = [((a.theta - b.theta).norm(dim=-1) / a.theta.norm(dim=-1)).flatten() for a, b in pairs[:-1]]
            apart = float(torch.cat(far).max())  # nan where an output is, which agrees with nothing
            alike = all(torch.equal(a.diverged_at, b.diverged_at) for a, b in pairs)
            agree = apart <= allowed and alike
            wrong += not agree
            told = "agrees" if agree else "DOES NOT AGREE"
            print(
                f"{name:24} {kind} {told}: {apart:.1e} of {allowed:.0e}, {time.perf_counter() - began:.1f} s",
                flush=True,
            )
    return wrong


def part(name: str, out: Path, words: list[str]) -> bool:
    """Runs a part as a process of its own; True if it came through within its limit."""
    began, end = time.monotonic(), "came through"
    with open(out / f"{name}.txt", "w") as told:
        try:
            done = subprocess.run(
                [sys.executable, *words],
                cwd=ROOT,
                stdout=told,
                stderr=subprocess.STDOUT,
                timeout=LIMITS[name],
                check=False,
            )
            end = end if done.returncode == 0 else f"ended with status {done.returncode}"
        except subprocess.TimeoutExpired:
            end = f"was stopped after {LIMITS[name]} s"
    print(f"{name}: {end}, {time.monotonic() - began:.0f} s; {out / f'{name}.txt'}", flush=True)
    return end == "came through"


def main() -> int:
    sys.path.insert(0, str(ROOT))
    from riskkit.cli.common import Parser

    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--interpreted", action="store_true", help="in Triton's interpreter, on a CPU, tiny")
    parser.add_argument("--only", choices=LIMITS, help="one part")
    parser.add_argument("--formulas", nargs="*", default=[], help="of these problems only")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        return min(agreement(arguments.formulas, arguments.interpreted), 1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    own = ["benchmarks/gpu_day.py", str(arguments.out), "--here", *(["--interpreted"] if arguments.interpreted else [])]
    if arguments.formulas:
        own += ["--formulas", *arguments.formulas]
    if arguments.interpreted:
        os.environ["TRITON_INTERPRET"] = "1"
    parts = {
        "agreement": own,
        "table": ["benchmarks/gpu.py"],
        "sweep": [
            *("-m", "riskkit.sweep", "theorem2_exponents", "theorem1_attained", "--paper", "--device", "cuda"),
            *("--out", str(arguments.out / "results")),
        ],
        "registers": ["benchmarks/gpu.py", "--registers"],
    }
    wanted = ["agreement"] if arguments.interpreted else [arguments.only] if arguments.only else list(parts)
    came = [part(name, arguments.out, parts[name]) for name in wanted]
    return 0 if all(came) else 1


if __name__ == "__main__":
    sys.exit(main())
