"""riskkit's CPU engines beside what else one could run, interleaved in one process: nanoseconds a configuration step.

    python benchmarks/engines.py               the cells that docs/performance.md judges; about five minutes
    python benchmarks/engines.py --all         every d, n, R, number of configurations and loss
    python benchmarks/engines.py scaling parts memory sweep     other sections by name

A configuration step is one stochastic gradient of one configuration of one replicate. Every way runs Lookahead (k = 5)
on the same examples and index stream, which is checked by comparing the slow weights at the end; the fastest of the
runs counts. riskkit's engines also draw the index stream, and accumulate the average of the iterates and the path
moment of the gradient, which the others do not. Peers: pip install 'riskkit[bench]'.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from problems import Logistic, PowerLawLeastSquares  # noqa: E402
from riskkit import Constant, Lookahead  # noqa: E402
from riskkit.cli.common import Parser  # noqa: E402
from riskkit.engines import reference  # noqa: E402
from riskkit.engines.numba import engine as fused_cpu  # noqa: E402
from riskkit.measure.blocks import block_size, measure_block  # noqa: E402
from riskkit.rng.streams import Stream  # noqa: E402

K, ETA = 5, 0.05
CORES = os.cpu_count() or 1
REPEATS = 5
MEMORY = 2**31
"""Bytes of data beyond which a cell is left out: the peers hold all replicates at once."""


class Cell(NamedTuple):
    loss: str
    d: int
    n: int
    R: int
    C: int


ACCEPTANCE = [Cell(loss, 32, 1024, 256, C) for loss in ("squared", "logistic") for C in (16, 1)]
ALL = [
    Cell(*parts)
    for parts in itertools.product(("squared", "logistic"), (8, 32, 128), (128, 1024, 8192), (256, 4096), (16, 1))
]


class Inputs:
    """One cell's examples and index stream, the same for every way."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        _, d, n, R, C = cell
        self.problem = (
            PowerLawLeastSquares(dim=d, radius=None) if cell.loss == "squared" else Logistic(dim=d, radius=1e6)
        )
        self.stream = Stream(0, range(R), dtype=torch.float32)
        self.data = self.problem.sample(self.stream, n)
        self.alphas = np.linspace(0.1, 0.9, C) if C > 1 else np.array([0.5])

    def algorithms(self, steps: int) -> list[Lookahead]:
        return [Lookahead(steps // K, K, float(alpha), Constant(ETA)) for alpha in self.alphas]


class Way(NamedTuple):
    """Attributes:
    prepare: steps -> what to time; that answers the slow weights (R or fewer, C or fewer, d).
    steps: gradient steps a run.
    share: configuration steps a run takes for each step (R C, or 1 for a plain loop).
    """

    name: str
    prepare: Callable[[int], Callable[[], torch.Tensor]]
    steps: int
    share: int


def fused(inputs: Inputs, dtype: torch.dtype, threads: int) -> Callable[[int], Callable[[], torch.Tensor]]:
    data = inputs.data.to(dtype)

    def prepare(steps: int) -> Callable[[], torch.Tensor]:
        algorithms = inputs.algorithms(steps)
        rounds = [np.array([steps // K])] * len(algorithms)

        def run() -> torch.Tensor:
            n = inputs.cell.n
            paths = fused_cpu.run(
                inputs.problem, algorithms, data, lambda j, count: inputs.stream.indices(n, j, count), rounds, threads
            )
            return torch.stack([path.theta[:, 0, 0] for path in paths], dim=1)

        return run

    return prepare


def by_reference(inputs: Inputs) -> Callable[[int], Callable[[], torch.Tensor]]:
    def prepare(steps: int) -> Callable[[], torch.Tensor]:
        algorithms = inputs.algorithms(steps)
        rounds = [np.array([steps // K])] * len(algorithms)

        def run() -> torch.Tensor:
            n = inputs.cell.n
            with reference.one_thread():
                paths = reference.run(
                    inputs.problem, algorithms, inputs.data, lambda j, c: inputs.stream.indices(n, j, c), rounds
                )
            return torch.stack([path.theta[:, 0, 0] for path in paths], dim=1)

        return run

    return prepare


class LookaheadWrapper:
    """The usual wrapper around a torch optimiser."""

    def __init__(self, optimiser: torch.optim.Optimizer, alpha: float) -> None:
        self.optimiser, self.alpha, self.count = optimiser, alpha, 0
        self.slow = [p.detach().clone() for group in optimiser.param_groups for p in group["params"]]

    def step(self) -> None:
        self.optimiser.step()
        self.count += 1
        if self.count % K == 0:
            parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
            with torch.no_grad():
                for slow, fast in zip(self.slow, parameters, strict=True):
                    slow.lerp_(fast, self.alpha)
                    fast.copy_(slow)


def loss_of(name: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    if name == "squared":
        return lambda u, y: (u - y).square() / 2
    return lambda u, y: torch.nn.functional.softplus(-y * u)


def optimiser_loop(inputs: Inputs) -> Callable[[int], Callable[[], torch.Tensor]]:
    """One replicate, one configuration: a loop takes them one after the other."""
    loss = loss_of(inputs.cell.loss)
    x, y = inputs.data[0, :, :-1], inputs.data[0, :, -1]

    def prepare(steps: int) -> Callable[[], torch.Tensor]:
        order = inputs.stream.indices(inputs.cell.n, 0, steps)[0].tolist()

        def run() -> torch.Tensor:
            theta = torch.zeros(inputs.cell.d, requires_grad=True)
            optimiser = torch.optim.SGD([theta], lr=ETA)
            wrapper = LookaheadWrapper(optimiser, float(inputs.alphas[0]))
            for i in order:
                optimiser.zero_grad()
                loss(x[i] @ theta, y[i]).backward()
                wrapper.step()
            return wrapper.slow[0][None, None]

        return run

    return prepare


def functional(inputs: Inputs) -> Callable[[int], Callable[[], torch.Tensor]]:
    """torch.func: vmap(grad) over replicates; configurations one after the other."""
    loss = loss_of(inputs.cell.loss)
    x, y = inputs.data[..., :-1], inputs.data[..., -1]
    gradient = torch.func.vmap(torch.func.grad(lambda theta, a, b: loss(a @ theta, b)))
    row = torch.arange(inputs.cell.R)

    def prepare(steps: int) -> Callable[[], torch.Tensor]:
        order = inputs.stream.indices(inputs.cell.n, 0, steps)

        def run() -> torch.Tensor:
            slow = torch.zeros(inputs.cell.R, inputs.cell.d)
            v = slow
            for j in range(steps):
                i = order[:, j]
                v = v - ETA * gradient(v, x[row, i], y[row, i])
                if (j + 1) % K == 0:
                    slow = v = slow + float(inputs.alphas[0]) * (v - slow)
            return slow[:, None]

        return run

    return prepare


def by_hand(inputs: Inputs) -> Callable[[int], Callable[[], torch.Tensor]]:
    """torch with gradients written out, replicates and configurations in one batch (R, C, d)."""
    x, y = inputs.data[..., :-1].contiguous(), inputs.data[..., -1].contiguous()
    row = torch.arange(inputs.cell.R)
    alpha = torch.tensor(inputs.alphas, dtype=torch.float32)[:, None]
    squared = inputs.cell.loss == "squared"

    def prepare(steps: int) -> Callable[[], torch.Tensor]:
        order = inputs.stream.indices(inputs.cell.n, 0, steps)

        def run() -> torch.Tensor:
            slow = torch.zeros(inputs.cell.R, inputs.cell.C, inputs.cell.d)
            v = slow.clone()
            for j in range(steps):
                i = order[:, j]
                a, b = x[row, i], y[row, i][:, None]
                u = torch.bmm(v, a[:, :, None])[..., 0]
                slope = u - b if squared else -b * torch.sigmoid(-b * u)
                v.sub_(torch.mul(slope, ETA)[:, :, None] * a[:, None, :])
                if (j + 1) % K == 0:
                    slow.add_(alpha * (v - slow))
                    v.copy_(slow)
            return slow

        return run

    return prepare


def jax_ways(inputs: Inputs) -> list[tuple[str, Callable[[int], Callable[[], torch.Tensor]]]]:
    try:
        import jax
        import jax.numpy as jnp
        import optax
    except ImportError as error:
        print(f"without JAX and optax ({error}); pip install 'riskkit[bench]'")
        return []
    x, y = (jnp.asarray(part.numpy()) for part in (inputs.data[..., :-1], inputs.data[..., -1]))
    alpha = jnp.asarray(inputs.alphas, jnp.float32)
    squared = inputs.cell.loss == "squared"

    def loss(theta, a, b):  # type: ignore[no-untyped-def]
        u = theta @ a
        return (u - b) ** 2 / 2 if squared else jax.nn.softplus(-b * u)

    def optax_run(x, y, order):  # type: ignore[no-untyped-def]
        def one(x, y, order, alpha):  # type: ignore[no-untyped-def]
            optimiser = optax.lookahead(optax.sgd(ETA), sync_period=K, slow_step_size=alpha)
            start = optax.LookaheadParams.init_synced(jnp.zeros(x.shape[1]))

            def step(carry, i):  # type: ignore[no-untyped-def]
                parameters, state = carry
                updates, state = optimiser.update(jax.grad(loss)(parameters.fast, x[i], y[i]), state, parameters)
                return (optax.apply_updates(parameters, updates), state), None

            (end, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), order)
            return end.slow

        return jax.vmap(jax.vmap(one, (None, None, None, 0)), (0, 0, 0, None))(x, y, order, alpha)

    def plain_run(x, y, order):  # type: ignore[no-untyped-def]
        def one(x, y, order):  # type: ignore[no-untyped-def]
            def round_(slow, inner):  # type: ignore[no-untyped-def]
                def step(v, i):  # type: ignore[no-untyped-def]
                    u = v @ x[i]
                    slope = u - y[i] if squared else -y[i] * jax.nn.sigmoid(-y[i] * u)
                    return v - ETA * slope[:, None] * x[i], None

                v, _ = jax.lax.scan(step, slow, inner, unroll=K)
                return slow + alpha[:, None] * (v - slow), None

            return jax.lax.scan(round_, jnp.zeros((len(alpha), x.shape[1])), order.reshape(-1, K))[0]

        return jax.vmap(one)(x, y, order)

    def way(function):  # type: ignore[no-untyped-def]
        compiled = jax.jit(function)

        def prepare(steps: int) -> Callable[[], torch.Tensor]:
            order = jnp.asarray(inputs.stream.indices(inputs.cell.n, 0, steps).numpy())
            return lambda: torch.from_numpy(np.array(compiled(x, y, order).block_until_ready()))

        return prepare

    return [("JAX, optax.lookahead", way(optax_run)), ("JAX, written out", way(plain_run))]


def ways(cell: Cell) -> list[Way]:
    inputs = Inputs(cell)
    whole = cell.R * cell.C
    long, short = 1000, max(20, min(1000, 4_096_000 // (cell.R * cell.C)) // K * K)
    return [
        Way("riskkit fused", fused(inputs, torch.float32, CORES), long, whole),
        Way("riskkit fused, float64", fused(inputs, torch.float64, CORES), long, whole),
        *(Way(name, prepare, long, whole) for name, prepare in jax_ways(inputs)),
        Way("torch by hand", by_hand(inputs), short, whole),
        Way("torch.func vmap(grad)", functional(inputs), short, cell.R),
        Way("torch.optim loop", optimiser_loop(inputs), 200, 1),
        Way("riskkit reference (one core)", by_reference(inputs), short, whole),
    ]


def compare(cells: Sequence[Cell], repeats: int) -> None:
    """Nanoseconds a configuration step, and how many times riskkit's fused engine in float32 is faster."""
    for cell in cells:
        size = 4 * cell.R * cell.n * (cell.d + 1)
        if size > MEMORY:
            print(f"\n{cell}: left out, its examples take {size / 2**30:.0f} GiB at once; see the section memory")
            continue
        print(f"\n{cell}, {CORES} cores, fastest of {repeats}", flush=True)
        made = ways(cell)
        runs = [way.prepare(way.steps) for way in made]
        check(made, runs)
        best = [math.inf] * len(made)
        for _ in range(repeats):
            for i, run in enumerate(runs):
                best[i] = min(best[i], fastest(run))
        cost = [seconds / (way.steps * way.share) * 1e9 for seconds, way in zip(best, made, strict=True)]
        for way, nanoseconds in zip(made, cost, strict=True):
            print(f"  {way.name:30} {nanoseconds:12.2f} ns   {nanoseconds / cost[0]:10.2f}", flush=True)


def fastest(run: Callable[[], object], budget: float = 0.25) -> float:
    """Seconds of the fastest of as many runs as begin within the budget, so that every way has as much time to find an
    undisturbed moment."""
    best, end = math.inf, time.perf_counter() + budget
    while (began := time.perf_counter()) < end:
        run()
        best = min(best, time.perf_counter() - began)
    return best


def check(made: Sequence[Way], runs: Sequence[Callable[[], torch.Tensor]]) -> None:
    """Warms every way up; raises AssertionError unless its slow weights are riskkit's after as many steps."""
    ours = {}
    for way, run in zip(made, runs, strict=True):
        if way.steps not in ours:
            ours[way.steps] = made[0].prepare(way.steps)()
        found = run().float()
        expected = ours[way.steps][: found.shape[0], : found.shape[1]]
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4, msg=lambda m, way=way: f"{way.name}: {m}")


def scaling(repeats: int) -> None:
    """What doubling R, kT, C, d does to the time of the fused engine (float32, squared loss)."""
    base = {"d": 32, "n": 1024, "R": 256, "C": 16, "steps": 2000}
    variants = [base, *({**base, name: 2 * base[name]} for name in ("R", "steps", "C", "d"))]
    runs = []
    for v in variants:
        inputs = Inputs(Cell("squared", v["d"], v["n"], v["R"], v["C"]))
        runs.append(fused(inputs, torch.float32, CORES)(v["steps"]))
    best = [math.inf] * len(runs)
    for _ in range(repeats + 1):
        for i, run in enumerate(runs):
            began = time.perf_counter()
            run()
            best[i] = min(best[i], time.perf_counter() - began)
    print("\ntime when doubled, in times that of d = 32, n = 1024, R = 256, C = 16, kT = 2000:")
    for name, seconds in zip(("R", "kT", "C", "d"), best[1:], strict=True):
        print(f"  {name:3} {seconds / best[0]:.2f}")


def parts(repeats: int) -> None:
    """Data against numpy's normals, and risks against one matrix product; one thread each."""
    stream, rng = Stream(0, range(64)), np.random.default_rng(0)
    shape = (64, 1024, 32)
    logistic, squares = Logistic(dim=32), PowerLawLeastSquares(dim=32)
    data, line = logistic.sample(stream, 1024), squares.sample(stream, 1024)
    theta = torch.as_tensor(rng.normal(size=(64, 360, 32)) * 0.1)
    with reference.one_thread():
        timed = {
            "numpy normals": lambda: rng.standard_normal(shape),
            "riskkit normals": lambda: stream.normals("x", 1024, 32),
            "riskkit unit vectors": lambda: stream.sphere("x", 1024, 32),
            "logistic: data": lambda: logistic.sample(stream, 1024),
            "power law: data": lambda: squares.sample(stream, 1024),
            "one matrix product X theta": lambda: data[..., :-1] @ theta.mT,
            "logistic: empirical risk": lambda: logistic.empirical_risk(theta, data),
            "logistic: population risk": lambda: logistic.population_risk(theta),
            "power law: empirical risk": lambda: squares.empirical_risk(theta, line),
            "logistic: minimiser": lambda: logistic.empirical_minimiser(data),
            "power law: minimiser": lambda: squares.empirical_minimiser(line),
        }
        best = dict.fromkeys(timed, math.inf)
        for _ in range(repeats):
            for name, run in timed.items():
                began = time.perf_counter()
                run()
                best[name] = min(best[name], time.perf_counter() - began)
    print("\n64 replicates, n = 1024, d = 32, 360 parameter vectors (15 configurations, 12 checkpoints, 2 outputs):")
    for name, seconds in best.items():
        print(f"  {name:30} {seconds * 1e3:8.1f} ms")


def memory(blocks: int) -> None:
    """Peak memory of R = 4096 replicates with n = 8192, d = 128: block after block, as a sweep runs them."""
    problem = PowerLawLeastSquares(dim=128)
    algorithms = [Lookahead(200, K, float(alpha), Constant(ETA / 10)) for alpha in np.linspace(0.1, 1, 16)]
    rounds = [np.array([25, 50, 100, 200])] * 16
    size = block_size(problem, 8192)
    began = time.perf_counter()
    for block in range(blocks):
        measure_block(
            problem, 8192, algorithms, rounds, [str(i) for i in range(16)], seed=0, first=block * size, dtype="float32"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\nn = 8192, d = 128, 16 configurations, kT = 1000, {blocks * size} replicates: "
        f"{time.perf_counter() - began:.0f} s on one core, peak memory {peak:.2f} GiB"
    )


def sweep() -> None:
    """The whole default sweep, and --list; the first sweep compiles what is not on disk yet."""
    for words in (["--list"], ["--quick"], []):
        with tempfile.TemporaryDirectory() as out:
            began = time.perf_counter()
            command = [sys.executable, "-m", "riskkit.sweep", *words, *([] if "--list" in words else ["--out", out])]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(f"riskkit.sweep {' '.join(words):8} {time.perf_counter() - began:6.1f} s", flush=True)


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sections = ("engines", "scaling", "parts", "memory", "sweep")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(sections)}; default: all")
    parser.add_argument("--all", action="store_true", help="every cell, and all 4096 replicates for the memory")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    chosen = arguments.sections or sections
    if unknown := set(chosen) - set(sections):
        parser.error(f"sections are {', '.join(sections)}; got {', '.join(sorted(unknown))}")
    if "memory" in chosen:  # first, while nothing else has been held
        memory(128 if arguments.all else 4)
    if "engines" in chosen:
        compare(ALL if arguments.all else ACCEPTANCE, arguments.repeats)
    if "scaling" in chosen:
        scaling(arguments.repeats)
    if "parts" in chosen:
        parts(arguments.repeats)
    if "sweep" in chosen:
        sweep()


if __name__ == "__main__":
    main()
