"""One configuration, as `simulate` in a notebook runs it, beside hand-written C on the same machine in the same run.

    python benchmarks/one.py [d ...]           by default 8, 32 and 128

Lookahead (k = 5) on squared loss, n = 1024, R = 256, float32, one thread, nanoseconds of CPU a step; the fastest of the
runs counts, and the ways take turns. The C is compiled by the machine's compiler for its processor, with the dimension
known to it: once replicate by replicate, and once with eight replicates a step in turn, so that none waits for the sum
of its own last step. riskkit also draws the index stream and accumulates the average of the iterates and the path
moment of the gradient; C is given the indices. All ways must end at the same slow weights.
"""

from __future__ import annotations

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

sys.path.insert(0, str(Path(__file__).resolve().parent))

from engines import ETA, REPEATS, Cell, Inputs, K, fused

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


def compiled(compiler: str, d: int, folder: Path) -> ctypes.CDLL:
    source, library = folder / f"one{d}.c", folder / f"one{d}.so"
    source.write_text(SOURCE)
    flags = ["-O3", "-march=native", "-ffast-math", "-funroll-loops", f"-DD={d}", f"-DTOGETHER={TOGETHER}"]
    subprocess.run([compiler, *flags, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return ctypes.CDLL(str(library))


def by_c(library: ctypes.CDLL, inputs: Inputs, together: int) -> Callable[[], torch.Tensor]:
    cell = inputs.cell
    data = np.ascontiguousarray(inputs.data.numpy(), dtype=np.float32)
    order = np.ascontiguousarray(inputs.stream.indices(cell.n, 0, STEPS).numpy(), dtype=np.int64)
    slow = np.empty((cell.R, cell.d), dtype=np.float32)
    sizes = [ctypes.c_long(value) for value in (cell.R, cell.n, STEPS, K)]
    rates = [ctypes.c_float(value) for value in (inputs.alphas[0], ETA)]

    def run() -> torch.Tensor:
        places = [ctypes.c_void_p(part.ctypes.data) for part in (data, order, slow)]
        library.run(*places, *sizes, *rates, ctypes.c_long(together))
        return torch.from_numpy(slow.copy())[:, None]

    return run


def main(dimensions: list[int]) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("no C compiler (cc, gcc or clang) on this machine: nothing to stand beside riskkit.")
        return
    with tempfile.TemporaryDirectory() as folder:
        for d in dimensions:
            inputs = Inputs(Cell("squared", d, 1024, 256, 1))
            library = compiled(compiler, d, Path(folder))
            ways = {
                "riskkit fused": fused(inputs, torch.float32, 1)(STEPS),
                f"C, {TOGETHER} replicates in turn": by_c(library, inputs, TOGETHER),
                "C, one after the other": by_c(library, inputs, 1),
            }
            ends = {name: run() for name, run in ways.items()}  # the first run compiles
            for name, end in ends.items():
                torch.testing.assert_close(end, ends["riskkit fused"], rtol=1e-4, atol=1e-5, msg=name)
            fastest = dict.fromkeys(ways, float("inf"))
            for _ in range(REPEATS):
                for name, run in ways.items():
                    began = time.process_time()
                    run()
                    fastest[name] = min(fastest[name], time.process_time() - began)
            base = fastest[f"C, {TOGETHER} replicates in turn"]
            for name, seconds in fastest.items():
                step = 1e9 * seconds / (inputs.cell.R * STEPS)
                print(f"d = {d:4}  {name:26} {step:6.2f} ns  {seconds / base:5.2f}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [8, 32, 128])
