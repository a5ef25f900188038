"""The fused GPU engine beside eager torch and CUDA graphs of torch, on one GPU: picoseconds a configuration step.

    python benchmarks/gpu.py               d in 8, 32, 128 and R in 256, 4096, 65536, 16 configurations, squared loss
    python benchmarks/gpu.py --quick       d = 32, R = 4096 only
    python benchmarks/gpu.py --registers   needs no GPU: every formula's loop and the stream's words compiled for an
                                           H100: registers a thread, bytes that went to memory

Every way runs Lookahead (k = 5) on the same examples and index stream in float32, which is checked by comparing the
slow weights. Beside the times stand two floors, measured on the same card: reading each example once from memory at the
rate of a copy, and eight operations for each parameter of each step at the rate of a matrix product (no tensor cores).
"""

from __future__ import annotations

import argparse
import itertools
import math
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import problems  # noqa: E402
from problems import PowerLawLeastSquares  # noqa: E402
from riskkit import Constant, Lookahead  # noqa: E402
from riskkit.algorithms.formulas import HEAVY_BALL, Formulas  # noqa: E402
from riskkit.algorithms.tracing import traced  # noqa: E402
from riskkit.cli.common import Parser  # noqa: E402
from riskkit.engines import formulas, reference  # noqa: E402
from riskkit.engines.triton import engine as fused_gpu  # noqa: E402
from riskkit.problem import Linear  # noqa: E402
from riskkit.rng.streams import Stream  # noqa: E402

K, ETA, C, N = 5, 0.05, 16, 128
FUSED_STEPS, TORCH_STEPS = 2000, 100
OPERATIONS = 8
"""For each parameter and step: dot product 2, gradient 1, its square 2, sum of iterates 1, update 2."""


class Case:
    """Examples (R, n, d + 1), index stream (R, steps) and outer steps (C, 1) on the card."""

    def __init__(self, d: int, R: int, device: str) -> None:
        self.d, self.R, self.device = d, R, device
        self.problem = PowerLawLeastSquares(dim=d, radius=None)
        self.stream = Stream(0, range(R), torch.float32, device)
        self.data = self.problem.sample(self.stream, N)
        self.index = self.stream.indices(N, 0, FUSED_STEPS).contiguous()
        self.alphas = np.linspace(0.1, 0.9, C)
        self.alpha = torch.tensor(self.alphas, dtype=torch.float32, device=device)[:, None]


def engine(case: Case, run: Callable[..., list[reference.Path]], steps: int) -> Callable[[], Tensor]:
    algorithms = [Lookahead(steps // K, K, float(alpha), Constant(ETA)) for alpha in case.alphas]
    rounds = [np.array([steps // K])] * C

    def go() -> Tensor:
        paths = run(case.problem, algorithms, case.data, lambda j, n: case.index[:, j : j + n], rounds)
        return torch.stack([path.theta[:, 0, 0] for path in paths], dim=1)

    return go


def eager(case: Case, steps: int) -> Callable[[], Tensor]:
    """torch by hand, (R, C, d) in one batch."""
    slow, v = (torch.zeros(case.R, C, case.d, device=case.device) for _ in range(2))
    row = torch.arange(case.R, device=case.device)
    order = case.index[:, :steps].contiguous()

    def go() -> Tensor:
        slow.zero_()
        v.zero_()
        for j in range(0, steps, K):
            one_round(case, slow, v, row, order[:, j : j + K])
        return slow

    return go


def one_round(case: Case, slow: Tensor, v: Tensor, row: Tensor, order: Tensor) -> None:
    for j in range(K):
        z = case.data[row, order[:, j]]
        x, y = z[:, :-1], z[:, -1:]
        slope = torch.bmm(v, x[:, :, None])[..., 0] - y
        v.sub_((ETA * slope)[:, :, None] * x[:, None, :])
    slow.add_(case.alpha * (v - slow))
    v.copy_(slow)


def graphs(case: Case, steps: int) -> Callable[[], Tensor]:
    """The same, one round captured as a CUDA graph and replayed."""
    slow, v = (torch.zeros(case.R, C, case.d, device=case.device) for _ in range(2))
    row = torch.arange(case.R, device=case.device)
    order = torch.zeros(case.R, K, dtype=torch.int64, device=case.device)
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            one_round(case, slow, v, row, order)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        one_round(case, slow, v, row, order)

    def go() -> Tensor:
        slow.zero_()
        v.zero_()
        for j in range(0, steps, K):
            order.copy_(case.index[:, j : j + K])
            graph.replay()
        return slow

    return go


def seconds(go: Callable[[], object]) -> float:
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    go()
    stop.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(stop)) / 1e3


def floors(device: str) -> tuple[float, float]:
    """Bytes a second of a copy's reading, and operations a second of a float32 matrix product."""
    source = torch.empty(2**28, device=device)
    target = torch.empty_like(source)
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.randn(8192, 8192, device=device)
    copying = min(seconds(lambda: target.copy_(source)) for _ in range(5))
    multiplying = min(seconds(lambda: a @ a) for _ in range(5))
    return 2 * source.numel() * 4 / copying, 2 * 8192**3 / multiplying


SIZES = [(16, 8), (16, 128), (64, 32), (64, 128), (16, 512)]
"""Configurations and coordinates, beside (16, 32)."""


def everything(v: float, g: float, m: float, s: float, j: float, eta: float, norm: float, most: float) -> Any:
    """A step with all that a formula may use, but for sines."""
    g = g * min(1.0, most / norm)
    m, s = 0.9 * m + g, max(s * (1 - 1 / (j + 1)), abs(g))
    return v - eta * math.copysign(math.exp(-s), m) / math.sqrt(s + 1e-8), m, s


EVERYTHING = Formulas(traced(everything, "everything", ("v", "m", "s")), ("m", "s"), (0.0, 0.0), ("most",))


def registers(quick: bool) -> None:
    """Compiles for an H100 (compute capability 9.0), as wherever Triton is installed it can be done; ``quick``: one
    formula of each kind, and schemes and a step of one's own for one of them."""
    from riskkit.rng import philox_triton

    types = {"fp32": 4, "fp64": 8}
    fast = [name for name in problems.__all__ if hasattr(getattr(problems, name)(), "formula")]
    cases = [(name, 16, 32) for name in fast] + [("Ridge", *size) for size in SIZES]
    if quick:
        cases = [("Logistic", 16, 32), ("WarpedMean", 16, 32)]
    for (name, c, d), (kind, size) in itertools.product(cases, types.items()):
        formula = getattr(problems, name)().formula
        for step, what in ((None, ""), (HEAVY_BALL, "schemes "), (EVERYTHING, "a step of one's own ")):
            if step is not None and (quick or step is EVERYTHING) and (name, kind) != ("Logistic", "fp64"):
                continue
            loops = fused_gpu.kernel(fused_gpu.twin(formulas.part(formula).formula), step or HEAVY_BALL)
            loop = loops.stretch if step is None else loops.scheme_stretch
            own = fused_gpu.blocks(c, d, size, fused_gpu.SHARE if step is None else fused_gpu.scheme_share(step))
            signature = dict.fromkeys(loop.arg_names, f"*{kind}")
            signature |= {"moment": "*fp64", "index": "*i64", "mixing": "*i8"}
            counts = ("n", "w", "d", "C", "batch", "active", "share", "count", "begun", "start", "stop")
            signature |= dict.fromkeys(counts, "i32")
            pulled = "ANCHORED" if step is None else "PULLED"
            constants = {"LINEAR": isinstance(formula, Linear), pulled: True, "BOUNDED": True}
            used = usage(loop, signature, constants | {"C_BLOCK": own.C, "D_BLOCK": own.d}, own.warps)
            told = f"{name:24} {what}{kind} C = {c:2}, d = {d:3}"
            print(f"{told}: {own.C:2} configurations, {own.warps} warps, {used}", flush=True)
    pointers = {"out": "*i64", "replicates": "*i64"}
    for index in (True, False):
        numbers = dict.fromkeys(("first", "count", "purpose", "n"), "i64") | {"seed": "u64"}
        used = usage(philox_triton.fill, pointers | numbers, {"INDEX": index, "BLOCK": philox_triton.BLOCK}, 4)
        print(f"{'indices' if index else 'words'} of the stream: {used}")


def usage(kernel: Any, signature: dict[str, str], constants: dict[str, Any], warps: int) -> str:
    """What a kernel uses, by NVIDIA's cuobjdump."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature = signature | dict.fromkeys(constants, "constexpr")
    source = ASTSource(kernel, {name: signature[name] for name in kernel.arg_names}, constants)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": warps})
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(made.asm["cubin"])
        said = subprocess.check_output([tool, "-res-usage", file.name], text=True)
    found = re.search(r"REG:(\d+) STACK:(\d+)", said)
    assert found is not None, said
    return f"{found[1]} registers, {found[2]} bytes in memory"


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="d = 32, R = 4096 only; two formulas")
    parser.add_argument("--registers", action="store_true", help="compile only")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.registers:
        registers(arguments.quick)
        return
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py needs a CUDA device and a CUDA build of torch; none is here.", file=sys.stderr)
        sys.exit(2)
    device = "cuda"
    bandwidth, arithmetic = floors(device)
    print(f"{torch.cuda.get_device_name()}: {bandwidth / 1e12:.2f} TB/s, {arithmetic / 1e12:.1f} Tflop/s")
    cases = [(32, 4096)] if arguments.quick else itertools.product((8, 32, 128), (256, 4096, 65536))
    for d, R in cases:
        case = Case(d, R, device)
        timed = {
            "riskkit fused": (engine(case, fused_gpu.run, FUSED_STEPS), FUSED_STEPS),
            "eager torch": (eager(case, TORCH_STEPS), TORCH_STEPS),
            "CUDA graphs of torch": (graphs(case, TORCH_STEPS), TORCH_STEPS),
            "riskkit reference": (engine(case, reference.run, TORCH_STEPS), TORCH_STEPS),
        }
        expected = engine(case, fused_gpu.run, TORCH_STEPS)()
        for name, (go, steps) in timed.items():
            found = go()
            if steps == TORCH_STEPS:
                torch.testing.assert_close(
                    found, expected, rtol=1e-3, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}"
                )
        best = dict.fromkeys(timed, math.inf)
        for _ in range(arguments.repeats):
            for name, (go, steps) in timed.items():
                best[name] = min(best[name], seconds(go) / (steps * R * C))
        print(f"\nd = {d}, R = {R}, {C} configurations, n = {N}")
        for name, each in best.items():
            print(f"  {name:24} {each * 1e12:10.1f} ps   {each / best['riskkit fused']:8.2f}")
        print(f"  {'floor: memory':24} {(d + 1) * 4 / C / bandwidth * 1e12:10.1f} ps")
        print(f"  {'floor: arithmetic':24} {OPERATIONS * d / arithmetic * 1e12:10.1f} ps", flush=True)


if __name__ == "__main__":
    main()
