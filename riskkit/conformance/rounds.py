"""Lookahead and SLRLA written by hand around any torch optimizer, and the ways in which wrappers get them wrong.

``Staged`` is Algorithms 2 and 3 in the plainest form: lists of tensors, and nothing is saved. It takes its steps from
an inner optimizer of its own. A ``Rule`` says what happens between those steps; a wrapper's fault is another rule.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

Factory = Callable[[list[Tensor]], Optimizer]
BUFFERS = ("momentum_buffer", "exp_avg")
"""What torch's optimizers, and those written after them, call their momentum."""

AtSync = Literal["keep", "reset", "pullback", "pullback once"]


@dataclasses.dataclass(frozen=True)
class Rule:
    """What happens between the inner optimizer's steps.

    Attributes:
        k, alpha: steps of a round, and the part of the way that the slow weights go.
        weight: the penalty's gradient is weight (v - anchor): beta as published, 2 beta as coded.
        every: the anchor moves to the fast weights before every so many steps; None: to where a stage starts.
        momentum: what happens to the inner optimizer's first moment at the end of a round.
        first: alpha of the first round, if it is another one.
        phase: rounds end after steps phase, phase + k, ... instead of k, 2k, ...
        returns: whether the fast weights become the slow ones when a round ends.
        moves: whether the slow weights move.
        anchor: when the anchor moves if ``every`` is None.
    """

    k: int
    alpha: float
    weight: float = 0.0
    every: int | None = None
    momentum: AtSync = "keep"
    first: float | None = None
    phase: int = 0
    returns: bool = True
    moves: bool = True
    anchor: Literal["stage", "round", "never"] = "stage"

    @property
    def plain(self) -> bool:
        """Whether the inner optimizer is all there is."""
        return (self.k, self.alpha, self.weight) == (1, 1, 0)


class Staged:
    """A rule around the optimizer that ``make`` makes on ``params``; ``fast`` are the parameters."""

    def __init__(self, rule: Rule, make: Factory, params: list[Tensor]) -> None:
        self.rule, self.inner = rule, make(params)
        self.fast: list[Tensor] = []
        self.slow: list[Tensor] = []
        self.anchor: list[Tensor] = []
        self.cached: dict[int, Tensor] = {}
        self.count = self.total = self.round = 0
        self.enter(params)

    def enter(self, params: list[Tensor]) -> None:
        """Parameters of a group that was added to ``inner`` join the present round."""
        self.fast += params
        self.slow += [p.detach().clone() for p in params]
        self.anchor += [p.detach().clone() for p in params]

    @torch.no_grad()
    def step(self) -> None:
        if self.rule.every is not None and self.total % self.rule.every == 0:
            self._move_anchor()
        if self.rule.weight:
            for p, a in zip(self.fast, self.anchor, strict=True):
                if p.grad is not None:
                    p.grad = p.grad + self.rule.weight * (p - a)
        self.inner.step()
        self.count, self.total = self.count + 1, self.total + 1
        if self.count % self.rule.k == self.rule.phase % self.rule.k:
            self._close()

    @torch.no_grad()
    def next_stage(self) -> None:
        if self.count % self.rule.k:
            self._close()
        self.count = 0
        if self.rule.every is None and self.rule.anchor == "stage":
            self._move_anchor()

    def _move_anchor(self) -> None:
        self.anchor = [p.detach().clone() for p in self.fast]

    def _close(self) -> None:
        rule = self.rule
        alpha = rule.first if self.round == 0 and rule.first is not None else rule.alpha
        for i, p in enumerate(self.fast):
            mixed = p.clone() if alpha == 1 else (1 - alpha) * self.slow[i] + alpha * p
            if rule.returns:
                p.copy_(mixed)
            if rule.moves:
                self.slow[i] = mixed
        if rule.momentum == "reset":
            for buffer in self._buffers():
                buffer.zero_()
        elif rule.momentum == "pullback" or (rule.momentum == "pullback once" and self.round == 0):
            for i, buffer in enumerate(self._buffers()):
                buffer.copy_((1 - alpha) * self.cached.get(i, torch.zeros_like(buffer)) + alpha * buffer)
                self.cached[i] = buffer.clone()
        if rule.anchor == "round":
            self._move_anchor()
        self.round += 1

    def _buffers(self) -> list[Tensor]:
        found = [self.inner.state[p].get(name) for p in self.fast for name in BUFFERS]
        return [buffer for buffer in found if isinstance(buffer, Tensor)]


def faults(rule: Rule) -> Iterator[tuple[Rule, str]]:
    """Rules that are not ``rule``, each with the sentence that names the fault; the simplest first."""
    k, alpha, change = rule.k, rule.alpha, dataclasses.replace
    if not rule.plain:
        yield (
            change(rule, returns=False),
            "the parameters never return to the slow weights: each step is the inner optimizer's alone.",
        )
    if alpha != 1:
        copied = "copy the slow weights before the first step"
        yield change(rule, first=1.0), f"the first round has alpha = 1 instead of {alpha:g}; {copied}."
        if k > 1:
            when = f"rounds end after steps 1, {k + 1}, {2 * k + 1}, ... instead of {k}, {2 * k}, {3 * k}, ..."
            yield change(rule, phase=1), f"{when}; count the step, then test whether the round ends."
            yield (
                change(rule, phase=1, first=1.0),
                f"{when}, and the first has alpha = 1 instead of {alpha:g}; count the step, then test; {copied}.",
            )
        if alpha != 0.5:
            exchanged = f"alpha = {1 - alpha:g} instead of {alpha:g}: alpha and 1 - alpha are exchanged"
            yield change(rule, alpha=1 - alpha), f"{exchanged}."
            yield (
                change(rule, alpha=1 - alpha, first=1.0),
                f"{exchanged}, and the first round has alpha = 1.",
            )
        yield (
            change(rule, moves=False),
            "the slow weights stay at theta_0: store them when a round ends.",
        )
        for other in sorted({1, k - 1, k + 1} - {0, k}):
            yield change(rule, k=other), f"rounds have {other} step(s) instead of {k}."
    momenta: tuple[AtSync, ...] = ("keep", "reset", "pullback", "pullback once")
    words = {
        "keep": "the momentum is kept when a round ends",
        "reset": "the momentum is set to 0 when a round ends",
        "pullback": "the momentum is averaged with its slow copy when a round ends",
        "pullback once": "the momentum is averaged when the first round ends and never again: its slow copy must be no "
        "alias of the buffer",
    }
    for momentum in momenta:
        if momentum != rule.momentum:
            yield change(rule, momentum=momentum), f"{words[momentum]} (momentum={rule.momentum!r} was expected)."
    if rule.weight:
        w = rule.weight
        yield change(rule, weight=0.0), "there is no penalty: the steps are those of beta = 0."
        yield (
            change(rule, weight=2 * w),
            f"the penalty's gradient is {2 * w:g} (theta - anchor), twice that of its form.",
        )
        yield (
            change(rule, weight=w / 2),
            f"the penalty's gradient is {w / 2:g} (theta - anchor), half that of its form.",
        )
        yield change(rule, weight=-w), "the penalty has the wrong sign: it pushes away from the anchor."
        if rule.every is None:
            yield change(rule, anchor="never"), "the anchor never moves; a stage's anchor is the point where it starts."
            yield change(rule, anchor="round"), "the anchor moves every round instead of once a stage."
            yield (
                change(rule, weight=2 * w, every=k),
                "it is the form as coded (2 beta, the anchor moves every k steps), not the published one.",
            )
        else:
            yield change(rule, every=None), f"the anchor does not move every {rule.every} steps, but once a stage."
            yield change(rule, every=None, anchor="never"), "the anchor never moves."
            yield change(rule, every=None, weight=w / 2), "it is the published form, not the one as coded."
