"""Recipes: how a network is trained, in numbers, and the one torch optimizer that carries out several at once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

from torch import Tensor
from torch.optim import Optimizer

from riskkit.algorithms.arguments import number, positive, whole
from riskkit.optim import SLRLA, Lookahead, build
from riskkit.optim.stages import BETA, EVERY

Inner = Literal["SGD", "Adam", "AdamW", "RAdam", "AdaBound", "AdaBelief"]
Wrapper = Literal["", "Lookahead", "SLRLA"]
Returned = Literal["last", "average"]
Drawing = Literal["with replacement", "without replacement"]

INNER: tuple[Inner, ...] = get_args(Inner)
"""Each acts on every number by itself, so that networks laid side by side are trained as if each were alone. LAMB does
not: it divides by the norm of all parameters together."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A method and its numbers; it is the algorithm of a trained run.

    Attributes:
        optimizer: a name of ``INNER``, built as ``riskkit.optim.build`` does.
        lr, weight_decay: of the first stage.
        wrapper: "" for none, Lookahead or SLRLA around the optimizer, with ``k`` and ``alpha``.
        beta, anchor_every: of SLRLA; ``anchor_every`` None is the published form, a number the form as coded.
        steps: minibatches, of ``batch`` examples each.
        milestones: parts of the steps after which lr is multiplied by ``factor`` and the wrapper's stage ends.
        returns: which output the method hands over: the last iterate (of a wrapper: the slow weights) or the average of
            the iterates before each step. Where it is the average, both outputs are.
        drawing: of minibatches: passes over the sample in random order, or every example by itself.

    Raises ValueError, in one line, for numbers that make no recipe.
    """

    optimizer: Inner = "SGD"
    lr: float = 0.1
    weight_decay: float = 0.0
    wrapper: Wrapper = ""
    k: int = 1
    alpha: float = 1.0
    beta: float = 0.0
    anchor_every: int | None = None
    steps: int = 1200
    batch: int = 32
    milestones: tuple[float, ...] = (0.3, 0.6, 0.8)
    factor: float = 0.2
    returns: Returned = "last"
    drawing: Drawing = "without replacement"

    def __post_init__(self) -> None:
        for name, known in (("optimizer", INNER), ("wrapper", get_args(Wrapper))):
            if getattr(self, name) not in known:
                raise ValueError(f"Recipe: {name} must be one of {', '.join(known)}; got {getattr(self, name)!r}.")
        if self.returns not in get_args(Returned) or self.drawing not in get_args(Drawing):
            raise ValueError(f"Recipe: unknown returns or drawing; got {self.returns!r} and {self.drawing!r}.")
        positive("Recipe", "lr", self.lr)
        positive("Recipe", "factor", self.factor)
        for name in ("weight_decay", "beta"):
            if not 0 <= number(getattr(self, name)) < math.inf:
                raise ValueError(f"Recipe: {name} must be a finite number >= 0; got {getattr(self, name)!r}.")
        for name, least in (("k", 1), ("steps", 1), ("batch", 1)):
            whole("Recipe", name, getattr(self, name), least)
        if not 0 < number(self.alpha) <= 1:
            raise ValueError(f"Recipe: alpha must lie in (0, 1]; got {self.alpha!r}.")
        if not self.wrapper and (self.k, self.alpha) != (1, 1.0):
            raise ValueError(f"Recipe: k and alpha need a wrapper; got k={self.k!r}, alpha={self.alpha!r} and none.")
        if self.wrapper != "SLRLA" and (self.beta or self.anchor_every is not None):
            raise ValueError(f"Recipe: beta and anchor_every need the wrapper SLRLA; got {self.wrapper or 'none'}.")
        if self.anchor_every is not None:
            whole("Recipe", "anchor_every", self.anchor_every, 1)
        if not all(0 < part < 1 for part in self.milestones) or list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"Recipe: milestones must ascend within (0, 1); got {self.milestones!r}.")

    @property
    def name(self) -> str:
        return f"{self.wrapper}({self.optimizer})" if self.wrapper else self.optimizer

    @property
    def stage_ends(self) -> list[int]:
        """The steps after which stages end."""
        ends = [round(part * self.steps) for part in self.milestones]
        return sorted({end for end in ends if 0 < end < self.steps} | {self.steps})

    @property
    def schedule(self) -> str:
        """In words, for tables."""
        falls = ", ".join(f"{part:g}" for part in self.milestones)
        return f"times {self.factor:g} after {falls} of the steps" if falls else "constant"

    def shown(self) -> dict[str, float]:
        """What tables say of it beside its name."""
        found = {"k": self.k, "alpha": self.alpha, "eta": self.lr, "beta": self.beta, "batch": self.batch}
        return {**{name: float(value) for name, value in found.items()}, "weight_decay": float(self.weight_decay)}


def optimizer_of(recipes: Sequence[Recipe], parameters: Sequence[Tensor]) -> Optimizer:
    """One optimizer with a group a recipe, each on its own one of ``parameters``, of any shape. The recipes differ in
    lr, weight_decay, alpha, beta and anchor_every alone; ValueError otherwise."""
    head = recipes[0]
    for other in recipes[1:]:
        if _family(other) != _family(head):
            raise ValueError(f"recipes of one optimizer must be of one kind; got {head.name} and {other.name}.")
    groups = []
    for recipe, tensor in zip(recipes, parameters, strict=True):
        group: dict[str, Any] = {"params": [tensor], "lr": recipe.lr, "weight_decay": recipe.weight_decay}
        if recipe.wrapper:
            group["lookahead_alpha"] = recipe.alpha
        if recipe.wrapper == "SLRLA":
            group |= {BETA: recipe.beta, EVERY: recipe.anchor_every}
        groups.append(group)
    inner = build(head.optimizer, groups, head.lr, head.weight_decay)
    if head.wrapper == "Lookahead":
        return Lookahead(inner, head.k, head.alpha)
    if head.wrapper == "SLRLA":
        return SLRLA(inner, head.k, head.alpha, head.beta, head.anchor_every)
    return inner


def _family(recipe: Recipe) -> Recipe:
    """What has to agree within one optimizer."""
    return dataclasses.replace(recipe, lr=1.0, weight_decay=0.0, alpha=1.0, k=recipe.k, beta=0.0, anchor_every=None)
