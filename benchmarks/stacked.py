"""``python -m benchmarks.stacked``: what a gradient of many networks at once takes, replayed and by vmap(grad) anew.

Microseconds of CPU time for each network, the fastest of ten turns in which both ways take part: batch 32 on 8 x 8
images, one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch.func import grad, vmap

from riskkit.cli.common import Parser
from riskkit.engines.reference import one_thread
from riskkit.rng.streams import Stream
from riskkit.training import CNN, MLP
from riskkit.training.network import Stack, stack

BATCH, FEATURES, CLASSES = 32, 64, 10
TURNS, CALLS = 10, 5


def ways(made: Stack, M: int) -> dict[str, Callable[[], object]]:
    flat, out = made.start(Stream(0, range(M))), torch.empty(M, made.size)
    x = torch.linspace(0, 1, M * BATCH * FEATURES).reshape(M, BATCH, FEATURES)
    y = torch.arange(M * BATCH).reshape(M, BATCH) % CLASSES
    return {
        "replayed": lambda: made.gradient(flat, x, y, out),
        "vmap(grad)": lambda: vmap(grad(made._loss))(made.views(flat), x, y),
    }


def main() -> None:
    print("| network | products | at once | replayed | vmap(grad) |\n|---|---:|---:|---:|---:|")
    for network in (MLP(), CNN()):
        made = stack(network, FEATURES, CLASSES)
        for M in (32, 48, 192):
            calls = ways(made, M)
            best = dict.fromkeys(calls, float("inf"))
            for _ in range(TURNS):
                for name, call in calls.items():
                    call()
                    began = time.process_time()
                    for _ in range(CALLS):
                        call()
                    best[name] = min(best[name], (time.process_time() - began) / CALLS / M)
            told = " | ".join(f"{1e6 * seconds:.0f}" for seconds in best.values())
            print(f"| {type(network).__name__} | {made.products:,} | {M} | {told} |")


if __name__ == "__main__":
    Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with one_thread():
        main()
