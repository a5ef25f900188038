"""How a network is trained: the numbers of the paper's code, each of which may be changed, and the optimizer they make.

    SGD, SLA, SLRLA   lr .1, weight decay .001, momentum .9, batch 128, factor .2 after .3, .6 and .8 of the epochs,
                      k = 5, alpha = .8; SLRLA as coded (``riskkit.optim``) with beta = .2 and a new anchor every 5
                      steps; crop of 32 x 32 after padding by 4, flip, normalized; 100 epochs, 200 for ImageNet
    AdamW             lr .0003, weight decay 1: the best values of Lookahead's authors on CIFAR
    the others        state no lr and weight decay of their own for these rows; they have to be given

Sources: Zhou et al., NeurIPS 2021, supplement, and sail-sg/SLRLA-optimizer, README and ``main.py``; Zhang, Lucas, Ba,
Hinton, NeurIPS 2019. For ImageNet the sources give the epochs alone; the other numbers are then those of CIFAR.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterable
from typing import Any, Literal, get_args

from torch import Tensor
from torch.optim import Optimizer

from riskkit.algorithms.arguments import number, positive, whole
from riskkit.images.networks import NETWORKS
from riskkit.optim import TABLE3, build

Precision = Literal["float32", "bfloat16"]

SETTLED = {"SGD": (0.1, 1e-3), "SLA": (0.1, 1e-3), "SLRLA": (0.1, 1e-3), "AdamW": (3e-4, 1.0)}
"""lr and weight decay where a source has them."""
WRAPPED = ("SLA", "SLRLA")


@dataclasses.dataclass(frozen=True)
class Plan:
    """One row of a table, but for its seed.

    Attributes:
        network: a name of ``NETWORKS``.
        optimiser: a name of ``riskkit.optim.TABLE3``.
        lr, weight_decay: at first; 0 decay for none.
        epochs, batch: passes over the training set, images in a step.
        milestones, factor: parts of the epochs after which lr is multiplied, and stages end.
        k, alpha: of SLA and SLRLA.
        beta, anchor_every: of SLRLA; ``anchor_every`` 0 is the published form.
        padding, flip: pixels of black around an image of which a random part is cut; whether half are flipped.
        precision: of the forward pass, by torch's autocast; weights are float32.
        channels_last: the order of numbers in memory.
        statistics: batches of training images from which batch norm's statistics are computed again for slow weights;
            0: they are those of the fast weights.

    Raises ValueError, in one line, for a name that is unknown and for numbers that make no sense.
    """

    network: str
    optimiser: str
    lr: float
    weight_decay: float
    epochs: int = 100
    batch: int = 128
    milestones: tuple[float, ...] = (0.3, 0.6, 0.8)
    factor: float = 0.2
    k: int = 5
    alpha: float = 0.8
    beta: float = 0.2
    anchor_every: int = 5
    padding: int = 4
    flip: bool = True
    precision: Precision = "float32"
    channels_last: bool = False
    statistics: int = 50

    def __post_init__(self) -> None:
        for name, known in (("network", NETWORKS), ("optimiser", TABLE3), ("precision", get_args(Precision))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")
        positive("train", "lr", self.lr)
        positive("train", "factor", self.factor)
        for name in ("weight_decay", "beta"):
            if not 0 <= number(getattr(self, name)) < math.inf:
                raise ValueError(f"{name} must be a finite number >= 0; got {getattr(self, name)!r}.")
        for name, least in (("epochs", 1), ("batch", 2), ("k", 1), ("anchor_every", 0), ("padding", 0)):
            whole("train", name, getattr(self, name), least)
        whole("train", "statistics", self.statistics, 0)
        if not 0 < number(self.alpha) <= 1:
            raise ValueError(f"alpha must lie in (0, 1]; got {self.alpha!r}.")
        if not all(0 < part < 1 for part in self.milestones) or list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones must ascend within (0, 1); got {self.milestones!r}.")

    @property
    def stage_ends(self) -> set[int]:
        """Epochs after which lr falls."""
        return {round(part * self.epochs) for part in self.milestones} - {0, self.epochs}

    def optimizer(self, parameters: Iterable[Tensor]) -> Optimizer:
        """On parameters of any shape, built as ``riskkit.optim.build`` does."""
        numbers = {"k": self.k, "alpha": self.alpha, "beta": self.beta, "anchor_every": self.anchor_every or None}
        return build(self.optimiser, parameters, self.lr, self.weight_decay, **numbers)  # type: ignore[arg-type]

    def identity(self) -> dict[str, Any]:
        """Every number that matters to the method that is named."""
        found = dataclasses.asdict(self)
        found["milestones"] = list(self.milestones)
        if self.optimiser not in WRAPPED:
            for name in ("k", "alpha", "statistics"):
                del found[name]
        if self.optimiser != "SLRLA":
            del found["beta"], found["anchor_every"]
        return found

    def changed(self) -> list[str]:
        """Names of the numbers that are not those of the sources; precision and memory order do not count."""
        standard = settled(self.network, self.optimiser)
        own = self.identity()
        loose = ("precision", "channels_last", "statistics")
        unsettled = [] if standard else ["lr", "weight_decay"]
        reference = (standard or settled(self.network, "SGD")).identity()  # type: ignore[union-attr]
        return [
            name
            for name, value in own.items()
            if name not in loose
            and name not in ("network", "optimiser")
            and (name in unsettled or (name in reference and reference[name] != value))
        ]


def settled(network: str, optimiser: str) -> Plan | None:
    """The sources' plan; None where they leave lr and weight decay open."""
    if optimiser not in SETTLED:
        return None
    lr, decay = SETTLED[optimiser]
    return Plan(network, optimiser, lr, decay, epochs=standard_epochs(network))


def standard_epochs(network: str) -> int:
    return 200 if network == "resnet18-imagenet" else 100


def key(seed: int, purpose: str, index: int = 0) -> int:
    """The seed of one use of random numbers: nothing depends on what was drawn before."""
    digest = hashlib.sha256(f"{seed}|{purpose}|{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
