"""What a torch optimizer says it is."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from riskkit.conformance.rounds import Factory, Rule

DIM, REPLICATES = 4, 8


def parameters(replicates: int = REPLICATES) -> list[Tensor]:
    """theta_0 = e_1 for all replicates, as two parameters (R, d/2)."""
    start = torch.zeros(replicates, DIM, dtype=torch.float64)
    start[:, 0] = 1
    return [torch.nn.Parameter(part.clone()) for part in start.chunk(2, 1)]


@dataclasses.dataclass(frozen=True)
class Claim:
    """What an optimizer says it is: rounds of k steps of ``inner`` with alpha, and beta's penalty.

    Attributes:
        inner: makes the inner optimizer alone, on a list of parameters.
        k, alpha: k = 1 and alpha = 1 claim that the optimizer is ``inner`` itself.
        beta, anchor_every: weight of SLRLA's penalty, and None (published) or the K of the form as coded.
        momentum: what happens to the inner optimizer's first moment when a round ends.
    """

    inner: Factory
    k: int = 1
    alpha: float = 1.0
    beta: float = 0.0
    anchor_every: int | None = None
    momentum: Literal["keep", "reset", "pullback"] = "keep"

    @property
    def rule(self) -> Rule:
        """What a step does beside the inner optimizer's: k, alpha, the penalty's weight, anchor and momentum."""
        weight = self.beta if self.anchor_every is None else 2 * self.beta
        return Rule(self.k, self.alpha, weight, self.anchor_every, self.momentum)

    @property
    def described(self) -> str:
        if self.rule.plain:
            return "no rounds"
        said = f"k = {self.k}, alpha = {self.alpha:g}"
        if self.beta:
            said += f", beta = {self.beta:g}" + (
                "" if self.anchor_every is None else f" as coded, K = {self.anchor_every}"
            )
        return said


def claim_of(make: Factory) -> Claim:
    """What the optimizer that ``make`` makes says of itself: its inner optimizer, k, alpha, and SLRLA's beta."""
    made = make(parameters())
    if inner_of(made) is None:
        return Claim(make)
    k, alpha = _said(made, "lookahead_k", "k"), _said(made, "lookahead_alpha", "alpha")
    if k is None or alpha is None:
        raise ValueError(
            f"{type(made).__name__} has an inner optimizer but no k and alpha in its groups, defaults or attributes; "
            "give its function of params an attribute claim = Claim(inner, k, alpha)."
        )
    momentum = _said(made, "lookahead_momentum", "pullback_momentum")
    return Claim(
        inner=lambda params: inner_of(make(params)),  # type: ignore[arg-type, return-value]
        k=int(k),
        alpha=float(alpha),
        beta=float(_said(made, "slrla_beta") or 0),
        anchor_every=_said(made, "slrla_anchor_every"),
        momentum=momentum if momentum in ("reset", "pullback") else "keep",
    )


def inner_of(made: Any) -> Optimizer | None:
    return next((value for value in vars(made).values() if isinstance(value, Optimizer)), None)


def _said(made: Any, *names: str) -> Any:
    for place in (made.param_groups[0], getattr(made, "defaults", {}), vars(made)):
        for name in names:
            if name in place:
                return place[name]
    return None
