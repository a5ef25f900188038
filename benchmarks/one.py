"""One configuration, as `simulate` in a notebook runs it, beside hand-written C on the same machine in the same run.

    python benchmarks/one.py [d ...]           by default 8, 32 and 128
    python benchmarks/one.py short [d ...]     30 steps of 32,768 replicates, n = 32; by default 8 and 32
    python benchmarks/one.py big [steps]       d = 512, n = 65,536, 64 configurations, beside what the machine allows

Lookahead (k = 5) on squared loss, n = 1024, R = 256, float32, one thread, nanoseconds of CPU a step; the fastest of the
runs counts, and the ways take turns. The C is compiled by the machine's compiler for its processor, with the dimension
known to it: once replicate by replicate, and once with eight replicates a step in turn, so that none waits for the sum
of its own last step. riskkit also draws the index stream and accumulates the average of the iterates and the path
moment of the gradient; C is given the indices. All ways must end at the same slow weights.

``big`` has limits in the same turns: of arithmetic, the 4 d C operations of the products and the steps at the
rate of a matrix product; of memory, the rows of the index stream copied out by numpy; of the cache, parameters and sums
of iterates, read and written once in two steps, at the rate of numpy's addition in place to an array of their size.
And of the same work: C, for vectors of configurations as riskkit has them, that is given the indices and does what the
result needs and nothing else, with at most two steps in one pass over parameters and sums, as riskkit takes them, and
with at most four. Its lanes mix all at once, steps are of one size, and nothing looks for projections or divergences.
riskkit also lays out each configuration once a run: by default 4,000 steps are taken, of which that is a tenth.
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engines import ETA, REPEATS, Cell, Inputs, K, fused

from riskkit.cli.common import Parser

STEPS = 2000
TOGETHER = 8
SOURCE = r"""
#include <string.h>
static inline void step(const float *z, float *v, float eta) {
    float u = 0;
    for (int i = 0; i < D; i++) u += z[i] * v[i];
    float slope = eta * (u - z[D]);
    for (int i = 0; i < D; i++) v[i] -= slope * z[i];
}
static inline void mix(float *slow, float *v, float alpha) {
    for (int i = 0; i < D; i++) v[i] = slow[i] += alpha * (v[i] - slow[i]);
}
void run(const float *data, const long *order, float *slow, long R, long n, long steps, long k, float alpha, float eta,
         long together) {
    float v[TOGETHER][D];
    for (long first = 0; first < R; first += together) {
        memset(v, 0, sizeof v);
        memset(slow + first * D, 0, together * D * sizeof(float));
        for (long j = 0; j < steps; j++) {
            for (long r = 0; r < together; r++)
                step(data + ((first + r) * n + order[(first + r) * steps + j]) * (D + 1), v[r], eta);
            if ((j + 1) % k == 0)
                for (long r = 0; r < together; r++) mix(slow + (first + r) * D, v[r], alpha);
        }
    }
}
"""

BIG = r"""
#include <string.h>
#define LANES 16
#define SPAN 256
typedef float V __attribute__((vector_size(4 * LANES)));
typedef float U __attribute__((vector_size(4 * LANES), aligned(4)));
static float dot(const float *a, const float *b) {
    V sum = {0};
    for (int i = 0; i < D; i += LANES) sum += *(const U *)(a + i) * *(const U *)(b + i);
    float s = 0;
    for (int l = 0; l < LANES; l++) s += sum[l];
    return s;
}
/* Steps with rows x and slopes b in one pass, then perhaps the mixing; w: the products of v with the next rows y. */
typedef struct { V *v, *total, *slow, alpha; } Bank;
static inline __attribute__((always_inline)) void pass(int steps, int looks, int mixes, Bank *a, const float **x,
                                                       const float **y, const V *b, V *w) {
    V *v = a->v, *total = a->total, *slow = a->slow, alpha = a->alpha, u[MOST] = {{0}}, c[MOST];
    const float *here[MOST], *ahead[MOST];
    for (int k = 0; k < steps; k++) c[k] = b[k], here[k] = x[k];
    for (int k = 0; k < looks; k++) ahead[k] = y[k];
    for (int i = 0; i < D; i++) {
        V t = v[i], sum = total[i];
        for (int k = 0; k < steps; k++) {
            sum += t;
            t -= c[k] * here[k][i];
        }
        total[i] = sum;
        if (mixes) t = slow[i] += alpha * (t - slow[i]);
        v[i] = t;
        for (int k = 0; k < looks; k++) u[k] += t * ahead[k][i];
    }
    for (int k = 0; k < looks; k++) w[k] = u[k];
}
#define CASE(s, n) if (steps == s && looks == n) { \
    if (mixes) pass(s, n, 1, a, x, y, b, w); else pass(s, n, 0, a, x, y, b, w); }
static void any(int steps, int looks, int mixes, Bank *a, const float **x, const float **y, const V *b, V *w) {
    CASE(1, 0) CASE(1, 1) CASE(1, 2) CASE(2, 0) CASE(2, 1) CASE(2, 2)
#if MOST > 2
    CASE(1, 3) CASE(1, 4) CASE(2, 3) CASE(2, 4) CASE(3, 0) CASE(3, 1) CASE(3, 2) CASE(3, 3) CASE(3, 4)
    CASE(4, 0) CASE(4, 1) CASE(4, 2) CASE(4, 3) CASE(4, 4)
#endif
}
/* Of the pass from step j: what is left until a mixing or the end goes into as few passes as can be, of like length. */
static long length(long j, long end, long k) {
    long left = k - j % k < end - j ? k - j % k : end - j, passes = (left + MOST - 1) / MOST;
    return (left + passes - 1) / passes;
}
void run(const float *data, const long *order, V *state, V *slow, const V *alpha, long R, long n, long steps, long k,
         float eta, long banks) {
    static float gram[SPAN][4];
    for (long r = 0; r < R; r++, data += n * (D + 1), order += steps, slow += banks * D) {
        memset(state, 0, 2 * banks * D * sizeof(V));
        memset(slow, 0, banks * D * sizeof(V));
        for (long first = 0; first < steps; first += SPAN) {
            long end = first + SPAN < steps ? first + SPAN : steps;
            for (long j = first; j < end; j++) {
                for (int i = 0; j + SPAN < steps && i < D + 1; i += LANES)
                    __builtin_prefetch(data + order[j + SPAN] * (D + 1) + i);
                for (int l = 1; l < MOST && j + l < end; l++)
                    gram[j - first][l] = dot(data + order[j] * (D + 1), data + order[j + l] * (D + 1));
            }
            for (long bank = 0; bank < banks; bank++) {
                Bank a = {state + 2 * bank * D, state + (2 * bank + 1) * D, slow + bank * D, alpha[bank]};
                V w[MOST], b[MOST];
                const float *x[MOST], *y[MOST];
                long count = length(first, end, k), next;
                for (int l = 0; l < count; l++) {
                    x[l] = data + order[first + l] * (D + 1);
                    V sum = {0};
                    for (int i = 0; i < D; i++) sum += a.v[i] * x[l][i];
                    w[l] = sum;
                }
                for (long j = first; j < end; j += count, count = next) {
                    next = j + count < end ? length(j + count, end, k) : 0;
                    for (int l = 0; l < count; l++) {
                        x[l] = data + order[j + l] * (D + 1);
                        b[l] = eta * (w[l] - x[l][D]);
                        for (int m = l + 1; m < count; m++) w[m] -= b[l] * gram[j + l - first][m - l];
                    }
                    for (int l = 0; l < next; l++) y[l] = data + order[j + count + l] * (D + 1);
                    any(count, next, (j + count) % k == 0, &a, x, y, b, w);
                }
            }
        }
    }
}
"""


def compiled(compiler: str, d: int, folder: Path, source_text: str = SOURCE, most: int = 1) -> ctypes.CDLL:
    source, library = folder / f"one{d}_{most}.c", folder / f"one{d}_{most}.so"
    source.write_text(source_text)
    given = [f"-DD={d}", f"-DTOGETHER={TOGETHER}", f"-DMOST={most}"]
    flags = ["-O3", "-march=native", "-ffast-math", "-funroll-loops", "-Wno-psabi", *given]
    subprocess.run([compiler, *flags, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return ctypes.CDLL(str(library))


def by_c(library: ctypes.CDLL, inputs: Inputs, steps: int, together: int) -> Callable[[], torch.Tensor]:
    cell = inputs.cell
    data = np.ascontiguousarray(inputs.data.numpy(), dtype=np.float32)
    order = np.ascontiguousarray(inputs.stream.indices(cell.n, 0, steps).numpy(), dtype=np.int64)
    slow = np.empty((cell.R, cell.d), dtype=np.float32)
    sizes = [ctypes.c_long(value) for value in (cell.R, cell.n, steps, K)]
    rates = [ctypes.c_float(value) for value in (inputs.alphas[0], ETA)]

    def run() -> torch.Tensor:
        places = [ctypes.c_void_p(part.ctypes.data) for part in (data, order, slow)]
        library.run(*places, *sizes, *rates, ctypes.c_long(together))
        return torch.from_numpy(slow.copy())[:, None]

    return run


def same_work(library: ctypes.CDLL, inputs: Inputs, steps: int) -> Callable[[], torch.Tensor]:
    """The configurations in vectors of ``LANES``."""
    cell, lanes = inputs.cell, 16
    banks = cell.C // lanes
    data = np.ascontiguousarray(inputs.data.numpy(), dtype=np.float32)
    order = np.ascontiguousarray(inputs.stream.indices(cell.n, 0, steps).numpy(), dtype=np.int64)
    alphas = inputs.alphas.astype(np.float32)[:, None].reshape(banks, lanes)
    state, slow, alpha = (line_aligned(size) for size in (2 * cell.C * cell.d, cell.R * cell.C * cell.d, cell.C))
    alpha[:] = alphas.ravel()
    sizes = [ctypes.c_long(value) for value in (cell.R, cell.n, steps, K)]

    def run() -> torch.Tensor:
        places = [ctypes.c_void_p(part.ctypes.data) for part in (data, order, state, slow, alpha)]
        library.run(*places, *sizes, ctypes.c_float(ETA), ctypes.c_long(banks))
        ends = slow.reshape(cell.R, banks, cell.d, lanes).swapaxes(2, 3).reshape(cell.R, cell.C, cell.d)
        return torch.from_numpy(ends.copy())

    return run


def line_aligned(size: int) -> np.ndarray:
    """Numbers in float32 that begin where a page does."""
    room = np.zeros(size + 1024, dtype=np.float32)
    first = -room.ctypes.data % 4096 // 4
    return room[first : first + size]


def compiler_found() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def beside_c(cells: list[Cell], steps: int) -> None:
    compiler = compiler_found()
    if compiler is None:
        print("no C compiler (cc, gcc or clang) on this machine: nothing to stand beside riskkit.")
        return
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells:
            inputs = Inputs(cell)
            library = compiled(compiler, cell.d, Path(folder))
            ways = {
                "riskkit fused": fused(inputs, torch.float32, 1)(steps),
                f"C, {TOGETHER} replicates in turn": by_c(library, inputs, steps, TOGETHER),
                "C, one after the other": by_c(library, inputs, steps, 1),
            }
            ends = {name: run() for name, run in ways.items()}  # the first run compiles
            for name, end in ends.items():
                torch.testing.assert_close(end, ends["riskkit fused"], rtol=1e-4, atol=1e-5, msg=name)
            base = f"C, {TOGETHER} replicates in turn"
            report(f"d = {cell.d:4}", in_turns(ways), base, cell.R * steps)


def in_turns(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """CPU seconds of each, the fastest run."""
    fastest = dict.fromkeys(ways, float("inf"))
    for _ in range(3 * REPEATS):
        for name, run in ways.items():
            began = time.process_time()
            run()
            fastest[name] = min(fastest[name], time.process_time() - began)
    return fastest


def report(who: str, seconds: dict[str, float], base: str, steps: int) -> None:
    for name, own in seconds.items():
        print(f"{who}  {name:26} {1e9 * own / steps:8.2f} ns  {own / seconds[base]:5.2f}", flush=True)


def big(steps: int) -> None:
    cell = Cell("squared", 512, 2**16, 4, 64)
    inputs = Inputs(cell)
    _, d, n, R, C = cell
    rows = inputs.data.numpy().reshape(R * n, d + 1)
    order = (inputs.stream.indices(n, 0, steps) + n * torch.arange(R)[:, None]).numpy().ravel()
    out = np.empty((len(order), d + 1), dtype=np.float32)
    size = 512
    a, b, product = (np.ones((size, size), dtype=np.float32) for _ in range(3))
    products = max(1, round(4 * d * C * R * steps / (2 * size**3)))
    state = np.zeros((2, C * d), dtype=np.float32)  # parameters and sums

    def arithmetic() -> None:
        for _ in range(products):
            np.matmul(a, b, out=product)

    def cache() -> None:
        for _ in range(R * steps // 2):
            np.add(state, 1.0, out=state)

    ways: dict[str, Callable[[], object]] = {
        "riskkit fused": fused(inputs, torch.float32, 1)(steps),
        "limit of arithmetic": arithmetic,
        "limit of memory": lambda: np.take(rows, order, axis=0, out=out),
        "limit of the cache": cache,
    }
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        compiler = compiler_found()
        for most in (2, 4) if compiler else ():
            name = f"C, {most} steps a pass"
            ways[name] = same_work(compiled(compiler, d, Path(folder), BIG, most), inputs, steps)
            torch.testing.assert_close(ways[name](), ways["riskkit fused"](), rtol=1e-3, atol=1e-5, msg=name)
        seconds = in_turns(ways)
    largest = max((name for name in seconds if name.startswith("limit")), key=lambda name: seconds[name])
    report("big", seconds, largest, R * steps * C)


def main(words: list[str]) -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", nargs="?", default="", metavar="short | big")
    parser.add_argument("d", nargs="*", help="dimensions")
    given = parser.parse_args(words)
    mode, sizes = (given.mode, given.d) if not given.mode.isdigit() else ("", [given.mode, *given.d])
    if mode not in ("", "short", "big") or not all(word.isdigit() for word in sizes):
        parser.error(f"needs short, big or dimensions; got {' '.join(words)}.")
    chosen = [int(word) for word in sizes]
    torch.set_num_threads(1)
    if mode == "big":
        big(chosen[0] if chosen else 4000)
    elif mode == "short":
        beside_c([Cell("squared", d, 32, 2**15, 1) for d in chosen or [8, 32]], 30)
    else:
        beside_c([Cell("squared", d, 1024, 256, 1) for d in chosen or [8, 32, 128]], STEPS)


if __name__ == "__main__":
    main(sys.argv[1:])
