"""What the wrappers cost on a model of 10 million parameters, in units of the copying that the algorithm needs.

    python -m benchmarks.optimisers [--threads 2] [--repeats 20]

The inner optimizer does nothing, so that a round's time is the wrapper's own: k = 5 steps, float32, ten matrices
1000 x 1000 with their biases. The copying that Lookahead needs is one mix and one copy a round, in place. SLRLA also
needs, at every step, the penalty's gradient: one difference and one sum, into a buffer. All ways run in turn in one
process. The fastest of the repeats counts; beside it is the median of the ratios within a turn.
Peer: pip install 'riskkit[networks]'.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from riskkit.cli.common import Parser  # noqa: E402
from riskkit.optim import SLRLA, Lookahead  # noqa: E402

K, ALPHA, BETA = 5, 0.8, 0.01


class Nothing(Optimizer):
    """Takes no step."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.0})

    def step(self, closure: Any = None) -> None:
        return None


def parameters() -> list[Tensor]:
    model = torch.nn.Sequential(*[torch.nn.Linear(1000, 1000) for _ in range(10)])
    params: list[Tensor] = list(model.parameters())
    for p in params:
        p.grad = torch.full_like(p, 1e-3)
    return params


def copying(penalty: bool) -> Callable[[], None]:
    """A round of nothing but the arithmetic, in place, on buffers that are there."""
    params = parameters()
    slow = [p.detach().clone() for p in params]
    anchor = [p.detach().clone() for p in params]
    buffer = [torch.empty_like(p) for p in params]

    @torch.no_grad()
    def round_() -> None:
        for _ in range(K if penalty else 0):
            for p, a, d in zip(params, anchor, buffer, strict=True):
                torch.sub(p, a, out=d)
                torch.add(p.grad, d, alpha=BETA, out=d)
        for p, s in zip(params, slow, strict=True):
            s.lerp_(p, ALPHA)
            p.copy_(s)

    return round_


def rounds(make: Callable[[Optimizer], Any]) -> Callable[[], None]:
    optimizer = make(Nothing(parameters()))

    def round_() -> None:
        for _ in range(K):
            optimizer.step()

    return round_


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ways = {
        "copying, Lookahead": copying(False),
        "riskkit Lookahead": rounds(lambda inner: Lookahead(inner, K, ALPHA)),
        "copying, SLRLA": copying(True),
        "riskkit SLRLA": rounds(lambda inner: SLRLA(inner, K, ALPHA, BETA)),
    }
    if importlib.util.find_spec("pytorch_optimizer"):
        from pytorch_optimizer import Lookahead as Peer

        ways["pytorch_optimizer Lookahead"] = rounds(lambda inner: Peer(inner, k=K, alpha=ALPHA))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(arguments.repeats + 2):
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            if repeat >= 2:
                times[name].append(time.perf_counter() - start)
    print(f"{arguments.threads} thread(s), torch {torch.__version__}, {arguments.repeats} rounds of {K} steps each\n")
    print("| | ms a round, fastest | fastest / copying | median of ratios in a turn |")
    print("|---|---:|---:|---:|")
    for name, found in times.items():
        base = times["copying, SLRLA" if "SLRLA" in name else "copying, Lookahead"]
        ratio = statistics.median(own / other for own, other in zip(found, base, strict=True))
        print(f"| {name} | {1e3 * min(found):.1f} | {min(found) / min(base):.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
