"""What a run needs before it starts: bytes of memory, by arithmetic; and images a second, measured."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch
from torch import Tensor

from riskkit.images.networks import NETWORKS
from riskkit.images.plan import Plan

STATES = {"SGD": 1, "SLA": 2, "SLRLA": 2, "AdaBelief": 2, "Adam": 2, "AdamW": 2, "RAdam": 2, "AdaBound": 2}
"""Copies of the parameters in the optimizer's state; SLRLA with beta > 0 has an anchor and one more gradient too."""


def memory(plan: Plan, classes: int) -> int:
    """Bytes that a plan needs at least for so many ``classes``: parameters, gradients, the optimizer's state, and what
    one step keeps for its gradient.

    The network runs on torch's meta device, which has shapes and no numbers.
    """
    side = NETWORKS[plan.network].side
    with torch.device("meta"):
        network = NETWORKS[plan.network].build(classes)
        images = torch.empty(2, 3, side, side)
    kept: dict[int, Tensor] = {}  # by storage; the tensors are held, lest another storage get the same number

    own = {p.untyped_storage()._cdata for p in network.parameters()}  # what is saved may be a view of a parameter

    def keep(saved: Tensor) -> Tensor:
        if saved.untyped_storage()._cdata not in own:
            kept[saved.untyped_storage()._cdata] = saved
        return saved

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda held: held):
        network(images)
    activations = sum(saved.untyped_storage().nbytes() for saved in kept.values()) // len(images)
    size = sum(p.numel() * p.element_size() for p in network.parameters())
    copies = 2 + STATES[plan.optimiser] + (2 if plan.optimiser == "SLRLA" and plan.beta else 0)
    width = 2 if plan.precision == "bfloat16" else 4
    return copies * size + activations * plan.batch * width // 4


class Speed(NamedTuple):
    """Images that a network is trained with, forward, backward and step, in a second, and in a second of this process'
    CPU time, of which others on the machine take nothing. ``steps`` were timed."""

    images: float
    cpu: float
    steps: int

    def hours(self, images: int, epochs: int) -> float:
        """Of training alone; looks at the test sample come on top of it."""
        return images * epochs / self.images / 3600


def speed(plan: Plan, classes: int, device: torch.device, seconds: float = 10.0) -> Speed:
    """Measured on random images of so many ``classes`` for about so many ``seconds``, after one step that is not
    counted; at least three steps are."""
    from riskkit.images.training import Trainer

    side = NETWORKS[plan.network].side
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trainer = Trainer(plan, classes, 0, device)
        x = torch.randn(plan.batch, 3, side, side, device=device)
        y = torch.randint(classes, (plan.batch,)).to(device)
        trainer.take(x, y)
        _wait(device)
        began, cpu, steps = time.perf_counter(), time.process_time(), 0
        while steps < 3 or time.perf_counter() - began < seconds:
            trainer.take(x, y)
            _wait(device)
            steps += 1
        images = steps * plan.batch
        return Speed(images / (time.perf_counter() - began), images / (time.process_time() - cpu), steps)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
