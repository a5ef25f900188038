"""SLRLA around any torch optimizer (Algorithm 3): stages of Lookahead, pulled towards an anchor.

Published: the loss of a stage has the penalty (beta/2) ||v - anchor||^2, whose gradient is beta (v - anchor). The
anchor moves once a stage, to where the stage starts.

As coded in the authors' repository: the penalty is beta ||v - anchor||^2, whose gradient is 2 beta (v - anchor). The
anchor moves to the fast weights before every K-th step.

Source: Zhou et al., NeurIPS 2021, Algorithm 3; sail-sg/SLRLA-optimizer, ``main.py``.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from riskkit.optim.rounds import ALPHA, MOMENTUM, STEP, Closure, Group, K, Lookahead, Momentum, _number, _on_cpu

ANCHOR = "slrla_anchor"
"""Key of a parameter's state."""
BETA, EVERY, TOTAL = "slrla_beta", "slrla_anchor_every", "slrla_step"
"""Keys of a group; ``TOTAL`` counts the steps of the inner optimizer in all stages."""


class SLRLA(Lookahead):
    """SLRLA: Lookahead in stages, with a penalty on the distance to the stage's start; ``next_stage()`` ends a stage.

    Args:
        inner, k, alpha, momentum: as for ``Lookahead``.
        beta: weight of the penalty, at least 0. 0 is stagewise Lookahead, without a cost.
        anchor_every: None is the published form. A whole number K >= 1 is the form as coded: its gradient has a factor
            2, and ``next_stage()`` leaves the anchor alone.

    The penalty's gradient is added to ``.grad`` for the inner optimizer's step alone, after clipping and unscaling;
    weight decay is the inner optimizer's. ``.grad`` is afterwards what it was, and a closure's loss is returned without
    the penalty. On a CPU this keeps the memory of one more gradient. With ``maximize=True`` the penalty is subtracted
    from the objective.

    A group's own ``slrla_beta`` and ``slrla_anchor_every`` override these. Raises as ``Lookahead`` does; ``step``
    raises RuntimeError where beta was raised from 0 inside a stage, and ValueError for a sparse gradient with beta > 0.
    """

    def __init__(
        self,
        inner: Optimizer,
        k: int,
        alpha: float,
        beta: float,
        anchor_every: int | None = None,
        momentum: Momentum = "keep",
    ) -> None:
        own = {BETA: beta, EVERY: anchor_every, TOTAL: 0}
        self._begin(inner, {K: k, ALPHA: alpha, MOMENTUM: momentum, STEP: 0, **own})

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._kept: dict[Tensor, Tensor] = {}  # memory for gradients with the penalty; part of no copy

    def _check(self, group: Group) -> None:
        super()._check(group)
        if not 0 <= _number(group[BETA]) < math.inf:
            raise ValueError(f"SLRLA: beta must be a finite number >= 0; got {group[BETA]!r}.")
        if group[EVERY] is not None:
            every = _number(group[EVERY])
            if not (1 <= every < math.inf and every == math.floor(every)):
                raise ValueError(f"SLRLA: anchor_every must be None or a whole number >= 1; got {group[EVERY]!r}.")

    def _open(self, group: Group) -> None:
        super()._open(group)
        moves = group[STEP] == 0 if group[EVERY] is None else group[TOTAL] % group[EVERY] == 0
        for p in self._enrolled(group):
            state = self.state[p]
            if group[BETA] == 0:
                state.pop(ANCHOR, None)
            elif moves:
                if ANCHOR in state:
                    state[ANCHOR].copy_(p)
                else:
                    state[ANCHOR] = p.clone()
            elif ANCHOR not in state:
                raise RuntimeError(
                    f"SLRLA: beta was raised from 0 to {group[BETA]:g} inside a stage, where no anchor is known; call "
                    "next_stage() first, or start from a small beta."
                )

    def _enrol(self, group: Group, p: Tensor, start: Tensor) -> None:
        super()._enrol(group, p, start)
        if group[BETA]:
            self.state[p][ANCHOR] = start.clone()

    def _count(self, group: Group) -> None:
        super()._count(group)
        group[TOTAL] += 1

    def _advance(self, closure: Closure | None, fresh: dict[Tensor, Tensor]) -> Any:
        if not any(group[BETA] for group in self.param_groups):
            self._kept = {}
            return super()._advance(closure, fresh)
        given: list[tuple[Tensor, Tensor]] = []  # parameters and their gradients without the penalty

        def penalize() -> None:
            for group in self.param_groups:
                if group[BETA]:
                    given.extend(self._penalized(group, fresh))

        def restore() -> None:
            for p, gradient in given:
                p.grad = gradient
            given.clear()

        def penalized() -> Any:
            restore()
            loss = closure()  # type: ignore[misc]
            with torch.no_grad():
                penalize()
            return loss

        try:
            if closure is None:
                penalize()
                return super()._advance(None, fresh)
            return super()._advance(penalized, fresh)
        finally:
            restore()

    def _penalized(self, group: Group, fresh: dict[Tensor, Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Puts gradients with the penalty in place of those that are there, which it returns with their parameters."""
        weight = group[BETA] if group[EVERY] is None else 2 * group[BETA]
        weight = -weight if group.get("maximize", getattr(self.inner, "maximize", False)) else weight
        found: list[tuple[Tensor, Tensor]] = []
        for p in group["params"]:
            if p.grad is None:
                continue
            if p.grad.is_sparse:
                raise ValueError(
                    "SLRLA: the penalty needs dense gradients; got a sparse one. Set beta = 0 for its group."
                )
            found.append((p, p.grad))
        if found:
            points = [p for p, _ in found]
            anchors = [fresh[p] if p in fresh else self.state[p][ANCHOR] for p in points]
            for p, pull in zip(points, self._pulls(points, anchors, [g for _, g in found], weight), strict=True):
                p.grad = pull
        return found

    def _pulls(
        self, points: list[Tensor], anchors: list[Tensor], gradients: list[Tensor], weight: float
    ) -> list[Tensor]:
        """gradient + weight (point - anchor). A CPU's memory is slow to get and to give back: there it is kept."""
        if not _on_cpu(points):
            pulls = torch._foreach_sub(points, anchors)
            torch._foreach_mul_(pulls, weight)
            torch._foreach_add_(pulls, gradients)
            return list(pulls)
        kept = self._kept
        for p, a, g in zip(points, anchors, gradients, strict=True):
            pull = kept.get(p)
            if pull is None or pull.dtype != p.dtype or pull.shape != p.shape:
                pull = kept[p] = torch.empty_like(p)
            torch.sub(p, a, out=pull)
            torch.add(g, pull, alpha=weight, out=pull)
        return [kept[p] for p in points]
